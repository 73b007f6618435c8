/**
 * The agents that a project's repository brings along. Until a person trusts one it is inert; trust is in the
 * content that was seen, and falls away as soon as the file has another.
 */
import { posix } from "node:path";
import { parseDefinition } from "../../agents/prompts/definition.ts";
import { importDefinition } from "../../agents/prompts/foreign_definition.ts";
import {
  type AgentFile,
  AGENTS_FOLDER,
  readAgentFile,
  readAgentFiles,
} from "../../agents/inspect/agent_files.ts";
import { unifiedDiff } from "../../agents/tools/diff.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import type { Agent, Project, Run } from "../records.ts";
import {
  addVersion,
  findAgent,
  findAgentNamed,
  insertAgent,
  listSavedAgents,
  setActive,
} from "../store/agents.ts";
import { getProject } from "../store/projects.ts";
import { removeTrusted, setTrusted, trustedHash } from "../store/trusted.ts";
import { setDefinition } from "../store/agent_runs.ts";
import { findStart } from "../store/run_log.ts";
import { getRun } from "../store/runs.ts";
import { keptAgentFor, readDefinition } from "./definitions.ts";
import { modelOf } from "./models.ts";
import { furtherModels } from "./prices.ts";
import { baseTip } from "./places.ts";
import { goOnWith, waitForAgent } from "./runs.ts";

/** What a person sees before they trust a file. */
export interface RepositoryAgent {
  path: string;
  hash: string;
  /** `changed`: another content was trusted, or trusted once; `diff` tells how this one differs. */
  state: "untrusted" | "trusted" | "changed" | "unreadable";
  name: string;
  description: string;
  /** The definition that trusting it gives; of an unreadable file its own text. */
  text: string;
  /** What the file does not say, and what was put there. */
  assumed: string[];
  /** Why it can't be read. */
  problem: string | null;
  diff: string | null;
  /** The agent that was taken from it. */
  agentId: string | null;
}

/** The files at the tip of the project's base branch. Throws `not_found`, `conflict` when the branch is gone. */
export async function repositoryAgents(
  app: App,
  projectId: string,
  signal: AbortSignal,
): Promise<RepositoryAgent[]> {
  const project = getProject(app.db, projectId);
  const commit = await baseTip(project, signal);
  const files = await readAgentFiles(project.path, commit, signal);
  return await Promise.all(files.map((file) => describe(app, project, file)));
}

async function describe(app: App, project: Project, file: AgentFile): Promise<RepositoryAgent> {
  const { path, hash } = file;
  const read = readFile(app, file);
  if ("problem" in read) {
    const { problem } = read;
    const shared = { path, hash, assumed: [], diff: null, agentId: null, description: "" };
    return { ...shared, state: "unreadable", name: path, text: file.text, problem };
  }
  const agent = findAgentNamed(app.db, read.name, project.id);
  const taken = agent?.file?.path === path ? agent : null;
  const isNew = taken === null || taken.text === read.text;
  const state = taken?.trusted && taken.file?.hash === hash
    ? "trusted"
    : isNew
    ? "untrusted"
    : "changed";
  return {
    path,
    hash,
    state,
    name: read.name,
    description: read.description,
    text: read.text,
    assumed: read.assumed,
    problem: null,
    diff: state === "changed" ? await unifiedDiff(path, taken!.text, read.text) ?? null : null,
    agentId: taken?.id ?? null,
  };
}

type ReadFile =
  | { text: string; assumed: string[]; name: string; description: string; active: boolean }
  | { problem: string };

function readFile({ db }: App, { path, text }: AgentFile): ReadFile {
  const models = furtherModels(db);
  try {
    const imported = importDefinition(text, path, { models });
    const { name, description, active } = parseDefinition(imported.text, path, { models });
    return { ...imported, name, description, active };
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return { problem: messageOf(error) };
  }
}

/** The file at the path as it is now, to be trusted by `trustFile`. Throws `not_found`, `invalid`. */
export async function fileToTrust(
  app: App,
  projectId: string,
  path: string,
  signal: AbortSignal,
): Promise<AgentFile> {
  const project = getProject(app.db, projectId);
  // Git would follow a ".." out of the folder.
  const known = path.startsWith(`${AGENTS_FOLDER}/`) && path.endsWith(".md") &&
    posix.normalize(path) === path;
  const file = known
    ? await readAgentFile(project.path, await baseTip(project, signal), path, signal)
    : null;
  if (file) return file;
  throw new AppError("not_found", `"${project.name}" has no agent at "${path}"`);
}

/**
 * From now on the project works with this file's definition. Throws `conflict` when the file is not the one that the
 * person has seen (`hash`), or when the project has an agent of its own by that name.
 */
export function trustFile(app: App, projectId: string, file: AgentFile, hash: string): Agent {
  if (file.hash !== hash) {
    throw new AppError(
      "conflict",
      `Cannot trust "${file.path}": it has changed since you looked at it. Look again`,
    );
  }
  const read = readFile(app, file);
  if ("problem" in read) throw new AppError("invalid", read.problem);
  const { name, text, active } = read;
  return transact(app, (tx) => {
    const own = findAgentNamed(tx.db, name, projectId);
    if (own && own.file?.path !== file.path) {
      throw new AppError(
        "conflict",
        `Cannot trust "${file.path}": the project has a "${name}" of its own already`,
      );
    }
    const version = { text, origin: "repository", note: `From ${file.path}` } as const;
    setTrusted(tx, { projectId, kind: "agent", path: file.path, hash });
    const agent = own === null
      ? insertAgent(tx, { name, projectId, file }, version)
      : own.text === text && own.file?.hash === hash
      ? own
      : addVersion(tx, own.id, own.version, version, file);
    if (!active) setActive(tx, agent.id, false);
    tx.emit({
      type: "agent_trusted",
      projectId,
      data: { agent: name, agentId: agent.id, version: agent.version, path: file.path, hash },
    });
    goOnWith(app, tx, name);
    return findAgentNamed(tx.db, name, projectId)!;
  });
}

/** The project works with the definition that it had before. Throws `conflict` when nobody trusts the file. */
export function distrustFile(app: App, projectId: string, path: string): void {
  transact(app, (tx) => {
    const { id } = getProject(tx.db, projectId);
    if (!removeTrusted(tx, { projectId: id, kind: "agent", path })) {
      throw new AppError("conflict", `Cannot take trust from "${path}": nobody trusts it`);
    }
    tx.emit({ type: "agent_distrusted", projectId, data: { path } });
    const taken = listSavedAgents(tx.db).find((agent) =>
      agent.projectId === id && agent.file?.path === path
    );
    if (taken) goOnWith(app, tx, taken.name);
  });
}

/**
 * Before a run begins: where its definition was taken from a file of the repository and that file is another by now,
 * or gone, trust falls away, and the run gets the definition that is in force without it. Gives the run as it is then;
 * null: it may not begin, since that agent is disabled. Throws `conflict` for a trial: there is nothing left to try.
 */
export async function settleTrust(app: App, run: Run, signal: AbortSignal): Promise<Run | null> {
  // A global agent's id is its name, and no file of a repository makes one.
  if (run.definition === null || run.definition.agentId === run.agent) return run;
  const agent = findAgent(app.db, run.definition.agentId);
  if (!agent?.file || findStart(app.db, run.id)) return run;
  const project = getProject(app.db, run.projectId);
  const file = { projectId: project.id, kind: "agent", path: agent.file.path } as const;
  const commit = await baseTip(project, signal);
  const now = await readAgentFile(project.path, commit, agent.file.path, signal);
  return transact(app, (tx) => {
    const hash = trustedHash(tx.db, file);
    if (hash !== null && now?.hash === hash && agent.file?.hash === hash) return run;
    if (hash !== null && now?.hash !== hash) {
      removeTrusted(tx, file);
      tx.emit({
        type: "agent_distrusted",
        projectId: project.id,
        data: { agent: agent.name, agentId: agent.id, path: file.path, changed: true },
      });
      goOnWith(app, tx, agent.name);
    }
    if (run.trial) {
      throw new AppError("conflict", `Nobody trusts "${file.path}" as it is now`);
    }
    const inForce = keptAgentFor(app, tx, agent.name, project.id);
    const { definition } = readDefinition(app, inForce);
    const { model, maxTurns, maxCostMicroUsd } = definition
      ? { model: run.demo ? run.model : modelOf(app, definition).id, ...definition.limits }
      // It can't be read: nothing begins with it (`settleDefinition`).
      : run;
    setDefinition(tx, run.id, {
      definition: { agentId: inForce.id, version: inForce.version },
      model,
      maxTurns,
      maxCostMicroUsd,
    });
    const settled = getRun(tx.db, run.id);
    if (inForce.active) return settled;
    waitForAgent(tx, settled);
    return null;
  });
}
