/** Limits on what may be used: reserved before a request, settled after it, kept across crashes and midnights. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { DAY_MS, HOUR_MS } from "../server/clock.ts";
import { OverBudget } from "../agents/runtime.ts";
import type { LimitState, Run } from "../server/records.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { shownAlerts } from "../server/services/alerts.ts";
import { changeLimits } from "../server/services/limits.ts";
import { pruneWindows, WINDOWS_KEPT_MS } from "../server/services/roll_up.ts";
import { listAlerts, listUnseenMarks, seeAlert } from "../server/store/alerts.ts";
import { LIMITS_MAX, listLimits } from "../server/store/limits.ts";
import { putBudgetWait } from "../server/store/reservations.ts";
import { getRun } from "../server/store/runs.ts";
import { answered, broken, paidApp, request, says, workingRun } from "./budgets_support.ts";
import { executeRun, type TestApp } from "./support.ts";

const CENT = 10_000;
const all = { scope: "all", scopeId: "", unit: "micro_usd" } as const;
const daily = (amount: number | null) => ({ ...all, period: "day", amount }) as const;

const limitsNow = (app: TestApp): LimitState[] =>
  listLimits(app.db, new Date(app.clock.nowMs()).toISOString().slice(0, 10));
const sums = ({ spent, doubt, reserved }: LimitState) => ({ spent, doubt, reserved });

function bench(amount: number) {
  const app = paidApp();
  const project = app.project();
  changeLimits(app, [daily(amount)]);
  const run = () => workingRun(app, project.id);
  return { app, project, run, limit: () => sums(limitsNow(app)[0]!) };
}

const over = (app: TestApp, run: Run, event: Parameters<typeof says>[2]): OverBudget => {
  try {
    says(app, run, event);
  } catch (error) {
    if (error instanceof OverBudget) return error;
    throw error;
  }
  throw new Error("there was room for it");
};

Deno.test("a request is reserved at its worst and settled at what it cost", () => {
  const { app, run, limit } = bench(100 * CENT);
  using _ = app;
  const one = run();
  says(app, one, request(1, 30 * CENT));
  deepEqual(limit(), { spent: 0, doubt: 0, reserved: 30 * CENT });
  says(app, one, answered(1, 4 * CENT));
  deepEqual(limit(), { spent: 4 * CENT, doubt: 0, reserved: 0 });
});

Deno.test("runs side by side see each other's reservations; the one without room is refused with what it lacks", () => {
  const { app, run, limit } = bench(50 * CENT);
  using _ = app;
  const [one, two] = [run(), run()];
  says(app, one, request(1, 30 * CENT));
  const { message, details } = over(app, two, request(1, 30 * CENT));
  equal(
    message,
    "$0.20 is left of the daily limit of $0.50 ($0.00 spent and up to $0.30 reserved for requests on their way), " +
      "and the next request may use up to $0.30. It goes on at 2026-11-28 00:00 UTC, or as soon as there is room",
  );
  equal(details.untilMs, Date.parse("2026-11-28T00:00:00Z"));
  deepEqual(limit().reserved, 30 * CENT, "what was refused left nothing behind");
  says(app, one, answered(1, 1 * CENT));
  says(app, two, request(1, 30 * CENT));
});

Deno.test("a request that no window has room for waits for a person, not for midnight", () => {
  const { app, run } = bench(50 * CENT);
  using _ = app;
  const { message, details } = over(app, run(), request(1, 51 * CENT));
  match(message, /goes on when the limit is raised/);
  equal(details.untilMs, null);
});

Deno.test("tokens, projects, agents and months are limited alike", () => {
  const { app, project, run } = bench(100 * CENT);
  using _ = app;
  const limits = [
    [{ scope: "project", scopeId: project.id, period: "day", unit: "micro_usd" }, /project Sample/],
    [{ scope: "agent", scopeId: "clarifier", period: "month", unit: "tokens" }, /agent clarifier/],
    [{ ...all, unit: "tokens", period: "day" }, /999 tokens/],
  ] as const;
  for (const [key, words] of limits) {
    changeLimits(app, [{ ...key, amount: 999 }]);
    match(over(app, run(), request(1, CENT, 1_000)).message, words);
    changeLimits(app, [{ ...key, amount: null }]);
  }
  changeLimits(app, [{ ...limits[1][0], scopeId: "reviewer", amount: 999 }]);
  says(app, run(), request(1, CENT, 1_000));
});

Deno.test("a request that was cut off stays counted at its worst, and is not in what was used", () => {
  const { app, run, limit } = bench(100 * CENT);
  using _ = app;
  const one = run();
  says(app, one, request(1, 30 * CENT));
  // The process died; its next life says so.
  says(app, one, broken(1, "worker_lost"));
  deepEqual(limit(), { spent: 0, doubt: 30 * CENT, reserved: 0 });
  says(app, one, request(1, 30 * CENT));
  says(app, one, broken(1, "stream_broken", 2 * CENT));
  deepEqual(limit(), { spent: 2 * CENT, doubt: 58 * CENT, reserved: 0 });
  equal(getRun(app.db, one.id).costMicroUsd, 2 * CENT);
  says(app, one, request(1, 40 * CENT));
  says(app, one, broken(1, "rate_limited"));
  deepEqual(limit(), { spent: 2 * CENT, doubt: 58 * CENT, reserved: 0 }, "a refusal costs nothing");
});

Deno.test("a run that is cancelled in the midst of a request leaves it counted", () => {
  const { app, run, limit } = bench(100 * CENT);
  using _ = app;
  const one = run();
  says(app, one, request(1, 30 * CENT));
  cancelRun(app, one.id);
  deepEqual(limit(), { spent: 0, doubt: 30 * CENT, reserved: 0 });
});

Deno.test("a request counts on the day on which it was sent, though its answer comes after midnight", () => {
  const { app, run, limit } = bench(50 * CENT);
  using _ = app;
  const one = run();
  app.advance(12 * HOUR_MS - 1);
  says(app, one, request(1, 50 * CENT));
  app.advance(2);
  says(app, one, answered(1, 45 * CENT));
  deepEqual(limit(), { spent: 0, doubt: 0, reserved: 0 });
  says(app, one, request(2, 50 * CENT));
  const rows = app.db.prepare("SELECT day, at FROM turn_usage").all();
  deepEqual(rows.map(({ day }) => day), ["2026-11-27"]);
});

// ------------------------------------------------------------------ waiting

/** Lets a run's loop let go for want of room, as the runtime does. */
async function waits(app: TestApp, run: Run, event: Parameters<typeof says>[2]): Promise<Run> {
  const { message, details } = over(app, run, event);
  await app.end(run, { type: "budget", message, ...details });
  return getRun(app.db, run.id);
}

const jobOf = (app: TestApp, run: Run) =>
  app.db.prepare("SELECT status, scheduled_at FROM jobs WHERE unique_key = :key ORDER BY id DESC")
    .get({ key: `run:${run.id}` });

Deno.test("what waits for room goes on at midnight, sooner when room is freed, or when the limit is raised", async () => {
  const { app, run } = bench(50 * CENT);
  using _ = app;
  const [one, two] = [run(), run()];
  says(app, one, request(1, 30 * CENT));
  const waiting = await waits(app, two, request(1, 30 * CENT));
  deepEqual([waiting.status, waiting.failure], ["waiting", "budget"]);
  match(waiting.waitReason, /left of the daily limit/);

  says(app, one, answered(1, 25 * CENT));
  const still = app.db.prepare("SELECT count(*) AS n FROM budget_waits").get()!.n;
  equal(still, 1, "25 of 50 cents are spent: 30 do not fit");
  changeLimits(app, [daily(55 * CENT)]);
  equal(jobOf(app, two)!.status, "available");
  says(app, { id: two.id }, request(1, 30 * CENT));
  equal(app.db.prepare("SELECT count(*) AS n FROM budget_waits").get()!.n, 0);
});

Deno.test("what has room goes on however many wait before it for another limit", () => {
  using app = paidApp();
  const [crowded, other] = [app.project({ slug: "crowded" }), app.project({ slug: "other" })];
  const dailyOf = (scopeId: string, amount: number) =>
    ({ scope: "project", scopeId, period: "day", unit: "micro_usd", amount }) as const;
  changeLimits(app, [dailyOf(crowded.id, 0), dailyOf(other.id, 0)]);
  const waiting = (projectId: string) => {
    const run = workingRun(app, projectId);
    app.db.prepare("UPDATE runs SET status = 'waiting', failure = 'budget' WHERE id = :id")
      .run({ id: run.id });
    app.tx((tx) => putBudgetWait(tx, run.id, { microUsd: CENT, tokens: 1_000 }));
    return run;
  };
  for (let n = 0; n < 201; n++) waiting(crowded.id);
  app.advance(1_000);
  const last = waiting(other.id);
  app.db.exec("DELETE FROM jobs");
  changeLimits(app, [dailyOf(other.id, 2 * CENT)]);
  deepEqual(app.jobs().map(({ args }) => args.runId), [last.id]);

  // Nor do those hide it that need more than is left, where something is.
  app.db.exec("DELETE FROM jobs");
  app.db.exec(`UPDATE budget_waits SET micro_usd = ${5 * CENT} WHERE run_id <> '${last.id}'`);
  changeLimits(app, [dailyOf(crowded.id, CENT)]);
  deepEqual(app.jobs().map(({ args }) => args.runId), [last.id]);
});

Deno.test("a limit that is used up holds a run before its place is made", async () => {
  const { app, run } = bench(10 * CENT);
  using _ = app;
  const one = run();
  says(app, one, request(1, 10 * CENT));
  says(app, one, answered(1, 10 * CENT));
  const two = run();
  // The agents would throw: no outcome is scripted for them.
  const outcome = await executeRun(
    app,
    two.id,
    { attempt: 1, maxAttempts: 5 },
    new AbortController().signal,
  );
  deepEqual(outcome, {
    type: "snooze",
    ms: DAY_MS / 2,
    reason: "All of the daily limit of $0.10 is used or reserved. " +
      "It goes on at 2026-11-28 00:00 UTC, or as soon as there is room",
  });
});

// ------------------------------------------------------------------ alerts

Deno.test("each mark is told once in each window, and again when a raised limit is nearly used", () => {
  const { app, run } = bench(100 * CENT);
  using _ = app;
  const one = run();
  let turn = 0;
  const spend = (cents: number) => {
    says(app, one, request(++turn, cents * CENT));
    says(app, one, answered(turn, cents * CENT));
  };
  const told = () =>
    app.events.filter(({ type }) => type === "budget_alert").map(({ data }) =>
      (data as { threshold: number }).threshold
    );
  spend(49);
  deepEqual(told(), []);
  spend(2);
  spend(2);
  deepEqual(told(), [50]);
  spend(45);
  deepEqual(told(), [50, 95], "of two marks at once the higher is told");
  deepEqual(listAlerts(app.db).map(({ threshold }) => threshold), [95, 80, 50]);
  changeLimits(app, [daily(200 * CENT)]);
  deepEqual(listAlerts(app.db), [], "49 % of two dollars are no news");
  spend(4);
  deepEqual(told(), [50, 95, 50]);
  const shown = () => listUnseenMarks(app.db, "2026-11-27").map(({ threshold }) => threshold);
  deepEqual(shown(), [50]);
  app.tx((tx) => seeAlert(tx, listAlerts(app.db)[0]!.id));
  deepEqual(shown(), []);
  app.advance(DAY_MS);
  spend(120);
  deepEqual(told(), [50, 95, 50, 50]);
});

Deno.test("what is told of a limit keeps apart what was spent, what is in doubt and what is reserved", () => {
  const { app, run } = bench(100 * CENT);
  using _ = app;
  const [one, two, three] = [run(), run(), run()];
  says(app, one, request(1, 20 * CENT));
  says(app, two, request(1, 30 * CENT));
  says(app, two, broken(1, "stream_broken"));
  says(app, three, request(1, 30 * CENT));
  says(app, three, answered(1, 25 * CENT));
  const [alert] = listAlerts(app.db);
  const { threshold, used, doubt, reserved } = alert!;
  deepEqual({ threshold, used, doubt, reserved }, {
    threshold: 50,
    used: 55 * CENT,
    doubt: 30 * CENT,
    reserved: 20 * CENT,
  });
  const parts = "$0.25 spent, up to $0.30 in doubt (requests that broke off) and up to $0.20 " +
    "reserved for requests on their way";
  const event = app.events.find(({ type }) => type === "budget_alert")!;
  equal((event.data as { parts: string }).parts, parts);
  equal(shownAlerts(app)[0]!.parts, parts);
  const { message } = over(app, two, request(1, 30 * CENT));
  ok(message.startsWith(`$0.25 is left of the daily limit of $1.00 (${parts}), and the next`));
});

Deno.test("an alert of an earlier version, which noted no parts, says none", () => {
  const { app, run } = bench(100 * CENT);
  using _ = app;
  const one = run();
  says(app, one, request(1, 60 * CENT));
  says(app, one, broken(1, "stream_broken"));
  app.db.exec("UPDATE alerts SET doubt = NULL, reserved = NULL");
  equal(shownAlerts(app)[0]!.parts, "");
});

// ------------------------------------------------------------------ pruning

const windowsOf = (app: TestApp) =>
  app.db.prepare("SELECT scope, period, start FROM usage_windows ORDER BY start, period, scope")
    .all().map(({ scope, period, start }) => `${scope} ${period} ${start}`);

Deno.test("windows that are long over go, a few at a time, and none of a month that has begun later", () => {
  const { app, run, limit } = bench(100 * CENT);
  using _ = app;
  const spend = (turn: number) => {
    const one = run();
    says(app, one, request(turn, CENT));
    says(app, one, answered(turn, CENT));
  };
  spend(1);
  app.advance(WINDOWS_KEPT_MS - DAY_MS);
  spend(1);
  const all = windowsOf(app);
  equal(all.length, 12);
  const prune = (limit: number) => app.tx((tx) => pruneWindows(tx, limit));
  equal(prune(100), 0, "not old enough");
  app.advance(2 * DAY_MS);
  equal(prune(2), 2);
  equal(prune(2), 1, "the month goes when all of its days are so old");
  equal(prune(2), 0);
  deepEqual(windowsOf(app).filter((one) => one.includes(" day 2026-11-27")), []);
  equal(windowsOf(app).filter((one) => one.includes(" month 2026-11")).length, 3);
  app.advance(31 * DAY_MS);
  spend(1);
  deepEqual(limit(), { spent: CENT, doubt: 0, reserved: 0 });
});

Deno.test("the window of a request that has no end yet stays", () => {
  const { app, run } = bench(100 * CENT);
  using _ = app;
  const one = run();
  says(app, one, request(1, 30 * CENT));
  app.advance(2 * WINDOWS_KEPT_MS);
  equal(app.tx((tx) => pruneWindows(tx, 100)), 0);
  says(app, one, answered(1, CENT));
  equal(app.tx((tx) => pruneWindows(tx, 100)), 6);
});

Deno.test("limits are of what there is, and a limit that stays the same is no change", () => {
  const { app } = bench(CENT);
  using _ = app;
  throws(
    () =>
      changeLimits(app, [{ ...all, scope: "agent", scopeId: "nobody", period: "day", amount: 1 }]),
    { code: "invalid" },
  );
  throws(
    () => changeLimits(app, [{ ...all, scope: "project", scopeId: "x", period: "day", amount: 1 }]),
    { code: "invalid" },
  );
  const before = app.events.length;
  changeLimits(app, [daily(CENT)]);
  equal(app.events.length, before);
  ok(limitsNow(app).length === 1);
});

Deno.test("there are so many limits and no more, and of a change that would be too much nothing is left", () => {
  const { app } = bench(CENT);
  using _ = app;
  const many = Array.from({ length: LIMITS_MAX }, (_, n) => {
    const { id: scopeId } = app.project({ slug: `p${n}` });
    return { ...daily(CENT), scope: "project", scopeId } as const;
  });
  throws(() => changeLimits(app, many), { code: "conflict", message: /there are 200 already/ });
  equal(limitsNow(app).length, 1);
  changeLimits(app, many.slice(1));
  equal(limitsNow(app).length, LIMITS_MAX);
  changeLimits(app, [daily(2 * CENT)]);
});
