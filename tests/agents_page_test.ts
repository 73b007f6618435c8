/** The pages of agents, as a browser without scripts sees and sends them. */
import { deepStrictEqual as deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { parseDefinition } from "../agents/prompts/definition.ts";
import { formValues } from "../server/services/definition_form.ts";
import { agentOf } from "../server/services/definitions.ts";
import { saveDefinition } from "../server/services/agent_changes.ts";
import { listAgentRuns, listIdeaRuns } from "../server/store/runs.ts";
import { pagesBench } from "./pages_support.ts";
import { catalog, results, type TestApp, testApp } from "./support.ts";
import { TestRepo } from "./git_support.ts";

const builtIn = catalog.text("researcher")!;
/** What the form sends that nobody touched. */
const untouched = (text = builtIn): Record<string, string> => ({
  view: "form",
  version: "1",
  note: "",
  ...formValues(text, "researcher.md"),
});
/** Each tool is a box of its own; of a name that comes more than once `URLSearchParams` keeps all. */
const posting = (app: TestApp, path: string, fields: Record<string, string>) => {
  const { tools, ...rest } = fields;
  const body = new URLSearchParams(rest);
  for (const tool of tools?.split(", ") ?? []) {
    if (tool !== "submit_result") body.append("tools", tool);
  }
  return Promise.resolve(pagesBench(app).http.request(path, { method: "POST", body }));
};
const flashOf = (answer: Response): string =>
  decodeURIComponent(
    /gaffer_flash=([^;]*)/.exec(answer.headers.get("set-cookie") ?? "")?.[1] ?? "",
  );

Deno.test("the list shows all agents by kind, with how their last runs went", async () => {
  using app = testApp();
  const { get } = pagesBench(app);
  await app.idea("ready");
  const idea = await app.idea("refining");
  const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "research")!;
  await app.end(run, { type: "failed", reason: "stuck", message: "In circles" });
  const html = await (await get("/agents")).text();
  for (const { name, description } of catalog.agents) {
    ok(html.includes(`href="/agents/${name}"`), name);
    ok(
      html.includes(description.replaceAll("&", "&amp;").replaceAll("'", "&#39;")) ||
        html.includes(description),
      name,
    );
  }
  const row = /<li class="row agent-row" id="agent-researcher".*?<\/li>/s.exec(html)![0];
  match(row, /aria-label="Last 2: 1 failed, 1 succeeded"/);
  match(row, /50 % of 2 succeeded/);
  match(row, /\$0 demo/);
});

Deno.test("form and text save the same file, each as a version", async () => {
  using app = testApp();
  const unchanged = await posting(app, "/agents/researcher", untouched());
  deepEqual([unchanged.status, unchanged.headers.get("location")], [303, "/agents/researcher"]);
  match(flashOf(unchanged), /Nothing was changed/);

  const byForm = await posting(app, "/agents/researcher", {
    ...untouched(),
    max_turns: "4",
    tools: "Read, Glob",
    note: "Cheaper",
  });
  equal(byForm.status, 303);
  const saved = agentOf(app, "researcher");
  equal(
    saved.text,
    builtIn.replace(/^max_turns: .*$/m, "max_turns: 4")
      .replace(/^tools: .*$/m, "tools: Read, Glob, submit_result"),
  );
  const byText = await posting(app, "/agents/researcher", {
    view: "text",
    version: "2",
    text: builtIn.replaceAll("\n", "\r\n"),
    note: "",
  });
  deepEqual([byText.status, byText.headers.get("location")], [303, "/agents/researcher?view=text"]);
  const again = agentOf(app, "researcher");
  deepEqual([again.version, again.text, again.origin], [3, builtIn, "built_in"]);
});

Deno.test("a refused form keeps what was typed, with the errors at their fields", async () => {
  using app = testApp();
  const answer = await posting(app, "/agents/researcher", {
    ...untouched(),
    max_turns: "many",
    prompt: "Be <b>quick</b>",
    blocked_paths: "docs/**",
    note: "Why not",
  });
  equal(answer.status, 422);
  const html = await answer.text();
  match(html, /name="max_turns"[^>]*aria-invalid="true"[^>]*value="many"|value="many"/);
  match(
    html,
    /id="definition-max_turns-error"[^>]*>\s*expected a whole number from 1 to 500, got (?:"|&quot;)many/,
  );
  match(html, /Be &lt;b>quick|Be &lt;b&gt;quick/);
  match(html, />docs\/\*\*</);
  match(html, /value="Why not"/);
  equal(agentOf(app, "researcher").version, 1);

  const asText = await posting(app, "/agents/researcher", {
    view: "text",
    version: "1",
    text: builtIn.replace("effort: medium", "effort: mild"),
    note: "",
  });
  equal(asText.status, 422);
  const shown = await asText.text();
  match(shown, /effort: mild/);
  match(shown, /line \d+, (?:"|&quot;)effort(?:"|&quot;): expected one of/i);
});

Deno.test("who saves over somebody else's version is told, and may then save theirs", async () => {
  using app = testApp();
  saveDefinition(app, "researcher", {
    text: builtIn.replace("effort: medium", "effort: low"),
    after: 1,
  });
  const mine = { ...untouched(), max_turns: "4" };
  const answer = await posting(app, "/agents/researcher", mine);
  equal(answer.status, 409);
  const html = await answer.text();
  match(html, /owner has saved version 2/);
  match(html, /name="version" value="2"/);
  match(html, /value="4"/);
  equal((await posting(app, "/agents/researcher", { ...mine, version: "2" })).status, 303);
  equal(agentOf(app, "researcher").version, 3);
});

Deno.test("versions are compared and restored, and the built-in comes back", async () => {
  using app = testApp();
  const { get, post } = pagesBench(app);
  saveDefinition(app, "researcher", {
    text: builtIn.replace("effort: medium", "effort: low"),
    after: 1,
  });
  const html = await (await get("/agents/researcher/versions?from=1&to=2")).text();
  match(html, /<span class="removed">-effort: medium/);
  match(html, /<span class="added">\+effort: low/);
  doesNotMatch(html, /Restore version 2/);
  match(await (await get("/agents/researcher/versions?to=1")).text(), /Restore version 1/);
  equal((await post("/agents/researcher/restore", { version: "1" })).status, 303);
  equal(agentOf(app, "researcher").version, 3);
  equal((await get("/agents/researcher/versions?to=99")).status, 404);
  saveDefinition(app, "researcher", {
    text: builtIn.replace("effort: medium", "effort: low"),
    after: 3,
  });
  match(await (await get("/agents/researcher")).text(), /Reset to built-in/);
  equal((await post("/agents/researcher/reset")).status, 303);
  doesNotMatch(await (await get("/agents/researcher")).text(), /Reset to built-in/);
});

Deno.test("disabling has an Undo, and the page says what waits", async () => {
  using app = testApp();
  const { get, post } = pagesBench(app);
  const answer = await post("/agents/researcher/disable");
  match(flashOf(answer), /"action":"\/agents\/researcher\/enable"/);
  await app.idea("refining");
  match(await (await get("/agents/researcher")).text(), /1 run waits for it/);
  match(await (await get("/")).text(), /The agent (?:"|&quot;)researcher(?:"|&quot;) is disabled/);
  equal((await post("/agents/researcher/enable")).status, 303);
  doesNotMatch(await (await get("/agents/researcher")).text(), /Disabled/);
});

Deno.test("a trial is started from the page, listed there, and shows its result", async () => {
  using app = testApp();
  const { get, post } = pagesBench(app);
  const idea = await app.idea("ready");
  const answer = await post("/agents/researcher/trial", { subject: `idea:${idea.id}` });
  const [run] = listAgentRuns(app.db, agentOf(app, "researcher"), { trial: true, limit: 1 });
  equal(answer.headers.get("location"), `/runs/${run!.id}`);
  await app.end(run!, { type: "succeeded", result: results.research });
  const page = await (await get(`/runs/${run!.id}`)).text();
  match(page, /What it would hand in/);
  match(page, /href="\/agents\/researcher\/versions\?to=1"/);
  match(await (await get("/agents/researcher")).text(), new RegExp(`href="/runs/${run!.id}"`));
  doesNotMatch(await (await get(`/ideas/${idea.id}`)).text(), new RegExp(run!.id));
  const refused = await post("/agents/reviewer/trial", { subject: `idea:${idea.id}` });
  deepEqual([refused.status, /Choose a ticket/.test(await refused.text())], [422, true]);
  equal((await post("/agents/researcher/trial", {})).status, 422);
});

Deno.test("an agent is added from a foreign file, with what was assumed; a bad one keeps its text", async () => {
  using app = testApp();
  const { post } = pagesBench(app);
  const text =
    "---\nname: Api Reviewer\ndescription: Looks at the API\ncolor: red\n---\n\nYou look.";
  const added = await post("/agents", { text, kind: "support", project: "" });
  equal(added.headers.get("location"), "/agents/api-reviewer");
  match(flashOf(added), /Assumed: name is api-reviewer/);
  deepEqual(parseDefinition(agentOf(app, "api-reviewer").text, "f").extra, { color: "red" });
  const refused = await post("/agents", {
    text: "You look at things",
    kind: "support",
    project: "",
  });
  equal(refused.status, 422);
  const html = await refused.text();
  match(html, /expected front matter/);
  match(html, /You look at things/);
});

Deno.test("a repository's agents are trusted on their page, in the content that was shown", async () => {
  using app = testApp();
  await using repo = await TestRepo.make({
    ".claude/agents/helper.md":
      "---\nname: helper\ndescription: <script>alert(1)</script>\n---\n\nHelp.",
  });
  const project = app.project({ path: repo.dir });
  const { get, post } = pagesBench(app);
  const href = `/projects/${project.id}/agent-files`;
  const html = await (await get(href)).text();
  match(html, /Not trusted/);
  doesNotMatch(html, /<script>alert/);
  const hash = /name="hash" value="(\w+)"/.exec(html)![1]!;
  const path = ".claude/agents/helper.md";
  match(
    flashOf(await post(`${href}/trust`, { path, hash: "0".repeat(64) })),
    /it has changed since/,
  );
  equal((await post(`${href}/trust`, { path, hash })).status, 303);
  match(await (await get(href)).text(), /Trust it no more/);
  match(await (await get("/agents")).text(), /helper/);
  equal((await post(`${href}/distrust`, { path })).status, 303);
  match(await (await get("/agents")).text(), /Not trusted/);
});

Deno.test("an agent's definition is a file to download", async () => {
  using app = testApp();
  const answer = await pagesBench(app).get("/agents/researcher/export");
  equal(answer.headers.get("content-disposition"), 'attachment; filename="researcher.md"');
  equal(await answer.text(), builtIn);
});
