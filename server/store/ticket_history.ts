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
 * The newest merged tickets of a project, of one type or of any, that the demo model made or a real one did. Null
 * `type`: of any.
 */
export const listFinishedTickets = (
  db: Db,
  of: { projectId: string; type: TicketType | null; demo: boolean },
  limit: number,
): FinishedTicket[] =>
  db.prepare(`
    SELECT t.cost_micro_usd, t.started_at, min(r.finished_at) AS reviewed_at
    FROM tickets t JOIN runs r ON r.ticket_id = t.id
    WHERE t.status = 'done' AND t.project_id = :projectId AND (:type IS NULL OR t.type = :type)
      AND r.purpose = 'review' AND r.status = 'succeeded' AND r.demo = :demo
    GROUP BY t.id ORDER BY t.done_at DESC LIMIT :limit
  `).all({ projectId: of.projectId, type: of.type, demo: Number(of.demo), limit }).map((row) => ({
    ms: Math.max(0, Date.parse(String(row.reviewed_at)) - Date.parse(String(row.started_at))),
    costMicroUsd: Number(row.cost_micro_usd),
  }));
