import { type Db, newId, type Row, type Tx } from "../db.ts";
import type { MemoryChange } from "../records.ts";

/** Newest changes of one memory that are kept. */
export const MEMORY_CHANGES_KEPT = 200;

export interface NewMemoryChange {
  /** Id of the memory. */
  memory: string;
  path: string;
  diff: string;
  /** The run's call that did it; null: a person. */
  run: { id: string; callId: string } | null;
}

/** False: the same call has it on record already. */
export function insertMemoryChange(tx: Tx, { memory, path, diff, run }: NewMemoryChange): boolean {
  const { changes } = tx.db.prepare(`
    INSERT INTO memory_changes (id, memory, path, diff, run_id, call_id, by, at)
    VALUES (:id, :memory, :path, :diff, :runId, :callId, :actor, :now)
    ON CONFLICT (run_id, call_id, path) DO NOTHING
  `).run({
    id: newId("memory"),
    memory,
    path,
    diff,
    runId: run?.id ?? null,
    callId: run?.callId ?? null,
    actor: tx.actor,
    now: tx.now,
  });
  tx.db.prepare(`
    DELETE FROM memory_changes WHERE memory = :memory AND rowid <= (
      SELECT rowid FROM memory_changes WHERE memory = :memory
      ORDER BY rowid DESC LIMIT 1 OFFSET :kept
    )
  `).run({ memory, kept: MEMORY_CHANGES_KEPT });
  return Number(changes) > 0;
}

/** Of a call that was cut off and whose change never came about. */
export function removeMemoryChanges(tx: Tx, run: { id: string; callId: string }): void {
  tx.db.prepare("DELETE FROM memory_changes WHERE run_id = :id AND call_id = :callId").run(run);
}

/** Newest first. */
export const listMemoryChanges = (db: Db, memory: string, limit: number): MemoryChange[] =>
  db.prepare("SELECT * FROM memory_changes WHERE memory = :memory ORDER BY rowid DESC LIMIT :limit")
    .all({ memory, limit }).map(changeFromRow);

/** What a run changed, oldest first. */
export const listRunMemoryChanges = (db: Db, runId: string): MemoryChange[] =>
  db.prepare("SELECT * FROM memory_changes WHERE run_id = :runId ORDER BY rowid")
    .all({ runId }).map(changeFromRow);

/** Ids of the memories that were changed, the newest change first. */
export const listChangedMemories = (db: Db, limit: number): { memory: string; at: string }[] =>
  db.prepare(`
    SELECT memory, max(at) AS at FROM memory_changes GROUP BY memory
    ORDER BY max(rowid) DESC LIMIT :limit
  `).all({ limit }).map((row) => ({ memory: String(row.memory), at: String(row.at) }));

function changeFromRow(row: Row): MemoryChange {
  return {
    id: String(row.id),
    memory: String(row.memory),
    path: String(row.path),
    diff: String(row.diff),
    runId: row.run_id as string | null,
    callId: row.call_id as string | null,
    by: String(row.by),
    at: String(row.at),
  };
}
