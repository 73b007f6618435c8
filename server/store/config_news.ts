/** Trusted files of repositories that say something else by now. */
import type { Db, Tx } from "../db.ts";

export interface ConfigNews {
  /** Of the file as it is; "" where it is gone. */
  hash: string;
  noticedAt: string;
  /** A person has seen it, and does with what was trusted. */
  kept: boolean;
}

export function findConfigNews(db: Db, projectId: string): ConfigNews | null {
  const row = db.prepare("SELECT * FROM project_config_news WHERE project_id = :projectId")
    .get({ projectId });
  return row
    ? { hash: String(row.hash), noticedAt: String(row.noticed_at), kept: row.kept === 1 }
    : null;
}

/** Projects that are worked on whose file nobody has looked at since it changed; the longest known first. */
export const listConfigNews = (
  db: Db,
  projectId: string | null,
  limit: number,
): { projectId: string; name: string; isGone: boolean; noticedAt: string }[] =>
  db.prepare(`
    SELECT n.project_id, p.name, n.hash, n.noticed_at FROM project_config_news n JOIN projects p ON p.id = n.project_id
    WHERE n.kept = 0 AND p.status = 'active' AND (:projectId IS NULL OR p.id = :projectId)
    ORDER BY n.noticed_at, n.project_id LIMIT :limit
  `).all({ projectId, limit }).map((row) => ({
    projectId: String(row.project_id),
    name: String(row.name),
    isGone: row.hash === "",
    noticedAt: String(row.noticed_at),
  }));

/** How many `listConfigNews` would list, without its limit. */
export const countConfigNews = (db: Db, projectId: string | null): number =>
  Number(
    db.prepare(`
      SELECT count(*) AS n FROM project_config_news n JOIN projects p ON p.id = n.project_id
      WHERE n.kept = 0 AND p.status = 'active' AND (:projectId IS NULL OR p.id = :projectId)
    `).get({ projectId })!.n,
  );

export const putConfigNews = (
  tx: Tx,
  projectId: string,
  { hash, kept }: Pick<ConfigNews, "hash" | "kept">,
): void =>
  void tx.db.prepare(`
    INSERT INTO project_config_news VALUES (:projectId, :hash, :now, :kept)
    ON CONFLICT (project_id) DO UPDATE SET hash = :hash, noticed_at = :now, kept = :kept
  `).run({ projectId, hash, now: tx.now, kept: Number(kept) });

/** False: there were none. */
export const dropConfigNews = (tx: Tx, projectId: string): boolean =>
  tx.db.prepare(
    "DELETE FROM project_config_news WHERE project_id = :projectId RETURNING project_id",
  )
    .get({ projectId }) !== undefined;
