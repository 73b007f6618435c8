/** What planning documents say of a new project: rows of its roadmap, and agents that its specs name. */
import { importDefinition } from "../prompts/foreign_definition.ts";
import { parseDefinition } from "../prompts/definition.ts";
import { editDefinition } from "../prompts/edit_definition.ts";
import { splitFrontMatter } from "../prompts/front_matter.ts";
import type { Catalog } from "../catalog.ts";
import type { PlanningText } from "./fill.ts";
import type { PlannedAgent } from "./template_agents.ts";

/** Most ideas and agents that documents give. */
const IDEAS_MAX = 100;
const AGENTS_MAX = 20;
const TITLE_CHARS = 200;

/** What a row of a roadmap wishes for. */
export interface RoadmapIdea {
  title: string;
  description: string;
}

/** A table's first row names it one of a roadmap. */
const TITLES = /^(?:outcome|feature|item|idea|story|requirement|what|goal)s?$/i;
const ROADMAP = /^(?:milestone|outcome|feature|item|idea|story|requirement)s?$/i;
const FINISHED = /^(?:done|merged|shipped|dropped|rejected)\b/i;

/**
 * A wish for each row of the documents' roadmap tables (those whose head has a milestone, an outcome, a feature or the
 * like) that is not finished; a row that comes twice counts once.
 */
export function roadmapIdeas(documents: readonly PlanningText[]): RoadmapIdea[] {
  const found = new Map<string, RoadmapIdea>();
  for (const { path, text } of documents) {
    if (path.startsWith("templates/")) continue;
    for (const [head, ...rows] of tablesIn(text)) {
      if (!head!.some((cell) => ROADMAP.test(cell))) continue;
      const at = Math.max(head!.findIndex((cell) => TITLES.test(cell)), 0);
      for (const row of rows) {
        const title = (row[at] ?? "").slice(0, TITLE_CHARS);
        const state = row[head!.findIndex((cell) => /^(?:state|status)$/i.test(cell))] ?? "";
        if (title === "" || FINISHED.test(state) || found.has(title.toLowerCase())) continue;
        const said = head!.flatMap((name, index) =>
          index === at || !row[index] || /^(?:ideas and tickets|state|status)$/i.test(name)
            ? []
            : [`${name}: ${row[index]}`]
        );
        const description = [...said, `From [[${path.replace(/\.md$/i, "")}]].`].join("\n\n");
        found.set(title.toLowerCase(), { title, description });
        if (found.size === IDEAS_MAX) return [...found.values()];
      }
    }
  }
  return [...found.values()];
}

/** Cells of each table, without the line below its head; a table in a block of code is none. */
function tablesIn(text: string): string[][][] {
  const tables: string[][][] = [];
  let table: string[][] | null = null;
  let fence = "";
  const lines = text.split(/\r?\n/);
  for (const [index, line] of lines.entries()) {
    const [, mark] = /^ {0,3}(`{3,}|~{3,})/.exec(line) ?? [];
    if (mark && (fence === "" || mark.startsWith(fence))) fence = fence === "" ? mark : "";
    const cells = fence === "" ? cellsOf(line) : null;
    if (cells === null) table = null;
    else if (table) {
      if (!cells.every((cell) => /^:?-+:?$/.test(cell))) table.push(cells);
    } else if (/^\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/.test(lines[index + 1] ?? "")) {
      tables.push(table = [cells]);
    }
  }
  return tables;
}

const cellsOf = (line: string): string[] | null =>
  line.includes("|")
    ? line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll("\\|", "|"))
    : null;

/** `- **shader-dev** (as feature-dev): writes shaders` below a heading "Agents". */
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const AGENT =
  /^\s*[-*+]\s+[*_`]{0,3}([a-z][a-z0-9-]{0,39})[*_`]{0,3}(?:\s*\((?:as|like)\s+`?([a-z][a-z0-9-]*)`?\))?\s*[:–—]\s*(\S.{0,400})$/;
const DEFAULT_BASE = "feature-dev";

/**
 * Agents that documents name: items `- name: what it does`, or `- name (as bugfix-dev): what it does`, below a heading
 * "Agents". Each goes on from a built-in one, with the document's words. Names that are built in are no new agents
 * without words of their own, so they are made too; a base that there is not is the feature developer.
 */
export function documentAgents(
  documents: readonly PlanningText[],
  catalog: Catalog,
): Omit<PlannedAgent, "path">[] {
  const found = new Map<string, Omit<PlannedAgent, "path">>();
  for (const { path, text } of documents) {
    let level = 0;
    for (const line of text.split(/\r?\n/)) {
      const [, marks, words] = HEADING.exec(line) ?? [];
      if (marks) {
        if (/^agents$/i.test(words!)) level = marks.length;
        else if (marks.length <= level) level = 0;
        continue;
      }
      const [, name, base = DEFAULT_BASE, what] = level > 0 ? AGENT.exec(line) ?? [] : [];
      if (!name || found.has(name) || found.size === AGENTS_MAX) continue;
      const built = catalog.text(catalog.text(name) ? name : base) ?? catalog.text(DEFAULT_BASE)!;
      const file = `${name}.md`;
      const body = `${splitFrontMatter(built, file).body}\n\n## In this project\n\n` +
        `${
          what!.trim()
        }\n\nThe document \`planning/${path}\` says what for; read it before you begin.`;
      const keys = { name, description: what!.trim() };
      const whole = importDefinition(editDefinition(built, file, { keys, body }), file).text;
      found.set(name, { name, description: parseDefinition(whole, file).description, text: whole });
    }
  }
  return [...found.values()];
}
