/** Documents whose files are gone, or not seen yet: their ids wait for a file of the same path, or of the same text elsewhere. */
import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument } from "../records.ts";

/** A document that was, by the row that it had. */
export type GoneDocument =
  & Pick<
    PlanningDocument,
    "id" | "projectId" | "path" | "bytes" | "version"
  >
  & {
    /** When its file was missed first. */
    goneAt: string;
  };

/** Where a document is, or was. */
export type DocumentSpot = Pick<PlanningDocument, "id" | "projectId" | "path"> & {
  /** Its file is not there, as far as the index knows. */
  gone: boolean;
};

/** Newest of a project that are kept. */
export const GONE_KEPT = 20_000;

/** Remembers an indexed document whose row is about to go. No-op where there is no such row. */
export const keepGone = (tx: Tx, number: number): void =>
  void tx.db.prepare(`
    INSERT OR REPLACE INTO documents_gone (project_id, path, id, bytes, version, gone_at)
    SELECT project_id, path, id, bytes, version, :now FROM documents WHERE number = :number
  `).run({ number, now: tx.now });

/**
 * An id for a document whose file nobody has looked at yet: the file gets it with the first look. Fails where one of its
 * path waits already.
 */
export function expectDocument(
  tx: Tx,
  expected: Pick<PlanningDocument, "projectId" | "path" | "bytes" | "version">,
): string {
  const id = newId("document");
  tx.db.prepare(`
    INSERT INTO documents_gone (project_id, path, id, bytes, version, gone_at)
    VALUES (:projectId, :path, :id, :bytes, :version, :now)
  `).run({ ...expected, id, now: tx.now });
  return id;
}

/** Takes out the one of a path and gives its id, for the file that is there again; null: there is none. */
export function takeGone(
  tx: Tx,
  { projectId, path }: Pick<PlanningDocument, "projectId" | "path">,
): string | null {
  const row = tx.db.prepare(`
    DELETE FROM documents_gone WHERE project_id = :projectId AND path = :path RETURNING id
  `).get({ projectId, path });
  return row ? String(row.id) : null;
}

/** Those that went at this time or later, the newest first. */
export const listGoneSince = (
  db: Db,
  projectId: string,
  since: string,
  limit: number,
): GoneDocument[] =>
  db.prepare(`
    SELECT * FROM documents_gone WHERE project_id = :projectId AND gone_at >= :since
    ORDER BY gone_at DESC, path LIMIT :limit
  `).all({ projectId, since, limit }).map(goneFromRow);

/** Forgets the oldest beyond `GONE_KEPT`. */
export const pruneGone = (tx: Tx, projectId: string): void =>
  void tx.db.prepare(`
    DELETE FROM documents_gone WHERE project_id = :projectId AND gone_at < (
      SELECT gone_at FROM documents_gone WHERE project_id = :projectId
      ORDER BY gone_at DESC LIMIT 1 OFFSET :kept)
  `).run({ projectId, kept: GONE_KEPT });

/** Throws `not_found` for an id that no document has or had. */
export function getSpot(db: Db, id: string): DocumentSpot {
  const row = db.prepare(`
    SELECT id, project_id, path, 0 AS gone FROM documents WHERE id = :id
    UNION ALL SELECT id, project_id, path, 1 FROM documents_gone WHERE id = :id
  `).get({ id });
  if (!row) throw new AppError("not_found", `No document with the id "${id}"`);
  return {
    id: String(row.id),
    projectId: String(row.project_id),
    path: String(row.path),
    gone: row.gone === 1,
  };
}

const goneFromRow = (row: Row): GoneDocument => ({
  id: String(row.id),
  projectId: String(row.project_id),
  path: String(row.path),
  bytes: Number(row.bytes),
  version: String(row.version),
  goneAt: String(row.gone_at),
});
