/**
 * Puts a commit that changes one file onto the branch that the person's folder has checked out: the file, git's index
 * and the branch move along without a process, since git's own fast-forward looks at every file of the folder. Only
 * where all is kept in the plain way and nobody else is at work; else nothing is done, and git does it, or says what is
 * in the way.
 *
 * All that is to be is written and on the disk before the first thing changes; a few renames follow, with git's own
 * locks held and nothing of this process in between. Whatever cuts them off leaves a note (`gaffer-save` in `.git`), with
 * which the next look (`finishLanding`) does the rest, or takes only the locks away where somebody went on meanwhile.
 */
import { hostname } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { MINUTE_MS, systemClock } from "../../server/clock.ts";
import { isInside } from "./contents.ts";
import { hasOwnAttributes, mayHaveAttributes } from "./attribute_files.ts";
import { configOf } from "./git.ts";
import type { Cut } from "./landing_locks.ts";
import { folderIn, isUnderWay, Landing, type Note } from "./landing_steps.ts";
import { objectId } from "./loose_objects.ts";
import { exists, lookAtSync, plainTextSync } from "./presence.ts";
import { checkBranch, checkCommit } from "./repository.ts";

/** A landing takes milliseconds: one this old was cut off, whoever has the number of its process by now. */
const STALE_MS = MINUTE_MS;

export interface FileLanding extends Omit<Note, "after" | "pid" | "host"> {
  /** Folder of the repository, with a folder `.git`, that has the branch checked out. */
  repo: string;
  content: Uint8Array<ArrayBuffer>;
  signal: AbortSignal;
}

/** True: it has landed. False: nothing has changed. Throws the signal's reason when aborted, nothing changed. */
export async function landFile(
  { repo, content, signal, ...rest }: FileLanding,
  cut?: Cut,
): Promise<boolean> {
  // There files have no numbers by which a lock is known to be ours.
  if (Deno.build.os === "windows") return false;
  if (!await isPlainPlace(repo, rest.path, signal)) return false;
  const after = objectId("blob", content, rest.tip.length);
  const landing = new Landing(repo, { ...rest, after, pid: process.pid, host: hostname() }, cut);
  if (!landing.isReady() || !landing.begin()) return false;
  try {
    const index = landing.changedIndex();
    if (index === null) return false;
    // First the note: it says whose the folder is.
    const note = JSON.stringify(landing.note);
    if (!await landing.write({ note, index, content, branch: `${rest.commit}\n` })) return false;
    signal.throwIfAborted();
    return landing.move();
  } finally {
    landing.end();
  }
}

/** Git would change nothing of the file on its way between a commit and the folder. */
async function isPlainPlace(repo: string, path: string, signal: AbortSignal): Promise<boolean> {
  const facts = await configOf(repo, signal);
  return facts !== null && facts.isPlain && !facts.changesLineEnds && !facts.namesAttributes &&
    !hasOwnAttributes() && !mayHaveAttributes(repo, [path]);
}

/**
 * Does the rest of a landing that was cut off, or takes away what it left. Starts no process; does nothing where there
 * is none, or where one is under way.
 */
export async function finishLanding(repo: string): Promise<void> {
  const folder = folderIn(repo);
  if (!await exists(folder) || isUnderWay(folder)) return;
  const note = readNote(folder);
  if (isAtWork(folder, note)) return;
  const landing = new Landing(repo, note ?? nothing);
  landing.resume();
  try {
    const index = note && landing.changedIndex();
    if (index && landing.isReady() && await landing.write({ index })) landing.move();
  } finally {
    landing.end();
  }
}

const nothing: Note = {
  ...{ branch: "", tip: "", commit: "", path: "", before: "", after: "", who: "", pid: 0 },
  host: "",
};

/** Null: it was not written whole, so that nothing has changed yet, or it is none of ours. */
function readNote(folder: string): Note | null {
  const text = plainTextSync(join(folder, "note"));
  if (text === null) return null;
  try {
    const note = { ...nothing, ...JSON.parse(text) } as Note;
    checkBranch(note.branch);
    for (const id of [note.tip, note.commit, note.before, note.after]) checkCommit(id);
    return isInside(note.path) && !/[\n\0]/.test(note.path + note.who) ? note : null;
  } catch {
    return null;
  }
}

/** Another Gaffer may have the repository, too: of this machine, or of one (or a container) that shares the disk. */
function isAtWork(folder: string, note: Note | null): boolean {
  const isOfHere = note?.host === hostname();
  if (isOfHere && note?.pid === process.pid) return false;
  // Gone since it was read: it has just ended. Without a note it has just begun, or was cut off with no lock taken.
  const { mtime } = lookAtSync(note ? join(folder, "note") : folder) ?? { mtime: new Date() };
  if (systemClock.nowMs() - (mtime?.getTime() ?? 0) > STALE_MS) return false;
  if (!isOfHere) return true;
  try {
    process.kill(note!.pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === "EPERM";
  }
}
