/** Sums up the days that are over, by schedule, so that the rows of single requests may go some time. */
import { setImmediate } from "node:timers/promises";
import { putSchedule } from "../../queue/schedules.ts";
import type { App } from "../app.ts";
import { DAY_MS, timeText } from "../clock.ts";
import { transact, type Tx } from "../db.ts";
import { earliestReservedDay } from "../store/reservations.ts";
import { writeSetting } from "../store/settings.ts";
import { pruneRequests, rolledTo, rollUpDay, usedDays } from "../store/usage.ts";
import { dayOf } from "./budgets.ts";

/** After midnight UTC, when the last answers of the day before are in. */
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
  const today = dayOf(tx.now);
  const open = earliestReservedDay(db) ?? today;
  const before = open < today ? open : today;
  const days = usedDays(db, { from: rolledTo(db), before, limit: BATCH });
  for (const day of days) rollUpDay(tx, day);
  const more = days.length === BATCH;
  const done = more ? dayAfter(days.at(-1)!) : before;
  if (done > rolledTo(db)) writeSetting(tx, "usage_rolled_to", done);
  return more;
}

const dayAfter = (day: string): string => dayOf(timeText(Date.parse(day) + DAY_MS));

/** For the upkeep: requests long past, which their days' sums hold. */
export function pruneUsage(tx: Tx, limit: number): number {
  const kept = dayOf(timeText(tx.nowMs - REQUESTS_KEPT_MS));
  const rolled = rolledTo(tx.db);
  return rolled === "" ? 0 : pruneRequests(tx, kept < rolled ? kept : rolled, limit);
}
