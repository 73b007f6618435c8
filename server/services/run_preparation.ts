/** What a run works with, made from the database and the repository: its place, its tools, its task. */
import { dirname, join } from "node:path";
import { removeKeptOutputs } from "../../agents/kept_outputs.ts";
import { removeStaleOutputs } from "../../agents/output_files.ts";
import { type RepositoryMap, RepositoryMaps } from "../../agents/inspect/repository_map.ts";
import { type AgentDefinition, permissionsOf } from "../../agents/prompts/definition.ts";
import { listsMcpTool, mayUseServer, readMcpToolName } from "../../agents/mcp/names.ts";
import { McpServers } from "../../agents/mcp/servers.ts";
import { readContextFiles } from "../../agents/inspect/context_files.ts";
import { buildRunSpec } from "../../agents/prompts/prompts.ts";
import { commonDirOf } from "../../agents/git/repository.ts";
import { rewindWorktree } from "../../agents/git/rewinding.ts";
import type {
  MemoryScope,
  Permissions,
  Place,
  RunEventBody,
  RunSpec,
} from "../../agents/protocol.ts";
import { type Confinement, type RunContext } from "../../agents/runtime.ts";
import { toolSpec } from "../../agents/tools/registry.ts";
import { domainsOf, isWebTool, webToolNames, webToolSpec } from "../../agents/web/web_tools.ts";
import { actingAs, type App } from "../app.ts";
import { transact, transactSoon } from "../db.ts";
import { AppError } from "../errors.ts";
import { once } from "../once.ts";
import type { Project, Run, Ticket } from "../records.ts";
import { listActiveMcpServers } from "../store/mcp_servers.ts";
import { getProject } from "../store/projects.ts";
import { findStart, forkLimits, hasAsked } from "../store/run_log.ts";
import { findRunHead, getRun, getRunState, workedMs } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { documentsForRun } from "./document_context.ts";
import { definitionOfRun } from "./definitions.ts";
import { requireMergeHere } from "./deploying.ts";
import { equipped, reaching } from "./equipment.ts";
import { baseTip, followBranch, placeOf, ticketTip, worktreeOf } from "./places.ts";
import { keptRef } from "./forking.ts";
import { asOffered, modelOf } from "./models.ts";
import { memoryOfRun, readMemory } from "./memory.ts";
import { priced } from "./prices.ts";
import { readyChecks, takeKnownBases, toldChecks } from "./run_checks.ts";
import { isActive, recordRunEvent } from "./runs.ts";
import { readingDefinition, trialDefinition } from "./trials.ts";
import { readsView, viewOf } from "./views.ts";
import { taskOf } from "./run_task.ts";

export async function prepareRun(
  app: App,
  maps: RepositoryMaps,
  runId: string,
  signal: AbortSignal,
): Promise<Omit<RunContext, "log">> {
  const run = getRun(app.db, runId);
  const project = getProject(app.db, run.projectId);
  // What has begun goes on with what its log says, also when nobody can read the definition any more.
  const definition = once(() => ownDefinition(app, run));
  if (run.forkedFrom && run.ticketId) await rewindFork(app, run, project, signal);
  const { place, commit, shown = commit } = await placeFor(app, run, project, signal);
  const start = findStart(app.db, runId);
  const outputDir = await runFolderOf(app, project, runId, "outputs");
  const keptDir = await runFolderOf(app, project, runId, "kept");
  // Before the task is written, which tells of what the base said.
  // A developer in a trial edits nothing that a check could prove.
  if (!run.trial) takeKnownBases(app, run, project);
  const commands = run.trial ? [] : readyChecks(app, run, project);
  const servers = await startServers(app, { project, definition, place, start }, signal);
  try {
    const { spec, permissions = permissionsOf(definition()), tags = [] } = start ??
      await recordStart(app, run, project, {
        commit,
        map: await maps.of(project.path, shown, signal),
        servers,
      }, signal);
    return {
      spec: { ...spec, limits: (run.forkedFrom && forkLimits(app.db, runId)) ?? spec.limits },
      workedMs: workedMs(app.db, runId),
      // Only what its first event says is a way out: an older run gets none after the fact.
      place: tags.includes("outbound")
        ? reaching(place, run.id, hostsOf(spec, permissions))
        : place,
      permissions: tags.includes("outbound") ? permissions : { ...permissions, checkHosts: [] },
      servers,
      commands,
      unconfinedAllowed: project.commandsAllowed,
      tagsAllowed: () => getProject(app.db, project.id).tagsAllowed !== null,
      outputDir,
      keptDir,
    };
  } catch (error) {
    await servers.close();
    throw error;
  }
}

/**
 * What the run works with; in a trial, what is left of that. About a document it reads: what it wants changed there is
 * suggested to a person.
 */
function ownDefinition(app: App, run: Run): AgentDefinition {
  const definition = definitionOfRun(app, run);
  if (run.trial) return trialDefinition(definition);
  return run.askId ? readingDefinition(definition) : definition;
}

/** Those whose tools the run has, or may get where it begins only now. */
async function startServers(
  app: App,
  { project, definition, place, start }: {
    project: Project;
    definition: () => AgentDefinition;
    place: Place;
    start: StartedEvent | null;
  },
  signal: AbortSignal,
): Promise<McpServers> {
  const has = start
    ? (name: string) => start.spec.tools.some((tool) => readMcpToolName(tool.name)?.server === name)
    : (name: string) => mayUseServer(definition().mcpTools, name);
  const configs = listActiveMcpServers(app.db, project.id).filter(({ name }) => has(name));
  return configs.length === 0 ? McpServers.none : await app.agents.serve(place, configs, signal);
}

/** What the commands of a run print: while they are at work (outputs), and for as long as it is not over (kept). */
const runFolder = (app: App, { slug }: Project, runId: string, kind: "outputs" | "kept"): string =>
  join(app.config.dataDir, "projects", slug, kind, runId);

/** What a cancelled run kept goes with it; other ends are the runtime's to see. */
export function forgetCancelled(app: App, runId: string): void {
  const run = findRunHead(app.db, runId);
  if (run === null || isActive(run)) return;
  removeKeptOutputs(runFolder(app, getProject(app.db, run.projectId), runId, "kept"));
}

/** Of runs that were cancelled, some may be left. */
async function runFolderOf(
  app: App,
  project: Project,
  runId: string,
  kind: "outputs" | "kept",
): Promise<string> {
  const dir = runFolder(app, project, runId, kind);
  await removeStaleOutputs(dirname(dir), (id) => {
    const run = findRunHead(app.db, id);
    return run !== null && isActive(run);
  });
  return dir;
}

/**
 * A fork's worktree is put back to where its last copied turn left it. Until its own first request that can be done
 * any number of times: nothing was edited since.
 */
async function rewindFork(
  app: App,
  run: Run,
  project: Project,
  signal: AbortSignal,
): Promise<void> {
  if (hasAsked(app.db, run.id)) return;
  const ticket = getTicket(app.db, run.ticketId!);
  const { path, branch } = worktreeOf(app, ticket);
  const keep = keptRef(run.id);
  const moved = await rewindWorktree({
    repo: project.path,
    worktree: await Deno.realPath(path),
    branch,
    to: ticket.headCommit!,
    keep,
    message: `Ticket #${ticket.number}, what was there before run ${run.id}`,
    signal,
  });
  if (!moved) return;
  transact(app, (tx) =>
    tx.emit({
      type: "branch_rewound",
      projectId: ticket.projectId,
      ticketId: ticket.id,
      data: { commit: ticket.headCommit, kept: keep },
    }));
}

/** The first event holds all that the run works with, so that a restart uses the same bytes. */
async function recordStart(
  app: App,
  run: Run,
  project: Project,
  { commit, map, servers }: { commit: string; map: RepositoryMap; servers: McpServers },
  signal: AbortSignal,
): Promise<StartedEvent> {
  const confinement = app.agents.status().confinement.kind;
  const definition = withoutWeb(
    withoutWaiting(ownDefinition(app, run), run, confinement),
    run,
  );
  const documents = await documentsForRun(
    app,
    { run, project, policy: definition.paths },
    signal,
  );
  const spec = buildRunSpec({
    runId: run.id,
    definition,
    model: run.demo
      ? app.catalog.demoModel
      : priced(app.db, asOffered(app, modelOf(app, definition))),
    project: {
      name: project.name,
      slug: project.slug,
      commands: run.trial ? [] : toldChecks(app, project),
    },
    instructions: map.instructions,
    confinement,
    task: {
      purpose: run.purpose,
      round: run.round,
      files: map.files,
      scripts: map.scripts,
      memory: memoryNotes(app, run, definition.memory),
      documents,
      contextFiles: await readContextFiles(project.path, commit, {
        paths: definition.contextFiles,
        policy: definition.paths,
        signal,
      }),
      ...await taskOf(app, run, project, signal),
    },
    describeTool: (name, { result, commands }) =>
      isWebTool(name)
        ? webToolSpec(name, definition.hosts)!
        : toolSpec(name, { resultName: result, checkNames: commands.map((c) => c.name) }),
    mcpTools: servers.tools.filter(({ name }) => listsMcpTool(definition.mcpTools, name)),
  });
  const permissions: Permissions = {
    ...permissionsOf(definition),
    ...project.hosts.length > 0 && { checkHosts: project.hosts },
  };
  const started: StartedEvent = {
    type: "started",
    spec,
    commit,
    permissions,
    ...confinement === "bubblewrap" && hasWayOut(spec, permissions) && { tags: ["outbound"] },
    ...(servers.problems.length > 0 && { serverProblems: servers.problems }),
    ...documents.length > 0 && {
      documents: documents.map(({ id, path, title, version }) => ({ id, path, title, version })),
    },
  };
  await transactSoon(actingAs(app, run.agent), (tx) => {
    // Somebody may have cancelled it while this was worked out, and nothing follows the end of a log.
    const now = getRunState(tx.db, run.id);
    if (!isActive(now)) {
      throw new AppError("conflict", `Cannot begin the run: it is "${now.status}"`);
    }
    recordRunEvent(tx, run, started);
  });
  return started;
}

/** Those that its commands may reach; an agent without commands has nothing to reach them with. */
const hostsOf = ({ tools }: RunSpec, { hosts }: Permissions): string[] =>
  tools.some(({ name }) => name === "Bash") ? hosts : [];

/** Its own commands, or the checks of the project that it may run, reach hosts. */
const hasWayOut = (spec: RunSpec, permissions: Permissions): boolean =>
  hostsOf(spec, permissions).length > 0 ||
  (permissions.checkHosts ?? []).length > 0 && spec.tools.some(({ name }) => name === "run_checks");

/** What the agent's earlier runs have noted. A memory that can't be read stops no run: the tool says why. */
function memoryNotes(app: App, run: Run, scope: MemoryScope): { path: string; text: string }[] {
  const ref = memoryOfRun(app, run, scope);
  if (!ref) return [];
  try {
    return [...readMemory(app, ref)].map(([path, text]) => ({ path, text }));
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    app.log.warn("a run begins without its memory", { run: run.id, error: error.message });
    return [];
  }
}

/** Where each command waits for a person, whoever explains a failure does without: the ticket goes on by itself. */
function withoutWaiting(
  definition: AgentDefinition,
  { purpose }: Run,
  confinement: Confinement["kind"],
): AgentDefinition {
  if (purpose !== "explain" || confinement !== "process") return definition;
  return { ...definition, disallowedTools: [...definition.disallowedTools, "Bash"] };
}

/**
 * The demo model reaches nothing; nobody is asked while a failure is explained; and an agent all of whose hosts are
 * addresses has no domain that it could search.
 */
function withoutWeb(definition: AgentDefinition, { demo, purpose }: Run): AgentDefinition {
  const reaches = !demo && purpose !== "explain" && domainsOf(definition.hosts)?.length !== 0;
  if (reaches) return definition;
  return { ...definition, disallowedTools: [...definition.disallowedTools, ...webToolNames] };
}

type StartedEvent = Extract<RunEventBody, { type: "started" }>;

/**
 * Developers edit in the ticket's worktree, its reviewer reads there; an idea's agents read a view of the
 * base branch, a trial one of what it looks at, and the deployer one of what was merged. With the commit that is checked out in it;
 * `shown`: another one, of the same code with the documents as they are.
 */
async function placeFor(
  app: App,
  run: Run,
  project: Project,
  signal: AbortSignal,
): Promise<{ place: Place; commit: string; shown?: string }> {
  if (run.ticketId && !readsView(run)) {
    const ticket = getTicket(app.db, run.ticketId);
    const worktree = worktreeOf(app, ticket);
    if (!findStart(app.db, run.id)) await followBranch(project, ticket, worktree, signal);
    const place = await placeOf(project, worktree, signal);
    const reads = run.purpose === "review" || run.purpose === "explain";
    return {
      place: { ...place, access: reads ? "read" : "write" },
      commit: await ticketTip(project, worktree, signal),
    };
  }
  const ticket = run.ticketId ? getTicket(app.db, run.ticketId) : null;
  if (ticket && isDeployment(run)) await requireMergeHere(app, ticket.id, signal);
  const commit = (ticket && commitOf(ticket, run)) || await baseTip(project, signal);
  const shown = run.askId ? await documentsOver(app, project, commit, signal) : commit;
  const dir = await viewOf(app, { project, commit: shown, runId: run.id }, signal);
  const gitDir = await commonDirOf(project.path, signal);
  return { place: equipped(project, { dir, access: "read", gitDir }), commit, shown };
}

async function documentsOver(app: App, project: Project, commit: string, signal: AbortSignal) {
  const { withDocuments } = await import("./planning_view.ts");
  return await withDocuments(app, { project, commit }, signal);
}

/** What is deployed is what came onto the base branch: a squashed commit, as a rule. */
const commitOf = ({ headCommit, mergeCommit }: Ticket, run: Run): string | null =>
  isDeployment(run) ? mergeCommit : headCommit;

const isDeployment = ({ purpose, trial }: Run): boolean => purpose === "deploy" && !trial;
