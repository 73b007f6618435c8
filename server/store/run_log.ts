/** A run's log: what happened in it, numbered from 1; the events of the run among all others. */
import type { Db, Row, Tx } from "../db.ts";
import type { RunEvent } from "../records.ts";
import type { NoteEvent, RunEventBody, RunLimits } from "../../agents/protocol.ts";
import type { RunFacts } from "./runs.ts";

/** Appends the run's next event. */
export function appendRunEvent(tx: Tx, run: RunFacts, body: RunEventBody): RunEvent {
  const { seq, number } = tx.emit({
    type: body.type,
    projectId: run.projectId,
    ideaId: run.ideaId,
    ticketId: run.ticketId,
    runId: run.id,
    data: body,
  });
  return { seq, runId: run.id, number: number!, at: tx.now, body };
}

/** The whole log, in order: what a restart folds. */
export function readRunLog(db: Db, runId: string): RunEvent[] {
  return db.prepare(
    "SELECT seq, run_id, number, at, data FROM events WHERE run_id = :runId ORDER BY number",
  )
    .all({ runId }).map(runEventFromRow);
}

/** The first event of a run that is of none of these types; null: all are. */
export function findEventBeyond(
  db: Db,
  runId: string,
  types: readonly string[],
): { number: number; type: string } | null {
  const row = db.prepare(`
    SELECT number, type FROM events
    WHERE run_id = :runId AND type NOT IN (SELECT value FROM json_each(:types))
    ORDER BY number LIMIT 1
  `).get({ runId, types: JSON.stringify(types) });
  return row ? { number: Number(row.number), type: String(row.type) } : null;
}

/** The event that holds all that the run works with; null before the run has begun. */
export function findStart(
  db: Db,
  runId: string,
): Extract<RunEventBody, { type: "started" }> | null {
  const row = db.prepare(`
    SELECT data FROM events WHERE run_id = :runId AND type = 'started' ORDER BY number LIMIT 1
  `).get({ runId });
  return row ? JSON.parse(String(row.data)) : null;
}

/** What people wrote to a run after everything else in its log: its loop may not have heard of it. */
export const listLastNotes = (db: Db, runId: string): NoteEvent[] =>
  db.prepare(`
    SELECT data FROM events
    WHERE run_id = :runId AND type = 'note' AND json_extract(data, '$.by') IS NOT NULL
      AND +number > (SELECT coalesce(max(number), 0) FROM events WHERE run_id = :runId
        AND NOT (type = 'note' AND json_extract(data, '$.by') IS NOT NULL))
    ORDER BY number
  `).all({ runId }).map((row) => JSON.parse(String(row.data)));

/** The limits of a fork, counted from the first event of its log; null for a run that is none. */
export function forkLimits(db: Db, runId: string): RunLimits | null {
  const row = db.prepare(`
    SELECT data FROM events WHERE run_id = :runId AND type = 'forked' ORDER BY number DESC LIMIT 1
  `).get({ runId });
  return row ? JSON.parse(String(row.data)).limits : null;
}

/** How many messages people have written to a run. */
export const countPersonNotes = (db: Db, runId: string): number =>
  Number(
    db.prepare(`
      SELECT count(*) AS n FROM events
      WHERE run_id = :runId AND type = 'note' AND json_extract(data, '$.by') IS NOT NULL
    `).get({ runId })!.n,
  );

/** Whether people wrote to a run after its last request to the model began. */
export const hasUnreadNote = (db: Db, runId: string): boolean =>
  db.prepare(`
    SELECT 1 FROM events
    WHERE run_id = :runId AND type = 'note' AND json_extract(data, '$.by') IS NOT NULL
      AND number > (SELECT coalesce(max(number), 0) FROM events
        WHERE run_id = :runId AND type = 'turn_started')
    LIMIT 1
  `).get({ runId }) !== undefined;

/** Whether the run has sent a request of its own; what a fork was given of another run does not count. */
export const hasAsked = (db: Db, runId: string): boolean =>
  db.prepare(`
    SELECT 1 FROM events WHERE run_id = :runId AND type = 'turn_started'
      AND json_extract(data, '$.turn') >
        (SELECT coalesce(forked_at_turn, 0) FROM runs WHERE id = :runId) LIMIT 1
  `).get({ runId }) !== undefined;

/**
 * The request that a run is about to send again, or would be if it went on: it failed, and no other followed
 * before the event of that number. Null: there is none.
 */
export function findFailedTurn(
  db: Db,
  runId: string,
  before: number = Number.MAX_SAFE_INTEGER,
): { at: string; body: Extract<RunEventBody, { type: "turn_failed" }> } | null {
  const row = db.prepare(`
    SELECT type, at, data FROM events
    WHERE run_id = :runId AND number < :before
      AND type IN ('turn_started', 'turn_finished', 'turn_failed', 'compacted')
    ORDER BY number DESC LIMIT 1
  `).get({ runId, before });
  return row?.type === "turn_failed"
    ? { at: String(row.at), body: JSON.parse(String(row.data)) }
    : null;
}

/** The newest events of a run, oldest first. */
export function listNewestRunEvents(db: Db, runId: string, limit: number): RunEvent[] {
  return db.prepare(`
    SELECT seq, run_id, number, at, data FROM events
    WHERE run_id = :runId ORDER BY number DESC LIMIT :limit
  `).all({ runId, limit }).map(runEventFromRow).reverse();
}

/** Events of a run after a number, in order. */
export function listRunEvents(
  db: Db,
  runId: string,
  { limit, after = 0 }: { limit: number; after?: number },
): RunEvent[] {
  return db.prepare(`
    SELECT seq, run_id, number, at, data FROM events
    WHERE run_id = :runId AND number > :after ORDER BY number LIMIT :limit
  `).all({ runId, after, limit }).map(runEventFromRow);
}

function runEventFromRow(row: Row): RunEvent {
  return {
    seq: Number(row.seq),
    runId: String(row.run_id),
    number: Number(row.number),
    at: String(row.at),
    body: JSON.parse(String(row.data)),
  };
}
