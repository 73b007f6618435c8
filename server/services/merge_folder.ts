/** Where a project's merge queue combines and checks. */
import { join } from "node:path";
import { removeWorkDir } from "../../agents/git/merging.ts";
import { exists } from "../../agents/git/presence.ts";
import type { App } from "../app.ts";
import type { Project } from "../records.ts";
import { areMergesDue } from "../store/tickets.ts";

/** The worktree of a project's merge queue. */
export const mergeDirOf = (app: App, project: Project): string =>
  join(app.config.dataDir, "projects", project.slug, "merge");

/** Removes that worktree where no merge comes next, which would use it again. Throws `GitError`. */
export async function tidyMergeDir(app: App, project: Project, signal: AbortSignal): Promise<void> {
  const workDir = mergeDirOf(app, project);
  if (areMergesDue(app.db, project.id) || !await exists(workDir)) return;
  await removeWorkDir({ repo: project.path, workDir, signal });
}
