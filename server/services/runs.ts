/** The verbs of runs that any part of the server may use: start one, pause one, cancel one. */
import { jobKeys } from "../../queue/job.ts";
import { cancelJobs } from "../../queue/queue.ts";
import type { RunEventBody } from "../../agents/protocol.ts";
import { usesWeb, webTags } from "../../agents/web/web_tools.ts";
import type { App } from "../app.ts";
import { type Db, transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Agent, Idea, PlanningAsk, Run, RunEvent, RunPurpose, Ticket } from "../records.ts";
import { DEFAULT_PRIORITY } from "../states.ts";
import { listRunsWaitingFor, setDefinition } from "../store/agent_runs.ts";
import { findDisabled, findVersion } from "../store/agents.ts";
import { listRunApprovals } from "../store/approvals.ts";
import { addIdeaCost } from "../store/ideas.ts";
import { addRunTags } from "../store/run_tags.ts";
import { appendRunEvent, findStart } from "../store/run_log.ts";
import {
  addTurnUsage,
  getRun,
  insertRun,
  isActive,
  listIdeaRuns,
  moveRun,
  type RunFacts,
  setPausedBy,
} from "../store/runs.ts";
import { addTicketCost } from "../store/tickets.ts";
import { forsake, isTurnEnd, settle } from "./budgets.ts";
import { keptAgentFor, readDefinition } from "./definitions.ts";
import { modelOf } from "./models.ts";
import { enqueueRun } from "./run_jobs.ts";

export { isActive } from "../store/runs.ts";
export { enqueueRun } from "./run_jobs.ts";

/** What a new run is for. */
export type RunSubject =
  | { idea: Idea; purpose: RunPurpose; agent: string }
  | { ticket: Ticket; purpose: RunPurpose; agent: string; subtaskId?: string }
  | { ask: PlanningAsk; purpose: "plan"; agent: string };

/**
 * Creates a run with the agent's present definition and asks the queue to execute it. Where the agent is disabled, or
 * its definition can't be read any more, the run waits with the reason.
 */
export function startRun(app: App, tx: Tx, subject: RunSubject): Run {
  const of = "idea" in subject
    ? subject.idea
    : "ticket" in subject
    ? subject.ticket
    : { ...subject.ask, round: 1, priority: DEFAULT_PRIORITY };
  const agent = keptAgentFor(app, tx, subject.agent, of.projectId);
  const work = workOf(app, agent);
  const run = insertRun(tx, {
    projectId: of.projectId,
    agent: subject.agent,
    purpose: subject.purpose,
    round: of.round,
    demo: app.config.endpoint === null,
    ...work ?? { ...nothingYet, definition: { agentId: agent.id, version: agent.version } },
    ..."idea" in subject
      ? { ideaId: of.id }
      : "ticket" in subject
      ? { ticketId: of.id, subtaskId: subject.subtaskId }
      : { askId: of.id },
  });
  tellOfRun(tx, run, "run_created", { purpose: run.purpose, demo: run.demo });
  if ("ticket" in subject && subject.ticket.pausedBy !== null) {
    holdRun(tx, run, subject.ticket.pausedBy);
  } else if (!agent.active) waitForAgent(tx, run);
  else if (work === null) waitForAgent(tx, run, unreadableReason(run.agent));
  else enqueueRun(tx, run, of.priority);
  return run;
}

type Work = Pick<Run, "definition" | "model" | "maxTurns" | "maxCostMicroUsd">;

/** Of a run whose definition can't be read: it gets another before it begins. */
const nothingYet: Omit<Work, "definition"> = { model: "unknown", maxTurns: 1, maxCostMicroUsd: 1 };

/** What a run of an agent is made with; null: its definition can't be read. */
function workOf(app: App, agent: Agent): Work | null {
  const { definition } = readDefinition(app, agent);
  if (definition === null) return null;
  const model = app.config.endpoint ? modelOf(app, definition) : app.catalog.demoModel;
  return {
    definition: { agentId: agent.id, version: agent.version },
    model: model.id,
    maxTurns: definition.limits.maxTurns,
    maxCostMicroUsd: definition.limits.maxCostMicroUsd,
  };
}

/** Puts what was done with a run as a whole into the history of its idea or ticket. */
export function tellOfRun(
  tx: Tx,
  run: Run,
  type: `run_${string}`,
  data: Record<string, unknown> = {},
): void {
  tx.emit({
    type,
    projectId: run.projectId,
    // A trial is no part of what became of the idea or ticket that it looks at.
    ideaId: run.trial ? null : run.ideaId,
    ticketId: run.trial ? null : run.ticketId,
    data: { runId: run.id, agent: run.agent, ...data },
  });
}

/** Remembers what a run has brought along, or a call has brought into it, for its page. */
export function keepTags(tx: Tx, runId: string, body: RunEventBody): void {
  if (body.type === "started" && body.tags) addRunTags(tx, runId, body.tags);
  if (body.type === "tool_finished" && body.result.tags) addRunTags(tx, runId, body.result.tags);
  if (body.type === "turn_finished" && usesWeb(body.content)) addRunTags(tx, runId, webTags);
}

/** Appends one event to a run's log and keeps the sums that follow from it. */
export function recordRunEvent(tx: Tx, run: RunFacts, body: RunEventBody): RunEvent {
  const event = appendRunEvent(tx, run, body);
  keepTags(tx, run.id, body);
  if (isTurnEnd(body)) {
    const { turn, usage, costMicroUsd } = body;
    const day = settle(tx, run, body);
    const tokens = Object.values(usage).reduce((sum, n) => sum + n, 0);
    if (body.type !== "turn_failed" || tokens > 0) {
      addTurnUsage(tx, run, {
        number: event.number,
        turn,
        day,
        usage,
        costMicroUsd,
        counts: body.type === "turn_finished",
      });
    }
    // A trial costs what it costs, but it is no work on the idea or ticket that it looks at.
    if (run.ideaId && !run.trial) addIdeaCost(tx, run.ideaId, costMicroUsd);
    if (run.ticketId && !run.trial) addTicketCost(tx, run.ticketId, costMicroUsd);
  }
  return event;
}

/** Ends a run as cancelled in this transaction; its loop is stopped once that is committed. */
export function cancelRunIn(app: App, tx: Tx, run: Run): void {
  moveRun(tx, run.id, "cancelled");
  forsake(tx, run);
  appendRunEvent(tx, run, { type: "cancelled", by: tx.actor });
  tx.afterCommit(() => {
    app.agents.stopRun(run.id).catch((error) =>
      app.log.error("a cancelled run did not stop", { run: run.id, error: String(error) })
    );
  });
}

/**
 * Pauses an active run in this transaction. One that works lets go at its next event, once that is committed;
 * `killTools` does not wait for its tool calls.
 */
export function pauseRunIn(app: App, tx: Tx, run: Run, killTools: boolean): void {
  tellOfRun(tx, run, "run_paused");
  if (run.status === "running") {
    setPausedBy(tx, run.id, tx.actor, "");
    tx.afterCommit(() => app.agents.pauseRun(run.id, { killTools }));
  } else {
    cancelJobs(tx, { uniqueKey: jobKeys.runAgent(run.id) }, "The run was paused");
    holdRun(tx, run, tx.actor);
  }
}

/** Lets a run that does not work wait for the person who paused it. */
export function holdRun(tx: Tx, run: Run, pausedBy: string): void {
  const waitReason = `Paused by ${pausedBy}`;
  appendRunEvent(tx, run, { type: "waiting", reason: waitReason, failure: null });
  if (run.status === "waiting") setPausedBy(tx, run.id, pausedBy, waitReason);
  else moveRun(tx, run.id, "waiting", { waitReason, pausedBy });
}

/** Lets a run wait until its agent is enabled again, or has a definition that can be read. */
export function waitForAgent(tx: Tx, run: Run, waitReason = disabledReason(run.agent)): void {
  appendRunEvent(tx, run, { type: "waiting", reason: waitReason, failure: null });
  if (run.status === "waiting") setPausedBy(tx, run.id, null, waitReason);
  else moveRun(tx, run.id, "waiting", { waitReason });
}

/** Why a run waits, without a full stop; also what tells which runs go on when the agent is enabled. */
export const disabledReason = (agent: string): string => `The agent "${agent}" is disabled`;

/** The same of a run whose agent has a definition that this version of Gaffer can't read. */
export const unreadableReason = (agent: string): string =>
  `The definition of the agent "${agent}" can't be read: mend it on the agent's page`;

/** The runs that wait for an agent, whatever it lacks. */
export const runsWaitingForAgent = (db: Db, agent: string): Run[] =>
  [disabledReason(agent), unreadableReason(agent)]
    .flatMap((reason) => listRunsWaitingFor(db, agent, reason));

/**
 * Asks the queue for the runs that waited for an agent, unless the one in force where they are is disabled too, or can't
 * be read. Those that had not begun work with the definition that is in force now.
 */
export function goOnWith(app: App, tx: Tx, name: string): void {
  for (const run of runsWaitingForAgent(tx.db, name)) {
    if (findDisabled(tx.db, name, run.projectId)) continue;
    const work = workOf(app, keptAgentFor(app, tx, name, run.projectId));
    if (work === null) {
      const reason = unreadableReason(name);
      if (run.waitReason !== reason) waitForAgent(tx, run, reason);
      continue;
    }
    if (!run.trial && findStart(tx.db, run.id) === null) setDefinition(tx, run.id, work);
    enqueueRun(tx, run, 0);
  }
}

/**
 * Whether a run that was taken up has what it works with: in its log, or as a definition that can be read, its own or
 * the one in force now. One that has not waits for that.
 */
export function settleDefinition(app: App, found: Run): boolean {
  if (hasDefinition(app, found)) return true;
  const { id } = found;
  return transact(app, (tx) => {
    const run = getRun(tx.db, id);
    const work = workOf(app, keptAgentFor(app, tx, run.agent, run.projectId));
    if (work) setDefinition(tx, id, work);
    else waitForAgent(tx, run, unreadableReason(run.agent));
    return work !== null;
  });
}

function hasDefinition(app: App, { id, agent, definition, trial }: Run): boolean {
  // A trial is of this one version: another would be no answer.
  if (trial) return true;
  const version = definition && findVersion(app.db, definition.agentId, definition.version);
  return version !== null &&
      readDefinition(app, { name: agent, text: version.text }).problem === null ||
    findStart(app.db, id) !== null;
}

/** Takes the pause off a run; it goes on from its log, unless an approval is still to be decided. */
export function resumeRunIn(app: App, tx: Tx, run: Run): void {
  const asks = listRunApprovals(tx.db, run.id).some((a) => a.status === "pending");
  const waitReason = asks ? WAITS_FOR_APPROVAL : `Resumed by ${tx.actor}`;
  tellOfRun(tx, run, "run_resumed");
  setPausedBy(tx, run.id, null, waitReason);
  if (run.status !== "waiting") return;
  if (asks) appendRunEvent(tx, run, { type: "waiting", reason: waitReason, failure: null });
  else if (run.model === nothingYet.model) {
    waitForAgent(tx, run, unreadableReason(run.agent));
    goOnWith(app, tx, run.agent);
  } else enqueueRun(tx, run, 0);
}

export const WAITS_FOR_APPROVAL = "Waits for your approval";

/** Cancels every active run of an idea. */
export function cancelIdeaRuns(app: App, tx: Tx, ideaId: string): void {
  for (const run of listIdeaRuns(tx.db, ideaId)) {
    if (isActive(run)) cancelRunIn(app, tx, run);
  }
}

/** Marks a run as working. False when it has ended, is paused or waits for its agent: there is nothing to do. */
export function beginRun(tx: Tx, runId: string): boolean {
  const run = getRun(tx.db, runId);
  if (!isActive(run)) return false;
  if (run.pausedBy !== null) {
    // The process ended before the run had let go.
    if (run.status === "running") holdRun(tx, run, run.pausedBy);
    return false;
  }
  if (run.status === "running") return true;
  if (run.startedAt === null && findDisabled(tx.db, run.agent, run.projectId)) {
    // It was disabled after the run was made. What already works goes on with the definition it has.
    if (run.waitReason !== disabledReason(run.agent)) waitForAgent(tx, run);
    return false;
  }
  if (run.status === "waiting") {
    appendRunEvent(tx, run, { type: "resumed", reason: run.waitReason });
  }
  moveRun(tx, runId, "running");
  return true;
}

/** Nothing follows the end of a run. `doing` completes "Cannot …". Throws `conflict`. */
export function requireActive(run: Pick<Run, "status">, doing: string): void {
  if (isActive(run)) return;
  throw new AppError("conflict", `Cannot ${doing}: its run is "${run.status}"`);
}
