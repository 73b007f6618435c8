import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Alert } from "../records.ts";

/** Alerts that one answer of the API gives at most. */
export const ALERTS_MAX = 200;

/** Notes that so much of a limit is used in the window that begins at `start`. False: it was noted before. */
export function insertAlert(
  tx: Tx,
  alert: Pick<Alert, "limitId" | "start" | "threshold" | "used" | "amount">,
): boolean {
  const { changes } = tx.db.prepare(`
    INSERT INTO alerts (id, limit_id, start, threshold, used, amount, at)
    VALUES (:id, :limitId, :start, :threshold, :used, :amount, :now) ON CONFLICT DO NOTHING
  `).run({ id: newId("alert"), ...alert, now: tx.now });
  return changes > 0;
}

/** Takes back what is no longer so since the limit was raised: it is told anew when it is reached again. */
export function dropAlerts(
  tx: Tx,
  { limitId, start, above }: { limitId: string; start: string; above: number },
): void {
  tx.db.prepare(`
    DELETE FROM alerts WHERE limit_id = :limitId AND start = :start AND threshold > :above
  `).run({ limitId, start, above });
}

/** Newest first; `starts`: only those of these windows that nobody has seen. */
export function listAlerts(db: Db, unseenOf: readonly string[] | null = null): Alert[] {
  return db.prepare(`
    SELECT * FROM alerts
    WHERE :starts IS NULL OR (seen_at IS NULL AND start IN (SELECT value FROM json_each(:starts)))
    ORDER BY at DESC, threshold DESC, id LIMIT ${ALERTS_MAX}
  `).all({ starts: unseenOf && JSON.stringify(unseenOf) }).map(alertFromRow);
}

/** Marks an alert, and those below it of the same limit and window, as seen. Throws `not_found`. */
export function seeAlert(tx: Tx, id: string): Alert {
  const row = tx.db.prepare("SELECT * FROM alerts WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No alert with the id "${id}"`);
  const alert = alertFromRow(row);
  tx.db.prepare(`
    UPDATE alerts SET seen_at = :now, seen_by = :actor
    WHERE limit_id = :limitId AND start = :start AND threshold <= :threshold AND seen_at IS NULL
  `).run({
    limitId: alert.limitId,
    start: alert.start,
    threshold: alert.threshold,
    now: tx.now,
    actor: tx.actor,
  });
  return alertFromRow(tx.db.prepare("SELECT * FROM alerts WHERE id = :id").get({ id })!);
}

const alertFromRow = (row: Row): Alert => ({
  id: String(row.id),
  limitId: String(row.limit_id),
  start: String(row.start),
  threshold: Number(row.threshold),
  used: Number(row.used),
  amount: Number(row.amount),
  at: String(row.at),
  seenAt: row.seen_at as string | null,
  seenBy: row.seen_by as string | null,
});
