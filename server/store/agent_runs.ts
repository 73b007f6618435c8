/** Runs as those of an agent: its results, its trials, those that wait for it. */
import type { Db, Tx } from "../db.ts";
import type { Run } from "../records.ts";
import { runFromRow } from "./runs.ts";

/** Runs of an agent that wait with exactly this reason, the oldest first. */
export function listRunsWaitingFor(db: Db, agent: string, waitReason: string): Run[] {
  return db.prepare(`
    SELECT * FROM runs
    WHERE agent = :agent AND status = 'waiting' AND paused_by IS NULL AND wait_reason = :waitReason
    ORDER BY created_at
  `).all({ agent, waitReason }).map(runFromRow);
}

/** Of one agent that are not over. */
export const countActiveTrials = (db: Db, agentId: string): number =>
  Number(
    db.prepare(`
      SELECT count(*) AS n FROM runs
      WHERE agent_id = :agentId AND trial = 1 AND status IN ('queued', 'running', 'waiting')
    `).get({ agentId })!.n,
  );

/**
 * Runs of one agent, newest first; those made before there were versions count for the global one. `ended`: only
 * what is over.
 */
export function listAgentRuns(
  db: Db,
  { id, name }: { id: string; name: string },
  filter: { trial: boolean; ended?: boolean; limit: number; after?: { key: string; id: string } },
): Run[] {
  const whose = filter.trial
    ? "agent_id = :id AND agent = :name AND trial = 1"
    : "agent = :name AND coalesce(agent_id, agent) = :id AND trial = 0";
  return db.prepare(`
    SELECT * FROM runs
    WHERE ${whose}
      AND (:ended = 0 OR status IN ('succeeded', 'failed', 'cancelled'))
      AND (:afterKey IS NULL OR (created_at, id) < (:afterKey, :afterId))
    ORDER BY created_at DESC, id DESC LIMIT :limit
  `).all({
    id,
    name,
    ended: Number(filter.ended ?? false),
    afterKey: filter.after?.key ?? null,
    afterId: filter.after?.id ?? null,
    limit: filter.limit,
  }).map(runFromRow);
}

/** Gives a run that has not begun another definition than the one it was made with. */
export function setDefinition(
  tx: Tx,
  id: string,
  { definition, model, maxTurns, maxCostMicroUsd }: Pick<
    Run,
    "definition" | "model" | "maxTurns" | "maxCostMicroUsd"
  >,
): void {
  tx.db.prepare(`
    UPDATE runs SET agent_id = :agentId, agent_version = :version, model = :model,
      max_turns = :maxTurns, max_cost_micro_usd = :maxCostMicroUsd
    WHERE id = :id
  `).run({
    id,
    agentId: definition?.agentId ?? null,
    version: definition?.version ?? null,
    model,
    maxTurns,
    maxCostMicroUsd,
  });
}
