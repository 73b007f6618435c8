/** Checkouts of a project's base branch that agents read who have no worktree: one per commit, shared by their runs. */
import { basename, join } from "node:path";
import { createView, removeWorktree } from "../../agents/git/worktrees.ts";
import type { App } from "../app.ts";
import type { Project, Run } from "../records.ts";
import { listActiveRuns } from "../store/runs.ts";

const VIEW_NAME_CHARS = 12;

/**
 * The folder with this commit's files; made when it is the first that needs it. Gives its real path. `runId`: of the
 * run that will read it; null: it is no run.
 */
export function viewOf(
  app: App,
  { project, commit, runId }: { project: Project; commit: string; runId: string | null },
  signal: AbortSignal,
): Promise<string> {
  const folder = join(app.config.dataDir, "projects", project.slug, "views");
  // Runs that start side by side ask for the same view at the same time.
  return app.turnstile.through(folder, async () => {
    const path = join(folder, commit.slice(0, VIEW_NAME_CHARS));
    const view = await createView({ repo: project.path, path, commit, signal });
    const othersRead = listActiveRuns(app.db, project.id).some((run) =>
      run.id !== runId && readsView(run)
    );
    if (!othersRead) await removeOthers(app, project, folder, basename(path), signal);
    return view;
  });
}

/** The others work in the worktree of their ticket. */
export const readsView = ({ ticketId, purpose, trial }: Run): boolean =>
  ticketId === null || purpose === "deploy" || trial;

/** Views of older commits that nobody reads any more would only take up room. */
async function removeOthers(
  app: App,
  project: Project,
  folder: string,
  keep: string,
  signal: AbortSignal,
): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    if (name === keep) continue;
    const path = join(folder, name);
    await app.agents.release(path);
    await removeWorktree({ repo: project.path, path, discard: true, signal });
  }
}
