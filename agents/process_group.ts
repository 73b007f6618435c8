/** How programs are started at the head of a process group of their own, and ended with all of it. */
import { findProgram } from "./find_program.ts";

/** What `Deno.Command` is given: the rest of its options is the caller's. */
export interface GroupCommand {
  program: string;
  args: string[];
  detached: boolean;
}

/** Of util-linux; null on other systems, undefined until it is looked for. */
let setsid: string | null | undefined;

/**
 * `program` at the head of a group of its own, under the id of the process that is started. The runtime can do that
 * itself (`detached`), but copies the page tables of the whole server for it, on the thread that answers requests:
 * 20 ms for 400 MB, where setsid(1) takes a third of one. When there is no such program, it is setsid that ends with
 * `NO_PROGRAM`.
 */
export function inOwnGroup(program: string, args: readonly string[]): GroupCommand {
  if (setsid === undefined) setsid = findProgram("setsid");
  return setsid === null
    ? { program, args: [...args], detached: true }
    : { program: setsid, args: [program, ...args], detached: false };
}

/** What setsid(1) ends with, and begins to say, when it can't find the program. */
const NO_PROGRAM = { code: 127, words: /^setsid: failed to execute / };

/** Whether a process that ended so was one whose program is not there. */
export const hadNoProgram = (code: number, stderr: string): boolean =>
  code === NO_PROGRAM.code && NO_PROGRAM.words.test(stderr);

/** Sends a signal to a child's whole group, and to the child itself: it may not have come so far as to lead one. */
export function signalAll(child: Deno.ChildProcess, signal: Deno.Signal): void {
  signalChild(child, signal);
  signalGroup(child.pid, signal);
}

/** To what a group's leader has left in it. Nothing to do when that is gone, or not ours to end. */
export function signalGroup(leader: number, signal: Deno.Signal): void {
  try {
    Deno.kill(-leader, signal);
  } catch (error) {
    // macOS denies it when only dead ones are left.
    if (!(error instanceof Deno.errors.PermissionDenied) && !isNoSuchProcess(error)) throw error;
  }
}

/** To the child alone; nothing to do when it has ended. */
export function signalChild(child: Deno.ChildProcess, signal: Deno.Signal): void {
  try {
    child.kill(signal);
  } catch (error) {
    if (!(error instanceof TypeError) && !isNoSuchProcess(error)) throw error;
  }
}

const isNoSuchProcess = (error: unknown): boolean =>
  error instanceof Deno.errors.NotFound ||
  error instanceof Error && "code" in error && error.code === "ESRCH";
