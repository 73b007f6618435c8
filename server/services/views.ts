/** Checkouts of a project's base branch that agents read who have no worktree: one per commit, shared by their runs. */
import { dirname as folderOf, join } from "node:path";
import { createView, removeWorktree } from "../../agents/git/worktrees.ts";
import type { App } from "../app.ts";
import type { Db } from "../db.ts";
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
    const readers = readersIn(app.db);
    // Who is no run does not say when it has read: its view stays until the next such one.
    const reader = runId ?? folder;
    readers.set(reader, path);
    const view = await createView({ repo: project.path, path, commit, signal });
    const active = new Set(listActiveRuns(app.db, project.id).map(({ id }) => id));
    for (const [id, read] of readers) {
      const isOver = id !== reader && id !== folder && !active.has(id);
      if (folderOf(read) === folder && isOver) readers.delete(id);
    }
    await removeOthers(app, project, folder, new Set([path, ...readers.values()]), signal);
    return view;
  });
}

/**
 * The view that each run of this process has read last, by the run's id. One that goes on after a restart asks for its
 * view anew.
 */
const readers = new WeakMap<Db, Map<string, string>>();

function readersIn(db: Db): Map<string, string> {
  const known = readers.get(db) ?? new Map<string, string>();
  readers.set(db, known);
  return known;
}

/** The others work in the worktree of their ticket. */
export const readsView = ({ ticketId, purpose, trial }: Run): boolean =>
  ticketId === null || purpose === "deploy" || trial;

/**
 * Views that nobody reads any more would only take up room: there are never more than runs that read, and two.
 */
async function removeOthers(
  app: App,
  project: Project,
  folder: string,
  kept: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<void> {
  for await (const { name } of Deno.readDir(folder)) {
    const path = join(folder, name);
    if (kept.has(path)) continue;
    await app.agents.release(path);
    await removeWorktree({ repo: project.path, path, discard: true, signal });
  }
}
