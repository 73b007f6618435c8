/** The jobs of a ticket: the one that takes its next step, and what ends them. */
import { jobKeys } from "../../queue/job.ts";
import { cancelJobs, enqueue } from "../../queue/queue.ts";
import type { Tx } from "../db.ts";
import type { Ticket } from "../records.ts";

/**
 * Asks the queue to look what the ticket needs next: at once, or at a time in milliseconds since the epoch. Asking
 * twice costs nothing; the sooner of two times counts.
 */
export function enqueueAdvanceTicket(tx: Tx, ticket: Ticket, runAtMs = tx.nowMs): void {
  enqueue(tx, {
    kind: "advance_ticket",
    args: { ticketId: ticket.id },
    priority: ticket.priority,
    runAtMs,
    uniqueKey: jobKeys.advanceTicket(ticket.id),
    onClash: "sooner",
    concurrencyKey: jobKeys.advanceTicket(ticket.id),
    projectId: ticket.projectId,
  });
}

/** Ends the ticket's own jobs, its merge included; one at work is told to stop. Runs have theirs. */
export function cancelTicketJobs(tx: Tx, id: string, reason?: string): void {
  for (const key of [jobKeys.advanceTicket(id), jobKeys.mergeTicket(id)]) {
    cancelJobs(tx, { uniqueKey: key }, reason);
  }
}
