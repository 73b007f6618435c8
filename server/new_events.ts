/** Appends to `events`: the history of things, and the logs of runs, whose events are numbered from 1 in each. */
import type { CommittedEvent, Db, NewEvent, Tx } from "./db.ts";

/**
 * The newest number in the log of each run that gets on, as the connection sees it inside of its transaction. Only
 * this file appends to logs, so nobody else moves it on; what is undone is forgotten with all the others
 * (`forgetNumbers`). Should one ever be wrong, the unique index on run and number refuses the event.
 */
const newestNumbers = new WeakMap<Db, Map<string, number>>();

/** Runs whose number is kept: far more than are at work at once. */
const RUNS_MAX = 1_000;

/** To be called after each rollback, of a part too: the numbers are read anew. */
export function forgetNumbers(db: Db): void {
  newestNumbers.get(db)?.clear();
}

/** Appends an event in the open transaction. */
export function insertEvent(
  { db, now, actor }: Pick<Tx, "db" | "now" | "actor">,
  event: NewEvent,
): CommittedEvent {
  const { type, projectId = null, ideaId = null, ticketId = null, runId = null, data = {} } = event;
  const number = runId === null ? null : nextNumber(db, runId);
  const row = { at: now, actor, type, projectId, ideaId, ticketId, runId, number };
  const { id } = db.prepare(`
    INSERT INTO events (at, actor, type, project_id, idea_id, ticket_id, run_id, number, data)
    VALUES (:at, :actor, :type, :projectId, :ideaId, :ticketId, :runId, :number, :data)
  `).run({ ...row, data: JSON.stringify(data) });
  return { seq: id, ...row, data };
}

function nextNumber(db: Db, runId: string): number {
  let numbers = newestNumbers.get(db);
  if (!numbers) newestNumbers.set(db, numbers = new Map());
  const number = 1 + (numbers.get(runId) ?? newestNumber(db, runId));
  if (numbers.size >= RUNS_MAX) numbers.clear();
  numbers.set(runId, number);
  return number;
}

const newestNumber = (db: Db, runId: string): number =>
  Number(
    db.prepare("SELECT coalesce(max(number), 0) AS n FROM events WHERE run_id = :runId")
      .get({ runId })!.n,
  );
