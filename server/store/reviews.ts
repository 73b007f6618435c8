import { type Db, newId, type Row, type Tx } from "../db.ts";
import type { Applicable, Comment, ReviewFinding } from "../records.ts";
import { AppError } from "../errors.ts";

/** A finding is about the ticket's commit at the time. */
export type NewFinding = Omit<ReviewFinding, "id" | "ticketId" | keyof Applicable>;

/** Replaces the ticket's findings by those of its newest review. */
export function replaceFindings(
  tx: Tx,
  ticketId: string,
  findings: NewFinding[],
): void {
  tx.db.prepare("DELETE FROM review_findings WHERE ticket_id = :ticketId").run({ ticketId });
  for (const { runId, severity, path, line, message, suggestion } of findings) {
    tx.db.prepare(`
      INSERT INTO review_findings
        (id, ticket_id, run_id, severity, path, line, message, suggestion, commit_id)
      VALUES (:id, :ticketId, :runId, :severity, :path, :line, :message, :suggestion,
        (SELECT head_commit FROM tickets WHERE id = :ticketId))
    `).run({
      id: newId("finding"),
      ticketId,
      runId,
      severity,
      path,
      line,
      message,
      suggestion,
    });
  }
}

export const countFindings = (db: Db, ticketId: string): number =>
  Number(
    db.prepare("SELECT count(*) AS n FROM review_findings WHERE ticket_id = :ticketId")
      .get({ ticketId })!.n,
  );

/** Gravest first. */
export function listFindings(db: Db, ticketId: string): ReviewFinding[] {
  return db.prepare(`
    SELECT * FROM review_findings WHERE ticket_id = :ticketId
    ORDER BY CASE severity WHEN 'blocking' THEN 0 WHEN 'major' THEN 1 WHEN 'minor' THEN 2 ELSE 3 END, rowid
  `).all({ ticketId }).map((row) => ({
    id: String(row.id),
    ticketId: String(row.ticket_id),
    runId: String(row.run_id),
    severity: row.severity as ReviewFinding["severity"],
    path: row.path as string | null,
    line: row.line as number | null,
    message: String(row.message),
    suggestion: String(row.suggestion),
    ...applicableFromRow(row),
  }));
}

export interface NewComment extends Pick<Comment, "ticketId" | "path" | "line" | "side" | "body"> {
  /** The commit that its line is of; none: the ticket's newest. */
  commit?: string | null;
}

export function insertComment(tx: Tx, comment: NewComment): Comment {
  const row = tx.db.prepare(`
    INSERT INTO comments (id, ticket_id, path, line, side, body, author, created_at, commit_id)
    VALUES (:id, :ticketId, :path, :line, :side, :body, :actor, :now,
      coalesce(:commit, (SELECT head_commit FROM tickets WHERE id = :ticketId))) RETURNING *
  `).get({
    id: newId("comment"),
    ticketId: comment.ticketId,
    path: comment.path,
    line: comment.line,
    side: comment.side,
    body: comment.body,
    commit: comment.commit ?? null,
    actor: tx.actor,
    now: tx.now,
  });
  return commentFromRow(row!);
}

/** Says a draft otherwise. Throws `not_found` when the ticket has none such, `conflict` when it has been sent. */
export function updateDraft(tx: Tx, ticketId: string, id: string, body: string): Comment {
  const row = tx.db.prepare(`
    UPDATE comments SET body = :body WHERE id = :id AND ticket_id = :ticketId AND sent = 0
    RETURNING *
  `).get({ id, ticketId, body });
  return row ? commentFromRow(row) : noDraft(tx, ticketId, id, "change");
}

/** Takes a draft back. Throws as `updateDraft`. */
export function deleteDraft(tx: Tx, ticketId: string, id: string): Comment {
  const row = tx.db.prepare(
    "DELETE FROM comments WHERE id = :id AND ticket_id = :ticketId AND sent = 0 RETURNING *",
  ).get({ id, ticketId });
  return row ? commentFromRow(row) : noDraft(tx, ticketId, id, "remove");
}

function noDraft(tx: Tx, ticketId: string, id: string, verb: string): never {
  if (listComments(tx.db, ticketId).some((comment) => comment.id === id)) {
    throw new AppError("conflict", `Cannot ${verb} comment "${id}": it was sent to the developer`);
  }
  throw new AppError("not_found", `Cannot ${verb} comment "${id}": the ticket has no such comment`);
}

/** Marks the drafts as sent and returns them. */
export function sendComments(tx: Tx, ticketId: string): Comment[] {
  const drafts = listComments(tx.db, ticketId).filter((comment) => !comment.sent);
  tx.db.prepare("UPDATE comments SET sent = 1 WHERE ticket_id = :ticketId AND sent = 0")
    .run({ ticketId });
  return drafts.map((comment) => ({ ...comment, sent: true }));
}

export function listComments(db: Db, ticketId: string): Comment[] {
  return db.prepare("SELECT * FROM comments WHERE ticket_id = :ticketId ORDER BY created_at, rowid")
    .all({ ticketId }).map(commentFromRow);
}

function commentFromRow(row: Row): Comment {
  return {
    id: String(row.id),
    ticketId: String(row.ticket_id),
    path: row.path as string | null,
    line: row.line as number | null,
    side: row.side as Comment["side"],
    body: String(row.body),
    sent: row.sent === 1,
    author: String(row.author),
    createdAt: String(row.created_at),
    ...applicableFromRow(row),
  };
}

const applicableFromRow = (row: Row): Applicable => ({
  commit: row.commit_id as string | null,
  appliedCommit: row.applied_commit as string | null,
});
