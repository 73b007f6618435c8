/** Days and months as people see them who live by one time zone: what limits, sums and charts go by. Pure. */
import { AppError } from "./errors.ts";
import { type Clock, DAY_MS, HOUR_MS, timeText } from "./clock.ts";

/** The days of one time zone. A day is written as 2026-11-27, a month as 2026-11; a day has 23 to 25 hours. */
export interface Calendar {
  /** IANA name, as "Europe/Berlin". */
  timeZone: string;
  /** The day that a moment (milliseconds since the epoch) lies on. */
  dayAt(ms: number): string;
  /** When a day begins: where clocks skip midnight, at the first moment after it. */
  startOf(day: string): number;
}

export const utcCalendar: Calendar = {
  timeZone: "UTC",
  dayAt: (ms) => timeText(ms).slice(0, 10),
  startOf: (day) => Date.parse(day),
};

/** Whose days an App's limits and sums go by. */
export const calendarIn = ({ clock }: { clock: Clock }): Calendar => clock.calendar ?? utcCalendar;

/** The day that it is now; in a transaction the one on which it began. */
export const today = (
  now: { clock: Clock } | { calendar: Calendar; nowMs: number },
): string =>
  "clock" in now ? calendarIn(now).dayAt(now.clock.nowMs()) : now.calendar.dayAt(now.nowMs);

/** Days of the zones that lie farthest behind and ahead, so that no day begins outside of these. */
const FARTHEST_AHEAD_MS = 15 * HOUR_MS;
const FARTHEST_BEHIND_MS = 13 * HOUR_MS;
/** Where no place on Earth is later: a day that is over here is over everywhere. */
export const lastCalendar = (): Calendar => calendarOf("Etc/GMT+12");

/** Throws `invalid` for what is no zone's name. */
export function calendarOf(timeZone: string): Calendar {
  if (timeZone === "UTC") return utcCalendar;
  if (!isTimeZone(timeZone)) {
    const message = 'name a time zone as "Europe/Berlin" or "UTC"';
    throw new AppError("invalid", `Cannot count days in "${timeZone}": ${message}`, [
      { field: "timezone", message },
    ]);
  }
  // This language writes days as they are written here.
  const format = new Intl.DateTimeFormat("sv-SE", {
    ...{ timeZone, calendar: "gregory", numberingSystem: "latn" },
    ...{ year: "numeric", month: "2-digit", day: "2-digit" },
  });
  const dayAt = (ms: number) => format.format(ms);
  return { timeZone, dayAt, startOf: (day) => firstMoment(day, dayAt) };
}

/** A name, and not a mere distance such as "+01:00", which knows no summer. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z][\w+\-/]{0,63}$/.test(name)) return false;
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

/** The machine's own zone. */
export const machineTimeZone = (): string =>
  new Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

/** Halves the time in which a day can begin until one millisecond is left: thirty looks at most. */
function firstMoment(day: string, dayAt: (ms: number) => string): number {
  let before = Date.parse(day) - FARTHEST_AHEAD_MS;
  let within = Date.parse(day) + FARTHEST_BEHIND_MS;
  // A day that a zone has left out begins with the one after it.
  if (dayAt(within) < day) within += DAY_MS;
  while (within - before > 1) {
    const middle = Math.floor((before + within) / 2);
    if (dayAt(middle) < day) before = middle;
    else within = middle;
  }
  return within;
}

/** "2026-11-27 00:00 Europe/Berlin", to the minute. */
export const clockTime = (ms: number, calendar: Calendar): string =>
  `${localTime(ms, calendar).replace("T", " ")} ${calendar.timeZone}`;

/** What clocks of the zone show, "2026-11-27T09:00", to the minute. */
export function localTime(ms: number, { timeZone }: Calendar): string {
  return new Intl.DateTimeFormat("sv-SE", {
    ...{ timeZone, calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" },
    ...{ year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit" },
  }).format(ms).replace(" ", "T");
}

/**
 * The moment (milliseconds since the epoch) at which clocks of the zone show a time such as "2026-11-27T09:00";
 * null: the text is no such time. Of a time that they show twice the first; one that they skip is as long after the
 * last moment before it as it would have been.
 */
export function momentOf(local: string, calendar: Calendar): number | null {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d$/.test(local)) return null;
  const asUtc = Date.parse(`${local}Z`);
  if (Number.isNaN(asUtc)) return null;
  const aheadMs = (ms: number) => Date.parse(`${localTime(ms, calendar)}Z`) - ms;
  // A zone changes its distance at most once in two days.
  const [before, after] = [asUtc - DAY_MS, asUtc + DAY_MS].map((ms) => asUtc - aheadMs(ms));
  const shows = (ms: number) => localTime(ms, calendar) === local;
  return [before!, after!].filter(shows).sort((a, b) => a - b)[0] ?? before!;
}

/** The day so many days after one (before it, when negative). */
export const dayPlus = (day: string, days: number): string =>
  timeText(Date.parse(day) + days * DAY_MS).slice(0, 10);

/** "2026-11" of "2026-11-27". */
export const monthOf = (day: string): string => day.slice(0, 7);

export const firstDayOf = (month: string): string => `${month}-01`;

/** The month so many months after one (before it, when negative). */
export function monthPlus(month: string, months: number): string {
  const [year, number] = month.split("-").map(Number) as [number, number];
  return timeText(Date.UTC(year, number - 1 + months, 1)).slice(0, 7);
}

/** The last day of a month. */
export const lastDayOf = (month: string): string => dayPlus(firstDayOf(monthPlus(month, 1)), -1);

/** When the day or the month that a moment lies in is over. */
export function windowEnd(period: "day" | "month", ms: number, calendar: Calendar): number {
  const day = calendar.dayAt(ms);
  return calendar.startOf(
    period === "day" ? dayPlus(day, 1) : firstDayOf(monthPlus(monthOf(day), 1)),
  );
}
