/**
 * What a crash leaves of the folders in which a check was asked of the base. They hold no work, and may hold copies of
 * a person's ignored files: they go with their ticket, and at the next start.
 */
import { join } from "node:path";
import { removeWorkDir } from "../../agents/git/merging.ts";
import type { App } from "../app.ts";
import { MINUTE_MS } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Project } from "../records.ts";
import { listProjects } from "../store/projects.ts";
import { removeFolder } from "./homes.ts";

/** To remove a large folder takes long; a disk may hang. */
const REMOVAL_TIMEOUT_MS = 5 * MINUTE_MS;

/** Where the base's files are for a ticket, while something is asked of them. */
export const baseDirOf = (app: App, { slug }: Project, ticketNumber: number): string =>
  join(allBaseDirs(app, slug), String(ticketNumber));

const allBaseDirs = (app: App, slug: string): string =>
  join(app.config.dataDir, "projects", slug, "base");

/** Removes what is there of a ticket's, once nobody is at work in it. What fails is logged: the next start tries again. */
export async function removeBaseLeft(
  app: App,
  project: Project,
  ticketNumber: number,
): Promise<void> {
  const workDir = baseDirOf(app, project, ticketNumber);
  try {
    await app.turnstile.through(workDir, async () => {
      await app.agents.release(workDir);
      await forget(app, project, workDir);
      // Its home is there, too, and what git knew nothing of.
      for (const name of await leftNames(app, project.slug)) {
        if (numberOf(name) === ticketNumber) {
          await removeFolder(join(allBaseDirs(app, project.slug), name));
        }
      }
    });
  } catch (error) {
    app.log.warn("what is left of a base's folder could not be removed", {
      project: project.id,
      folder: workDir,
      error: messageOf(error),
    });
  }
}

/** At a start: the same of all tickets, since whatever was at work in such a folder is gone. */
export async function removeAllBaseLeft(app: App): Promise<void> {
  try {
    for (const project of [...listProjects(app.db), ...listProjects(app.db, "archived")]) {
      const numbers = (await leftNames(app, project.slug)).map(numberOf);
      for (const number of new Set(numbers)) {
        if (number > 0) await removeBaseLeft(app, project, number);
      }
    }
  } catch (error) {
    app.log.warn("folders of base branches could not be looked at", { error: messageOf(error) });
  }
}

/** Git's own list of worktrees must not keep it. */
async function forget(app: App, { id, path: repo }: Project, workDir: string): Promise<void> {
  try {
    await removeWorkDir({ repo, workDir, signal: AbortSignal.timeout(REMOVAL_TIMEOUT_MS) });
  } catch (error) {
    // The repository may be gone, or be damaged: that is no reason to leave the files.
    const message = messageOf(error);
    app.log.info("git does not take a base's folder off its list", { project: id, message });
  }
}

/** "12", "12.home", "12.removing-2" are of ticket 12; 0: of none. */
const numberOf = (name: string): number => Number(/^(\d+)(\.|$)/.exec(name)?.[1] ?? 0);

async function leftNames(app: App, slug: string): Promise<string[]> {
  try {
    return await Array.fromAsync(Deno.readDir(allBaseDirs(app, slug)), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
