import { type Db, newId, type Row, type Tx } from "../db.ts";
import type { PlanningAsk, PlanningQuestion } from "../records.ts";
import { askedFromRow, decideAsked, getAsked } from "./asked_questions.ts";

type NewPlanningQuestion = Pick<
  PlanningQuestion,
  "askId" | "text" | "why" | "options" | "askedBy"
>;

export const insertPlanningQuestion = (tx: Tx, question: NewPlanningQuestion): PlanningQuestion =>
  questionFromRow(
    tx.db.prepare(`
      INSERT INTO planning_questions (id, ask_id, number, text, why, options, asked_by, created_at)
      VALUES (:id, :askId, (SELECT coalesce(max(number), 0) + 1 FROM planning_questions WHERE ask_id = :askId),
        :text, :why, :options, :askedBy, :now) RETURNING *
    `).get({
      ...question,
      id: newId("docquestion"),
      options: JSON.stringify(question.options),
      now: tx.now,
    })!,
  );

/** Answers or skips one along `questionMoves`. Throws `not_found`, and `conflict` when it has been decided before. */
export const decidePlanningQuestion = (
  tx: Tx,
  id: string,
  to: "answered" | "skipped",
  answer: string,
): PlanningQuestion => questionFromRow(decideAsked(tx, "planning_questions", { id, to, answer }));

/** Throws `not_found`. */
export const getPlanningQuestion = (db: Db, id: string): PlanningQuestion =>
  questionFromRow(getAsked(db, "planning_questions", id));

export const listAskQuestions = (db: Db, askId: string): PlanningQuestion[] =>
  db.prepare("SELECT * FROM planning_questions WHERE ask_id = :askId ORDER BY number")
    .all({ askId }).map(questionFromRow);

/** Those about a document that are decided, oldest first. */
export const listDecidedQuestions = (
  db: Db,
  { projectId, path }: Pick<PlanningAsk, "projectId" | "path">,
  limit: number,
): PlanningQuestion[] =>
  db.prepare(`
    SELECT q.* FROM planning_questions q JOIN planning_asks a ON a.id = q.ask_id
    WHERE a.project_id = :projectId AND a.path = :path AND q.status <> 'pending'
    ORDER BY q.decided_at DESC, q.number DESC LIMIT :limit
  `).all({ projectId, path, limit }).map(questionFromRow).reverse();

const questionFromRow = (row: Row): PlanningQuestion => ({
  ...askedFromRow(row),
  askId: String(row.ask_id),
});
