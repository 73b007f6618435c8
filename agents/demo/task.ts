/** Reads the first user turn: tagged sections inside `<task …>`. What is not there is empty. */

export interface Subtask {
  position: number;
  of: number;
  title: string;
  text: string;
}

export interface Task {
  /** clarify, research, estimate, prioritize, develop, fix, change, review, explain or plan. */
  purpose: string;
  round: number;
  idea: { title: string; text: string } | null;
  ticket: { title: string; type: string; text: string } | null;
  /** What is asked about `document`. */
  ask: { kind: string; words: string } | null;
  document: { title: string; text: string } | null;
  acceptance: string[];
  findings: string[];
  answers: { question: string; text: string }[];
  feedback: string;
  subtask: Subtask | null;
  /** Command by name. */
  commands: Record<string, string>;
  checkFailures: { name: string; text: string }[];
  requestedChanges: string;
  guidance: string;
  diff: string;
  checks: string;
  output: string;
  /** Tracked paths. */
  files: string[];
}

interface Section {
  attributes: Record<string, string>;
  body: string;
}

const SKIPPED = "(skipped)";

/** Parses a prompt. A text without sections gives an empty task. */
export function parseTask(prompt: string): Task {
  const whole = sectionsIn(prompt).find(([tag]) => tag === "task")?.[1];
  const within = sectionsIn(whole?.body ?? "");
  const sections = new Map(within);
  const body = (name: string) => sections.get(name)?.body ?? "";
  const attribute = (name: string, key: string) => sections.get(name)?.attributes[key] ?? "";
  const titled = (name: string) =>
    sections.has(name) ? { title: attribute(name, "title"), text: body(name) } : null;
  const ticket = titled("ticket");
  const subtask = titled("subtask");
  return {
    purpose: whole?.attributes.purpose ?? "",
    round: Number(whole?.attributes.round ?? 1),
    idea: titled("idea"),
    ticket: ticket && { ...ticket, type: attribute("ticket", "type") },
    ask: sections.has("ask") ? { kind: attribute("ask", "kind"), words: body("ask") } : null,
    document: titled("document"),
    acceptance: bulletsOf(body("acceptance")),
    findings: bulletsOf(body("findings")),
    answers: answersIn(body("answers")),
    feedback: body("feedback"),
    subtask: subtask && {
      ...subtask,
      position: Number(attribute("subtask", "position")),
      of: Number(attribute("subtask", "of")),
    },
    commands: commandsIn(body("commands")),
    checkFailures: within
      .filter(([tag]) => tag === "check_failures")
      .map(([, { attributes, body }]) => ({ name: attributes.name ?? "", text: body })),
    requestedChanges: body("requested_changes"),
    guidance: body("guidance"),
    diff: sections.get("diff")?.body ?? "",
    checks: body("checks"),
    output: body("output"),
    files: body("files").split("\n").map((line) => line.trim()).filter(Boolean),
  };
}

/** The items of a list of `- ` lines; lines that go on belong to their item. */
export function bulletsOf(text: string): string[] {
  const items: string[] = [];
  for (const line of text.split("\n")) {
    const item = line.match(/^\s*[-*]\s+(.*)$/);
    if (item) items.push(item[1]!.trim());
    else if (items.length > 0 && line.trim()) items.push(`${items.pop()} ${line.trim()}`);
  }
  return items;
}

/** Sections that stand one after the other, with their bodies as they are. */
function sectionsIn(text: string): [tag: string, section: Section][] {
  const found: [string, Section][] = [];
  const opening = /<([a-z_]+)((?:\s+[a-z_]+="[^"]*")*)\s*>(\n?)/g;
  for (let match = opening.exec(text); match; match = opening.exec(text)) {
    const [, name, attributes, newline] = match;
    const end = endOf(name!, text, opening.lastIndex - newline!.length, newline!);
    if (end < 0) continue;
    const body = text.slice(opening.lastIndex, Math.max(opening.lastIndex, end)).trimEnd();
    found.push([name!, { attributes: attributesIn(attributes!), body }]);
    opening.lastIndex = text.indexOf(">", end) + 1;
  }
  return found;
}

/**
 * Where a section's body ends. One whose opening tag ends its line has its closing tag on a line of its own, so
 * that a diff which holds the text of that tag stays whole; `task` is around everything and ends last.
 */
function endOf(name: string, text: string, from: number, newline: string): number {
  const close = `</${name}>`;
  if (name === "task") return text.lastIndexOf(close);
  const ownLine = newline ? text.indexOf(newline + close, from) : -1;
  return ownLine >= 0 ? ownLine : text.indexOf(close, from);
}

function attributesIn(text: string): Record<string, string> {
  const pairs = [...text.matchAll(/([a-z_]+)="([^"]*)"/g)];
  return Object.fromEntries(pairs.map(([, name, value]) => [name, unescape(value!)]));
}

const ENTITIES: Record<string, string> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};
const unescape = (text: string) => text.replace(/&(?:lt|gt|quot|apos|amp);/g, (e) => ENTITIES[e]!);

/** Skipped questions are left out: nobody decided anything. */
function answersIn(text: string): Task["answers"] {
  const pairs = [...text.matchAll(/<answer question="([^"]*)"\s*>([\s\S]*?)<\/answer>/g)];
  return pairs
    .map(([, question, answer]) => ({ question: unescape(question!), text: answer!.trim() }))
    .filter(({ text }) => text !== SKIPPED);
}

function commandsIn(text: string): Record<string, string> {
  const pairs = bulletsOf(text).map((line) => line.match(/^(\w+):\s*(.*)$/));
  return Object.fromEntries(pairs.flatMap((m) => (m ? [[m[1]!, m[2]!]] : [])));
}
