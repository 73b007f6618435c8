/**
 * Ordinary files of the person's own folder, reached through no link, read whole and replaced whole. Calls are
 * synchronous, so that nothing of this process happens between a look and what follows from it.
 */
import { readAllSync, removeIfThereSync, syncFolder, writeAllSync } from "../server/disk.ts";
import { AppError } from "../server/errors.ts";
import { folderOf, UNFINISHED_FILE } from "./paths.ts";
import { makeFolders, realFolder, requireFolder } from "./plain_folders.ts";

export interface PlainFile {
  bytes: Uint8Array<ArrayBuffer>;
  /** Differs as soon as the content may differ; never what `stampOf` gives where the file has just been written. */
  stamp: string;
}

/** What is expected of a file, and how it is told of. */
export interface PlainKind {
  /** Largest that is read, or written over. */
  maxBytes: number;
  /** What the folders on the way are for, in words: "the documents". */
  folder: string;
  /** What a person is asked to put in a wrong one's place: "an ordinary markdown file". */
  ordinary: string;
}

/** It may have been removed since the folder was read. */
export function lookAt(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

export const stampOf = ({ mtime, size, ino }: Deno.FileInfo): string =>
  `${mtime?.getTime() ?? 0}-${size}-${ino ?? 0}`;

/** Longer than the times of a file system stand still: those in whole seconds, and those of all others (4 to 10 ms). */
const SECONDS_TICK_MS = 2_500;
const TICK_MS = 100;
/** By so much the clock of a file system may be ahead; what lies further ahead was set by hand. */
const AHEAD_MS = 60_000;

/**
 * Stamp of a file's content that is read now. Written again within the same tick of the file system's clock and with as
 * many bytes, a file looks as it did: so a file that was just written has a stamp of its own, by which the next look
 * reads it again, as git does. `nowMs`: from before the look.
 */
function stampOfRead(info: Deno.FileInfo, nowMs: number): string {
  const writtenMs = info.mtime?.getTime() ?? 0;
  const tickMs = writtenMs % 1_000 === 0 ? SECONDS_TICK_MS : TICK_MS;
  const isFresh = nowMs - writtenMs < tickMs && writtenMs - nowMs < AHEAD_MS;
  return isFresh ? `${stampOf(info)}-fresh` : stampOf(info);
}

/**
 * `path` from `root`, checked by the caller; null where there is none. Throws `conflict` for a link, on the way there
 * too, another name of a file elsewhere, or more than `maxBytes`.
 */
export function readPlainFile(root: string, path: string, kind: PlainKind): PlainFile | null {
  const target = find(root, path, kind);
  if (target === null) return null;
  const before = lookAt(target);
  if (before === null) return null;
  requirePlain(before, path, kind);
  try {
    using file = Deno.openSync(target, { read: true });
    const nowMs = Date.now();
    const info = file.statSync();
    requirePlain(info, path, kind);
    // It, or a folder on the way, was replaced between the two looks.
    if (info.ino !== before.ino || Deno.realPathSync(target) !== target) throw replaced(path);
    return { bytes: readAllSync(file, info.size), stamp: stampOfRead(info, nowMs) };
  } catch (error) {
    // Or removed, at any moment since.
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * Makes or replaces a file, on the disk when it returns: either all of it or, after a crash, nothing of it. Whoever may
 * read, write or run the one that was there may do so with the new one.
 */
export function writePlainFile(
  root: string,
  path: string,
  { bytes, ...kind }: PlainKind & { bytes: Uint8Array },
): void {
  const real = realFolder(root, kind.folder);
  const folder = makeFolders(real, folderOf(path).split("/").filter(Boolean), kind.folder);
  const target = `${real}/${path}`;
  const present = lookAt(target);
  if (present) requirePlain(present, path, kind);
  const unfinished = `${folder}/${UNFINISHED_FILE}`;
  removeIfThereSync(unfinished);
  try {
    using file = Deno.openSync(unfinished, { write: true, createNew: true });
    if (Deno.realPathSync(unfinished) !== unfinished) throw replaced(path);
    // Windows has no such mode.
    if (present?.mode) Deno.chmodSync(unfinished, present.mode & 0o777);
    writeAllSync(file, bytes);
    file.syncDataSync();
    Deno.renameSync(unfinished, target);
  } catch (error) {
    removeIfThereSync(unfinished);
    throw error;
  }
  syncFolder(folder);
}

/** Removes a file; its folder stays. No-op where there is none. */
export function removePlainFile(root: string, path: string, kind: PlainKind): void {
  const target = find(root, path, kind);
  const present = target === null ? null : lookAt(target);
  if (target === null || present === null) return;
  requirePlain(present, path, kind);
  try {
    if (Deno.realPathSync(target) !== target) throw replaced(path);
    Deno.removeSync(target);
  } catch (error) {
    // Somebody else was quicker.
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return;
  }
  syncFolder(folderOf(target));
}

/** Real path of where it would lie; null: a folder on the way is not there. */
function find(root: string, path: string, { folder: what }: PlainKind): string | null {
  let folder = realFolder(root, what);
  for (const name of folderOf(path).split("/").filter(Boolean)) {
    folder = `${folder}/${name}`;
    try {
      requireFolder(folder, what);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }
  return `${folder}/${path.slice(path.lastIndexOf("/") + 1)}`;
}

function requirePlain(info: Deno.FileInfo, path: string, kind: PlainKind): void {
  const what = info.isSymlink
    ? "a symbolic link"
    : !info.isFile
    ? "no file"
    : (info.nlink ?? 1) > 1
    ? "another name of a file that may lie elsewhere"
    : info.size > kind.maxBytes
    ? `larger than ${kind.maxBytes / 1024} KB`
    : null;
  if (what === null) return;
  throw new AppError(
    "conflict",
    `Cannot open ${path}: it is ${what}. Put ${kind.ordinary} in its place`,
  );
}

const replaced = (path: string): AppError =>
  new AppError(
    "conflict",
    `Cannot use ${path}: it was replaced while it was being opened. Try again`,
  );
