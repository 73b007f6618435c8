import { type Db, newId, type Row, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { CriterionVerdict, Ticket } from "../records.ts";
import {
  type FailureReason,
  sourcesOf,
  ticketMoves,
  type TicketStatus,
  type TicketStep,
  type TicketType,
} from "../states.ts";
import { takeNumber } from "./projects.ts";
import { IS_WITH_FORGE } from "./pull_requests.ts";

export type NewTicket =
  & Pick<Ticket, "projectId" | "type" | "title" | "description" | "acceptance" | "priority">
  & { ideaId: string | null };

export function insertTicket(tx: Tx, ticket: NewTicket): Ticket {
  const id = newId("ticket");
  tx.db.prepare(`
    INSERT INTO tickets (id, project_id, number, idea_id, type, title, description, acceptance, priority, place, created_at, updated_at, moved_at)
    VALUES (:id, :projectId, :number, :ideaId, :type, :title, :description, :acceptance, :priority, :place, :now, :now, :now)
  `).run({
    id,
    projectId: ticket.projectId,
    number: takeNumber(tx, ticket.projectId, "ticket"),
    ideaId: ticket.ideaId,
    type: ticket.type,
    title: ticket.title,
    description: ticket.description,
    acceptance: JSON.stringify(ticket.acceptance),
    priority: ticket.priority,
    place: placeByAge(tx.now),
    now: tx.now,
  });
  return getTicket(tx.db, id);
}

/** The place of a ticket that nobody put elsewhere: those made first come first. Leaves room between two. */
export const placeByAge = (createdAt: string): number => Date.parse(createdAt) * 1_024;

/** Columns of the pipeline that may be set, with a move or alone. */
export interface TicketChanges {
  title?: string;
  description?: string;
  priority?: number;
  type?: TicketType;
  acceptance?: string[];
  step?: TicketStep | null;
  round?: number;
  guidance?: string;
  reason?: string;
  failure?: FailureReason | null;
  branch?: string | null;
  baseCommit?: string | null;
  headCommit?: string | null;
  mergeCommit?: string | null;
  mergeMessage?: string;
  mergeWait?: string;
  pausedBy?: string | null;
  place?: number;
  placedBy?: string | null;
  approvedBy?: string;
  reviewSummary?: string;
  reviewVerdicts?: CriterionVerdict[];
}

/**
 * Moves one ticket along `ticketMoves`, with what changes along. Throws `conflict` if its status does not
 * lead to `to`. A ticket that is not blocked has no reason, and one that moves is not paused any more.
 */
export function moveTicket(
  tx: Tx,
  id: string,
  to: TicketStatus,
  changes: TicketChanges = {},
): Ticket {
  const before = getTicket(tx.db, id);
  const from = sourcesOf(ticketMoves, to);
  if (!from.includes(before.status)) {
    throw new AppError(
      "conflict",
      `Cannot move ticket #${before.number} to "${to}": it is "${before.status}"`,
    );
  }
  const ticket = writeTicket(tx, before, to, {
    reason: "",
    failure: null,
    mergeWait: "",
    pausedBy: null,
    ...changes,
  });
  tx.emit({
    type: "ticket_moved",
    projectId: ticket.projectId,
    ticketId: id,
    data: {
      from: before.status,
      to,
      step: ticket.step,
      ...(changes.reason ? { reason: changes.reason } : {}),
      ...(changes.guidance ? { words: changes.guidance } : {}),
    },
  });
  return ticket;
}

/** Changes columns of one ticket; its status stays. */
export function updateTicket(tx: Tx, id: string, changes: TicketChanges): Ticket {
  const before = getTicket(tx.db, id);
  const ticket = writeTicket(tx, before, before.status, changes);
  const data = before.step === ticket.step
    ? { changed: Object.keys(changes) }
    : { step: ticket.step };
  tx.emit({ type: "ticket_changed", projectId: ticket.projectId, ticketId: id, data });
  return ticket;
}

/**
 * Why an approved ticket's merge waits, or "" for the moment in which it is tried again: nothing that anybody is told,
 * however often that is.
 */
export function noteMergeWait(tx: Tx, id: string, mergeWait: string): void {
  tx.db.prepare("UPDATE tickets SET merge_wait = :mergeWait WHERE id = :id").run({ id, mergeWait });
}

function writeTicket(
  tx: Tx,
  before: Ticket,
  status: TicketStatus,
  changes: TicketChanges,
): Ticket {
  const next = { ...before, ...changes };
  const row = tx.db.prepare(`
    UPDATE tickets SET status = :status, title = :title, description = :description, priority = :priority,
      type = :type, acceptance = :acceptance, step = :step, round = :round, guidance = :guidance, reason = :reason, failure = :failure,
      branch = :branch, base_commit = :baseCommit, head_commit = :headCommit, merge_commit = :mergeCommit,
      merge_message = coalesce(:mergeMessage, merge_message), merge_wait = :mergeWait, paused_by = :pausedBy,
      place = :place, placed_by = :placedBy,
      approved_by = coalesce(:approvedBy, approved_by), review_summary = :reviewSummary,
      review_verdicts = coalesce(:reviewVerdicts, review_verdicts), updated_at = :now,
      moved_at = CASE WHEN :status = :from THEN moved_at ELSE :now END,
      started_at = CASE WHEN :status = 'in_progress' THEN coalesce(started_at, :now) ELSE started_at END,
      done_at = CASE WHEN :status IN ('done', 'cancelled') THEN :now ELSE NULL END
    WHERE id = :id AND status = :from RETURNING *
  `).get({
    id: before.id,
    from: before.status,
    status,
    title: next.title,
    description: next.description,
    priority: next.priority,
    type: next.type,
    acceptance: JSON.stringify(next.acceptance),
    step: next.step,
    round: next.round,
    guidance: next.guidance,
    reason: next.reason,
    failure: next.failure,
    branch: next.branch,
    baseCommit: next.baseCommit,
    headCommit: next.headCommit,
    // A ticket that is done has one, the database says; "": nothing had to be merged.
    mergeCommit: next.mergeCommit ?? (status === "done" ? "" : null),
    mergeMessage: changes.mergeMessage ?? null,
    mergeWait: next.mergeWait,
    pausedBy: next.pausedBy,
    place: next.place,
    placedBy: next.placedBy,
    approvedBy: changes.approvedBy ?? null,
    reviewSummary: next.reviewSummary,
    reviewVerdicts: changes.reviewVerdicts ? JSON.stringify(changes.reviewVerdicts) : null,
    now: tx.now,
  });
  return ticketFromRow(row!);
}

/** Adds what a turn of one of its runs cost. */
export function addTicketCost(tx: Tx, id: string, microUsd: number): void {
  tx.db.prepare("UPDATE tickets SET cost_micro_usd = cost_micro_usd + :microUsd WHERE id = :id")
    .run({ id, microUsd });
}

/** Throws `not_found`. */
export function getTicket(db: Db, id: string): Ticket {
  const row = db.prepare("SELECT * FROM tickets WHERE id = :id").get({ id });
  if (!row) throw new AppError("not_found", `No ticket with the id "${id}"`);
  return ticketFromRow(row);
}

export function findTicket(db: Db, id: string): Ticket | null {
  const row = db.prepare("SELECT * FROM tickets WHERE id = :id").get({ id });
  return row ? ticketFromRow(row) : null;
}

export function findTicketByNumber(db: Db, projectId: string, number: number): Ticket | null {
  const row = db.prepare(
    "SELECT * FROM tickets WHERE project_id = :projectId AND number = :number",
  ).get({ projectId, number });
  return row ? ticketFromRow(row) : null;
}

export interface TicketFilter {
  projectId?: string;
  statuses?: TicketStatus[];
  limit: number;
  /** Skip up to and including this ticket. */
  after?: { key: string; id: string };
}

/** One page of tickets, by priority then place (`Ticket.place`: age); the sort key of each is `ticketSortKey`. */
export function listTickets(db: Db, filter: TicketFilter): Ticket[] {
  const after = readSortKey(filter.after?.key);
  return db.prepare(`
    SELECT * FROM tickets
    WHERE (:projectId IS NULL OR project_id = :projectId)
      AND (:statuses IS NULL OR status IN (SELECT value FROM json_each(:statuses)))
      AND (:afterId IS NULL OR (priority, place, id) > (:afterPriority, :afterPlace, :afterId))
    ORDER BY priority, place, id LIMIT :limit
  `).all({
    projectId: filter.projectId ?? null,
    statuses: filter.statuses?.length ? JSON.stringify(filter.statuses) : null,
    afterPriority: after[0] ?? null,
    afterPlace: after[1] ?? null,
    afterId: filter.after?.id ?? null,
    limit: filter.limit,
  }).map(ticketFromRow);
}

/** The newest tickets of one state, for a column whose whole history would not fit. */
export function listNewestTickets(
  db: Db,
  filter: { projectId?: string; status: TicketStatus; since: string; limit: number },
): Ticket[] {
  return db.prepare(`
    SELECT * FROM tickets
    WHERE status = :status AND (:projectId IS NULL OR project_id = :projectId) AND updated_at >= :since
    ORDER BY updated_at DESC, id LIMIT :limit
  `).all({
    status: filter.status,
    projectId: filter.projectId ?? null,
    since: filter.since,
    limit: filter.limit,
  }).map(ticketFromRow);
}

/** Newest first, whatever became of them. */
export function listRecentTickets(db: Db, projectId: string | null, limit: number): Ticket[] {
  return db.prepare(`
    SELECT * FROM tickets WHERE (:projectId IS NULL OR project_id = :projectId)
    ORDER BY created_at DESC, id DESC LIMIT :limit
  `).all({ projectId, limit }).map(ticketFromRow);
}

/** Whether a merge of a project, or an undo of one, is still to be done that waits for no person. */
export const areMergesDue = (db: Db, projectId: string): boolean =>
  db.prepare(`
    SELECT 1 FROM tickets
    WHERE project_id = :projectId AND status = 'review' AND step = 'merge' AND merge_wait = ''
    UNION ALL
    SELECT 1 FROM ticket_undos u JOIN tickets t ON t.id = u.ticket_id
    WHERE t.project_id = :projectId AND u.status = 'pending' AND u.wait = '' LIMIT 1
  `).get({ projectId }) !== undefined;

/** Throws `invalid` for what `ticketSortKey` did not write, a cursor of an earlier version say. */
function readSortKey(key: string | undefined): number[] {
  const parts = key?.split(" ").map(Number) ?? [];
  if (key === undefined || parts.length === 2 && parts.every(Number.isSafeInteger)) return parts;
  const message = "Begin again without a cursor";
  throw new AppError("invalid", "Cannot read the cursor: it is not one of this list", [
    { field: "cursor", message },
  ]);
}

/** What a cursor remembers of the last ticket of a page. */
export const ticketSortKey = (ticket: Ticket): string => `${ticket.priority} ${ticket.place}`;

export function countTickets(db: Db, projectId: string | null): Record<TicketStatus, number> {
  const counts: Record<TicketStatus, number> = {
    queued: 0,
    in_progress: 0,
    review: 0,
    done: 0,
    blocked: 0,
    cancelled: 0,
  };
  const rows = db.prepare(`
    SELECT status, count(*) AS n FROM tickets
    WHERE :projectId IS NULL OR project_id = :projectId GROUP BY status
  `).all({ projectId });
  for (const row of rows) counts[row.status as TicketStatus] = Number(row.n);
  return counts;
}

/** Tickets that a person must decide or mend; in the merge queue, or on a forge, only those that wait for the person. */
export const countTicketsInNeed = (db: Db, projectId: string | null): number =>
  Number(
    db.prepare(`
      SELECT count(*) AS n FROM tickets
      WHERE status IN ('review', 'blocked') AND (:projectId IS NULL OR project_id = :projectId)
        AND NOT (status = 'review' AND step IS 'merge' AND merge_wait = '')
        AND NOT ${IS_WITH_FORGE}
    `).get({ projectId })!.n,
  );

/** The ticket that a person should review next, of the same project if there is one; null: none waits for that. */
export function findNextReview(db: Db, { id, projectId }: Ticket): Ticket | null {
  const row = db.prepare(`
    SELECT * FROM tickets WHERE status = 'review' AND step IS NOT 'merge' AND id <> :id AND NOT ${IS_WITH_FORGE}
    ORDER BY project_id = :projectId DESC, priority, updated_at, id LIMIT 1
  `).get({ id, projectId });
  return row ? ticketFromRow(row) : null;
}

/** What the merge needs beside the ticket itself. */
export function getMergeDetails(
  db: Db,
  id: string,
): { message: string; approvedBy: string; verdicts: CriterionVerdict[] } {
  const row = db.prepare(
    "SELECT merge_message, approved_by, review_verdicts FROM tickets WHERE id = :id",
  ).get({ id });
  if (!row) throw new AppError("not_found", `No ticket with the id "${id}"`);
  return {
    message: String(row.merge_message),
    approvedBy: String(row.approved_by),
    verdicts: JSON.parse(String(row.review_verdicts)),
  };
}

function ticketFromRow(row: Row): Ticket {
  return {
    id: String(row.id),
    projectId: String(row.project_id),
    number: Number(row.number),
    ideaId: row.idea_id as string | null,
    type: row.type as TicketType,
    title: String(row.title),
    description: String(row.description),
    acceptance: JSON.parse(String(row.acceptance)),
    status: row.status as TicketStatus,
    step: row.step as TicketStep | null,
    priority: Number(row.priority),
    round: Number(row.round),
    guidance: String(row.guidance),
    reason: String(row.reason),
    failure: row.failure as FailureReason | null,
    branch: row.branch as string | null,
    baseCommit: row.base_commit as string | null,
    headCommit: row.head_commit as string | null,
    mergeCommit: row.merge_commit === "" ? null : row.merge_commit as string | null,
    mergeWait: String(row.merge_wait),
    pausedBy: row.paused_by as string | null,
    placedBy: row.placed_by as string | null,
    place: Number(row.place),
    reviewSummary: String(row.review_summary),
    costMicroUsd: Number(row.cost_micro_usd),
    createdAt: String(row.created_at),
    updatedAt: String(row.updated_at),
    movedAt: String(row.moved_at),
    startedAt: row.started_at as string | null,
    doneAt: row.done_at as string | null,
  };
}
