/**
 * Which definition an agent has where: a project's own by that name, else the global one that was saved, else the
 * built-in. What is built in is saved with its first use, so that every run can name the version it worked with.
 */
import { type AgentDefinition, parseDefinition } from "../../agents/prompts/definition.ts";
import { unifiedDiff } from "../../agents/tools/diff.ts";
import type { App } from "../app.ts";
import type { Db, Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Agent, Run } from "../records.ts";
import {
  addVersion,
  findAgent,
  findAgentInForce,
  findVersion,
  insertAgent,
  listSavedAgents,
} from "../store/agents.ts";
import { furtherModels } from "./prices.ts";

/** What these functions need of the App. */
export type Definitions = Pick<App, "catalog"> & { db: Db };

/** All agents by name, the global ones before those of a project. */
export function listAgents(app: Definitions): Agent[] {
  const saved = listSavedAgents(app.db);
  const names = new Set(saved.filter((a) => a.projectId === null).map((a) => a.name));
  const unsaved = app.catalog.agents.filter(({ name }) => !names.has(name))
    .map(({ name }) => builtIn(app, name)!);
  return [...saved.map((agent) => renewed(app, agent)), ...unsaved].sort((a, b) =>
    a.name === b.name
      ? Number(a.projectId !== null) - Number(b.projectId !== null)
      : a.name < b.name
      ? -1
      : 1
  );
}

/** By its id; a global agent's is its name. Throws `not_found`, naming the global ones. */
export function agentOf(app: Definitions, id: string): Agent {
  const saved = findAgent(app.db, id);
  const found = saved ? renewed(app, saved) : builtIn(app, id);
  if (found) return found;
  const names = listAgents(app).filter((a) => a.projectId === null).map((a) => a.name);
  throw new AppError("not_found", `Cannot find the agent "${id}": there are ${names.join(", ")}`);
}

/** The agent that works in a project under a name. Throws `not_found`. */
export function agentFor(app: Definitions, name: string, projectId: string): Agent {
  const saved = findAgentInForce(app.db, name, projectId);
  return saved ? renewed(app, saved) : agentOf(app, name);
}

/** The same, as a version that is there for good. Throws `not_found`. */
export function keptAgentFor(app: Definitions, tx: Tx, name: string, projectId: string): Agent {
  const saved = findAgentInForce(tx.db, name, projectId);
  const agent = saved ? renewed(app, saved) : agentOf(app, name);
  return agent === saved ? saved : keepAgent(tx, agent);
}

/** What an agent of a project is right now. Throws `not_found`, and `invalid` when it can't be read any more. */
export function definitionFor(app: Definitions, name: string, projectId: string): AgentDefinition {
  return definitionOf(app, agentFor(app, name, projectId));
}

/** Throws `invalid` when this version of Gaffer can't read it. */
export function definitionOf(
  app: Definitions,
  { name, text }: Pick<Agent, "name" | "text">,
): AgentDefinition {
  return text === app.catalog.text(name)
    ? app.catalog.get(name)
    : parseDefinition(text, `${name}.md`, { models: furtherModels(app.db) });
}

/** For pages and lists, which show also what can't be read. */
export function readDefinition(
  app: Definitions,
  agent: Pick<Agent, "name" | "text">,
): { definition: AgentDefinition; problem: null } | { definition: null; problem: string } {
  try {
    return { definition: definitionOf(app, agent), problem: null };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { definition: null, problem: error.message };
  }
}

/** What changed between two texts, as a unified diff; null: they have too little in common. */
export const definitionDiff = async (
  name: string,
  before: string,
  after: string,
): Promise<string | null> => await unifiedDiff(`${name}.md`, before, after) ?? null;

/** The definition that a run works with, whatever became of its agent since it was made. */
export function definitionOfRun(app: Definitions, run: Run): AgentDefinition {
  const version = run.definition &&
    findVersion(app.db, run.definition.agentId, run.definition.version);
  return version
    ? definitionOf(app, { name: run.agent, text: version.text })
    : definitionFor(app, run.agent, run.projectId);
}

/** What was built in and is used, or about to be changed, becomes a version that is there for good. */
export function keepAgent(tx: Tx, agent: Agent): Agent {
  const saved = findAgent(tx.db, agent.id);
  if (saved?.version === agent.version) return saved;
  const version = {
    text: agent.text,
    origin: agent.origin,
    note: BUILT_IN_NOTE,
    savedBy: "gaffer",
  };
  return saved
    ? addVersion(tx, agent.id, saved.version, version)
    : insertAgent(tx, { name: agent.name, projectId: null }, version);
}

const BUILT_IN_NOTE = "As it comes with Gaffer";

/** An agent that is still the built-in follows what a newer Gaffer brings along. */
function renewed({ catalog }: Pick<App, "catalog">, agent: Agent): Agent {
  const text = agent.projectId === null && agent.origin === "built_in"
    ? catalog.text(agent.name)
    : null;
  return text === null || text === agent.text
    ? agent
    : { ...agent, text, version: agent.version + 1 };
}

function builtIn({ catalog }: Pick<App, "catalog">, name: string): Agent | null {
  const text = catalog.text(name);
  return text === null ? null : {
    id: name,
    name,
    projectId: null,
    active: true,
    file: null,
    trusted: true,
    version: 1,
    origin: "built_in",
    text,
    updatedAt: null,
  };
}
