/** What this machine has to confine programs with. */
import { messageOf } from "../server/errors.ts";
import { machineFaultOf, Unavailable } from "../server/machine_fault.ts";
import { findProgram } from "./find_program.ts";
import type { Confinement } from "./runtime.ts";
import { baseArgs, type TmpLimits } from "./sandbox.ts";

const TRIAL_TIMEOUT_MS = 5_000;
/** The first page waits for the trial, so a machine that lacks something gets some seconds. */
const MAX_TRIALS = 20;
const TRIAL_AGAIN_MS = 100;

export interface FoundSandbox extends Confinement {
  /** Path of bubblewrap; null when it is not used. */
  bwrap: string | null;
  /** It can limit the size of /tmp. */
  limitsTmp: boolean;
  /** The machine has kept it from being tried: what was found says nothing, and the next who asks has it tried again. */
  untried?: true;
}

/** What bubblewrap says against working here; null: nothing. */
type TryOnce = (bwrap: string, tmp: TmpLimits | null) => Promise<string | null>;

/** Whether bubblewrap is there and works; tried once per process, and again where it could not be tried. */
export function findSandbox(mode: "auto" | "off"): Promise<FoundSandbox> {
  return mode === "off"
    ? Promise.resolve(without("The sandbox is switched off by the setting sandbox"))
    : findBubblewrap();
}

/** As it was found. Throws `unavailable` while it could not be tried: nothing may run without for that. */
export function tried(found: FoundSandbox): FoundSandbox {
  if (!found.untried) return found;
  throw new Unavailable(
    "out_of_files",
    "find out how commands are confined",
    new Error(found.hint),
  );
}

/** Remembers what was found. Parts come in made, so that tests can put others in their place. */
export function sandboxFinder(
  { bwrap = findProgram("bwrap"), tryIt = tryOnce, pauseMs = TRIAL_AGAIN_MS }: {
    bwrap?: string | null;
    tryIt?: TryOnce;
    pauseMs?: number;
  } = {},
): () => Promise<FoundSandbox> {
  let trial: Promise<FoundSandbox> | undefined;
  return () => {
    if (trial) return trial;
    const begun = tryBubblewrap(bwrap, (tmp) => trialRun(() => tryIt(bwrap!, tmp), pauseMs));
    trial = begun;
    const forget = () => trial = undefined;
    begun.then(({ untried }) => untried && forget(), forget);
    return begun;
  };
}

async function tryBubblewrap(
  bwrap: string | null,
  run: (tmp: TmpLimits | null) => Promise<string | null>,
): Promise<FoundSandbox> {
  if (Deno.build.os !== "linux") {
    return without("Commands can be sandboxed on Linux only; run Gaffer there for that");
  }
  if (!bwrap) {
    return without(
      "Install bubblewrap (apt install bubblewrap, dnf install bubblewrap, …) and start Gaffer again",
    );
  }
  const works = { kind: "bubblewrap", hint: "", bwrap } as const;
  const limited = await run({ tmpBytes: 4_096, shmBytes: 4_096 });
  if (limited === null) return { ...works, limitsTmp: true };
  const problem = lacksFiles(limited) ? limited : await run(null);
  if (problem === null) return { ...works, limitsTmp: false };
  if (lacksFiles(problem)) {
    const hint = `bubblewrap could not be tried yet: ${problem}. Agents wait until it can be`;
    return { ...without(hint), untried: true };
  }
  return without(
    `bubblewrap is installed, but it does not work here: ${problem}. Allow unprivileged user ` +
      "namespaces, then start Gaffer again",
  );
}

/** Of other faults bubblewrap speaks in its own way: "No space left" is a limit of namespaces, which stays. */
const lacksFiles = (problem: string): boolean => machineFaultOf(problem) === "out_of_files";

const without = (hint: string): FoundSandbox => ({
  kind: "process",
  hint,
  bwrap: null,
  limitsTmp: false,
});

/** Null when it worked. What the machine lacks at the moment (files to open, say) tells nothing about bubblewrap. */
async function trialRun(
  tryIt: () => Promise<string | null>,
  pauseMs: number,
): Promise<string | null> {
  for (let left = MAX_TRIALS;; left--) {
    const problem = await tryIt();
    if (problem === null || machineFaultOf(problem) === null || left === 0) return problem;
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

async function tryOnce(bwrap: string, tmp: TmpLimits | null): Promise<string | null> {
  try {
    const { success, stderr } = await new Deno.Command(bwrap, {
      args: [
        ...baseArgs(tmp),
        ...["--remount-ro", "/", "--", "/bin/sh", "-c", "exit 0"],
      ],
      clearEnv: true,
      stdin: "null",
      stdout: "null",
      stderr: "piped",
      signal: AbortSignal.timeout(TRIAL_TIMEOUT_MS),
    }).output();
    return success ? null : new TextDecoder().decode(stderr).trim().split("\n")[0] || "it failed";
  } catch (error) {
    return messageOf(error);
  }
}

const findBubblewrap = sandboxFinder();
