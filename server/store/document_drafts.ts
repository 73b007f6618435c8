/** What was typed into documents and not saved, and the saves that are no commits. */
import { type Db, newId, type Row, type Tx } from "../db.ts";
import type { PlanningDocument } from "../records.ts";

/** Whose text it is: a path in a project. */
type Place = Pick<PlanningDocument, "projectId" | "path">;

export interface DocumentDraft {
  text: string;
  /** Version of the text that was opened. */
  seen: string;
  /** That text; null: nobody knows any more. */
  base: string | null;
  updatedAt: string;
}

/** One of each person for a document; a newer one takes its place. */
export function putDraft(
  tx: Tx,
  { projectId, path }: Place,
  { text, seen, base }: Omit<DocumentDraft, "updatedAt">,
): void {
  tx.db.prepare(`
    INSERT INTO document_drafts VALUES (:projectId, :path, :actor, :text, :seen, :base, :now)
    ON CONFLICT (project_id, path, actor) DO UPDATE SET text = :text, seen = :seen, base = :base, updated_at = :now
  `).run({ projectId, path, text, seen, base, actor: tx.actor, now: tx.now });
}

export function findDraft(db: Db, { projectId, path }: Place, actor: string): DocumentDraft | null {
  const row = db.prepare(`
    SELECT * FROM document_drafts WHERE project_id = :projectId AND path = :path AND actor = :actor
  `).get({ projectId, path, actor });
  return row
    ? {
      text: String(row.text),
      seen: String(row.seen),
      base: row.base as string | null,
      updatedAt: String(row.updated_at),
    }
    : null;
}

/** No-op where there is none. */
export const dropDraft = (tx: Tx, { projectId, path }: Place): void =>
  void tx.db.prepare(`
    DELETE FROM document_drafts WHERE project_id = :projectId AND path = :path AND actor = :actor
  `).run({ projectId, path, actor: tx.actor });

/** A draft by the path that it was typed for. */
export interface PlacedDraft {
  path: string;
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
    SELECT document_drafts.path, document_drafts.updated_at, documents.id, documents.title
    FROM document_drafts LEFT JOIN documents USING (project_id, path)
    WHERE project_id = :projectId AND actor = :actor ORDER BY document_drafts.updated_at DESC, path LIMIT :limit
  `).all({ projectId, actor, limit }).map((row) => ({
    path: String(row.path),
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
