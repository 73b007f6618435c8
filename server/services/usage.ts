/** Spans of time that usage is summed over, and where a month is heading. Pure. */
import {
  type Calendar,
  dayPlus,
  firstDayOf,
  lastDayOf,
  monthOf,
  utcCalendar,
  windowEnd,
} from "../calendar.ts";
import { DAY_MS } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { Span } from "../store/usage.ts";

export const usagePeriods = ["today", "7d", "month"] as const;
export type UsagePeriod = typeof usagePeriods[number];

/** Days of a span at most: two years. */
const SPAN_MAX_DAYS = 732;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** The days of a period up to the one that it is. */
export function spanOf(period: UsagePeriod, to: string): Span {
  switch (period) {
    case "today":
      return { from: to, to };
    case "7d":
      return { from: dayPlus(to, -6), to };
    case "month":
      return { from: firstDayOf(monthOf(to)), to };
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
  DAY.test(text) && !Number.isNaN(Date.parse(text)) && dayPlus(text, 0) === text;

/** The span with all days of each month of which there are only months any more: those before `monthsTo`. */
export const withWholeMonths = ({ from, to }: Span, monthsTo: string): Span => ({
  from: monthOf(from) < monthsTo ? firstDayOf(monthOf(from)) : from,
  to: monthOf(to) < monthsTo ? lastDayOf(monthOf(to)) : to,
});

/** Days that are drawn one by one at most. */
const BARS_MAX = 92;

/** What a chart of a span has a bar for: each day, or each month of long or long past ones. */
export const barsOf = (span: Span, monthsTo: string): "day" | "month" =>
  daysOf(span).length > BARS_MAX || monthOf(span.from) < monthsTo ? "month" : "day";

/** Each month of a span, in order. */
export const monthsOf = (span: Span): string[] => [...new Set(daysOf(span).map(monthOf))];

/** Each day of a span, in order. */
export function daysOf({ from, to }: Span): string[] {
  const days = Math.round((Date.parse(to) - Date.parse(from)) / DAY_MS) + 1;
  return Array.from({ length: days }, (_, n) => dayPlus(from, n));
}

/** What the month will have cost if it goes on as it did until now; in its first day nobody can tell. */
export function forecast(
  spentMicroUsd: number,
  nowMs: number,
  calendar: Calendar = utcCalendar,
): number | null {
  const startMs = calendar.startOf(firstDayOf(monthOf(calendar.dayAt(nowMs))));
  const goneMs = nowMs - startMs;
  if (goneMs < DAY_MS) return null;
  return Math.round(spentMicroUsd * ((windowEnd("month", nowMs, calendar) - startMs) / goneMs));
}
