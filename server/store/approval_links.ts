/** Links that let whoever holds one decide an approval: only the hashes of their tokens are kept. */
import type { Db, Tx } from "../db.ts";

export function insertApprovalLink(tx: Tx, approvalId: string, tokenHash: string): void {
  tx.db.prepare(`
    INSERT INTO approval_links (token_hash, approval_id, created_at)
    VALUES (:tokenHash, :approvalId, :now)
  `).run({ tokenHash, approvalId, now: tx.now });
}

/** Which approval a link is for; null: no link has, or no longer has, such a token. */
export function findApprovalLink(db: Db, tokenHash: string): string | null {
  const row = db.prepare("SELECT approval_id FROM approval_links WHERE token_hash = :tokenHash")
    .get({ tokenHash });
  return row ? String(row.approval_id) : null;
}

/** How many links an approval has. */
export const countApprovalLinks = (db: Db, approvalId: string): number =>
  Number(
    db.prepare("SELECT count(*) AS n FROM approval_links WHERE approval_id = :approvalId")
      .get({ approvalId })!.n,
  );

/** Once it is decided. */
export function deleteApprovalLinks(tx: Tx, approvalId: string): void {
  tx.db.prepare("DELETE FROM approval_links WHERE approval_id = :approvalId").run({ approvalId });
}
