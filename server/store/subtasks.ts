import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { ProposedSubtask, Subtask } from "../records.ts";
import { type Complexity, sourcesOf, subtaskMoves, type SubtaskStatus } from "../states.ts";

/** Puts them behind those that the ticket has. Returns their ids. */
export function insertSubtasks(tx: Tx, ticketId: string, subtasks: ProposedSubtask[]): string[] {
  return subtasks.map(({ title, description, complexity }) => {
    const id = newId("subtask");
    tx.db.prepare(`
      INSERT INTO subtasks (id, ticket_id, position, title, description, complexity)
      VALUES (:id, :ticketId,
        (SELECT coalesce(max(position), 0) + 1 FROM subtasks WHERE ticket_id = :ticketId),
        :title, :description, :complexity)
    `).run({ id, ticketId, title, description, complexity });
    return id;
  });
}

/** Changes its words; its state stays. */
export function rewordSubtask(
  tx: Tx,
  id: string,
  { title, description, complexity }: ProposedSubtask,
): void {
  tx.db.prepare(`
    UPDATE subtasks SET title = :title, description = :description, complexity = :complexity
    WHERE id = :id
  `).run({ id, title, description, complexity });
}

/** Only of one that no run names. */
export function deleteSubtask(tx: Tx, id: string): void {
  tx.db.prepare("DELETE FROM subtasks WHERE id = :id").run({ id });
}

/** Numbers all subtasks of one ticket anew, in this order. */
export function placeSubtasks(tx: Tx, ids: readonly string[]): void {
  // Out of the way first: no two of a ticket have the same place at any moment.
  for (const sign of [-1, 1]) {
    for (const [index, id] of ids.entries()) {
      tx.db.prepare("UPDATE subtasks SET position = :position WHERE id = :id")
        .run({ id, position: sign * (index + 1) });
    }
  }
}

/** Gives them, in order, to a ticket that has none. */
export function moveSubtasksTo(tx: Tx, ids: readonly string[], ticketId: string): void {
  for (const [index, id] of ids.entries()) {
    tx.db.prepare("UPDATE subtasks SET ticket_id = :ticketId, position = :position WHERE id = :id")
      .run({ id, ticketId, position: index + 1 });
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
