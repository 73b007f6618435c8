/** Sums up the days that are over, by schedule, so that the rows of single requests may go some time. */
import { setImmediate } from "node:timers/promises";
import { putSchedule } from "../../queue/schedules.ts";
import type { App } from "../app.ts";
import { dayPlus, lastCalendar } from "../calendar.ts";
import { DAY_MS } from "../clock.ts";
import { transact, type Tx } from "../db.ts";
import { earliestReservedDay } from "../store/reservations.ts";
import { writeSetting } from "../store/settings.ts";
import { pruneRequests, rolledTo, rollUpDay, usedDays } from "../store/usage.ts";

/** At night, UTC; a day is summed up when it is over everywhere. */
const ROLL_UP_CRON = "7 2 * * *";
/** Single requests of days that are rolled up stay this long, for people to look at. */
export const REQUESTS_KEPT_MS = 90 * DAY_MS;
/** Days that one transaction sums up: other writes wait no longer than that takes. */
const BATCH = 10;

export const scheduleRollUps = (tx: Tx): void =>
  putSchedule(tx, { name: "roll_up", cron: ROLL_UP_CRON, kind: "roll_up", args: {}, priority: 3 });

/**
 * Sums up each day that is over, and of which no answer is still to come, once; done again it changes nothing. What a
 * request used counts on the day on which it was sent, so a day stays open as long as one of its requests is.
 */
export async function rollUp(app: App, signal: AbortSignal): Promise<void> {
  while (transact(app, rollUpSome) && !signal.aborted) await setImmediate();
}

/** True: there may be more to do. */
function rollUpSome(tx: Tx): boolean {
  const { db } = tx;
  // Over in every time zone: another one may be chosen, and then no request is counted on a day that is summed up.
  const last = lastCalendar().dayAt(tx.nowMs);
  const open = earliestReservedDay(db) ?? last;
  const before = open < last ? open : last;
  const days = usedDays(db, { from: rolledTo(db), before, limit: BATCH });
  for (const day of days) rollUpDay(tx, day);
  const more = days.length === BATCH;
  const done = more ? dayPlus(days.at(-1)!, 1) : before;
  if (done > rolledTo(db)) writeSetting(tx, "usage_rolled_to", done);
  return more;
}

/** For the upkeep: requests long past, which their days' sums hold. */
export function pruneUsage(tx: Tx, limit: number): number {
  const kept = tx.calendar.dayAt(tx.nowMs - REQUESTS_KEPT_MS);
  const rolled = rolledTo(tx.db);
  return rolled === "" ? 0 : pruneRequests(tx, kept < rolled ? kept : rolled, limit);
}
