/** What of a repository's own files a person trusts: each in exactly the content that its hash names. */
import type { Db, Tx } from "../db.ts";

export type TrustedKind = "agent" | "mcp" | "settings";

export interface TrustedFile {
  projectId: string;
  kind: TrustedKind;
  path: string;
  hash: string;
}

export function setTrusted(tx: Tx, { projectId, kind, path, hash }: TrustedFile): void {
  tx.db.prepare(`
    INSERT INTO trusted (project_id, kind, path, hash, trusted_by, trusted_at)
    VALUES (:projectId, :kind, :path, :hash, :actor, :now)
    ON CONFLICT (project_id, kind, path)
      DO UPDATE SET hash = :hash, trusted_by = :actor, trusted_at = :now
  `).run({ projectId, kind, path, hash, actor: tx.actor, now: tx.now });
}

/** The content that is trusted at a path; null: none is. */
export function trustedHash(
  db: Db,
  { projectId, kind, path }: Omit<TrustedFile, "hash">,
): string | null {
  const row = db.prepare(`
    SELECT hash FROM trusted WHERE project_id = :projectId AND kind = :kind AND path = :path
  `).get({ projectId, kind, path });
  return row ? String(row.hash) : null;
}

/** False: it was not trusted. */
export const removeTrusted = (
  tx: Tx,
  { projectId, kind, path }: Omit<TrustedFile, "hash">,
): boolean =>
  tx.db.prepare(`
    DELETE FROM trusted WHERE project_id = :projectId AND kind = :kind AND path = :path RETURNING path
  `).get({ projectId, kind, path }) !== undefined;
