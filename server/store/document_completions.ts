/** What can be written after "#" and "[[" in a document. */
import type { Db } from "../db.ts";

/** One of the things that begin so. */
export interface Completion {
  kind: "document" | "idea" | "ticket";
  /** What stands between the marks: "idea-12", "Saving". */
  name: string;
  /** Beside it, to tell them apart: a title, a path. */
  about: string;
}

/** Text for LIKE, in which nothing stands for anything else. */
const plain = (text: string): string => text.replaceAll(/[\\%_]/g, "\\$&");

/** Documents whose title or path has this text in it, those that begin with it first. */
export const completeDocuments = (
  db: Db,
  projectId: string,
  text: string,
  limit: number,
): Completion[] =>
  db.prepare(`
    SELECT title, path FROM documents
    WHERE project_id = :projectId AND (title LIKE :within ESCAPE '\\' OR path LIKE :within ESCAPE '\\')
    ORDER BY title LIKE :begin ESCAPE '\\' DESC, title, path LIMIT :limit
  `).all({ projectId, within: `%${plain(text)}%`, begin: `${plain(text)}%`, limit })
    .map((row) => ({ kind: "document", name: String(row.title), about: String(row.path) }));

/** Ideas and tickets by the beginning of their number or a part of their title, the newest first. `kind`: null is both. */
export const completeSubjects = (
  db: Db,
  projectId: string,
  { kind, text }: { kind: "idea" | "ticket" | null; text: string },
  limit: number,
): Completion[] =>
  db.prepare(`
    SELECT * FROM (
      SELECT 'idea' AS kind, number, title, created_at FROM ideas WHERE project_id = :projectId
      UNION ALL
      SELECT 'ticket', number, title, created_at FROM tickets WHERE project_id = :projectId)
    WHERE (:kind IS NULL OR kind = :kind)
      AND (CAST(number AS TEXT) LIKE :begin ESCAPE '\\' OR title LIKE :within ESCAPE '\\')
    ORDER BY created_at DESC, number DESC LIMIT :limit
  `).all({ projectId, kind, within: `%${plain(text)}%`, begin: `${plain(text)}%`, limit })
    .map((row) => ({
      kind: row.kind as "idea" | "ticket",
      name: `${row.kind}-${row.number}`,
      about: String(row.title),
    }));
