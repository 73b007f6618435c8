/** The pool of brains: starts them when there is work, spreads the loops over them, replaces those that die. */
// Deno 2.7 knows the permissions of a worker among its unstable types only.
/// <reference lib="deno.unstable" />
import { pathToFileURL } from "node:url";
import { MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import { removeIfThere } from "../server/disk.ts";
import { messageOf } from "../server/errors.ts";
import type { Log } from "../server/log.ts";
import { systemTimers, type Timers } from "../server/timers.ts";
import { type BrainHost, BrainLink } from "./brain_link.ts";
import { readFromBrain } from "./brain_messages.ts";
import type {
  ModelEndpoint,
  Quirk,
  RunEventBody,
  RunOutcome,
  RunSpec,
  ToBrain,
} from "./protocol.ts";
import { ownFile } from "./own_runtime.ts";
import { startThread } from "./thread_clock.ts";

export type { BrainHost } from "./brain_link.ts";

export interface Brains {
  /**
   * Runs a loop from its log until it ends, waits, is stopped, or its brain is lost (`retry`, `worker_lost`,
   * the first time at once). Who loses brains again and again gets one of its own, and then none (`quarantined`).
   * Rejects with what `host` threw. Once it has settled, `host` is not called again; after `signal` it settles
   * within a second, and until then only what the loop has already got is saved.
   */
  run(
    spec: RunSpec,
    log: RunEventBody[],
    elapsedMs: number,
    host: BrainHost,
    signal: AbortSignal,
  ): Promise<RunOutcome>;
  /**
   * Tries in a brain of its own what no brain may do. Null: confined; otherwise what was possible.
   * `secretFile` exists and is readable here; something may listen on `port`.
   */
  canary(secretFile: string, port: number | null): Promise<string | null>;
  /** Loops at work. */
  active(): number;
  /** Ends all brains; loops at work end as stopped. */
  close(): void;
}

export interface BrainsOptions {
  /** The program's own folder; the brain's entry lies below it. */
  root: URL;
  /** Runs as the compiled executable, where the entry is a bundle. */
  compiled: boolean;
  /** Asked for when a brain starts: what is known of it grows. */
  endpoint: ModelEndpoint | (() => ModelEndpoint);
  /** A brain found something that the endpoint does not take. */
  onQuirk?: (quirk: Quirk) => void;
  /** Most brains at a time, at least 1. */
  size: number;
  log: Log;
  /** Between two pings of a brain at work. Default `HEARTBEAT_MS`. */
  heartbeatMs?: number;
  /** How long a stopped loop may take to save what it has; less than a second. */
  stopGraceMs?: number;
  /** How long a brain without work is kept. */
  idleMs?: number;
  /** For tests; see `BrainLinkOptions`. */
  timers?: Timers;
  /** In place of the brain's own, for tests. */
  entry?: URL;
  permissions?: Deno.PermissionOptionsObject;
}

const STOP_GRACE_MS = SECOND_MS / 2;
const IDLE_MS = MINUTE_MS;
/** Brains that a run may lose before it has finished another turn. Before the last it gets one of its own. */
export const MAX_LOSSES = 3;
/** Before a run goes on that lost its brain a second time. */
const SECOND_LOSS_MS = SECOND_MS;
/** Every attempt of the canary ends within a second. */
const CANARY_TIMEOUT_MS = 30 * SECOND_MS;
/** Discard, where hardly anything listens: without a port of our own the attempt is still made. */
const CANARY_PORT = 9;

/**
 * All that a brain may do. Each is named: what is left out of a worker's options is inherited, and the server
 * may do everything. The SDK's constructor asks for that one variable.
 */
export function brainPermissions(endpoint: ModelEndpoint): Deno.PermissionOptionsObject {
  return {
    read: false,
    write: false,
    run: false,
    sys: false,
    ffi: false,
    import: false,
    env: ["ANTHROPIC_CUSTOM_HEADERS"],
    net: endpoint.kind === "demo" ? false : [hostAndPort(endpoint.baseUrl)],
  };
}

export function createBrains(options: BrainsOptions): Brains {
  const { compiled, size, log } = options;
  const endpoint = () =>
    typeof options.endpoint === "function" ? options.endpoint() : options.endpoint;
  const { heartbeatMs, stopGraceMs = STOP_GRACE_MS, idleMs = IDLE_MS } = options;
  const entry = options.entry ??
    ownFile("agents/brain", options.root);
  const permissions = options.permissions ?? brainPermissions(endpoint());
  const spawn = () => new Worker(entry, { type: "module", deno: { permissions } });
  const links = new Set<BrainLink>();
  const alone = new Set<BrainLink>();
  const reaper = new Map<BrainLink, ReturnType<typeof setTimeout>>();
  /** Brains lost in a row, by run. */
  const losses = new Map<string, number>();
  let closed = false;

  /** The one with the least to do, or a new one as long as there may be more. */
  function choose(): BrainLink {
    const shared = [...links].filter((link) => !alone.has(link));
    const [best] = shared.sort((a, b) => a.active - b.active);
    if (best && (best.active === 0 || shared.length >= size)) return best;
    return start();
  }

  function start(): BrainLink {
    const link: BrainLink = new BrainLink({
      ...startThread(spawn),
      endpoint: endpoint(),
      onQuirk: options.onQuirk,
      heartbeatMs,
      stopGraceMs,
      timers: options.timers ?? systemTimers,
      log,
      onLost: () => forget(link),
      onLoopEnd() {
        alone.delete(link);
        keepForAWhile(link);
      },
    });
    links.add(link);
    return link;
  }

  function forget(link: BrainLink): void {
    clearTimeout(reaper.get(link));
    reaper.delete(link);
    links.delete(link);
    alone.delete(link);
  }

  /** The brain of a run that may be what others die of: nobody shares it. */
  function chooseAlone(): BrainLink {
    const link = start();
    alone.add(link);
    return link;
  }

  /** The outcome with what is known of the run's earlier brains. */
  function countLosses(runId: string, outcome: RunOutcome, gotOn: boolean): RunOutcome {
    const isLost = outcome.type === "retry" && outcome.reason === "worker_lost";
    if (!isLost || outcome.afterMs === null) {
      losses.delete(runId);
      return outcome;
    }
    const count = (gotOn ? 0 : losses.get(runId) ?? 0) + 1;
    losses.set(runId, count);
    if (count < MAX_LOSSES) return { ...outcome, afterMs: count === 1 ? 0 : SECOND_LOSS_MS };
    losses.delete(runId);
    const message = `${outcome.message}. The run has lost ${MAX_LOSSES} in a row, and is given up`;
    return { type: "failed", reason: "quarantined", message };
  }

  function keepForAWhile(link: BrainLink): void {
    if (link.active > 0 || !links.has(link)) return;
    clearTimeout(reaper.get(link));
    reaper.set(
      link,
      setTimeout(() => {
        if (link.active > 0) return;
        forget(link);
        link.close();
      }, idleMs),
    );
  }

  return {
    async run(spec, runLog, elapsedMs, host, signal) {
      if (closed || signal.aborted) return { type: "stopped" };
      const { runId } = spec;
      const link = losses.get(runId) === MAX_LOSSES - 1 ? chooseAlone() : choose();
      let gotOn = false;
      const outcome = await link.run({ spec, log: runLog, elapsedMs }, {
        ...host,
        async append(event) {
          await host.append(event);
          gotOn ||= event.type === "turn_finished" || event.type === "compacted";
        },
      }, signal);
      return countLosses(runId, outcome, gotOn);
    },
    canary: (secretFile, port) => probe(spawn, secretFile, port ?? CANARY_PORT, compiled),
    active: () => [...links].reduce((sum, link) => sum + link.active, 0),
    close() {
      closed = true;
      for (const link of links) {
        forget(link);
        link.close();
      }
    },
  };
}

function hostAndPort(address: string): string {
  const { hostname, port, protocol } = new URL(address);
  return `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
}

async function probe(
  spawn: () => Worker,
  file: string,
  port: number,
  compiled: boolean,
): Promise<string | null> {
  // A compiled program never checks imports, so there the attempt would say nothing new: no code of the brain
  // imports what it is told. Elsewhere the module must exist, or its absence would pass for a denial.
  const module = compiled ? null : `${file}.ts`;
  const worker = spawn();
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const timer = setTimeout(() => resolve("no answer"), CANARY_TIMEOUT_MS);
  worker.onerror = (event) => {
    event.preventDefault();
    resolve(`it could not be tried: ${event.message}`);
  };
  worker.onmessage = ({ data }) => {
    const message = readFromBrain(data);
    if (message?.type === "probed") return resolve(message.holes.join(", ") || null);
    resolve(message?.type === "fault" ? `it could not be tried: ${message.message}` : "no answer");
  };
  try {
    if (module) await Deno.writeTextFile(module, "export {};\n");
    const targets = { file, port, module: module && pathToFileURL(module).href };
    worker.postMessage({ type: "probe", targets } satisfies ToBrain);
    return await promise;
  } catch (error) {
    return `it could not be tried: ${messageOf(error)}`;
  } finally {
    clearTimeout(timer);
    worker.terminate();
    for (const left of [module, `${file}.written`]) if (left) await removeIfThere(left);
  }
}
