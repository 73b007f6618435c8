/** Answers to API requests that carried an `Idempotency-Key`. */
import { DAY_MS, timeText } from "../clock.ts";
import type { Db, Tx } from "../db.ts";

export interface StoredAnswer {
  requestHash: string;
  /** HTTP status. */
  status: number;
  /** What server/idempotency.ts made of the answer. */
  body: string;
}

export function findAnswer(db: Db, key: string): StoredAnswer | null {
  const row = db.prepare(`
    SELECT request_hash, status, body FROM idempotency_keys WHERE key = :key
  `).get({ key });
  if (!row) return null;
  return {
    requestHash: String(row.request_hash),
    status: Number(row.status),
    body: String(row.body),
  };
}

/** Takes a key that is known to be free. */
export function storeAnswer(tx: Tx, key: string, answer: StoredAnswer): void {
  tx.db.prepare(`
    INSERT INTO idempotency_keys (key, request_hash, status, body, created_at)
    VALUES (:key, :requestHash, :status, :body, :now)
  `).run({ key, now: tx.now, ...answer });
}

/** A client may repeat a request with its key for this long. */
export const KEYS_KEPT_MS = DAY_MS;

/** Deletes keys that are too old, the oldest first, at most `limit`. Returns how many. */
export function pruneKeys(tx: Tx, limit: number): number {
  return tx.db.prepare(`
    DELETE FROM idempotency_keys WHERE key IN (
      SELECT key FROM idempotency_keys WHERE created_at < :before ORDER BY created_at LIMIT :limit)
  `).run({ before: timeText(tx.nowMs - KEYS_KEPT_MS), limit }).changes;
}
