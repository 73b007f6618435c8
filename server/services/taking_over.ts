/** A person takes a blocked ticket's branch over by hand, and the ticket goes on with what was committed there. */
import { type PickedUp, pickUp } from "../../agents/git/catching_up.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Ticket } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { listSubtasks, moveSubtask } from "../store/subtasks.ts";
import { getTicket } from "../store/tickets.ts";
import { baseTip, worktreeOf } from "./places.ts";
import { settleTicketJobs } from "./settling.ts";
import { enqueueAdvanceTicket } from "./ticket_jobs.ts";
import { moveTicket } from "./ticket_moves.ts";

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
