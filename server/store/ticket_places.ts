/** Where queued tickets stand: which comes before another, and room between two. */
import type { Db, Tx } from "../db.ts";
import type { Ticket } from "../records.ts";
import { getTicket, placeByAge } from "./tickets.ts";

/** Which of the queued tickets count. */
export interface QueueScope {
  /** Null: those of all projects. */
  projectId: string | null;
  /** The one that is put somewhere: it is nobody's neighbour. */
  except: string;
}

const OF_SCOPE = `
  status = 'queued' AND (:projectId IS NULL OR project_id = :projectId) AND id <> :except`;

/** The queued ticket right before another one, or right after it; null: there is none. */
export function findNeighbour(
  db: Db,
  { priority, place, id }: Ticket,
  side: "before" | "after",
  { projectId, except }: QueueScope,
): Ticket | null {
  const row = db.prepare(
    side === "before"
      ? `SELECT id FROM tickets WHERE ${OF_SCOPE} AND (priority, place, id) < (:priority, :place, :id)
         ORDER BY priority DESC, place DESC, id DESC LIMIT 1`
      : `SELECT id FROM tickets WHERE ${OF_SCOPE} AND (priority, place, id) > (:priority, :place, :id)
         ORDER BY priority, place, id LIMIT 1`,
  ).get({ projectId, except, priority, place, id });
  return row ? getTicket(db, String(row.id)) : null;
}

/** The queued ticket that comes first, or last; null: there is none. */
export function findEnd(
  db: Db,
  end: "first" | "last",
  { projectId, except }: QueueScope,
): Ticket | null {
  const way = end === "first" ? "ASC" : "DESC";
  const row = db.prepare(`
    SELECT id FROM tickets WHERE ${OF_SCOPE}
    ORDER BY priority ${way}, place ${way}, id ${way} LIMIT 1
  `).get({ projectId, except });
  return row ? getTicket(db, String(row.id)) : null;
}

/** Ids of the queued tickets of a priority, in order. */
export const listQueuedOf = (db: Db, priority: number, limit: number): string[] =>
  db.prepare(`
    SELECT id FROM tickets WHERE status = 'queued' AND priority = :priority
    ORDER BY place, id LIMIT :limit
  `).all({ priority, limit }).map((row) => String(row.id));

/** As much as lies between two tickets that were made a millisecond apart. */
const STEP = placeByAge("1970-01-01T00:00:00.001Z");

/**
 * A place between two tickets of a priority that follow each other; null: nothing is on that side, and one of them is
 * there. Where no number is left between them, all that come before move further to the front; their order stays.
 */
export function placeBetween(
  tx: Tx,
  { lower, upper, except }: { lower: Ticket | null; upper: Ticket | null; except: string },
): number {
  if (upper === null) return lower!.place + STEP;
  if (lower === null) return upper.place - STEP;
  const middle = Math.floor((lower.place + upper.place) / 2);
  if (lower.place < middle && middle < upper.place) return middle;
  tx.db.prepare(`
    UPDATE tickets SET place = place - ${2 * STEP}
    WHERE status = 'queued' AND priority = :priority AND id <> :except AND (place, id) <= (:place, :id)
  `).run({ priority: lower.priority, place: lower.place, id: lower.id, except });
  return upper.place - STEP;
}
