/** What a person has typed and not saved: kept as they type, and put beside what the file says meanwhile. */
import { DOCUMENT_BYTES } from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument } from "../records.ts";
import {
  type DocumentDraft,
  dropDraft,
  findDraft,
  listDrafts,
  putDraft,
} from "../store/document_drafts.ts";
import { findDocument, getDocument } from "../store/documents.ts";
import { type DocumentSpot, getSpot } from "../store/documents_gone.ts";
import { type MergedText, mergeTexts } from "./document_merge.ts";
import { createDocument, type OpenDocument, openDocument } from "./documents.ts";
import { textOfVersion } from "./document_versions.ts";

/** Most drafts of one person that are listed. */
export const DRAFTS_LISTED = 200;

/**
 * Keeps what is typed; on the disk when it returns. `seen`: version of the text that was opened. The file is only
 * looked at when a draft begins, so that this is quick; where it is gone, the draft is kept by its path all the same.
 * Throws `not_found` for an id that no document has or had, `invalid` for its size.
 */
export async function keepDraft(
  app: App,
  id: string,
  { text, seen }: { text: string; seen: string },
  signal: AbortSignal,
): Promise<DocumentSpot> {
  if (!text.isWellFormed()) {
    throw new AppError("invalid", "Cannot keep the draft: it has characters that are no text");
  }
  if (text.length > DOCUMENT_BYTES) {
    throw new AppError(
      "invalid",
      `Cannot keep the draft: it is longer than ${DOCUMENT_BYTES} characters`,
    );
  }
  const before = findDraft(app.db, getSpot(app.db, id), app.actor);
  // What is typed goes on from the draft, whatever the file says by now: until it is saved, the two meet each time.
  const from = before ?? { seen, base: await baseOf(app, id, seen, signal) };
  // The look at the file may have found it elsewhere, or gone.
  const spot = getSpot(app.db, id);
  transact(app, (tx) => putDraft(tx, spot, { text, seen: from.seen, base: from.base }));
  return spot;
}

async function baseOf(app: App, id: string, seen: string, signal: AbortSignal) {
  try {
    const { document, text } = await openDocument(app, id, signal);
    return document.version === seen ? text : null;
  } catch (error) {
    // Neither a file that is gone nor one that can't be read is a reason to lose what was typed.
    if (error instanceof AppError && ["not_found", "conflict"].includes(error.code)) return null;
    throw error;
  }
}

/** This person's draft; null: none, or it says what the file says. */
export function draftOf(
  { db, actor }: Pick<App, "db" | "actor">,
  document: PlanningDocument,
  present: string,
): DocumentDraft | null {
  const draft = findDraft(db, document, actor);
  return draft && draft.text !== present ? draft : null;
}

/** Throws away what was typed. No-op where nothing was. */
export function discardDraft(app: App, id: string): void {
  const spot = getSpot(app.db, id);
  transact(app, (tx) => dropDraft(tx, spot));
}

// ------------------------------------------------------------------ without a document

/** A draft whose document is gone. */
export interface LostDraft {
  path: string;
  text: string;
  updatedAt: string;
}

/** This person's drafts in a project, the newest first: of documents, and those whose documents are gone. */
export function draftsOf({ db, actor }: Pick<App, "db" | "actor">, projectId: string) {
  const all = listDrafts(db, projectId, actor, DRAFTS_LISTED);
  return {
    placed: all.filter(({ documentId }) => documentId !== null),
    lost: all.filter(({ documentId }) => documentId === null).flatMap(({ path }): LostDraft[] => {
      const draft = findDraft(db, { projectId, path }, actor);
      return draft ? [{ path, text: draft.text, updatedAt: draft.updatedAt }] : [];
    }),
  };
}

/** Throws `not_found` where this person typed nothing for that path, or a document is there by now. */
function getLostDraft({ db, actor }: App, projectId: string, path: string): LostDraft {
  const draft = findDraft(db, { projectId, path }, actor);
  if (draft && findDocument(db, projectId, path) === null) {
    return { path, text: draft.text, updatedAt: draft.updatedAt };
  }
  throw new AppError("not_found", `There is no draft of "${path}" without a document`);
}

/**
 * Makes a document of a draft whose own is gone: `path` is the same, which brings it back under its id, or another.
 * Throws `not_found` where there is no such draft, and as `createDocument`; the draft stays then.
 */
export async function saveLostDraft(
  app: App,
  projectId: string,
  { draft: of, path }: { draft: string; path: string },
  signal: AbortSignal,
): Promise<OpenDocument> {
  const { text } = getLostDraft(app, projectId, of);
  const made = await createDocument(app, { projectId, path, text }, signal);
  transact(app, (tx) => dropDraft(tx, { projectId, path: of }));
  return made;
}

/** Throws away a draft whose document is gone. Throws `not_found` where there is none. */
export function discardLostDraft(app: App, projectId: string, path: string): LostDraft {
  const draft = getLostDraft(app, projectId, path);
  transact(app, (tx) => dropDraft(tx, { projectId, path }));
  return draft;
}

// ------------------------------------------------------------------ beside the file

/** What a person typed beside what the file says now, both made from one text. */
export interface DocumentMeeting {
  /** What both began with; null: nobody knows any more. */
  base: string | null;
  present: string;
  merged: MergedText | null;
}

/** `seen`: version of the text that was opened. */
export async function meet(
  app: App,
  id: string,
  { text: mine, seen, present }: { text: string; seen: string; present: string },
  signal: AbortSignal,
): Promise<DocumentMeeting> {
  const document = getDocument(app.db, id);
  const draft = findDraft(app.db, document, app.actor);
  const base = draft?.seen === seen && draft.base !== null
    ? draft.base
    : await textOfVersion(app, document, seen, signal);
  const merged = base === null ? null : mergeTexts({ mine, base, theirs: present });
  return { base, present, merged };
}
