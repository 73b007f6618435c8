/** What of each project's settings its repository says, as a person trusted it. */
import type { Db, Tx } from "../db.ts";

export interface TrustedConfig {
  text: string;
  hash: string;
  /** Line of each setting that it names. */
  lines: Record<string, number>;
  trustedBy: string;
  trustedAt: string;
}

export function findTrustedConfig(db: Db, projectId: string): TrustedConfig | null {
  const row = db.prepare("SELECT * FROM project_config WHERE project_id = :projectId")
    .get({ projectId });
  return row
    ? {
      text: String(row.text),
      hash: String(row.hash),
      lines: JSON.parse(String(row.lines)),
      trustedBy: String(row.trusted_by),
      trustedAt: String(row.trusted_at),
    }
    : null;
}

/** Settings that a file holds, with their lines; nobody else changes them. */
export const lockedSettings = (db: Db, projectId: string): Record<string, number> =>
  findTrustedConfig(db, projectId)?.lines ?? {};

export const putTrustedConfig = (
  tx: Tx,
  projectId: string,
  { text, hash, lines }: Pick<TrustedConfig, "text" | "hash" | "lines">,
): void =>
  void tx.db.prepare(`
    INSERT INTO project_config (project_id, text, lines, hash, trusted_by, trusted_at)
    VALUES (:projectId, :text, :lines, :hash, :actor, :now)
    ON CONFLICT (project_id) DO UPDATE SET text = :text, lines = :lines, hash = :hash, trusted_by = :actor,
      trusted_at = :now
  `).run({ projectId, text, hash, lines: JSON.stringify(lines), actor: tx.actor, now: tx.now });

/** Projects that are worked on and whose file is trusted: all, or this one. */
export const listTrusting = (db: Db, projectId: string | null, limit: number): string[] =>
  db.prepare(`
    SELECT p.id FROM project_config c JOIN projects p ON p.id = c.project_id
    WHERE p.status = 'active' AND (:projectId IS NULL OR p.id = :projectId) ORDER BY p.id LIMIT :limit
  `).all({ projectId, limit }).map(({ id }) => String(id));

/** False: none was trusted. */
export const deleteTrustedConfig = (tx: Tx, projectId: string): boolean =>
  tx.db.prepare("DELETE FROM project_config WHERE project_id = :projectId RETURNING project_id")
    .get({ projectId }) !== undefined;
