/**
 * Jobs that were given up, the queue's dead letters: what they were for has failed with them. Here is how their work
 * is taken up again: by the idea's or the ticket's own verb, in one transaction, and only where it has not moved on.
 */
import { jobKeys, type JobKind } from "../../queue/job.ts";
import { findWaiting, getJob, requeue } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import type { Db, Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Job, Run } from "../records.ts";
import { getIdea } from "../store/ideas.ts";
import { getRun, listIdeaRuns, listTicketRuns } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { refineIdeaIn } from "./ideas.ts";
import { isActive } from "./runs.ts";
import { retryTicketIn } from "./tickets.ts";

/** What these kinds of jobs have as arguments. */
type About = { ideaId: string; ticketId: string; runId: string };

/** Why a job that was given up can't be run again; null: it can. */
export function whyNotAgain(db: Db, { kind, args, uniqueKey }: Job): string | null {
  const about = args as About;
  if (uniqueKey !== null && findWaiting(db, kind as JobKind, uniqueKey)) {
    return "a newer one for the same work waits already";
  }
  switch (kind) {
    case "advance_idea":
      return ideaMovedOn(db, about.ideaId);
    case "advance_ticket":
      return ticketMovedOn(db, about.ticketId) ?? mergeIsNext(db, about.ticketId, false);
    case "merge_ticket":
      return ticketMovedOn(db, about.ticketId) ?? mergeIsNext(db, about.ticketId, true);
    case "follow_pull_request":
      return "its pull request waits for you. Let it go on from the ticket's page";
    case "undo_merge":
      return "its undo has ended with it. Ask for it again on the ticket's page";
    case "run_agent":
      return runMovedOn(db, getRun(db, about.runId));
    default:
      return null;
  }
}

function ideaMovedOn(db: Db, ideaId: string): string | null {
  const { status, number } = getIdea(db, ideaId);
  return status === "stuck" ? null : `idea #${number} is "${status}"`;
}

function ticketMovedOn(db: Db, ticketId: string): string | null {
  const { status, number } = getTicket(db, ticketId);
  return status === "blocked" ? null : `ticket #${number} is "${status}"`;
}

function mergeIsNext(db: Db, ticketId: string, wanted: boolean): string | null {
  const { step, number } = getTicket(db, ticketId);
  if ((step === "merge") === wanted) return null;
  return `ticket #${number} goes on with the step "${step ?? "prepare"}"`;
}

function runMovedOn(db: Db, run: Run): string | null {
  if (isActive(run)) return `its run is "${run.status}"`;
  if (run.trial) return "it was a trial. Start another from its agent's page";
  if (run.askId) return "it was about a document. Ask again there";
  const newest = newestLike(db, run);
  if (newest.id !== run.id) return `a newer run of the ${newest.agent} took its place`;
  return run.ideaId ? ideaMovedOn(db, run.ideaId) : ticketMovedOn(db, run.ticketId!);
}

/** A ticket has one run after the other; an idea's agents work side by side. */
const newestLike = (db: Db, { ideaId, ticketId, purpose }: Run): Run =>
  ideaId
    ? listIdeaRuns(db, ideaId).findLast((other) => other.purpose === purpose)!
    : listTicketRuns(db, ticketId!).at(-1)!;

/**
 * Takes up the work of a job that was given up, and gives the job that does it: the same one, but for a run, which
 * is over and gets a successor. Throws `conflict` where the work has moved on.
 */
export function takeUp(app: App, tx: Tx, job: Job): Job {
  const why = whyNotAgain(tx.db, job);
  if (why !== null) {
    throw new AppError("conflict", `Cannot run job "${job.id}" again: ${why}`);
  }
  const { ideaId, ticketId, runId } = job.args as About;
  if (job.kind === "run_agent") return takeUpRun(app, tx, getRun(tx.db, runId));
  // First: what the verb asks for then finds its key taken, by this very job.
  requeue(tx, job.id);
  if (job.kind === "advance_idea") refineIdeaIn(app, tx, ideaId);
  else if (job.kind !== "remove_worktree" && ticketId) retryTicketIn(tx, ticketId);
  return getJob(tx.db, job.id);
}

function takeUpRun(app: App, tx: Tx, run: Run): Job {
  if (run.ticketId) {
    retryTicketIn(tx, run.ticketId);
    return findWaiting(tx.db, "advance_ticket", jobKeys.advanceTicket(run.ticketId))!;
  }
  refineIdeaIn(app, tx, run.ideaId!);
  return findWaiting(tx.db, "run_agent", jobKeys.runAgent(newestLike(tx.db, run).id))!;
}
