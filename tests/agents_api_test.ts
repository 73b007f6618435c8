/** /api/v1/agents: definitions, versions, files of other programs, trials and what a repository brings along. */
import { deepStrictEqual as deepEqual, equal, match, ok } from "node:assert/strict";
import { createHttp } from "../server/http.ts";
import { agentsApi } from "../server/routes/agents.tsx";
import { TestRepo } from "./git_support.ts";
import { workingRun } from "./budgets_support.ts";
import { noAssets } from "./http_support.ts";
import { catalog, type TestApp, testApp } from "./support.ts";

// deno-lint-ignore no-explicit-any
type Json = any;
type Answer = { status: number; json: Json; etag: string };

interface Bench extends Disposable {
  app: TestApp;
  call(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
}

function bench(): Bench {
  const app = testApp();
  const http = createHttp(app, {
    assets: noAssets,
    mountApi: agentsApi,
    mountPages: () => {},
    renderError: () => "",
  });
  return {
    app,
    async call(method, path, body, headers = {}) {
      const answer = await http.request(`/api/v1${path}`, {
        method,
        headers: {
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      const isJson = answer.headers.get("content-type")?.includes("json");
      return {
        status: answer.status,
        json: isJson ? JSON.parse(text) : text,
        etag: answer.headers.get("etag") ?? "",
      };
    },
    [Symbol.dispose]: () => app[Symbol.dispose](),
  };
}

Deno.test("GET /agents lists all, of one project with its own", async () => {
  using api = bench();
  const { json } = await api.call("GET", "/agents");
  deepEqual(json.items.map(({ id }: Json) => id), catalog.agents.map(({ name }) => name));
  const [one, other] = [api.app.project({ slug: "one" }), api.app.project({ slug: "other" })];
  const copy = await api.call("POST", "/agents/researcher/copy", { project_id: one.id });
  deepEqual([copy.status, copy.json.project_id], [201, one.id]);
  const named = async (query: string) =>
    (await api.call("GET", `/agents${query}`)).json.items.filter((a: Json) =>
      a.name === "researcher"
    ).length;
  deepEqual([
    await named(""),
    await named(`?project_id=${one.id}`),
    await named(`?project_id=${other.id}`),
  ], [2, 2, 1]);
  equal((await api.call("GET", "/agents/magician")).status, 404);
});

Deno.test("PATCH saves a version with the ETag of what was seen, and is refused without it or with another's", async () => {
  using api = bench();
  const { etag, json: before } = await api.call("GET", "/agents/researcher");
  equal(before.version, 1);
  const change = { keys: { max_turns: 4, effort: null }, note: "Cheap" };
  equal((await api.call("PATCH", "/agents/researcher", change)).status, 428);
  const saved = await api.call("PATCH", "/agents/researcher", change, { "if-match": etag });
  deepEqual([saved.status, saved.json.version, saved.json.max_turns, saved.json.effort], [
    200,
    2,
    4,
    null,
  ]);
  equal((await api.call("PATCH", "/agents/researcher", change, { "if-match": etag })).status, 412);
  const now = { "if-match": saved.etag };
  const wrong = await api.call("PATCH", "/agents/researcher", { keys: { max_turns: 0 } }, now);
  deepEqual([wrong.status, wrong.json.errors[0].field], [422, "max_turns"]);
  match(
    wrong.json.errors[0].message,
    /^line \d+, "max_turns": expected a whole number from 1 to 500, got 0/,
  );
  const both = await api.call("PATCH", "/agents/researcher", { text: "x", prompt: "y" }, now);
  equal(both.status, 422);
  const prompt = await api.call("PATCH", "/agents/researcher", { prompt: "Look." }, now);
  deepEqual([prompt.json.version, prompt.json.prompt], [3, "Look."]);
});

Deno.test("versions are listed, read, restored; reset brings the built-in back", async () => {
  using api = bench();
  const { etag } = await api.call("GET", "/agents/researcher");
  await api.call("PATCH", "/agents/researcher", { keys: { max_turns: 4 } }, { "if-match": etag });
  const { json } = await api.call("GET", "/agents/researcher/versions");
  deepEqual(json.items.map((v: Json) => [v.version, v.origin]), [[2, "person"], [1, "built_in"]]);
  equal(
    (await api.call("GET", "/agents/researcher/versions/1")).json.text,
    catalog.text("researcher"),
  );
  equal((await api.call("GET", "/agents/researcher/versions/9")).status, 404);
  const restored = await api.call("POST", "/agents/researcher/restore", { version: 1 });
  deepEqual([restored.json.version, restored.json.origin], [3, "built_in"]);
  await api.call("POST", "/agents/researcher/restore", { version: 2 });
  const reset = await api.call("POST", "/agents/researcher/reset");
  deepEqual([reset.json.version, reset.json.text], [5, catalog.text("researcher")]);
});

Deno.test("POST takes a foreign file and tells what it assumed; the export gives it back whole", async () => {
  using api = bench();
  const text = "---\nname: helper\ndescription: Helps\n# mine\ncolor: red\n---\n\nHelp.\n";
  const added = await api.call("POST", "/agents", { text, kind: "planning" });
  equal(added.status, 201);
  deepEqual([added.json.agent.id, added.json.agent.kind], ["helper", "planning"]);
  ok(added.json.assumed.some((line: string) => line.startsWith("model is sonnet")));
  const exported = await api.call("GET", "/agents/helper/export");
  equal(exported.json, added.json.agent.text);
  match(exported.json, /# mine\n/);
  match(exported.json, /color: red\n/);
  equal((await api.call("POST", "/agents", { text })).status, 409);
  equal((await api.call("POST", "/agents", { text: "Help" })).status, 422);
  equal((await api.call("POST", "/agents/helper/reset")).status, 409);
});

Deno.test("DELETE disables and PATCH enables again; nothing is deleted", async () => {
  using api = bench();
  const gone = await api.call("DELETE", "/agents/researcher");
  deepEqual([gone.status, gone.json.active], [200, false]);
  const { etag, json } = await api.call("GET", "/agents/researcher");
  deepEqual([json.active, json.version], [false, 1]);
  const back = await api.call("PATCH", "/agents/researcher", { active: true }, {
    "if-match": etag,
  });
  deepEqual([back.json.active, back.json.version], [true, 1]);
});

Deno.test("trials are started, listed apart from runs, and refused for what does not fit", async () => {
  using api = bench();
  const idea = await api.app.idea("ready");
  const trial = await api.call("POST", "/agents/researcher/trials", { idea_id: idea.id });
  deepEqual([trial.status, trial.json.trial, trial.json.agent_version], [201, true, 1]);
  const runs = async (query = "") =>
    (await api.call("GET", `/agents/researcher/runs${query}`)).json.items;
  deepEqual((await runs("?trial=true")).map(({ id }: Json) => id), [trial.json.id]);
  deepEqual((await runs()).map(({ trial, purpose }: Json) => [trial, purpose]), [[
    false,
    "research",
  ]]);
  equal((await api.call("POST", "/agents/reviewer/trials", { idea_id: idea.id })).status, 422);
  equal((await api.call("POST", "/agents/researcher/trials", {})).status, 422);
});

Deno.test("a repository's agents are listed, trusted by hash, and distrusted", async () => {
  using api = bench();
  const path = ".claude/agents/helper.md";
  await using repo = await TestRepo.make({
    [path]: "---\nname: helper\ndescription: Helps\n---\n\nHelp.\n",
  });
  const project = api.app.project({ path: repo.dir });
  const files = `/projects/${project.id}/agent-files`;
  const [file] = (await api.call("GET", files)).json.items;
  deepEqual([file.path, file.state], [path, "untrusted"]);
  equal((await api.call("POST", `${files}/trust`, { path, hash: "0" })).status, 409);
  const trusted = await api.call("POST", `${files}/trust`, { path, hash: file.hash });
  deepEqual([trusted.status, trusted.json.origin, trusted.json.trusted], [200, "repository", true]);
  equal((await api.call("POST", `${files}/distrust`, { path })).status, 200);
  equal((await api.call("GET", `/agents/${trusted.json.id}`)).json.trusted, false);
  equal((await api.call("GET", "/projects/none/agent-files")).status, 404);
});

Deno.test("GET /agents/:id/figures tells how its last runs ended, as its page does, and no trial is among them", async () => {
  using api = bench();
  const { app } = api;
  const none = await api.call("GET", "/agents/researcher/figures");
  deepEqual(none.json, {
    ...{ results: [], succeeded: 0, counted: 0, median_cost_micro_usd: null, median_ms: null },
  });
  const project = app.project();
  const ended = (status: string, costMicroUsd: number, seconds: number, trial = 0) => {
    const { id } = workingRun(app, project.id, "researcher");
    app.db.prepare(`
      UPDATE runs SET status = :status, failure = iif(:status = 'failed', 'stuck', NULL), cost_micro_usd = :costMicroUsd, trial = :trial, demo = 0,
        started_at = '2026-01-02T03:00:00.000Z', finished_at = :finished WHERE id = :id
    `).run({ id, status, costMicroUsd, trial, finished: `2026-01-02T03:00:0${seconds}.000Z` });
    return id;
  };
  const ids = [
    ended("succeeded", 100, 1),
    ended("failed", 300, 3),
    ended("cancelled", 200, 2),
  ];
  ended("succeeded", 9_000, 9, 1);
  const { json } = await api.call("GET", "/agents/researcher/figures");
  deepEqual(json.results.map(({ run_id }: Json) => run_id).sort(), ids.sort());
  deepEqual(
    [json.succeeded, json.counted, json.median_cost_micro_usd, json.median_ms],
    [1, 2, 200, 2_000],
  );
  equal((await api.call("GET", "/agents/nobody/figures")).status, 404);
});
