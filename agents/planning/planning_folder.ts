/**
 * The documents in the person's own folder: the files below `planning/`. Never through a link, not on the way there
 * and not inside, and what else lies there is neither read nor touched. Calls are synchronous, so that nothing of
 * this process happens between a look and what follows from it.
 */
import { existsSync } from "../../server/disk.ts";
import { joinRelative } from "../paths.ts";
import { lookAt, type PlainFile, readPlainFile, stampOf } from "../plain_files.ts";
import { realFolder, requireFolder } from "../plain_folders.ts";
import {
  DOCUMENT_BYTES,
  DOCUMENT_DEPTH,
  DOCUMENTS_MAX,
  isDocumentPath,
  isFolderName,
  isMeantForOne,
  LEFT_OUT_MAX,
  PLANNING,
  TEMPLATES,
  TEMPLATES_MAX,
} from "./document_paths.ts";
import { type FolderNames, folderNames } from "./folder_names.ts";

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

/**
 * Documents in the folder of a repository, in no order. `leftOut` gets paths that may be meant for documents and can be
 * none, `LEFT_OUT_MAX` at most. Throws `conflict` when `planning` is a link or a file.
 */
export function listDocumentFiles(repo: string, leftOut: string[] = []): DocumentFile[] {
  const found: DocumentFile[] = [];
  const root = findRoot(repo);
  if (root !== null) listInto({ found, leftOut }, root, "");
  return found;
}

interface Listing {
  found: DocumentFile[];
  leftOut: string[];
}

function listInto({ found, leftOut }: Listing, dir: string, below: string): void {
  const leaveOut = (path: string) => leftOut.length < LEFT_OUT_MAX && leftOut.push(path);
  const names = folderNames(dir, () => sortOut(dir, below));
  for (const { at, path } of names?.files ?? []) {
    if (found.length >= DOCUMENTS_MAX) return;
    const info = lookAt(at);
    if (info?.isFile && (info.nlink ?? 1) === 1) {
      found.push({ path, bytes: info.size, stamp: stampOf(info) });
    } else if (info) leaveOut(path);
  }
  for (const path of names?.others ?? []) leaveOut(path);
  for (const name of names?.folders ?? []) {
    listInto({ found, leftOut }, `${dir}/${name}`, joinRelative(below, name));
  }
}

function sortOut(dir: string, below: string): FolderNames {
  const others: string[] = [];
  const names: FolderNames = { folders: [], files: [], others };
  let seen = 0;
  for (const { name, isDirectory, isFile } of entriesOf(dir)) {
    if (++seen > MAX_ENTRIES) break;
    const path = joinRelative(below, name);
    // An entry tells of a link itself: it is neither.
    if (isDirectory && isFolderName(name) && path.split("/").length < DOCUMENT_DEPTH) {
      names.folders.push(name);
    } else if (isFile && isDocumentPath(path)) names.files.push({ at: `${dir}/${name}`, path });
    else if (others.length < LEFT_OUT_MAX && isMeantForOne(isDirectory ? `${path}/x.md` : path)) {
      others.push(isDirectory ? `${path}/` : path);
    }
  }
  return names;
}

/** None of a folder that is not for us, or has gone since it was listed. */
function entriesOf(dir: string): Iterable<Deno.DirEntry> {
  try {
    return [...Deno.readDirSync(dir)];
  } catch (error) {
    const isClosed = error instanceof Deno.errors.PermissionDenied ||
      error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory;
    if (!isClosed) throw error;
    return [];
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

/** What a document's file is. */
export const documentKind = {
  maxBytes: DOCUMENT_BYTES,
  folder: DOCUMENTS,
  ordinary: "an ordinary markdown file",
};

/**
 * A document's bytes and stamp; null where there is none of that path. Throws `conflict` for a link, another name of
 * a file elsewhere, or more than `DOCUMENT_BYTES`.
 */
export const readDocumentFile = (repo: string, path: string): PlainFile | null =>
  readPlainFile(repo, `${PLANNING}/${path}`, documentKind);

/** Real path of the planning folder; null: there is none yet. */
function findRoot(repo: string): string | null {
  const root = `${realFolder(repo, DOCUMENTS)}/${PLANNING}`;
  if (!existsSync(root)) return null;
  requireFolder(root, DOCUMENTS);
  return root;
}
