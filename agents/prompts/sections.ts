/** What a task's first message is made of: tagged sections that their content can't forge, with limits. */
import { stripVTControlCharacters } from "node:util";

/** Every tag that Gaffer writes; a section's content can neither open nor close one. */
export const sectionTags = [
  "task",
  "idea",
  "ticket",
  "ask",
  "commits",
  "document",
  "links",
  "history",
  "code_history",
  "acceptance",
  "findings",
  "answers",
  "answer",
  "feedback",
  "subtask",
  "done_subtasks",
  "commands",
  "check_failures",
  "changed_since_green",
  "requested_changes",
  "guidance",
  "diff",
  "checks",
  "output",
  "files",
  "scripts",
  "memory",
  "note",
  "context_file",
  "project_documents",
  "document",
  "project_instructions",
] as const;
export type Tag = typeof sectionTags[number];

/** One of these tags, opening or closing; not a comparison with a variable of that name. */
const ownTag = new RegExp(`<(?=(?:\\s*/\\s*)?(?:${sectionTags.join("|")})(?:[\\s/>]|$))`, "gi");

/** A tag around one text, as it is: `<guidance>text</guidance>`. The text is made harmless. */
export function textSection(tag: Tag, attributes: Attributes, text: string): string {
  return `<${tag}${attributeText(attributes)}>${harmless(text)}</${tag}>`;
}

/** A tag on lines of its own around lines that the caller made harmless. */
export function blockSection(tag: Tag, attributes: Attributes, lines: string[]): string {
  return [`<${tag}${attributeText(attributes)}>`, ...lines, `</${tag}>`].join("\n");
}

/** Content of a section: a `<` that would open or close one of Gaffer's own tags becomes `&lt;`. */
export function harmless(text: string): string {
  return text.replace(ownTag, "&lt;");
}

export type Attributes = Record<string, string | number>;

const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function attributeText(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => {
      const text = String(value).replace(/\s+/g, " ").replace(/[&<>"]/g, (char) => entities[char]!);
      return ` ${name}="${text}"`;
    })
    .join("");
}

/** Which part of a text is worth keeping when it is too long. */
export type Keep = "start" | "end" | "both ends";

/** At most `max` characters of a text, with a note on a line of its own where something is missing. */
export function cut(text: string, max: number, keep: Keep = "start"): string {
  if (text.length <= max) return text;
  const shown = (what: string) => `[cut: ${what} of ${text.length} characters shown]`;
  if (keep === "start") return `${text.slice(0, max)}\n${shown(`the first ${max}`)}`;
  if (keep === "end") return `${shown(`the last ${max}`)}\n${text.slice(-max)}`;
  const head = Math.floor(max / 2);
  const tail = max - head;
  const note = shown(`the first ${head} and the last ${tail}`);
  return `${text.slice(0, head)}\n${note}\n${text.slice(-tail)}`;
}

/** A text for one line: no line breaks, at most `max` characters, "… [cut]" where it was longer. */
export function oneLine(text: string, max: number): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length <= max ? line : `${line.slice(0, max)}… [cut]`;
}

/** A harmless `- entry` for each text, at most `max` of them, and a note when there are more. */
export function bullets(entries: string[], max: number): string[] {
  const lines = entries.slice(0, max).map((entry) => `- ${harmless(entry)}`);
  if (entries.length > max) {
    lines.push(`[cut: the first ${max} of ${entries.length} entries shown]`);
  }
  return lines;
}

/** What a command printed, without colours and cursor movements, made harmless. */
export function plainOutput(text: string, max: number, keep: Keep): string {
  return harmless(cut(stripVTControlCharacters(text).trimEnd(), max, keep));
}
