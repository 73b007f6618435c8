/**
 * Forking a run: a new one whose log begins with the other's events up to the end of a turn, byte by byte, so that
 * the model's cache and signatures hold, and goes on with what a person wants changed. Only where nothing else is
 * at work on the same thing; a ticket's branch is put back to that turn's commit by the run itself (run_host.ts).
 */
import { totalTokensOf } from "../../agents/loop/cost.ts";
import { doubtLeft } from "../../agents/loop/doubt.ts";
import { apply } from "../../agents/loop/fold.ts";
import { type LoopState, newState } from "../../agents/loop/loop_state.ts";
import type { NoteEvent, RunEventBody, RunLimits, RunSpec } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import { type Db, transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Run, RunPurpose } from "../records.ts";
import { getIdea, moveIdea } from "../store/ideas.ts";
import { appendRunEvent, findStart, readRunLog } from "../store/run_log.ts";
import { getRun, insertRun, listIdeaRuns, listTicketRuns } from "../store/runs.ts";
import { getSubtask, moveSubtask } from "../store/subtasks.ts";
import { getTicket } from "../store/tickets.ts";
import { moveTicket } from "./ticket_moves.ts";
import { findWorktree } from "../store/worktrees.ts";
import { definitionFor } from "./definitions.ts";
import { personsWords } from "./run_control.ts";
import { enqueueRun, isActive, keepTags, tellOfRun } from "./runs.ts";
import { settleIdeaJobs, settleTicketJobs } from "./settling.ts";

/** Where a run's log may be cut: after a turn all of whose calls have their result, or before the first. */
export interface ForkPoint {
  /** 0: before the first turn. */
  turn: number;
  /** Events up to there. */
  events: number;
  /** What was checked out then; null where the log does not tell. */
  commit: string | null;
  /** What the loop counts against its limits up to there. */
  used: RunLimits;
}

/** The ref that keeps where a ticket's branch was before a fork moved it. */
export const keptRef = (runId: string): string => `refs/gaffer/forks/${runId}`;

/** Every point at which a run may be forked, in order; none where it has not begun. */
export function forkPoints(spec: RunSpec, log: readonly RunEventBody[]): ForkPoint[] {
  const points: ForkPoint[] = [];
  const state = newState(spec);
  let commit: string | null = null;
  const add = (events: number) => {
    // What follows a turn without a request in between (a note, a reminder) belongs to it.
    if (state.open || state.result || points.at(-1)?.turn === state.turns) return;
    points.push({ turn: state.turns, events, commit, used: usedBy(state) });
  };
  for (const [index, event] of log.entries()) {
    if (event.type === "turn_started") add(index);
    if (endings.has(event.type)) {
      add(index);
      return points;
    }
    if (event.type === "started") commit = event.commit ?? null;
    if (event.type === "checkpoint") commit = event.commit;
    apply(state, event);
  }
  add(log.length);
  return points;
}

const endings: ReadonlySet<RunEventBody["type"]> = new Set(["succeeded", "failed", "cancelled"]);

const usedBy = (state: LoopState): RunLimits => {
  const doubt = doubtLeft(state);
  return {
    maxTurns: state.turns,
    maxTokens: totalTokensOf(state.usage) + doubt.tokens,
    maxCostMicroUsd: state.costMicroUsd + doubt.costMicroUsd,
    timeoutMs: state.elapsedMs,
  };
};

/** Purposes whose result may come twice: those of a refinement, and a developer's. */
const developing: ReadonlySet<RunPurpose> = new Set(["develop", "fix", "change"]);
const refining: ReadonlySet<RunPurpose> = new Set([
  "clarify",
  "research",
  "estimate",
  "prioritize",
]);

/** Why a run can't be forked now; null: it can. */
export function whyNotFork(app: Pick<App, "db" | "config">, run: Run): string | null {
  if (isActive(run)) return "it is not over. Cancel it first";
  if (run.trial) return "it is a trial. Start another from its agent's page";
  if (run.askId) return "it is about a document. Ask again there";
  if (!developing.has(run.purpose) && !refining.has(run.purpose)) {
    return `nothing follows from a second "${run.purpose}" run. Retry the ticket instead`;
  }
  if (!findStart(app.db, run.id)) return "it ended before it began";
  if (run.demo !== (app.config.endpoint === null)) {
    return run.demo
      ? "the demo model made it, and Gaffer now works with another"
      : "Gaffer now works with the demo model, which did not make it";
  }
  return run.ideaId ? whyNotForkIdea(app.db, run) : whyNotForkTicket(app.db, run);
}

function whyNotForkIdea(db: Db, run: Run): string | null {
  const idea = getIdea(db, run.ideaId!);
  if (idea.status !== "stuck" && idea.status !== "ready") {
    return `idea #${idea.number} is "${idea.status}", not "stuck" or "ready"`;
  }
  if (run.round !== idea.round) return `idea #${idea.number} has been sent back since`;
  return listIdeaRuns(db, idea.id).some(isActive)
    ? `other agents are at work on idea #${idea.number}`
    : null;
}

function whyNotForkTicket(db: Db, run: Run): string | null {
  const ticket = getTicket(db, run.ticketId!);
  if (ticket.step === "merge" && ticket.status === "review") {
    return `ticket #${ticket.number} is in the merge queue`;
  }
  if (ticket.status !== "blocked" && ticket.status !== "review") {
    return `ticket #${ticket.number} is "${ticket.status}", not "blocked" or "review"`;
  }
  const newest = listTicketRuns(db, ticket.id).findLast(({ purpose }) => developing.has(purpose));
  if (newest?.id !== run.id) {
    return "a developer has worked on its ticket since, and that work would be thrown away";
  }
  return findWorktree(db, ticket.id)?.status === "ready"
    ? null
    : `ticket #${ticket.number} has no worktree any more`;
}

/**
 * Starts a new run with the same log up to the end of `turn` and a person's changed instruction. It has the agent's
 * limits anew, and what was paid before is not counted again. Throws `conflict` where that makes no sense, `invalid`
 * without an instruction.
 */
export function forkRun(app: App, id: string, turn: number, instruction: string): Run {
  const text = personsWords("fork the run", instruction);
  return transact(app, (tx) => {
    const source = getRun(tx.db, id);
    const why = whyNotFork(app, source);
    if (why !== null) throw new AppError("conflict", `Cannot fork the run: ${why}`);
    const { spec } = findStart(tx.db, id)!;
    const log = readRunLog(tx.db, id).map(({ body }) => body);
    const points = forkPoints(spec, log);
    const point = points.find((p) => p.turn === turn && (source.ideaId || p.commit !== null));
    if (!point) throw noPoint(turn, source, points);
    const run = insertFork(app, tx, source, point);
    for (const body of log.slice(0, point.events)) {
      appendRunEvent(tx, run, body.type === "started" ? named(body, run.id) : body);
      keepTags(tx, run.id, body);
    }
    const limits = added(definitionFor(app, run.agent, run.projectId).limits, point.used);
    appendRunEvent(tx, run, { type: "forked", from: id, turn, limits });
    const note: NoteEvent = { type: "note", text, by: tx.actor };
    appendRunEvent(tx, run, note);
    tellOfRun(tx, run, "run_forked", { from: id, turn });
    enqueueRun(tx, run, 0);
    return run;
  });
}

function noPoint(turn: number, source: Run, points: ForkPoint[]): AppError {
  const turns = points.filter((p) => source.ideaId || p.commit !== null).map((p) => p.turn);
  const message = turns.length === 0
    ? "its log does not say which commit its turns began with"
    : `turn ${turn} has no end to go on from. Choose one of: ${turns.join(", ")}`;
  return new AppError("conflict", `Cannot fork the run: ${message}`, [{ field: "turn", message }]);
}

/** Moves the idea or ticket as a retry does, and makes the run that works on it. */
function insertFork(app: App, tx: Tx, source: Run, point: ForkPoint): Run {
  const { limits } = definitionFor(app, source.agent, source.projectId);
  const shared = {
    projectId: source.projectId,
    agent: source.agent,
    purpose: source.purpose,
    model: source.model,
    demo: source.demo,
    maxTurns: limits.maxTurns,
    maxCostMicroUsd: limits.maxCostMicroUsd,
    // The log that it begins with holds it.
    definition: source.definition,
    forkedFrom: { runId: source.id, turn: point.turn },
  };
  if (source.ideaId) {
    settleIdeaJobs(tx, source.ideaId);
    const { id, round } = moveIdea(tx, source.ideaId, "refining");
    return insertRun(tx, { ...shared, round, ideaId: id });
  }
  settleTicketJobs(tx, source.ticketId!);
  const ticket = moveTicket(tx, source.ticketId!, "in_progress", {
    step: "develop",
    round: 0,
    headCommit: point.commit,
    mergeCommit: null,
  });
  const subtaskId = source.subtaskId ? reopen(tx, source.subtaskId) : undefined;
  return insertRun(tx, { ...shared, round: ticket.round, ticketId: ticket.id, subtaskId });
}

/** A subtask that is done stays so: the fork then only changes the work. */
function reopen(tx: Tx, subtaskId: string): string | undefined {
  const { status } = getSubtask(tx.db, subtaskId);
  if (status === "done" || status === "skipped") return undefined;
  if (status !== "in_progress") moveSubtask(tx, subtaskId, "in_progress");
  return subtaskId;
}

/** The only event that is not the same, since what the loop appends goes to the run that it names. */
const named = (
  { spec, ...start }: Extract<RunEventBody, { type: "started" }>,
  runId: string,
): RunEventBody => ({ ...start, spec: { ...spec, runId } });

/** The loop counts from the first event on, so what was used before the fork comes on top. */
const added = (own: RunLimits, used: RunLimits): RunLimits => ({
  maxTurns: own.maxTurns + used.maxTurns,
  maxTokens: own.maxTokens + used.maxTokens,
  maxCostMicroUsd: own.maxCostMicroUsd + used.maxCostMicroUsd,
  timeoutMs: own.timeoutMs + used.timeoutMs,
});
