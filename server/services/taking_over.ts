/** A person takes a ticket's branch over by hand, and the ticket goes on with what was committed there. */
import { type PickedUp, pickUp } from "../../agents/git/catching_up.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Ticket } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { findActiveRun } from "../store/runs.ts";
import { listSubtasks, moveSubtask } from "../store/subtasks.ts";
import { getTicket, updateTicket } from "../store/tickets.ts";
import { findWorktree } from "../store/worktrees.ts";
import { block } from "./development.ts";
import { baseTip, worktreeOf } from "./places.ts";
import { cancelRunIn } from "./runs.ts";
import { settleTicketJobs } from "./settling.ts";
import { cancelTicketJobs, enqueueAdvanceTicket } from "./ticket_jobs.ts";
import { moveTicket } from "./ticket_moves.ts";

/**
 * Lets a person work on the branch of a ticket that is developed or reviewed: its run is cancelled, what it did so far
 * stays in the ticket's folder, and nothing begins for it until somebody continues, guides, retries or cancels: it is
 * blocked with that. Throws `conflict` when it has no branch yet, or is in the merge queue.
 */
export function takeOverTicket(app: App, id: string): Ticket {
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    const worktree = findWorktree(tx.db, id);
    requireTakeable(before, worktree?.status === "ready");
    const run = findActiveRun(tx.db, id);
    if (run) cancelRunIn(app, tx, run);
    cancelTicketJobs(tx, id, TAKEN_OVER);
    settleTicketJobs(tx, id, TAKEN_OVER);
    const reviewed = before.status === "review";
    const ticket = updateTicket(tx, id, {
      // What is not known of its newest commit by then is looked at again, before another review.
      step: reviewed ? "build" : before.step,
      pausedBy: null,
      mergeCommit: null,
      mergeWait: "",
    });
    block(
      tx,
      ticket,
      "taken_over",
      `${tx.actor} took it over ${reviewed ? "from its review" : `at the step "${before.step}"`}${
        run ? `; its ${run.agent} was stopped, and what it had not committed is in the folder` : ""
      }`,
    );
    tx.afterCommit(() => {
      app.agents.release(worktree!.path).catch((error) =>
        app.log.error("hands were not released", { error: String(error) })
      );
    });
    return getTicket(tx.db, id);
  });
}

const TAKEN_OVER = "The ticket was taken over by hand";

function requireTakeable(ticket: Ticket, hasWorktree: boolean): void {
  const { status, step, number, mergeWait, headCommit } = ticket;
  const refuse = (why: string): never => {
    throw new AppError("conflict", `Cannot take ticket #${number} over by hand: ${why}`);
  };
  if (status !== "in_progress" && status !== "review") {
    refuse(
      status === "blocked"
        ? 'it is "blocked". Commit on its branch and continue'
        : `it is "${status}"`,
    );
  }
  if (step === "merge" && mergeWait === "") refuse("it is in the merge queue");
  if (!hasWorktree || headCommit === null) refuse("its branch is not made yet. Try again then");
}

/**
 * Looks at the branch of a blocked ticket for what a person committed, and brings its worktree there. Throws `conflict`
 * when there is nothing to go on with, saying how to mend that.
 */
export async function pickUpBranch(app: App, id: string, signal: AbortSignal): Promise<PickedUp> {
  const ticket = getTicket(app.db, id);
  requireBlocked(ticket);
  const { baseCommit, headCommit } = ticket;
  if (baseCommit === null || headCommit === null) {
    throw new AppError(
      "conflict",
      `Cannot go on with ticket #${ticket.number}: it has no branch yet. Retry it`,
    );
  }
  const project = getProject(app.db, ticket.projectId);
  const { path, branch } = worktreeOf(app, ticket);
  const worktree = await Deno.realPath(path).catch((cause) => {
    const why = `its folder "${path}" is gone. Retry it from the step "prepare"`;
    throw new AppError("conflict", `Cannot go on with ticket #${ticket.number}: ${why}`, [], {
      cause,
    });
  });
  // What the agent's hands have open there must not see its files change.
  await app.agents.release(worktree);
  return await pickUp({
    repo: project.path,
    worktree,
    branch,
    recorded: headCommit,
    base: baseCommit,
    baseTip: await baseTip(project, signal),
    signal,
  });
}

/**
 * Goes on with it: evidence is due for that commit, and what stood still counts as done by hand; what nobody began is
 * still an agent's. Throws `conflict` when the ticket has moved on meanwhile.
 */
export function continueTicket(app: App, id: string, { commit, base }: PickedUp): Ticket {
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    requireBlocked(before);
    settleTicketJobs(tx, id);
    for (const subtask of listSubtasks(tx.db, id)) {
      if (subtask.status !== "blocked") continue;
      moveSubtask(tx, subtask.id, "in_progress");
      moveSubtask(tx, subtask.id, "done", `By hand, by ${tx.actor}`);
    }
    const open = listSubtasks(tx.db, id).some(({ status }) => status === "pending");
    tx.emit({
      type: "ticket_taken_over",
      projectId: before.projectId,
      ticketId: id,
      data: { commit, before: before.headCommit },
    });
    const ticket = moveTicket(tx, id, "in_progress", {
      step: open ? "develop" : "build",
      round: 0,
      guidance: "",
      headCommit: commit,
      baseCommit: base,
      mergeCommit: null,
    });
    enqueueAdvanceTicket(tx, ticket);
    return ticket;
  });
}

function requireBlocked({ status, number, failure }: Ticket): void {
  if (status !== "blocked" || failure === "dependency_cancelled") {
    throw new AppError(
      "conflict",
      `Cannot go on with ticket #${number} by hand: it is "${status}"${
        failure === "dependency_cancelled" ? " for what it needs" : ""
      }`,
    );
  }
}
