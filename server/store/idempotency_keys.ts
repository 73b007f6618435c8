/** Answers to API requests that carried an `Idempotency-Key`. */
import { DAY_MS, timeText } from "../clock.ts";
import type { Db, Tx } from "../db.ts";

export interface StoredAnswer {
  requestHash: string;
  /** HTTP status; 0 while the request is being worked on, or when it was cut off. */
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

/** Takes the key for a request that is about to be worked on. False: it is taken. */
export function takeKey(tx: Tx, key: string, requestHash: string): boolean {
  return tx.db.prepare(`
    INSERT INTO idempotency_keys (key, request_hash, status, body, created_at)
    VALUES (:key, :requestHash, 0, '', :now) ON CONFLICT (key) DO NOTHING
  `).run({ key, requestHash, now: tx.now }).changes > 0;
}

export function storeAnswer(tx: Tx, key: string, status: number, body: string): void {
  tx.db.prepare("UPDATE idempotency_keys SET status = :status, body = :body WHERE key = :key")
    .run({ key, status, body });
}

/** Forgets a key whose request was refused and changed nothing. */
export function freeKey(tx: Tx, key: string): void {
  tx.db.prepare("DELETE FROM idempotency_keys WHERE key = :key").run({ key });
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
