/** What the two tables of questions have in common: those of ideas, and those of planning agents. */
import type { Db, Row, Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { AskedQuestion } from "../records.ts";
import { questionMoves, type QuestionStatus, sourcesOf } from "../states.ts";

type QuestionTable = "questions" | "planning_questions";

/** Answers or skips one along `questionMoves`. Throws `not_found`, and `conflict` when it has been decided before. */
export function decideAsked(
  tx: Tx,
  table: QuestionTable,
  { id, to, answer }: { id: string; to: "answered" | "skipped"; answer: string },
): Row {
  const row = tx.db.prepare(`
    UPDATE ${table} SET status = :to, answer = :answer, decided_at = :now
    WHERE id = :id AND status IN (SELECT value FROM json_each(:from)) RETURNING *
  `).get({ id, to, answer, now: tx.now, from: JSON.stringify(sourcesOf(questionMoves, to)) });
  if (row) return row;
  const { number, status } = askedFromRow(getAsked(tx.db, table, id));
  throw new AppError("conflict", `Cannot answer question ${number}: it is already ${status}`);
}

/** Throws `not_found`. */
export function getAsked(db: Db, table: QuestionTable, id: string): Row {
  const row = db.prepare(`SELECT * FROM ${table} WHERE id = :id`).get({ id });
  if (!row) throw new AppError("not_found", `No question with the id "${id}"`);
  return row;
}

export const askedFromRow = (row: Row): AskedQuestion => ({
  id: String(row.id),
  number: Number(row.number),
  text: String(row.text),
  why: String(row.why),
  options: JSON.parse(String(row.options)),
  status: row.status as QuestionStatus,
  answer: String(row.answer),
  askedBy: String(row.asked_by),
  createdAt: String(row.created_at),
  decidedAt: row.decided_at as string | null,
});
