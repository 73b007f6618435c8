/** The built-in agents: their definitions, read once at start, and which of them a ticket goes to. */
import { readdirSync, readFileSync } from "node:fs";
import { AppError, messageOf } from "../server/errors.ts";
import type { TicketType } from "../server/states.ts";
import { type AgentDefinition, parseDefinition } from "./prompts/definition.ts";
import { demoModel, resolveModel } from "./models.ts";
import type { ModelSpec } from "./protocol.ts";

// The models live in a file of their own, so that a brain can sum up costs without this one.
export { costOf, demoModel, priceFor, pricesAsOf, resolveModel } from "./models.ts";

/** The definitions of one folder; never changes after it was loaded. */
export interface Catalog {
  /** By name, in alphabetical order. */
  readonly agents: readonly AgentDefinition[];
  /** Throws `not_found`, naming those that exist. */
  get(name: string): AgentDefinition;
  /** The file that a definition was read from, with its comments. Null: there is none of that name. */
  text(name: string): string | null;
  /** What a definition runs on where there is a key. Throws `invalid` for a model that is not known. */
  model(definition: Pick<AgentDefinition, "model" | "effort">): ModelSpec;
  /** What every definition runs on where there is none. */
  readonly demoModel: ModelSpec;
}

const MAX_DEFINITIONS = 200;

/**
 * Reads every `*.md` of a folder; the folder may be embedded in the executable. Throws `invalid` when
 * the folder can't be read or is empty, a definition is wrong, or its name is not that of its file.
 */
export function loadCatalog(dir: URL): Catalog {
  // Without the slash at its end a URL's last part would be replaced, not continued.
  const folder = new URL(dir.href.replace(/\/?$/, "/"));
  const agents = new Map<string, AgentDefinition>();
  const texts = new Map<string, string>();
  for (const file of definitionFiles(folder)) {
    const text = readFileSync(new URL(file, folder), "utf8");
    const definition = parseDefinition(text, file);
    if (`${definition.name}.md` !== file) {
      throw new AppError(
        "invalid",
        `Cannot read the agent definition ${file}: it is named "${definition.name}". ` +
          `Name the file ${definition.name}.md, or the agent as the file`,
      );
    }
    agents.set(definition.name, definition);
    texts.set(definition.name, text);
  }
  return {
    agents: [...agents.values()],
    get(name) {
      const found = agents.get(name);
      if (found) return found;
      throw new AppError(
        "not_found",
        `Cannot find the agent "${name}": there are ${[...agents.keys()].join(", ")}`,
      );
    },
    text: (name) => texts.get(name) ?? null,
    model: ({ model, effort }) => resolveModel(model, effort),
    demoModel,
  };
}

/** The same, read when it is first asked for something: a server answers its first pages without it. */
export function lazyCatalog(dir: URL): Catalog {
  let loaded: Catalog | undefined;
  const load = () => loaded ??= loadCatalog(dir);
  return {
    get agents() {
      return load().agents;
    },
    get: (name) => load().get(name),
    text: (name) => load().text(name),
    model: (definition) => load().model(definition),
    demoModel,
  };
}

/** The developer agent for a type of ticket. */
export function routeByType(type: TicketType): string {
  return developers[type];
}

const developers: Record<TicketType, string> = {
  feature: "feature-dev",
  bugfix: "bugfix-dev",
  refactor: "refactor-dev",
  docs: "docs-dev",
  chore: "chore-dev",
};

function definitionFiles(dir: URL): string[] {
  const files = listFolder(dir).filter((name) => name.endsWith(".md")).sort();
  if (files.length === 0 || files.length > MAX_DEFINITIONS) {
    throw new AppError(
      "invalid",
      `Cannot load the agents: ${dir} holds ${files.length} definitions (*.md), ` +
        `expected 1 to ${MAX_DEFINITIONS}`,
    );
  }
  return files;
}

function listFolder(dir: URL): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    throw new AppError("invalid", `Cannot load the agents from ${dir}: ${messageOf(error)}`, [], {
      cause: error,
    });
  }
}
