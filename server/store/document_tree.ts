/** What a tree of documents shows of them. */
import type { Db } from "../db.ts";

export interface TitledDocument {
  id: string;
  path: string;
  title: string;
}

/** When a document of the project was last found to be another one; "": none ever was. */
export const newestIndexing = (db: Db, projectId: string): string =>
  String(
    db.prepare(`
      SELECT max(
        (SELECT coalesce(max(indexed_at), '') FROM documents WHERE project_id = :projectId),
        (SELECT coalesce(max(gone_at), '') FROM documents_gone WHERE project_id = :projectId)) AS at
    `).get({ projectId })!.at,
  );

/** Paths of documents that were found to be others at this time or later: that came, went, say something else or moved. */
export const listChangedPaths = (
  db: Db,
  projectId: string,
  since: string,
  limit: number,
): string[] =>
  db.prepare(`
    SELECT path FROM documents WHERE project_id = :projectId AND indexed_at >= :since
    UNION SELECT path FROM documents_gone WHERE project_id = :projectId AND gone_at >= :since
    UNION SELECT from_path FROM document_moves WHERE project_id = :projectId AND moved_at >= :since
    ORDER BY path LIMIT :limit
  `).all({ projectId, since, limit }).map(({ path }) => String(path));

/** Those of these paths, by path; the others are left out. */
export const listTitles = (
  db: Db,
  projectId: string,
  paths: readonly string[],
): TitledDocument[] =>
  db.prepare(`
    SELECT id, path, title FROM documents
    WHERE project_id = :projectId AND path IN (SELECT value FROM json_each(:paths)) ORDER BY path
  `).all({ projectId, paths: JSON.stringify(paths) })
    .map(({ id, path, title }) => ({ id: String(id), path: String(path), title: String(title) }));
