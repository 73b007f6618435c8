/** What was typed into documents and not saved, and the saves that are no commits. */
import { type Db, newId, type Row, type Tx } from "../db.ts";
import type { PlanningDocument } from "../records.ts";

/** Whose text it is: a path in a project. */
type Place = Pick<PlanningDocument, "projectId" | "path">;

export interface DocumentDraft {
  /** Names the form in which it was typed; "": one without a name. */
  form: string;
  text: string;
  /** Version of the text that was opened. */
  seen: string;
  /** That text; null: nobody knows any more. */
  base: string | null;
  updatedAt: string;
}

/** One of each person and form for a document; a newer one takes its place. */
export function putDraft(
  tx: Tx,
  { projectId, path }: Place,
  { form = "", text, seen, base }: Omit<DocumentDraft, "form" | "updatedAt"> & { form?: string },
): void {
  tx.db.prepare(`
    INSERT INTO document_drafts (project_id, path, actor, form, text, seen, base, updated_at)
    VALUES (:projectId, :path, :actor, :form, :text, :seen, :base, :now)
    ON CONFLICT (project_id, path, actor, form)
    DO UPDATE SET text = :text, seen = :seen, base = :base, updated_at = :now
  `).run({ projectId, path, form, text, seen, base, actor: tx.actor, now: tx.now });
}

/** Most drafts of one person for one document: forms that were left without a save. */
export const DRAFTS_OF_DOCUMENT = 20;

/** A person's drafts for a document, the newest first. */
export const listDraftsOf = (
  db: Db,
  { projectId, path }: Place,
  actor: string,
): DocumentDraft[] =>
  db.prepare(`
    SELECT * FROM document_drafts WHERE project_id = :projectId AND path = :path AND actor = :actor
    ORDER BY updated_at DESC, form DESC LIMIT :limit
  `).all({ projectId, path, actor, limit: LIST_MAX }).map((row) => ({
    form: String(row.form),
    text: String(row.text),
    seen: String(row.seen),
    base: row.base as string | null,
    updatedAt: String(row.updated_at),
  }));

/** A document that is moved to where something was typed, too, may have more than are begun for one. */
const LIST_MAX = 2 * DRAFTS_OF_DOCUMENT;

/** That of a form; without one, the newest. Null: there is none. */
export function findDraft(
  db: Db,
  place: Place,
  actor: string,
  form?: string,
): DocumentDraft | null {
  const drafts = listDraftsOf(db, place, actor);
  return (form === undefined ? drafts[0] : drafts.find((draft) => draft.form === form)) ?? null;
}

/** No-op where there is none. */
export const dropDraft = (tx: Tx, { projectId, path }: Place, form: string): void =>
  void tx.db.prepare(`
    DELETE FROM document_drafts
    WHERE project_id = :projectId AND path = :path AND actor = :actor AND form = :form
  `).run({ projectId, path, form, actor: tx.actor });

/** A draft by the path that it was typed for. */
export interface PlacedDraft {
  path: string;
  /** Names the form in which it was typed. */
  form: string;
  updatedAt: string;
  /** Null: there is no document of that path. */
  documentId: string | null;
  /** Of the document, where there is one. */
  title: string | null;
}

/** All of a person in a project, the newest first. */
export const listDrafts = (
  db: Db,
  projectId: string,
  actor: string,
  limit: number,
): PlacedDraft[] =>
  db.prepare(`
    SELECT document_drafts.path, form, document_drafts.updated_at, documents.id, documents.title
    FROM document_drafts LEFT JOIN documents USING (project_id, path)
    WHERE project_id = :projectId AND actor = :actor ORDER BY document_drafts.updated_at DESC, path, form
    LIMIT :limit
  `).all({ projectId, actor, limit }).map((row) => ({
    path: String(row.path),
    form: String(row.form),
    updatedAt: String(row.updated_at),
    documentId: row.id as string | null,
    title: row.title as string | null,
  }));

/** How many a person has in a project, and how many of them have no document. */
export function countDrafts(db: Db, projectId: string, actor: string) {
  const row = db.prepare(`
    SELECT count(*) AS n, count(*) - count(documents.id) AS lost
    FROM document_drafts LEFT JOIN documents USING (project_id, path)
    WHERE project_id = :projectId AND actor = :actor
  `).get({ projectId, actor })!;
  return { all: Number(row.n), lost: Number(row.lost) };
}

/** A document has another path now: what was typed into it, by whomever, and its saves come along. */
export function moveTexts(tx: Tx, { projectId, path }: Place, to: string): void {
  const moved = { projectId, path, to };
  // Whoever typed for the new path, too, keeps both.
  tx.db.prepare(`
    UPDATE OR IGNORE document_drafts SET path = :to WHERE project_id = :projectId AND path = :path
  `).run(moved);
  tx.db.prepare(`
    UPDATE document_saves SET path = :to WHERE project_id = :projectId AND path = :path
  `).run(moved);
}

// ------------------------------------------------------------------ saves

/** Newest saves of one document that are kept. */
export const SAVES_KEPT = 50;

export interface DocumentSave {
  id: string;
  by: string;
  at: string;
}

/** No-op for a text that the newest one has already. */
export function insertSave(
  tx: Tx,
  { projectId, path }: Place,
  { text, by }: { text: string; by: string },
): void {
  const newest = tx.db.prepare(`
    SELECT text FROM document_saves WHERE project_id = :projectId AND path = :path ORDER BY number DESC LIMIT 1
  `).get({ projectId, path });
  if (newest?.text === text) return;
  tx.db.prepare(`
    INSERT INTO document_saves (id, project_id, path, text, saved_by, saved_at)
    VALUES (:id, :projectId, :path, :text, :by, :now)
  `).run({ id: newId("save"), projectId, path, text, by, now: tx.now });
  tx.db.prepare(`
    DELETE FROM document_saves WHERE project_id = :projectId AND path = :path AND number <= (
      SELECT number FROM document_saves WHERE project_id = :projectId AND path = :path
      ORDER BY number DESC LIMIT 1 OFFSET :kept)
  `).run({ projectId, path, kept: SAVES_KEPT });
}

/** Newest first. */
export const listSaves = (db: Db, { projectId, path }: Place): DocumentSave[] =>
  db.prepare(`
    SELECT id, saved_by, saved_at FROM document_saves WHERE project_id = :projectId AND path = :path
    ORDER BY number DESC
  `).all({ projectId, path }).map((row: Row) => ({
    id: String(row.id),
    by: String(row.saved_by),
    at: String(row.saved_at),
  }));

/** Null: there is no such save of this document. */
export function findSaveText(db: Db, { projectId, path }: Place, id: string): string | null {
  const row = db.prepare(`
    SELECT text FROM document_saves WHERE id = :id AND project_id = :projectId AND path = :path
  `).get({ id, projectId, path });
  return row ? String(row.text) : null;
}
