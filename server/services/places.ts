/** Where a ticket is worked on: its worktree, the place of its commands, the commits that it begins and ends with. */
import { catchUp } from "../../agents/git/catching_up.ts";
import { commonDirOf, tipOf } from "../../agents/git/repository.ts";
import type { Place } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Project, Ticket, Worktree } from "../records.ts";
import { findWorktree } from "../store/worktrees.ts";
import { equipped } from "./equipment.ts";
import { homeOf } from "./homes.ts";

/** Throws `conflict` when the ticket has no worktree (any more). */
export function worktreeOf(app: App, ticket: Ticket): Worktree {
  const worktree = findWorktree(app.db, ticket.id);
  if (worktree?.status !== "ready") {
    throw new AppError(
      "conflict",
      `Ticket #${ticket.number} has no worktree. Retry it from the step "prepare"`,
    );
  }
  return worktree;
}

/** Where the ticket's commands run and its agents edit. */
export async function placeOf(
  project: Project,
  worktree: Worktree,
  signal: AbortSignal,
): Promise<Place> {
  const dir = await Deno.realPath(worktree.path);
  return equipped(project, {
    dir,
    access: "write",
    gitDir: await commonDirOf(project.path, signal),
    homeDir: await homeOf(dir),
  });
}

/** A person may have committed on the branch from another folder: the worktree follows. Throws as `catchUp`. */
export async function followBranch(
  project: Project,
  { headCommit }: Ticket,
  { path, branch }: Worktree,
  signal: AbortSignal,
): Promise<void> {
  if (headCommit === null) return;
  // Whoever works in a folder that is gone says how to mend that.
  const worktree = await Deno.realPath(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  });
  if (worktree === null) return;
  await catchUp({ repo: project.path, worktree, branch, recorded: headCommit, signal });
}

/** Newest commit of the project's base branch. Throws `conflict` when the branch is gone. */
export async function baseTip(project: Project, signal: AbortSignal): Promise<string> {
  const commit = await tipOf(project.path, project.baseBranch, signal);
  if (commit) return commit;
  throw new AppError(
    "conflict",
    `The repository of "${project.name}" has no branch "${project.baseBranch}" any more. ` +
      `Choose another base branch in the project's settings`,
  );
}

/** Newest commit of a ticket's branch. Asked of the repository: the worktree's own files are the agents'. */
export async function ticketTip(
  project: Project,
  { branch }: Worktree,
  signal: AbortSignal,
): Promise<string> {
  const commit = await tipOf(project.path, branch, signal);
  if (commit) return commit;
  throw new AppError("conflict", `The branch "${branch}" is gone. Retry the ticket from "prepare"`);
}
