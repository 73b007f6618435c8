/** The verbs of dependencies: a person says that a ticket needs another one to be done before it starts. */
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Ticket } from "../records.ts";
import { deleteNeed, insertNeed, listDependents, listNeeds, wayOfNeeds } from "../store/needs.ts";
import { findTicketByNumber, getTicket } from "../store/tickets.ts";
import { unblockForNeeds, wakeForRoom } from "./ticket_moves.ts";
import { enqueueAdvanceTicket } from "./ticket_jobs.ts";

/** Most tickets that one ticket may need. */
export const NEEDS_MAX = 50;

/**
 * Lets a queued ticket wait until another of its project is done; saying it twice says it once. Throws `not_found`,
 * `invalid` for one of another project, and `conflict` when the ticket has started, when the other was cancelled, and
 * when the two would wait for each other, with the circle.
 */
export const addNeed = (app: App, ticketId: string, needsId: string): Ticket =>
  transact(app, (tx) => addNeedIn(tx, ticketId, needsId));

/** The same for whoever is in a transaction. */
export function addNeedIn(tx: Tx, ticketId: string, needsId: string): Ticket {
  const ticket = getTicket(tx.db, ticketId);
  const needed = getTicket(tx.db, needsId);
  if (needed.projectId !== ticket.projectId) {
    throw refused(ticket, needed, "invalid", "it is of another project");
  }
  if (needed.id === ticket.id) throw refused(ticket, needed, "conflict", "that is itself");
  if (ticket.status !== "queued") {
    const why = `#${ticket.number} is "${ticket.status}", and only one that is queued can wait`;
    throw refused(ticket, needed, "conflict", why);
  }
  if (needed.status === "cancelled") {
    throw refused(
      ticket,
      needed,
      "conflict",
      `#${needed.number} is cancelled. Queue it again first`,
    );
  }
  const way = wayOfNeeds(tx.db, needed.id, ticket.id);
  if (way !== null) {
    throw refused(ticket, needed, "conflict", `they would wait for each other: ${circle(tx, way)}`);
  }
  if (listNeeds(tx.db, ticketId).length >= NEEDS_MAX) {
    throw refused(ticket, needed, "conflict", `it needs ${NEEDS_MAX} already, which is the most`);
  }
  if (insertNeed(tx, ticketId, needsId)) {
    tell(tx, "ticket_need_added", ticket, needed);
    // It may have been the one that was about to take the free place.
    wakeForRoom(tx);
  }
  return ticket;
}

/**
 * A ticket is divided: its part waits for what it waits for, whatever became of that, and what waits for it waits for
 * the part as well. Throws `conflict` where a ticket would need too many.
 */
export function divideNeeds(tx: Tx, ticket: Ticket, part: Ticket): void {
  const share = (one: Ticket, needed: Ticket) => {
    if (listNeeds(tx.db, one.id).length >= NEEDS_MAX) {
      const why = `it needs ${NEEDS_MAX} already, which is the most`;
      throw refused(one, needed, "conflict", why);
    }
    if (insertNeed(tx, one.id, needed.id)) tell(tx, "ticket_need_added", one, needed);
  };
  for (const needed of listNeeds(tx.db, ticket.id)) {
    if (needed.status !== "done") share(part, needed);
  }
  for (const dependent of listDependents(tx.db, ticket.id)) {
    const { status, failure } = dependent;
    const waits = status === "queued" || status === "blocked" && failure === "dependency_cancelled";
    if (waits && dependent.id !== part.id) share(dependent, part);
  }
}

/**
 * Lets a ticket wait for another one no more; what waited or was blocked for that alone goes on. Throws `not_found`
 * when it does not need that one.
 */
export function removeNeed(app: App, ticketId: string, needsId: string): Ticket {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, ticketId);
    const needed = getTicket(tx.db, needsId);
    if (!deleteNeed(tx, ticketId, needsId)) {
      throw new AppError(
        "not_found",
        `Cannot let ticket #${ticket.number} need #${needed.number} no more: it does not need it`,
      );
    }
    tell(tx, "ticket_need_removed", ticket, needed);
    if (ticket.status === "queued") enqueueAdvanceTicket(tx, ticket);
    return unblockForNeeds(tx, ticket);
  });
}

/** The ticket of a project that a person names by its number, as "#5" or "5". Throws `invalid`. */
export function ticketNumbered(app: App, projectId: string, text: string): Ticket {
  const number = /^#?(\d{1,9})$/.exec(text.trim())?.[1];
  const found = number === undefined ? null : findTicketByNumber(app.db, projectId, Number(number));
  if (found) return found;
  const message = number === undefined
    ? `"${text}" is no number of a ticket: write it as #5`
    : `This project has no ticket #${number}`;
  throw new AppError("invalid", `Cannot find the ticket: ${message}`, [{
    field: "needs",
    message,
  }]);
}

/** "#7 needs #5, #5 needs #7". */
function circle(tx: Tx, way: string[]): string {
  const numbers = way.map((id) => `#${getTicket(tx.db, id).number}`);
  return [numbers.at(-1)!, ...numbers].slice(0, -1)
    .map((number, i) => `${number} needs ${numbers[i]}`).join(", ");
}

function refused(
  ticket: Ticket,
  needed: Ticket,
  code: "invalid" | "conflict",
  why: string,
): AppError {
  const message = `Cannot let ticket #${ticket.number} need #${needed.number}: ${why}`;
  return new AppError(code, message, [{ field: "needs", message }]);
}

const tell = (tx: Tx, type: string, ticket: Ticket, needed: Ticket) =>
  tx.emit({
    type,
    projectId: ticket.projectId,
    ticketId: ticket.id,
    data: { number: needed.number, needsId: needed.id },
  });
