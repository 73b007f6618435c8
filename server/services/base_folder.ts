/** A folder with nothing but the base branch's own files, for what a check says without a ticket's work. */
import { checkOutMerge } from "../../agents/git/merge_folder.ts";
import { removeWorkDir } from "../../agents/git/merging.ts";
import { commonDirOf } from "../../agents/git/repository.ts";
import type { Place } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import { MINUTE_MS } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Project, Ticket } from "../records.ts";
import { baseDirOf } from "./base_leftovers.ts";
import { fillHome } from "./caches.ts";
import { equipped } from "./equipment.ts";
import { homeOf, removeHome } from "./homes.ts";
import { fillWorktree } from "./worktree_files.ts";

/** How long its removal may take, also where the work in it was stopped. */
const REMOVAL_TIMEOUT_MS = 2 * MINUTE_MS;

/**
 * Does `work` in a worktree of its own at a commit of the base branch, which is removed afterwards; one that a crash
 * has left is used again. Nothing is set up in it. Throws `GitError`, and what `work` throws.
 */
export function inBaseFolder<T>(
  app: App,
  { project, ticket, commit, signal }: {
    project: Project;
    ticket: Ticket;
    commit: string;
    signal: AbortSignal;
  },
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const { path: repo } = project;
  const workDir = baseDirOf(app, project, ticket.number);
  return app.turnstile.through(workDir, async () => {
    try {
      const { path: dir } = await checkOutMerge({ repo, workDir, signal }, commit);
      try {
        const homeDir = await homeOf(dir);
        const gitDir = await commonDirOf(repo, signal);
        await fillWorktree(app, { project, ticket, worktree: dir, commit, signal });
        await fillHome(app, project, homeDir, signal);
        return await work(equipped(project, { dir, access: "write", gitDir, homeDir }));
      } finally {
        await app.agents.release(dir);
        await removeHome(dir);
      }
    } finally {
      try {
        await removeWorkDir({ repo, workDir, signal: AbortSignal.timeout(REMOVAL_TIMEOUT_MS) });
      } catch (error) {
        // What was found out stands; the next one uses the folder again.
        const message = messageOf(error);
        app.log.warn("the base's folder could not be removed", { project: project.id, message });
      }
    }
  });
}
