/** Lets jobs that wait be claimed in an order that a person asked for. */
import type { Tx } from "../server/db.ts";
import type { JobKind } from "./job.ts";
import { ring } from "./queue.ts";
import { WAITING } from "./rows.ts";

/**
 * Of the jobs of a kind that may be claimed, those of these keys change turns among themselves until they come in the
 * order of the keys; keys without such a job are passed over, and jobs of other keys keep their turns. Returns how many
 * changed theirs.
 */
export function arrange(tx: Tx, kind: JobKind, uniqueKeys: readonly string[]): number {
  const jobs = tx.db.prepare(`
    SELECT id, unique_key, claim_order FROM jobs
    WHERE unique_key IN (SELECT keys.value FROM json_each(:keys) AS keys) AND kind = :kind
      AND ${WAITING} AND status = 'available'
    ORDER BY claim_order, id
  `).all({ kind, keys: JSON.stringify(uniqueKeys) })
    .map((row) => ({ id: Number(row.id), key: row.unique_key, order: Number(row.claim_order) }));
  const move = tx.db.prepare("UPDATE jobs SET claim_order = :order WHERE id = :id");
  let changed = 0;
  let last = { id: 0, order: -Infinity };
  uniqueKeys.flatMap((key) => jobs.find((job) => job.key === key) ?? []).forEach((job, turn) => {
    let { order } = jobs[turn]!;
    // Of two with the same order the one that was enqueued first is claimed first.
    if (order < last.order || order === last.order && job.id < last.id) order = last.order + 1;
    last = { id: job.id, order };
    if (order === job.order) return;
    move.run({ id: job.id, order });
    changed++;
  });
  if (changed > 0) ring(tx);
  return changed;
}
