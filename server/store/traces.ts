/** What is on record about a commit: which ticket, and which turn of which run. */
import type { Db } from "../db.ts";

/** What a commit is to a ticket. */
export const traceRelations = ["merge", "undo", "checkpoint", "branch", "message"] as const;
/**
 * `merge` it is the ticket on the base branch; `undo` it takes that back; `checkpoint` a run made it; `branch` it is
 * on the ticket's branch, and no run is known for it; `message` nothing is on record but its own trailer.
 */
export type TraceRelation = typeof traceRelations[number];

/** The ticket that a commit is the merge, or the undo, of, or that a suggestion was applied to by it. */
export function findMergedTicket(
  db: Db,
  projectId: string,
  commit: string,
): { ticketId: string; relation: "merge" | "undo" | "branch" } | null {
  const row = db.prepare(`
    SELECT id AS ticket_id, 'merge' AS relation FROM tickets
      WHERE merge_commit = :commit AND project_id = :projectId
    UNION ALL
    SELECT u.ticket_id, CASE WHEN u.commit_id = :commit THEN 'undo' ELSE 'merge' END
      FROM ticket_undos u JOIN tickets t ON t.id = u.ticket_id
      WHERE :commit IN (u.commit_id, u.merge_commit) AND t.project_id = :projectId
    UNION ALL
    SELECT r.ticket_id, 'branch' FROM
      (SELECT ticket_id FROM comments WHERE applied_commit = :commit
        UNION ALL SELECT ticket_id FROM review_findings WHERE applied_commit = :commit) r
      JOIN tickets t ON t.id = r.ticket_id WHERE t.project_id = :projectId
    LIMIT 1
  `).get({ commit, projectId });
  return row
    ? { ticketId: String(row.ticket_id), relation: row.relation as "merge" | "undo" | "branch" }
    : null;
}

/** The turn that made a commit, and its event. */
export interface TracedTurn {
  ticketId: string;
  runId: string;
  turn: number;
  number: number;
}

/** The turn that made a commit: the first one, since a fork has those of its original again. */
export function findCheckpoint(db: Db, projectId: string, commit: string): TracedTurn | null {
  const row = db.prepare(`
    SELECT ticket_id, run_id, number, json_extract(data, '$.turn') AS turn FROM events
    WHERE type = 'checkpoint' AND json_extract(data, '$.commit') = :commit
      AND project_id = :projectId AND ticket_id IS NOT NULL
    ORDER BY seq LIMIT 1
  `).get({ commit, projectId });
  return row
    ? {
      ticketId: String(row.ticket_id),
      runId: String(row.run_id),
      turn: Number(row.turn),
      number: Number(row.number),
    }
    : null;
}
