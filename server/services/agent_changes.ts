/** The verbs of agents' definitions. What is saved is a new version; nothing that was saved is changed or lost. */
import { type AgentKind, parseDefinition } from "../../agents/prompts/definition.ts";
import { editDefinition } from "../../agents/prompts/edit_definition.ts";
import { importDefinition } from "../../agents/prompts/foreign_definition.ts";
import type { App } from "../app.ts";
import { transact, type Tx, within } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Agent } from "../records.ts";
import { addVersion, getVersion, insertAgent, setActive } from "../store/agents.ts";
import { getProject } from "../store/projects.ts";
import { agentOf, definitionOf, keepAgent } from "./definitions.ts";
import { furtherModels } from "./prices.ts";
import { goOnWith } from "./runs.ts";

export interface NewAgent {
  /** A definition's file, Gaffer's own or one of `.claude/agents`. */
  text: string;
  /** Null: for every project. */
  projectId: string | null;
  /** Of a file that does not say. */
  kind?: AgentKind;
  /** Name of the file, for an agent without a name. */
  file?: string;
}

/** Adds an agent, with what was assumed for what its file does not say. Throws `invalid`, `conflict`, `not_found`. */
export function createAgent(app: App, agent: NewAgent): { agent: Agent; assumed: string[] } {
  const file = agent.file ?? NEW_FILE;
  const models = furtherModels(app.db);
  const { text, assumed } = importDefinition(agent.text, file, { kind: agent.kind, models });
  const { name, active } = parseDefinition(text, file, { models });
  return transact(app, (tx) => {
    if (agent.projectId !== null) getProject(tx.db, agent.projectId);
    else if (app.catalog.text(name) !== null) {
      throw new AppError(
        "conflict",
        `Cannot add the agent: "${name}" is built in. Change that one, or choose another name`,
        [{ field: "name", message: `"${name}" is built in` }],
      );
    }
    const added = insertAgent(tx, { name, projectId: agent.projectId }, {
      text,
      origin: "person",
      note: "Added",
    });
    if (!active) setActive(tx, added.id, false);
    tell(tx, added, "agent_added");
    goOnWith(app, tx, name);
    return { agent: agentOf(app, added.id), assumed };
  });
}

/** What a file is called in messages that came without a name. */
const NEW_FILE = "agent.md";

export interface DefinitionToSave {
  text: string;
  /** What the person says about the change. */
  note?: string;
  /** The version that the change was made to. */
  after: number;
}

/**
 * Saves a definition as the next version; the same text again is none. Throws `invalid` with the keys that are
 * wrong, and `conflict` when another version came in between.
 */
export function saveDefinition(app: App, id: string, { text, note, after }: DefinitionToSave) {
  return transact(app, (tx) => {
    const agent = agentOf(app, id);
    const definition = parseDefinition(text, `${agent.name}.md`, {
      models: furtherModels(tx.db),
    });
    if (definition.name !== agent.name) {
      const message = `the agent is called "${agent.name}". Add a new one for another name`;
      throw new AppError("invalid", `Cannot save the definition: ${message}`, [
        { field: "name", message },
      ]);
    }
    const kept = keepAgent(tx, agent);
    if (kept.version === after && text === kept.text) return kept;
    const builtIn = agent.projectId === null && text === app.catalog.text(agent.name);
    const saved = addVersion(tx, id, after, {
      text,
      origin: builtIn ? "built_in" : "person",
      note: note ?? "",
    });
    if (!definition.active) setActive(tx, id, false);
    tell(tx, saved, "agent_saved");
    goOnWith(app, tx, agent.name);
    return agentOf(app, id);
  });
}

/** Parts of a definition to change. */
export interface AgentChanges {
  /** The whole text; else `keys` of its front matter (null takes one out) and its `prompt`. */
  text?: string;
  keys?: Record<string, unknown>;
  prompt?: string;
  note?: string;
  active?: boolean;
}

/** All of it or none. Throws as `saveDefinition` does. */
export function changeAgent(app: App, id: string, changes: AgentChanges): Agent {
  return transact(app, (tx) => {
    const inside = within(tx, app);
    const agent = agentOf(inside, id);
    const keys = Object.entries(changes.keys ?? {}).map((
      [key, value],
    ) => [key, value ?? undefined]);
    const text = changes.text ?? editDefinition(agent.text, `${agent.name}.md`, {
      keys: Object.fromEntries(keys),
      body: changes.prompt,
    });
    if (text !== agent.text) {
      saveDefinition(inside, id, { text, note: changes.note, after: agent.version });
    }
    if (changes.active !== undefined) setAgentActive(inside, id, changes.active);
    return agentOf(inside, id);
  });
}

/** Makes an earlier version's text the present one again, as a new version. */
export function restoreVersion(app: App, id: string, version: number): Agent {
  const agent = agentOf(app, id);
  const { text } = getVersion(app.db, id, version);
  const note = `Version ${version} again`;
  return saveDefinition(app, id, { text, note, after: agent.version });
}

/** Throws `conflict` for an agent that does not come with Gaffer. */
export function resetAgent(app: App, id: string): Agent {
  const agent = agentOf(app, id);
  const text = app.catalog.text(agent.name);
  if (text === null) {
    throw new AppError("conflict", `Cannot reset the agent: no "${agent.name}" comes with Gaffer`);
  }
  return saveDefinition(app, id, { text, note: "Reset to the built-in", after: agent.version });
}

/**
 * A project gets an agent of its own, which begins as a copy and is enabled: what waited in that project for the other
 * one to be enabled goes on with it. Throws `conflict` when it has one of that name.
 */
export function copyToProject(app: App, id: string, projectId: string): Agent {
  const { name, text } = agentOf(app, id);
  return transact(app, (tx) => {
    const { id: checked } = getProject(tx.db, projectId);
    const note = `A copy of the ${name} of all projects`;
    const added = insertAgent(tx, { name, projectId: checked }, { text, origin: "person", note });
    tell(tx, added, "agent_added");
    goOnWith(app, tx, name);
    return added;
  });
}

/** A disabled agent starts no run: what it is needed for waits, and goes on once it is enabled again. */
export function setAgentActive(app: App, id: string, active: boolean): Agent {
  return transact(app, (tx) => {
    let agent = keepAgent(tx, agentOf(app, id));
    if (agent.active === active) return agent;
    if (active && !definitionOf(app, agent).active) {
      const text = editDefinition(agent.text, `${agent.name}.md`, { keys: { active: undefined } });
      const version = { text, origin: "person", note: "Enabled" } as const;
      agent = addVersion(tx, id, agent.version, version, agent.file);
    }
    setActive(tx, id, active);
    tell(tx, agent, active ? "agent_enabled" : "agent_disabled");
    if (active) goOnWith(app, tx, agent.name);
    return agentOf(app, id);
  });
}

function tell(tx: Tx, { id, name, projectId, version }: Agent, type: `agent_${string}`): void {
  tx.emit({ type, projectId, data: { agent: name, agentId: id, version } });
}
