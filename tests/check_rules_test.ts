/** How a project's commands run and what counts: set over the API and in its form, refused where it makes no sense. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { createHttp } from "../server/http.ts";
import { checkRulesApi } from "../server/routes/check_rules.tsx";
import type { ChangeEvent } from "../server/records.ts";
import { getCheckRules } from "../server/store/check_rules.ts";
import { countFlaky, FLAKY_TESTS_MAX, listFlakyTests } from "../server/store/flaky_tests.ts";
import { describeChange } from "../views/history.tsx";
import { noAssets } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import { type TestApp, testApp } from "./support.ts";

const apiOf = (app: TestApp) =>
  createHttp(app, {
    assets: noAssets,
    mountApi: checkRulesApi,
    mountPages: () => {},
    renderError: () => "",
  });

const plain = { timeout_seconds: null, folder: "", env: {}, reports: [] };

Deno.test("PUT check-rules replaces what is set, for whoever has seen it, and the history names what changed", async () => {
  using app = testApp();
  const { id } = app.project();
  const api = apiOf(app);
  const path = `/api/v1/projects/${id}/check-rules`;
  const before = await api.request(path);
  deepEqual(await before.json(), {
    required: [],
    rerun_failed: true,
    baseline_blocks: false,
    findings_back: false,
    baseline_first: true,
    agent_reviews: true,
    commands: { setup: plain, build: plain, test: plain },
  });
  const put = (body: unknown, etag = before.headers.get("etag")!) =>
    api.request(path, {
      method: "PUT",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", "if-match": etag },
    });
  const test = {
    timeout_seconds: 90,
    folder: "./web/",
    env: { TOKEN: "$CI_TOKEN" },
    reports: ["reports/*.xml"],
  };
  const answer = await put({ required: ["test"], findings_back: true, commands: { test } });
  equal(answer.status, 200);
  const now = await answer.json();
  deepEqual([now.required, now.findings_back], [["test"], true]);
  deepEqual(now.commands, { setup: plain, build: plain, test: { ...test, folder: "web" } });
  equal((await put({})).status, 412, "it has changed since");
  const change = app.events.at(-1)! as ChangeEvent;
  const fields = "required, findingsBack, test.timeoutMs, test.folder, test.env, test.reports";
  equal(describeChange(change), `Checks changed by owner: ${fields}`);
  ok(!JSON.stringify(change).includes("CI_TOKEN"), "no value is in it");
});

Deno.test("what makes no sense is refused with its field named, and changes nothing", async () => {
  using app = testApp();
  const { id } = app.project();
  const bench = pagesBench(app);
  const wrong = {
    "test.timeout_seconds": "soon",
    "test.folder": "../elsewhere",
    "test.env": "2FAST=1",
    "test.reports": "/etc/*.xml",
  };
  const refused = await bench.post(`/projects/${id}/checks`, { ...wrong, "build.required": "1" });
  equal(refused.status, 422);
  const html = await refused.text();
  match(html, /Write whole seconds from 1 to 14400, or nothing/);
  match(html, /&quot;\.\.\/elsewhere&quot; is no folder of the repository: it may name neither/);
  match(html, /&quot;2FAST&quot; is no name of a variable/);
  match(html, /&quot;\/etc\/\*\.xml&quot; names no file of the repository: it starts with a slash/);
  for (const field of Object.keys(wrong)) {
    match(html, new RegExp(`id="checks-${field.replace(".", "\\.")}-error"`), field);
  }
  match(html, />2FAST=1</, "what was typed is kept");
  match(html, /name="build\.required" value="1" id="checks-build\.required" checked/);
  deepEqual(getCheckRules(app.db, id).required, []);
});

Deno.test("the page of a project's checks saves its form, and says before what no ticket will get past", async () => {
  using app = testApp();
  const { id } = app.project();
  const bench = pagesBench(app);
  const path = `/projects/${id}/checks`;
  match(await (await bench.get(`/projects/${id}`)).text(), new RegExp(`href="${path}">Checks`));
  const saved = await bench.post(path, {
    "build.required": "1",
    "test.timeout_seconds": "60",
    "test.env": "MODE=fast\nKEY = $KEY",
    "test.reports": "a.xml\r\nb/*.xml",
    baseline_blocks: "1",
  });
  deepEqual([saved.status, saved.headers.get("location")], [303, path]);
  const rules = getCheckRules(app.db, id);
  deepEqual([rules.rerunFailed, rules.baselineBlocks, rules.findingsBack], [false, true, false]);
  deepEqual([rules.baselineFirst, rules.agentReviews], [false, false]);
  deepEqual(rules.commands.test, {
    timeoutMs: 60_000,
    folder: "",
    env: { MODE: "fast", KEY: "$KEY" },
    reports: ["a.xml", "b/*.xml"],
  });
  const html = await (await bench.get(path)).text();
  match(html, /No ticket can come to its review/);
  match(html, /The project requires build, and has no such command/);
  match(html, /MODE=fast\nKEY=\$KEY/);
});

Deno.test("flaky tests are counted by project, shown on its page and over the API, and the oldest make room", async () => {
  using app = testApp();
  const ticket = await app.ticket();
  const { projectId, id: ticketId } = ticket;
  const seen = (...tests: string[]) =>
    app.tx((tx) =>
      countFlaky(tx, { projectId, ticketId }, tests.map((test) => ({ file: "a_test.ts", test })))
    );
  seen("saves", "<b>loads</b>");
  app.advance(1_000);
  seen("saves");
  const html = await (await pagesBench(app).get(`/projects/${projectId}/checks`)).text();
  match(html, /&lt;b>loads/);
  match(html, /<strong>saves<\/strong> <span class="muted">2 times/);
  const { items } = await (await apiOf(app).request(`/api/v1/projects/${projectId}/flaky-tests`))
    .json();
  deepEqual(items.map((item: { test: string; times: number }) => [item.test, item.times]), [
    ["saves", 2],
    ["<b>loads</b>", 1],
  ]);
  app.advance(1_000);
  seen(...Array.from({ length: FLAKY_TESTS_MAX }, (_, at) => `test ${at}`));
  const kept = listFlakyTests(app.db, projectId, 1_000);
  deepEqual([kept.length, kept.some(({ test }) => test === "saves")], [FLAKY_TESTS_MAX, false]);
});
