/**
 * The documents in the person's own folder: the files below `planning/`. Never through a link, not on the way there
 * and not inside, and what else lies there is neither read nor touched. Calls are synchronous, so that nothing of
 * this process happens between a look and what follows from it.
 */
import {
  existsSync,
  readAllSync,
  removeIfThereSync,
  syncFolder,
  writeAllSync,
} from "../../server/disk.ts";
import { AppError } from "../../server/errors.ts";
import { folderOf, joinRelative, UNFINISHED_FILE } from "../paths.ts";
import { makeFolders, realFolder, requireFolder } from "../plain_folders.ts";
import {
  DOCUMENT_BYTES,
  DOCUMENT_DEPTH,
  DOCUMENTS_MAX,
  isDocumentPath,
  isFolderName,
  PLANNING,
  TEMPLATES,
  TEMPLATES_MAX,
} from "./document_paths.ts";

/** A document that is there. */
export interface DocumentFile {
  /** From `planning/`. */
  path: string;
  bytes: number;
  /** Differs as soon as the content may differ. */
  stamp: string;
}

/** Most entries of one folder that are looked at. */
const MAX_ENTRIES = 20_000;
/** In words, for who meets something else in their place. */
const DOCUMENTS = "the documents";

/** Documents in the folder of a repository, in no order. Throws `conflict` when `planning` is a link or a file. */
export function listDocumentFiles(repo: string): DocumentFile[] {
  const found: DocumentFile[] = [];
  const root = findRoot(repo);
  if (root !== null) listInto(found, root, "");
  return found;
}

function listInto(found: DocumentFile[], dir: string, below: string): void {
  let seen = 0;
  for (const { name, isDirectory, isFile } of Deno.readDirSync(dir)) {
    if (++seen > MAX_ENTRIES || found.length >= DOCUMENTS_MAX) return;
    const path = joinRelative(below, name);
    // An entry tells of a link itself: it is neither.
    if (isDirectory && isFolderName(name) && path.split("/").length < DOCUMENT_DEPTH) {
      listInto(found, `${dir}/${name}`, path);
    } else if (isFile && isDocumentPath(path)) {
      const info = lookAt(`${dir}/${name}`);
      if (info?.isFile && (info.nlink ?? 1) === 1) {
        found.push({ path, bytes: info.size, stamp: stampOf(info) });
      }
    }
  }
}

/** Names of the project's own templates. Throws `conflict` when their folder is a link or a file. */
export function listTemplateFiles(repo: string): string[] {
  const root = findRoot(repo);
  const dir = `${root}/${TEMPLATES}`;
  if (root === null || !existsSync(dir)) return [];
  requireFolder(dir, DOCUMENTS);
  return [...Deno.readDirSync(dir)].slice(0, MAX_ENTRIES)
    .filter(({ name, isFile }) => isFile && isDocumentPath(name))
    .map(({ name }) => name).sort().slice(0, TEMPLATES_MAX);
}

const stampOf = ({ mtime, size, ino }: Deno.FileInfo): string =>
  `${mtime?.getTime() ?? 0}-${size}-${ino ?? 0}`;

/** It may have been removed since the folder was read. */
function lookAt(path: string): Deno.FileInfo | null {
  try {
    return Deno.lstatSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

/**
 * A document's bytes and stamp; null where there is none of that path. Throws `conflict` for a link, another name of
 * a file elsewhere, or more than `DOCUMENT_BYTES`.
 */
export function readDocumentFile(
  repo: string,
  path: string,
): { bytes: Uint8Array<ArrayBuffer>; stamp: string } | null {
  const root = findRoot(repo);
  if (root === null) return null;
  const target = `${root}/${path}`;
  const before = lookAt(target);
  if (before === null) return null;
  requirePlain(before, path);
  using file = Deno.openSync(target, { read: true });
  const info = file.statSync();
  requirePlain(info, path);
  // It, or a folder on the way, was replaced between the two looks.
  if (info.ino !== before.ino || Deno.realPathSync(target) !== target) throw replaced(path);
  return { bytes: readAllSync(file, info.size), stamp: stampOf(info) };
}

/** Makes or replaces a document, on the disk when it returns: either all of it or, after a crash, nothing of it. */
export function writeDocumentFile(repo: string, path: string, bytes: Uint8Array): void {
  const root = makeFolders(realFolder(repo, DOCUMENTS), [PLANNING], DOCUMENTS);
  const folder = makeFolders(root, folderOf(path).split("/").filter(Boolean), DOCUMENTS);
  const target = `${root}/${path}`;
  const present = lookAt(target);
  if (present) requirePlain(present, path);
  const unfinished = `${folder}/${UNFINISHED_FILE}`;
  removeIfThereSync(unfinished);
  try {
    using file = Deno.openSync(unfinished, { write: true, createNew: true });
    if (Deno.realPathSync(unfinished) !== unfinished) throw replaced(path);
    writeAllSync(file, bytes);
    file.syncDataSync();
    Deno.renameSync(unfinished, target);
  } catch (error) {
    removeIfThereSync(unfinished);
    throw error;
  }
  syncFolder(folder);
}

/** Removes a document; its folder stays. No-op where there is none. */
export function removeDocumentFile(repo: string, path: string): void {
  const root = findRoot(repo);
  const present = root === null ? null : lookAt(`${root}/${path}`);
  if (root === null || present === null) return;
  requirePlain(present, path);
  const target = `${root}/${path}`;
  if (Deno.realPathSync(target) !== target) throw replaced(path);
  Deno.removeSync(target);
  syncFolder(folderOf(target));
}

/** Real path of the planning folder; null: there is none yet. */
function findRoot(repo: string): string | null {
  const root = `${realFolder(repo, DOCUMENTS)}/${PLANNING}`;
  if (!existsSync(root)) return null;
  requireFolder(root, DOCUMENTS);
  return root;
}

function requirePlain(info: Deno.FileInfo, path: string): void {
  const what = info.isSymlink
    ? "a symbolic link"
    : !info.isFile
    ? "no file"
    : (info.nlink ?? 1) > 1
    ? "another name of a file that may lie elsewhere"
    : info.size > DOCUMENT_BYTES
    ? `larger than ${DOCUMENT_BYTES / 1024} KB`
    : null;
  if (what === null) return;
  throw new AppError(
    "conflict",
    `Cannot open ${PLANNING}/${path}: it is ${what}. Put an ordinary markdown file in its place`,
  );
}

const replaced = (path: string): AppError =>
  new AppError(
    "conflict",
    `Cannot use ${PLANNING}/${path}: it was replaced while it was being opened. Try again`,
  );
