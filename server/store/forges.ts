/** Where projects open pull requests. */
import type { Db, Tx } from "../db.ts";
import type { ForgeSettings } from "../records.ts";
import type { ForgeKind } from "../states.ts";

/** Null: nobody named one. */
export function findForge(db: Db, projectId: string): ForgeSettings | null {
  const row = db.prepare("SELECT * FROM forges WHERE project_id = :projectId").get({ projectId });
  if (!row) return null;
  return {
    kind: row.kind as ForgeKind,
    apiUrl: String(row.api_url),
    repository: String(row.repository),
    remoteUrl: String(row.remote_url),
    token: String(row.token),
    takesMerge: row.takes_merge === 1,
  };
}

export function putForge(tx: Tx, projectId: string, forge: ForgeSettings): void {
  tx.db.prepare(`
    INSERT INTO forges (project_id, kind, api_url, repository, remote_url, token, takes_merge, updated_by, updated_at)
    VALUES (:projectId, :kind, :apiUrl, :repository, :remoteUrl, :token, :takesMerge, :actor, :now)
    ON CONFLICT (project_id) DO UPDATE SET kind = :kind, api_url = :apiUrl, repository = :repository,
      remote_url = :remoteUrl, token = :token, takes_merge = :takesMerge, updated_by = :actor, updated_at = :now
  `).run({
    projectId,
    ...forge,
    takesMerge: Number(forge.takesMerge),
    actor: tx.actor,
    now: tx.now,
  });
}

/** False: there was none. */
export const deleteForge = (tx: Tx, projectId: string): boolean =>
  tx.db.prepare("DELETE FROM forges WHERE project_id = :projectId").run({ projectId }).changes > 0;
