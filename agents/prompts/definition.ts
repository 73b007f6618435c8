/**
 * An agent's definition as a markdown file: YAML front matter with its model, tools and limits, and
 * the system prompt as the body. The format of `.claude/agents/*.md`, with more keys.
 */
import { stringify } from "yaml";
import { z } from "zod";
import { MINUTE_MS } from "../../server/clock.ts";
import { isHostRule } from "../permissions/hosts.ts";
import { isApprovalRule } from "../permissions/approval_rules.ts";
import { type Problem, readFrontMatter } from "./front_matter.ts";
import { type Effort, efforts, isModelName, modelNames } from "../models.ts";
import {
  type MemoryScope,
  memoryScopes,
  type PathPolicy,
  type Permissions,
  type RunLimits,
  type WebWord,
  webWords,
} from "../protocol.ts";
import { once } from "../../server/once.ts";
import { isMcpEntry } from "../mcp/names.ts";
import { type ResultName, resultSchemas } from "../results.ts";
import { webToolNames } from "../web/web_tools.ts";

export const agentKinds = ["refinement", "development", "support", "planning"] as const;
export type AgentKind = typeof agentKinds[number];

/** Every tool an agent can have, in the order in which a model is told of them. */
export const toolNames = [
  "Read",
  "Glob",
  "Grep",
  "GitDiff",
  "Edit",
  "Write",
  "Bash",
  "run_checks",
  ...webToolNames,
  "memory",
  "ask_questions",
  "submit_result",
] as const;
export type ToolName = typeof toolNames[number];

/** What an agent is. Plain values: it can be stored, compared and sent as it is. */
export interface AgentDefinition {
  name: string;
  /** One line for people. */
  description: string;
  kind: AgentKind;
  /** A family such as "sonnet", or an exact id. */
  model: string;
  /** Null: the model's own default. */
  effort: Effort | null;
  /** What it asks for; `expandTools` says what it gets. */
  tools: ToolName[];
  /** Taken away from `tools`. */
  disallowedTools: ToolName[];
  /** Tools of MCP servers: all (`mcp`), a server's (`mcp__docs`) or one (`mcp__docs__search`). */
  mcpTools: string[];
  /** Of each of its runs. */
  limits: RunLimits;
  /** What it may touch in its folder; `block` wins. */
  paths: PathPolicy;
  /** Patterns of commands that it may run; empty: any. */
  commands: string[];
  /** Hosts that its commands may reach in the sandbox, see `readHostRule`; empty: none. */
  hosts: string[];
  /** Patterns of calls about which a person is asked first. */
  requireApproval: string[];
  /** Whether its runs wait for a person's word before they use the web beside what is private. */
  web: WebWord;
  memory: MemoryScope;
  /** Files of the repository that it reads at the start, relative to its root. */
  contextFiles: string[];
  /** What it hands in through submit_result. */
  result: ResultName;
  /** Words to find it by. */
  tags: string[];
  /** Runs may be started with it. */
  active: boolean;
  /** The body of the file: its own part of the system prompt. */
  prompt: string;
  /** Keys that this version does not know, as they stood in the file. */
  extra: Record<string, unknown>;
}

/** Entries of a list of globs or other patterns, and the length of each. */
const MAX_PATTERNS = 100;
const MAX_PATTERN_CHARS = 200;
const MAX_CONTEXT_FILES = 20;
const MAX_TAGS = 20;
const MAX_SHOWN_CHARS = 60;
/** Of one run. */
export const MAX_TURNS = 500;
const MICRO_USD = 1_000_000;

/** Each key's description is what its error message says was expected. */
const schema = once(() =>
  z.object({
    name: z.string().regex(/^[a-z][a-z0-9-]{0,39}$/)
      .describe("at most 40 lower-case letters, digits and hyphens, a letter first"),
    description: z.string().trim().regex(/^.{1,500}$/).describe(
      "one line of text, at most 500 characters",
    ),
    kind: z.enum(agentKinds).describe(oneOf(agentKinds)),
    model: z.string().refine(isModelName).describe(oneOf(modelNames)),
    effort: z.enum(efforts).nullable().default(null).describe(oneOf(efforts)),
    tools: toolList(z.string().refine((name) => isToolName(name) || isMcpEntry(name))).describe(
      `tools out of ${toolNames.join(", ")}, mcp, mcp__<server> and mcp__<server>__<tool>`,
    ),
    disallowed_tools: toolList(z.enum(toolNames)).default([]).describe(
      `tools out of ${toolNames.join(", ")}`,
    ),
    max_turns: wholeNumber(1, MAX_TURNS),
    timeout_minutes: wholeNumber(1, 24 * 60),
    max_tokens: wholeNumber(1_000, 100_000_000),
    max_cost_usd: z.number().min(0.01).max(1_000).describe("a number from 0.01 to 1000"),
    result: z.enum(Object.keys(resultSchemas) as ResultName[])
      .describe(oneOf(Object.keys(resultSchemas))),
    allowed_paths: patterns('path globs such as "docs/**"'),
    blocked_paths: patterns('path globs such as "docs/**"'),
    writable_paths: patterns('path globs such as "docs/**"'),
    allowed_commands: patterns('commands such as "npm run *"'),
    allowed_hosts: patterns(
      'hosts such as "registry.npmjs.org", "*.example.com" or "registry.lan:4873"',
    ).refine((rules) => rules.every(isHostRule)),
    // A rule that nobody can read would hold back everything.
    require_approval: patterns('calls such as "write(new)", "edit(*.lock)" or "bash(rm *)"')
      .refine((rules) => rules.every(isApprovalRule)),
    web: z.enum(webWords).default("ask").describe(oneOf(webWords)),
    memory: z.enum(memoryScopes).default("none").describe(oneOf(memoryScopes)),
    context_files: patterns('files such as "docs/architecture.md"', MAX_CONTEXT_FILES),
    tags: patterns("words", MAX_TAGS),
    active: z.boolean().default(true).describe("true or false"),
  })
);
type Key = keyof z.infer<ReturnType<typeof schema>>;

/** How `.claude/agents/*.md` spells keys that are ours too: read here, written our way. */
const otherSpellings: Record<string, Key> = {
  disallowedTools: "disallowed_tools",
  maxTurns: "max_turns",
};

/**
 * Reads a definition. Throws `invalid` with the file, line and key of everything that is wrong and what
 * was expected. Unknown keys are kept in `extra`, but for those that look like a misspelt known one: a
 * mistyped `blocked_paths` must not silently block nothing. `models`: exact ids that may be named besides those that
 * Gaffer ships with.
 */
export function parseDefinition(
  text: string,
  file: string,
  { models = [] }: { models?: readonly string[] } = {},
): AgentDefinition {
  const { values, body, refusal } = readFrontMatter(text, file);
  const { known, extra, problems } = sortKeys(values);
  const further = models.find((id) => id === known.model);
  // The schema is made once, and knows the shipped ones alone.
  const checked = further === undefined ? known : { ...known, model: modelNames[0] };
  const { data, error } = schema().safeParse(checked, { reportInput: true });
  for (const issue of error?.issues ?? []) {
    const [key, index] = issue.path as [Key, number?];
    const got = key in known ? `got ${shown(issue.input)}` : "but it is missing";
    problems.push({ key, index, message: `expected ${schema().shape[key].description}, ${got}` });
  }
  if (body === "") {
    problems.push({ message: "expected the system prompt below the front matter" });
  }
  if (problems.length > 0 || !data) throw refusal(problems);
  return {
    name: data.name,
    description: data.description,
    kind: data.kind,
    model: further ?? data.model,
    effort: data.effort,
    tools: data.tools.filter(isToolName),
    mcpTools: data.tools.filter(isMcpEntry),
    disallowedTools: data.disallowed_tools,
    limits: {
      maxTurns: data.max_turns,
      maxTokens: data.max_tokens,
      maxCostMicroUsd: Math.round(data.max_cost_usd * MICRO_USD),
      timeoutMs: data.timeout_minutes * MINUTE_MS,
    },
    paths: {
      allow: data.allowed_paths,
      block: data.blocked_paths,
      ...(data.writable_paths.length > 0 && { write: data.writable_paths }),
    },
    commands: data.allowed_commands,
    hosts: data.allowed_hosts,
    requireApproval: data.require_approval,
    web: data.web,
    memory: data.memory,
    contextFiles: data.context_files,
    result: data.result,
    tags: data.tags,
    active: data.active,
    prompt: body,
    extra,
  };
}

/** Writes a definition as a file that `parseDefinition` reads back to the same value. */
export function formatDefinition(definition: AgentDefinition): string {
  const { effort, disallowedTools, limits, paths } = definition;
  const values: Partial<Record<Key, unknown>> = {
    name: definition.name,
    description: definition.description,
    kind: definition.kind,
    model: definition.model,
    ...(effort && { effort }),
    tools: [...definition.tools, ...definition.mcpTools].join(", "),
    ...(disallowedTools.length > 0 && { disallowed_tools: disallowedTools.join(", ") }),
    max_turns: limits.maxTurns,
    timeout_minutes: limits.timeoutMs / MINUTE_MS,
    max_tokens: limits.maxTokens,
    max_cost_usd: limits.maxCostMicroUsd / MICRO_USD,
    result: definition.result,
    ...filled({
      allowed_paths: paths.allow,
      blocked_paths: paths.block,
      writable_paths: paths.write ?? [],
      allowed_commands: definition.commands,
      allowed_hosts: definition.hosts,
      require_approval: definition.requireApproval,
      context_files: definition.contextFiles,
      tags: definition.tags,
    }),
    ...(definition.web !== "ask" && { web: definition.web }),
    ...(definition.memory !== "none" && { memory: definition.memory }),
    ...(!definition.active && { active: false }),
  };
  const yaml = stringify({ ...values, ...definition.extra }, {
    lineWidth: 0,
    aliasDuplicateObjects: false,
  });
  return `---\n${yaml}---\n\n${definition.prompt}\n`;
}

/** What a run of this agent may do, to be fixed when it begins. */
export const permissionsOf = (
  { paths, commands, hosts, requireApproval, memory, result, web }: AgentDefinition,
): Permissions => ({
  ...{ paths, commands, hosts, requireApproval, memory, result },
  ...web !== "ask" && { web },
});

/**
 * The tools of a run: those listed, without the disallowed, in one fixed order so that the same agent
 * always sends the same bytes. `submit_result` is always there, since no run can end well without it, and `memory` where there is one.
 */
export function expandTools(
  { tools, disallowedTools, memory = "none" }:
    & Pick<AgentDefinition, "tools" | "disallowedTools">
    & Partial<Pick<AgentDefinition, "memory">>,
): ToolName[] {
  const asked = new Set<ToolName>(tools);
  if (memory === "none") asked.delete("memory");
  else asked.add("memory");
  return toolNames.filter((name) =>
    name === "submit_result" || (asked.has(name) && !disallowedTools.includes(name))
  );
}

/** Tells the known keys from the unknown, and from those that are neither. */
function sortKeys(values: Record<string, unknown>) {
  const known: Record<string, unknown> = {};
  const extra: Record<string, unknown> = {};
  const problems: Problem[] = [];
  for (const [key, value] of Object.entries(values)) {
    const name = otherSpellings[key] ?? key;
    const near = Object.keys(schema().shape).find((other) => squash(other) === squash(name));
    if (near === undefined) extra[key] = value;
    else if (near !== name) problems.push({ key, message: `unknown key, is "${near}" meant?` });
    else if (name in known) problems.push({ key, message: `"${name}" is given twice` });
    else known[name] = value;
  }
  return { known, extra, problems };
}

/** What is left of a key when case, separators and a plural are forgotten. */
function squash(key: string): string {
  return key.toLowerCase().replace(/[^a-z]/g, "").replace(/s$/, "");
}

/** A list, or names divided by commas as `.claude/agents/*.md` has them. */
function toolList<T extends z.ZodType>(name: T) {
  const split = (value: unknown) =>
    typeof value === "string"
      ? value.split(",").map((name) => name.trim()).filter((name) => name !== "")
      : value;
  return z.preprocess(split, z.array(name).max(MAX_PATTERNS));
}

const isToolName = (name: string): name is ToolName =>
  (toolNames as readonly string[]).includes(name);

function wholeNumber(min: number, max: number) {
  return z.number().int().min(min).max(max).describe(`a whole number from ${min} to ${max}`);
}

function patterns(what: string, max = MAX_PATTERNS) {
  return z.array(z.string().min(1).max(MAX_PATTERN_CHARS)).max(max).default([])
    .describe(`a list of at most ${max} ${what}`);
}

/** Those of the lists that have anything in them. */
const filled = (lists: Partial<Record<Key, string[]>>) =>
  Object.fromEntries(Object.entries(lists).filter(([, list]) => list.length > 0));

function oneOf(names: readonly string[]): string {
  return `one of ${names.join(", ")}`;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text;
}
