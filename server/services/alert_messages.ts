/** Tells a person (by webhook, ntfy, mail) how far a limit is used, once for each alert and channel. */
import { jobKeys, type JobKinds, type Outcome } from "../../queue/job.ts";
import { enqueue } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import type { Tx } from "../db.ts";
import { findAlertWithLimit } from "../store/alerts.ts";
import { channelsOf, send } from "./channels.ts";
import { limitName, limitParts, limitUses } from "./limit_words.ts";

/** Asks for the messages in the transaction that ends the job, so that none is asked for twice. */
export function tellOfAlert(app: App, tx: Tx, alertId: string): Outcome {
  for (const by of channelsOf(app)) {
    enqueue(tx, {
      kind: "notify_alert",
      args: { alertId, by },
      uniqueKey: jobKeys.alert(alertId, by),
    });
  }
  return { type: "done" };
}

/** Sends one message of an alert that nobody has seen yet. Its id is the alert's, however often it is tried. */
export async function notifyOfAlert(
  app: App,
  { alertId, by }: JobKinds["notify_alert"],
  signal: AbortSignal,
): Promise<Outcome> {
  const found = findAlertWithLimit(app.db, alertId);
  if (!found) return { type: "cancel", reason: "The limit was raised or taken away" };
  const { alert, limit } = found;
  if (alert.seenAt !== null) return { type: "cancel", reason: "It was seen on the page" };
  const name = limitName(app.db, { ...limit, amount: alert.amount });
  const title = `${alert.threshold} % of ${name} is used`;
  const parts = limitParts(limit, alert);
  const message = `${limitUses(limit, alert.used)} of ${
    limitUses(limit, alert.amount)
  } in ${alert.start}${parts && `: ${parts}`}`;
  const click = `${app.config.publicUrl}/usage#limits`;
  const body = {
    type: "budget_alert",
    alert_id: alert.id,
    limit_id: limit.id,
    scope: limit.scope,
    scope_id: limit.scopeId,
    period: limit.period,
    unit: limit.unit,
    start: alert.start,
    threshold: alert.threshold,
    used: alert.used,
    spent: alert.doubt === null ? null : alert.used - alert.doubt,
    doubt: alert.doubt,
    reserved: alert.reserved,
    amount: alert.amount,
    title,
    message,
    click,
    tags: ["moneybag"],
  };
  const text =
    `${message}.\n\nWhat has no room waits and goes on by itself. See or change the limits:`;
  return await send(app, by, { id: alert.id, title, text, click, body }, signal);
}
