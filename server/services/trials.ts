/**
 * Trial runs: what an agent would hand in for a chosen idea or ticket. It works in a view of the files that it can
 * only read, and nothing follows from it; what it costs counts like every run's.
 */
import { type AgentDefinition, expandTools } from "../../agents/prompts/definition.ts";
import { findTool } from "../../agents/tools/registry.ts";
import { isWebTool } from "../../agents/web/web_tools.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Idea, Run, RunPurpose, Ticket } from "../records.ts";
import { listChecks } from "../store/checks.ts";
import { getIdea } from "../store/ideas.ts";
import { countActiveTrials } from "../store/agent_runs.ts";
import { appendRunEvent } from "../store/run_log.ts";
import { insertRun } from "../store/runs.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { getTicket } from "../store/tickets.ts";
import { agentOf, definitionOf, keepAgent } from "./definitions.ts";
import { newestFailure } from "./development_results.ts";
import { modelOf } from "./models.ts";
import { enqueueRun, tellOfRun } from "./runs.ts";

/** Trials of one agent that may be under way at the same time. */
export const ACTIVE_TRIALS_MAX = 3;

export type TrialSubject = { ideaId: string } | { ticketId: string };

/** Read by the agent with its task, and by people in the transcript. */
const NOTE =
  "This is a trial: a person looks at what you would hand in, and nothing follows from it. You can only read. " +
  "Where your task is to change files or run commands, say in your result what you would do instead of doing it.";

/** Throws `not_found`, `invalid` for a subject that the agent has nothing to do with, `conflict` when it may not run. */
export function startTrial(app: App, agentId: string, subject: TrialSubject): Run {
  return transact(app, (tx) => {
    const agent = agentOf(app, agentId);
    const why = agent.active
      ? agent.trusted
        ? countActiveTrials(tx.db, agent.id) < ACTIVE_TRIALS_MAX
          ? null
          : `${ACTIVE_TRIALS_MAX} of it are under way`
        : `nobody trusts the file "${agent.file?.path}" as it is now`
      : "it is disabled. Enable it first";
    if (why !== null) throw new AppError("conflict", `Cannot try the ${agent.name}: ${why}`);
    const definition = definitionOf(app, agent);
    const of = "ideaId" in subject
      ? { idea: getIdea(tx.db, subject.ideaId) }
      : { ticket: getTicket(tx.db, subject.ticketId) };
    const { id, projectId, round, priority } = of.idea ?? of.ticket!;
    const purpose = purposes[definition.result] ?? "research";
    const unfit = agent.projectId !== null && agent.projectId !== projectId
      ? "it belongs to another project"
      : whyUnfit(app, purpose, of);
    if (unfit !== null) {
      throw new AppError("invalid", `Cannot try the ${agent.name} on that: ${unfit}`, [
        { field: "subject", message: unfit },
      ]);
    }
    const kept = keepAgent(tx, agent);
    const demo = app.config.endpoint === null;
    const run = insertRun(tx, {
      projectId,
      agent: agent.name,
      purpose,
      round,
      model: (demo ? app.catalog.demoModel : modelOf(app, definition)).id,
      demo,
      maxTurns: definition.limits.maxTurns,
      maxCostMicroUsd: definition.limits.maxCostMicroUsd,
      definition: { agentId: kept.id, version: kept.version },
      trial: true,
      ...of.idea ? { ideaId: id } : { ticketId: id, subtaskId: subtaskOf(app, purpose, id) },
    });
    appendRunEvent(tx, run, { type: "note", text: NOTE, by: tx.actor });
    tellOfRun(tx, run, "run_created", { purpose, demo, trial: true });
    enqueueRun(tx, run, priority);
    return run;
  });
}

/** By what an agent hands in; for the others its task says what it is about, not what to do. */
const purposes: Readonly<Record<string, RunPurpose | undefined>> = {
  clarifier: "clarify",
  estimator: "estimate",
  prioritizer: "prioritize",
  developer: "develop",
  reviewer: "review",
  failures: "explain",
  deployer: "deploy",
};

function whyUnfit(
  app: App,
  purpose: RunPurpose,
  { ticket }: { idea?: Idea; ticket?: Ticket },
): string | null {
  if (purpose === "review") {
    if (!ticket) return "it reviews the work on a ticket. Choose a ticket";
    if (ticket.baseCommit === null || ticket.headCommit === ticket.baseCommit) {
      return `ticket #${ticket.number} has no work to review yet`;
    }
  }
  if (purpose === "deploy" && !ticket) return "it deploys what a ticket made. Choose a ticket";
  if (purpose === "explain") {
    if (!ticket) return "it explains a ticket's failed check. Choose a ticket";
    if (!newestFailure(listChecks(app.db, ticket.id), ticket)) {
      return `ticket #${ticket.number} has no failed check at its present commit`;
    }
  }
  return null;
}

/** The subtask that a developer would be given next, or the last one. */
function subtaskOf(app: App, purpose: RunPurpose, ticketId: string): string | undefined {
  if (purpose !== "develop") return undefined;
  const subtasks = listSubtasks(app.db, ticketId);
  return (subtasks.find(({ status }) => status !== "done" && status !== "skipped") ??
    subtasks.at(-1))?.id;
}

/**
 * What is left of an agent in a trial: the tools that only read, and those that tell a person something. None of a
 * server of tools: whether one only reads is its word alone. And no memory, which would outlast it.
 */
export const trialDefinition = (definition: AgentDefinition): AgentDefinition => ({
  ...readingDefinition(definition),
  mcpTools: [],
  memory: "none",
});

/** An agent without the tools that change a file or run a command; those that tell a person something stay. */
export function readingDefinition(definition: AgentDefinition): AgentDefinition {
  const tools = expandTools(definition).filter((name) =>
    telling.has(name) || isWebTool(name) ||
    findTool(name, { resultName: definition.result, checkNames: [] }).readOnly
  );
  return { ...definition, tools, disallowedTools: [] };
}

const telling: ReadonlySet<string> = new Set(["ask_questions", "submit_result"]);
