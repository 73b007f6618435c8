/** Conflicts that a ticket's developer was given to resolve: one for each state of the base branch. */
import type { Db, Row, Tx } from "../db.ts";

export interface ConflictRound {
  ticketId: string;
  /** The commit of the base branch. */
  baseTip: string;
  /** The ticket's work and that commit combined, conflicts marked. */
  commit: string;
  paths: string[];
  /** The developer has it; until then its branch may or may not. */
  given: boolean;
}

/** The database refuses a second one for the same state of the base. */
export function insertConflictRound(tx: Tx, round: Omit<ConflictRound, "given">): void {
  tx.db.prepare(`
    INSERT INTO conflict_rounds (ticket_id, base_tip, commit_id, paths, at)
    VALUES (:ticketId, :baseTip, :commit, :paths, :now)
  `).run({ ...round, paths: JSON.stringify(round.paths), now: tx.now });
}

export function markRoundGiven(tx: Tx, { ticketId, baseTip }: ConflictRound): void {
  tx.db.prepare(
    "UPDATE conflict_rounds SET given = 1 WHERE ticket_id = :ticketId AND base_tip = :baseTip",
  ).run({ ticketId, baseTip });
}

/** Oldest first. */
export const listConflictRounds = (db: Db, ticketId: string): ConflictRound[] =>
  db.prepare("SELECT * FROM conflict_rounds WHERE ticket_id = :ticketId ORDER BY at, base_tip")
    .all({ ticketId }).map(roundFromRow);

/** Lets there be another try at each state. */
export function deleteConflictRounds(tx: Tx, ticketId: string, baseTip?: string): void {
  tx.db.prepare(`
    DELETE FROM conflict_rounds
    WHERE ticket_id = :ticketId AND (:baseTip IS NULL OR base_tip = :baseTip)
  `).run({ ticketId, baseTip: baseTip ?? null });
}

const roundFromRow = (row: Row): ConflictRound => ({
  ticketId: String(row.ticket_id),
  baseTip: String(row.base_tip),
  commit: String(row.commit_id),
  paths: JSON.parse(String(row.paths)),
  given: row.given === 1,
});
