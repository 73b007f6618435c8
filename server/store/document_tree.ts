/** What a tree of documents shows of them. */
import type { Db } from "../db.ts";

export interface TitledDocument {
  id: string;
  path: string;
  title: string;
}

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
