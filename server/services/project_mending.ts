/**
 * What crashes leave of new projects: a folder that was not put in place goes away, one that was gets its rows. Each
 * is told by a row that was there before the folder.
 */
import { basename } from "node:path";
import { hasCommit } from "../../agents/git/contents.ts";
import { isAncestor, tipOf } from "../../agents/git/repository.ts";
import { actingAs, type App } from "../app.ts";
import { type Db, transact, within } from "../db.ts";
import { messageOf } from "../errors.ts";
import type { Project } from "../records.ts";
import {
  deleteMaking,
  insertMaking,
  listMakings,
  type ProjectMaking,
} from "../store/project_makings.ts";
import { findProjectByPath } from "../store/projects.ts";
import { makeRows, NEW_BRANCH } from "./project_making_plan.ts";

/** Removing a folder that something still writes into is tried so often. */
const REMOVE_TRIES = 3;

/** Those that this process is at: not for mending. */
const underWay = new WeakMap<Db, Set<string>>();
const underWayIn = (db: Db): Set<string> => {
  const ids = underWay.get(db) ?? new Set();
  underWay.set(db, ids);
  return ids;
};

/** First the row, so that no folder is left that nobody knows of. */
export function beginMaking(
  app: App,
  making: Pick<ProjectMaking, "path" | "folder" | "plan">,
): ProjectMaking {
  return transact(app, (tx) => {
    const made = insertMaking(tx, making);
    underWayIn(app.db).add(made.id);
    return made;
  });
}

/** It is not under way in this process any more: what is left of it is for mending. */
export const endMaking = ({ db }: App, { id }: Pick<ProjectMaking, "id">): void =>
  void underWayIn(db).delete(id);

/** What a try that was given up has left: nothing any more. */
export async function forgetMaking(app: App, { id, folder }: ProjectMaking): Promise<void> {
  endMaking(app, { id });
  await removeFolder(folder);
  transact(app, (tx) => deleteMaking(tx, id));
}

/**
 * Looks after what crashes have left: a folder that was not put in place goes away, one that was gets its rows. Gives the
 * projects that this made. What can't be removed is logged, and tried again the next time.
 */
export async function mendMakings(app: App, signal: AbortSignal): Promise<Project[]> {
  const live = underWayIn(app.db);
  const mended: Project[] = [];
  for (const making of listMakings(app.db)) {
    if (live.has(making.id)) continue;
    try {
      const project = await mend(app, making, signal);
      if (project) mended.push(project);
    } catch (error) {
      signal.throwIfAborted();
      const { path, folder } = making;
      app.log.warn("what is left of a new project could not be mended", {
        ...{ path, folder, error: messageOf(error) },
      });
    }
  }
  return mended;
}

async function mend(
  app: App,
  making: ProjectMaking,
  signal: AbortSignal,
): Promise<Project | null> {
  if (await isInPlace(making, signal) && !findProjectByPath(app.db, making.path)) {
    const maker = actingAs(app, making.madeBy);
    return transact(maker, (tx) => makeRows(within(tx, maker), tx, making));
  }
  await forgetMaking(app, making);
  return null;
}

/** The folder has been renamed: the repository that began with this very commit stands where it was to be. */
async function isInPlace(
  { path, folder, commit }: ProjectMaking,
  signal: AbortSignal,
): Promise<boolean> {
  if (commit === null || await isThere(folder) || !(await isThere(`${path}/.git`))) return false;
  const tip = await tipOf(path, NEW_BRANCH, signal);
  if (tip === null || !(await hasCommit(path, commit, signal))) return false;
  // A person may have committed there meanwhile.
  return await isAncestor(path, commit, tip, signal);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/** Only what `makingFolder` has named. */
const isMaking = (folder: string): boolean => /^\.gaffer-new-[0-9a-f]{8}-/.test(basename(folder));

async function removeFolder(folder: string): Promise<void> {
  if (!isMaking(folder)) throw new Error(`"${folder}" was not made for a new project`);
  for (let tries = 1;; tries++) {
    try {
      return await Deno.remove(folder, { recursive: true });
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return;
      if (tries === REMOVE_TRIES) throw error;
    }
  }
}

/** Within a request that fails for a reason of its own; what stays is mended by the next try. */
export function removeMade(folder: string): void {
  try {
    if (isMaking(folder)) Deno.removeSync(folder, { recursive: true });
  } catch {
    // Its row is still there, and says that the folder has to go.
  }
}
