/** Asking planning agents to do something with a document; a run of the agent does it, and suggests a change. */
import type { AgentDefinition } from "../../agents/prompts/definition.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Agent, PlanningAsk, PlanningDocument } from "../records.ts";
import type { PlanningAskKind } from "../states.ts";
import { findDocument, getDocument } from "../store/documents.ts";
import { countActiveAsks, getAsk, insertAsk } from "../store/planning_asks.ts";
import { getProject } from "../store/projects.ts";
import { getAskRun } from "../store/runs.ts";
import { agentFor, type Definitions, listAgents, readDefinition } from "./definitions.ts";
import { startRun, tellOfRun } from "./runs.ts";

/** Runs about one document that may be under way at the same time. */
export const ACTIVE_ASKS_MAX = 5;
/** Longest words of a person, in characters. */
export const ASK_WORDS_CHARS = 10_000;
/** Most commits that an ask may be about. */
export const ASK_COMMITS_MAX = 50;

/** What is asked, as a person or another part of Gaffer says it. */
export interface PlanningAskInput {
  documentId: string;
  ask: PlanningAskKind;
  /** The person's own words, or why it is asked; a draft needs some. */
  words?: string;
  /** Heading of the section that it is about; `extend` needs one. */
  section?: string;
  /** Ids of commits that it is about, at most `ASK_COMMITS_MAX`, newest first. */
  commits?: readonly string[];
  /** Name of a planning agent; by default the one that the ask and the document's type suggest, or else one that plans. */
  agent?: string;
}

/**
 * Asks a planning agent to do something with a document. Its run begins when the queue gets to it; the document stays
 * as it is until a person accepts what it suggests. Throws `not_found`, `invalid` with the field, and `conflict` while
 * `ACTIVE_ASKS_MAX` runs about the document are under way or the project is archived.
 */
export const askPlanningAgent = (app: App, input: PlanningAskInput): PlanningAsk =>
  transact(app, (tx) => askPlanningAgentIn(app, tx, input));

/** The same for whoever is in a transaction. `answersOf`: the interview whose answers it works in. */
export function askPlanningAgentIn(
  app: App,
  tx: Tx,
  { documentId, ask, words = "", section = "", commits = [], agent = "", answersOf = null }:
    & PlanningAskInput
    & { answersOf?: string | null },
): PlanningAsk {
  const document = getDocument(tx.db, documentId);
  const { projectId, path } = document;
  const project = getProject(tx.db, projectId);
  if (project.status !== "active") {
    throw new AppError("conflict", `Cannot ask an agent: "${project.name}" is archived`);
  }
  requireInput({ ask, words, section, commits });
  const name = agent || agentThatPlans(app, tx, document, { ask, answersOf });
  const found = agentFor(app, name, projectId);
  const { definition } = readDefinition(app, found);
  // One that can't be read waits until it is mended, as every run does.
  if (definition && !isPlanner(definition)) {
    const why = `"${name}" is no planning agent. Choose ${
      planningAgentsOf(app, projectId).map(({ name }) => name).join(", ")
    }`;
    throw new AppError("invalid", `Cannot ask an agent: ${why}`, [
      { field: "agent", message: why },
    ]);
  }
  if (countActiveAsks(tx.db, document) >= ACTIVE_ASKS_MAX) {
    throw new AppError(
      "conflict",
      `Cannot ask an agent: ${ACTIVE_ASKS_MAX} are at work on ${path}. Wait for one, or cancel one`,
    );
  }
  const asked = insertAsk(tx, {
    ...{ projectId, path, ask, answersOf },
    words: words.trim(),
    section: section.trim(),
    commits: [...commits],
    agent: name,
  });
  const run = startRun(app, tx, { ask: asked, purpose: "plan", agent: name });
  tx.emit({
    type: "document_asked",
    projectId,
    data: { path, documentId, askId: asked.id, ask, agent: name, runId: run.id },
  });
  return asked;
}

/** Asks the same of the document as it is now, after a run that failed or was cancelled. Throws `conflict` otherwise. */
export function askAgain(app: App, askId: string): PlanningAsk {
  return transact(app, (tx) => {
    const { projectId, path, ask, words, section, commits, agent, answersOf } = getAsk(
      tx.db,
      askId,
    );
    const run = getAskRun(tx.db, askId);
    if (run.status !== "failed" && run.status !== "cancelled") {
      throw new AppError("conflict", `Cannot ask again: the run is "${run.status}"`);
    }
    const document = requireDocument(tx, { projectId, path });
    tellOfRun(tx, run, "run_asked_again");
    const again = { documentId: document.id, ask, words, section, commits, agent, answersOf };
    return askPlanningAgentIn(app, tx, again);
  });
}

/** The document that an ask is about. Throws `not_found` when its file is gone. */
export function requireDocument(
  { db }: Pick<App, "db">,
  { projectId, path }: Pick<PlanningAsk, "projectId" | "path">,
): PlanningDocument {
  const document = findDocument(db, projectId, path);
  if (document) return document;
  throw new AppError("not_found", `There is no document ${path} any more: its file is gone`);
}

/** Whom an ask goes to unless a person chooses: design is the architect's, judgement the analyst's, text the writer's. */
export const defaultAgent = (
  ask: PlanningAskKind,
  { type }: Pick<PlanningDocument, "type">,
): string =>
  type === "architecture"
    ? "architect"
    : ask === "review" || ask === "interview"
    ? "analyst"
    : "writer";

/**
 * The default one, unless the project's own agent of that name does other work: then the interview's own, whose answers
 * it is about, or the first that plans.
 */
function agentThatPlans(
  { catalog }: App,
  { db }: Tx,
  document: PlanningDocument,
  { ask, answersOf }: Pick<PlanningAsk, "ask" | "answersOf">,
): string {
  const [app, name] = [{ catalog, db }, defaultAgent(ask, document)];
  const { definition } = readDefinition(app, agentFor(app, name, document.projectId));
  if (!definition || isPlanner(definition)) return name;
  const names = planningAgentsOf(app, document.projectId).map(({ name }) => name);
  const own = answersOf && getAsk(db, answersOf).agent;
  return own && names.includes(own) ? own : names[0] ?? name;
}

/** Those that a person may choose from in a project, by name. */
export const planningAgentsOf = (app: Definitions, projectId: string): AgentDefinition[] => {
  const inForce = new Map<string, Agent>();
  // A project's own comes after the global one of its name, and is as if it were not there until it is trusted.
  for (const agent of listAgents(app)) {
    if (agent.projectId !== null && (agent.projectId !== projectId || !agent.trusted)) continue;
    inForce.set(agent.name, agent);
  }
  return [...inForce.values()].flatMap((agent) => {
    const { definition } = readDefinition(app, agent);
    return definition && agent.active && isPlanner(definition) ? [definition] : [];
  });
};

/** What it hands in is what becomes of it. */
const isPlanner = ({ kind, result }: AgentDefinition): boolean =>
  kind === "planning" && (result === "analyst" || result === "document");

function requireInput(
  { ask, words, section, commits }: Required<
    Pick<PlanningAskInput, "ask" | "words" | "section" | "commits">
  >,
): void {
  const faults: [boolean, string, string][] = [
    [ask === "draft" && words.trim() === "", "words", "Write a few lines on what it is to say"],
    [words.length > ASK_WORDS_CHARS, "words", `At most ${ASK_WORDS_CHARS} characters`],
    [ask === "extend" && section.trim() === "", "section", "Choose the section to extend"],
    [section.length > 1_000, "section", "That is no heading: it is too long"],
    [commits.length > ASK_COMMITS_MAX, "commits", `At most ${ASK_COMMITS_MAX} commits`],
    [
      commits.some((commit) => !/^[0-9a-f]{7,64}$/.test(commit)),
      "commits",
      "Name commits by their ids",
    ],
  ];
  const fault = faults.find(([wrong]) => wrong);
  if (!fault) return;
  const [, field, message] = fault;
  throw new AppError("invalid", `Cannot ask an agent: ${message}`, [{ field, message }]);
}
