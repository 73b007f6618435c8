/** Nobody needs to run again what was given up for an idea or a ticket with which it goes on, or that was called off. */
import { jobKeys } from "../../queue/job.ts";
import { settleDiscarded } from "../../queue/queue.ts";
import type { Tx } from "../db.ts";
import { listIdeaRuns, listTicketRuns } from "../store/runs.ts";

const TAKEN_UP = "Its work was taken up again";

/** Ends the jobs that were given up for an idea, its runs' included, as cancelled. */
export function settleIdeaJobs(tx: Tx, ideaId: string, reason = TAKEN_UP): void {
  const runs = listIdeaRuns(tx.db, ideaId).map(({ id }) => jobKeys.runAgent(id));
  settleDiscarded(tx, [jobKeys.advanceIdea(ideaId), ...runs], reason);
}

/** The same for a ticket. */
export function settleTicketJobs(tx: Tx, ticketId: string, reason = TAKEN_UP): void {
  const runs = listTicketRuns(tx.db, ticketId).map(({ id }) => jobKeys.runAgent(id));
  const keys = [jobKeys.advanceTicket(ticketId), jobKeys.mergeTicket(ticketId), ...runs];
  settleDiscarded(tx, keys, reason);
}
