/**
 * Reads a `.claude/agents/*.md` file that was written for another program: what it does not say is filled in with
 * the defaults of its kind, what Gaffer has no word for is left out, and a list tells all of it.
 */
import { MINUTE_MS } from "../../server/clock.ts";
import { isMcpEntry } from "../mcp/names.ts";
import { isModelName } from "../models.ts";
import type { MemoryScope } from "../protocol.ts";
import { type AgentKind, agentKinds, MAX_TURNS, parseDefinition, toolNames } from "./definition.ts";
import { editDefinition } from "./edit_definition.ts";
import { readFrontMatter, splitFrontMatter } from "./front_matter.ts";

export interface Imported {
  /** A whole definition: `parseDefinition` takes it. */
  text: string;
  /** What was filled in, changed or left out, a sentence each. */
  assumed: string[];
}

interface Defaults {
  tools: string[];
  model: string;
  result: string;
  maxTurns: number;
  timeoutMs: number;
  maxTokens: number;
  maxCostUsd: number;
}

const reading = ["Read", "Glob", "Grep"];
const readers: Defaults = {
  tools: reading,
  model: "sonnet",
  result: "researcher",
  maxTurns: 20,
  timeoutMs: 15 * MINUTE_MS,
  maxTokens: 1_500_000,
  maxCostUsd: 1,
};

const defaultsByKind: Record<AgentKind, Defaults> = {
  refinement: readers,
  development: {
    tools: [...reading, "Edit", "Write", "run_checks"],
    model: "opus",
    result: "developer",
    maxTurns: 60,
    timeoutMs: 60 * MINUTE_MS,
    maxTokens: 8_000_000,
    maxCostUsd: 5,
  },
  support: { ...readers, result: "reviewer" },
  planning: readers,
};

/** `models`: as of `parseDefinition`. Throws `invalid`, naming file and line, for what no default mends. */
export function importDefinition(
  text: string,
  file: string,
  { kind: wanted, models = [] }: { kind?: AgentKind; models?: readonly string[] } = {},
): Imported {
  const { text: yaml, quoted } = readable(text, file);
  const { values } = readFrontMatter(yaml, file);
  const assumed: string[] = quoted ? ["values with a colon are in quotes, as YAML wants them"] : [];
  const keys: Record<string, unknown> = {};
  const kind = kindOf(values.kind, wanted);
  const defaults = defaultsByKind[kind];
  const fill = (key: string, value: unknown) => {
    if (values[key] !== undefined) return;
    keys[key] = value;
    assumed.push(`${key} is ${value}, since the file does not say`);
  };
  if (typeof values.name !== "string" || values.name.trim() === "") fill("name", nameOf(file));
  else if (nameOf(values.name) !== values.name) {
    keys.name = nameOf(values.name);
    assumed.push(`name is ${keys.name}: "${values.name}" is not of the form that names have here`);
  }
  if (typeof values.description === "string") {
    const line = oneLine(values.description);
    if (line !== values.description) {
      keys.description = line;
      assumed.push("description is on one line of at most 500 characters");
    }
  }
  fill("kind", kind);
  if (!models.some((id) => id === values.model)) {
    importModel(values.model, defaults, keys, assumed);
  }
  importTools(values.tools, defaults, keys, assumed);
  importTurns(values, defaults, keys, assumed);
  fill("timeout_minutes", defaults.timeoutMs / MINUTE_MS);
  fill("max_tokens", defaults.maxTokens);
  fill("max_cost_usd", defaults.maxCostUsd);
  fill("result", defaults.result);
  importDisallowed(values, keys, assumed);
  importMemory(values.memory, keys, assumed);
  const imported = editDefinition(yaml, file, { keys });
  parseDefinition(imported, file, { models });
  return { text: imported, assumed };
}

function kindOf(given: unknown, wanted: AgentKind | undefined): AgentKind {
  return agentKinds.find((kind) => kind === given) ?? wanted ?? "support";
}

const NAME_CHARS = 40;
const DESCRIPTION_CHARS = 500;

/** "Code Reviewer.md" → "code-reviewer". */
function nameOf(text: string): string {
  const name = text.split("/").at(-1)!.replace(/\.md$/i, "").toLowerCase()
    .replace(/[^a-z0-9]+/g, "-").replace(/^[^a-z]+|-+$/g, "").slice(0, NAME_CHARS)
    .replace(/-+$/, "");
  return name === "" ? "agent" : name;
}

function oneLine(text: string): string {
  const line = text.replace(/(?:\\n|\s)+/g, " ").trim();
  return line.length <= DESCRIPTION_CHARS ? line : `${line.slice(0, DESCRIPTION_CHARS - 1)}…`;
}

function importModel(
  given: unknown,
  { model }: Defaults,
  keys: Record<string, unknown>,
  assumed: string[],
): void {
  if (typeof given === "string" && isModelName(given)) return;
  keys.model = model;
  assumed.push(
    given === undefined
      ? `model is ${model}, since the file does not say`
      : `model is ${model}: "${String(given)}" names none here`,
  );
}

function importTurns(
  { max_turns: ours, maxTurns: theirs }: Record<string, unknown>,
  { maxTurns }: Defaults,
  keys: Record<string, unknown>,
  assumed: string[],
): void {
  if (ours === undefined && theirs === undefined) {
    keys.max_turns = maxTurns;
    assumed.push(`max_turns is ${maxTurns}, since the file does not say`);
  } else if (typeof theirs === "number" && theirs > MAX_TURNS) {
    keys.maxTurns = MAX_TURNS;
    assumed.push(`maxTurns is ${MAX_TURNS}, the most that there is here`);
  }
}

/** Other programs' words for whose memory it is. */
const memories: Readonly<Record<string, MemoryScope>> = { user: "global", local: "project" };

function importMemory(given: unknown, keys: Record<string, unknown>, assumed: string[]): void {
  const scope = typeof given === "string" && Object.hasOwn(memories, given) && memories[given];
  if (!scope) return;
  keys.memory = scope;
  assumed.push(`memory is ${scope}, which is what "${given}" comes nearest to`);
}

/** Other programs' names of tools that exist here under another. */
const renamed: Readonly<Record<string, string>> = {
  web_search: "WebSearch",
  web_fetch: "WebFetch",
  MultiEdit: "Edit",
  LS: "Glob",
};

function importTools(
  given: unknown,
  defaults: Defaults,
  keys: Record<string, unknown>,
  assumed: string[],
): void {
  if (given === undefined || given === null || given === "*") {
    keys.tools = defaults.tools.join(", ");
    assumed.push(`tools are ${keys.tools}: a file without "tools" means all, which none gets here`);
    return;
  }
  const { known, left, commands } = sortTools(given);
  if (left.length === 0 && commands.length === 0) return;
  keys.tools = known.join(", ");
  if (left.length > 0) assumed.push(`${left.join(", ")}: no such tool here, left out`);
  if (commands.length > 0) {
    keys.allowed_commands = commands;
    assumed.push(`Bash runs only ${commands.join(", ")}`);
  }
}

function importDisallowed(
  values: Record<string, unknown>,
  keys: Record<string, unknown>,
  assumed: string[],
): void {
  const key = values.disallowed_tools === undefined ? "disallowedTools" : "disallowed_tools";
  if (values[key] === undefined) return;
  const { known, left, commands } = sortTools(values[key]);
  const mcp = known.filter(isMcpEntry);
  const own = known.filter((name) => !isMcpEntry(name));
  if (left.length === 0 && commands.length === 0 && mcp.length === 0) return;
  // What can't be forbidden in part is forbidden whole: an import never allows more than its file did.
  keys[key] = own.length === 0 ? undefined : own.join(", ");
  if (left.length > 0) {
    assumed.push(`${left.join(", ")}: no such tool here, so there is none to forbid`);
  }
  if (commands.length > 0) assumed.push("Bash is forbidden altogether, not only for some commands");
  if (mcp.length > 0) {
    const kept = sortTools(keys.tools ?? values.tools).known.filter((name) => !isMcpEntry(name));
    keys.tools = kept.join(", ");
    assumed.push(`no tools of MCP servers, since the file forbids ${mcp.join(", ")}`);
  }
}

/** `Bash(git log:*)` is a pattern of commands: `git log *`. */
const COMMAND = /^Bash\((.+?)(?::(\*))?\)$/;

function sortTools(given: unknown): { known: string[]; left: string[]; commands: string[] } {
  const names = (Array.isArray(given) ? given : splitTools(String(given))).map((name) =>
    String(name).trim()
  ).filter(Boolean);
  const known = new Set<string>();
  const left: string[] = [];
  const commands: string[] = [];
  for (const name of names) {
    const command = COMMAND.exec(name);
    const tool = command ? "Bash" : renamed[name] ?? name;
    if (!(toolNames as readonly string[]).includes(tool) && !isMcpEntry(tool)) left.push(name);
    else {
      known.add(tool);
      if (command) commands.push(command[1]! + (command[2] ? " *" : ""));
    }
  }
  return { known: [...known], left, commands };
}

/** By the commas that stand outside of brackets. */
const splitTools = (text: string): string[] => text.split(/,(?![^(]*\))/);

/** Lines such as `description: Use it when: …`, which other programs read and YAML does not. */
const UNQUOTED = /^([A-Za-z][\w-]*):[ \t]+(?!["'[{|>&*!%@`#])(.*\S)[ \t]*$/;

/** The text, or where its front matter is no YAML, the same with the values of its lines in quotes. */
function readable(text: string, file: string): { text: string; quoted: boolean } {
  try {
    readFrontMatter(text, file);
    return { text, quoted: false };
  } catch (error) {
    const { yaml, body } = splitFrontMatter(text, file);
    const lines = yaml.split("\n").map((line) => {
      const [, key, value] = UNQUOTED.exec(line) ?? [];
      return key !== undefined && value!.includes(":") ? `${key}: ${JSON.stringify(value)}` : line;
    });
    const quoted = `---\n${lines.join("\n")}\n---\n\n${body}\n`;
    if (quoted === text) throw error;
    readFrontMatter(quoted, file);
    return { text: quoted, quoted: true };
  }
}
