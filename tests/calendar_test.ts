/** Days and months by a time zone: their beginnings on both days a year when clocks are set, and what a new zone leaves. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import {
  calendarOf,
  clockTime,
  dayPlus,
  isTimeZone,
  lastDayOf,
  localTime,
  momentOf,
  monthPlus,
  utcCalendar,
  windowEnd,
} from "../server/calendar.ts";
import { DAY_MS, HOUR_MS, timeText } from "../server/clock.ts";
import { OverBudget } from "../agents/runtime.ts";
import { changeLimits } from "../server/services/limits.ts";
import { rollUp } from "../server/services/roll_up.ts";
import { forecast } from "../server/services/usage.ts";
import { listLimits } from "../server/store/limits.ts";
import { rolledTo, sumUsage } from "../server/store/usage.ts";
import { answered, paidApp, request, says, workingRun } from "./budgets_support.ts";
import type { TestApp } from "./support.ts";

const CENT = 10_000;
const berlin = calendarOf("Europe/Berlin");
const at = (text: string) => Date.parse(text);
const month = { from: "2026-11-01", to: "2026-12-31" };
const never = new AbortController().signal;

Deno.test("a day begins at midnight of its zone, and has 23, 24 or 25 hours", () => {
  const begins = (day: string) => timeText(berlin.startOf(day));
  equal(begins("2026-11-27"), "2026-11-26T23:00:00.000Z");
  equal(begins("2026-07-01"), "2026-06-30T22:00:00.000Z");
  const hours = (day: string) => (berlin.startOf(dayPlus(day, 1)) - berlin.startOf(day)) / HOUR_MS;
  deepEqual(["2026-03-28", "2026-03-29", "2026-10-25", "2026-10-26"].map(hours), [24, 23, 25, 24]);
});

Deno.test("every moment lies on the day that has begun last, in zones of every kind, all year long", () => {
  const zones = ["UTC", "Pacific/Kiritimati", "Etc/GMT+12", "America/St_Johns", "Asia/Kathmandu"];
  // Clocks skip midnight in Beirut, and go back to the day before in Santiago.
  for (const zone of [...zones, "Asia/Beirut", "America/Santiago", "Australia/Lord_Howe"]) {
    const calendar = calendarOf(zone);
    for (let day = "2026-01-01"; day < "2027-01-01"; day = dayPlus(day, 1)) {
      const start = calendar.startOf(day);
      equal(calendar.dayAt(start), day, zone);
      equal(calendar.dayAt(start - 1), dayPlus(day, -1), zone);
    }
  }
});

Deno.test("a time of a zone's clocks is the moment at which they show it", () => {
  const moment = (local: string, calendar = berlin) => {
    const ms = momentOf(local, calendar);
    return ms === null ? null : timeText(ms);
  };
  equal(moment("2026-11-27T09:00"), "2026-11-27T08:00:00.000Z");
  equal(moment("2026-07-01T00:30"), "2026-06-30T22:30:00.000Z");
  equal(moment("2026-11-27T09:00", utcCalendar), "2026-11-27T09:00:00.000Z");
  equal(moment("2026-10-25T02:30"), "2026-10-25T00:30:00.000Z", "shown twice: the first");
  equal(moment("2026-03-29T02:30"), "2026-03-29T01:30:00.000Z", "skipped: half an hour after two");
  for (const text of ["", "x", "2026-11-27", "2026-13-01T00:00", "2026-11-27T09:00Z"]) {
    equal(moment(text), null, text);
  }
  for (const zone of ["Pacific/Kiritimati", "America/St_Johns", "Australia/Lord_Howe"]) {
    const calendar = calendarOf(zone);
    for (let ms = at("2026-01-01"); ms < at("2027-01-01"); ms += 7 * HOUR_MS) {
      const back = momentOf(localTime(ms, calendar), calendar)!;
      // An hour that is shown twice gives its first showing.
      ok(back === ms || (back < ms && localTime(back, calendar) === localTime(ms, calendar)), zone);
    }
  }
});

Deno.test("a day that a zone has left out begins with the one after it", () => {
  const samoa = calendarOf("Pacific/Apia");
  equal(samoa.startOf("2011-12-30"), samoa.startOf("2011-12-31"));
  equal(samoa.dayAt(samoa.startOf("2011-12-31") - 1), "2011-12-29");
});

Deno.test("windows end with the zone's day and month", () => {
  const evening = at("2026-10-25T20:00:00Z");
  equal(timeText(windowEnd("day", evening, berlin)), "2026-10-25T23:00:00.000Z");
  equal(timeText(windowEnd("month", evening, berlin)), "2026-10-31T23:00:00.000Z");
  equal(timeText(windowEnd("month", evening, utcCalendar)), "2026-11-01T00:00:00.000Z");
  equal(clockTime(evening, berlin), "2026-10-25 21:00 Europe/Berlin");
  equal(lastDayOf("2028-02"), "2028-02-29");
  deepEqual([monthPlus("2026-12", 1), monthPlus("2026-01", -1)], ["2027-01", "2025-12"]);
  // Half of a month of 31 days and one hour.
  equal(
    forecast(CENT, berlin.startOf("2026-10-01") + (31 * 24 + 1) * HOUR_MS / 2, berlin),
    2 * CENT,
  );
});

Deno.test("a zone is named, not measured", () => {
  for (const name of ["UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires", "Etc/GMT+12"]) {
    ok(isTimeZone(name), name);
  }
  for (const name of ["", "+01:00", "Mars/Olympus", "Europe/Berlin; x", "x".repeat(100)]) {
    ok(!isTimeZone(name), name);
    throws(() => calendarOf(name), { code: "invalid" });
  }
});

// ------------------------------------------------------------------ limits and sums

const limitIn = (app: TestApp, timeZone: string) => {
  app.clock.calendar = calendarOf(timeZone);
  const day = app.clock.calendar.dayAt(app.clock.nowMs());
  const { start, spent } = listLimits(app.db, day)[0]!;
  return [start, spent / CENT];
};

const days = (app: TestApp) =>
  sumUsage(app.db, "day", month).map(({ key, costMicroUsd }) => [key, costMicroUsd / CENT]);

function bench(now: string, timeZone: string) {
  const app = paidApp(now);
  app.clock.calendar = calendarOf(timeZone);
  changeLimits(app, [
    { scope: "all", scopeId: "", period: "day", unit: "micro_usd", amount: 50 * CENT },
  ]);
  const run = workingRun(app, app.project().id);
  let turn = 0;
  const pay = (cents: number) => {
    says(app, run, request(++turn, cents * CENT));
    says(app, run, answered(turn, cents * CENT));
  };
  return { app, pay };
}

Deno.test("a limit of a day begins anew at midnight of the zone, and says when that is", () => {
  const { app, pay } = bench("2026-11-27T22:30:00.000Z", "Europe/Berlin");
  using _ = app;
  pay(40);
  throws(() => pay(20), (error) => {
    ok(error instanceof OverBudget);
    match(error.message, /goes on at 2026-11-28 00:00 Europe\/Berlin/);
    equal(error.details.untilMs, at("2026-11-27T23:00:00Z"));
    return true;
  });
  app.advance(HOUR_MS);
  pay(20);
  deepEqual(days(app), [["2026-11-27", 40], ["2026-11-28", 20]]);
});

Deno.test("another zone leaves what was counted on its day, and a day that comes again is not empty", () => {
  const { app, pay } = bench("2026-11-27T18:00:00.000Z", "UTC");
  using _ = app;
  pay(30);
  deepEqual(limitIn(app, "Asia/Tokyo"), ["2026-11-28", 0]);
  pay(25);
  deepEqual(limitIn(app, "UTC"), ["2026-11-27", 30]);
  throws(() => pay(21), OverBudget);
  deepEqual(limitIn(app, "Asia/Tokyo"), ["2026-11-28", 25]);
  deepEqual(days(app), [["2026-11-27", 30], ["2026-11-28", 25]]);
});

Deno.test("no zone counts a request on a day that is summed up", async () => {
  const { app, pay } = bench("2026-11-27T23:00:00.000Z", "Pacific/Kiritimati");
  using _ = app;
  pay(10);
  app.advance(DAY_MS);
  pay(10);
  app.advance(10 * HOUR_MS);
  await rollUp(app, never);
  equal(rolledTo(app.db), "2026-11-28");
  app.clock.calendar = calendarOf("Etc/GMT+12");
  pay(5);
  deepEqual(days(app), [["2026-11-28", 15], ["2026-11-29", 10]]);
  app.advance(2 * DAY_MS);
  await rollUp(app, never);
  deepEqual(days(app), [["2026-11-28", 15], ["2026-11-29", 10]]);
});
