/** What requests on their way may use, what is used in each window, and the runs that wait for room in one. */
import type { Db, Row, Tx } from "../db.ts";
import { DEFAULT_PRIORITY } from "../states.ts";
import type { WindowOf } from "./limits.ts";

/** What a request uses or may use: whole micro-USD, and all its tokens. */
export interface Amount {
  microUsd: number;
  tokens: number;
}

export const nothing: Amount = { microUsd: 0, tokens: 0 };

/** Changes to what is known of a window; what is left out stays. */
export interface WindowChange {
  spent?: Amount;
  doubt?: Amount;
  reserved?: Amount;
}

/** Adds to the windows of all, of the project and of the agent, for the day and for its month. */
export function addToWindows(tx: Tx, of: WindowOf, change: WindowChange): void {
  const { spent = nothing, doubt = nothing, reserved = nothing } = change;
  tx.db.prepare(ADD_TO_WINDOWS).run({
    projectId: of.projectId,
    agent: of.agent,
    day: of.day,
    month: of.day.slice(0, 7),
    spentUsd: spent.microUsd,
    spentTokens: spent.tokens,
    doubtUsd: doubt.microUsd,
    doubtTokens: doubt.tokens,
    reservedUsd: reserved.microUsd,
    reservedTokens: reserved.tokens,
  });
}

const sums = ":spentUsd, :spentTokens, :doubtUsd, :doubtTokens, :reservedUsd, :reservedTokens";
const ADD_TO_WINDOWS = `
  INSERT INTO usage_windows (scope, scope_id, period, start, spent_micro_usd, spent_tokens,
    doubt_micro_usd, doubt_tokens, reserved_micro_usd, reserved_tokens)
  VALUES ('all', '', 'day', :day, ${sums}), ('all', '', 'month', :month, ${sums}),
    ('project', :projectId, 'day', :day, ${sums}), ('project', :projectId, 'month', :month, ${sums}),
    ('agent', :agent, 'day', :day, ${sums}), ('agent', :agent, 'month', :month, ${sums})
  ON CONFLICT (scope, scope_id, period, start) DO UPDATE SET
    spent_micro_usd = spent_micro_usd + excluded.spent_micro_usd,
    spent_tokens = spent_tokens + excluded.spent_tokens,
    doubt_micro_usd = doubt_micro_usd + excluded.doubt_micro_usd,
    doubt_tokens = doubt_tokens + excluded.doubt_tokens,
    reserved_micro_usd = reserved_micro_usd + excluded.reserved_micro_usd,
    reserved_tokens = reserved_tokens + excluded.reserved_tokens`;

/** What was spent on a day (2026-11-27) or in a month (2026-11), of all; the demo model's runs cost nothing. */
export function spentIn(db: Db, start: string): Amount {
  const row = db.prepare(`
    SELECT spent_micro_usd, spent_tokens FROM usage_windows
    WHERE scope = 'all' AND scope_id = '' AND period = :period AND start = :start
  `).get({ start, period: start.length === 7 ? "month" : "day" });
  return { microUsd: Number(row?.spent_micro_usd ?? 0), tokens: Number(row?.spent_tokens ?? 0) };
}

/** What a limit counts beside what was spent in a month (2026-11), of all: in doubt, or reserved. In micro-USD. */
export function heldIn(db: Db, month: string): number {
  const row = db.prepare(`
    SELECT doubt_micro_usd + reserved_micro_usd AS held FROM usage_windows
    WHERE scope = 'all' AND scope_id = '' AND period = 'month' AND start = :month
  `).get({ month });
  return Number(row?.held ?? 0);
}

/**
 * Deletes the windows of days before `before`, and of months before that day's, at most `limit`; says how many. The
 * window of all is the last of a day to go, and its absence tells that nothing is left to look for.
 */
export function pruneWindowsBefore(tx: Tx, before: string, limit: number): number {
  const { oldest } = tx.db.prepare(`
    SELECT min(start) AS oldest FROM usage_windows
    WHERE scope = 'all' AND scope_id = '' AND period = 'day'
  `).get()!;
  if (oldest === null || String(oldest) >= before) return 0;
  return tx.db.prepare(`
    DELETE FROM usage_windows WHERE (scope, scope_id, period, start) IN (
      SELECT scope, scope_id, period, start FROM usage_windows
      WHERE (period = 'day' AND start < :before) OR (period = 'month' AND start < substr(:before, 1, 7))
      ORDER BY scope = 'all', period = 'day', start LIMIT :limit)
  `).run({ before, limit }).changes;
}

/** The most that a run's request on its way can use. */
export type Reservation = WindowOf & Amount & { runId: string };

export function insertReservation(tx: Tx, reservation: Reservation): void {
  tx.db.prepare(`
    INSERT INTO reservations (run_id, project_id, agent, day, micro_usd, tokens)
    VALUES (:runId, :projectId, :agent, :day, :microUsd, :tokens)
  `).run({ ...reservation });
}

/** Takes the run's reservation away; null: it had none. */
export function takeReservation(tx: Tx, runId: string): Reservation | null {
  const row = tx.db.prepare("DELETE FROM reservations WHERE run_id = :runId RETURNING *")
    .get({ runId });
  return row
    ? {
      runId,
      projectId: String(row.project_id),
      agent: String(row.agent),
      day: String(row.day),
      ...amountFromRow(row),
    }
    : null;
}

/** The earliest day on which a request was sent whose end is not known yet; null: there is none. */
export function earliestReservedDay(db: Db): string | null {
  return db.prepare("SELECT min(day) AS day FROM reservations").get()!.day as string | null;
}

// ------------------------------------------------------------------ runs that wait for room

/** Runs that one look for room reads. */
const WAITS_PAGE = 200;

export function putBudgetWait(tx: Tx, runId: string, need: Amount): void {
  tx.db.prepare(`
    INSERT INTO budget_waits (run_id, micro_usd, tokens, at) VALUES (:runId, :microUsd, :tokens, :now)
    ON CONFLICT (run_id) DO UPDATE SET micro_usd = :microUsd, tokens = :tokens
  `).run({ runId, ...need, now: tx.now });
}

export function deleteBudgetWait(tx: Tx, runId: string): void {
  tx.db.prepare("DELETE FROM budget_waits WHERE run_id = :runId").run({ runId });
}

/** What the next request of a run needs that found no room before; null: none did. */
export function findBudgetWait(db: Db, runId: string): Amount | null {
  const row = db.prepare("SELECT micro_usd, tokens FROM budget_waits WHERE run_id = :runId")
    .get({ runId });
  return row ? amountFromRow(row) : null;
}

/** A run that waits for room, and what its next request needs. */
export type BudgetWait = Amount & {
  runId: string;
  projectId: string;
  agent: string;
  priority: number;
  at: string;
};

/** Whose limits a wait is held up by: those of one project and agent are held up by the same. */
export const waitGroup = ({ projectId, agent }: Pick<BudgetWait, "projectId" | "agent">): string =>
  `${projectId} ${agent}`;

/** Runs that wait for room and for nothing else, the longest waiting first: those after one, and of no group of these. */
export function listBudgetWaits(
  db: Db,
  { after, without = [] }: { after?: BudgetWait; without?: readonly string[] } = {},
): { waits: BudgetWait[]; more: boolean } {
  const waits = db.prepare(`
    SELECT w.run_id, w.micro_usd, w.tokens, w.at, r.project_id, r.agent,
      coalesce(i.priority, t.priority, ${DEFAULT_PRIORITY}) AS priority
    FROM budget_waits w JOIN runs r ON r.id = w.run_id
    LEFT JOIN ideas i ON i.id = r.idea_id LEFT JOIN tickets t ON t.id = r.ticket_id
    WHERE r.status = 'waiting' AND r.failure = 'budget' AND r.paused_by IS NULL
      AND (w.at, w.run_id) > (:at, :runId)
      AND r.project_id || ' ' || r.agent NOT IN (SELECT value FROM json_each(:without))
    ORDER BY w.at, w.run_id LIMIT ${WAITS_PAGE}
  `).all({
    at: after?.at ?? "",
    runId: after?.runId ?? "",
    without: JSON.stringify(without),
  }).map((row) => ({
    runId: String(row.run_id),
    projectId: String(row.project_id),
    agent: String(row.agent),
    priority: Number(row.priority),
    at: String(row.at),
    ...amountFromRow(row),
  }));
  return { waits, more: waits.length === WAITS_PAGE };
}

const amountFromRow = (row: Row): Amount => ({
  microUsd: Number(row.micro_usd),
  tokens: Number(row.tokens),
});
