/** Spans of time that usage is summed over, and where a month is heading. Pure. */
import { DAY_MS, timeText } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { Span } from "../store/usage.ts";
import { dayOf, windowEnd } from "./budgets.ts";

export const usagePeriods = ["today", "7d", "month"] as const;
export type UsagePeriod = typeof usagePeriods[number];

/** Days of a span at most: two years. */
const SPAN_MAX_DAYS = 732;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The days of a period up to today, UTC. */
export function spanOf(period: UsagePeriod, nowMs: number): Span {
  const to = dayOf(timeText(nowMs));
  switch (period) {
    case "today":
      return { from: to, to };
    case "7d":
      return { from: dayOf(timeText(nowMs - 6 * DAY_MS)), to };
    case "month":
      return { from: `${to.slice(0, 7)}-01`, to };
  }
}

/** A span between two days, both within. Throws `invalid` when they are no days, or too far apart. */
export function spanBetween(from: string, to: string): Span {
  const days = isDay(from) && isDay(to) ? (Date.parse(to) - Date.parse(from)) / DAY_MS + 1 : 0;
  if (days >= 1 && days <= SPAN_MAX_DAYS) return { from, to };
  const message =
    `write two days as 2026-11-27, the first not after the second, at most ${SPAN_MAX_DAYS} days`;
  throw new AppError("invalid", `Cannot sum that span: ${message}`, [{ field: "from", message }]);
}

const isDay = (text: string): boolean =>
  DAY.test(text) && !Number.isNaN(Date.parse(text)) && dayOf(timeText(Date.parse(text))) === text;

/** Each day of a span, in order. */
export function daysOf({ from, to }: Span): string[] {
  const days = Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS) + 1;
  return Array.from({ length: days }, (_, n) => dayOf(timeText(Date.parse(from) + n * DAY_MS)));
}

/** What the month will have cost if it goes on as it did until now; in its first day nobody can tell. */
export function forecast(spentMicroUsd: number, nowMs: number): number | null {
  const startMs = Date.parse(`${timeText(nowMs).slice(0, 7)}-01`);
  const goneMs = nowMs - startMs;
  if (goneMs < DAY_MS) return null;
  return Math.round(spentMicroUsd * ((windowEnd("month", nowMs) - startMs) / goneMs));
}
