/**
 * Files of a project that people change through Gaffer (documents, their images, CLAUDE.md): where they are right now,
 * and how they are saved, which is as a commit on the base branch or, by the project's setting, only in the folder.
 */
import { isCheckedOut } from "../../agents/git/document_branch.ts";
import {
  blobIdOfBytes,
  commitFile,
  fileBlob,
  readBlobBytes,
} from "../../agents/git/file_commit.ts";
import { shellQuote } from "../../agents/git/git_error.ts";
import { identityOf, tipOf } from "../../agents/git/repository.ts";
import type { Signer } from "../../agents/git/signing.ts";
import {
  type PlainFile,
  type PlainKind,
  readPlainFile,
  removePlainFile,
  writePlainFile,
} from "../../agents/plain_files.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Project } from "../records.ts";
import type { DocumentSaves } from "../states.ts";
import { findDocumentSaves } from "../store/documents.ts";
import { signerOf } from "./merge_rules.ts";

/** By default saves are commits on the base branch. */
export const documentSavesOf = ({ db }: Pick<App, "db">, projectId: string): DocumentSaves =>
  findDocumentSaves(db, projectId) ?? "commit";

/** The base branch's commit. Throws `conflict` when it is gone. */
export async function requireTip(
  { path, baseBranch }: Project,
  signal: AbortSignal,
): Promise<string> {
  const tip = await tipOf(path, baseBranch, signal);
  if (tip !== null) return tip;
  throw new AppError(
    "conflict",
    `Cannot read the documents: the branch "${baseBranch}" is gone. Make it again, change the project's base ` +
      "branch, or have documents saved only in your folder",
  );
}

/** A file of the project, and what is expected of it. */
export interface ProjectFile {
  project: Project;
  /** From the repository's root; checked by the caller. */
  path: string;
  kind: PlainKind;
  signal: AbortSignal;
}

/** The file as a person sees it now; null: there is none. Throws `conflict` for what is no plain file, or too large. */
export async function readFile(app: App, file: ProjectFile): Promise<PlainFile | null> {
  const { project, path, kind, signal } = file;
  const { path: repo, baseBranch } = project;
  const inFolder = documentSavesOf(app, project.id) === "files" ||
    await isCheckedOut(repo, baseBranch, signal);
  if (inFolder) return readPlainFile(repo, path, kind);
  const blob = await fileBlob(repo, await requireTip(project, signal), path, signal);
  if (blob === null) return null;
  const bytes = await readBlobBytes(repo, blob, { maxBytes: kind.maxBytes, signal });
  if (bytes !== null) return { bytes, stamp: blob };
  throw new AppError(
    "conflict",
    `Cannot open ${path}: it is larger than ${
      kind.maxBytes / 1024
    } KB. Put ${kind.ordinary} in its place`,
  );
}

export interface FileSave extends ProjectFile {
  /** How the file is called in what a person is told; its path by default. */
  shown?: string;
  /** Git may be told to end its lines in the folder with CR and LF, and in commits with LF alone. */
  isText?: boolean;
  /** Null: the file goes. */
  content: Uint8Array | null;
  /** Told the file as it is (null: none) before anything is written; throws when it is not the one that was meant. */
  check: (present: PlainFile | null) => void;
  /** Of the commit. */
  message: (doing: "add" | "update" | "remove") => string;
}

/** What stands in the way of a save is told at most so many times anew, each time the branch has moved meanwhile. */
const TRIES = 5;

/**
 * Writes or removes one file where the project's setting says; nothing is done where it says that already. Throws
 * `conflict` where somebody's edit of it is not committed, or their folder is in the middle of a merge; then nothing
 * has changed.
 */
export async function saveFile(app: App, save: FileSave): Promise<void> {
  const { project, path, kind, content, check } = save;
  const { path: repo } = project;
  if (documentSavesOf(app, project.id) === "files") {
    const present = readPlainFile(repo, path, kind);
    check(present);
    // Nothing else of this process happens between the look and the write.
    if (isSame(present?.bytes ?? null, content)) return;
    if (content === null) removePlainFile(repo, path, kind);
    else writePlainFile(repo, path, { ...kind, bytes: content });
    return;
  }
  for (let tries = 1; tries <= TRIES; tries++) {
    if (await commitOnce(app, save)) return;
  }
  throw new AppError(
    "conflict",
    `Cannot save ${
      shownOf(save)
    }: branch "${project.baseBranch}" got other commits each time. Save again`,
  );
}

/** False: the branch has moved meanwhile. */
async function commitOnce(app: App, save: FileSave): Promise<boolean> {
  const { project, path, content, check, message, signal } = save;
  const { path: repo, baseBranch } = project;
  const tip = await requireTip(project, signal);
  const [committed, identity, signer, present] = await Promise.all([
    fileBlob(repo, tip, path, signal),
    identityOf(repo, signal),
    signerFor(app, save),
    readFile(app, save),
  ]);
  check(present);
  const asCommitted = committedForm(save, present, committed);
  if (asCommitted === null) throw unsaved(save);
  const wanted = content && asCommitted(content);
  if (isSame(present && asCommitted(present.bytes), wanted)) return true;
  const landed = await commitFile({
    ...{ repo, branch: baseBranch, tip, path, identity, signer },
    content: wanted,
    message: message(committed === null ? "add" : content === null ? "remove" : "update"),
    atSeconds: app.clock.nowMs() / 1000,
    signal,
  });
  if (landed.type === "waiting") {
    throw landed.files.includes(path) ? unsaved(save, landed.folder) : new AppError(
      "conflict",
      `Cannot save ${shownOf(save)}: ${lowerFirst(landed.reason)}`,
    );
  }
  return landed.type === "landed";
}

/** How a content stands in a commit, by how the one does that is there; null: that one is not committed. */
function committedForm(
  { isText = false }: FileSave,
  present: PlainFile | null,
  committed: string | null,
): ((bytes: Uint8Array) => Uint8Array) | null {
  const asItIs = (bytes: Uint8Array) => bytes;
  if (present === null || committed === null) return present === committed ? asItIs : null;
  return [asItIs, ...isText ? [withoutCr] : []].find((form) =>
    blobIdOfBytes(form(present.bytes), committed.length) === committed
  ) ?? null;
}

/** With lines that end with LF where they ended with CR and LF. */
const withoutCr = (bytes: Uint8Array): Uint8Array =>
  bytes.filter((byte, i) => byte !== CR || bytes[i + 1] !== LF);

const CR = 13;
const LF = 10;

/** With what merges of the project are signed, saves are, too. A key that can't be used is no fault of the file. */
async function signerFor(app: App, save: FileSave): Promise<Signer | null> {
  try {
    return await signerOf(app, save.project);
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "invalid") throw cause;
    const why = `${lowerFirst(cause.message)}. Change the key on the project's page Merging`;
    throw new AppError("conflict", `Cannot save ${shownOf(save)}: ${why}`, [], { cause });
  }
}

const isSame = (a: Uint8Array | null, b: Uint8Array | null): boolean =>
  a === null || b === null ? a === b : a.length === b.length && a.every((byte, i) => byte === b[i]);

const shownOf = ({ shown, path }: FileSave): string => shown ?? path;

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

/** `folder`: where the edit is; the base branch may be checked out in another one than the project's. */
function unsaved(save: FileSave, folder = save.project.path): AppError {
  const { project, path, content } = save;
  const where = folder === project.path ? "your folder" : `the folder "${folder}"`;
  return new AppError(
    "conflict",
    `Cannot ${content === null ? "delete" : "save"} ${
      shownOf(save)
    }: ${where} has an edit of it that is not committed. Commit or undo that first, or have ` +
      `documents saved only in your folder. See it: git -C ${shellQuote(folder)} diff HEAD -- ${
        shellQuote(path)
      }`,
  );
}
