/**
 * What of planning waits for a person: questions of an agent, and changes that one suggests. What an agent asked whose run
 * came to nothing can still be answered, but nothing waits for that.
 */
import type { Db } from "../db.ts";

/** An ask that somebody must answer or decide on. */
export interface PlanningNeed {
  askId: string;
  kind: "questions" | "change";
  /** How many questions, or pieces. */
  count: number;
  since: string;
}

/** The oldest first. */
export const listPlanningNeeds = (
  db: Db,
  projectId: string | null,
  limit: number,
): PlanningNeed[] =>
  db.prepare(`
    SELECT q.ask_id, 'questions' AS kind, count(*) AS n, min(q.created_at) AS since
    FROM planning_questions q JOIN planning_asks a ON a.id = q.ask_id
    JOIN runs r ON r.ask_id = a.id AND r.status NOT IN ('failed', 'cancelled')
    WHERE q.status = 'pending' AND (:projectId IS NULL OR a.project_id = :projectId)
    GROUP BY q.ask_id
    UNION ALL
    SELECT s.ask_id, 'change', (SELECT count(*) FROM suggestion_hunks h
      WHERE h.suggestion_id = s.id AND h.status = 'pending'), s.created_at
    FROM document_suggestions s JOIN planning_asks a ON a.id = s.ask_id
    WHERE s.status = 'open' AND (:projectId IS NULL OR a.project_id = :projectId)
    ORDER BY since LIMIT :limit
  `).all({ projectId, limit }).map((row) => ({
    askId: String(row.ask_id),
    kind: row.kind as PlanningNeed["kind"],
    count: Number(row.n),
    since: String(row.since),
  }));

/** How many `listPlanningNeeds` would list, without its limit. */
export const countPlanningNeeds = (db: Db, projectId: string | null): number =>
  Number(
    db.prepare(`
      SELECT (SELECT count(DISTINCT q.ask_id) FROM planning_questions q
          JOIN planning_asks a ON a.id = q.ask_id
          JOIN runs r ON r.ask_id = a.id AND r.status NOT IN ('failed', 'cancelled')
          WHERE q.status = 'pending' AND (:projectId IS NULL OR a.project_id = :projectId))
        + (SELECT count(*) FROM document_suggestions s JOIN planning_asks a ON a.id = s.ask_id
          WHERE s.status = 'open' AND (:projectId IS NULL OR a.project_id = :projectId)) AS n
    `).get({ projectId })!.n,
  );
