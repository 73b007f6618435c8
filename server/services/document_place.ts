/** Where a project's documents are right now: in the person's folder, or on the base branch that is not checked out there. */
import {
  blobIdOf,
  commitDocument,
  documentBlob,
  isCheckedOut,
  listDocumentsAt,
  listTemplatesAt,
  readBlobs,
} from "../../agents/git/document_branch.ts";
import { identityOf, tipOf } from "../../agents/git/repository.ts";
import type { Signer } from "../../agents/git/signing.ts";
import { DOCUMENT_BYTES, PLANNING, TEMPLATES } from "../../agents/planning/document_paths.ts";
import {
  type DocumentFile,
  listDocumentFiles,
  listTemplateFiles,
  readDocumentFile,
  removeDocumentFile,
  writeDocumentFile,
} from "../../agents/planning/planning_folder.ts";
import type { App } from "../app.ts";
import { AppError, messageOf } from "../errors.ts";
import type { Project } from "../records.ts";
import type { DocumentSaves } from "../states.ts";
import { findDocumentSaves } from "../store/documents.ts";
import { withoutCr } from "./document_facts.ts";
import { signerOf } from "./merge_rules.ts";

/** A document's text. `problem`: why it can't be shown as text; then `text` is empty. */
export interface FileText {
  text: string;
  stamp: string;
  problem: string;
}

/** The documents of a project as they are at one moment. */
export interface DocumentPlace {
  list(): Promise<DocumentFile[]>;
  /** Null: there is none of that path. Throws `conflict` for what is no plain file. */
  read(path: string): Promise<FileText | null>;
  /** The project's own templates: their texts by the names of their files. */
  templates(): Promise<Map<string, string>>;
  /** Of several that were listed, by path; those that are gone meanwhile are left out. */
  readAll(files: readonly DocumentFile[]): Promise<Map<string, FileText>>;
}

/** By default saves are commits on the base branch. */
export const documentSavesOf = ({ db }: Pick<App, "db">, projectId: string): DocumentSaves =>
  findDocumentSaves(db, projectId) ?? "commit";

/** Throws `conflict` when the base branch is neither checked out nor there. */
export async function documentPlace(
  app: App,
  project: Project,
  signal: AbortSignal,
): Promise<DocumentPlace> {
  const { path: repo, baseBranch } = project;
  if (documentSavesOf(app, project.id) === "files") return folderPlace(repo);
  if (await isCheckedOut(repo, baseBranch, signal)) return folderPlace(repo);
  return branchPlace(repo, await requireTip(project, signal), signal);
}

async function requireTip({ path, baseBranch }: Project, signal: AbortSignal): Promise<string> {
  const tip = await tipOf(path, baseBranch, signal);
  if (tip !== null) return tip;
  throw new AppError(
    "conflict",
    `Cannot read the documents: the branch "${baseBranch}" is gone. Make it again, change the project's base ` +
      "branch, or have documents saved only in your folder",
  );
}

function folderPlace(repo: string): DocumentPlace {
  return {
    list: () => Promise.resolve(listDocumentFiles(repo)),
    read: (path) => Promise.resolve(readFromFolder(repo, path)),
    templates: () => {
      const texts = listTemplateFiles(repo).flatMap((name): [string, string][] => {
        const file = readable(() => readFromFolder(repo, `${TEMPLATES}/${name}`), "");
        return file && !file.problem ? [[name, file.text]] : [];
      });
      return Promise.resolve(new Map(texts));
    },
    readAll: (files) => {
      const texts = files.flatMap(({ path, stamp }): [string, FileText][] => {
        const text = readable(() => readFromFolder(repo, path), stamp);
        return text === null ? [] : [[path, text]];
      });
      return Promise.resolve(new Map(texts));
    },
  };
}

function readFromFolder(repo: string, path: string): FileText | null {
  const file = readDocumentFile(repo, path);
  return file &&
    asText(new TextDecoder("utf-8", { ignoreBOM: true }).decode(file.bytes), file.stamp);
}

/** One file that can't be opened is no reason to show none. */
function readable(read: () => FileText | null, stamp: string): FileText | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    return { text: "", stamp, problem: messageOf(error) };
  }
}

function branchPlace(repo: string, tip: string, signal: AbortSignal): DocumentPlace {
  const readAll = async (files: readonly DocumentFile[]) => {
    const small = files.filter(({ bytes }) => bytes <= DOCUMENT_BYTES);
    const texts = await readBlobs(repo, small.map(({ stamp }) => stamp), signal);
    return new Map(files.map(({ path, stamp, bytes }): [string, FileText] => {
      const text = texts.get(stamp);
      if (bytes > DOCUMENT_BYTES) return [path, { text: "", stamp, problem: TOO_LARGE }];
      return [path, asText(text ?? "", stamp)];
    }));
  };
  return {
    list: () => listDocumentsAt(repo, tip, signal),
    async read(path) {
      const blob = await documentBlob(repo, tip, path, signal);
      if (blob === null) return null;
      const text = (await readBlobs(repo, [blob], signal)).get(blob) ?? "";
      return asText(text, blob);
    },
    async templates() {
      const texts = await readAll(await listTemplatesAt(repo, tip, signal));
      const whole = [...texts].filter(([, { problem }]) => !problem);
      return new Map(whole.map(([name, { text }]) => [name, text]));
    },
    readAll,
  };
}

const TOO_LARGE = `It is larger than ${DOCUMENT_BYTES / 1024} KB`;

/** What is no text must not be taken for one: saved again, its bytes would be others. */
const asText = (text: string, stamp: string): FileText =>
  /[\0\uFFFD]/.test(text)
    ? { text: "", stamp, problem: "It is no text in UTF-8" }
    : { text, stamp, problem: "" };

/** What stands in the way of a save is told at most so many times anew, each time the branch has moved meanwhile. */
const TRIES = 5;

export interface DocumentWrite {
  project: Project;
  path: string;
  /** Null: the document goes. */
  text: string | null;
  /** Told the text as it is (null: none) before anything is written; throws when it is not the one that was meant. */
  check: (present: FileText | null) => void;
  signal: AbortSignal;
}

/**
 * Writes or removes one document where the project's setting says. Throws `conflict` where somebody's edit of it is
 * not committed, or their folder is in the middle of a merge; then nothing has changed.
 */
export async function writeDocument(app: App, write: DocumentWrite): Promise<void> {
  const { project, path, text, check } = write;
  const { path: repo } = project;
  if (documentSavesOf(app, project.id) === "files") {
    const present = readFromFolder(repo, path);
    check(requireReadable(path, present));
    // Nothing else of this process happens between the look and the write.
    if (present?.text === text) return;
    if (text === null) removeDocumentFile(repo, path);
    else writeDocumentFile(repo, path, new TextEncoder().encode(text));
    return;
  }
  for (let tries = 1; tries <= TRIES; tries++) {
    if (await commitOnce(app, write)) return;
  }
  throw new AppError(
    "conflict",
    `Cannot save ${path}: branch "${project.baseBranch}" got other commits each time. Save again`,
  );
}

/** False: the branch has moved meanwhile. */
async function commitOnce(app: App, write: DocumentWrite): Promise<boolean> {
  const { project, path, text, check, signal } = write;
  const { path: repo, baseBranch } = project;
  const tip = await requireTip(project, signal);
  const [committed, identity, signer, place] = await Promise.all([
    documentBlob(repo, tip, path, signal),
    identityOf(repo, signal),
    signerFor(app, project, path),
    documentPlace(app, project, signal),
  ]);
  const present = await place.read(path);
  check(requireReadable(path, present));
  const asCommitted = committedForm(present, committed);
  if (asCommitted === null) throw unsaved(project, path, text === null);
  const wanted = text === null ? null : asCommitted(text);
  if ((present && asCommitted(present.text)) === wanted) return true;
  const landed = await commitDocument({
    repo,
    branch: baseBranch,
    tip,
    path,
    text: wanted,
    identity,
    message: messageFor(path, { isNew: committed === null, gone: text === null }),
    atSeconds: app.clock.nowMs() / 1000,
    signer,
    signal,
  });
  if (landed.type === "waiting") {
    const named = landed.files.includes(`${PLANNING}/${path}`);
    throw named
      ? unsaved(project, path, text === null)
      : new AppError("conflict", `Cannot save ${path}: ${lowerFirst(landed.reason)}`);
  }
  return landed.type === "landed";
}

/**
 * How a text stands in a commit, by how the one does that is there; null: that one is not committed. Git can be told
 * to end lines in the folder with CR and LF and in its objects with LF alone.
 */
function committedForm(
  present: FileText | null,
  committed: string | null,
): ((text: string) => string) | null {
  if (present === null || committed === null) return present === committed ? (text) => text : null;
  const forms = [(text: string) => text, withoutCr];
  return forms.find((form) => blobIdOf(form(present.text), committed.length) === committed) ?? null;
}

/** With what merges of the project are signed, saves are, too. A key that can't be used is no fault of the text. */
async function signerFor(app: App, project: Project, path: string): Promise<Signer | null> {
  try {
    return await signerOf(app, project);
  } catch (cause) {
    if (!(cause instanceof AppError) || cause.code !== "invalid") throw cause;
    const why = `${lowerFirst(cause.message)}. Change the key on the project's page Merging`;
    throw new AppError("conflict", `Cannot save ${path}: ${why}`, [], { cause });
  }
}

/** What is no text is not written over: nobody has seen what it says. */
function requireReadable(path: string, present: FileText | null): FileText | null {
  if (!present?.problem) return present;
  throw new AppError(
    "conflict",
    `Cannot save ${path}: there is a file already. ${present.problem}`,
  );
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);

function unsaved({ path: repo }: Project, path: string, removing: boolean): AppError {
  return new AppError(
    "conflict",
    `Cannot ${
      removing ? "delete" : "save"
    } ${path}: your folder has an edit of it that is not committed. Commit or ` +
      `undo that first, or have documents saved only in your folder. See it: git -C ${repo} diff -- ${PLANNING}/${path}`,
  );
}

const messageFor = (path: string, { isNew, gone }: { isNew: boolean; gone: boolean }): string =>
  `docs(planning): ${gone ? "remove" : isNew ? "add" : "update"} ${path}`;
