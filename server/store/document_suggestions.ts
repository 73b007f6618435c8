import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { DocumentSuggestion, SuggestionHunk, TextHunk } from "../records.ts";
import { hunkMoves, type HunkStatus, sourcesOf, type SuggestionStatus } from "../states.ts";

export function insertSuggestion(
  tx: Tx,
  suggestion: Pick<DocumentSuggestion, "askId" | "runId" | "reason">,
  hunks: readonly TextHunk[],
): DocumentSuggestion {
  const row = tx.db.prepare(`
    INSERT INTO document_suggestions (id, ask_id, run_id, reason, created_at)
    VALUES (:id, :askId, :runId, :reason, :now) RETURNING *
  `).get({ ...suggestion, id: newId("suggestion"), now: tx.now })!;
  for (const [index, { start, removed, added, reason }] of hunks.entries()) {
    tx.db.prepare(`
      INSERT INTO suggestion_hunks (suggestion_id, number, start, removed, added, reason)
      VALUES (:id, :number, :start, :removed, :added, :reason)
    `).run({
      id: row.id!,
      number: index + 1,
      start,
      removed: JSON.stringify(removed),
      added: JSON.stringify(added),
      reason,
    });
  }
  return suggestionFromRow(row);
}

/** Decides one along `hunkMoves`. False: it is decided already. */
export const decideHunk = (
  tx: Tx,
  suggestionId: string,
  number: number,
  to: "accepted" | "rejected",
): boolean =>
  tx.db.prepare(`
    UPDATE suggestion_hunks SET status = :to, decided_by = :actor, decided_at = :now
    WHERE suggestion_id = :suggestionId AND number = :number
      AND status IN (SELECT value FROM json_each(:from))
  `).run({
    ...{ suggestionId, number, to },
    actor: tx.actor,
    now: tx.now,
    from: JSON.stringify(sourcesOf(hunkMoves, to)),
  }).changes > 0;

/** What became of all its pieces. */
export const settleSuggestion = (tx: Tx, id: string): DocumentSuggestion =>
  suggestionFromRow(
    tx.db.prepare(`
      WITH counts AS (
        SELECT count(*) AS n, sum(status = 'pending') AS pending, sum(status = 'accepted') AS accepted
        FROM suggestion_hunks WHERE suggestion_id = :id)
      UPDATE document_suggestions SET
        status = (SELECT CASE WHEN pending > 0 THEN 'open' WHEN accepted = n THEN 'accepted'
          WHEN accepted = 0 THEN 'rejected' ELSE 'partly' END FROM counts),
        decided_at = (SELECT CASE WHEN pending > 0 THEN NULL ELSE :now END FROM counts)
      WHERE id = :id RETURNING *
    `).get({ id, now: tx.now })!,
  );

/** Throws `not_found`. */
export function getSuggestion(db: Db, id: string): DocumentSuggestion {
  const row = db.prepare("SELECT * FROM document_suggestions WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No suggested change with the id "${id}"`);
  return suggestionFromRow(row);
}

/** Null: nothing was suggested, or not yet. */
export function findAskSuggestion(db: Db, askId: string): DocumentSuggestion | null {
  const row = db.prepare("SELECT * FROM document_suggestions WHERE ask_id = :askId").get({ askId });
  return row ? suggestionFromRow(row) : null;
}

/** In the order of the text. */
export const listHunks = (db: Db, suggestionId: string): SuggestionHunk[] =>
  db.prepare("SELECT * FROM suggestion_hunks WHERE suggestion_id = :suggestionId ORDER BY number")
    .all({ suggestionId }).map((row) => ({
      number: Number(row.number),
      start: Number(row.start),
      removed: JSON.parse(String(row.removed)),
      added: JSON.parse(String(row.added)),
      reason: String(row.reason),
      status: row.status as HunkStatus,
      decidedBy: row.decided_by as string | null,
      decidedAt: row.decided_at as string | null,
    }));

const suggestionFromRow = (row: Row): DocumentSuggestion => ({
  id: String(row.id),
  askId: String(row.ask_id),
  runId: String(row.run_id),
  reason: String(row.reason),
  status: row.status as SuggestionStatus,
  createdAt: String(row.created_at),
  decidedAt: row.decided_at as string | null,
});
