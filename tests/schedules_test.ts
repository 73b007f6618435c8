/** Recurring jobs: when they fire, that they fire once, and what becomes of times that passed. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal, throws } from "node:assert";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, timeText } from "../server/clock.ts";
import { claim } from "../queue/claim.ts";
import { nextTime } from "../queue/cron.ts";
import { dueAtMs } from "../queue/due.ts";
import { listJobs } from "../queue/queue.ts";
import {
  type CatchUp,
  dropSchedule,
  listSchedules,
  MAX_CAUGHT_UP,
  type NewSchedule,
  putSchedule,
  replanSchedules,
} from "../queue/schedules.ts";
import { scheduleUpkeep } from "../queue/upkeep.ts";
import { createRunner } from "../queue/runner.ts";
import { type BareApp, bareApp, START_MS } from "./bare_app.ts";
import { randomFrom } from "./shrink.ts";

const limits = { queues: { agents: 9, steps: 9, merges: 9, forges: 9, upkeep: 999 }, crashes: 3 };
const put = (app: BareApp, changes: Partial<NewSchedule> = {}) =>
  app.tx((tx) =>
    putSchedule(tx, { name: "hourly", cron: "0 * * * *", kind: "prune", args: {}, ...changes })
  );
/** What a wake-up does: due schedules fire, due jobs are taken. Gives the times of those taken. */
const work = (app: BareApp): string[] =>
  app.tx((tx) => claim(tx, { limits, owner: "b", leaseMs: MINUTE_MS }))
    .map((job) => job.scheduledAt).toSorted();
const next = (app: BareApp) => listSchedules(app.db)[0]!.nextAt;
const at = (text: string) => Date.parse(text);
const times = (expression: string, timeZone: string, from: string, count: number) => {
  const found: string[] = [];
  let ms: number | null = at(from);
  while (found.length < count) {
    ms = nextTime({ expression, timeZone }, ms!);
    found.push(timeText(ms!));
  }
  return found;
};

// ---------------------------------------------------------------- cron expressions

Deno.test("an expression's times agree with going through all minutes of two months", () => {
  const random = randomFrom(3);
  const int = (below: number) => Math.floor(random() * below);
  const field = (max: number, min = 0) => {
    const value = () => min + int(max - min + 1);
    const [a, b] = [value(), value()].sort((x, y) => x - y);
    return ["*", "*", `${value()}`, `${a}-${b}`, `*/${2 + int(4)}`, `${a},${b}`][int(6)]!;
  };
  const matches = (text: string, value: number, min: number): boolean =>
    text.split(",").some((part) => {
      if (part === "*") return true;
      if (part.startsWith("*/")) return (value - min) % Number(part.slice(2)) === 0;
      const [low, high = low] = part.split("-").map(Number);
      return value >= low! && value <= high!;
    });
  for (let n = 0; n < 60; n++) {
    const [minute, hour, day, month, weekday] = [
      field(59),
      field(23),
      field(31, 1),
      "*",
      field(6),
    ];
    const expression = [minute, hour, day, month, weekday].join(" ");
    const expected: string[] = [];
    const from = at("2026-01-15T00:00:00.000Z");
    for (
      let ms = from + MINUTE_MS;
      ms <= from + 60 * DAY_MS && expected.length < 20;
      ms += MINUTE_MS
    ) {
      const date = new Date(ms);
      const ofMonth = matches(day!, date.getUTCDate(), 1);
      const ofWeek = matches(weekday!, date.getUTCDay(), 0);
      // Both given: either will do, as cron has always had it.
      const both = day !== "*" && weekday !== "*";
      if (
        matches(minute!, date.getUTCMinutes(), 0) && matches(hour!, date.getUTCHours(), 0) &&
        (both ? ofMonth || ofWeek : ofMonth && ofWeek)
      ) expected.push(timeText(ms));
    }
    const found: string[] = [];
    for (let ms: number | null = from; found.length < expected.length;) {
      ms = nextTime({ expression, timeZone: "UTC" }, ms!);
      found.push(timeText(ms!));
    }
    deepEqual(found, expected, expression);
  }
});

Deno.test("where clocks are put forward, a time that is left out comes an hour later, once", () => {
  deepEqual(
    times("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z", 3),
    [
      "2026-03-28T01:30:00.000Z",
      "2026-03-29T01:00:00.000Z",
      "2026-03-30T00:30:00.000Z",
    ].map((text) => text),
  );
});

Deno.test("where clocks are put back, a time that comes twice fires once, and every hour still does each hour", () => {
  deepEqual(times("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2), [
    "2026-10-25T00:30:00.000Z",
    "2026-10-26T01:30:00.000Z",
  ]);
  const hourly = times("0 * * * *", "America/New_York", "2026-11-01T03:30:00Z", 5);
  deepEqual(hourly.map((text) => text.slice(11, 16)), [
    "04:00",
    "05:00",
    "06:00",
    "07:00",
    "08:00",
  ]);
  deepEqual(times("0 * * * *", "Europe/Berlin", "2026-03-29T00:30:00Z", 2), [
    "2026-03-29T01:00:00.000Z",
    "2026-03-29T02:00:00.000Z",
  ]);
});

Deno.test("every day of a year has its one time in zones of both hemispheres", () => {
  for (const timeZone of ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC"]) {
    const all = times("15 1 * * *", timeZone, "2026-01-01T12:00:00Z", 365);
    for (let n = 1; n < all.length; n++) {
      const hours = (at(all[n]!) - at(all[n - 1]!)) / HOUR_MS;
      ok(hours >= 23 && hours <= 25, `${timeZone}: ${all[n - 1]} → ${all[n]}`);
    }
  }
});

Deno.test("what is no schedule or time zone is refused, naming it and what would be right", () => {
  using app = bareApp();
  const refused: [Partial<NewSchedule>, RegExp, string][] = [
    [{ cron: "every day" }, /Cannot use the schedule "every day": .*five parts/, "cron"],
    [{ cron: "61 * * * *" }, /61/, "cron"],
    [{ cron: "* * * * * *" }, /Cannot use the schedule/, "cron"],
    [{ cron: "2026-01-01T00:00:00" }, /Cannot use the schedule/, "cron"],
    [{ cron: "" }, /Cannot use the schedule ""/, "cron"],
    [{ timeZone: "Mars/Base" }, /Cannot use the time zone "Mars\/Base"/, "time_zone"],
  ];
  for (const [changes, message, field] of refused) {
    throws(
      () => put(app, changes),
      (error: Error & { code: string; fields: { field: string }[] }) => {
        equal(error.code, "invalid");
        ok(message.test(error.message), error.message);
        equal(error.fields[0]!.field, field);
        return true;
      },
    );
  }
  deepEqual(listSchedules(app.db), []);
  put(app, { cron: "@daily" });
  equal(next(app), "2026-01-03T00:00:00.000Z");
});

Deno.test("an expression that names no time never fires", () => {
  using app = bareApp();
  put(app, { cron: "0 0 30 2 *" });
  equal(next(app), null);
  equal(dueAtMs(app.db), null);
  app.advance(400 * DAY_MS);
  deepEqual(work(app), []);
});

// ---------------------------------------------------------------- firing

Deno.test("a schedule fires at its time, once, and then waits for the next", () => {
  using app = bareApp();
  put(app);
  equal(dueAtMs(app.db), at("2026-01-02T04:00:00Z"));
  app.setClock(at("2026-01-02T04:00:00Z") - 1);
  deepEqual(work(app), []);
  app.advance(1);
  deepEqual(work(app), ["2026-01-02T04:00:00.000Z"]);
  equal(next(app), "2026-01-02T05:00:00.000Z");
  equal(listSchedules(app.db)[0]!.lastAt, "2026-01-02T04:00:00.000Z");
  deepEqual(work(app), []);
});

Deno.test("a kill between asking for the job and moving on loses both, and the next start does both", () => {
  using app = bareApp();
  put(app);
  app.advance(HOUR_MS);
  throws(() =>
    app.tx((tx) => {
      claim(tx, { limits, owner: "b", leaseMs: MINUTE_MS });
      throw new Error("killed");
    }), /killed/);
  equal(listJobs(app.db, { limit: 9 }).length, 0);
  equal(next(app), "2026-01-02T04:00:00.000Z");
  equal(work(app).length, 1);
});

Deno.test("while its last job still waits a schedule asks for no second one", () => {
  using app = bareApp();
  put(app);
  const closed = { ...limits, queues: { ...limits.queues, upkeep: 0 } };
  for (let n = 0; n < 3; n++) {
    app.advance(HOUR_MS);
    app.tx((tx) => claim(tx, { limits: closed, owner: "b", leaseMs: MINUTE_MS }));
  }
  equal(listJobs(app.db, { limit: 9 }).length, 1);
});

Deno.test("times that passed while Gaffer did not run are made up for as the schedule says", () => {
  const expected: Record<CatchUp, string[]> = {
    once: ["2026-01-02T04:00:00.000Z"],
    all: [4, 5, 6, 7].map((hour) => `2026-01-02T0${hour}:00:00.000Z`),
    skip: [],
  };
  for (const catchUp of ["once", "all", "skip"] as const) {
    using app = bareApp();
    put(app, { catchUp });
    app.setClock(at("2026-01-02T07:30:00Z"));
    deepEqual(work(app), expected[catchUp], catchUp);
    equal(next(app), "2026-01-02T08:00:00.000Z");
    deepEqual(work(app), [], "and only once");
    app.setClock(at("2026-01-02T08:00:00.004Z"));
    deepEqual(work(app), ["2026-01-02T08:00:00.000Z"], "what comes in time fires always");
  }
});

Deno.test("of very many times that passed not all are made up for", () => {
  using app = bareApp();
  put(app, { cron: "* * * * *", catchUp: "all" });
  app.advance(30 * DAY_MS);
  equal(work(app).length, MAX_CAUGHT_UP);
  equal(Date.parse(next(app)!) - app.clock.nowMs() <= MINUTE_MS, true);
});

Deno.test("a clock that is set back fires nothing twice, one that jumps ahead a day nothing too often", () => {
  using app = bareApp();
  put(app, { cron: "*/10 * * * *" });
  const fired: string[] = [];
  const random = randomFrom(5);
  let nowMs = START_MS;
  for (let n = 0; n < 500; n++) {
    const jump = random();
    nowMs += jump < 0.05 ? -DAY_MS : jump < 0.1 ? DAY_MS : Math.floor(random() * 15 * MINUTE_MS);
    app.setClock(nowMs);
    fired.push(...work(app));
    app.db.exec("UPDATE jobs SET status = 'completed', lease_token = NULL, finished_at = 'x'");
  }
  ok(fired.length > 20);
  equal(new Set(fired).size, fired.length);
});

Deno.test("after a clock that was years ahead a schedule is planned anew; within a day it waits", () => {
  using app = bareApp();
  put(app);
  app.setClock(at("2030-01-01T00:00:00Z"));
  work(app);
  app.setClock(START_MS);
  app.tx(replanSchedules);
  equal(next(app), "2026-01-02T04:00:00.000Z");
  app.setClock(at("2026-01-02T20:00:00Z"));
  app.db.exec("DELETE FROM jobs");
  work(app);
  app.setClock(START_MS);
  app.tx(replanSchedules);
  equal(next(app), "2026-01-02T21:00:00.000Z");
});

// ---------------------------------------------------------------- changing

Deno.test("putting a schedule again changes it; its next time moves only with its expression", () => {
  using app = bareApp();
  put(app);
  app.advance(5 * HOUR_MS); // and nobody has worked since
  put(app, { priority: 0, catchUp: "all" });
  const [same, ...others] = listSchedules(app.db);
  deepEqual(others, []);
  deepEqual([same!.priority, same!.catchUp, same!.nextAt], [0, "all", "2026-01-02T04:00:00.000Z"]);
  put(app, { cron: "30 * * * *" });
  equal(next(app), "2026-01-02T08:30:00.000Z");
  put(app, { cron: "30 * * * *", timeZone: "Asia/Kolkata" });
  equal(next(app), "2026-01-02T09:00:00.000Z");
  ok(app.tx((tx) => dropSchedule(tx, "hourly")));
  equal(app.tx((tx) => dropSchedule(tx, "hourly")), false);
  equal(dueAtMs(app.db), null);
});

Deno.test("the runner sleeps until a schedule is due, and its job comes again and again", async () => {
  using app = bareApp();
  let runs = 0;
  const runner = createRunner({
    app,
    handlers: [{ kind: "prune", run: () => (runs++, Promise.resolve({ type: "done" })) }],
    limits,
    bootId: "boot",
    timers: app.timers,
  });
  app.tx(scheduleUpkeep);
  runner.start();
  await runner.idle();
  equal(runs, 0);
  for (let n = 1; n <= 3; n++) {
    app.advance(HOUR_MS);
    await runner.idle();
    equal(runs, n);
  }
  // Each start says it again; that is no reason to do it again.
  app.tx(scheduleUpkeep);
  await runner.idle();
  app.advance(SECOND_MS);
  equal(runs, 3);
  await runner.stop(0);
});
