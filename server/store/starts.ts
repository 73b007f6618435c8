/** When tickets start: what a person said of one, and the rules of projects and of all. */
import type { Db, Row, Tx } from "../db.ts";
import type { StartRule, TicketStart } from "../records.ts";
import type { StartMode, TicketStarts } from "../states.ts";

const NOTHING_SAID: TicketStart = { starts: null, notBefore: null, splitFrom: null };

export function getTicketStart(db: Db, ticketId: string): TicketStart {
  const row = db.prepare("SELECT * FROM ticket_starts WHERE ticket_id = :ticketId")
    .get({ ticketId });
  return row
    ? {
      starts: row.starts as TicketStarts | null,
      notBefore: row.not_before as string | null,
      splitFrom: row.split_from as string | null,
    }
    : NOTHING_SAID;
}

/** Changes what is given; the rest stays as it is. */
export function putTicketStart(tx: Tx, ticketId: string, changes: Partial<TicketStart>): void {
  const next = { ...getTicketStart(tx.db, ticketId), ...changes };
  tx.db.prepare(`
    INSERT INTO ticket_starts (ticket_id, starts, not_before, split_from)
    VALUES (:ticketId, :starts, :notBefore, :splitFrom)
    ON CONFLICT (ticket_id) DO UPDATE SET starts = :starts, not_before = :notBefore, split_from = :splitFrom
  `).run({ ticketId, ...next });
}

/** The parts that were split off a ticket, by their ids, in order. */
export const listSplitOff = (db: Db, ticketId: string): string[] =>
  db.prepare(`
    SELECT s.ticket_id FROM ticket_starts s JOIN tickets t ON t.id = s.ticket_id
    WHERE s.split_from = :ticketId ORDER BY t.number
  `).all({ ticketId }).map((row) => String(row.ticket_id));

/** The scope of the rule for all projects together. */
export const ALL = "";

/** Everything starts by itself, at any time. */
export const FREE_RULE: StartRule = { starts: "auto", atOnce: 0, hours: null };

/** `scope`: a project's id, or `ALL`. */
export function getStartRule(db: Db, scope: string): StartRule {
  const row = db.prepare("SELECT * FROM start_rules WHERE scope = :scope").get({ scope });
  return row ? ruleFromRow(row) : FREE_RULE;
}

export function putStartRule(tx: Tx, scope: string, { starts, atOnce, hours }: StartRule): void {
  tx.db.prepare(`
    INSERT INTO start_rules (scope, starts, at_once, opens, open_minutes, time_zone, updated_by, updated_at)
    VALUES (:scope, :starts, :atOnce, :opens, :openMinutes, :timeZone, :actor, :now)
    ON CONFLICT (scope) DO UPDATE SET starts = :starts, at_once = :atOnce, opens = :opens,
      open_minutes = :openMinutes, time_zone = :timeZone, updated_by = :actor, updated_at = :now
  `).run({
    scope,
    starts,
    atOnce,
    opens: hours?.opens ?? "",
    openMinutes: hours?.openMinutes ?? 0,
    timeZone: hours?.timeZone ?? "UTC",
    actor: tx.actor,
    now: tx.now,
  });
}

/** Whether any rule says how many tickets are in progress at the same time. */
export const isAtOnceLimited = (db: Db): boolean =>
  db.prepare("SELECT 1 FROM start_rules WHERE at_once > 0 LIMIT 1").get() !== undefined;

/** `projectId` null: of all projects. */
export const countInProgress = (db: Db, projectId: string | null): number =>
  Number(
    db.prepare(`
      SELECT count(*) AS n FROM tickets
      WHERE status = 'in_progress' AND (:projectId IS NULL OR project_id = :projectId)
    `).get({ projectId })!.n,
  );

/** Queued tickets that are not paused and of which all that they need is done, by priority then place; ids. */
export const listReadyTickets = (db: Db, limit: number): string[] =>
  db.prepare(`
    SELECT id FROM tickets
    WHERE status = 'queued' AND paused_by IS NULL AND NOT EXISTS (
      SELECT 1 FROM ticket_needs n JOIN tickets needed ON needed.id = n.needs_id
      WHERE n.ticket_id = tickets.id AND needed.status <> 'done')
    ORDER BY priority, place, id LIMIT :limit
  `).all({ limit }).map((row) => String(row.id));

const ruleFromRow = (row: Row): StartRule => ({
  starts: row.starts as StartMode,
  atOnce: Number(row.at_once),
  hours: row.opens === "" ? null : {
    opens: String(row.opens),
    openMinutes: Number(row.open_minutes),
    timeZone: String(row.time_zone),
  },
});
