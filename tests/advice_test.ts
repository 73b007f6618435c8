/** Advice that changes an agent: it follows from the figures, is applied as a version, and taken back. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
  throws,
} from "node:assert";
import { noUsage } from "../agents/protocol.ts";
import {
  type Advice,
  adviceFrom,
  type AdviceGround,
  type AdvisedAgent,
} from "../server/services/advice.ts";
import { applyAdvice, currentAdvice, undoAdvice } from "../server/services/advising.ts";
import { changeAgent, copyToProject } from "../server/services/agent_changes.ts";
import { agentOf, definitionOf } from "../server/services/definitions.ts";
import { keepModels } from "../server/services/models.ts";
import { listVersions } from "../server/store/agents.ts";
import { answered, paidApp, price, request, says, workingRun } from "./budgets_support.ts";
import { createHttp } from "../server/http.ts";
import { adviceApi } from "../server/routes/advice.ts";
import { noAssets } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import type { TestApp } from "./support.ts";

const KEY = "model:researcher:claude-opus-5-5";

/** A researcher on the dear model whose five runs succeeded, with twenty requests of ten cents in all. */
function dearResearcher(): TestApp {
  const app = paidApp();
  changeAgent(app, "researcher", { keys: { model: "opus" } });
  const project = app.project();
  for (let n = 0; n < 5; n++) {
    const run = workingRun(app, project.id, "researcher");
    for (let turn = 1; turn <= 4; turn++) {
      says(app, run, request(turn, 100_000));
      says(app, run, answered(turn, 100_000, 100));
    }
  }
  app.db.exec("UPDATE runs SET status = 'succeeded'");
  return app;
}

const modelOf = (app: TestApp): string => definitionOf(app, agentOf(app, "researcher")).model;
const advised = (app: TestApp): Advice | undefined =>
  currentAdvice(app).open.find(({ key }) => key === KEY);

Deno.test("that a cheaper model would do is applied as a version of the agent, and taken back as another", async () => {
  using app = dearResearcher();
  const pages = pagesBench(app);
  const page = async () => await (await pages.get("/usage")).text();
  match(await page(), /A cheaper model may do for researcher[\s\S]*href="\/agents\/researcher"/);
  const { version } = agentOf(app, "researcher");
  const form = { key: KEY, version: String(version) };
  equal((await pages.post("/usage/advice/apply", form)).status, 303);
  equal(modelOf(app), "sonnet");
  equal(agentOf(app, "researcher").version, version + 1);
  match(listVersions(app.db, "researcher")[0]!.note, /^Advice: A cheaper model/);
  equal(advised(app), undefined);
  match(
    await page(),
    /Applied by owner[\s\S]*action="\/usage\/advice\/undo\?key=model%3Aresearcher/,
  );

  equal((await pages.post(`/usage/advice/undo?key=${KEY}`)).status, 303);
  deepEqual([modelOf(app), agentOf(app, "researcher").version], ["opus", version + 2]);
  equal(advised(app)?.agentId, "researcher", "it is advised again");
  doesNotMatch(await page(), /advice-decided/);
});

Deno.test("an agent that was changed between is left as it is, when advice is applied and when it is undone", async () => {
  using app = dearResearcher();
  const seen = agentOf(app, "researcher").version;
  changeAgent(app, "researcher", { keys: { max_turns: 7 } });
  throws(() => applyAdvice(app, KEY, seen), {
    code: "conflict",
    message: /"researcher" was changed since/,
  });
  deepEqual([modelOf(app), currentAdvice(app).decided], ["opus", []]);

  applyAdvice(app, KEY, seen + 1);
  changeAgent(app, "researcher", { keys: { max_turns: 8 } });
  throws(() => undoAdvice(app, KEY), { code: "conflict", message: /restore version/ });
  deepEqual([modelOf(app), currentAdvice(app).decided.length], ["sonnet", 1]);
  const page = await (await pagesBench(app).get("/usage")).text();
  match(page, /It can't be undone: &quot;researcher&quot; was changed since, to version/);
  doesNotMatch(page, /usage\/advice\/undo/);
});

Deno.test("the advice is gone once nobody uses the model, or the endpoint lacks the cheaper one", () => {
  using app = dearResearcher();
  const { baseUrl } = app.config.endpoint!;
  const model = { name: "", maxInputTokens: null, maxOutputTokens: null };
  const listed = (...ids: string[]) =>
    keepModels(app, {
      baseUrl,
      models: ids.map((id) => ({ ...model, id })),
      at: "2026-11-27T00:00:00.000Z",
      error: null,
    });
  listed("claude-opus-5-5");
  equal(advised(app), undefined);
  listed("claude-opus-5-5", "claude-sonnet-5-5");
  equal(advised(app)?.apply?.type, "model");
  // Whose runs the figures are of can't be told from here on.
  copyToProject(app, "researcher", app.project({ slug: "other" }).id);
  equal(advised(app)?.apply, null);
  throws(() => applyAdvice(app, KEY), { code: "conflict" });
  app.db.exec("DELETE FROM agent_versions WHERE agent_id <> 'researcher'");
  app.db.exec("DELETE FROM agents WHERE id <> 'researcher'");
  changeAgent(app, "researcher", { keys: { model: "haiku" } });
  equal(advised(app), undefined);
});

Deno.test("what the page does with advice, the API does: listed, applied to the version that was seen, undone, dismissed", async () => {
  using app = dearResearcher();
  const http = createHttp(app, {
    assets: noAssets,
    mountApi: adviceApi,
    mountPages: () => {},
    renderError: () => "",
  });
  const call = async (path: string, body?: unknown) => {
    const json = { "content-type": "application/json" };
    const answer = await http.request(
      `/api/v1/advice${path}`,
      body === undefined ? {} : { method: "POST", headers: json, body: JSON.stringify(body) },
    );
    return { status: answer.status, json: await answer.json() };
  };
  const listed = (await call("")).json;
  const one = listed.items.find(({ key }: { key: string }) => key === KEY);
  const { version } = agentOf(app, "researcher");
  deepEqual(one.apply, { type: "model", agent_id: "researcher", version, model: "sonnet" });
  equal(one.saving_micro_usd > 0, true);

  equal((await call(`/${KEY}/apply`, { version: version + 1 })).status, 409);
  equal((await call(`/${KEY}/apply`, { version, other: 1 })).status, 422);
  equal((await call("/none/apply", {})).status, 404);
  equal((await call(`/${encodeURIComponent(KEY)}/apply`, { version })).status, 200);
  equal(modelOf(app), "sonnet");
  const [decided] = (await call("")).json.decided;
  deepEqual([decided.key, decided.state, decided.not_undone], [KEY, "applied", null]);

  const undone = await call(`/${KEY}/undo`, {});
  deepEqual([modelOf(app), undone.json.decided], ["opus", []]);
  equal((await call(`/${KEY}/undo`, {})).status, 404);
  equal((await call(`/${KEY}/dismiss`, {})).json.key, KEY);
  equal(advised(app), undefined);
});

const researcher: AdvisedAgent = {
  id: "researcher",
  name: "researcher",
  projectId: null,
  version: 1,
  model: () => "claude-opus-5-5",
  isFile: false,
};
const ground = (changes: Partial<AdviceGround>): AdviceGround => ({
  days: 7,
  byAgentAndModel: [],
  runs: [],
  forecastMicroUsd: null,
  heldMicroUsd: 0,
  monthLimitMicroUsd: null,
  agents: [researcher],
  priceOf: () => price,
  lacks: () => false,
  ...changes,
});

Deno.test("advice leads to the agent's page; a file of a repository is not changed from here", () => {
  const usage = { ...noUsage, inputTokens: 1_000_000 };
  const row = { agent: "researcher", model: "claude-opus-5-5", requests: 30, usage };
  const figures = {
    byAgentAndModel: [{ ...row, costMicroUsd: 4_000_000 }],
    runs: [{ agent: "researcher", ended: 10, failed: 0, failedMicroUsd: 0 }],
    priceOf: (model: string) => model.includes("opus") ? price : { ...price, input: 1 },
  };
  const file = { ...researcher, id: "agt_1", projectId: "p", isFile: true };
  const [cache, model] = adviceFrom(ground({ ...figures, agents: [file] }));
  deepEqual([cache!.agentId, model!.agentId, model!.apply], ["agt_1", "agt_1", null]);
  match(model!.basis, /set `model: sonnet` in its file/);
  const fails = adviceFrom(ground({
    runs: [{ agent: "researcher", ended: 10, failed: 5, failedMicroUsd: 9 }],
    agents: [file, researcher],
  }));
  deepEqual(fails.map(({ agentId }) => agentId), ["researcher"], "the one of all projects");
});

Deno.test("the limit that is advised has room for what it would count at once", () => {
  const advised = (forecastMicroUsd: number, heldMicroUsd: number) => {
    const [{ apply, basis }] = adviceFrom(ground({ forecastMicroUsd, heldMicroUsd })) as [Advice];
    return [apply, /and room for \$([\d.]+) in doubt or reserved$/.exec(basis)?.[1]];
  };
  const limit = (usd: number) => ({ type: "month_limit", amountMicroUsd: usd * 1_000_000 });
  deepEqual(advised(2_000_000, 0), [limit(3), undefined]);
  deepEqual(advised(210_000, 1_260_000), [limit(2), "1.26"]);
});

Deno.test("what a cheaper model would cost is told by its rates for prompts as long as they are", () => {
  const usage = { ...noUsage, inputTokens: 10_000_000 };
  const asked: [string, number][] = [];
  adviceFrom(ground({
    byAgentAndModel: [
      { agent: "researcher", model: "claude-opus-5-5", requests: 50, usage, costMicroUsd: 9e7 },
    ],
    runs: [{ agent: "researcher", ended: 10, failed: 0, failedMicroUsd: 0 }],
    priceOf: (model, promptTokens) => {
      asked.push([model, promptTokens]);
      return price;
    },
  }));
  deepEqual(asked, [["claude-opus-5-5", 200_000], ["claude-sonnet-5-5", 200_000]]);
});
