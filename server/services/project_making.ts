/**
 * A new project of a template: its repository is made in a folder beside where it is to be, and put there by one rename
 * in the transaction that makes the project's rows. Whatever a crash leaves of that is told by a row, and is mended by the
 * next start or the next try: what was not put in place goes away, what was put in place gets its rows.
 */
import { randomUUID } from "node:crypto";
import { dirname } from "node:path";
import { createRepository } from "../../agents/git/new_repository.ts";
import { identityOf, tipOf } from "../../agents/git/repository.ts";
import { imageFile } from "../../agents/planning/image_files.ts";
import type { App } from "../app.ts";
import { transact, within } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Project } from "../records.ts";
import { findMaking, type ProjectMaking, setMakingCommit } from "../store/project_makings.ts";
import { findProjectByPath } from "../store/projects.ts";
import { isEmptyOrMissing, makingFolder, putInPlace, targetFolder } from "./new_folder.ts";
import {
  makeRows,
  type MakingPlan,
  NEW_BRANCH,
  type NewFromTemplate,
  planOf,
} from "./project_making_plan.ts";
import {
  beginMaking,
  endMaking,
  forgetMaking,
  mendMakings,
  removeMade,
} from "./project_mending.ts";
import { checkToolchains } from "./projects.ts";
import { type FilledTemplate, previewTemplate, projectTemplate } from "./project_templates.ts";

/** A repository that waits to be put in place; or the project, where a try that was cut off had got that far. */
export type ReadyProject = { making: ProjectMaking } | { project: Project };

/**
 * All that a project of a template would have, for a person to look at. Throws `not_found`, and `invalid` with each
 * answer that is wrong.
 */
export function previewProject(
  app: App,
  input: Pick<NewFromTemplate, "template" | "answers" | "commands" | "documents" | "images">,
): FilledTemplate {
  return previewTemplate(app, projectTemplate(app, input.template), input);
}

/**
 * Makes the repository, beside where it is to be. Throws `invalid` and `conflict` with nothing left behind: for the
 * folder, an answer, or a template that nobody trusts or that is not the one that was looked at.
 */
export async function readyProject(
  app: App,
  input: NewFromTemplate,
  signal: AbortSignal,
): Promise<ReadyProject> {
  return await app.turnstile.through("new projects", async () => {
    const mended = await mendMakings(app, signal);
    const path = await targetFolder(input.path, app.config.dataDir);
    const made = mended.find((project) => project.path === path);
    if (made) return { project: made };
    const { plan, filled } = planOf(app, input, path);
    await checkToolchains(app, "make the project", plan.project.toolchains ?? []);
    await requireFree(app, path);
    return { making: await make(app, { path, plan, filled }, signal) };
  });
}

async function requireFree({ db }: App, path: string): Promise<void> {
  const known = findProjectByPath(db, path);
  if (known) {
    const message = `This folder is already the project "${known.name}"`;
    throw new AppError("conflict", `Cannot make the project: ${message}`, [
      { field: "path", message },
    ]);
  }
  await isEmptyOrMissing(path);
}

async function make(
  app: App,
  { path, plan, filled }: { path: string; plan: MakingPlan; filled: FilledTemplate },
  signal: AbortSignal,
): Promise<ProjectMaking> {
  const folder = makingFolder(path, randomUUID().slice(0, 8));
  const making = beginMaking(app, { path, folder, plan: JSON.stringify(plan) });
  try {
    return await buildMaking(app, making, filled, signal);
  } catch (error) {
    await forgetMaking(app, making);
    throw error;
  }
}

async function buildMaking(
  app: App,
  { id, folder, path }: ProjectMaking,
  { name, files, images }: FilledTemplate,
  signal: AbortSignal,
): Promise<ProjectMaking> {
  await createFolder(folder, path);
  await createRepository({
    path: folder,
    files: [
      ...files,
      ...images.map(({ path, bytes }) => ({ path: imageFile(path), content: bytes })),
    ],
    message: `Begin ${name}`,
    author: await identityOf(folder, signal),
    signal,
  });
  const commit = await tipOf(folder, NEW_BRANCH, signal);
  if (commit === null) throw new Error(`The new repository in ${folder} has no "${NEW_BRANCH}"`);
  return transact(app, (tx) => {
    setMakingCommit(tx, id, commit);
    return findMaking(tx.db, id)!;
  });
}

async function createFolder(folder: string, path: string): Promise<void> {
  try {
    await Deno.mkdir(folder);
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied) && !isReadOnly(error)) throw error;
    const message = `Gaffer may not write in "${dirname(folder)}"`;
    throw new AppError("invalid", `Cannot make the project in "${path}": ${message}`, [
      { field: "path", message },
    ], { cause: error });
  }
}

const isReadOnly = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EROFS";

/**
 * Puts the repository in its place and makes the project: all of it or nothing. Throws `conflict` where something has
 * come to be in that place meanwhile; the repository that was made is gone then.
 */
export function placeProject(app: App, ready: ReadyProject): Project {
  if ("project" in ready) return ready.project;
  const { making } = ready;
  endMaking(app, making);
  try {
    return transact(app, (tx) => {
      const project = makeRows(within(tx, app), tx, making);
      // Last: what came after it and failed would leave the folder without its rows.
      putInPlace(making.folder, making.path);
      return project;
    });
  } catch (error) {
    // In place already where only the transaction's end has failed: then the next try gives it its rows.
    removeMade(making.folder);
    throw error;
  }
}
