import { type Db, newTimedId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Run, RunPurpose } from "../records.ts";
import type { Usage } from "../../agents/protocol.ts";
import { type FailureReason, runMoves, type RunStatus, runStatuses, sourcesOf } from "../states.ts";

export type NewRun =
  & Pick<Run, "projectId" | "agent" | "purpose" | "round" | "model" | "demo">
  & Pick<Run, "maxTurns" | "maxCostMicroUsd">
  & { ideaId?: string; ticketId?: string; subtaskId?: string; askId?: string }
  & { forkedFrom?: Run["forkedFrom"]; definition?: Run["definition"]; trial?: boolean };

/** Whether more may come of it. */
export const isActive = (run: Pick<Run, "status">): boolean =>
  run.status === "queued" || run.status === "running" || run.status === "waiting";

/** Throws `conflict` when the ticket already has an active run: the database forbids a second one. */
export function insertRun(tx: Tx, run: NewRun): Run {
  if (run.ticketId && !run.trial && findActiveRun(tx.db, run.ticketId)) {
    throw new AppError("conflict", "Cannot start a run: this ticket already has an active one");
  }
  const row = tx.db.prepare(`
    INSERT INTO runs (id, project_id, agent, purpose, idea_id, ticket_id, subtask_id, ask_id, round, model, demo,
      max_turns, max_cost_micro_usd, forked_from_run, forked_at_turn, agent_id, agent_version, trial,
      created_at)
    VALUES (:id, :projectId, :agent, :purpose, :ideaId, :ticketId, :subtaskId, :askId, :round, :model, :demo,
      :maxTurns, :maxCostMicroUsd, :forkedFromRun, :forkedAtTurn, :agentId, :agentVersion, :trial, :now)
    RETURNING *
  `).get({
    id: newTimedId("run", tx.nowMs),
    projectId: run.projectId,
    agent: run.agent,
    purpose: run.purpose,
    ideaId: run.ideaId ?? null,
    ticketId: run.ticketId ?? null,
    subtaskId: run.subtaskId ?? null,
    askId: run.askId ?? null,
    round: run.round,
    model: run.model,
    demo: Number(run.demo),
    maxTurns: run.maxTurns,
    maxCostMicroUsd: run.maxCostMicroUsd,
    forkedFromRun: run.forkedFrom?.runId ?? null,
    forkedAtTurn: run.forkedFrom?.turn ?? null,
    agentId: run.definition?.agentId ?? null,
    agentVersion: run.definition?.version ?? null,
    trial: Number(run.trial ?? false),
    now: tx.now,
  });
  return runFromRow(row!);
}

export interface RunMoveDetails {
  waitReason?: string;
  /** With a move to `waiting`. Who paused it before stays, until it moves on. */
  pausedBy?: string;
  failure?: FailureReason | null;
  error?: string;
  result?: unknown;
}

/** As a list in SQL, the states that lead to each. */
const sourcesSql = Object.fromEntries(
  runStatuses.map((to) => [to, sourcesOf(runMoves, to).map((from) => `'${from}'`).join(", ")]),
) as Record<RunStatus, string>;

/** Moves one run along `runMoves`. Throws `conflict` if its status does not lead to `to`. */
export function moveRun(tx: Tx, id: string, to: RunStatus, details: RunMoveDetails = {}): void {
  const { changes } = tx.db.prepare(`
    UPDATE runs SET status = :to, wait_reason = :waitReason, failure = :failure, error = :error,
      paused_by = CASE WHEN :to = 'waiting' THEN coalesce(:pausedBy, paused_by) ELSE NULL END,
      result = coalesce(:result, result),
      started_at = CASE WHEN :to = 'running' THEN coalesce(started_at, :now) ELSE started_at END,
      finished_at = CASE WHEN :to IN ('succeeded', 'failed', 'cancelled') THEN :now ELSE NULL END
    WHERE id = :id AND status IN (${sourcesSql[to]})
  `).run({
    id,
    to,
    waitReason: details.waitReason ?? "",
    pausedBy: details.pausedBy ?? null,
    failure: details.failure ?? null,
    error: details.error ?? "",
    result: details.result === undefined ? null : JSON.stringify(details.result),
    now: tx.now,
  });
  if (changes === 0) {
    throw new AppError(
      "conflict",
      `Cannot move the run to "${to}": it is "${getRun(tx.db, id).status}"`,
    );
  }
}

/**
 * Notes on a running or waiting run who paused it, or with null that nobody does any more; a waiting one then
 * waits for the given reason. Throws `conflict` in every other status.
 */
export function setPausedBy(
  tx: Tx,
  id: string,
  pausedBy: string | null,
  waitReason: string,
): Run {
  const row = tx.db.prepare(`
    UPDATE runs SET paused_by = :pausedBy, failure = NULL,
      wait_reason = CASE WHEN status = 'waiting' THEN :waitReason ELSE '' END
    WHERE id = :id AND status IN ('running', 'waiting') RETURNING *
  `).get({ id, pausedBy, waitReason });
  if (row) return runFromRow(row);
  const verb = pausedBy === null ? "resume" : "pause";
  throw new AppError("conflict", `Cannot ${verb} the run: it is "${getRun(tx.db, id).status}"`);
}

/** Adds one paid request: to the run's sums, and as a row of `turn_usage` with the event's number. */
export function addTurnUsage(
  tx: Tx,
  run: RunFacts,
  turn: {
    number: number;
    turn: number;
    /** On which it was sent. */
    day: string;
    usage: Usage;
    costMicroUsd: number;
    counts: boolean;
  },
): void {
  const tokens = {
    inputTokens: turn.usage.inputTokens,
    outputTokens: turn.usage.outputTokens,
    cacheWrite5m: turn.usage.cacheWrite5mTokens,
    cacheWrite1h: turn.usage.cacheWrite1hTokens,
    cacheRead: turn.usage.cacheReadTokens,
    webSearches: turn.usage.webSearches ?? 0,
    cost: turn.costMicroUsd,
  };
  tx.db.prepare(`
    UPDATE runs SET turns = turns + :counts, input_tokens = input_tokens + :inputTokens,
      output_tokens = output_tokens + :outputTokens,
      cache_write_5m_tokens = cache_write_5m_tokens + :cacheWrite5m,
      cache_write_1h_tokens = cache_write_1h_tokens + :cacheWrite1h,
      cache_read_tokens = cache_read_tokens + :cacheRead,
      web_searches = web_searches + :webSearches,
      cost_micro_usd = cost_micro_usd + :cost
    WHERE id = :id
  `).run({ id: run.id, counts: Number(turn.counts), ...tokens });
  tx.db.prepare(`
    INSERT INTO turn_usage (run_id, number, turn, model, demo, input_tokens, output_tokens,
      cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, web_searches, cost_micro_usd,
      day, at)
    VALUES (:id, :number, :turn, :model, :demo, :inputTokens, :outputTokens,
      :cacheWrite5m, :cacheWrite1h, :cacheRead, :webSearches, :cost, :day, :now)
  `).run({
    id: run.id,
    number: turn.number,
    turn: turn.turn,
    day: turn.day,
    model: run.model,
    demo: Number(run.demo),
    now: tx.now,
    ...tokens,
  });
}

/** Adds time that the run's loop worked, for its time limit. */
export function addWorkedMs(tx: Tx, id: string, ms: number): void {
  tx.db.prepare("UPDATE runs SET worked_ms = worked_ms + :ms WHERE id = :id").run({
    id,
    ms: Math.round(ms),
  });
}

export const workedMs = (db: Db, id: string): number =>
  Number(db.prepare("SELECT worked_ms FROM runs WHERE id = :id").get({ id })?.worked_ms ?? 0);

/** What every event of a run needs to know of it, and what never changes while it works. */
export type RunFacts = Pick<
  Run,
  "id" | "projectId" | "agent" | "ideaId" | "ticketId" | "model" | "demo" | "trial"
>;

export type RunHead = RunFacts & Pick<Run, "status" | "pausedBy">;

/** Throws `not_found`. */
export function getRunHead(db: Db, id: string): RunHead {
  const head = findRunHead(db, id);
  if (!head) throw noRun(id);
  return head;
}

/** Of a run, what every event needs: all of it takes five times as long. */
export function findRunHead(db: Db, id: string): RunHead | null {
  const row = db.prepare(`
    SELECT project_id, agent, idea_id, ticket_id, status, model, demo, paused_by, trial
    FROM runs WHERE id = :id
  `).get({ id });
  if (!row) return null;
  return {
    id,
    projectId: String(row.project_id),
    agent: String(row.agent),
    ideaId: row.idea_id as string | null,
    ticketId: row.ticket_id as string | null,
    status: row.status as RunStatus,
    model: String(row.model),
    demo: row.demo === 1,
    pausedBy: row.paused_by as string | null,
    trial: row.trial === 1,
  };
}

/** Whether it may go on. Throws `not_found`. */
export function getRunState(db: Db, id: string): Pick<Run, "status" | "pausedBy"> {
  const row = db.prepare("SELECT status, paused_by FROM runs WHERE id = :id").get({ id });
  if (!row) throw noRun(id);
  return { status: row.status as RunStatus, pausedBy: row.paused_by as string | null };
}

/** What a planning agent was asked, of which the run is; null: it is of nothing that was asked. Throws `not_found`. */
export function askIdOf(db: Db, id: string): string | null {
  const row = db.prepare("SELECT ask_id FROM runs WHERE id = :id").get({ id });
  if (!row) throw noRun(id);
  return row.ask_id as string | null;
}

const noRun = (id: string) => new AppError("not_found", `No run with the id "${id}"`);

/** Throws `not_found`. */
export function getRun(db: Db, id: string): Run {
  const run = findRun(db, id);
  if (!run) throw noRun(id);
  return run;
}

export function findRun(db: Db, id: string): Run | null {
  const row = db.prepare("SELECT * FROM runs WHERE id = :id").get({ id });
  return row ? runFromRow(row) : null;
}

/** The run of what a planning agent was asked; each has one. */
export function getAskRun(db: Db, askId: string): Run {
  const row = db.prepare("SELECT * FROM runs WHERE ask_id = :askId").get({ askId });
  if (!row) throw new AppError("not_found", `No run of the ask "${askId}"`);
  return runFromRow(row);
}

/** The one that works on a ticket; trials only look at it. */
export function findActiveRun(db: Db, ticketId: string): Run | null {
  const row = db.prepare(`
    SELECT * FROM runs
    WHERE ticket_id = :ticketId AND trial = 0 AND status IN ('queued', 'running', 'waiting')
  `).get({ ticketId });
  return row ? runFromRow(row) : null;
}

/** Those that work on an idea; trials only look at it. */
export function listIdeaRuns(db: Db, ideaId: string, round?: number): Run[] {
  return db.prepare(`
    SELECT * FROM runs
    WHERE idea_id = :ideaId AND trial = 0 AND (:round IS NULL OR round = :round)
    ORDER BY created_at, rowid
  `).all({ ideaId, round: round ?? null }).map(runFromRow);
}

/** Those that work on a ticket; trials only look at it. */
export function listTicketRuns(db: Db, ticketId: string): Run[] {
  return db.prepare(`
    SELECT * FROM runs WHERE ticket_id = :ticketId AND trial = 0 ORDER BY created_at, rowid
  `).all({ ticketId }).map(runFromRow);
}

/** Most active runs that one page shows. */
const ACTIVE_MAX = 200;

export function listActiveRuns(db: Db, projectId: string | null): Run[] {
  return db.prepare(`
    SELECT * FROM runs WHERE status IN ('queued', 'running', 'waiting')
      AND (:projectId IS NULL OR project_id = :projectId)
    ORDER BY created_at LIMIT ${ACTIVE_MAX}
  `).all({ projectId }).map(runFromRow);
}

/** Newest first. */
export function listRuns(
  db: Db,
  filter: { projectId?: string; limit: number; after?: { key: string; id: string } },
): Run[] {
  return db.prepare(`
    SELECT * FROM runs
    WHERE (:projectId IS NULL OR project_id = :projectId)
      AND (:afterKey IS NULL OR (created_at, id) < (:afterKey, :afterId))
    ORDER BY created_at DESC, id DESC LIMIT :limit
  `).all({
    projectId: filter.projectId ?? null,
    afterKey: filter.after?.key ?? null,
    afterId: filter.after?.id ?? null,
    limit: filter.limit,
  }).map(runFromRow);
}

export function runFromRow(row: Row): Run {
  return {
    id: String(row.id),
    projectId: String(row.project_id),
    agent: String(row.agent),
    purpose: row.purpose as RunPurpose,
    ideaId: row.idea_id as string | null,
    ticketId: row.ticket_id as string | null,
    subtaskId: row.subtask_id as string | null,
    askId: row.ask_id as string | null,
    round: Number(row.round),
    status: row.status as RunStatus,
    model: String(row.model),
    demo: row.demo === 1,
    waitReason: String(row.wait_reason),
    pausedBy: row.paused_by as string | null,
    failure: row.failure as FailureReason | null,
    error: String(row.error),
    result: JSON.parse(String(row.result)),
    turns: Number(row.turns),
    usage: {
      inputTokens: Number(row.input_tokens),
      outputTokens: Number(row.output_tokens),
      cacheWrite5mTokens: Number(row.cache_write_5m_tokens),
      cacheWrite1hTokens: Number(row.cache_write_1h_tokens),
      cacheReadTokens: Number(row.cache_read_tokens),
      ...Number(row.web_searches) > 0 && { webSearches: Number(row.web_searches) },
    },
    costMicroUsd: Number(row.cost_micro_usd),
    maxTurns: Number(row.max_turns),
    maxCostMicroUsd: Number(row.max_cost_micro_usd),
    createdAt: String(row.created_at),
    startedAt: row.started_at as string | null,
    finishedAt: row.finished_at as string | null,
    forkedFrom: row.forked_from_run === null ? null : {
      runId: String(row.forked_from_run),
      turn: Number(row.forked_at_turn),
    },
    definition: row.agent_id === null ? null : {
      agentId: String(row.agent_id),
      version: Number(row.agent_version),
    },
    trial: row.trial === 1,
  };
}
