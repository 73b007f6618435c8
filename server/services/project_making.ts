/**
 * A new project of a template: its repository is made in a folder beside where it is to be, and put there by one rename
 * in the transaction that makes the project's rows. Whatever a crash leaves of that is told by a row, and is mended by the
 * next start or the next try: what was not put in place goes away, what was put in place gets its rows.
 */
import { createHash, randomUUID } from "node:crypto";
import { basename, dirname } from "node:path";
import { hasCommit } from "../../agents/git/contents.ts";
import { createRepository } from "../../agents/git/new_repository.ts";
import { identityOf, isAncestor, tipOf } from "../../agents/git/repository.ts";
import { imageFile } from "../../agents/planning/image_files.ts";
import type { PlanningText } from "../../agents/project_templates/fill.ts";
import { actingAs, type App } from "../app.ts";
import type { Db } from "../db.ts";
import { transact, type Tx, within } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import type { CheckRules, CommandName, Project } from "../records.ts";
import { findProjectByPath } from "../store/projects.ts";
import {
  deleteMaking,
  findMaking,
  insertMaking,
  listMakings,
  type ProjectMaking,
  setMakingCommit,
} from "../store/project_makings.ts";
import type { BootstrapImage } from "./bootstrap_documents.ts";
import { setCheckRules } from "./check_rules.ts";
import { isEmptyOrMissing, makingFolder, putInPlace, targetFolder } from "./new_folder.ts";
import { checkToolchains, commandsFrom, createProject, type PlannedProject } from "./projects.ts";
import { type FilledTemplate, previewTemplate, projectTemplate } from "./project_templates.ts";
import { type RoadmapIdea, submitRoadmap } from "./roadmap_ideas.ts";
import { trustFile } from "./trust.ts";

/** What a person decides about a new project. */
export interface NewFromTemplate {
  template: string;
  /** Hash of the template that they looked at; null: whichever there is. */
  seen: string | null;
  /** Folder of the project: not there yet, or empty. */
  path: string;
  answers: Record<string, string>;
  /** In place of the template's; empty text: none. */
  commands?: Partial<Record<CommandName, string>>;
  /** Beside the template's, or in their place. */
  documents: readonly PlanningText[];
  /** That the documents show. */
  images?: readonly BootstrapImage[];
  /** Whether the roadmap's rows become ideas, which agents then refine. */
  ideas: boolean;
  commandsAllowed: boolean;
  setupNetwork: boolean;
  /** Whether the template's folders with tools are shown to its sandboxes. */
  toolchainsAllowed: boolean;
}

/** What becomes rows when the folder is in place. */
interface MakingPlan {
  project: PlannedProject;
  /** Not there where the template says nothing of them, and in a plan of an older version. */
  checks?: CheckRules | null;
  /** Of its roadmap. Not there in a plan of an older version, whose project has its own. */
  ideas?: RoadmapIdea[];
  /** Definitions in the repository, as the person saw them. */
  agents: { path: string; text: string; hash: string }[];
  template: { id: string; hash: string };
}

/** A repository that waits to be put in place; or the project, where a try that was cut off had got that far. */
export type ReadyProject = { making: ProjectMaking } | { project: Project };

/** Those that this process is at: not for mending. */
const underWay = new WeakMap<Db, Set<string>>();
const underWayIn = (db: Db): Set<string> => {
  const ids = underWay.get(db) ?? new Set();
  underWay.set(db, ids);
  return ids;
};

const BRANCH = "main";
/** Removing a folder that something still writes into is tried so often. */
const REMOVE_TRIES = 3;

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

function planOf(
  app: App,
  input: NewFromTemplate,
  path: string,
): { plan: MakingPlan; filled: FilledTemplate } {
  const known = projectTemplate(app, input.template);
  const { id } = known.template;
  if (input.seen !== null && input.seen !== known.hash) {
    throw new AppError(
      "conflict",
      `Cannot make the project: the template "${id}" has changed since you looked at it. Look again`,
    );
  }
  if (!known.trusted) {
    throw new AppError(
      "conflict",
      `Cannot make the project: nobody has trusted the template "${id}". Look at it, then trust it`,
    );
  }
  const filled = previewTemplate(app, known, input);
  const project: PlannedProject = {
    name: filled.name,
    path,
    baseBranch: BRANCH,
    commands: commandsFrom(filled.commands),
    commandsAllowed: input.commandsAllowed,
    setupNetwork: input.setupNetwork,
    toolchains: input.toolchainsAllowed ? filled.toolchains : [],
    localFiles: filled.localFiles,
    sample: false,
    ideas: [],
  };
  const ideas = input.ideas ? filled.ideas : [];
  const agents = filled.agents.map(({ path, text }) => ({ path, text, hash: hashOf(text) }));
  return {
    plan: { project, checks: filled.checks, ideas, agents, template: { id, hash: known.hash } },
    filled,
  };
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex");

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
    await forget(app, making);
    throw error;
  }
}

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
  const commit = await tipOf(folder, BRANCH, signal);
  if (commit === null) throw new Error(`The new repository in ${folder} has no "${BRANCH}"`);
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
  underWayIn(app.db).delete(making.id);
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

function makeRows(app: App, tx: Tx, making: ProjectMaking): Project {
  const { project: planned, checks = null, ideas = [], agents, template }: MakingPlan = JSON.parse(
    making.plan,
  );
  const project = createProject(app, planned);
  if (checks !== null) setCheckRules(app, project.id, checks);
  submitRoadmap(tx, project, ideas);
  for (const { path, text, hash } of agents) {
    trustFile(app, project.id, { path, text, hash }, hash);
  }
  tx.emit({ type: "project_made", projectId: project.id, data: { template } });
  deleteMaking(tx, making.id);
  return project;
}

/** What a try that was given up has left: nothing any more. */
async function forget(app: App, { id, folder }: ProjectMaking): Promise<void> {
  underWayIn(app.db).delete(id);
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
  await forget(app, making);
  return null;
}

/** The folder has been renamed: the repository that began with this very commit stands where it was to be. */
async function isInPlace(
  { path, folder, commit }: ProjectMaking,
  signal: AbortSignal,
): Promise<boolean> {
  if (commit === null || await isThere(folder) || !(await isThere(`${path}/.git`))) return false;
  const tip = await tipOf(path, BRANCH, signal);
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
function removeMade(folder: string): void {
  try {
    if (isMaking(folder)) Deno.removeSync(folder, { recursive: true });
  } catch {
    // Its row is still there, and says that the folder has to go.
  }
}
