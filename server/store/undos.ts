/** Undos of merges: each time that a person asked for one, and what came of it. */
import { type Db, newId, type Row, type Tx } from "../db.ts";
import type { Undo } from "../records.ts";
import type { UndoStatus } from "../states.ts";

/** The database refuses a second pending one of a ticket. */
export function insertUndo(
  tx: Tx,
  undo: Pick<Undo, "ticketId" | "mergeCommit" | "why">,
): Undo {
  const row = tx.db.prepare(`
    INSERT INTO ticket_undos (id, ticket_id, merge_commit, why, asked_by, asked_at)
    VALUES (:id, :ticketId, :mergeCommit, :why, :actor, :now) RETURNING *
  `).get({ id: newId("undo"), ...undo, actor: tx.actor, now: tx.now });
  return undoFromRow(row!);
}

/** The newest one of a ticket. */
export function findUndo(db: Db, ticketId: string): Undo | null {
  const row = db.prepare(
    "SELECT * FROM ticket_undos WHERE ticket_id = :ticketId ORDER BY asked_at DESC, rowid DESC LIMIT 1",
  ).get({ ticketId });
  return row ? undoFromRow(row) : null;
}

/** Those of a ticket that took a merge back, newest first. */
export const listDoneUndos = (db: Db, ticketId: string): Undo[] =>
  db.prepare(`
    SELECT * FROM ticket_undos WHERE ticket_id = :ticketId AND status = 'done'
    ORDER BY asked_at DESC, rowid DESC
  `).all({ ticketId }).map(undoFromRow);

/** The commit that is to land, or what it waits for. Only of a pending one; false: it is over. */
export function updateUndo(
  tx: Tx,
  id: string,
  changes: { commit?: string | null; wait?: string },
): boolean {
  const { commit, wait } = changes;
  return tx.db.prepare(`
    UPDATE ticket_undos SET wait = coalesce(:wait, wait),
      commit_id = CASE WHEN :sets THEN :commit ELSE commit_id END
    WHERE id = :id AND status = 'pending'
  `).run({ id, wait: wait ?? null, sets: Number(commit !== undefined), commit: commit ?? null })
    .changes === 1;
}

/** Ends a pending one; false: it was over already. */
export function endUndo(
  tx: Tx,
  id: string,
  end: { status: "done"; commit: string } | { status: "refused"; reason: string },
): boolean {
  return tx.db.prepare(`
    UPDATE ticket_undos SET status = :status, commit_id = :commit, reason = :reason, wait = '',
      ended_at = :now
    WHERE id = :id AND status = 'pending'
  `).run({
    id,
    status: end.status,
    commit: end.status === "done" ? end.commit : null,
    reason: end.status === "refused" ? end.reason : "",
    now: tx.now,
  }).changes === 1;
}

function undoFromRow(row: Row): Undo {
  return {
    id: String(row.id),
    ticketId: String(row.ticket_id),
    mergeCommit: String(row.merge_commit),
    why: String(row.why),
    status: row.status as UndoStatus,
    commit: row.commit_id as string | null,
    wait: String(row.wait),
    reason: String(row.reason),
    askedBy: String(row.asked_by),
    askedAt: String(row.asked_at),
    endedAt: row.ended_at as string | null,
  };
}
