/** A definition's file as the fields of a form, and back: only what was changed in the form changes in the file. */
import { agentKinds, toolNames } from "../../agents/prompts/definition.ts";
import { editDefinition } from "../../agents/prompts/edit_definition.ts";
import { readFrontMatter } from "../../agents/prompts/front_matter.ts";
import { efforts, modelNames, resolveModel } from "../../agents/models.ts";
import { memoryScopes, type ToolTag, webWords } from "../../agents/protocol.ts";
import { resultSchemas } from "../../agents/results.ts";
import { tagsOfTool } from "../../agents/tools/registry.ts";

/** How a key is typed: a list has one entry a line. */
type FieldKind = "text" | "number" | "choice" | "list" | "tools";

interface FormKey {
  key: string;
  kind: FieldKind;
  /** Other spellings under which the file may have it. */
  also?: string[];
}

/** The keys that the form has a field for; the file may hold more. */
const formKeys: readonly FormKey[] = [
  { key: "description", kind: "text" },
  { key: "kind", kind: "choice" },
  { key: "model", kind: "choice" },
  { key: "effort", kind: "choice" },
  { key: "tools", kind: "tools" },
  { key: "max_turns", kind: "number", also: ["maxTurns"] },
  { key: "timeout_minutes", kind: "number" },
  { key: "max_tokens", kind: "number" },
  { key: "max_cost_usd", kind: "number" },
  { key: "result", kind: "choice" },
  { key: "memory", kind: "choice" },
  { key: "web", kind: "choice" },
  { key: "allowed_paths", kind: "list" },
  { key: "blocked_paths", kind: "list" },
  { key: "writable_paths", kind: "list" },
  { key: "allowed_commands", kind: "list" },
  { key: "allowed_hosts", kind: "list" },
  { key: "require_approval", kind: "list" },
  { key: "context_files", kind: "list" },
  { key: "tags", kind: "list" },
];

/**
 * What a choice offers; an empty value takes the key out of the file. `offered`: the models that the endpoint lists,
 * null where it lists none; `further`: those that a person gave a price; the one that the agent has stays among them.
 */
export const choices = (
  offered: readonly string[] | null = null,
  present = "",
  further: readonly string[] = [],
): Record<string, readonly string[]> => ({
  kind: agentKinds,
  model: [
    ...modelNames.filter((name) =>
      offered === null || name === present || offered.includes(resolveModel(name, null).id)
    ),
    ...further.filter((id) => offered === null || id === present || offered.includes(id)),
  ],
  effort: ["", ...efforts],
  result: Object.keys(resultSchemas),
  web: ["", ...webWords.filter((word) => word !== "ask")],
  memory: ["", ...memoryScopes.filter((scope) => scope !== "none")],
  tools: [...toolNames.filter((name) => !UNASKED.includes(name)), "mcp"],
});

/** What each built-in tool brings into a run or lets out of it; those that do neither are left out. */
export const toolTags = (): Record<string, readonly ToolTag[]> =>
  Object.fromEntries(
    toolNames.map((name) => [name, tagsOfTool(name)] as const).filter(([, tags]) =>
      tags.length > 0
    ),
  );

/** Values by name of the field; `prompt` is the file's body. Throws `invalid` for a file without front matter. */
export function formValues(text: string, file: string): Record<string, string> {
  const { values, body } = readFrontMatter(text, file);
  const fields = formKeys.map((field) => [field.key, shown(field, valueIn(values, field))]);
  return { ...Object.fromEntries(fields), prompt: body };
}

/** The file with what the form changed. A field that was not sent stays as it is. */
export function textFromForm(text: string, file: string, posted: Record<string, string>): string {
  const before = formValues(text, file);
  const keys: Record<string, unknown> = {};
  for (const field of formKeys) {
    const typed = posted[field.key];
    if (typed === undefined || tidy(typed) === before[field.key]) continue;
    keys[field.key] = valueOf(field, tidy(typed));
    for (const other of field.also ?? []) keys[other] = undefined;
  }
  return editDefinition(text, file, { keys, body: posted.prompt });
}

/** The tools that were checked; those that nobody is asked about stay as the file has them. */
export function toolsFrom(checked: readonly string[], text: string): string {
  const { tools } = formValues(text, "");
  const kept = UNASKED.filter((name) => tools!.split(", ").includes(name));
  const chosen = checked.filter((name) => !UNASKED.includes(name));
  // A list of none would not be read.
  return inOrder([...chosen, ...checked.length === 0 ? [ALWAYS] : kept]).join(", ");
}

/** Every run gets it. */
const ALWAYS = "submit_result";
/** What a run has whatever the list says: the second one follows from the scope of its memory. */
const UNASKED: readonly string[] = [ALWAYS, "memory"];

/** A browser sends lines that end with CR and LF. */
const tidy = (text: string) => text.replaceAll("\r\n", "\n").trim();

function valueIn(values: Record<string, unknown>, { key, also = [] }: FormKey): unknown {
  return [key, ...also].map((name) => values[name]).find((value) => value !== undefined);
}

function shown({ kind }: FormKey, value: unknown): string {
  if (value === undefined || value === null) return "";
  const entries = (list: unknown) =>
    Array.isArray(list) ? list.map(String) : String(list).split(",").map((entry) => entry.trim());
  if (kind === "tools") return inOrder(entries(value)).join(", ");
  if (kind === "list") {
    return (Array.isArray(value) ? value.map(String) : [String(value)]).join("\n");
  }
  return String(value).trim();
}

/** As `toolNames` has them; others at the end. */
function inOrder(tools: string[]): string[] {
  const known = toolNames.filter((name) => tools.includes(name));
  return [...known, ...tools.filter((name) => !(toolNames as readonly string[]).includes(name))];
}

/** Undefined takes the key out. What is no number stays text, for the check to say what was expected. */
function valueOf({ kind }: FormKey, typed: string): unknown {
  if (kind === "tools") return typed;
  if (typed === "") return undefined;
  if (kind === "number") return Number.isNaN(Number(typed)) ? typed : Number(typed);
  if (kind === "list") return typed.split("\n").map((line) => line.trim()).filter(Boolean);
  return typed;
}
