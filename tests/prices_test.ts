/** What was changed of prices, and models that a person gives a price first. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
  throws,
} from "node:assert";
import { createHttp } from "../server/http.ts";
import { pricesApi } from "../server/routes/prices.tsx";
import { modelsApi } from "../server/routes/models.ts";
import { changeAgent } from "../server/services/agent_changes.ts";
import { keepModels, listedModels, modelOf } from "../server/services/models.ts";
import { changePrice, undoPrice } from "../server/services/price_changes.ts";
import { furtherModels, listPrices, priceOf } from "../server/services/prices.ts";
import { listPriceVersions } from "../server/store/prices.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { startFakeClaude } from "./fake_claude/mod.ts";
import { paidApp, workingRun } from "./budgets_support.ts";
import { Client, startGaffer, tempDir } from "./gaffer.ts";
import { greetCommands, greetRepo, greetScripts } from "./greet_story.ts";
import { noAssets } from "./http_support.ts";
import { addProject, patch, play, runsOf } from "./journey_support.ts";
import { pagesBench } from "./pages_support.ts";
import { type TestApp, testApp } from "./support.ts";

const OPUS = "claude-opus-5-5";
const NEW = "claude-novel-6";
const rates = { input: 1, cacheWrite5m: 1.25, cacheWrite1h: 2, cacheRead: 0.1, output: 5 };
const fields = {
  input: "1",
  cache_write5m: "1.25",
  cache_write1h: "2",
  cache_read: "0.1",
  output: "5",
  as_of: "2026-12",
};

const output = (app: TestApp, id: string) => priceOf(app, id).price?.output;
const newest = (app: TestApp) => listPriceVersions(app.db, { limit: 1 })[0]!.id;

Deno.test("each change of a price is kept with who and what; the newest is undone, no other", async () => {
  using app = paidApp();
  const pages = pagesBench(app);
  const page = async (path = "/usage/prices") => await (await pages.get(path)).text();
  match(await page(), /Nobody has changed a price/);
  changePrice(app, OPUS, { price: { ...rates, output: 30 }, longPrompt: null, asOf: "2026-12" });
  const first = newest(app);
  changePrice(app, OPUS, { price: { ...rates, output: 40 }, longPrompt: null });
  changePrice(app, "claude-opus-5", { price: rates, longPrompt: null });
  const html = await page(`/usage/prices?model=${OPUS}`);
  match(html, /Changed by owner[\s\S]*as of 2026-11-27[\s\S]*<li>Output 30 → 40<\/li>/);
  match(html, /<li>Input 4 → 1<\/li>[\s\S]*<li>Output 20 → 30<\/li>/);
  doesNotMatch(html, /href="\/usage\/prices\?model=claude-opus-5"/);
  equal(html.match(/action="\/usage\/prices\/undo"/g)!.length, 1, "of the newest");
  throws(() => undoPrice(app, first), { code: "conflict", message: /Undo the newest first/ });
  throws(() => undoPrice(app, 999), { code: "not_found" });

  const version = /name="version" value="(\d+)"/.exec(html)![1]!;
  equal((await pages.post("/usage/prices/undo", { version })).status, 303);
  deepEqual([output(app, OPUS), priceOf(app, OPUS).asOf], [30, "2026-12"]);
  undoPrice(app, newest(app));
  equal(output(app, OPUS), 40, "an undo is a change like any other");
  equal(priceOf(app, "claude-opus-5").price!.output, 5);
  undoPrice(app, listPriceVersions(app.db, { model: "claude-opus-5", limit: 1 })[0]!.id);
  equal(priceOf(app, "claude-opus-5").changed, null, "the shipped ones were before");
  match(await page(), /Set back to the shipped rates by owner/);
});

Deno.test("a long history of prices has pages", async () => {
  using app = paidApp();
  for (let n = 1; n <= 51; n++) {
    changePrice(app, OPUS, { price: { ...rates, output: n }, longPrompt: null });
  }
  const pages = pagesBench(app);
  const html = await (await pages.get("/usage/prices")).text();
  const older = /href="(\/usage\/prices\?before=\d+)"/.exec(html)![1]!;
  const last = await (await pages.get(older)).text();
  match(last, /<li>Output 20 → 1<\/li>/);
  doesNotMatch(last, /before=/);
});

// ------------------------------------------------------------------ listed models

/** An endpoint that lists a model which Gaffer ships nothing of. */
function listing(app: TestApp): TestApp {
  keepModels(app, {
    baseUrl: app.config.endpoint!.baseUrl,
    models: [
      { id: "claude-sonnet-5-5", name: "Sonnet", maxInputTokens: null, maxOutputTokens: null },
      { id: NEW, name: "Novel", maxInputTokens: 300_000, maxOutputTokens: 20_000 },
    ],
    at: "2026-11-27T00:00:00.000Z",
    error: null,
  });
  return app;
}

const choose = (app: TestApp, model: string) => changeAgent(app, "clarifier", { keys: { model } });

Deno.test("a listed model without a price leads to the form, and with one can be chosen and works", async () => {
  using app = listing(paidApp());
  const pages = pagesBench(app);
  const agentPage = async () => await (await pages.get("/agents/clarifier")).text();
  match(await agentPage(), /lists 1 more model: <a href="\/usage#prices">give one a price/);
  throws(() => choose(app, NEW), { code: "invalid", message: /claude-novel-6/ });
  const usage = await (await pages.get("/usage")).text();
  match(usage, /Give 1 listed model a price[\s\S]*<option value="claude-novel-6"/);
  const refused = await pages.post("/usage/prices", { ...fields, model: NEW, output: "dear" });
  equal(refused.status, 422);
  match(await refused.text(), /id="first-price-edit"[^>]* open/);

  equal((await pages.post("/usage/prices", { ...fields, model: NEW })).status, 303);
  match(await agentPage(), /<option value="claude-novel-6"/);
  doesNotMatch(await agentPage(), /more model/);
  choose(app, NEW);
  const run = workingRun(app, app.project().id);
  equal(getRun(app.db, run.id).model, NEW);
  const spec = modelOf(app, { model: NEW, effort: "high" });
  deepEqual(
    [spec.contextTokens, spec.maxOutputTokens, spec.price, spec.thinking, spec.effort],
    [300_000, 20_000, rates, null, null],
  );
});

Deno.test("the price of a model that an agent works with is not taken away", () => {
  using app = listing(paidApp());
  changePrice(app, NEW, { price: rates, longPrompt: null });
  choose(app, NEW);
  throws(() => changePrice(app, NEW, null), {
    code: "conflict",
    message: /"clarifier" would have/,
  });
  throws(() => undoPrice(app, newest(app)), { code: "conflict" });
  choose(app, "sonnet");
  undoPrice(app, newest(app));
  deepEqual([furtherModels(app.db), priceOf(app, NEW).price], [[], null]);
  throws(() => choose(app, NEW), { code: "invalid" });
  throws(() => changePrice(app, "claude-nobody-1", { price: rates, longPrompt: null }), {
    code: "not_found",
  });
});

Deno.test("what waits for an agent whose model has no price goes on once it is given one", async () => {
  using app = listing(paidApp());
  changePrice(app, NEW, { price: rates, longPrompt: null });
  choose(app, NEW);
  // As in a database whose prices came from elsewhere.
  app.db.exec("DELETE FROM prices");
  const idea = await app.idea("refining");
  const waiting = () => app.jobs().some(({ args }) => args.runId === run.id);
  const run = listIdeaRuns(app.db, idea.id).find(({ agent }) => agent === "clarifier")!;
  deepEqual([run.status, waiting()], ["waiting", false]);
  match(run.waitReason, /"clarifier" can't be read/);
  changePrice(app, NEW, { price: rates, longPrompt: null });
  deepEqual([waiting(), getRun(app.db, run.id).model], [true, NEW]);
});

Deno.test("the button asks the endpoint which models there are, and says what went wrong", async () => {
  await using fake = startFakeClaude();
  using app = testApp({ config: { endpoint: { baseUrl: fake.url, apiKey: fake.apiKey } } });
  const pages = pagesBench(app);
  match(await (await pages.get("/usage")).text(), /The endpoint has listed no models/);
  equal((await pages.post("/usage/models/refresh")).status, 303);
  ok(listedModels(app)!.models.some(({ id }) => id === OPUS));
  match(await (await pages.get("/usage")).text(), /The endpoint listed \d+ models/);

  app.config.endpoint!.apiKey = "sk-wrong";
  const told = await pages.post("/usage/models/refresh");
  match(
    decodeURIComponent(told.headers.get("set-cookie")!),
    /Cannot list the models: it answered 401/,
  );
  match(await (await pages.get("/usage")).text(), /listed \d+ models[\s\S]*Cannot list the models/);
});

Deno.test("the demo model has no endpoint to ask", async () => {
  using app = testApp();
  doesNotMatch(await (await pagesBench(app).get("/usage")).text(), /models\/refresh/);
});

Deno.test("the API lists models without a price, takes one, tells its changes and undoes the newest", async () => {
  using app = listing(paidApp());
  const http = createHttp(app, {
    assets: noAssets,
    mountApi(api) {
      pricesApi(api);
      modelsApi(api);
    },
    mountPages: () => {},
    renderError: () => "",
  });
  const call = async (method: string, path: string, body?: unknown, headers = {}) => {
    const answer = await http.request(`/api/v1${path}`, {
      method,
      headers: { ...headers, ...body !== undefined && { "content-type": "application/json" } },
      ...body !== undefined && { body: JSON.stringify(body) },
    });
    return { status: answer.status, json: await answer.json(), headers: answer.headers };
  };
  const isPriced = async () =>
    (await call("GET", "/models")).json.items.find(({ id }: { id: string }) => id === NEW).priced;
  const seen = await call("GET", `/prices/${NEW}`);
  deepEqual([seen.json.price, seen.json.as_of, await isPriced()], [null, null, false]);
  const rates = { input: 1, output: 5, cache_write_5m: 1, cache_write_1h: 2, cache_read: 0.1 };
  const price = { ...rates, web_search: 12 };
  const given = await call("PUT", `/prices/${NEW}`, { price }, {
    "if-match": seen.headers.get("etag")!,
  });
  deepEqual([given.status, given.json.price, await isPriced()], [200, price, true]);
  const { json } = await call("GET", `/prices/versions?model=${NEW}`);
  deepEqual(
    json.items.map((v: Record<string, unknown>) => [v.model, v.changed_by, v.price]),
    [[NEW, "owner", price]],
  );
  const undone = await call("POST", `/prices/versions/${json.items[0].id}/undo`);
  deepEqual([undone.status, undone.json.price], [200, null]);
  equal((await call("POST", `/prices/versions/${json.items[0].id}/undo`)).status, 409);
  equal(listPrices(app).filter(({ price }) => price === null).length, 1);
});

Deno.test("an idea is refined by an agent on a listed model, and what it costs is counted by the person's price", async () => {
  await using fake = startFakeClaude({ reply: play(greetScripts), further: [NEW] });
  await using repo = await greetRepo();
  await using data = await tempDir();
  await using gaffer = await startGaffer({
    dataDir: data.path,
    env: { ANTHROPIC_API_KEY: fake.apiKey, ANTHROPIC_BASE_URL: fake.url },
  });
  const client = new Client(gaffer.url);
  await client.post("/models/refresh");
  const seen = await client.request("GET", `/prices/${NEW}`);
  const headers = { "if-match": seen.headers.get("etag")! };
  await seen.body?.cancel();
  const price = { input: 0, output: 100, cache_write_5m: 0, cache_write_1h: 0, cache_read: 0 };
  const given = await client.request("PUT", `/prices/${NEW}`, { price }, headers);
  equal(given.status, 200, await given.text());
  await patch(client, "/agents/clarifier", { keys: { model: NEW } });
  const project = await addProject(client, repo, greetCommands);
  const idea = await client.post(`/projects/${project.id}/ideas`, { title: "Greet the world" });
  await client.until(`/ideas/${idea.id}`, ({ status }) => status === "questions");
  const run = (await runsOf(client, { idea_id: idea.id })).find((r) => r.agent === "clarifier")!;
  equal(run.model, NEW);
  ok(run.output_tokens > 0);
  equal(run.cost_micro_usd, run.output_tokens * 100);
});
