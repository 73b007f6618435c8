/** Sums up the days that are over, and the months long over, by schedule, so that what they were summed from may go. */
import { setImmediate } from "node:timers/promises";
import { putSchedule } from "../../queue/schedules.ts";
import type { App } from "../app.ts";
import { dayPlus, lastCalendar, monthOf, monthPlus } from "../calendar.ts";
import { DAY_MS } from "../clock.ts";
import { transact, type Tx } from "../db.ts";
import { earliestReservedDay, pruneWindowsBefore } from "../store/reservations.ts";
import { writeSetting } from "../store/settings.ts";
import {
  earliestMonth,
  monthsTo,
  pruneRequests,
  rolledTo,
  rollUpDay,
  rollUpMonth,
  usedDays,
} from "../store/usage.ts";

/** At night, UTC; a day is summed up when it is over everywhere. */
const ROLL_UP_CRON = "7 2 * * *";
/** Single requests of days that are rolled up stay this long, for people to look at. */
export const REQUESTS_KEPT_MS = 90 * DAY_MS;
/**
 * What was counted of a day or month for limits stays this long. Limits and pages read the present ones alone; of the past
 * ones those may come again, where the clock or the time zone is set back.
 */
export const WINDOWS_KEPT_MS = 400 * DAY_MS;
/** Whole months before this one that have their days: a year can be compared with the one before it, day by day. */
export const MONTHS_OF_DAYS = 24;
/** Days that one transaction sums up: other writes wait no longer than that takes. */
const BATCH = 10;

export const scheduleRollUps = (tx: Tx): void =>
  putSchedule(tx, { name: "roll_up", cron: ROLL_UP_CRON, kind: "roll_up", args: {}, priority: 3 });

/**
 * Sums up each day that is over, and of which no answer is still to come, once; done again it changes nothing. What a
 * request used counts on the day on which it was sent, so a day stays open as long as one of its requests is.
 */
export async function rollUp(app: App, signal: AbortSignal): Promise<void> {
  for (const some of [rollUpSomeDays, rollUpAMonth]) {
    while (transact(app, some) && !signal.aborted) await setImmediate();
  }
}

/** True: there may be more to do. */
function rollUpSomeDays(tx: Tx): boolean {
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

/** True: there may be more to do. All days of so old a month are summed up, since `rolledTo` is far behind it. */
function rollUpAMonth(tx: Tx): boolean {
  const before = monthPlus(monthOf(lastCalendar().dayAt(tx.nowMs)), -MONTHS_OF_DAYS);
  if (rolledTo(tx.db) < before) return false;
  const month = earliestMonth(tx.db, before);
  if (month !== null) rollUpMonth(tx, month);
  const done = month === null ? before : monthPlus(month, 1);
  if (done > monthsTo(tx.db)) writeSetting(tx, "usage_months_to", done);
  return month !== null;
}

/** For the upkeep: requests long past, which their days' sums hold. */
export function pruneUsage(tx: Tx, limit: number): number {
  const kept = tx.calendar.dayAt(tx.nowMs - REQUESTS_KEPT_MS);
  const rolled = rolledTo(tx.db);
  return rolled === "" ? 0 : pruneRequests(tx, kept < rolled ? kept : rolled, limit);
}

/** For the upkeep: what limits counted in windows long over, unless a request of theirs has no end yet. */
export function pruneWindows(tx: Tx, limit: number): number {
  const kept = tx.calendar.dayAt(tx.nowMs - WINDOWS_KEPT_MS);
  const open = earliestReservedDay(tx.db) ?? kept;
  return pruneWindowsBefore(tx, open < kept ? open : kept, limit);
}
