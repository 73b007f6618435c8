import { type Db, newId, type Row, type Tx } from "../db.ts";
import { DAY_MS, timeText } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { Alert, Limit } from "../records.ts";
import { limitFromRow } from "./limits.ts";

/** Alerts that one answer of the API gives at most. */
export const ALERTS_MAX = 200;

/** What an alert tells of what was used then. */
export type AlertParts = Pick<Alert, "used" | "doubt" | "reserved">;

/** Alerts older than this are thrown away: of no window that is still open, and long told. */
export const ALERTS_KEPT_MS = 400 * DAY_MS;

/** Notes that so much of a limit is used in the window that begins at `start`. Gives its id; null: it was noted before. */
export function insertAlert(
  tx: Tx,
  alert: Pick<
    Alert,
    "limitId" | "start" | "threshold" | "used" | "doubt" | "reserved" | "amount"
  >,
): string | null {
  const id = newId("alert");
  const { changes } = tx.db.prepare(`
    INSERT INTO alerts (id, limit_id, start, threshold, used, doubt, reserved, amount, at)
    VALUES (:id, :limitId, :start, :threshold, :used, :doubt, :reserved, :amount, :now)
    ON CONFLICT DO NOTHING
  `).run({ id, ...alert, now: tx.now });
  return changes > 0 ? id : null;
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

/** For the upkeep: alerts of windows long past, at most `limit`; says how many. */
export const pruneAlerts = (tx: Tx, limit: number): number =>
  tx.db.prepare(`
    DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE at < :before ORDER BY at LIMIT :limit)
  `).run({ before: timeText(tx.nowMs - ALERTS_KEPT_MS), limit }).changes;

/** An alert and the limit that it is of; null: one of them is gone. */
export function findAlertWithLimit(db: Db, id: string): { alert: Alert; limit: Limit } | null {
  const alert = db.prepare("SELECT * FROM alerts WHERE id = :id").get({ id });
  if (!alert) return null;
  const limit = db.prepare("SELECT * FROM limits WHERE id = :id").get({ id: alert.limit_id! });
  return limit ? { alert: alertFromRow(alert), limit: limitFromRow(limit) } : null;
}

/** Newest first. */
export const listAlerts = (db: Db): Alert[] =>
  db.prepare(`SELECT * FROM alerts ORDER BY at DESC, threshold DESC, id LIMIT ${ALERTS_MAX}`)
    .all().map(alertFromRow);

/** Of each limit the highest mark in the window of a day that nobody has seen; each page asks for it. */
export const listUnseenMarks = (
  db: Db,
  day: string,
): { id: string; threshold: number; limit: Limit; parts: AlertParts }[] =>
  db.prepare(`
    SELECT l.*, a.id AS alert_id, max(a.threshold) AS threshold, a.used, a.doubt, a.reserved
    FROM limits l CROSS JOIN alerts a ON a.limit_id = l.id
      AND a.start = CASE l.period WHEN 'day' THEN :day ELSE substr(:day, 1, 7) END
    WHERE a.seen_at IS NULL
    GROUP BY l.id ORDER BY l.scope, l.scope_id, l.period, l.unit DESC
  `).all({ day }).map((row) => ({
    id: String(row.alert_id),
    threshold: Number(row.threshold),
    limit: limitFromRow(row),
    parts: {
      used: Number(row.used),
      doubt: row.doubt as number | null,
      reserved: row.reserved as number | null,
    },
  }));

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
  doubt: row.doubt as number | null,
  reserved: row.reserved as number | null,
  amount: Number(row.amount),
  at: String(row.at),
  seenAt: row.seen_at as string | null,
  seenBy: row.seen_by as string | null,
});
