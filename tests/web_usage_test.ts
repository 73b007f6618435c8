/** What searches of the web cost: kept beside the tokens, priced as data, and put aside beforehand. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { worstCostMicroUsd, worstTokens } from "../agents/loop/cost.ts";
import { operatorTextBound } from "../agents/loop/history.ts";
import { personNote } from "../agents/loop/notes.ts";
import { costOf, resolveModel, WEB_SEARCH_USD } from "../agents/models.ts";
import { noUsage, type RunEventBody, type ToolSpec } from "../agents/protocol.ts";
import { webToolSpec } from "../agents/web/web_tools.ts";
import { usageCsv } from "../server/pages/usage.ts";
import type { Run } from "../server/records.ts";
import { knownQuirks, learnQuirk } from "../server/services/models.ts";
import { changePrice } from "../server/services/price_changes.ts";
import { priced, priceOf } from "../server/services/prices.ts";
import { recordRunEvent } from "../server/services/runs.ts";
import { listRunTags } from "../server/store/run_tags.ts";
import { appendRunEvent } from "../server/store/run_log.ts";
import { getRun } from "../server/store/runs.ts";
import { rollUpDay, sumUsage, totalUsage } from "../server/store/usage.ts";
import { writeSetting } from "../server/store/settings.ts";
import { answered, paidApp, says, workingRun } from "./budgets_support.ts";
import { runSpec } from "./loop_support.ts";
import type { TestApp } from "./support.ts";

const DAY = "2026-11-27";
const span = { from: DAY, to: DAY };
const search: RunEventBody = {
  ...answered(1, 20_000),
  content: [
    { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "greet" } },
    { type: "web_search_tool_result", tool_use_id: "s1", content: [] },
  ],
  usage: { ...noUsage, outputTokens: 10, webSearches: 2 },
} as RunEventBody;

Deno.test("searches are kept for each request, its run and its day, rolled up or not, and its run has the tags", () => {
  using app = paidApp();
  const run = workingRun(app, app.project().id);
  says(app, run, started(1));
  deepEqual(listRunTags(app.db, run.id), []);
  says(app, run, search);
  deepEqual(listRunTags(app.db, run.id), ["untrusted", "outbound"]);
  equal(getRun(app.db, run.id).usage.webSearches, 2);
  equal(totalUsage(app.db, span).usage.webSearches, 2);
  match(usageCsv(app, "agent", span), /cost_micro_usd,web_searches\r\nclarifier,.*,20000,2\r\n/);
  app.tx((tx) => {
    rollUpDay(tx, DAY);
    writeSetting(tx, "usage_rolled_to", "2026-11-28");
    tx.db.exec("DELETE FROM turn_usage");
  });
  equal(sumUsage(app.db, "model", span)[0]!.usage.webSearches, 2);
});

Deno.test("a search costs a cent until a person changes its price; a version without one has the shipped price", () => {
  using app = paidApp();
  const id = "claude-haiku-5-5";
  const model = resolveModel("haiku", null);
  const one = { ...noUsage, webSearches: 1 };
  equal(costOf(one, model.price), 10_000);
  equal(priceOf(app, id).price!.webSearch, WEB_SEARCH_USD);
  const { webSearch: _webSearch, ...before } = model.price;
  changePrice(app, id, { price: before, longPrompt: model.longPrompt, asOf: "2026-10" });
  equal(priceOf(app, id).price!.webSearch, WEB_SEARCH_USD);
  equal(costOf(one, priced(app.db, model).price), 10_000);
  changePrice(app, id, { price: { ...before, webSearch: 5.5 }, longPrompt: model.longPrompt });
  const now = priced(app.db, model);
  // However long the prompt is.
  deepEqual([now.price, now.longPrompt!.price].map((price) => costOf(one, price)), [5_500, 5_500]);
  throws(
    () => changePrice(app, id, { price: { ...before, webSearch: -1 }, longPrompt: null }),
    { code: "invalid" },
  );
});

Deno.test("that a model has no web is not kept: another may, and an account can get it any day", () => {
  using app = paidApp();
  learnQuirk(app, "web_search");
  deepEqual(knownQuirks(app), []);
});

/** A request of a run with these tools, as its loop says it. */
function started(turn: number, tools: ToolSpec[] = [], prompt = 5_000): RunEventBody {
  const { model } = runSpec();
  return {
    type: "turn_started",
    turn,
    maxOutputTokens: 1_000,
    worstTokens: worstTokens(tools, prompt, 1_000),
    worstCostMicroUsd: worstCostMicroUsd(model, prompt, 1_000, tools),
    ...tools.length > 0 && { webTools: tools.map(({ name }) => name) },
  };
}

const reservedFor = (app: TestApp, run: Run) =>
  app.db.prepare("SELECT micro_usd AS cost, tokens FROM reservations WHERE run_id = :id")
    .get({ id: run.id })!;

Deno.test("what is put aside for a request counts its searches, and a note that came in between with each reading", () => {
  using app = paidApp();
  const { model } = runSpec();
  const tools = [webToolSpec("WebSearch", [])!, webToolSpec("WebFetch", [])!];
  const withTools = () => {
    const run = workingRun(app, app.project({ slug: crypto.randomUUID().slice(0, 8) }).id);
    const spec = { ...runSpec({ tools }), runId: run.id };
    app.tx((tx) => {
      tx.db.prepare("DELETE FROM events WHERE run_id = :id").run({ id: run.id });
      recordRunEvent(tx, run, { type: "started", spec });
    });
    return run;
  };
  const text = "Look at the second page too.";
  const noteTokens = operatorTextBound(personNote("owner", text));
  for (const asked of [tools, [tools[0]!], []]) {
    const [plain, noted] = [withTools(), withTools()];
    says(app, plain, started(1, asked));
    deepEqual({ ...reservedFor(app, plain) }, {
      cost: worstCostMicroUsd(model, 5_000, 1_000, asked),
      tokens: worstTokens(asked, 5_000, 1_000),
    });
    app.tx((tx) => appendRunEvent(tx, noted, { type: "note", text, by: "owner" }));
    says(app, noted, started(1, asked));
    deepEqual({ ...reservedFor(app, noted) }, {
      cost: worstCostMicroUsd(model, 5_000 + noteTokens, 1_000, asked),
      tokens: worstTokens(asked, 5_000 + noteTokens, 1_000),
    });
  }
  ok(worstCostMicroUsd(model, 5_000, 1_000, tools) > 4 * 10_000, "four searches at least");
});
