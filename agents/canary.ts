/**
 * The canary: at start-up, hands over an empty folder try what they must not be able to do. A missing
 * flag or a broken sandbox must never fail open, and only trying shows that none is.
 */
import { SECOND_MS } from "../server/clock.ts";
import { messageOf } from "../server/errors.ts";
import type { Launcher } from "./hands_launch.ts";
import type { HandsPool } from "./hands_pool.ts";
import type { ProbeAttempt, ProbeResult } from "./protocol.ts";
import type { Confinement } from "./runtime.ts";

/** Cloud machines hand out credentials there. */
const METADATA_ADDRESS = "169.254.169.254:80";
const CANARY_WALL_MS = 30 * SECOND_MS;
/** Names of the server's environment that are looked for. */
const MAX_NAMES = 500;
/** No system takes much longer ones; where temporary files lie so deep, none is tried. */
const MAX_SOCKET_CHARS = 100;
/** How an answer begins that says why nothing could be tried. */
export const UNTRIED = "the canary could not run: ";
const WRITE_OUTSIDE = "write outside of its folder";

export interface CanaryOptions {
  pool: HandsPool;
  launcher: Launcher;
  /** A file that exists and that hands must not see, in the data folder. */
  secretFile: string;
  /** Port of this machine that answers; null to try none. */
  port: number | null;
}

/** Null: everything failed, as it must. Otherwise what could be done, or why the canary could not tell. */
export async function runCanary(
  { pool, launcher, secretFile, port }: CanaryOptions,
): Promise<string | null> {
  const { path } = await launcher.temp();
  const dir = await Deno.makeTempDir({ dir: path, prefix: "canary-" });
  const outside: Outside = {
    outsideFile: `${dir}-outside`,
    module: `${dir}-module.json`,
    socket: `${dir}-socket`,
    gitDir: `${dir}-git`,
    hook: `${dir}-git/hooks/post-checkout`,
  };
  const signal = pool.closing;
  let listener: Deno.UnixListener | undefined;
  try {
    await Deno.writeTextFile(outside.module, '"canary"');
    await Deno.mkdir(`${outside.gitDir}/hooks`, { recursive: true });
    await Deno.writeTextFile(`${outside.gitDir}/config`, "");
    if (outside.socket.length <= MAX_SOCKET_CHARS) {
      listener = Deno.listen({ transport: "unix", path: outside.socket });
    }
    const { kind } = await launcher.sandbox();
    const role = kind === "process" ? "confined" : "sandboxed";
    const hands = await pool.take({ dir, access: "write", gitDir: outside.gitDir }, role, signal);
    const attempts = canaryAttempts(kind, {
      secretFile,
      ...outside,
      port,
      secretNames: await launcher.secretNames(),
      sh: await launcher.sh(),
    });
    const answer = await hands.request({ type: "probe", attempts }, {
      signal,
      wallMs: CANARY_WALL_MS,
    });
    if (answer.type !== "probe_done") return "the canary got no answer";
    const untried = attempts.find(({ name }) => !answer.results.some((r) => r.name === name));
    if (untried) return `the canary did not try to ${untried.name}`;
    const written = await exists(outside.outsideFile) || await exists(outside.hook);
    return firstHole(kind, answer.results, written);
  } catch (error) {
    return `${UNTRIED}${messageOf(error)}`;
  } finally {
    await pool.release(dir);
    listener?.close();
    for (const path of [dir, ...Object.values(outside)]) {
      if (await exists(path)) await Deno.remove(path, { recursive: true });
    }
  }
}

/** What is made for the canary beside its place, and removed after it. */
interface Outside {
  /** A path that the server could write. */
  outsideFile: string;
  /** A file that can be imported. */
  module: string;
  /** One that answers. */
  socket: string;
  /** Of the repository that the place would belong to. */
  gitDir: string;
  hook: string;
}

interface Targets extends Outside {
  secretFile: string;
  port: number | null;
  secretNames: string[];
  sh: string;
}

function canaryAttempts(
  kind: Confinement["kind"],
  { secretFile, outsideFile, module, socket, hook, port, secretNames, sh }: Targets,
): ProbeAttempt[] {
  const attempts: ProbeAttempt[] = [
    { name: "read the data folder", action: "read", target: secretFile },
    { name: WRITE_OUTSIDE, action: "write", target: outsideFile },
    { name: "make a hook for git", action: "write", target: hook },
    {
      name: "read the data folder by way of the server's process",
      action: "read",
      target: `/proc/${Deno.pid}/root${secretFile}`,
    },
    { name: "read the data folder in a worker of its own", action: "worker", target: secretFile },
    { name: "reach the metadata address", action: "connect", target: METADATA_ADDRESS },
    { name: "read the system's passwords", action: "read", target: "/etc/shadow" },
    ...secretNames.slice(0, MAX_NAMES).map((name): ProbeAttempt => ({
      name: `see the server's environment (${name})`,
      action: "env",
      target: name,
    })),
  ];
  if (socket.length <= MAX_SOCKET_CHARS) {
    attempts.push({ name: "connect to a socket of this machine", action: "unix", target: socket });
  }
  if (port !== null) {
    const target = `127.0.0.1:${port}`;
    attempts.push({ name: "connect to this machine", action: "connect", target });
  }
  // Without one a compiled program imports what it likes; but there hands run nothing that a model wrote.
  if (kind === "bubblewrap") {
    attempts.push({ name: "import code from outside", action: "import", target: module });
  }
  // In a sandbox these are harmless: it shows system files, and commands are what it is for.
  if (kind === "process") {
    attempts.push(
      { name: "read outside of its folder", action: "read", target: "/etc/passwd" },
      { name: "read its own process", action: "read", target: "/proc/self/environ" },
      { name: "start a process", action: "run", target: sh },
    );
  }
  return attempts;
}

/**
 * In a sandbox anything may be written to a private /tmp: what counts there is whether, seen from here,
 * it left the sandbox.
 */
function firstHole(
  kind: Confinement["kind"],
  results: readonly ProbeResult[],
  outsideWritten: boolean,
): string | null {
  if (outsideWritten) return `it could ${WRITE_OUTSIDE}`;
  const hole = results.find(({ name, succeeded }) =>
    succeeded && !(kind === "bubblewrap" && name === WRITE_OUTSIDE)
  );
  return hole ? `it could ${hole.name}: ${hole.detail}` : null;
}

const exists = (path: string): Promise<boolean> => Deno.lstat(path).then(() => true, () => false);
