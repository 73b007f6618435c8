/**
 * Planning documents: people open, search, make, save and delete them. A file is written first and indexed then;
 * whatever a crash leaves between the two, the next look at the files mends.
 */
import {
  DOCUMENT_BYTES,
  documentPath,
  DOCUMENTS_MAX,
} from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { approvedStatuses, type DocumentSaves, type DocumentStatus } from "../states.ts";
import { insertSave } from "../store/document_drafts.ts";
import { dropApproval } from "../store/document_drift.ts";
import {
  dropDocument,
  findDocument,
  getDocument,
  listDocuments,
  putDocumentSaves,
  searchDocuments,
} from "../store/documents.ts";
import { getSpot } from "../store/documents_gone.ts";
import { getProject } from "../store/projects.ts";
import { documentFacts, documentVersion, withStatus } from "./document_facts.ts";
import { documentsAlone, followDocuments, refreshDocument, tellStatus } from "./document_index.ts";
import { dropSaved, keepBefore } from "./document_keeping.ts";
import { pathAlike, requireOwnName } from "./document_names.ts";
import type { TypedIn } from "./document_typing.ts";
import { documentSavesOf, type FileText, writeDocument } from "./document_place.ts";

/** Most documents that a search gives. */
export const HITS_MAX = 50;

/** A document with its text as it is in its file. */
export interface OpenDocument {
  document: PlanningDocument;
  text: string;
}

// ------------------------------------------------------------------ reading

/** All documents of a project, by path, of the index as it is. */
export const documentsOf = ({ db }: Pick<App, "db">, projectId: string): PlanningDocument[] =>
  listDocuments(db, projectId, DOCUMENTS_MAX);

/** Documents with all of these words; the last may be the beginning of one. */
export function findDocuments({ db }: Pick<App, "db">, projectId: string, words: string) {
  const query = queryOf(words);
  return query === "" ? [] : searchDocuments(db, projectId, query, HITS_MAX);
}

const WORDS_MAX = 20;

/** FTS5's syntax for it, in which nothing that a person typed is an operator. */
function queryOf(words: string): string {
  const terms = (words.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).slice(0, WORDS_MAX);
  return terms.map((term, i) => `"${term}"${i === terms.length - 1 ? "*" : ""}`).join(" ");
}

/**
 * A document as its file is now, wherever it lies now. Throws `not_found` when the file is gone, `conflict` when it is
 * no text or larger than `DOCUMENT_BYTES`.
 */
export async function openDocument(
  app: App,
  id: string,
  signal: AbortSignal,
): Promise<OpenDocument> {
  const { projectId, path, gone } = getSpot(app.db, id);
  const project = getProject(app.db, projectId);
  const found = gone ? null : await refreshDocument(app, project, path, signal);
  const { document, file } = found ?? await findAgain(app, project, id, signal);
  if (file.problem) throw new AppError("conflict", `Cannot open ${document.path}: ${file.problem}`);
  return { document, text: file.text };
}

/** A document whose file was away: it may be back, or have another name. */
async function findAgain(app: App, project: Project, id: string, signal: AbortSignal) {
  await followDocuments(app, project, signal);
  const { path } = getDocument(app.db, id);
  const found = await refreshDocument(app, project, path, signal);
  if (found?.document.id === id) return found;
  throw new AppError("not_found", `Cannot open ${path}: its file is gone from the project`);
}

// ------------------------------------------------------------------ writing

/**
 * Makes a document. Throws `invalid` for its path or size, `conflict` where there is one of that path with another
 * text (the same one is taken for made before, by a request that was cut off), and as `requireOwnName`.
 */
export async function createDocument(
  app: App,
  { projectId, path: given, text }: { projectId: string; path: string; text: string },
  signal: AbortSignal,
): Promise<OpenDocument> {
  const project = requireActive(app, projectId);
  const path = documentPath(given);
  // The one of that name may be gone since the files were looked at.
  if (pathAlike(app, project.id, path) !== null) await followDocuments(app, project, signal);
  return await change(app, project, { path, text, type: "document_created" }, (present) => {
    if (present === null) return requireOwnName(app, project, path);
    if (present.text === text) return;
    throw new AppError("conflict", `Cannot make ${path}: there is such a document already`, [
      { field: "path", message: "There is such a document already" },
    ]);
  }, signal);
}

/** The text was changed after it was opened: what it is now stands in `present`, to be put beside the other. */
export class DocumentConflict extends AppError {
  constructor(path: string, readonly present: string | null) {
    super(
      "conflict",
      `Cannot save ${path}: it was ${
        present === null ? "deleted" : "changed"
      } after you opened it. Look at what it says now, then save again`,
    );
  }
}

/**
 * Saves a document. `seen`: version of the text that was opened; `typed`: the form whose text it is. Only drafts that
 * are in what is saved are dropped. Throws `DocumentConflict` where the file is another one now, `conflict` where somebody's own edit of it is not committed, `invalid` for its size; nothing is changed then.
 */
export async function saveDocument(
  app: App,
  id: string,
  { text, seen, typed }: { text: string; seen: string; typed?: TypedIn },
  signal: AbortSignal,
): Promise<OpenDocument> {
  const { projectId, path } = getDocument(app.db, id);
  const project = requireActive(app, projectId);
  const how = { path, text, type: "document_saved", typed };
  return await change(app, project, how, (present) => {
    // Saved already, by a request whose answer got lost.
    if (present?.text === text || documentVersion(present?.text ?? null) === seen) return;
    throw new DocumentConflict(path, present?.text ?? null);
  }, signal);
}

/**
 * Says in a document's front matter what its status is. Throws `conflict` when the document's front matter can't be
 * read, and as `saveDocument`.
 */
export async function setDocumentStatus(
  app: App,
  id: string,
  { status, seen }: { status: DocumentStatus; seen: string },
  signal: AbortSignal,
): Promise<OpenDocument> {
  const { document, text } = await openDocument(app, id, signal);
  if (document.version !== seen) throw new DocumentConflict(document.path, text);
  const changed = withStatus(text, status);
  if (documentFacts(document.path, changed).status !== status) {
    throw new AppError(
      "conflict",
      `Cannot set the status of ${document.path}: its front matter can't be read. Mend that first`,
    );
  }
  const saved = await saveDocument(app, id, { text: changed, seen }, signal);
  // An approval anew begins anew, also where the text had named no status meanwhile.
  if (!approvedStatuses.includes(document.status)) transact(app, (tx) => dropApproval(tx, id));
  return saved;
}

const CHECK_ITEM = /^(\s*(?:>\s*)*(?:[-*+]|\d{1,9}[.)])\s+\[)([ xX])(\]\s)/;

/**
 * Ticks an item of a checklist, or unticks it. `line`: of the file, counted from 0. Throws `conflict` when that line is
 * no item, and as `saveDocument`.
 */
export async function tickItem(
  app: App,
  id: string,
  { line, seen }: { line: number; seen: string },
  signal: AbortSignal,
): Promise<OpenDocument> {
  const { document, text } = await openDocument(app, id, signal);
  if (document.version !== seen) throw new DocumentConflict(document.path, text);
  const lines = text.split("\n");
  const match = CHECK_ITEM.exec(lines[line] ?? "");
  if (!match) {
    throw new AppError("conflict", `Cannot tick line ${line + 1}: it is no item of a checklist`);
  }
  const [whole, before, mark, after] = match;
  lines[line] = `${before}${mark === " " ? "x" : " "}${after}${lines[line]!.slice(whole.length)}`;
  return await saveDocument(app, id, { text: lines.join("\n"), seen }, signal);
}

/** Deletes a document; its text is kept (`bringBack`). Throws as `saveDocument`. */
export async function deleteDocument(
  app: App,
  id: string,
  { seen }: { seen: string },
  signal: AbortSignal,
): Promise<void> {
  const document = getDocument(app.db, id);
  const { projectId, path } = document;
  const project = requireActive(app, projectId);
  await documentsAlone(app, project, async () => {
    const check = (present: FileText | null) => {
      if (present !== null && documentVersion(present.text) !== seen) {
        throw new DocumentConflict(path, present.text);
      }
      keepBefore(app, document, { present, text: null });
    };
    await writeDocument(app, { project, path, text: null, check, signal });
    transact(app, (tx) => {
      dropDocument(tx, document);
      tx.emit({ type: "document_deleted", projectId, data: { path } });
    });
  });
}

/** Says where a project's documents are saved from now on. */
export function setDocumentSaves(app: App, projectId: string, saves: DocumentSaves): void {
  transact(app, (tx) => {
    const { id } = getProject(tx.db, projectId);
    putDocumentSaves(tx, id, saves);
    tx.emit({ type: "document_saves_changed", projectId: id, data: { saves } });
  });
}

async function change(
  app: App,
  project: Project,
  { path, text, type, typed }: { path: string; text: string; type: string; typed?: TypedIn },
  check: (present: FileText | null) => void,
  signal: AbortSignal,
): Promise<OpenDocument> {
  requireText(path, text);
  return await documentsAlone(app, project, async () => {
    let before: FileText | null = null;
    const from = findDocument(app.db, project.id, path)?.status ?? null;
    await writeDocument(app, {
      project,
      path,
      text,
      check(present) {
        check(present);
        keepBefore(app, { projectId: project.id, path }, { present, text });
        before = present;
      },
      signal,
    });
    const was = (before as FileText | null)?.text ?? null;
    const saved = await refreshDocument(app, project, path, signal, (tx, document) => {
      settle(app, tx, document, { type, text, before: was, from, typed });
    });
    if (saved === null) {
      throw new AppError(
        "conflict",
        `Cannot find ${path} any more: it was deleted as it was saved`,
      );
    }
    return { document: saved.document, text: saved.file.text };
  });
}

/** What was typed is in the file now, and a save that is no commit is a version of its own. */
function settle(
  app: App,
  tx: Tx,
  document: PlanningDocument,
  { type, text, before, from, typed }: {
    type: string;
    text: string;
    before: string | null;
    /** What its status was; null: there was no such document. */
    from: DocumentStatus | null;
    typed: TypedIn | undefined;
  },
): void {
  const { id: documentId, projectId, path } = document;
  const isCommit = documentSavesOf(app, projectId) === "commit";
  dropSaved(tx, document, { text, typed });
  if (before === text) return;
  if (!isCommit) insertSave(tx, document, { text, by: tx.actor });
  tx.emit({ type, projectId, data: { path, documentId } });
  tellStatus(tx, document, { from });
}

function requireText(path: string, text: string): void {
  const why = new TextEncoder().encode(text).length > DOCUMENT_BYTES
    ? `It is longer than ${DOCUMENT_BYTES / 1024} KB. Split it`
    : text.includes("\0") || !text.isWellFormed()
    ? "It has characters that are no text"
    : null;
  if (why === null) return;
  throw new AppError("invalid", `Cannot save ${path}: ${why}`, [{ field: "text", message: why }]);
}

function requireActive({ db }: App, projectId: string): Project {
  const project = getProject(db, projectId);
  if (project.status === "active") return project;
  throw new AppError(
    "conflict",
    `Cannot change the documents of "${project.name}": the project is archived`,
  );
}
