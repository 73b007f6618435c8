/** Makes the agents, and has their confinement proven before one of them runs. */
import { setTimeout as delay } from "node:timers/promises";
import type { Brains } from "../agents/brains.ts";
import type { Hands } from "../agents/hands_client.ts";
import { createRedactor, secretsIn } from "../agents/permissions/redact.ts";
import type { ModelEndpoint, Quirk } from "../agents/protocol.ts";
import type { Agents, Confinement, RunHost } from "../agents/runtime.ts";
import type { Config } from "./config.ts";
import { SECOND_MS } from "./clock.ts";
import { messageOf } from "./errors.ts";
import type { Log } from "./log.ts";
import { machineFaultOf } from "./machine_fault.ts";
import { limitChanges } from "./services/equipment.ts";
import { whyNotShown } from "./shown_folders.ts";

/** Brains share the work of all runs; each is a thread. */
const BRAINS = 2;

export interface AgentsPlan {
  config: Config;
  /** The folder of main.ts, or of the bundle inside the executable. */
  root: URL;
  log: Log;
  host: RunHost;
  /** Brought up to date before the first agent runs. */
  confinement: Confinement;
  nowMs: () => number;
  /** The port that the server serves. */
  port: () => number;
  /** What the endpoint turned out not to take, over restarts. */
  quirks: { known: () => Quirk[]; learned: (quirk: Quirk) => void };
  /** Gaffer stops: what is not proven by then never will be. */
  signal: AbortSignal;
}

/** A machine that lacks something (room on the disk, files to open) may have it by then. */
const PROVE_AGAIN_MS = 5 * SECOND_MS;

/** `proven` resolves when it is known whether any agent may run. */
export async function startAgents(
  { config, root, log, signal, quirks, port: ownPort, ...rest }: AgentsPlan,
): Promise<{ agents: Agents; proven: Promise<unknown> }> {
  // Loaded here and not with this file: they are a quarter of the code, and the first pages don't need them.
  const [{ createBrains }, { createHands }, { createAgents }, ...gateFiles] = await Promise.all([
    import("../agents/brains.ts"),
    import("../agents/hands_client.ts"),
    import("../agents/runtime.ts"),
    import("../agents/gates/limiter.ts"),
    import("../agents/gates/leader.ts"),
  ]);
  const { dataDir, sandbox } = config;
  const compiled = Deno.build.standalone;
  const endpoint = (): ModelEndpoint =>
    config.endpoint
      ? {
        kind: "endpoint",
        ...config.endpoint,
        idleTimeoutMs: config.idleTimeoutMs,
        quirks: quirks.known(),
      }
      : { kind: "demo", paceMs: config.demoPaceMs };
  const onQuirk = quirks.learned;
  const brains = createBrains({ root, compiled, endpoint, onQuirk, size: BRAINS, log });
  const [{ RateLimiter }, { LeaderGate }] = gateFiles;
  // A clock that never goes back: what is waited for here has nothing to do with the time of day.
  const nowMs = () => performance.now();
  const gates = config.endpoint ? [new RateLimiter(nowMs), new LeaderGate(nowMs)] : [];
  const protectedPaths = [await Deno.realPath(dataDir)];
  const { toolchains } = config;
  await warnOfToolchains(config, protectedPaths, log);
  const limits = limitChanges(config.handsLimits);
  const hands = createHands({
    ...{ root, compiled, sandbox, log, protectedPaths, toolchains, limits, ownPort },
  });
  const { confinement } = rest;
  const proof = proveWhenPossible(
    async () => {
      return await learnConfinement(hands, confinement) ?? await prove(brains, hands, dataDir);
    },
    log,
    signal,
  );
  // The key has got into no sandbox: this is for what nobody has thought of.
  const { apiKey = "" } = config.endpoint ?? {};
  const smtp = config.mail && decodeURIComponent(new URL(config.mail.smtpUrl).password);
  const own = { API_KEY: apiKey, SMTP_PASSWORD: smtp ?? "" };
  const redact = createRedactor(secretsIn({ ...Deno.env.toObject(), ...own }));
  const model = modelOf(config);
  const agents = createAgents({ ...rest, log, brains, hands, gates, proof, redact, model });
  return { agents, proven: proof.then((hole) => hole && log.error(hole)) };
}

/** The paths were looked at with the configuration; where they lead, and whether they are there, only now. */
async function warnOfToolchains(
  { toolchains }: Config,
  protectedPaths: string[],
  log: Log,
): Promise<void> {
  const home = Deno.env.get("HOME") ?? "";
  for (const folder of toolchains) {
    const real = await Deno.realPath(folder).catch(() => null);
    const why = real === null
      ? "is not there"
      : protectedPaths.map((dataDir) => whyNotShown(real, { home, dataDir })).find(Boolean);
    if (why) {
      log.warn("a folder with tools is not shown in sandboxes", { folder, why: `it ${why}` });
    }
  }
}

/** What answers the agents, as people are told of it. */
export const modelOf = ({ endpoint }: Config) =>
  endpoint ? { kind: "endpoint", baseUrl: endpoint.baseUrl } as const : { kind: "demo" } as const;

/** A process that was not up in time, or said nothing: a busy machine, as one that is still starting, is slow. */
const SLOW = /in time|no answer/;
/** Then something else is the matter, and people are told. */
const SLOW_TRIES = 4;

/**
 * What was found out, unless the machine kept it from being found out: then runs wait, and it is tried again; where it
 * was only slow, a few times.
 */
export async function proveWhenPossible(
  prove: () => Promise<string | null>,
  log: Log,
  signal: AbortSignal,
  pauseMs = PROVE_AGAIN_MS,
): Promise<string | null> {
  for (let slow = 0;;) {
    const hole = await prove();
    if (hole === null || signal.aborted) return hole;
    const mayPass = machineFaultOf(hole) !== null || SLOW.test(hole) && ++slow < SLOW_TRIES;
    if (!mayPass) return hole;
    log.warn("the agents wait: their confinement can't be proven yet", { why: hole });
    await delay(pauseMs, undefined, { signal, ref: false }).catch(() => {}); // it stops
  }
}

/** At the start it may not have been tried for want of files to open. Null: it is known; otherwise why not. */
export async function learnConfinement(
  hands: Pick<Hands, "confinement">,
  confinement: Confinement,
): Promise<string | null> {
  try {
    Object.assign(confinement, await hands.confinement());
    return null;
  } catch (error) {
    return `Agents do not run: how they are confined could not be found out (${messageOf(error)})`;
  }
}

/**
 * Lets brains and hands try what they must not be able to do. Null: nothing of it worked; otherwise why no
 * agent runs. Whatever goes wrong counts as a hole: a missing flag must never fail open.
 */
async function prove(brains: Brains, hands: Hands, dataDir: string): Promise<string | null> {
  const secret = `${dataDir}/canary`;
  try {
    await Deno.writeTextFile(secret, crypto.randomUUID());
    // Something must listen, or a refused connection would look like a forbidden one.
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr;
    const holes = await Promise.all([brains.canary(secret, port), hands.canary(secret, port)]);
    const hole = holes.find((found) => found !== null);
    if (hole === undefined || hole === null) return null;
    const { UNTRIED } = await import("../agents/canary.ts");
    if (hole.startsWith(UNTRIED)) return unproven(hole.slice(UNTRIED.length));
    return `Agents do not run: their confinement has a hole (${hole})`;
  } catch (error) {
    return unproven(messageOf(error));
  } finally {
    await Deno.remove(secret).catch(() => {}); // never written, or left to be overwritten next time
  }
}

const unproven = (why: string): string =>
  `Agents do not run: their confinement could not be proven (${why})`;
