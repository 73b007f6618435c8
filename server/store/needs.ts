/** Which tickets a ticket needs to be done before it starts. */
import type { Db, Tx } from "../db.ts";
import type { Ticket } from "../records.ts";
import { getTicket } from "./tickets.ts";

/** False: it needs that one already. */
export const insertNeed = (tx: Tx, ticketId: string, needsId: string): boolean =>
  tx.db.prepare(`
    INSERT INTO ticket_needs (ticket_id, needs_id, added_by, added_at)
    VALUES (:ticketId, :needsId, :actor, :now) ON CONFLICT DO NOTHING
  `).run({ ticketId, needsId, actor: tx.actor, now: tx.now }).changes > 0;

/** False: it did not need that one. */
export const deleteNeed = (tx: Tx, ticketId: string, needsId: string): boolean =>
  tx.db.prepare("DELETE FROM ticket_needs WHERE ticket_id = :ticketId AND needs_id = :needsId")
    .run({ ticketId, needsId }).changes > 0;

/** What a ticket needs, whatever became of it, in the order of their numbers. */
export const listNeeds = (db: Db, ticketId: string): Ticket[] =>
  db.prepare(`
    SELECT n.needs_id AS id FROM ticket_needs n JOIN tickets t ON t.id = n.needs_id
    WHERE n.ticket_id = :ticketId ORDER BY t.number, t.id
  `).all({ ticketId }).map((row) => getTicket(db, String(row.id)));

/** What needs a ticket, whatever became of it, in the order of their numbers. */
export const listDependents = (db: Db, needsId: string): Ticket[] =>
  db.prepare(`
    SELECT n.ticket_id AS id FROM ticket_needs n JOIN tickets t ON t.id = n.ticket_id
    WHERE n.needs_id = :needsId ORDER BY t.number, t.id
  `).all({ needsId }).map((row) => getTicket(db, String(row.id)));

/**
 * The way from one ticket along what it needs to another, both included, as ids; null: none leads there. Reads each
 * ticket on the way once.
 */
export function wayOfNeeds(db: Db, fromId: string, toId: string): string[] | null {
  const cameFrom = new Map<string, string | null>([[fromId, null]]);
  const next = [fromId];
  for (let id = next.shift(); id !== undefined; id = next.shift()) {
    if (id === toId) return wayTo(cameFrom, id);
    const rows = db.prepare("SELECT needs_id FROM ticket_needs WHERE ticket_id = :id").all({ id });
    for (const { needs_id } of rows) {
      const needed = String(needs_id);
      if (cameFrom.has(needed)) continue;
      cameFrom.set(needed, id);
      next.push(needed);
    }
  }
  return null;
}

function wayTo(cameFrom: Map<string, string | null>, id: string): string[] {
  const way: string[] = [];
  for (let at: string | null = id; at !== null; at = cameFrom.get(at)!) way.unshift(at);
  return way;
}
