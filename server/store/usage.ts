/** What was used: rows of single requests, rolled up into days once those are over, and into months later; read as one. */
import type { Usage } from "../../agents/protocol.ts";
import type { Db, Row, Tx } from "../db.ts";
import { readSetting } from "./settings.ts";

/** What usage is summed by; `subject`: the idea or the ticket. */
export const usageGroups = ["day", "month", "agent", "model", "project", "subject"] as const;
export type UsageGroup = typeof usageGroups[number];

export interface UsageSum {
  requests: number;
  usage: Usage;
  costMicroUsd: number;
}
export interface UsageRow extends UsageSum {
  /** A day (the month where there are no days any more), a month, a name or an id, by the group. */
  key: string;
}

/**
 * Both days belong to it: 2026-11-01 to 2026-11-30. Where there are only months any more, a span has all that belongs
 * to one that it touches.
 */
export interface Span {
  from: string;
  to: string;
}

/** Rows that a group gives at most: those that cost the most; of days as many as two years have. */
export const USAGE_ROWS_MAX = 750;

const countColumns = [
  "input_tokens",
  "output_tokens",
  "cache_write_5m_tokens",
  "cache_write_1h_tokens",
  "cache_read_tokens",
  "web_searches",
] as const;
const summed = ["requests", ...countColumns, "cost_micro_usd"]
  .map((name) => `coalesce(sum(${name}), 0) AS ${name}`).join(", ");

/** Days before `:rolled` are read from the roll-ups, those from it on from the requests themselves. */
const USED = `
  SELECT month AS day, project_id, agent, model, subject_id, requests, ${
  countColumns.join(", ")
}, cost_micro_usd
  FROM usage_months WHERE month BETWEEN substr(:from, 1, 7) AND substr(:to, 1, 7)
  UNION ALL
  SELECT day, project_id, agent, model, subject_id, requests, ${
  countColumns.join(", ")
}, cost_micro_usd
  FROM usage_days WHERE day BETWEEN :from AND :to AND day < :rolled
  UNION ALL
  SELECT t.day, r.project_id, r.agent, t.model, coalesce(r.ticket_id, r.idea_id, r.ask_id), 1,
    ${countColumns.map((name) => `t.${name}`).join(", ")}, t.cost_micro_usd
  FROM turn_usage t JOIN runs r ON r.id = t.run_id
  WHERE t.day BETWEEN max(:from, :rolled) AND :to`;

const sumsBy = (column: string, order: string) => `
  SELECT ${column} AS key, ${summed} FROM (${USED}) GROUP BY ${column}
  ORDER BY ${order} LIMIT ${USAGE_ROWS_MAX}`;
const dearest = "sum(cost_micro_usd) DESC, sum(requests) DESC, key";
const SUMS: Readonly<Record<UsageGroup, string>> = {
  day: sumsBy("day", "day"),
  month: sumsBy("substr(day, 1, 7)", "key"),
  agent: sumsBy("agent", dearest),
  model: sumsBy("model", dearest),
  project: sumsBy("project_id", dearest),
  subject: sumsBy("subject_id", dearest),
};

/** What was used in a span by each of a group, the dearest first; days in their order. */
export const sumUsage = (db: Db, group: UsageGroup, span: Span): UsageRow[] =>
  db.prepare(SUMS[group]).all({ ...span, rolled: rolledTo(db) }).map((row) => ({
    key: String(row.key),
    ...sumFromRow(row),
  }));

const TOTAL = `SELECT ${summed} FROM (${USED})`;
export const totalUsage = (db: Db, span: Span): UsageSum =>
  sumFromRow(db.prepare(TOTAL).get({ ...span, rolled: rolledTo(db) })!);

const BY_AGENT_AND_MODEL = `
  SELECT agent, model, ${summed} FROM (${USED}) GROUP BY agent, model ORDER BY agent, model
  LIMIT ${USAGE_ROWS_MAX}`;
/** For advice: which agents used which models. */
export const usageByAgentAndModel = (
  db: Db,
  span: Span,
): (UsageSum & { agent: string; model: string })[] =>
  db.prepare(BY_AGENT_AND_MODEL).all({ ...span, rolled: rolledTo(db) }).map((row) => ({
    agent: String(row.agent),
    model: String(row.model),
    ...sumFromRow(row),
  }));

/** How the runs of each agent ended that were made from one time to another (UTC text); those of the demo model and trials are left out. */
export const endedRuns = (
  db: Db,
  { from, before }: { from: string; before: string },
): { agent: string; ended: number; failed: number; failedMicroUsd: number }[] =>
  db.prepare(`
    SELECT agent, count(*) AS ended, sum(status = 'failed') AS failed,
      sum(CASE WHEN status = 'failed' THEN cost_micro_usd ELSE 0 END) AS failed_micro_usd
    FROM runs WHERE created_at >= :from AND created_at < :before AND demo = 0 AND trial = 0
      AND status IN ('succeeded', 'failed')
    GROUP BY agent ORDER BY agent LIMIT ${USAGE_ROWS_MAX}
  `).all({ from, before }).map((row) => ({
    agent: String(row.agent),
    ended: Number(row.ended),
    failed: Number(row.failed),
    failedMicroUsd: Number(row.failed_micro_usd),
  }));

// ------------------------------------------------------------------ rolling up

/** Days before this one are rolled up; empty: none is. */
export const rolledTo = (db: Db): string => readSetting(db, "usage_rolled_to") ?? "";

/** Sums up the requests of one day anew, whatever was there of it. */
export function rollUpDay(tx: Tx, day: string): void {
  tx.db.prepare("DELETE FROM usage_days WHERE day = :day").run({ day });
  tx.db.prepare(`
    INSERT INTO usage_days (day, project_id, agent, model, subject_id, requests,
      ${countColumns.join(", ")}, cost_micro_usd)
    SELECT t.day, r.project_id, r.agent, t.model, coalesce(r.ticket_id, r.idea_id, r.ask_id), count(*),
      ${countColumns.map((name) => `sum(t.${name})`).join(", ")}, sum(t.cost_micro_usd)
    FROM turn_usage t JOIN runs r ON r.id = t.run_id WHERE t.day = :day
    GROUP BY r.project_id, r.agent, t.model, coalesce(r.ticket_id, r.idea_id, r.ask_id)
  `).run({ day });
}

/** Months before this one (2026-11) have no days any more; empty: none is so old. */
export const monthsTo = (db: Db): string => readSetting(db, "usage_months_to") ?? "";

/** The earliest month before `before` of which there are days; null: there is none. */
export function earliestMonth(db: Db, before: string): string | null {
  const { month } = db.prepare("SELECT substr(min(day), 1, 7) AS month FROM usage_days").get()!;
  return month !== null && String(month) < before ? String(month) : null;
}

/** Sums up the days of a month, which go with it. */
export function rollUpMonth(tx: Tx, month: string): void {
  const days = { from: `${month}-01`, to: `${month}-31` };
  tx.db.prepare(`
    INSERT INTO usage_months (month, project_id, agent, model, subject_id, requests,
      ${countColumns.join(", ")}, cost_micro_usd)
    SELECT :month, project_id, agent, model, subject_id, sum(requests),
      ${countColumns.map((name) => `sum(${name})`).join(", ")}, sum(cost_micro_usd)
    FROM usage_days WHERE day BETWEEN :from AND :to
    GROUP BY project_id, agent, model, subject_id
  `).run({ month, ...days });
  tx.db.prepare("DELETE FROM usage_days WHERE day BETWEEN :from AND :to").run(days);
}

/** The days from `from` on and before `before` on which something was used, in order. */
export const usedDays = (
  db: Db,
  { from, before, limit }: { from: string; before: string; limit: number },
): string[] =>
  db.prepare(`
    SELECT DISTINCT day FROM turn_usage WHERE day >= :from AND day < :before ORDER BY day LIMIT :limit
  `).all({ from, before, limit }).map((row) => String(row.day));

/** Deletes requests of days before `before`, at most `limit`; says how many. */
export const pruneRequests = (tx: Tx, before: string, limit: number): number =>
  tx.db.prepare(`
    DELETE FROM turn_usage WHERE (run_id, number) IN (
      SELECT run_id, number FROM turn_usage WHERE day < :before ORDER BY day LIMIT :limit)
  `).run({ before, limit }).changes;

const sumFromRow = (row: Row): UsageSum => ({
  requests: Number(row.requests),
  usage: {
    inputTokens: Number(row.input_tokens),
    outputTokens: Number(row.output_tokens),
    cacheWrite5mTokens: Number(row.cache_write_5m_tokens),
    cacheWrite1hTokens: Number(row.cache_write_1h_tokens),
    cacheReadTokens: Number(row.cache_read_tokens),
    ...Number(row.web_searches) > 0 && { webSearches: Number(row.web_searches) },
  },
  costMicroUsd: Number(row.cost_micro_usd),
});
