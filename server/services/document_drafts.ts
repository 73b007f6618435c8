/** What a person has typed and not saved: kept as they type, and put beside what the file says meanwhile. */
import { DOCUMENT_BYTES } from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument } from "../records.ts";
import { type DocumentDraft, dropDraft, findDraft, putDraft } from "../store/document_drafts.ts";
import { getDocument } from "../store/documents.ts";
import { type MergedText, mergeTexts } from "./document_merge.ts";
import { openDocument } from "./documents.ts";
import { textOfVersion } from "./document_versions.ts";

/**
 * Keeps what is typed; on the disk when it returns. `seen`: version of the text that was opened. The file is only
 * looked at when a draft begins, so that this is quick. Throws `not_found` when the document is gone, `invalid` for its size.
 */
export async function keepDraft(
  app: App,
  id: string,
  { text, seen }: { text: string; seen: string },
  signal: AbortSignal,
): Promise<PlanningDocument> {
  const document = getDocument(app.db, id);
  if (!text.isWellFormed()) {
    throw new AppError("invalid", "Cannot keep the draft: it has characters that are no text");
  }
  if (text.length > DOCUMENT_BYTES) {
    throw new AppError(
      "invalid",
      `Cannot keep the draft: it is longer than ${DOCUMENT_BYTES} characters`,
    );
  }
  const before = findDraft(app.db, document, app.actor);
  // What is typed goes on from the draft, whatever the file says by now: until it is saved, the two meet each time.
  const from = before ?? { seen, base: await baseOf(app, id, seen, signal) };
  transact(app, (tx) => putDraft(tx, document, { text, seen: from.seen, base: from.base }));
  return document;
}

async function baseOf(app: App, id: string, seen: string, signal: AbortSignal) {
  const { document, text } = await openDocument(app, id, signal);
  return document.version === seen ? text : null;
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
  const document = getDocument(app.db, id);
  transact(app, (tx) => dropDraft(tx, document));
}

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
