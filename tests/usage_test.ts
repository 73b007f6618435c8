/** What was used: its sums and roll-ups, the page Usage and its forms, and the same over the API. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
  throws,
} from "node:assert";
import { noUsage, type RunEventBody } from "../agents/protocol.ts";
import { DAY_MS, HOUR_MS } from "../server/clock.ts";
import { createHttp } from "../server/http.ts";
import type { Run } from "../server/records.ts";
import { pricesApi } from "../server/routes/prices.tsx";
import { usageApi } from "../server/routes/usage.tsx";
import { adviceFrom, type AdviceGround } from "../server/services/advice.ts";
import { applyAdvice, undoAdvice } from "../server/services/advising.ts";
import { changeLimits } from "../server/services/limits.ts";
import { changePrice } from "../server/services/price_changes.ts";
import { priced } from "../server/services/prices.ts";
import { pruneUsage, REQUESTS_KEPT_MS, rollUp } from "../server/services/roll_up.ts";
import { forecast, spanBetween, spanOf } from "../server/services/usage.ts";
import { lastSeq } from "../server/store/events.ts";
import { listLimits } from "../server/store/limits.ts";
import {
  rolledTo,
  sumUsage,
  totalUsage,
  type UsageGroup,
  usageGroups,
} from "../server/store/usage.ts";
import { resolveModel } from "../agents/models.ts";
import { answered, broken, paidApp, price, request, says, workingRun } from "./budgets_support.ts";
import { noAssets } from "./http_support.ts";
import { followPage, pagesBench } from "./pages_support.ts";
import type { TestApp } from "./support.ts";

const CENT = 10_000;
const never = new AbortController().signal;
const month = { from: "2026-11-01", to: "2026-11-30" };

/** One paid request of a run. */
function pay(app: TestApp, run: Run, turn: number, cents: number, tokens = 100): void {
  says(app, run, request(turn, cents * CENT, tokens));
  says(app, run, answered(turn, cents * CENT, tokens));
}

/** Three days of two projects and two agents. */
function threeDays() {
  const app = paidApp("2026-11-25T12:00:00.000Z");
  const [a, b] = [
    app.project({ slug: "a", name: "Alpha" }),
    app.project({ slug: "b", name: "=B" }),
  ];
  const runs = [
    workingRun(app, a.id),
    workingRun(app, b.id),
    workingRun(app, b.id, "researcher"),
  ] as const;
  for (let turn = 1; turn <= 3; turn++) {
    pay(app, runs[0], turn, 10);
    pay(app, runs[1], turn, 20 * turn);
    if (turn === 2) pay(app, runs[2], 1, 5);
    if (turn < 3) app.advance(DAY_MS);
  }
  return { app, a, b, runs };
}

const cents = (app: TestApp, group: UsageGroup) =>
  sumUsage(app.db, group, month).map(({ key, costMicroUsd }) => [key, costMicroUsd / CENT]);

Deno.test("what was used is summed by day, agent, model, project and ticket, the dearest first", () => {
  const { app, a, b, runs } = threeDays();
  using _ = app;
  deepEqual(cents(app, "day"), [["2026-11-25", 30], ["2026-11-26", 55], ["2026-11-27", 70]]);
  deepEqual(cents(app, "agent"), [["clarifier", 150], ["researcher", 5]]);
  deepEqual(cents(app, "project"), [[b.id, 125], [a.id, 30]]);
  deepEqual(cents(app, "subject"), [[runs[1].ideaId, 120], [runs[0].ideaId, 30], [
    runs[2].ideaId,
    5,
  ]]);
  deepEqual(cents(app, "model").map(([, n]) => n), [155]);
  equal(totalUsage(app.db, { from: "2026-11-26", to: "2026-11-26" }).requests, 3);
});

Deno.test("days that are over are rolled up once, whatever is done again, and every sum stays as it is", async () => {
  const { app, runs } = threeDays();
  using _ = app;
  const before = usageGroups.map((group) => sumUsage(app.db, group, month));
  await rollUp(app, never);
  equal(rolledTo(app.db), "2026-11-27");
  deepEqual(usageGroups.map((group) => sumUsage(app.db, group, month)), before);
  await rollUp(app, never);
  deepEqual(usageGroups.map((group) => sumUsage(app.db, group, month)), before);
  pay(app, runs[0], 4, 1);
  equal(totalUsage(app.db, month).costMicroUsd, 156 * CENT);

  app.advance(REQUESTS_KEPT_MS + DAY_MS);
  await rollUp(app, never);
  const pruned = app.tx((tx) => pruneUsage(tx, 100));
  equal(pruned, 8, "all but what is not rolled up or not old enough");
  equal(totalUsage(app.db, month).costMicroUsd, 156 * CENT);
});

Deno.test("a day stays open as long as one of its requests has no end", async () => {
  const { app, runs } = threeDays();
  using _ = app;
  app.advance(11 * HOUR_MS);
  says(app, runs[0], request(4, 50 * CENT));
  app.advance(3 * DAY_MS);
  await rollUp(app, never);
  equal(rolledTo(app.db), "2026-11-27");
  says(app, runs[0], answered(4, 7 * CENT));
  await rollUp(app, never);
  equal(rolledTo(app.db), "2026-11-30");
  deepEqual(cents(app, "day").at(-1), ["2026-11-27", 77]);
});

Deno.test("spans and forecasts", () => {
  const now = Date.parse("2026-11-16T00:00:00Z");
  deepEqual(spanOf("7d", "2026-11-16"), { from: "2026-11-10", to: "2026-11-16" });
  deepEqual(spanOf("month", "2026-11-16"), { from: "2026-11-01", to: "2026-11-16" });
  deepEqual(spanBetween("2026-02-28", "2026-03-01"), { from: "2026-02-28", to: "2026-03-01" });
  for (
    const [from, to] of [["2026-02-30", "2026-03-01"], ["2026-03-02", "2026-03-01"], ["", "x"]]
  ) {
    try {
      spanBetween(from!, to!);
    } catch (error) {
      equal((error as { code: string }).code, "invalid");
      continue;
    }
    throw new Error(`${from} to ${to} was taken`);
  }
  equal(forecast(15 * CENT, now), 30 * CENT);
  equal(forecast(CENT, Date.parse("2026-11-01T20:00:00Z")), null);
});

// ------------------------------------------------------------------ the page

Deno.test("the page shows figures, bars and tables of the period in its address", async () => {
  const { app } = threeDays();
  using _ = app;
  const pages = pagesBench(app);
  const html = await (await pages.get("/usage?period=today")).text();
  match(html, /<dt>Spent<\/dt><dd class="num">\$0\.70/);
  const all = await (await pages.get("/usage")).text();
  match(all, /<dt>Spent<\/dt><dd class="num">\$1\.55/);
  match(all, /Alpha/);
  match(all, /Month&#39;s end, at this pace|Month's end, at this pace/);
  const own = await (await pages.get("/usage?from=2026-11-25&to=2026-11-26")).text();
  match(own, /\$0\.85/);
  doesNotMatch(all, /style=/);
  equal((await pages.get("/usage?from=x&to=y")).status, 200);
});

Deno.test("the CSV has every row, and nothing that a spreadsheet would run", async () => {
  const { app, b } = threeDays();
  using _ = app;
  const response = await pagesBench(app).get("/usage.csv?group=project");
  equal(response.headers.get("content-type"), "text/csv; charset=utf-8");
  const lines = (await response.text()).trimEnd().split("\r\n");
  match(lines[0]!, /^project,name,requests,input_tokens/);
  equal(lines[1], `${b.id},'=B,4,0,400,0,0,0,1250000,0`);
});

Deno.test("the form sets a limit, refuses nonsense with what was typed, and takes one away", async () => {
  const { app, a } = threeDays();
  using _ = app;
  const pages = pagesBench(app);
  const form = { of: `project:${a.id}`, period: "day", unit: "micro_usd", amount: "$2.50" };
  equal((await pages.post("/usage/limits", form)).status, 303);
  deepEqual(listLimits(app.db, "2026-11-27").map(({ amount, spent }) => [amount, spent]), [[
    2_500_000,
    100_000,
  ]]);
  const refused = await pages.post("/usage/limits", { ...form, amount: "lots" });
  equal(refused.status, 422);
  const html = await refused.text();
  match(html, /value="lots"/);
  match(html, /write an amount in US-dollars/);
  equal((await pages.post("/usage/limits", { ...form, of: "agent:nobody" })).status, 422);
  equal((await pages.post("/usage/limits/remove", form)).status, 303);
  deepEqual(listLimits(app.db, "2026-11-27"), []);
});

Deno.test("an open page shows what a summary of a history has cost, like every paid request", async () => {
  using app = paidApp();
  const run = workingRun(app, app.project().id);
  await using told = await followPage(pagesBench(app), "/live/usage", lastSeq(app.db));
  says(app, run, request(1, 40 * CENT));
  says(app, run, { ...answered(1, 37 * CENT), type: "compacted" } as RunEventBody);
  match(await told.next(), /\$0\.37/);
});

Deno.test("a limit that is nearly used is on every page until somebody has seen it", async () => {
  const { app, runs } = threeDays();
  using _ = app;
  const pages = pagesBench(app);
  changeLimits(app, [{
    scope: "all",
    scopeId: "",
    period: "day",
    unit: "micro_usd",
    amount: 100 * CENT,
  }]);
  pay(app, runs[0], 4, 15);
  const html = await (await pages.get("/jobs")).text();
  match(html, /80 % of the daily limit of \$1\.00 is used/);
  const action = /\/usage\/alerts\/\w+\/seen/.exec(html)![0];
  equal((await pages.post(action)).status, 303);
  doesNotMatch(await (await pages.get("/jobs")).text(), /of the daily limit/);
  app.advance(DAY_MS);
  doesNotMatch(await (await pages.get("/jobs")).text(), /of the daily limit/);
});

Deno.test("what is in doubt of a limit is told beside it and on every page, apart from what was spent", async () => {
  using app = paidApp();
  const pages = pagesBench(app);
  const run = workingRun(app, app.project().id);
  const limit = { scope: "all", scopeId: "", period: "day", unit: "micro_usd" } as const;
  changeLimits(app, [{ ...limit, amount: 100 * CENT }]);
  pay(app, run, 1, 25);
  says(app, run, request(2, 30 * CENT));
  says(app, run, broken(2, "stream_broken"));
  match(
    await (await pages.get("/jobs")).text(),
    /50 % of the daily limit of \$1\.00 is used\..* Then: \$0\.25 spent and up to \$0\.30 in doubt/,
  );
  const usage = await (await pages.get("/usage")).text();
  match(usage, /55 %<span class="muted small">, \$0\.30 in doubt</);
  match(
    usage,
    /width="25"[^>]*chart-bar tone-done[^>]*><\/rect><rect x="25"[^>]*width="30"[^>]*chart-doubt/,
  );
});

Deno.test("a price that was changed holds for runs that begin then, and can be set back", async () => {
  const { app } = threeDays();
  using _ = app;
  const pages = pagesBench(app);
  const opus = resolveModel("opus", null);
  const form = {
    model: opus.id,
    input: "8",
    cache_write5m: "10",
    cache_write1h: "16",
    cache_read: "0.4",
    output: "40",
    as_of: "2026-12",
  };
  equal((await pages.post("/usage/prices", { ...form, output: "dear" })).status, 422);
  deepEqual(priced(app.db, opus), opus);
  equal((await pages.post("/usage/prices", form)).status, 303);
  equal(priced(app.db, opus).price.output, 40);
  match(await (await pages.get("/usage")).text(), /2026-12, by owner/);
  equal((await pages.post("/usage/prices/reset", { model: opus.id })).status, 303);
  deepEqual(priced(app.db, opus), opus);
});

// ------------------------------------------------------------------ advice

const ground = (changes: Partial<AdviceGround> = {}): AdviceGround => ({
  days: 7,
  byAgentAndModel: [],
  runs: [],
  forecastMicroUsd: null,
  heldMicroUsd: 0,
  monthLimitMicroUsd: null,
  agents: [{
    id: "reviewer",
    name: "reviewer",
    projectId: null,
    version: 1,
    model: () => "claude-opus-5-5",
    isFile: false,
  }],
  priceOf: () => price,
  lacks: () => false,
  ...changes,
});

Deno.test("advice follows from the figures, with what it rests on and what it saves, and not from few of them", () => {
  deepEqual(adviceFrom(ground()), []);
  const usage = { ...noUsage, inputTokens: 1_000_000, outputTokens: 10_000 };
  const row = {
    agent: "reviewer",
    model: "claude-opus-5-5",
    requests: 30,
    usage,
    costMicroUsd: 4_200_000,
  };
  const [first] = adviceFrom(ground({ byAgentAndModel: [row] }));
  match(first!.basis, /^0 % of its 1,000,000 prompt tokens in 7 days/);
  // 800,000 tokens at 0.2 instead of 4 dollars a million.
  equal(first!.savingMicroUsd, 3_040_000);
  deepEqual(adviceFrom(ground({ byAgentAndModel: [{ ...row, requests: 3 }] })), []);

  const good = { agent: "reviewer", ended: 10, failed: 0, failedMicroUsd: 0 };
  const keys = (of: Partial<AdviceGround>) => adviceFrom(ground(of)).map(({ key }) => key);
  deepEqual(keys({ byAgentAndModel: [row], runs: [{ ...good, failed: 5, failedMicroUsd: 9 }] }), [
    "cache:reviewer:claude-opus-5-5",
    "fails:reviewer",
  ]);
  const cheap = { input: 2, output: 10, cacheRead: 0.1, cacheWrite5m: 2.5, cacheWrite1h: 4 };
  const priceOf = (model: string) => model.includes("sonnet") ? cheap : price;
  const [, model] = adviceFrom(ground({ byAgentAndModel: [row], runs: [good], priceOf }));
  deepEqual([model!.key, model!.savingMicroUsd], ["model:reviewer:claude-opus-5-5", 2_100_000]);
});

Deno.test("the advice to set a monthly limit is applied, taken back and dismissed", async () => {
  const { app } = threeDays();
  using _ = app;
  const pages = pagesBench(app);
  const advised = async () =>
    /Apply: Set a monthly limit of \$\d+/.exec(await (await pages.get("/usage")).text())?.[0];
  equal(await advised(), "Apply: Set a monthly limit of $3");
  const applied = await pages.post("/usage/advice/apply", { key: "month_limit" });
  match(
    decodeURIComponent(applied.headers.get("set-cookie")!),
    /\/usage\/advice\/undo\?key=month_limit/,
  );
  equal(listLimits(app.db, "2026-11-27")[0]!.amount, 3_000_000);
  equal(await advised(), undefined);
  equal((await pages.post("/usage/advice/undo?key=month_limit")).status, 303);
  deepEqual(listLimits(app.db, "2026-11-27"), []);
  equal(await advised(), "Apply: Set a monthly limit of $3");
  await pages.post("/usage/advice/dismiss", { key: "month_limit" });
  equal(await advised(), undefined);
  equal((await pages.post("/usage/advice/apply", { key: "month_limit" })).status, 404);
});

Deno.test("a monthly limit that a person set since is left alone when the advice for it is undone", async () => {
  const { app } = threeDays();
  using _ = app;
  const pages = pagesBench(app);
  applyAdvice(app, "month_limit");
  changeLimits(app, [{
    ...{ scope: "all", scopeId: "", period: "month", unit: "micro_usd" },
    amount: 7_000_000,
  }]);
  throws(() => undoAdvice(app, "month_limit"), {
    code: "conflict",
    message: /the monthly limit was changed since/,
  });
  equal(listLimits(app.db, "2026-11-27")[0]!.amount, 7_000_000);
  doesNotMatch(await (await pages.get("/usage")).text(), /usage\/advice\/undo/);
});

// ------------------------------------------------------------------ the API

// deno-lint-ignore no-explicit-any
type Json = any;

function api(app: TestApp) {
  const http = createHttp(app, {
    assets: noAssets,
    mountApi(api) {
      usageApi(api);
      pricesApi(api);
    },
    mountPages: () => {},
    renderError: () => "",
  });
  return async (method: string, path: string, body?: unknown, headers = {}) => {
    const answer = await http.request(`/api/v1${path}`, {
      method,
      headers: { "content-type": "application/json", ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      status: answer.status,
      etag: answer.headers.get("etag"),
      json: (await answer.json()) as Json,
    };
  };
}

Deno.test("the API gives usage and sets limits and prices, for those who have seen them", async () => {
  const { app, runs } = threeDays();
  using _ = app;
  const call = api(app);
  const { json: usage } = await call("GET", "/usage?period=7d&group_by=agent");
  deepEqual(
    usage.items.map((
      item: { key: string; cost_micro_usd: number },
    ) => [item.key, item.cost_micro_usd]),
    [
      ["clarifier", 1_500_000],
      ["researcher", 50_000],
    ],
  );
  equal(usage.total.requests, 7);
  equal(
    (await call("GET", "/usage?from=2026-11-25&to=2026-11-25")).json.total.cost_micro_usd,
    300_000,
  );
  equal((await call("GET", "/usage?from=nonsense")).status, 422);

  const { etag } = await call("GET", "/limits");
  const items = [{ scope: "all", period: "day", unit: "micro_usd", amount: 1_000_000 }];
  equal((await call("PUT", "/limits", { items })).status, 428);
  const put = await call("PUT", "/limits", { items }, { "if-match": etag });
  deepEqual([put.status, put.json.items[0].amount], [200, 1_000_000]);
  equal((await call("PUT", "/limits", { items: [] }, { "if-match": etag })).status, 412);
  pay(app, runs[0], 4, 15);
  const { json: alerts } = await call("GET", "/alerts");
  deepEqual(alerts.items.map((alert: { threshold: number }) => alert.threshold), [80, 50]);
  equal((await call("POST", `/alerts/${alerts.items[0].id}/seen`)).json.seen_by, "owner");
  equal((await call("GET", "/usage")).json.limits[0].left, 150_000);
  equal((await call("PUT", "/limits", { items: [] }, { "if-match": put.etag })).status, 200);
  deepEqual((await call("GET", "/limits")).json.items, []);

  const prices = await call("GET", "/prices/claude-opus-5-5");
  equal(prices.json.as_of, "2026-11");
  const dear = { ...prices.json.price, output: 40 };
  const changed = await call("PUT", "/prices/claude-opus-5-5", { price: dear, as_of: "2026-12" }, {
    "if-match": prices.etag,
  });
  deepEqual([changed.json.price.output, changed.json.changed_by], [40, "owner"]);
  equal((await call("GET", "/prices/nonsense")).status, 404);
  changePrice(app, "claude-opus-5-5", null);
});
