import type { CommittedEvent, Db, Row } from "../db.ts";
import type { ChangeEvent } from "../records.ts";

/** History of one idea or ticket (not the logs of its runs), newest first. */
export function listHistory(
  db: Db,
  of: { ideaId: string } | { ticketId: string },
  limit: number,
): ChangeEvent[] {
  const rows = "ideaId" in of
    ? db.prepare(`
        SELECT * FROM events WHERE idea_id = :ideaId AND run_id IS NULL ORDER BY seq DESC LIMIT :limit
      `).all({ ideaId: of.ideaId, limit })
    : db.prepare(`
        SELECT * FROM events WHERE ticket_id = :ticketId AND run_id IS NULL ORDER BY seq DESC LIMIT :limit
      `).all({ ticketId: of.ticketId, limit });
  return rows.map(changeFromRow);
}

/** What happened last, everywhere or in one project, newest first. */
export function listRecentChanges(db: Db, projectId: string | null, limit: number): ChangeEvent[] {
  return db.prepare(`
    SELECT * FROM events WHERE run_id IS NULL AND (:projectId IS NULL OR project_id = :projectId)
    ORDER BY seq DESC LIMIT :limit
  `).all({ projectId, limit }).map(changeFromRow);
}

/** Changes of a document's status, newest first. */
export const listStatusChanges = (db: Db, documentId: string, limit: number): ChangeEvent[] =>
  db.prepare(`
    SELECT * FROM events
    WHERE type = 'document_status_changed' AND json_extract(data, '$.documentId') = :documentId
    ORDER BY seq DESC LIMIT :limit
  `).all({ documentId, limit }).map(changeFromRow);

/** Everything after a number, in order: history and run events alike. */
export function listEventsAfter(db: Db, seq: number, limit: number): CommittedEvent[] {
  return db.prepare("SELECT * FROM events WHERE seq > :seq ORDER BY seq LIMIT :limit")
    .all({ seq, limit }).map((row) => ({
      ...changeFromRow(row),
      runId: row.run_id as string | null,
      number: row.number === null ? null : Number(row.number),
    }));
}

/** The newest number, or 0. */
export const lastSeq = (db: Db): number =>
  Number(db.prepare("SELECT coalesce(max(seq), 0) AS n FROM events").get()!.n);

/** When the newest of all was recorded, in milliseconds since the epoch; 0: nothing was yet. */
export function lastEventMs(db: Db): number {
  const row = db.prepare("SELECT at FROM events ORDER BY seq DESC LIMIT 1").get();
  return row ? Date.parse(String(row.at)) : 0;
}

function changeFromRow(row: Row): ChangeEvent {
  return {
    seq: Number(row.seq),
    at: String(row.at),
    actor: String(row.actor),
    type: String(row.type),
    projectId: row.project_id as string | null,
    ideaId: row.idea_id as string | null,
    ticketId: row.ticket_id as string | null,
    data: JSON.parse(String(row.data)),
  };
}
