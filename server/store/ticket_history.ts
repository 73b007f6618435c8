/** How long tickets took and what they cost: what is known of those that are done. */
import type { Db } from "../db.ts";
import type { TicketType } from "../states.ts";

/** A ticket that was merged. */
export interface FinishedTicket {
  /** From its start to when it first was ready for a person's review, in milliseconds. */
  ms: number;
  costMicroUsd: number;
}

/**
 * By its history, since not every project has its tickets read by an agent, and one that did may have sent them back:
 * the newest merged tickets of a project, of one type or of any, that the demo model made or a real one did. Null
 * `type`: of any.
 */
export const listFinishedTickets = (
  db: Db,
  of: { projectId: string; type: TicketType | null; demo: boolean },
  limit: number,
): FinishedTicket[] =>
  db.prepare(`
    SELECT t.cost_micro_usd, t.started_at, e.at AS reviewed_at
    FROM tickets t JOIN events e ON e.seq = (
      SELECT min(seq) FROM events
      WHERE ticket_id = t.id AND run_id IS NULL AND type = 'ticket_moved'
        AND json_extract(data, '$.to') = 'review')
    WHERE t.status = 'done' AND t.project_id = :projectId AND (:type IS NULL OR t.type = :type)
      AND EXISTS (SELECT 1 FROM runs r WHERE r.ticket_id = t.id AND r.demo = :demo)
    ORDER BY t.done_at DESC LIMIT :limit
  `).all({ projectId: of.projectId, type: of.type, demo: Number(of.demo), limit }).map((row) => ({
    ms: Math.max(0, Date.parse(String(row.reviewed_at)) - Date.parse(String(row.started_at))),
    costMicroUsd: Number(row.cost_micro_usd),
  }));
