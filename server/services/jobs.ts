/** What a person does with jobs of the queue, and what becomes of the work of one that ends without it. */
import type { QueueName } from "../../queue/job.ts";
import { pauseQueue, resumeQueue } from "../../queue/pauses.ts";
import { cancelJobs, getJob, listJobs, requeue } from "../../queue/queue.ts";
import { DISCARDED_KEPT } from "../../queue/upkeep.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Job } from "../records.ts";
import type { FailureReason } from "../states.ts";
import { getRun } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { cancelActiveRun } from "./cancelling.ts";
import { takeUp, whyNotAgain } from "./dead_letters.ts";
import { abandonStep } from "./development.ts";
import { abandonUndo } from "./undoing.ts";
import { tidyMergeDirAfter } from "./merge_folder.ts";
import { abandonMerge } from "./merging.ts";
import { abandonFollowing } from "./pull_requests.ts";
import { failRun } from "./outcomes.ts";
import { abandonRefinement } from "./refinement.ts";
import { isActive } from "./runs.ts";

/**
 * Runs a job at once that waits for its time, or takes up again the work of one that was given up, and gives the job
 * that does it now. Throws `not_found`, and `conflict` when it is in another state or its work has moved on.
 */
export function retryJob(app: App, id: string): Job {
  return transact(app, (tx) => {
    const job = getJob(tx.db, id);
    return job.status === "discarded" ? takeUp(app, tx, job) : requeue(tx, id);
  });
}

/** Jobs whose work one call takes up again; others have to wait as long as that takes. */
export const MAX_TAKEN_UP = 1_000;

/**
 * Takes up the work of all jobs that were given up, the newest first, but for those whose work has moved on. Says
 * how many it was, and how many still stand there: those, and what was too much for one call.
 */
export function retryDiscarded(app: App): { again: number; left: number } {
  return transact(app, (tx) => {
    const discarded = () => listJobs(tx.db, { status: "discarded", limit: 2 * DISCARDED_KEPT });
    const before = discarded();
    let taken = 0;
    for (const { id } of before) {
      const job = getJob(tx.db, id); // one with which it shared an idea or a ticket may have settled it
      if (job.status !== "discarded" || whyNotAgain(tx.db, job) !== null) continue;
      takeUp(app, tx, job);
      if (++taken === MAX_TAKEN_UP) break;
    }
    const left = discarded().length;
    return { again: before.length - left, left };
  });
}

/** Throws `conflict` when it is paused already. */
export function pauseJobs(app: App, queue: QueueName): void {
  if (transact(app, (tx) => pauseQueue(tx, queue))) return;
  throw new AppError("conflict", `Cannot pause the queue "${queue}": it is paused`);
}

/** Throws `conflict` when it is not paused. */
export function resumeJobs(app: App, queue: QueueName): void {
  if (transact(app, (tx) => resumeQueue(tx, queue))) return;
  throw new AppError("conflict", `Cannot resume the queue "${queue}": it is not paused`);
}

/**
 * Ends a job that waits or executes, for good. What it was for stops with it, and says so: the idea is stuck,
 * the ticket blocked, the run cancelled. Throws `not_found`, and `conflict` when the job has ended or its merge
 * can't be called off any more.
 */
export function cancelJob(app: App, id: string): Job {
  return transact(app, (tx) => {
    const job = getJob(tx.db, id);
    if (cancelJobs(tx, { id }, "A person cancelled it") === 0) {
      throw new AppError("conflict", `Cannot cancel job "${id}": it is "${job.status}"`);
    }
    abandonWork(app, tx, job, "cancelled", "a person cancelled its job");
    return getJob(tx.db, id);
  });
}

/** After a job's last attempt nothing comes back to its work: that ends with it, in the same transaction. */
export const giveUpJob = (
  app: App,
  tx: Tx,
  job: Job,
  reason: string,
  failure: FailureReason = "internal",
): void => abandonWork(app, tx, job, failure, reason);

/** Changes nothing that has moved on, or that goes on without the job. Nobody waits for other kinds. */
function abandonWork(
  app: App,
  tx: Tx,
  { id, kind, args }: Job,
  failure: FailureReason,
  reason: string,
): void {
  const { ideaId, ticketId, runId } = args as Record<string, string>;
  switch (kind) {
    case "advance_idea":
      return abandonRefinement(tx, ideaId!, failure, reason);
    case "advance_ticket":
      return abandonStep(tx, ticketId!, failure, reason);
    case "merge_ticket":
      abandonMerge(tx, ticketId!, failure, reason);
      return tidyMergeDirAfter(app, tx, getTicket(tx.db, ticketId!).projectId);
    case "follow_pull_request":
      return abandonFollowing(tx, ticketId!, id, reason);
    case "undo_merge":
      abandonUndo(tx, ticketId!, failure, reason);
      return tidyMergeDirAfter(app, tx, getTicket(tx.db, ticketId!).projectId);
    case "run_agent": {
      const run = getRun(tx.db, runId!);
      if (!isActive(run)) return;
      if (failure === "cancelled") cancelActiveRun(app, tx, run);
      else failRun(app, tx, run, failure, reason);
    }
  }
}
