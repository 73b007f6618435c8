/** A cancelled ticket's folder, removed when a person says so: its branch and every checkpoint stay. */
import { checkpoint } from "../../agents/git/checkpoints.ts";
import { removeWorktree } from "../../agents/git/worktrees.ts";
import { jobKeys, type Outcome } from "../../queue/job.ts";
import { enqueue } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import { type Db, transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Ticket } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { getTicket, updateTicket } from "../store/tickets.ts";
import { findWorktree, moveWorktree } from "../store/worktrees.ts";
import { removeHome } from "./homes.ts";
import { removeMergedWorktree } from "./merging.ts";

/** A cancelled ticket still has a folder that a person may let go. */
export function hasLeftFolder(db: Db, { id, status }: Ticket): boolean {
  const worktree = status === "cancelled" ? findWorktree(db, id) : null;
  return worktree !== null && worktree.status !== "removed";
}

/** Asks for the folder to be removed. Throws `not_found`, `conflict` for a ticket that is not cancelled or has none. */
export function letGo(app: App, ticketId: string): Ticket {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, ticketId);
    if (!hasLeftFolder(tx.db, ticket)) {
      const why = ticket.status === "cancelled"
        ? "it has none any more"
        : `it is "${ticket.status}". Cancel it first`;
      throw new AppError(
        "conflict",
        `Cannot remove the folder of ticket #${ticket.number}: ${why}`,
      );
    }
    enqueue(tx, {
      kind: "remove_worktree",
      args: { ticketId },
      uniqueKey: jobKeys.removeWorktree(ticketId),
      projectId: ticket.projectId,
    });
    return ticket;
  });
}

/** Removes the folder of a ticket that is merged, or cancelled and let go. */
export const removeFolder = (app: App, ticketId: string, signal: AbortSignal): Promise<Outcome> =>
  hasLeftFolder(app.db, getTicket(app.db, ticketId))
    ? removeLeftFolder(app, ticketId, signal)
    : removeMergedWorktree(app, ticketId, signal);

/** Removes it, after what is not committed in it has become a checkpoint; nothing where it is queued again by then. */
export async function removeLeftFolder(
  app: App,
  ticketId: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const found = findWorktree(app.db, ticketId)!;
  // Queued again, it is prepared in the same folder: one after the other.
  return await app.turnstile.through(found.path, async () => {
    const ticket = getTicket(app.db, ticketId);
    if (!hasLeftFolder(app.db, ticket)) {
      return { type: "cancel", reason: "There is nothing to remove" };
    }
    const { path: repo } = getProject(app.db, ticket.projectId);
    const { id, path: worktree, branch } = findWorktree(app.db, ticketId)!;
    await app.agents.release(worktree);
    await keepRest(app, ticket, { repo, worktree, branch, signal });
    await removeWorktree({ repo, path: worktree, signal });
    await removeHome(worktree);
    transact(app, (tx) => {
      moveWorktree(tx, id, "removed");
      tx.emit({ type: "worktree_removed", projectId: ticket.projectId, ticketId });
    });
    return { type: "done" };
  });
}

async function keepRest(
  app: App,
  ticket: Ticket,
  place: { repo: string; worktree: string; branch: string; signal: AbortSignal },
): Promise<void> {
  try {
    const message = `Ticket #${ticket.number}, what was left in its folder`;
    const recorded = ticket.headCommit === null ? {} : { recorded: ticket.headCommit };
    const rest = await checkpoint({ ...place, message, ...recorded });
    if (rest) transact(app, (tx) => updateTicket(tx, ticket.id, { headCommit: rest.commit }));
  } catch (error) {
    // Somebody has removed the folder already, or it was never made.
    if (!(error instanceof AppError) || error.code !== "not_found") throw error;
  }
}
