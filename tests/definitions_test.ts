/** Agents' definitions as data: which one is in force, versions, disabling, files of other programs. */
import { deepStrictEqual as deepEqual, equal, match, ok, throws } from "node:assert/strict";
import { parseDefinition } from "../agents/prompts/definition.ts";
import { editDefinition } from "../agents/prompts/edit_definition.ts";
import { importDefinition } from "../agents/prompts/foreign_definition.ts";
import {
  changeAgent,
  copyToProject,
  createAgent,
  resetAgent,
  restoreVersion,
  saveDefinition,
  setAgentActive,
} from "../server/services/agent_changes.ts";
import { formValues, textFromForm, toolsFrom } from "../server/services/definition_form.ts";
import {
  agentOf,
  definitionFor,
  definitionOfRun,
  listAgents,
} from "../server/services/definitions.ts";
import { advanceIdea } from "../server/services/refinement.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { takeUpRun } from "../server/services/outcomes.ts";
import { recordRunEvent, settleDefinition } from "../server/services/runs.ts";
import { pauseRun, resumeRun } from "../server/services/run_control.ts";
import { listVersions } from "../server/store/agents.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { runSpec } from "./loop_support.ts";
import { pagesBench } from "./pages_support.ts";
import { catalog, type TestApp, testApp } from "./support.ts";

const builtIn = catalog.text("researcher")!;
const withTurns = (n: number) => builtIn.replace(/^max_turns: .*$/m, `max_turns: ${n}`);
const runOf = (app: TestApp, ideaId: string, purpose: string) =>
  listIdeaRuns(app.db, ideaId).findLast((run) => run.purpose === purpose)!;

// ------------------------------------------------------------------ which one is in force

Deno.test("a project's own definition wins over the global one, and that over the built-in", () => {
  using app = testApp();
  const [one, other] = [app.project({ slug: "one" }), app.project({ slug: "other" })];
  const turns = (projectId: string) => definitionFor(app, "researcher", projectId).limits.maxTurns;
  equal(turns(one.id), catalog.get("researcher").limits.maxTurns);
  saveDefinition(app, "researcher", { text: withTurns(7), after: 1 });
  const own = copyToProject(app, "researcher", one.id);
  saveDefinition(app, own.id, { text: withTurns(9), after: 1 });
  deepEqual([turns(one.id), turns(other.id)], [9, 7]);
  throws(() => copyToProject(app, "researcher", one.id), { code: "conflict" });
  deepEqual(
    listAgents(app).filter((a) => a.name === "researcher").map((a) => a.projectId),
    [null, one.id],
  );
});

Deno.test("a run works with the version that it was made with, and names it", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const run = runOf(app, idea.id, "research");
  deepEqual(run.definition, { agentId: "researcher", version: 1 });
  saveDefinition(app, "researcher", { text: withTurns(3), after: 1 });
  equal(definitionOfRun(app, run).limits.maxTurns, catalog.get("researcher").limits.maxTurns);
  const next = await app.idea("refining");
  const later = runOf(app, next.id, "research");
  deepEqual([later.definition?.version, later.maxTurns], [2, 3]);
});

// ------------------------------------------------------------------ versions

Deno.test("each save is a version; the same text is none, and a stale one is refused", () => {
  using app = testApp();
  const saved = saveDefinition(app, "researcher", { text: withTurns(5), note: "Less", after: 1 });
  deepEqual([saved.version, saved.origin, saved.active], [2, "person", true]);
  equal(saveDefinition(app, "researcher", { text: withTurns(5), after: 2 }).version, 2);
  throws(() => saveDefinition(app, "researcher", { text: withTurns(6), after: 1 }), {
    code: "conflict",
    message: /owner has saved version 2/,
  });
  const versions = listVersions(app.db, "researcher");
  deepEqual(versions.map((v) => [v.version, v.origin, v.note, v.savedBy]), [
    [2, "person", "Less", "owner"],
    [1, "built_in", "As it comes with Gaffer", "gaffer"],
  ]);
});

Deno.test("a version comes back, and so does the built-in, each as a new version", () => {
  using app = testApp();
  saveDefinition(app, "researcher", { text: withTurns(5), after: 1 });
  saveDefinition(app, "researcher", { text: withTurns(6), after: 2 });
  equal(restoreVersion(app, "researcher", 2).text, withTurns(5));
  const reset = resetAgent(app, "researcher");
  deepEqual([reset.version, reset.origin, reset.text], [5, "built_in", builtIn]);
  throws(() => restoreVersion(app, "researcher", 99), { code: "not_found" });
  const { agent } = createAgent(app, {
    text: withTurns(4).replace("name: researcher", "name: my-own"),
    projectId: null,
  });
  throws(() => resetAgent(app, agent.id), { code: "conflict" });
});

Deno.test("what is wrong with a definition is told with its key and line, and nothing is saved", () => {
  using app = testApp();
  const text = builtIn.replace(/^max_turns: .*$/m, "max_turns: many").replace(
    "effort: medium",
    "effort: mild",
  );
  throws(
    () => saveDefinition(app, "researcher", { text, after: 1 }),
    (error: Error & { code: string; fields: { field: string; message: string }[] }) => {
      equal(error.code, "invalid");
      deepEqual(error.fields.map(({ field }) => field).sort(), ["effort", "max_turns"]);
      for (const { message } of error.fields) match(message, /^line \d+, "/);
      return true;
    },
  );
  throws(
    () =>
      saveDefinition(app, "researcher", {
        text: builtIn.replace("name: researcher", "name: other"),
        after: 1,
      }),
    {
      code: "invalid",
      message: /is called "researcher"/,
    },
  );
  equal(listVersions(app.db, "researcher").length, 0);
});

Deno.test("changeAgent() changes keys and leaves comments and unknown keys as they are", () => {
  using app = testApp();
  const text = builtIn.replace("name: researcher\n", "name: researcher\ncolor: red # like mine\n");
  saveDefinition(app, "researcher", { text, after: 1 });
  const changed = changeAgent(app, "researcher", {
    keys: { max_turns: 4, effort: null },
    note: "Cheap",
  });
  equal(
    changed.text,
    text.replace(/^max_turns: .*$/m, "max_turns: 4").replace("effort: medium\n", ""),
  );
  const { definition } = { definition: definitionFor(app, "researcher", app.project().id) };
  deepEqual([definition.limits.maxTurns, definition.effort, definition.extra], [4, null, {
    color: "red",
  }]);
});

// ------------------------------------------------------------------ disabled

Deno.test("a disabled agent's work waits with the reason and goes on once it is enabled", async () => {
  using app = testApp();
  setAgentActive(app, "researcher", false);
  const idea = await app.idea("refining");
  const waiting = runOf(app, idea.id, "research");
  deepEqual([waiting.status, waiting.waitReason], [
    "waiting",
    'The agent "researcher" is disabled',
  ]);
  equal(runOf(app, idea.id, "clarify").status, "queued");
  const jobsOf = (runId: string) => app.jobs().filter((job) => job.args.runId === runId);
  equal(jobsOf(waiting.id).length, 0);
  setAgentActive(app, "researcher", true);
  deepEqual(jobsOf(waiting.id).map(({ status }) => status), ["available"]);
  app.tx((tx) => takeUpRun(tx, waiting.id));
  equal(getRun(app.db, waiting.id).status, "running");
});

Deno.test("a run that was made before its agent was disabled does not begin; one at work goes on", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [research, clarify] = [runOf(app, idea.id, "research"), runOf(app, idea.id, "clarify")];
  app.tx((tx) => takeUpRun(tx, clarify.id));
  setAgentActive(app, "researcher", false);
  setAgentActive(app, "clarifier", false);
  for (const { id } of [research, clarify]) app.tx((tx) => takeUpRun(tx, id));
  equal(getRun(app.db, research.id).status, "waiting");
  equal(getRun(app.db, clarify.id).status, "running");
  cancelRun(app, research.id);
  setAgentActive(app, "researcher", true);
  equal(getRun(app.db, research.id).status, "cancelled");
});

Deno.test("an agent that is disabled in one project works in the others", async () => {
  using app = testApp();
  const idea = await app.idea("submitted");
  const own = copyToProject(app, "researcher", idea.projectId);
  setAgentActive(app, own.id, false);
  advanceIdea(app, idea.id);
  equal(runOf(app, idea.id, "research").status, "waiting");
  const other = await app.idea("refining");
  equal(runOf(app, other.id, "research").status, "queued");
  // The global one is enabled already: that wakes nobody where the project's own is not.
  setAgentActive(app, "researcher", false);
  setAgentActive(app, "researcher", true);
  equal(
    app.jobs().filter((job) => job.args.runId === runOf(app, idea.id, "research").id).length,
    0,
  );
});

Deno.test("a project's own copy is enabled, and takes up what waited there for the one of all projects", async () => {
  using app = testApp();
  setAgentActive(app, "researcher", false);
  const [idea, other] = [await app.idea("refining"), await app.idea("refining")];
  const woken = (of: { id: string }) =>
    app.jobs().some(({ args }) => args.runId === runOf(app, of.id, "research").id);
  deepEqual([woken(idea), woken(other)], [false, false]);
  const own = copyToProject(app, "researcher", idea.projectId);
  deepEqual([woken(idea), woken(other)], [true, false]);
  deepEqual(runOf(app, idea.id, "research").definition, { agentId: own.id, version: 1 });
});

// ------------------------------------------------------------------ unreadable

/** As a database has it whose definitions were written by another Gaffer. */
function spoil(app: TestApp, name: string): void {
  saveDefinition(app, name, { text: withTurns(3), after: 1 });
  app.db.prepare("UPDATE agent_versions SET text = 'tools: [Teleport]' WHERE agent_id = :name")
    .run({ name });
}

const UNREADABLE =
  `The definition of the agent "researcher" can't be read: mend it on the agent's page`;

Deno.test("what needs a definition that can't be read waits with the reason, and works with the one that mends it", async () => {
  using app = testApp();
  spoil(app, "researcher");
  const idea = await app.idea("refining");
  const run = runOf(app, idea.id, "research");
  deepEqual([run.status, run.waitReason], ["waiting", UNREADABLE]);
  equal(runOf(app, idea.id, "clarify").status, "queued", "the others begin");
  const jobs = () => app.jobs().filter(({ args }) => args.runId === run.id).length;
  equal(jobs(), 0);
  const page = await (await pagesBench(app).get("/agents/researcher")).text();
  match(page, /1 run waits for that, and will go on by itself/);
  saveDefinition(app, "researcher", { text: withTurns(5), after: 2 });
  equal(jobs(), 1);
  const mended = runOf(app, idea.id, "research");
  deepEqual([mended.definition?.version, mended.maxTurns], [3, 5]);
  app.tx((tx) => takeUpRun(tx, run.id));
  equal(getRun(app.db, run.id).status, "running");
});

Deno.test("a run that was made before its definition could not be read any more waits when it begins; one at work goes on", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const run = runOf(app, idea.id, "research");
  const spoilAll = () =>
    app.db.exec(
      "UPDATE agent_versions SET text = 'tools: [Teleport]' WHERE agent_id = 'researcher'",
    );
  saveDefinition(app, "researcher", { text: withTurns(3), after: 1 });
  spoilAll();
  app.tx((tx) => takeUpRun(tx, run.id));
  equal(settleDefinition(app, getRun(app.db, run.id)), false);
  const waiting = getRun(app.db, run.id);
  deepEqual([waiting.status, waiting.waitReason], ["waiting", UNREADABLE]);
  saveDefinition(app, "researcher", { text: withTurns(5), after: 2 });
  deepEqual(getRun(app.db, run.id).definition?.version, 3);
  app.tx((tx) => takeUpRun(tx, run.id));
  equal(settleDefinition(app, getRun(app.db, run.id)), true);

  app.tx((tx) =>
    recordRunEvent(tx, run, { type: "started", spec: { ...runSpec(), runId: run.id } })
  );
  spoilAll();
  equal(settleDefinition(app, getRun(app.db, run.id)), true, "its log says what it works with");

  // Its own version can't be read, but the one in force can: it need not wait.
  saveDefinition(app, "researcher", { text: withTurns(6), after: 3 });
  const other = runOf(app, (await app.idea("refining")).id, "research");
  app.db.prepare("UPDATE agent_versions SET text = :text WHERE agent_id = 'researcher'")
    .run({ text: withTurns(7) });
  app.db.exec("UPDATE agent_versions SET text = 'tools: [Teleport]' WHERE version = 3");
  app.db.prepare("UPDATE runs SET agent_version = 3 WHERE id = :id").run({ id: other.id });
  app.tx((tx) => takeUpRun(tx, other.id));
  equal(settleDefinition(app, getRun(app.db, other.id)), true);
  deepEqual([getRun(app.db, other.id).definition?.version, getRun(app.db, other.id).maxTurns], [
    4,
    7,
  ]);
});

Deno.test("enabling an agent that can't be read is refused; a run paused meanwhile waits on when it is resumed", async () => {
  using app = testApp();
  spoil(app, "researcher");
  setAgentActive(app, "researcher", false);
  const idea = await app.idea("refining");
  const run = runOf(app, idea.id, "research");
  equal(run.waitReason, 'The agent "researcher" is disabled');
  throws(() => setAgentActive(app, "researcher", true), { code: "invalid" });
  pauseRun(app, run.id);
  resumeRun(app, run.id);
  equal(getRun(app.db, run.id).waitReason, UNREADABLE);
  saveDefinition(app, "researcher", { text: withTurns(5), after: 2 });
  setAgentActive(app, "researcher", true);
  ok(app.jobs().some(({ args }) => args.runId === run.id));
});

Deno.test("a definition may say itself that it is disabled; enabling takes that out", () => {
  using app = testApp();
  const text = editDefinition(builtIn, "researcher.md", { keys: { active: false } });
  equal(saveDefinition(app, "researcher", { text, after: 1 }).active, false);
  const enabled = setAgentActive(app, "researcher", true);
  deepEqual([enabled.active, enabled.text], [true, builtIn]);
});

// ------------------------------------------------------------------ files and forms

const foreign = `---
name: Code Reviewer
description: Use this agent when: code was written. <example>user: look</example>
# what it may do
tools: Read, Grep, Bash(git log:*), WebFetchX, NotebookEdit, mcp__github__issue
model: inherit
color: red
---

You review code.
`;

Deno.test("a file of another program is taken with defaults, and what was assumed is told", () => {
  const { text, assumed } = importDefinition(foreign, ".claude/agents/reviewer.md", {
    kind: "support",
  });
  const definition = parseDefinition(text, "code-reviewer.md");
  deepEqual(
    [definition.name, definition.kind, definition.model, definition.tools, definition.commands],
    ["code-reviewer", "support", "sonnet", ["Read", "Grep", "Bash"], ["git log *"]],
  );
  deepEqual(definition.extra, { color: "red" });
  match(definition.description, /^Use this agent when: code/);
  match(text, /# what it may do/);
  match(assumed.join("\n"), /WebFetchX, NotebookEdit: no such tool/);
  ok(assumed.some((line) => line.startsWith("max_turns is 20")));
  deepEqual(importDefinition(text, "code-reviewer.md").assumed, []);
});

Deno.test("an import never allows more than its file did", () => {
  const read = (lines: string) =>
    parseDefinition(
      importDefinition(`---\nname: a\ndescription: b\n${lines}\n---\n\nc\n`, "a.md").text,
      "a.md",
    );
  const some = read("tools: Read, Bash, mcp__db\ndisallowedTools: Bash(rm:*), mcp__db__drop, Task");
  deepEqual([some.tools, some.disallowedTools, some.mcpTools], [["Read", "Bash"], ["Bash"], []]);
  // A file without tools means all of them; here it gets those that only read.
  deepEqual(read("color: red").tools, ["Read", "Glob", "Grep"]);
});

Deno.test("other programs' words for memory, tools and turns are read as what comes nearest, and that is told", () => {
  const read = (lines: string) => {
    const file = `---\nname: a\ndescription: b\n${lines}\n---\n\nc\n`;
    const { text, assumed } = importDefinition(file, "a.md");
    return { definition: parseDefinition(text, "a.md"), assumed: assumed.join("\n") };
  };
  for (const [word, scope] of [["user", "global"], ["local", "project"], ["project", "project"]]) {
    const { definition, assumed } = read(`memory: ${word}`);
    equal(definition.memory, scope);
    equal(assumed.includes(`"${word}"`), word !== "project");
  }
  for (const all of ["tools:", 'tools: "*"']) {
    const { definition, assumed } = read(all);
    deepEqual(definition.tools, ["Read", "Glob", "Grep"]);
    match(assumed, /^tools are Read, Glob, Grep: a file without "tools" means all/m);
  }
  const none = read("tools: Task, TodoWrite");
  deepEqual(none.definition.tools, []);
  match(none.assumed, /Task, TodoWrite: no such tool here, left out/);
  const long = read("maxTurns: 1000");
  equal(long.definition.limits.maxTurns, 500);
  match(long.assumed, /maxTurns is 500, the most that there is here/);
  throws(() => read("memory: forever"), { code: "invalid", message: /"memory": expected one of/ });
});

Deno.test("our own definitions are taken as they are", () => {
  for (const { name } of catalog.agents) {
    const text = catalog.text(name)!;
    deepEqual(importDefinition(text, `${name}.md`), { text, assumed: [] });
  }
});

Deno.test("createAgent() refuses a name that is taken, and what is no definition", () => {
  using app = testApp();
  const project = app.project();
  const { agent } = createAgent(app, { text: foreign, projectId: project.id });
  deepEqual([agent.name, agent.projectId, agent.version], ["code-reviewer", project.id, 1]);
  throws(() => createAgent(app, { text: foreign, projectId: project.id }), { code: "conflict" });
  throws(() => createAgent(app, { text: builtIn, projectId: null }), { code: "conflict" });
  throws(() => createAgent(app, { text: "You review code", projectId: null }), { code: "invalid" });
  throws(() => createAgent(app, { text: foreign, projectId: "project_none" }), {
    code: "not_found",
  });
  equal(agentOf(app, agent.id).text, agent.text);
});

Deno.test("a form that was not changed changes no byte of any definition", () => {
  for (const { name } of catalog.agents) {
    const text = catalog.text(name)!;
    const values = formValues(text, `${name}.md`);
    const posted = Object.fromEntries(
      Object.entries(values).map(([key, value]) => [key, value.replaceAll("\n", "\r\n")]),
    );
    equal(textFromForm(text, `${name}.md`, posted), text);
  }
});

Deno.test("tools of a project's servers stay, also where the form has no box for them", () => {
  const text = editDefinition(builtIn, "r.md", { keys: { tools: "Read, mcp__db" } });
  const values = formValues(text, "r.md");
  equal(values.tools, "Read, mcp__db");
  equal(
    textFromForm(text, "r.md", { ...values, tools: toolsFrom(["Read", "mcp__db"], text) }),
    text,
  );
  const less = textFromForm(text, "r.md", { ...values, tools: toolsFrom(["Read"], text) });
  match(less, /^tools: Read$/m);
});

Deno.test("what was changed in the form changes only that in the file", () => {
  const posted = {
    ...formValues(builtIn, "r.md"),
    max_turns: "4",
    blocked_paths: "a/**\r\nb\r\n",
    effort: "",
  };
  const text = textFromForm(builtIn, "r.md", posted);
  equal(
    text,
    builtIn.replace(/^max_turns: .*$/m, "max_turns: 4").replace("effort: medium\n", "")
      .replace("result: researcher\n", "result: researcher\nblocked_paths:\n  - a/**\n  - b\n"),
  );
  deepEqual(parseDefinition(text, "researcher.md").paths.block, ["a/**", "b"]);
});
