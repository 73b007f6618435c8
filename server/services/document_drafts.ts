/** What a person has typed and not saved: kept as they type, and put beside what the file says meanwhile. */
import { DOCUMENT_BYTES } from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument } from "../records.ts";
import {
  type DocumentDraft,
  DRAFTS_OF_DOCUMENT,
  dropDraft,
  findDraft,
  listDrafts,
  listDraftsOf,
  putDraft,
} from "../store/document_drafts.ts";
import { findDocument, getDocument } from "../store/documents.ts";
import { type DocumentSpot, getSpot } from "../store/documents_gone.ts";
import { type MergedText, mergeTexts } from "./document_merge.ts";
import { createDocument, type OpenDocument, openDocument } from "./documents.ts";
import { draftMark, type TypedIn } from "./document_typing.ts";
import { textOfVersion } from "./document_versions.ts";

/** Most drafts of one person that are listed. */
export const DRAFTS_LISTED = 200;

/**
 * Keeps what is typed; on the disk when it returns. `seen`: version of the text that was opened. It takes the place of
 * what was typed in the same form, and of the draft that the form began with where that is still the same; any other
 * draft stays beside it. The file is only looked at when a draft begins, so that this is quick; where it is gone, the
 * draft is kept by its path all the same. Throws `not_found` for an id that no document has or had, `invalid` for its
 * size, `conflict` where the document has `DRAFTS_OF_DOCUMENT` others.
 */
export async function keepDraft(
  app: App,
  id: string,
  { text, seen, form = "", from = "" }: { text: string; seen: string } & Partial<TypedIn>,
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
  const goesOn = (drafts: DocumentDraft[]) => {
    const own = drafts.find((draft) => draft.form === form);
    // Only the first words of a form go on from another's.
    return { own, began: own ? undefined : drafts.find((draft) => draftMark(draft) === from) };
  };
  const known = goesOn(listDraftsOf(app.db, getSpot(app.db, id), app.actor));
  // What is typed goes on from the draft, whatever the file says by now: until it is saved, the two meet each time.
  const before = known.own ?? known.began ??
    { seen, base: await baseOf(app, id, seen, signal) };
  // The look at the file may have found it elsewhere, or gone.
  const spot = getSpot(app.db, id);
  transact(app, (tx) => {
    const drafts = listDraftsOf(tx.db, spot, tx.actor);
    const { own, began } = goesOn(drafts);
    if (began) dropDraft(tx, spot, began.form);
    if (!own && !began && drafts.length >= DRAFTS_OF_DOCUMENT) throw tooMany(spot);
    putDraft(tx, spot, { form, text, seen: before.seen, base: before.base });
  });
  return spot;
}

const tooMany = ({ path }: DocumentSpot): AppError =>
  new AppError(
    "conflict",
    `Cannot keep the draft: ${path} has ${DRAFTS_OF_DOCUMENT} drafts of yours that were never saved. Save or ` +
      "discard some of them on the page Drafts",
  );

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

/** This person's drafts that say something else than the file, the newest first. */
export const draftsFor = (
  { db, actor }: Pick<App, "db" | "actor">,
  document: Pick<PlanningDocument, "projectId" | "path">,
  present: string,
): DocumentDraft[] => listDraftsOf(db, document, actor).filter(({ text }) => text !== present);

/** The newest of them; null: there is none. */
export const draftOf = (
  app: Pick<App, "db" | "actor">,
  document: PlanningDocument,
  present: string,
): DocumentDraft | null => draftsFor(app, document, present)[0] ?? null;

/**
 * Throws away what was typed in a form, and the draft that it began with while that is as it was; without a form, what was
 * typed last. No-op where nothing was.
 */
export function discardDraft(app: App, id: string, { form, from }: Partial<TypedIn> = {}): void {
  const spot = getSpot(app.db, id);
  transact(app, (tx) => {
    const drafts = listDraftsOf(tx.db, spot, tx.actor);
    const meant = form === undefined
      ? drafts.slice(0, 1)
      : drafts.filter((draft) => draft.form === form || draftMark(draft) === from);
    for (const draft of meant) dropDraft(tx, spot, draft.form);
  });
}

// ------------------------------------------------------------------ without a document

/** A draft whose document is gone. */
export interface LostDraft {
  path: string;
  /** Names the form in which it was typed. */
  form: string;
  text: string;
  updatedAt: string;
}

/** This person's drafts in a project, the newest first: of documents, and those whose documents are gone. */
export function draftsOf({ db, actor }: Pick<App, "db" | "actor">, projectId: string) {
  const all = listDrafts(db, projectId, actor, DRAFTS_LISTED);
  return {
    placed: all.filter(({ documentId }) => documentId !== null),
    lost: all.filter(({ documentId }) => documentId === null).flatMap(
      ({ path, form }): LostDraft[] => {
        const draft = findDraft(db, { projectId, path }, actor, form);
        return draft ? [{ path, form, text: draft.text, updatedAt: draft.updatedAt }] : [];
      },
    ),
  };
}

/** Throws `not_found` where this person typed nothing for that path, or a document is there by now. */
function getLostDraft({ db, actor }: App, projectId: string, { draft: path, form }: LostName) {
  const draft = findDraft(db, { projectId, path }, actor, form);
  if (draft && findDocument(db, projectId, path) === null) return { ...draft, path };
  throw new AppError("not_found", `There is no draft of "${path}" without a document`);
}

/** `draft`: the path that it was typed for; `form`: that it was typed in, without one the newest is meant. */
interface LostName {
  draft: string;
  form?: string;
}

/**
 * Makes a document of a draft whose own is gone: `path` is the same, which brings it back under its id, or another.
 * Throws `not_found` where there is no such draft, and as `createDocument`; the draft stays then.
 */
export async function saveLostDraft(
  app: App,
  projectId: string,
  { path, ...of }: LostName & { path: string },
  signal: AbortSignal,
): Promise<OpenDocument> {
  const { form, text } = getLostDraft(app, projectId, of);
  const made = await createDocument(app, { projectId, path, text }, signal);
  const place = { projectId, path: of.draft };
  transact(app, (tx) => {
    // Somebody may have typed on meanwhile.
    if (findDraft(tx.db, place, tx.actor, form)?.text === text) dropDraft(tx, place, form);
  });
  return made;
}

/** Throws away a draft whose document is gone. Throws `not_found` where there is none. */
export function discardLostDraft(app: App, projectId: string, of: LostName): LostDraft {
  const draft = getLostDraft(app, projectId, of);
  transact(app, (tx) => dropDraft(tx, { projectId, path: draft.path }, draft.form));
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
  const draft = listDraftsOf(app.db, document, app.actor)
    .find((draft) => draft.seen === seen && draft.base !== null);
  const base = draft ? draft.base : await textOfVersion(app, document, seen, signal);
  const merged = base === null ? null : mergeTexts({ mine, base, theirs: present });
  return { base, present, merged };
}
