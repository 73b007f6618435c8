/**
 * A project's settings that its repository brings along. The file is inert until a person trusts exactly what it says;
 * from then on its settings are in force as they were trusted, also where the file says something else by now.
 */
import { createHash } from "node:crypto";
import { gitOk } from "../../agents/git/git.ts";
import { readTracked } from "../../agents/inspect/inspect.ts";
import { type ProjectConfig, readProjectConfig } from "../../agents/project_config.ts";
import { unifiedDiff } from "../../agents/tools/diff.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import { commandNames, type Project, PROJECT_CONFIG } from "../records.ts";
import { getCheckRules, putCheckRules } from "../store/check_rules.ts";
import { dropConfigNews } from "../store/config_news.ts";
import {
  deleteTrustedConfig,
  findTrustedConfig,
  putTrustedConfig,
  type TrustedConfig,
} from "../store/project_config.ts";
import { getProject } from "../store/projects.ts";
import { baseTip } from "./places.ts";
import { changeProjectIn, mergeCommands } from "./projects.ts";

/** What a person sees before they trust the file. */
export interface RepositoryConfig {
  /** `changed`: another text was trusted; `none`: the repository has no such file. */
  state: "none" | "untrusted" | "trusted" | "changed" | "unreadable";
  /** Of the file as it is on the base branch; null: there is none. */
  file: ConfigFile | null;
  /** Why it can't be read. */
  problem: string | null;
  /** From what was trusted to what the file says now. */
  diff: string | null;
  /** What is in force. */
  trusted: TrustedConfig | null;
}

/** Throws `not_found`, `conflict` when the base branch is gone. */
export async function repositoryConfig(
  app: App,
  projectId: string,
  signal: AbortSignal,
): Promise<RepositoryConfig> {
  const project = getProject(app.db, projectId);
  const trusted = findTrustedConfig(app.db, projectId);
  const file = await configFile(project, signal);
  if (file === null) return { state: "none", file, problem: null, diff: null, trusted };
  const problem = problemOf(file.text);
  const isTrusted = trusted?.hash === file.hash;
  const state = isTrusted
    ? "trusted"
    : problem !== null
    ? "unreadable"
    : trusted
    ? "changed"
    : "untrusted";
  const diff = trusted && !isTrusted
    ? await unifiedDiff(PROJECT_CONFIG, trusted.text, file.text) ?? null
    : null;
  return { state, file, problem, diff, trusted };
}

/** The repository's file at one moment. */
export interface ConfigFile {
  text: string;
  hash: string;
}

const configFile = async (project: Project, signal: AbortSignal): Promise<ConfigFile | null> =>
  await configFileAt(project, await baseTip(project, signal), signal);

/** The file as it is in a commit; null: there is none. Throws `GitError`. */
export async function configFileAt(
  project: Project,
  tip: string,
  signal: AbortSignal,
): Promise<ConfigFile | null> {
  const found = await readTracked(project.path, tip, PROJECT_CONFIG, signal);
  if (found === null) {
    await requireTold(project, tip, signal);
    return null;
  }
  return { text: found.text, hash: createHash("sha256").update(found.text).digest("hex") };
}

/** A git that was ended, or can't read the file, tells of none either. Throws `GitError` then. */
async function requireTold({ path }: Project, tip: string, signal: AbortSignal): Promise<void> {
  const options = { signal, doing: `read ${PROJECT_CONFIG}` };
  const entry = await gitOk(
    path,
    ["ls-tree", "-z", "--full-tree", tip, "--", PROJECT_CONFIG],
    options,
  );
  const [, blob] = /^\d{6} blob ([0-9a-f]+)\t/.exec(entry) ?? [];
  if (blob) await gitOk(path, ["cat-file", "-e", blob], options);
}

function problemOf(text: string): string | null {
  try {
    readProjectConfig(text);
    return null;
  } catch (error) {
    if (error instanceof AppError) return error.message;
    throw error;
  }
}

/** The file as it is now, to be trusted by `trustConfig`. Throws `not_found`, `invalid` with what is wrong in it. */
export async function configToTrust(
  app: App,
  projectId: string,
  signal: AbortSignal,
): Promise<{ text: string; hash: string; config: ProjectConfig }> {
  const project = getProject(app.db, projectId);
  const file = await configFile(project, signal);
  if (file === null) throw new AppError("not_found", `"${project.name}" has no ${PROJECT_CONFIG}`);
  return { ...file, config: readProjectConfig(file.text) };
}

/** Its settings are in force from now on. Throws `conflict` when it is not the text that the person has seen (`hash`). */
export function trustConfig(
  app: App,
  projectId: string,
  { text, hash, config }: Awaited<ReturnType<typeof configToTrust>>,
  seen: string,
): void {
  if (hash !== seen) {
    throw new AppError(
      "conflict",
      `Cannot trust ${PROJECT_CONFIG}: it has changed since you looked at it. Look again`,
    );
  }
  transact(app, (tx) => {
    putTrustedConfig(tx, projectId, { text, hash, lines: config.lines });
    dropConfigNews(tx, projectId);
    putInForce(tx, projectId, config);
    const data = { hash, settings: Object.keys(config.lines) };
    tx.emit({ type: "project_config_trusted", projectId, data });
  });
}

function putInForce(tx: Tx, projectId: string, config: ProjectConfig): void {
  const { commands } = getProject(tx.db, projectId);
  const changes = {
    ...Object.keys(config.commands).length > 0 &&
      { commands: mergeCommands(commands, config.commands) },
    ...config.localFiles && { localFiles: config.localFiles },
  };
  if (Object.keys(changes).length > 0) changeProjectIn(tx, projectId, changes);
  const rules = getCheckRules(tx.db, projectId);
  const ofCommands = Object.fromEntries(
    commandNames.map((name) => [name, { ...rules.commands[name], ...config.rules[name] }]),
  ) as typeof rules.commands;
  putCheckRules(tx, projectId, { ...rules, ...config.checks, commands: ofCommands });
}

/** Settings stay as they are, and can be changed again. Throws `conflict` when nobody trusts the file. */
export function distrustConfig(app: App, projectId: string): void {
  transact(app, (tx) => {
    getProject(tx.db, projectId);
    if (!deleteTrustedConfig(tx, projectId)) {
      throw new AppError("conflict", `Cannot take trust from ${PROJECT_CONFIG}: nobody trusts it`);
    }
    dropConfigNews(tx, projectId);
    tx.emit({ type: "project_config_distrusted", projectId });
  });
}
