/** Where a project's merge queue combines and checks. It holds no work, and is there only while a merge needs it. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { removeWorkDir } from "../../agents/git/merging.ts";
import type { App } from "../app.ts";
import { MINUTE_MS } from "../clock.ts";
import type { Tx } from "../db.ts";
import { messageOf } from "../errors.ts";
import type { Project } from "../records.ts";
import { getProject, listProjects } from "../store/projects.ts";
import { areMergesDue } from "../store/tickets.ts";
import { removeFolder } from "./homes.ts";

/** How long its removal may take, also where the work in it was stopped. */
const REMOVAL_TIMEOUT_MS = 5 * MINUTE_MS;

/** The worktree of a project's merge queue. */
export const mergeDirOf = (app: App, { slug }: Pick<Project, "slug">): string =>
  join(app.config.dataDir, "projects", slug, "merge");

/**
 * Does `work`, which alone may use that worktree meanwhile. However it ends, cancelled too, the folder goes where no
 * merge comes next that would use it again; what keeps it from going is logged.
 */
export const inMergeDir = <T>(app: App, project: Project, work: () => Promise<T>): Promise<T> =>
  app.turnstile.through(mergeDirOf(app, project), async () => {
    try {
      return await work();
    } finally {
      await removeUnneeded(app, project);
    }
  });

/** Nothing comes back to a merge of this project that may have been cut off: after the commit its folder goes, too. */
export function tidyMergeDirAfter(app: App, tx: Tx, projectId: string): void {
  const project = getProject(tx.db, projectId);
  if (existsSync(mergeDirOf(app, project))) tx.afterCommit(() => void tidy(app, project));
}

/** At a start: of all projects, what a crash left and nobody comes back to. */
export async function tidyAllMergeDirs(app: App): Promise<void> {
  try {
    const projects = [...listProjects(app.db), ...listProjects(app.db, "archived")];
    for (const project of projects) {
      if ((await leftNames(app, project)).length > 0) await tidy(app, project);
    }
  } catch (error) {
    app.log.warn("folders of merges could not be looked at", { error: messageOf(error) });
  }
}

const tidy = (app: App, project: Project): Promise<void> =>
  app.turnstile.through(mergeDirOf(app, project), () => removeUnneeded(app, project));

async function removeUnneeded(app: App, project: Project): Promise<void> {
  const workDir = mergeDirOf(app, project);
  try {
    if (areMergesDue(app.db, project.id)) return;
    if (existsSync(workDir)) await forget(app, project, workDir);
    for (const name of await leftNames(app, project)) {
      await removeFolder(join(dirname(workDir), name));
    }
  } catch (error) {
    // What became of the merge stands; the next one cleans the folder out, and the next start tries again.
    const message = messageOf(error);
    app.log.warn("the merge folder could not be removed", { project: project.id, message });
  }
}

/** Git's own list of worktrees must not keep it. */
async function forget(app: App, { id, path: repo }: Project, workDir: string): Promise<void> {
  try {
    await removeWorkDir({ repo, workDir, signal: AbortSignal.timeout(REMOVAL_TIMEOUT_MS) });
  } catch (error) {
    // The repository may be gone, or be damaged: that is no reason to leave the files.
    const message = messageOf(error);
    app.log.info("git does not take a merge's folder off its list", { project: id, message });
  }
}

/** The folder itself, its home, and what a removal was cut off at. */
const LEFT = /^merge(\.home(\.filling)?|\.removing(-\d+)?)?$/;

async function leftNames(app: App, project: Project): Promise<string[]> {
  const workDir = mergeDirOf(app, project);
  try {
    const names = await Array.fromAsync(Deno.readDir(dirname(workDir)), ({ name }) => name);
    return names.filter((name) => LEFT.test(name));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
