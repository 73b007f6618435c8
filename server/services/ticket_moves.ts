/** What a move of one ticket means for others: those that need it, those that wait for its place. */
import type { Tx } from "../db.ts";
import type { Ticket } from "../records.ts";
import type { TicketStatus } from "../states.ts";
import { listDependents, listNeeds } from "../store/needs.ts";
import {
  getTicketStart,
  isAtOnceLimited,
  listReadyTickets,
  putTicketStart,
} from "../store/starts.ts";
import { getTicket, moveTicket as moveAlone, type TicketChanges } from "../store/tickets.ts";
import { markSetUpOver } from "../store/worktrees.ts";
import { named, startWaitOf, startWaitsAt } from "./start_waits.ts";
import { enqueueAdvanceTicket } from "./ticket_jobs.ts";

/**
 * Moves one ticket along `ticketMoves`, and in the same transaction wakes or blocks those that this is the end of
 * waiting for. Throws `conflict` if its status does not lead to `to`.
 */
export function moveTicket(
  tx: Tx,
  id: string,
  to: TicketStatus,
  changes: TicketChanges = {},
): Ticket {
  const from = getTicket(tx.db, id).status;
  // A person's word was for the work as it was then.
  const over = to === "in_progress" ? { approvedBy: "" } : {};
  const ticket = moveAlone(tx, id, to, { ...over, ...changes });
  if (to === "in_progress" && getTicketStart(tx.db, id).starts === "now") {
    putTicketStart(tx, id, { starts: null });
  }
  if (from === "in_progress") markSetUpOver(tx, id);
  if (to === "done") wakeDependents(tx, id);
  if (to === "cancelled") {
    for (const dependent of listDependents(tx.db, id)) {
      if (dependent.status === "queued") blockForNeeds(tx, dependent, [ticket]);
    }
  }
  if (from === "cancelled") {
    for (const dependent of listDependents(tx.db, id)) unblockForNeeds(tx, dependent);
  }
  if (to !== "in_progress" && (from === "in_progress" || from === "queued")) wakeForRoom(tx);
  return ticket;
}

/** Starts a queued ticket if it may. Else it stays, and what it waits for asks for it again when that is over. */
export function startIfMay(tx: Tx, ticket: Ticket): Ticket {
  const wait = startWaitOf(tx.db, tx.nowMs, ticket);
  if (wait === null) {
    return moveTicket(tx, ticket.id, "in_progress", { step: ticket.step ?? "prepare" });
  }
  if (wait.why === "need_cancelled") return blockForNeeds(tx, ticket, wait.tickets);
  if ("at" in wait && wait.at !== null) enqueueAdvanceTicket(tx, ticket, Date.parse(wait.at));
  return ticket;
}

/** What waits for the ticket is looked at again. */
export function wakeDependents(tx: Tx, id: string): void {
  for (const dependent of listDependents(tx.db, id)) {
    if (dependent.status === "queued") enqueueAdvanceTicket(tx, dependent);
  }
}

function blockForNeeds(tx: Tx, ticket: Ticket, cancelled: readonly Ticket[]): Ticket {
  return moveTicket(tx, ticket.id, "blocked", {
    failure: "dependency_cancelled",
    reason: `It needs ${named(cancelled)}, which will not be done`,
  });
}

/** Queues a ticket again that was blocked for what it needed, once none of that is cancelled any more. */
export function unblockForNeeds(tx: Tx, ticket: Ticket): Ticket {
  if (ticket.failure !== "dependency_cancelled" || ticket.status !== "blocked") return ticket;
  if (listNeeds(tx.db, ticket.id).some(({ status }) => status === "cancelled")) return ticket;
  const queued = moveTicket(tx, ticket.id, "queued");
  enqueueAdvanceTicket(tx, queued);
  return queued;
}

/** Tickets that one call asks for; each that starts makes room for none, and each that ends asks again. */
const WOKEN_MAX = 1_000;

/** There may be room for those that wait because as many were in progress as may be. */
export function wakeForRoom(tx: Tx): void {
  if (isAtOnceLimited(tx.db)) wakeReady(tx);
}

/** Asks for all queued tickets that may start now, by priority then age, as far as there is room for them. */
export function wakeReady(tx: Tx): void {
  const coming = new Map<string, number>();
  let all = 0;
  const waitOf = startWaitsAt(tx.db, tx.nowMs);
  for (const id of listReadyTickets(tx.db, WOKEN_MAX)) {
    const ticket = getTicket(tx.db, id);
    const project = coming.get(ticket.projectId) ?? 0;
    const wait = waitOf(ticket, { all, project });
    if (wait?.why === "at_once" && wait.of === "all") return;
    if (wait !== null) {
      if ("at" in wait && wait.at !== null) enqueueAdvanceTicket(tx, ticket, Date.parse(wait.at));
      continue;
    }
    enqueueAdvanceTicket(tx, ticket);
    all++;
    coming.set(ticket.projectId, project + 1);
  }
}
