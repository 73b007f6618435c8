/** Queues that a person has paused: what executes goes on, nothing new begins, also after a restart. */
import type { Db, Tx } from "../server/db.ts";
import type { QueueName } from "./job.ts";
import { ring } from "./queue.ts";

/** Who paused a queue, and when. */
export interface QueuePause {
  by: string;
  at: string;
}

/** False: it is paused already. */
export function pauseQueue(tx: Tx, queue: QueueName, by: string = tx.actor): boolean {
  const { changes } = tx.db.prepare(`
    INSERT INTO queue_pauses (queue, paused_at, paused_by) VALUES (:queue, :now, :by)
    ON CONFLICT (queue) DO NOTHING
  `).run({ queue, by, now: tx.now });
  if (changes > 0) tell(tx, "queue_paused", queue);
  return changes > 0;
}

/** Its jobs go on at once. False: it is not paused. */
export function resumeQueue(tx: Tx, queue: QueueName): boolean {
  const { changes } = tx.db.prepare("DELETE FROM queue_pauses WHERE queue = :queue").run({ queue });
  if (changes > 0) tell(tx, "queue_resumed", queue);
  return changes > 0;
}

/** Null: it is not paused. */
export function pauseOf(db: Db, queue: string): QueuePause | null {
  const row = db.prepare("SELECT paused_at, paused_by FROM queue_pauses WHERE queue = :queue")
    .get({ queue });
  return row ? { by: String(row.paused_by), at: String(row.paused_at) } : null;
}

/** Those that are paused, in the order of their names. */
export const listPauses = (db: Db): { queue: string; by: string }[] =>
  db.prepare("SELECT queue, paused_by FROM queue_pauses ORDER BY queue").all()
    .map((row) => ({ queue: String(row.queue), by: String(row.paused_by) }));

function tell(tx: Tx, type: "queue_paused" | "queue_resumed", queue: QueueName): void {
  tx.emit({ type, data: { queue } });
  ring(tx);
}
