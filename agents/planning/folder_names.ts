/**
 * What lies in a folder of documents, read anew only where something in it was made, removed or renamed since: a folder's
 * own time says so. To read and judge thousands of names takes as long as to look at the files themselves.
 */
import { lookAt } from "../plain_files.ts";

/** Names in a folder that matter, as the caller sorts them out. */
export interface FolderNames {
  folders: string[];
  files: FileName[];
  /** What may be meant for one of them, and can't be: as the caller calls it. */
  others?: string[];
}

/** Both are made once: to join, and to hash, thousands of texts anew takes as long as to compare them. */
export interface FileName {
  /** Of the system. */
  at: string;
  /** As the caller calls it. */
  path: string;
}

interface Known extends FolderNames {
  /** Of the folder, just before it was read. */
  stamp: string;
}

/** Most names that are remembered, of all folders. */
const REMEMBERED_NAMES = 30_000;
/** Coarsest time of a file system: a folder that was changed so lately may change again and look the same. */
const SETTLED_MS = 2_000;

const known = new Map<string, Known>();
let count = 0;

/** Names in `dir`; `sortOut` reads them where they are not known. `nowMs`: for tests. Null: it is no folder now. */
export function folderNames(
  dir: string,
  sortOut: () => FolderNames,
  nowMs = Date.now(),
): FolderNames | null {
  const info = lookAt(dir);
  if (!info?.isDirectory) return null;
  // When it was renamed, or its rights were changed, says the other time.
  const changedAt = Math.max(info.mtime?.getTime() ?? Infinity, info.ctime?.getTime() ?? Infinity);
  const stamp = `${info.mtime?.getTime()}-${info.ctime?.getTime()}-${info.ino}-${info.dev}`;
  const before = known.get(dir);
  if (before?.stamp === stamp) return before;
  forget(dir);
  const isSettled = nowMs - changedAt > SETTLED_MS;
  const names = sortOut();
  if (isSettled) remember(dir, { ...names, stamp });
  return names;
}

function remember(dir: string, names: Known): void {
  const more = names.folders.length + names.files.length;
  if (count + more > REMEMBERED_NAMES) {
    known.clear();
    count = 0;
  }
  if (more > REMEMBERED_NAMES) return;
  known.set(dir, names);
  count += more;
}

function forget(dir: string): void {
  const names = known.get(dir);
  if (!names) return;
  known.delete(dir);
  count -= names.folders.length + names.files.length;
}
