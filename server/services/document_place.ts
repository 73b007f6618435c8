/** Where a project's documents are right now: in the person's folder, or on the base branch that is not checked out there. */
import {
  documentBlob,
  isCheckedOut,
  listDocumentsAt,
  listTemplatesAt,
  readBlobs,
} from "../../agents/git/document_branch.ts";
import { blobIdOfBytes, readBlobBytes } from "../../agents/git/file_commit.ts";
import type { PlainFile } from "../../agents/plain_files.ts";
import { DOCUMENT_BYTES, PLANNING, TEMPLATES } from "../../agents/planning/document_paths.ts";
import {
  type DocumentFile,
  documentKind,
  listDocumentFiles,
  listTemplateFiles,
  readDocumentFile,
} from "../../agents/planning/planning_folder.ts";
import type { App } from "../app.ts";
import { AppError, messageOf } from "../errors.ts";
import type { Project } from "../records.ts";
import { documentSavesOf, requireTip, saveFile } from "./file_saves.ts";

/** A document's text. `problem`: why it can't be shown as text; then `text` is empty. */
export interface FileText {
  text: string;
  stamp: string;
  problem: string;
}

/** The documents of a project as they are at one moment. */
export interface DocumentPlace {
  /** The commit that they are in, which never changes; null: they are files, and may. */
  commit: string | null;
  /** `leftOut` gets paths that may be meant for documents and can be none, some at most. */
  list(leftOut?: string[]): Promise<DocumentFile[]>;
  /** Null: there is none of that path. Throws `conflict` for what is no plain file. */
  read(path: string): Promise<FileText | null>;
  /** The project's own templates: their texts by the names of their files. */
  templates(): Promise<Map<string, string>>;
  /** Of several that were listed, by path; those that are gone meanwhile are left out. */
  readAll(files: readonly DocumentFile[]): Promise<Map<string, FileText>>;
}

export { documentSavesOf };

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

function folderPlace(repo: string): DocumentPlace {
  return {
    commit: null,
    list: (leftOut) => Promise.resolve(listDocumentFiles(repo, leftOut)),
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
  return file && decoded(file);
}

function decoded({ bytes, stamp }: PlainFile): FileText {
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  return asText(text, stamp, () => isSameBytes(new TextEncoder().encode(text), bytes));
}

const isSameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

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
      return [path, blobText(text ?? "", stamp)];
    }));
  };
  return {
    commit: tip,
    list: (leftOut) => listDocumentsAt(repo, tip, signal, leftOut),
    async read(path) {
      const blob = await documentBlob(repo, tip, path, signal);
      return blob === null ? null : await readBlobText(repo, blob, signal);
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

/** A committed document's text, or why there is none. */
export async function readBlobText(
  repo: string,
  blob: string,
  signal: AbortSignal,
): Promise<FileText> {
  const bytes = await readBlobBytes(repo, blob, { maxBytes: DOCUMENT_BYTES, signal });
  return bytes === null
    ? { text: "", stamp: blob, problem: TOO_LARGE }
    : decoded({ bytes, stamp: blob });
}

const blobText = (text: string, blob: string): FileText =>
  asText(text, blob, () => blobIdOfBytes(new TextEncoder().encode(text), blob.length) === blob);

/**
 * What is no text must not be taken for one: saved again, its bytes would be others. `isWhole` is only asked about a
 * text with U+FFFD, which may be its own or stand for bytes that were no UTF-8.
 */
const asText = (text: string, stamp: string, isWhole: () => boolean): FileText =>
  text.includes("\0") || text.includes("\uFFFD") && !isWhole()
    ? { text: "", stamp, problem: "It is no text in UTF-8" }
    : { text, stamp, problem: "" };

export interface DocumentWrite {
  project: Project;
  path: string;
  /** Null: the document goes. */
  text: string | null;
  /** Told the text as it is (null: none) before anything is written; throws when it is not the one that was meant. */
  check: (present: FileText | null) => void;
  signal: AbortSignal;
}

/** Writes or removes one document where the project's setting says. Throws as `saveFile`. */
export const writeDocument = (app: App, write: DocumentWrite): Promise<void> => {
  const { project, path, text, check, signal } = write;
  return saveFile(app, {
    ...{ project, signal },
    path: `${PLANNING}/${path}`,
    shown: path,
    content: text === null ? null : new TextEncoder().encode(text),
    kind: documentKind,
    isText: true,
    check: (present) => check(present && requireReadable(path, decoded(present))),
    message: (doing) => `docs(planning): ${doing} ${path}`,
  });
};

/** What is no text is not written over: nobody has seen what it says. */
function requireReadable(path: string, present: FileText): FileText {
  if (!present.problem) return present;
  throw new AppError(
    "conflict",
    `Cannot save ${path}: there is a file already. ${present.problem}`,
  );
}
