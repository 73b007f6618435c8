/** Tickets whose reviewer's findings are with the developer; once until a person has the word. */
import { type Db, type Tx } from "../db.ts";

export const areReturned = (db: Db, ticketId: string): boolean =>
  db.prepare("SELECT 1 FROM returned_findings WHERE ticket_id = :ticketId").get({ ticketId }) !==
    undefined;

/** Throws where they are with the developer already. */
export function insertReturned(tx: Tx, ticketId: string, runId: string): void {
  tx.db.prepare(
    "INSERT INTO returned_findings (ticket_id, run_id, at) VALUES (:ticketId, :runId, :now)",
  ).run({ ticketId, runId, now: tx.now });
}

export function deleteReturned(tx: Tx, ticketId: string): void {
  tx.db.prepare("DELETE FROM returned_findings WHERE ticket_id = :ticketId").run({ ticketId });
}
