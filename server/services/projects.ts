/** Projects: git repositories that Gaffer works on. */
import { join } from "node:path";
import { type Inspection, inspectRepository } from "../../agents/inspect/inspect.ts";
import { createRepository } from "../../agents/git/new_repository.ts";
import { tipOf } from "../../agents/git/repository.ts";
import { sampleProject } from "../../agents/demo/sample.ts";
import type { App } from "../app.ts";
import { MINUTE_MS } from "../clock.ts";
import { transact, type Tx, within } from "../db.ts";
import { AppError } from "../errors.ts";
import { whyNotShown } from "../shown_folders.ts";
import { type CommandName, commandNames, type Project, type ProjectCommand } from "../records.ts";
import {
  findProjectByPath,
  getProject,
  insertProject,
  moveProject,
  type ProjectChanges,
  slugTaken,
  updateProject,
} from "../store/projects.ts";
import { submitIdea } from "./ideas.ts";
import { requireProjectUnlocked } from "./locked_settings.ts";

/** Time limits of a project's commands until a person sets others. */
export const defaultTimeoutMs: Record<CommandName, number> = {
  setup: 20 * MINUTE_MS,
  build: 20 * MINUTE_MS,
  test: 30 * MINUTE_MS,
};

/** What a person gives for a new project; what is missing is proposed by looking at the repository. */
export interface ProjectInput {
  path: string;
  name?: string;
  baseBranch?: string;
  /** Empty text: the project has no such command. */
  commands?: Partial<Record<CommandName, string>>;
  /** Both false by default. */
  commandsAllowed?: boolean;
  setupNetwork?: boolean;
  /** Empty by default, all three. */
  hosts?: string[];
  toolchains?: string[];
  localFiles?: string[];
  handsLimits?: Project["handsLimits"];
}

/** Looks at a repository before it becomes a project. Throws `invalid` with how to mend what is wrong. */
export async function proposeProject(
  app: App,
  path: string,
  signal: AbortSignal,
): Promise<Inspection> {
  const inspection = await inspectRepository(path, { dataDir: app.config.dataDir, signal });
  const known = findProjectByPath(app.db, inspection.path);
  if (known) {
    const message = `This repository is already the project "${known.name}"`;
    throw new AppError("conflict", `Cannot make the project: ${message}`, [
      { field: "path", message },
    ]);
  }
  return inspection;
}

/** All that there is to know of a project before it is made. */
export type PlannedProject = Omit<Parameters<typeof insertProject>[1], "slug"> & {
  /** Submitted with it. */
  ideas: { title: string; description: string }[];
};

/** Asks git about a repository that is to become a project. Throws `invalid` and `conflict`. */
export async function planProject(
  app: App,
  input: ProjectInput,
  signal: AbortSignal,
): Promise<PlannedProject> {
  const inspection = await proposeProject(app, input.path, signal);
  const name = input.name?.trim() || inspection.name;
  const baseBranch = input.baseBranch?.trim() || inspection.baseBranch;
  if (!(await tipOf(inspection.path, baseBranch, signal))) {
    throw noSuchBranch("make the project", baseBranch);
  }
  await checkToolchains(app, "make the project", input.toolchains ?? []);
  const commands = commandsFrom(input.commands ?? proposedTexts(inspection));
  return {
    name,
    path: inspection.path,
    baseBranch,
    commands,
    commandsAllowed: input.commandsAllowed ?? false,
    setupNetwork: input.setupNetwork ?? false,
    hosts: input.hosts,
    toolchains: input.toolchains,
    localFiles: input.localFiles,
    handsLimits: input.handsLimits,
    sample: false,
    ideas: [],
  };
}

/** Makes a project as planned. */
export function createProject(app: App, { ideas, ...project }: PlannedProject): Project {
  return transact(app, (tx) => {
    const created = insertProject(tx, { ...project, slug: freeSlug(tx, project.name) });
    tx.emit({ type: "project_created", projectId: created.id, data: { name: created.name } });
    for (const idea of ideas) submitIdea(within(tx, app), { projectId: created.id, ...idea });
    return created;
  });
}

const proposedTexts = ({ commands }: Inspection): Partial<Record<CommandName, string>> => ({
  setup: commands.setup?.command,
  build: commands.build?.command,
  test: commands.test?.command,
});

function noSuchBranch(doing: string, branch: string): AppError {
  const message = `The repository has no branch "${branch}"`;
  return new AppError("invalid", `Cannot ${doing}: ${message}`, [
    { field: "base_branch", message },
  ]);
}

/** Throws `invalid` for a folder that is not there, or that no sandbox may show; links are followed. */
export async function checkToolchains(app: App, doing: string, folders: string[]): Promise<void> {
  if (folders.length === 0) return;
  const options = {
    home: Deno.env.get("HOME") ?? "",
    dataDir: await Deno.realPath(app.config.dataDir),
  };
  for (const folder of folders) {
    const real = await Deno.realPath(folder).catch(() => null);
    const isFolder = real !== null && (await Deno.stat(real)).isDirectory;
    const why = whyNotShown(folder, options) ??
      (isFolder ? whyNotShown(real, options) : "is no folder of this machine");
    if (why === null) continue;
    const message = `"${folder}" ${why}`;
    throw new AppError("invalid", `Cannot ${doing}: ${message}`, [{
      field: "toolchains",
      message,
    }]);
  }
}

/** A project's commands with their time limits; empty texts are none. */
export function commandsFrom(texts: Partial<Record<CommandName, string>>): ProjectCommand[] {
  return commandNames.flatMap((name) => {
    const command = texts[name]?.trim();
    return command ? [{ name, command, timeoutMs: defaultTimeoutMs[name] }] : [];
  });
}

/**
 * The sample project: a real repository, which this makes in the data folder, with its first idea in the inbox.
 * Its own commands may run without a sandbox, since Gaffer itself brought them.
 */
export async function planSampleProject(app: App, signal: AbortSignal): Promise<PlannedProject> {
  const root = join(app.config.dataDir, "sample");
  await Deno.mkdir(root, { recursive: true });
  const path = await Deno.makeTempDir({ dir: root, prefix: `${sampleProject.slug}-` });
  await createRepository({
    path,
    files: sampleProject.files,
    message: "Start the sample project",
    signal,
  });
  return {
    name: sampleProject.name,
    path,
    baseBranch: "main",
    commands: commandsFrom(sampleProject.commands),
    commandsAllowed: true,
    setupNetwork: false,
    sample: true,
    // Only the first: with a key set, refining each costs something.
    ideas: sampleProject.ideas.slice(0, 1),
  };
}

/** Changes a project's settings. Commands given as empty text are taken away. */
export async function changeProject(
  app: App,
  id: string,
  changes: Omit<ProjectChanges, "commands"> & { commands?: Partial<Record<CommandName, string>> },
  signal: AbortSignal,
): Promise<Project> {
  const { path } = getProject(app.db, id);
  if (changes.baseBranch && !(await tipOf(path, changes.baseBranch, signal))) {
    throw noSuchBranch("change the project", changes.baseBranch);
  }
  await checkToolchains(app, "change the project", changes.toolchains ?? []);
  return transact(app, (tx) => {
    const before = getProject(tx.db, id);
    requireProjectUnlocked(tx.db, before, changes);
    const { commands, ...columns } = changes;
    return changeProjectIn(tx, id, {
      ...columns,
      ...(commands ? { commands: mergeCommands(before.commands, commands) } : {}),
    });
  });
}

/** The same for whoever is in a transaction. A new base branch is not looked for. */
export function changeProjectIn(tx: Tx, id: string, changes: ProjectChanges): Project {
  const before = getProject(tx.db, id);
  const project = updateProject(tx, id, changes);
  if ((before.tagsAllowed === null) !== (project.tagsAllowed === null)) {
    const type = project.tagsAllowed ? "tags_allowed" : "tags_not_allowed";
    tx.emit({ type, projectId: id, data: { name: project.name } });
  }
  tx.emit({
    type: "project_changed",
    projectId: id,
    data: { fields: Object.keys(changes) },
  });
  return project;
}

/** Commands with these texts in place of theirs; an empty one is none. */
export function mergeCommands(
  before: ProjectCommand[],
  texts: Partial<Record<CommandName, string>>,
): ProjectCommand[] {
  return commandNames.flatMap((name) => {
    const old = before.find((command) => command.name === name);
    const text = texts[name];
    if (text === undefined) return old ? [old] : [];
    const command = text.trim();
    return command ? [{ name, command, timeoutMs: old?.timeoutMs ?? defaultTimeoutMs[name] }] : [];
  });
}

/** Puts a project aside: nothing of it is deleted, what is under way comes to its end, and no queued ticket begins. */
export function archiveProject(app: App, id: string): Project {
  return transact(app, (tx) => {
    const project = moveProject(tx, id, "archived");
    tx.emit({ type: "project_archived", projectId: id });
    return project;
  });
}

function freeSlug(tx: Tx, name: string): string {
  const base = name.toLowerCase().normalize("NFKD").replace(/[^a-z0-9]+/g, "-")
    .replace(/^-+|-+$/g, "").slice(0, 40) || "project";
  let slug = base;
  for (let n = 2; slugTaken(tx.db, slug); n++) slug = `${base}-${n}`;
  return slug;
}
