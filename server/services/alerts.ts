/** Alerts: what people are told of limits that are nearly used, until they have seen it. */
import type { App } from "../app.ts";
import { today } from "../calendar.ts";
import { transact } from "../db.ts";
import type { Alert } from "../records.ts";
import { listUnseenMarks, seeAlert } from "../store/alerts.ts";
import { limitName, limitParts } from "./limit_words.ts";

/** Of the windows that are open now, the highest mark of each limit that nobody has seen. */
export function shownAlerts(
  app: App,
): { id: string; threshold: number; limit: string; parts: string }[] {
  return listUnseenMarks(app.db, today(app)).map(({ id, threshold, limit, parts }) => ({
    ...{ id, threshold },
    limit: limitName(app.db, limit),
    parts: limitParts(limit, parts),
  }));
}

/** Throws `not_found`. */
export function markAlertSeen(app: App, id: string): Alert {
  return transact(app, (tx) => {
    const alert = seeAlert(tx, id);
    tx.emit({ type: "alert_seen", data: { alertId: id, threshold: alert.threshold } });
    return alert;
  });
}
