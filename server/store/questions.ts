import { type Db, newId, type Row, type Tx } from "../db.ts";
import type { Question } from "../records.ts";
import { askedFromRow, decideAsked, getAsked } from "./asked_questions.ts";

export type NewQuestion =
  & Pick<Question, "ideaId" | "round" | "text" | "why" | "options" | "askedBy">
  & { runId: string };

export function insertQuestion(tx: Tx, question: NewQuestion): Question {
  const id = newId("question");
  tx.db.prepare(`
    INSERT INTO questions (id, idea_id, number, round, text, why, options, asked_by, run_id, created_at)
    VALUES (:id, :ideaId, (SELECT coalesce(max(number), 0) + 1 FROM questions WHERE idea_id = :ideaId),
      :round, :text, :why, :options, :askedBy, :runId, :now)
  `).run({
    id,
    ideaId: question.ideaId,
    round: question.round,
    text: question.text,
    why: question.why,
    options: JSON.stringify(question.options),
    askedBy: question.askedBy,
    runId: question.runId,
    now: tx.now,
  });
  return getQuestion(tx.db, id);
}

/** Answers or skips one along `questionMoves`. Throws `not_found`, and `conflict` when it has been decided before. */
export const decideQuestion = (
  tx: Tx,
  id: string,
  to: "answered" | "skipped",
  answer: string,
): Question => questionFromRow(decideAsked(tx, "questions", { id, to, answer }));

/** Throws `not_found`. */
export const getQuestion = (db: Db, id: string): Question =>
  questionFromRow(getAsked(db, "questions", id));

export function listQuestions(db: Db, ideaId: string): Question[] {
  return db.prepare("SELECT * FROM questions WHERE idea_id = :ideaId ORDER BY number")
    .all({ ideaId }).map(questionFromRow);
}

export const countPendingQuestions = (db: Db, ideaId: string): number =>
  Number(
    db.prepare("SELECT count(*) AS n FROM questions WHERE idea_id = :ideaId AND status = 'pending'")
      .get({ ideaId })!.n,
  );

/** How many `listPendingQuestions` would list, without its limit. */
export const countOpenQuestions = (db: Db, projectId: string | null): number =>
  Number(
    db.prepare(`
      SELECT count(*) AS n FROM questions q JOIN ideas i ON i.id = q.idea_id
      WHERE q.status = 'pending' AND i.status IN ('refining', 'questions')
        AND (:projectId IS NULL OR i.project_id = :projectId)
    `).get({ projectId })!.n,
  );

/** Pending questions of ideas that are still open, oldest first. */
export function listPendingQuestions(
  db: Db,
  projectId: string | null,
  limit: number,
): Question[] {
  return db.prepare(`
    SELECT q.* FROM questions q JOIN ideas i ON i.id = q.idea_id
    WHERE q.status = 'pending' AND i.status IN ('refining', 'questions')
      AND (:projectId IS NULL OR i.project_id = :projectId)
    ORDER BY q.created_at, q.number LIMIT :limit
  `).all({ projectId, limit }).map(questionFromRow);
}

const questionFromRow = (row: Row): Question => ({
  ...askedFromRow(row),
  ideaId: String(row.idea_id),
  round: Number(row.round),
});
