import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { ProposedSubtask, Subtask } from "../records.ts";
import { type Complexity, sourcesOf, subtaskMoves, type SubtaskStatus } from "../states.ts";

export function insertSubtasks(tx: Tx, ticketId: string, subtasks: ProposedSubtask[]): void {
  for (const [index, { title, description, complexity }] of subtasks.entries()) {
    tx.db.prepare(`
      INSERT INTO subtasks (id, ticket_id, position, title, description, complexity)
      VALUES (:id, :ticketId, :position, :title, :description, :complexity)
    `).run({ id: newId("subtask"), ticketId, position: index + 1, title, description, complexity });
  }
}

/** Moves one subtask along `subtaskMoves`. Throws `conflict` if its status does not lead to `to`. */
export function moveSubtask(tx: Tx, id: string, to: SubtaskStatus, summary?: string): Subtask {
  const from = sourcesOf(subtaskMoves, to);
  const row = tx.db.prepare(`
    UPDATE subtasks SET status = :to, summary = coalesce(:summary, summary),
      started_at = CASE WHEN :to = 'in_progress' THEN coalesce(started_at, :now) ELSE started_at END,
      done_at = CASE WHEN :to = 'done' THEN :now ELSE NULL END
    WHERE id = :id AND status IN (SELECT value FROM json_each(:from)) RETURNING *
  `).get({ id, to, summary: summary ?? null, now: tx.now, from: JSON.stringify(from) });
  if (!row) {
    const { position, status } = getSubtask(tx.db, id);
    throw new AppError("conflict", `Cannot move subtask ${position} to "${to}": it is "${status}"`);
  }
  return subtaskFromRow(row);
}

/** Throws `not_found`. */
export function getSubtask(db: Db, id: string): Subtask {
  const row = db.prepare("SELECT * FROM subtasks WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No subtask with the id "${id}"`);
  return subtaskFromRow(row);
}

export function listSubtasks(db: Db, ticketId: string): Subtask[] {
  return db.prepare("SELECT * FROM subtasks WHERE ticket_id = :ticketId ORDER BY position")
    .all({ ticketId }).map(subtaskFromRow);
}

function subtaskFromRow(row: Row): Subtask {
  return {
    id: String(row.id),
    ticketId: String(row.ticket_id),
    position: Number(row.position),
    title: String(row.title),
    description: String(row.description),
    complexity: row.complexity as Complexity,
    status: row.status as SubtaskStatus,
    summary: String(row.summary),
    startedAt: row.started_at as string | null,
    doneAt: row.done_at as string | null,
  };
}
