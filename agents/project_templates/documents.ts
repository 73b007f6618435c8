/** Agents that the planning documents of a new project name. */
import { importDefinition } from "../prompts/foreign_definition.ts";
import { parseDefinition } from "../prompts/definition.ts";
import { editDefinition } from "../prompts/edit_definition.ts";
import { splitFrontMatter } from "../prompts/front_matter.ts";
import type { Catalog } from "../catalog.ts";
import type { PlanningText } from "./fill.ts";
import type { PlannedAgent } from "./template_agents.ts";

/** Most agents that documents give. */
const AGENTS_MAX = 20;

/** `- **shader-dev** (as feature-dev): writes shaders` below a heading "Agents". */
const AGENT =
  /^\s*[-*+]\s+[*_`]{0,3}([a-z][a-z0-9-]{0,39})[*_`]{0,3}(?:\s*\((?:as|like)\s+`?([a-z][a-z0-9-]*)`?\))?\s*[:–—]\s*(\S.{0,400})$/;
/** A longer line names no agent. */
const LINE_CHARS = 1_000;
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
      const heading = headingOf(line);
      if (heading) {
        if (/^agents$/i.test(heading.words)) level = heading.level;
        else if (heading.level <= level) level = 0;
        continue;
      }
      const mayName = level > 0 && line.length <= LINE_CHARS;
      const [, name, base = DEFAULT_BASE, what] = mayName ? AGENT.exec(line) ?? [] : [];
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

/** Without the marks at its end. By hand: an expression for both ends tries every pair of places in a long line. */
function headingOf(line: string): { level: number; words: string } | null {
  const [marks] = /^#{1,6}(?=\s)/.exec(line) ?? [];
  if (marks === undefined) return null;
  let end = line.length;
  while (line[end - 1] === "#") end--;
  return { level: marks.length, words: line.slice(marks.length, end).trim() };
}
