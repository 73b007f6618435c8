/** Where documents were before they had their present paths, as the index noticed. */
import type { Db, Tx } from "../db.ts";
import type { PlanningDocument } from "../records.ts";

export interface DocumentMove {
  from: string;
  to: string;
  /** When it was noticed. */
  at: string;
}

/** Newest of one document that are kept. */
export const MOVES_KEPT = 50;

/** `from`: the path that the document had until now. */
export function insertMove(
  tx: Tx,
  { id, projectId, path }: Pick<PlanningDocument, "id" | "projectId" | "path">,
  from: string,
): void {
  const { position } = tx.db.prepare(`
    SELECT coalesce(max(position), 0) + 1 AS position FROM document_moves WHERE document_id = :id
  `).get({ id }) as { position: number };
  tx.db.prepare(`
    INSERT INTO document_moves (document_id, position, project_id, from_path, to_path, moved_at)
    VALUES (:id, :position, :projectId, :from, :path, :now)
  `).run({ id, position, projectId, from, path, now: tx.now });
  tx.db.prepare("DELETE FROM document_moves WHERE document_id = :id AND position <= :last")
    .run({ id, last: position - MOVES_KEPT });
}

/** Newest first. */
export const listMoves = (db: Db, documentId: string): DocumentMove[] =>
  db.prepare(`
    SELECT from_path, to_path, moved_at FROM document_moves WHERE document_id = :documentId
    ORDER BY position DESC
  `).all({ documentId }).map((row) => ({
    from: String(row.from_path),
    to: String(row.to_path),
    at: String(row.moved_at),
  }));
