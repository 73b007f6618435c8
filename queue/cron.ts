/** The times of a cron expression: the only file that knows the library. */
import { Cron } from "croner";
import { AppError, messageOf } from "../server/errors.ts";

/** Minute, hour, day of the month, month, day of the week; or @hourly, @daily, @weekly, @monthly, @yearly. */
export interface CronTimes {
  expression: string;
  /** IANA name, as "Europe/Berlin". */
  timeZone: string;
}

/**
 * The first time after `afterMs`; null: there is none. Where clocks are put forward, a time of day that is
 * left out comes as much later; where they are put back, one that comes twice counts the first time, unless
 * the expression names no hour. Throws `invalid`.
 */
export function nextTime({ expression, timeZone }: CronTimes, afterMs: number): number | null {
  // The library would also take a single date.
  if (!/^(@\w+|\S+( +\S+){4})$/.test(expression)) {
    throw invalid(expression, timeZone, "not a schedule");
  }
  let next: Date | null;
  try {
    next = new Cron(expression, { timezone: timeZone, mode: "5-part" }).nextRun(new Date(afterMs));
  } catch (error) {
    throw invalid(expression, timeZone, messageOf(error));
  }
  return next === null ? null : next.getTime();
}

function invalid(expression: string, timeZone: string, why: string): AppError {
  const zone = /timezone/i.test(why);
  const message = zone
    ? `Cannot use the time zone "${timeZone}": name one as "Europe/Berlin" or "UTC"`
    : `Cannot use the schedule "${expression}": ${why}. It has five parts: minute, hour, day of the ` +
      'month, month, day of the week, as "30 2 * * *" for 2:30 every day';
  return new AppError("invalid", message, [{ field: zone ? "time_zone" : "cron", message }]);
}
