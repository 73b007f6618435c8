import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Limit, LimitState } from "../records.ts";
import type { LimitPeriod, LimitScope, LimitUnit } from "../states.ts";

/** Limits that there can be; each is looked at before each request. */
export const LIMITS_MAX = 200;

/** What one limit is, without its amount: there is one of each. */
export type LimitKey = Pick<Limit, "scope" | "scopeId" | "period" | "unit">;

/** Sets a limit anew, or changes its amount. Throws `conflict` when there are too many. */
export function putLimit(tx: Tx, limit: LimitKey & { amount: number }): Limit {
  const row = tx.db.prepare(`
    INSERT INTO limits (id, scope, scope_id, period, unit, amount, updated_by, updated_at)
    VALUES (:id, :scope, :scopeId, :period, :unit, :amount, :actor, :now)
    ON CONFLICT (scope, scope_id, period, unit)
    DO UPDATE SET amount = :amount, updated_by = :actor, updated_at = :now
    RETURNING *
  `).get({ id: newId("limit"), actor: tx.actor, now: tx.now, ...limit })!;
  const { n } = tx.db.prepare("SELECT count(*) AS n FROM limits").get()!;
  if (Number(n) > LIMITS_MAX) {
    throw new AppError("conflict", `Cannot set another limit: there are ${LIMITS_MAX} already`);
  }
  return limitFromRow(row);
}

/** Takes a limit away; null: there was none. */
export function deleteLimit(tx: Tx, key: LimitKey): Limit | null {
  const row = tx.db.prepare(`
    DELETE FROM limits WHERE scope = :scope AND scope_id = :scopeId AND period = :period AND unit = :unit
    RETURNING *
  `).get({ ...key });
  return row ? limitFromRow(row) : null;
}

export function findLimit(db: Db, key: LimitKey): Limit | null {
  const row = db.prepare(`
    SELECT * FROM limits
    WHERE scope = :scope AND scope_id = :scopeId AND period = :period AND unit = :unit
  `).get({ ...key });
  return row ? limitFromRow(row) : null;
}

/** Whose limits a request is counted against, and on which day (2026-11-27). */
export interface WindowOf {
  projectId: string;
  agent: string;
  day: string;
}

/** All limits, or those that hold for one run's requests, with what is used of each in the window of a day. */
export function listLimits(db: Db, day: string, of?: Omit<WindowOf, "day">): LimitState[] {
  return db.prepare(`
    SELECT l.*, w.start, w.spent_micro_usd, w.spent_tokens, w.doubt_micro_usd, w.doubt_tokens,
      w.reserved_micro_usd, w.reserved_tokens
    FROM limits l LEFT JOIN usage_windows w ON w.scope = l.scope AND w.scope_id = l.scope_id
      AND w.period = l.period AND w.start = CASE l.period WHEN 'day' THEN :day ELSE substr(:day, 1, 7) END
    WHERE :agent IS NULL OR l.scope = 'all' OR (l.scope = 'project' AND l.scope_id = :projectId)
      OR (l.scope = 'agent' AND l.scope_id = :agent)
    ORDER BY l.scope, l.scope_id, l.period, l.unit DESC LIMIT ${LIMITS_MAX}
  `).all({ day, agent: of?.agent ?? null, projectId: of?.projectId ?? null }).map((row) =>
    stateFromRow(row, day)
  );
}

function stateFromRow(row: Row, day: string): LimitState {
  const limit = limitFromRow(row);
  const of = (what: "spent" | "doubt" | "reserved") => Number(row[`${what}_${limit.unit}`] ?? 0);
  return {
    ...limit,
    start: limit.period === "day" ? day : day.slice(0, 7),
    spent: of("spent"),
    doubt: of("doubt"),
    reserved: of("reserved"),
  };
}

export const limitFromRow = (row: Row): Limit => ({
  id: String(row.id),
  scope: row.scope as LimitScope,
  scopeId: String(row.scope_id),
  period: row.period as LimitPeriod,
  unit: row.unit as LimitUnit,
  amount: Number(row.amount),
  updatedBy: String(row.updated_by),
  updatedAt: String(row.updated_at),
});
