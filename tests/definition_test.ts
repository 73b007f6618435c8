/** An agent's definition as a file: read, refused with file, line and key, and written. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { loadCatalog } from "../agents/catalog.ts";
import {
  type AgentDefinition,
  expandTools,
  formatDefinition,
  parseDefinition,
} from "../agents/prompts/definition.ts";
import { AppError } from "../server/errors.ts";

const sample = `---
# Why it is as it is.
name: sample
description: An agent for these tests.
kind: development
model: opus
tools: Read, Edit
max_turns: 10
timeout_minutes: 5
max_tokens: 100000
max_cost_usd: 0.5
result: developer
color: blue
hooks:
  - on: stop
    run: echo
---

# Role

Do it.
---
A rule above is not front matter.
`;

/** The sample with one of its lines replaced; an empty replacement removes the line. */
function changed(line: string, by: string): string {
  ok(sample.includes(`${line}\n`), line);
  return sample.replace(`${line}\n`, by === "" ? "" : `${by}\n`);
}

/** The message with which a definition is refused. */
function refusalOf(text: string, file = "agents/sample.md"): string {
  try {
    parseDefinition(text, file);
  } catch (error) {
    ok(error instanceof AppError, String(error));
    equal(error.code, "invalid");
    return error.message;
  }
  throw new Error("The definition was not refused");
}

Deno.test("parseDefinition() reads every key, keeps unknown ones and the body with its rules", () => {
  deepEqual(parseDefinition(sample, "sample.md"), {
    name: "sample",
    description: "An agent for these tests.",
    kind: "development",
    model: "opus",
    effort: null,
    tools: ["Read", "Edit"],
    mcpTools: [],
    disallowedTools: [],
    limits: {
      maxTurns: 10,
      maxTokens: 100_000,
      maxCostMicroUsd: 500_000,
      timeoutMs: 300_000,
    },
    paths: { allow: [], block: [] },
    commands: [],
    hosts: [],
    requireApproval: [],
    web: "ask",
    memory: "none",
    contextFiles: [],
    result: "developer",
    tags: [],
    active: true,
    prompt: "# Role\n\nDo it.\n---\nA rule above is not front matter.",
    extra: { color: "blue", hooks: [{ on: "stop", run: "echo" }] },
  });
});

Deno.test("parseDefinition() reads tools as a list, other spellings, and Windows line ends", () => {
  const text = changed("tools: Read, Edit", "tools: [Read, Bash]\ndisallowedTools: Bash")
    .replace("max_turns:", "maxTurns:").replaceAll("\n", "\r\n");
  const definition = parseDefinition(`\uFEFF${text}`, "sample.md");
  deepEqual(definition.tools, ["Read", "Bash"]);
  deepEqual(definition.disallowedTools, ["Bash"]);
  equal(definition.limits.maxTurns, 10);
  ok(!definition.prompt.includes("\r"));
  deepEqual(expandTools(definition), ["Read", "submit_result"]);
});

const wrongLines: [line: string, by: string, message: string][] = [
  [
    "name: sample",
    "",
    'line 1, "name": expected at most 40 lower-case letters, digits and hyphens, a letter first, but it is missing',
  ],
  [
    "name: sample",
    "name: The Sample",
    'line 3, "name": expected at most 40 lower-case letters, digits and hyphens, a letter first, got "The Sample"',
  ],
  [
    "kind: development",
    "kind: magic",
    'line 5, "kind": expected one of refinement, development, support, planning, got "magic"',
  ],
  [
    "model: opus",
    "model: gpt",
    'line 6, "model": expected one of fable, opus, sonnet, haiku, claude-fable-5-2, claude-opus-5-5, claude-sonnet-5-5, claude-haiku-5-5, claude-opus-5, claude-opus-4-8, claude-sonnet-5, claude-haiku-4-5, got "gpt"',
  ],
  [
    "model: opus",
    "model: opus\neffort: huge",
    'line 7, "effort": expected one of low, medium, high, xhigh, max, got "huge"',
  ],
  [
    "tools: Read, Edit",
    "tools: Read, Reed",
    'line 7, "tools": expected tools out of Read, Glob, Grep, GitDiff, Edit, Write, Bash, run_checks, WebSearch, WebFetch, memory, ask_questions, submit_result, mcp, mcp__<server> and mcp__<server>__<tool>, got "Reed"',
  ],
  [
    "tools: Read, Edit",
    "tools:\n  - Read\n  - 'Bash(git *)'",
    'line 9, "tools": expected tools out of Read, Glob, Grep, GitDiff, Edit, Write, Bash, run_checks, WebSearch, WebFetch, memory, ask_questions, submit_result, mcp, mcp__<server> and mcp__<server>__<tool>, got "Bash(git *)"',
  ],
  [
    "max_turns: 10",
    "max_turns: many",
    'line 8, "max_turns": expected a whole number from 1 to 500, got "many"',
  ],
  [
    "max_turns: 10",
    "max_turns: 1.5",
    'line 8, "max_turns": expected a whole number from 1 to 500, got 1.5',
  ],
  [
    "timeout_minutes: 5",
    "timeout_minutes: 0",
    'line 9, "timeout_minutes": expected a whole number from 1 to 1440, got 0',
  ],
  [
    "max_tokens: 100000",
    "max_tokens:",
    'line 10, "max_tokens": expected a whole number from 1000 to 100000000, got null',
  ],
  [
    "max_cost_usd: 0.5",
    "max_cost_usd: $5",
    'line 11, "max_cost_usd": expected a number from 0.01 to 1000, got "$5"',
  ],
  [
    "result: developer",
    "result: [developer]",
    'line 12, "result": expected one of clarifier, researcher, estimator, prioritizer, developer, reviewer, failures, deployer, analyst, document, got ["developer"]',
  ],
  [
    "color: blue",
    "blocked_paths: secrets",
    'line 13, "blocked_paths": expected a list of at most 100 path globs such as "docs/**", got "secrets"',
  ],
  [
    "color: blue",
    "require_approval: bash(rm *)",
    'line 13, "require_approval": expected a list of at most 100 calls such as "write(new)", "edit(*.lock)" or "bash(rm *)", got "bash(rm *)"',
  ],
  [
    "color: blue",
    "allowed_hosts: ['https://a.example']",
    'line 13, "allowed_hosts": expected a list of at most 100 hosts such as "registry.npmjs.org", "*.example.com" or "registry.lan:4873", got ["https://a.example"]',
  ],
  [
    "color: blue",
    "require_approval: ['bash(rm *']",
    'line 13, "require_approval": expected a list of at most 100 calls such as "write(new)", "edit(*.lock)" or "bash(rm *)", got ["bash(rm *"]',
  ],
  [
    "color: blue",
    "memory: forever",
    'line 13, "memory": expected one of none, session, project, global, got "forever"',
  ],
  ["color: blue", "active: maybe", 'line 13, "active": expected true or false, got "maybe"'],
  [
    "color: blue",
    "blocked_path: [secrets]",
    'line 13, "blocked_path": unknown key, is "blocked_paths" meant?',
  ],
  [
    "color: blue",
    "Allowed-Paths: [a]",
    'line 13, "Allowed-Paths": unknown key, is "allowed_paths" meant?',
  ],
  ["color: blue", "maxTurns: 5", 'line 13, "maxTurns": "max_turns" is given twice'],
];

for (const [line, by, message] of wrongLines) {
  Deno.test(`parseDefinition() refuses "${by.replaceAll("\n", " ") || `no ${line}`}"`, () => {
    const said = refusalOf(changed(line, by));
    equal(said, `Cannot read the agent definition agents/sample.md: ${message}`);
  });
}

Deno.test("parseDefinition() names everything that is wrong at once", () => {
  const said = refusalOf(
    changed("kind: development", "kind: x").replace("max_turns: 10", "max_turns: x"),
  );
  match(said, /line 5, "kind": .*; line 8, "max_turns": /);
});

Deno.test("parseDefinition() refuses what is not a definition, and says what it should look like", () => {
  const start = "Cannot read the agent definition agents/sample.md: line";
  match(refusalOf(""), /line 1: expected front matter: a line "---"/);
  match(refusalOf("# Just text\n"), /line 1: expected front matter/);
  match(refusalOf("---\nname: a\n"), /line 1: expected front matter/);
  equal(
    refusalOf("---\njust words\n---\nBody"),
    `${start} 1: expected lines of the form "key: value"`,
  );
  match(refusalOf("---\nname: a\nname: b\n---\nBody"), /line 3: Map keys must be unique/);
  match(refusalOf("---\nname: a\nkind: [b\n---\nBody"), /sample\.md: line \d: /);
  match(
    refusalOf("---\na: &x [1]\nb: [*x, *x]\n---\nBody"),
    /line 1: expected no YAML aliases/,
  );
  equal(
    refusalOf(sample.slice(0, sample.indexOf("# Role"))),
    `${start} 1: expected the system prompt below the front matter`,
  );
  equal(
    refusalOf("x".repeat(64_001)),
    `${start} 1: expected at most 64000 characters, got 64001`,
  );
});

Deno.test("formatDefinition() writes what parseDefinition() reads back, unknown keys and body included", () => {
  const before = parseDefinition(sample, "sample.md");
  const text = formatDefinition(before);
  deepEqual(parseDefinition(text, "sample.md"), before);
  equal(formatDefinition(parseDefinition(text, "sample.md")), text);
  match(text, /^color: blue$/m);
});

Deno.test("formatDefinition() round-trips every built-in agent and every optional key", () => {
  const shared = { a: [1, null, true] };
  const full: AgentDefinition = {
    ...parseDefinition(sample, "sample.md"),
    effort: "xhigh",
    mcpTools: ["mcp__docs", "mcp__db__read_row"],
    disallowedTools: ["Bash"],
    paths: { allow: ["docs/**"], block: ["**/*.{lock,key}", "a: b # c"] },
    commands: ["git status", "npm run *"],
    hosts: ["*.example.com", "registry.lan:4873"],
    requireApproval: ["write(new)", "bash(rm *)"],
    memory: "project",
    contextFiles: ["docs/architecture.md"],
    tags: ["docs"],
    active: false,
    extra: { one: shared, other: shared },
    description: 'Says "yes: no" # and more',
  };
  const { agents } = loadCatalog(new URL("../agents/definitions/", import.meta.url));
  for (const definition of [...agents, full]) {
    deepEqual(parseDefinition(formatDefinition(definition), "x.md"), definition);
  }
});

Deno.test("expandTools() keeps one order and always adds submit_result", () => {
  const of = (tools: AgentDefinition["tools"], disallowedTools: AgentDefinition["tools"] = []) =>
    expandTools({ tools, disallowedTools });
  deepEqual(of(["Write", "Read", "Read"]), ["Read", "Write", "submit_result"]);
  deepEqual(of(["Read", "Bash"], ["Bash", "submit_result"]), ["Read", "submit_result"]);
  deepEqual(of([]), ["submit_result"]);
});
