/** Agents of a project template, as definitions. */
import type { Catalog } from "../catalog.ts";
import { parseDefinition } from "../prompts/definition.ts";
import { editDefinition } from "../prompts/edit_definition.ts";
import { importDefinition } from "../prompts/foreign_definition.ts";
import { readFrontMatter, splitFrontMatter } from "../prompts/front_matter.ts";
import { AppError } from "../../server/errors.ts";
import type { ProjectTemplate } from "./template.ts";

/** Folder of a project's definitions. */
const AGENT_FILES = ".claude/agents";

/** An agent of the new project: its definition, and the file of the repository that holds it. */
export interface PlannedAgent {
  name: string;
  description: string;
  path: string;
  text: string;
}

/** Of an agent's definition in its project. */
export const agentPath = (name: string): string => `${AGENT_FILES}/${name}.md`;

/** Throws `invalid` for the first agent whose definition can't be read, whatever the answers. */
export function checkAgents({ id, agents }: ProjectTemplate, catalog: Catalog): void {
  for (const agent of agents) {
    try {
      agentOf(agent, (text) => text, catalog);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      throw new AppError(
        "invalid",
        `Cannot read the template "${id}": its agent "${agent.name}": ${error.message}`,
        [],
        { cause: error },
      );
    }
  }
}

/** A whole definition: of its own, or a built-in one with the template's words after it. Throws `invalid`, `not_found`. */
export function agentOf(
  agent: ProjectTemplate["agents"][number],
  words: (text: string) => string,
  catalog: Catalog,
): PlannedAgent {
  const { name, base, description, keys, prompt, definition, fill } = agent;
  const path = agentPath(name);
  const changes = { name, ...description !== undefined && { description }, ...keys };
  let text: string;
  if (definition !== undefined) {
    text = importDefinition(definition, path).text;
    if (fill) text = withWords(text, path, words);
  } else if (base === undefined) {
    text = importDefinition(
      editDefinition("---\n---\n", path, { keys: changes, body: words(prompt!) }),
      path,
    ).text;
  } else {
    const built = catalog.text(base);
    if (built === null) catalog.get(base);
    const body = `${splitFrontMatter(built!, path).body}\n\n${words(prompt!).trim()}`;
    text = editDefinition(built!, path, { keys: changes, body });
  }
  const read = parseDefinition(text, path);
  if (read.name !== name) {
    throw new AppError("invalid", `Cannot read ${path}: it is named "${read.name}"`);
  }
  return { name, description: read.description, path, text };
}

/**
 * What an agent is told and what is told of it, with other words: its name, its tools and its limits are never filled in.
 * Throws `invalid`.
 */
export function withWords(text: string, path: string, words: (text: string) => string): string {
  const { values, body } = readFrontMatter(text, path);
  const { description } = values;
  const keys = typeof description === "string" ? { description: words(description) } : {};
  return editDefinition(text, path, { keys, body: words(body) });
}
