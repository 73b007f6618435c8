/** The built-in agents, and the catalog that holds them. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal, throws } from "node:assert";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { loadCatalog, routeByType } from "../agents/catalog.ts";
import { expandTools, formatDefinition } from "../agents/prompts/definition.ts";
import { costOf, demoModel, resolveModel } from "../agents/models.ts";
import { pathRules } from "../agents/policy.ts";
import { noUsage } from "../agents/protocol.ts";
import { resultSchemas } from "../agents/results.ts";
import { sectionTags } from "../agents/prompts/sections.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import { isWebTool, webToolSpec } from "../agents/web/web_tools.ts";
import { ticketTypes } from "../server/states.ts";

const catalog = loadCatalog(new URL("../agents/definitions/", import.meta.url));
const names = [
  "analyst",
  "architect",
  "bugfix-dev",
  "builder",
  "chore-dev",
  "clarifier",
  "deployer",
  "docs-dev",
  "estimator",
  "feature-dev",
  "prioritizer",
  "refactor-dev",
  "researcher",
  "reviewer",
  "tester",
  "writer",
];
const developers = names.filter((name) => name.endsWith("-dev"));

Deno.test("loadCatalog() finds every built-in agent, in alphabetical order", () => {
  deepEqual(catalog.agents.map((agent) => agent.name), names);
});

for (const agent of catalog.agents) {
  Deno.test(`the ${agent.name} has a prompt with role, input, method, limits and end`, () => {
    const headings = [...agent.prompt.matchAll(/^## (.+)$/gm)].map((found) => found[1]);
    deepEqual(headings, ["Role", "Input", "Method", "Not your job", "Done"]);
    for (const part of agent.prompt.split(/^## .+$/m).slice(1)) {
      ok(part.trim().length > 100, `a part of the prompt says nothing: ${part}`);
    }
    ok(agent.prompt.split(/\s+/).length < 1_000, "every word of it is paid for in every turn");
  });

  Deno.test(`the ${agent.name}'s prompt names only tools that it has, and sections that exist`, () => {
    const tools = expandTools(agent);
    // "Read", "Edit" and "Write" are ordinary verbs too.
    for (
      const name of ["Glob", "Grep", "GitDiff", "Bash", "run_checks", "ask_questions"] as const
    ) {
      if (!tools.includes(name)) ok(!agent.prompt.includes(name), `it mentions ${name}`);
    }
    for (const [, tag] of agent.prompt.matchAll(/<([a-z_]+)>/g)) {
      ok((sectionTags as readonly string[]).includes(tag!), `there is no section <${tag}>`);
    }
  });

  Deno.test(`the ${agent.name}'s prompt says what to hand in for each field of its result`, () => {
    for (const field of Object.keys(resultSchemas[agent.result]().shape)) {
      // A developer's prompt names the values of "status" instead.
      const word = field === "status" ? "done" : field;
      ok(agent.prompt.includes(`\`${word}\``), `it does not speak of "${field}"`);
    }
  });

  Deno.test(`the ${agent.name} has limits that fit a run of its kind`, () => {
    const { maxTurns, maxTokens, maxCostMicroUsd, timeoutMs } = agent.limits;
    const isDeveloper = agent.kind === "development";
    ok(maxTurns >= 3 && maxTurns <= (isDeveloper ? 60 : 25), `${maxTurns} turns`);
    ok(maxCostMicroUsd <= (isDeveloper ? 5_000_000 : 2_500_000), `${maxCostMicroUsd} µ$`);
    ok(timeoutMs >= 60_000 && timeoutMs <= 3_600_000, `${timeoutMs} ms`);
    ok(maxTokens >= maxTurns * 20_000, "the tokens do not suffice for the turns");
    const model = catalog.model(agent);
    const dear = costOf(
      { ...noUsage, cacheWrite5mTokens: 20_000, outputTokens: 16_384 },
      model.price,
    );
    ok(maxCostMicroUsd >= dear, "not even the worst case of one usual turn fits");
  });

  Deno.test(`the ${agent.name}'s tools exist`, () => {
    const setup = { resultName: agent.result, checkNames: ["test"] };
    for (const name of expandTools(agent)) {
      equal((isWebTool(name) ? webToolSpec(name, []) : toolSpec(name, setup))?.name, name);
    }
  });
}

Deno.test("each kind of work has the tools of its kind, and no more", () => {
  const reading = ["Read", "Glob", "Grep"];
  const editing = [...reading, "Edit", "Write"];
  const expected: Record<string, string[]> = {
    clarifier: [...reading, "ask_questions"],
    researcher: [...reading, "WebSearch"],
    estimator: reading,
    prioritizer: reading,
    "feature-dev": [...editing, "run_checks", "memory"],
    "bugfix-dev": [...editing, "Bash", "run_checks", "memory"],
    "refactor-dev": [...editing, "run_checks", "memory"],
    "docs-dev": [...editing, "run_checks", "memory"],
    "chore-dev": [...editing, "run_checks", "memory"],
    reviewer: [...reading, "GitDiff"],
    builder: ["Read", "Grep", "Bash"],
    tester: ["Read", "Grep", "Bash"],
    deployer: ["Read", "Grep", "Bash"],
    analyst: [...reading, "WebSearch", "ask_questions"],
    architect: [...reading, "Write", "ask_questions"],
    writer: [...reading, "Write", "ask_questions"],
  };
  for (const agent of catalog.agents) {
    deepEqual(expandTools(agent), [...expected[agent.name]!, "submit_result"], agent.name);
  }
});

Deno.test("who writes can't reach Gaffer's and Claude's own folders, and all else that others can", async () => {
  for (const agent of catalog.agents) {
    const { blocked } = await pathRules(agent.paths);
    for (const path of [".gaffer/config.yaml", "web/.claude/agents/a.md"]) {
      const writes = expandTools(agent).includes("Write");
      equal(blocked(path) !== null, writes, `${agent.name}: ${path}`);
    }
    for (
      const path of ["CLAUDE.md", "src/gaffer/a.ts", ".github/workflows/ci.yml", ".env.example"]
    ) {
      equal(blocked(path), null, `${agent.name}: ${path}`);
    }
    ok(blocked(".env"), agent.name);
  }
});

Deno.test("routeByType() names a developer for each type of ticket", () => {
  const routed = ticketTypes.map((type) => catalog.get(routeByType(type)));
  deepEqual(routed.map((agent) => agent.name).toSorted(), developers);
  for (const agent of routed) {
    equal(agent.kind, "development");
    equal(agent.result, "developer");
  }
});

Deno.test("Catalog.get() refuses an unknown agent and names those that there are", () => {
  throws(() => catalog.get("magician"), {
    code: "not_found",
    message: `Cannot find the agent "magician": there are ${names.join(", ")}`,
  });
});

const written = formatDefinition(catalog.get("docs-dev"));

/** A folder of definitions that is gone after the test. */
function folderOf(files: Record<string, string>) {
  const path = Deno.makeTempDirSync({ prefix: "gaffer-agents-" });
  for (const [name, text] of Object.entries(files)) Deno.writeTextFileSync(join(path, name), text);
  return {
    url: pathToFileURL(path),
    [Symbol.dispose]: () => Deno.removeSync(path, { recursive: true }),
  };
}

Deno.test("loadCatalog() reads a folder given with or without a slash, and only its markdown", () => {
  using folder = folderOf({ "docs-dev.md": written, "notes.txt": "no definition" });
  deepEqual(loadCatalog(folder.url).agents.map((agent) => agent.name), ["docs-dev"]);
  deepEqual(loadCatalog(new URL(`${folder.url}/`)).get("docs-dev").model, "sonnet");
});

Deno.test("loadCatalog() refuses a folder that is missing or empty", () => {
  using folder = folderOf({});
  throws(() => loadCatalog(folder.url), { code: "invalid", message: /holds 0 definitions/ });
  throws(() => loadCatalog(new URL(`${folder.url}/none/`)), {
    code: "invalid",
    message: /^Cannot load the agents from file:.*none/,
  });
});

Deno.test("loadCatalog() refuses a definition whose name is not its file's", () => {
  using folder = folderOf({ "other.md": written });
  throws(() => loadCatalog(folder.url), {
    code: "invalid",
    message: 'Cannot read the agent definition other.md: it is named "docs-dev". ' +
      "Name the file docs-dev.md, or the agent as the file",
  });
});

Deno.test("Catalog.model() resolves a definition's model, and demoModel is another", () => {
  deepEqual(catalog.model(catalog.get("reviewer")), resolveModel("opus", "high"));
  throws(() => catalog.model({ model: "gpt", effort: null }), { code: "invalid" });
  equal(catalog.demoModel, demoModel);
});
