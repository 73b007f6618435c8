/** Requests become days and days become months: whatever is rolled up and when, every sum stays as it is. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { noUsage } from "../agents/protocol.ts";
import { dayPlus, firstDayOf, lastDayOf, monthOf, monthPlus } from "../server/calendar.ts";
import { DAY_MS } from "../server/clock.ts";
import { MONTHS_OF_DAYS, pruneUsage, rollUp } from "../server/services/roll_up.ts";
import { barsOf, spanBetween, withWholeMonths } from "../server/services/usage.ts";
import { addTurnUsage, getRun } from "../server/store/runs.ts";
import { monthsTo, sumUsage, totalUsage, usageGroups } from "../server/store/usage.ts";
import { paidApp, workingRun } from "./budgets_support.ts";
import { pagesBench } from "./pages_support.ts";
import type { TestApp } from "./support.ts";

const never = new AbortController().signal;
const START = "2023-11-20";

/** A generator of numbers that come again with their seed. */
const random = (seed: number) => () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;

/** Requests of two agents on days spread over three years and some; what each cost is a number of its own. */
function years(seed: number): { app: TestApp; lastDay: string } {
  const app = paidApp(`${START}T12:00:00.000Z`);
  const next = random(seed);
  const runs = ["clarifier", "researcher"].map((agent) =>
    workingRun(app, app.project({ slug: agent }).id, agent)
  );
  let day = START;
  for (let n = 0; n < 200; n++) {
    day = dayPlus(day, Math.floor(next() * 12));
    const run = runs[Math.floor(next() * 2)]!;
    app.tx((tx) =>
      addTurnUsage(tx, getRun(tx.db, run.id), {
        ...{ number: 100 + n, turn: n, day, counts: true, costMicroUsd: Math.floor(next() * 1e6) },
        usage: { ...noUsage, inputTokens: n, cacheReadTokens: Math.floor(next() * 1e4) },
      })
    );
  }
  return { app, lastDay: day };
}

/** Sums by everything but the day, over all that there is. */
const sums = ({ db }: TestApp, span: { from: string; to: string }) => [
  totalUsage(db, span),
  ...usageGroups.filter((group) => group !== "day").map((group) => sumUsage(db, group, span)),
];

Deno.test("every sum stays equal while requests become days and days months, at any time and done again", async () => {
  for (const seed of [7, 41, 1_234_567]) {
    const { app, lastDay } = years(seed);
    using _ = app;
    const whole = { from: firstDayOf(monthOf(START)), to: lastDayOf(monthOf(lastDay)) };
    const before = sums(app, whole);
    const byMonth = new Map(sumUsage(app.db, "month", whole).map((row) => [row.key, row]));
    while (app.clock.nowMs() < Date.parse(lastDay) + 900 * DAY_MS) {
      app.advance(97 * DAY_MS);
      await rollUp(app, never);
      app.tx((tx) => pruneUsage(tx, 1_000));
      deepEqual(sums(app, whole), before);
      await rollUp(app, never);
      deepEqual(sums(app, whole), before);
      const days = sumUsage(app.db, "day", whole);
      for (const [month, { costMicroUsd, requests }] of byMonth) {
        const within = days.filter(({ key }) => monthOf(key) === month);
        equal(within.reduce((sum, row) => sum + row.costMicroUsd, 0), costMicroUsd);
        equal(within.reduce((sum, row) => sum + row.requests, 0), requests);
        if (month < monthsTo(app.db)) deepEqual(within.map(({ key }) => key), [month]);
      }
    }
    equal(app.db.prepare("SELECT count(*) AS n FROM turn_usage").get()!.n, 0);
    ok(Number(app.db.prepare("SELECT count(*) AS n FROM usage_months").get()!.n) > 0);
  }
});

Deno.test("months keep their days for two years, and no longer", async () => {
  const { app } = years(7);
  using _ = app;
  app.advance(Date.parse("2026-11-30T13:00:00Z") - app.clock.nowMs());
  await rollUp(app, never);
  equal(monthsTo(app.db), monthPlus("2026-11", -MONTHS_OF_DAYS));
  const days = sumUsage(app.db, "day", { from: "2024-09-01", to: "2024-12-31" });
  ok(days.every(({ key }) => key.length === (key < "2024-11" ? 7 : 10)));
});

Deno.test("a month of which only the sum is left is answered whole, and says so", () => {
  const to = "2024-11";
  const widened = (from: string, until: string) =>
    Object.values(withWholeMonths(spanBetween(from, until), to));
  deepEqual(widened("2024-02-10", "2024-02-20"), ["2024-02-01", "2024-02-29"]);
  deepEqual(widened("2024-10-31", "2024-11-02"), ["2024-10-01", "2024-11-02"]);
  deepEqual(widened("2024-11-02", "2024-11-03"), ["2024-11-02", "2024-11-03"]);
  equal(barsOf(spanBetween("2024-10-01", "2024-10-02"), to), "month");
  equal(barsOf(spanBetween("2025-01-01", "2025-03-31"), to), "day");
  equal(barsOf(spanBetween("2025-01-01", "2025-12-31"), to), "month");
});

Deno.test("the page draws months where there are no days any more", async () => {
  const { app } = years(7);
  using _ = app;
  app.advance(1_100 * DAY_MS);
  await rollUp(app, never);
  const html = await (await pagesBench(app).get("/usage?from=2024-01-10&to=2024-02-05")).text();
  match(html, /2024-01-01 to 2024-02-29/);
  match(html, /these are whole months/);
  match(html, /<th scope="row">2024-01<\/th>/);
});
