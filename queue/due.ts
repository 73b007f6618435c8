/** What waits for its time: jobs that were put off, and the next time of recurring ones. */
import { SECOND_MS } from "../server/clock.ts";
import type { Db, Tx } from "../server/db.ts";
import { ring } from "./queue.ts";
import { fireSchedules } from "./schedules.ts";

/** When the next job or schedule is due, in milliseconds since the epoch; null: nothing waits for its time. */
export function dueAtMs(db: Db): number | null {
  const at = db.prepare(DUE_AT).get()!.at;
  return at === null ? null : Date.parse(String(at));
}

const DUE_AT = `
  SELECT min(at) AS at FROM (
    SELECT * FROM (
      SELECT scheduled_at AS at FROM jobs
      WHERE status IN ('scheduled', 'retryable') AND scheduled_at > '' ORDER BY scheduled_at LIMIT 1)
    UNION ALL
    SELECT * FROM (
      SELECT next_at AS at FROM schedules WHERE next_at > '' ORDER BY next_at LIMIT 1))`;

/** Due jobs made available by one claim; the rest follows with the next. */
const MAX_PROMOTED = 1_000;

/**
 * Makes available what has become due, and asks for the jobs of schedules whose time has come. Returns when the
 * next is due.
 */
export function makeDue(tx: Tx): number | null {
  const dueMs = dueAtMs(tx.db);
  if (dueMs === null || dueMs > tx.nowMs) return dueMs;
  fireSchedules(tx);
  tx.db.prepare(`
    UPDATE jobs SET status = 'available' WHERE id IN (
      SELECT id FROM jobs WHERE status IN ('scheduled', 'retryable') AND scheduled_at <= :now
      ORDER BY scheduled_at LIMIT ${MAX_PROMOTED})
  `).run({ now: tx.now });
  return dueAtMs(tx.db);
}

/**
 * After the clock was set back: what waits for its time waits for as long as it would have, not until a future
 * comes in which the clock once was.
 */
export function bringWaitingBack(tx: Tx, byMs: number): void {
  tx.db.prepare(`
    UPDATE jobs SET claim_order = claim_order - :byMs,
      scheduled_at = strftime('%Y-%m-%dT%H:%M:%fZ', scheduled_at, :by)
    WHERE status IN ('scheduled', 'retryable') AND scheduled_at > :now
  `).run({ byMs, by: `-${byMs / SECOND_MS} seconds`, now: tx.now });
  ring(tx);
}
