/** What this machine has to confine programs with. */
import { messageOf } from "../server/errors.ts";
import { machineFaultOf } from "../server/machine_fault.ts";
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
}

let trial: Promise<FoundSandbox> | undefined;

/** Whether bubblewrap is there and works; tried once per process. */
export function findSandbox(mode: "auto" | "off"): Promise<FoundSandbox> {
  if (mode === "off") {
    return Promise.resolve(without("The sandbox is switched off by the setting sandbox"));
  }
  trial ??= tryBubblewrap();
  return trial;
}

async function tryBubblewrap(): Promise<FoundSandbox> {
  if (Deno.build.os !== "linux") {
    return without("Commands can be sandboxed on Linux only; run Gaffer there for that");
  }
  const bwrap = findProgram("bwrap");
  if (!bwrap) {
    return without(
      "Install bubblewrap (apt install bubblewrap, dnf install bubblewrap, …) and start Gaffer again",
    );
  }
  const works = { kind: "bubblewrap", hint: "", bwrap } as const;
  if (await trialRun(bwrap, { tmpBytes: 4_096, shmBytes: 4_096 }) === null) {
    return { ...works, limitsTmp: true };
  }
  const problem = await trialRun(bwrap, null);
  if (problem === null) return { ...works, limitsTmp: false };
  return without(
    `bubblewrap is installed, but it does not work here: ${problem}. Allow unprivileged user ` +
      "namespaces, then start Gaffer again",
  );
}

const without = (hint: string): FoundSandbox => ({
  kind: "process",
  hint,
  bwrap: null,
  limitsTmp: false,
});

/** Null when it worked. What the machine lacks at the moment (files to open, say) tells nothing about bubblewrap. */
async function trialRun(bwrap: string, tmp: TmpLimits | null): Promise<string | null> {
  for (let left = MAX_TRIALS;; left--) {
    const problem = await tryOnce(bwrap, tmp);
    if (problem === null || machineFaultOf(problem) === null || left === 0) return problem;
    await new Promise((resolve) => setTimeout(resolve, TRIAL_AGAIN_MS));
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
