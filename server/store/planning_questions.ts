import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { PlanningAsk, PlanningQuestion } from "../records.ts";
import { questionMoves, type QuestionStatus, sourcesOf } from "../states.ts";

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

/** Answers or skips one along `questionMoves`. Throws `conflict` when it has been decided before. */
export function decidePlanningQuestion(
  tx: Tx,
  id: string,
  to: "answered" | "skipped",
  answer: string,
): PlanningQuestion {
  const row = tx.db.prepare(`
    UPDATE planning_questions SET status = :to, answer = :answer, decided_at = :now
    WHERE id = :id AND status IN (SELECT value FROM json_each(:from)) RETURNING *
  `).get({ id, to, answer, now: tx.now, from: JSON.stringify(sourcesOf(questionMoves, to)) });
  if (row) return questionFromRow(row);
  const { number, status } = getPlanningQuestion(tx.db, id);
  throw new AppError("conflict", `Cannot answer question ${number}: it is already ${status}`);
}

/** Throws `not_found`. */
export function getPlanningQuestion(db: Db, id: string): PlanningQuestion {
  const row = db.prepare("SELECT * FROM planning_questions WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No question with the id "${id}"`);
  return questionFromRow(row);
}

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

function questionFromRow(row: Row): PlanningQuestion {
  return {
    id: String(row.id),
    askId: String(row.ask_id),
    number: Number(row.number),
    text: String(row.text),
    why: String(row.why),
    options: JSON.parse(String(row.options)),
    status: row.status as QuestionStatus,
    answer: String(row.answer),
    askedBy: String(row.asked_by),
    createdAt: String(row.created_at),
    decidedAt: row.decided_at as string | null,
  };
}
