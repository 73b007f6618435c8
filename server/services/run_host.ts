/** The runs as the agents see them: what each works with, and where what happens in it is recorded. */
import { dirname, join } from "node:path";
import { removeKeptOutputs } from "../../agents/kept_outputs.ts";
import { removeStaleOutputs } from "../../agents/output_files.ts";
import { type RepositoryMap, RepositoryMaps } from "../../agents/inspect/repository_map.ts";
import { type AgentDefinition, permissionsOf } from "../../agents/prompts/definition.ts";
import { listsMcpTool, mayUseServer, readMcpToolName } from "../../agents/mcp/names.ts";
import { McpServers } from "../../agents/mcp/servers.ts";
import { readContextFiles } from "../../agents/inspect/context_files.ts";
import { buildRunSpec, type PromptParts } from "../../agents/prompts/prompts.ts";
import { commonDirOf } from "../../agents/git/repository.ts";
import { checkpoint } from "../../agents/git/checkpoints.ts";
import { rangeDiff } from "../../agents/git/range_diff.ts";
import { pathRules } from "../../agents/policy.ts";
import { ToolError } from "../../agents/tools/tool.ts";
import { diffOf } from "../../agents/git/changes.ts";
import { rewindWorktree } from "../../agents/git/rewinding.ts";
import type { MemoryScope, Place, RunEventBody } from "../../agents/protocol.ts";
import { type Confinement, Paused, type RunContext, type RunHost } from "../../agents/runtime.ts";
import { worstCostMicroUsd } from "../../agents/loop/cost.ts";
import { operatorTextBound } from "../../agents/loop/history.ts";
import { personNote } from "../../agents/loop/notes.ts";
import { toolSpec } from "../../agents/tools/registry.ts";
import { actingAs, type App } from "../app.ts";
import { transact, transactSoon, type Tx } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import type { Check, Project, Run } from "../records.ts";
import { getIdea } from "../store/ideas.ts";
import { listActiveMcpServers } from "../store/mcp_servers.ts";
import { getProject } from "../store/projects.ts";
import { listQuestions } from "../store/questions.ts";
import {
  addWorkedMs,
  findRun,
  findStart,
  forkLimits,
  getRun,
  getRunHead,
  hasAsked,
  isPaused,
  listLastNotes,
  readRunLog,
  type RunHead,
  workedMs,
} from "../store/runs.ts";
import { getSubtask, listSubtasks } from "../store/subtasks.ts";
import { getTicket, updateTicket } from "../store/tickets.ts";
import type { Amount } from "../store/reservations.ts";
import { askApproval } from "./approvals.ts";
import { reserve } from "./budgets.ts";
import { definitionOfRun } from "./definitions.ts";
import { baseTip, newestFailure, placeOf, ticketTip, worktreeOf } from "./development.ts";
import { keptRef } from "./forking.ts";
import { asOffered } from "./models.ts";
import { carryOutMemory, memoryOfRun, planMemory, readMemory } from "./memory.ts";
import { priced } from "./prices.ts";
import { recordQuestions } from "./refinement.ts";
import { isActive, recordRunEvent } from "./runs.ts";
import { trialDefinition } from "./trials.ts";
import { viewOf } from "./views.ts";
import { listChecks } from "../store/checks.ts";

/** Binds the runs of this App to the agents. `app` is read when a run needs it, not before. */
export function createRunHost(app: () => App): RunHost {
  /** Of the runs at work, what never changes: it is asked for with each event, and with all that streams. */
  const heads = new Map<string, Pick<RunHead, "agent" | "ideaId" | "ticketId">>();
  const headOf = (runId: string) => {
    const head = heads.get(runId) ?? getRunHead(app().db, runId);
    heads.set(runId, head);
    return head;
  };
  const maps = new RepositoryMaps();
  return {
    prepare: (runId, signal) => prepare(app(), maps, runId, signal),
    log: (runId) => startedFirst(readRunLog(app().db, runId).map((event) => event.body)),
    mayGoOn: (runId) => !isPaused(app().db, runId),
    append: (runId, event) =>
      // Runs that get on in the same moment share a commit.
      transactSoon(actingAs(app(), headOf(runId).agent), (tx) => append(tx, runId, event)),
    worked(runId, ms) {
      heads.delete(runId);
      forgetCancelled(app(), runId);
      // Nobody waits for it: it shares the commit of what becomes of the run.
      transactSoon(app(), (tx) => addWorkedMs(tx, runId, ms)).catch((error) =>
        app().log.warn("how long a run has worked is not saved", {
          run: runId,
          error: messageOf(error),
        })
      );
    },
    delta(runId, turn, part, text) {
      const { ideaId, ticketId } = headOf(runId);
      app().hub.publish({ kind: "delta", runId, ideaId, ticketId, turn, part, text });
    },
    questions(runId, input) {
      const run = getRun(app().db, runId);
      // Its log shows what it would have asked.
      if (run.trial) return;
      transact(actingAs(app(), run.agent), (tx) => recordQuestions(tx, run, input));
    },
    approval(runId, call, question) {
      const run = getRun(app().db, runId);
      // Nobody asked for an explanation, so nobody is made to wait for one.
      if (run.purpose === "explain") return { status: "denied", reason: NOBODY_IS_ASKED };
      const { status, reason } = askApproval(actingAs(app(), run.agent), runId, call, question);
      return { status, reason };
    },
    memory(runId, scope) {
      const run = getRun(app().db, runId);
      const ref = memoryOfRun(app(), run, scope);
      if (!ref) return null;
      const acting = actingAs(app(), run.agent);
      return {
        read: () => readMemory(acting, ref),
        plan: (command) => planMemory(acting, ref, command),
        carryOut: (callId, command, intent) =>
          carryOutMemory(acting, { ref, run, callId, command, intent }),
      };
    },
    async diff(runId, question, { dir, paths, signal }) {
      const run = getRun(app().db, runId);
      const ticket = run.ticketId ? getTicket(app().db, run.ticketId) : null;
      if (!ticket?.baseCommit || !ticket.headCommit) {
        throw new ToolError("Cannot show a diff: this task has no change yet. Go on without it");
      }
      return await rangeDiff(question, {
        repo: getProject(app().db, run.projectId).path,
        dir,
        base: ticket.baseCommit,
        head: ticket.headCommit,
        rules: await pathRules(paths),
        signal,
      });
    },
    async checkpoint(runId, turn) {
      const run = getRun(app().db, runId);
      const ticket = getTicket(app().db, run.ticketId!);
      const { path, branch } = worktreeOf(app(), ticket);
      return await checkpoint({
        repo: getProject(app().db, run.projectId).path,
        worktree: path,
        branch,
        message: `Ticket #${ticket.number}, ${run.purpose}, turn ${turn}`,
        ...(ticket.headCommit ? { recorded: ticket.headCommit } : {}),
        signal: AbortSignal.timeout(CHECKPOINT_TIMEOUT_MS),
      });
    },
  };
}

/** What a loop or a tool has to say: on record, together with the room that a request takes. */
export function append(tx: Tx, runId: string, event: RunEventBody): void {
  const now = getRunHead(tx.db, runId);
  if (!isActive(now)) {
    throw new AppError("conflict", `Cannot append to the run: it is "${now.status}"`);
  }
  if (event.type === "turn_started") {
    // Somebody may have paused it since the loop was allowed to go on.
    if (now.pausedBy !== null) throw new Paused();
    reserve(tx, now, worstCaseOf(tx, runId, event));
  }
  recordRunEvent(tx, now, event);
  if (event.type === "checkpoint" && now.ticketId) {
    updateTicket(tx, now.ticketId, { headCommit: event.commit });
  }
}

/** The most that a request can use, with the notes that its loop hears of only now. */
function worstCaseOf(
  { db }: Tx,
  runId: string,
  { worstTokens = 0, worstCostMicroUsd: microUsd = 0, maxOutputTokens }: Extract<
    RunEventBody,
    { type: "turn_started" }
  >,
): Amount {
  const notes = listLastNotes(db, runId);
  if (notes.length === 0) return { microUsd, tokens: worstTokens };
  const noteTokens = notes.reduce(
    (sum, { by, text }) => sum + operatorTextBound(personNote(by!, text)),
    0,
  );
  const tokens = worstTokens + noteTokens;
  const { model } = findStart(db, runId)!.spec;
  return {
    microUsd: worstCostMicroUsd(model, tokens - maxOutputTokens, maxOutputTokens),
    tokens,
  };
}

const NOBODY_IS_ASKED = "nobody is asked while a failure is explained, use Read and Grep";

/** A checkpoint must be made even when the run was just cancelled: nothing may be lost. */
const CHECKPOINT_TIMEOUT_MS = 60_000;

/** What came before it, a note or a pause of a run that waited for its turn, belongs behind it. */
function startedFirst(log: RunEventBody[]): RunEventBody[] {
  const started = log.findIndex((event) => event.type === "started");
  return started <= 0 ? log : [log[started]!, ...log.toSpliced(started, 1)];
}

async function prepare(
  app: App,
  maps: RepositoryMaps,
  runId: string,
  signal: AbortSignal,
): Promise<Omit<RunContext, "log">> {
  const run = getRun(app.db, runId);
  const project = getProject(app.db, run.projectId);
  const definition = ownDefinition(app, run);
  if (run.forkedFrom && run.ticketId) await rewindFork(app, run, project, signal);
  const { place, commit } = await placeFor(app, run, project, signal);
  const start = findStart(app.db, runId);
  const outputDir = await runFolderOf(app, project, runId, "outputs");
  const keptDir = await runFolderOf(app, project, runId, "kept");
  const servers = await startServers(app, { project, definition, place, start }, signal);
  try {
    const { spec, permissions = permissionsOf(definition) } = start ??
      await recordStart(app, run, project, {
        commit,
        map: await maps.of(project.path, commit, signal),
        servers,
      }, signal);
    return {
      spec: { ...spec, limits: (run.forkedFrom && forkLimits(app.db, runId)) ?? spec.limits },
      workedMs: workedMs(app.db, runId),
      place,
      permissions,
      servers,
      // A developer in a trial edits nothing that a check could prove.
      commands: run.trial ? [] : checksOf(project),
      unconfinedAllowed: project.commandsAllowed,
      outputDir,
      keptDir,
    };
  } catch (error) {
    await servers.close();
    throw error;
  }
}

/** What the run works with; in a trial, what is left of that. */
function ownDefinition(app: App, run: Run): AgentDefinition {
  const definition = definitionOfRun(app, run);
  return run.trial ? trialDefinition(definition) : definition;
}

/** Those whose tools the run has, or may get where it begins only now. */
async function startServers(
  app: App,
  { project, definition, place, start }: {
    project: Project;
    definition: AgentDefinition;
    place: Place;
    start: StartedEvent | null;
  },
  signal: AbortSignal,
): Promise<McpServers> {
  const has = start
    ? (name: string) => start.spec.tools.some((tool) => readMcpToolName(tool.name)?.server === name)
    : (name: string) => mayUseServer(definition.mcpTools, name);
  const configs = listActiveMcpServers(app.db, project.id).filter(({ name }) => has(name));
  return configs.length === 0 ? McpServers.none : await app.agents.serve(place, configs, signal);
}

/** What the commands of a run print: while they are at work (outputs), and for as long as it is not over (kept). */
const runFolder = (app: App, { slug }: Project, runId: string, kind: "outputs" | "kept"): string =>
  join(app.config.dataDir, "projects", slug, kind, runId);

/** What a cancelled run kept goes with it; other ends are the runtime's to see. */
function forgetCancelled(app: App, runId: string): void {
  const run = findRun(app.db, runId);
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
    const run = findRun(app.db, id);
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

/** What run_checks may run: setup belongs to the worktree, not to the developer. */
const checksOf = (project: Project) => project.commands.filter((c) => c.name !== "setup");

/** The first event holds all that the run works with, so that a restart uses the same bytes. */
async function recordStart(
  app: App,
  run: Run,
  project: Project,
  { commit, map, servers }: { commit: string; map: RepositoryMap; servers: McpServers },
  signal: AbortSignal,
): Promise<StartedEvent> {
  const confinement = app.agents.status().confinement.kind;
  const definition = withoutWaiting(ownDefinition(app, run), run, confinement);
  const spec = buildRunSpec({
    runId: run.id,
    definition,
    model: run.demo
      ? app.catalog.demoModel
      : priced(app.db, asOffered(app, app.catalog.model(definition))),
    project: {
      name: project.name,
      slug: project.slug,
      commands: run.trial ? [] : checksOf(project),
    },
    instructions: map.instructions,
    confinement,
    task: {
      purpose: run.purpose,
      round: run.round,
      files: map.files,
      scripts: map.scripts,
      memory: memoryNotes(app, run, definition.memory),
      contextFiles: await readContextFiles(project.path, commit, {
        paths: definition.contextFiles,
        policy: definition.paths,
        signal,
      }),
      ...(run.ideaId ? ideaParts(app, run) : await ticketParts(app, run, project, signal)),
    },
    describeTool: (name, { result, commands }) =>
      toolSpec(name, { resultName: result, checkNames: commands.map((c) => c.name) }),
    mcpTools: servers.tools.filter(({ name }) => listsMcpTool(definition.mcpTools, name)),
  });
  const started: StartedEvent = {
    type: "started",
    spec,
    commit,
    permissions: permissionsOf(definition),
    ...(servers.problems.length > 0 && { serverProblems: servers.problems }),
  };
  await transactSoon(actingAs(app, run.agent), (tx) => recordRunEvent(tx, run, started));
  return started;
}

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

type StartedEvent = Extract<RunEventBody, { type: "started" }>;

type Parts = Omit<
  PromptParts,
  "project" | "commands" | "purpose" | "round" | "files" | "scripts" | "memory" | "contextFiles"
>;

function ideaParts(app: App, run: Run): Parts {
  const idea = getIdea(app.db, run.ideaId!);
  const isLater = run.purpose !== "clarify" && run.purpose !== "research";
  return {
    idea,
    feedback: idea.feedback,
    answers: listQuestions(app.db, idea.id),
    acceptance: isLater || idea.round > 1 ? idea.plan.acceptance : [],
    findings: isLater ? idea.plan.findings : [],
  };
}

async function ticketParts(
  app: App,
  run: Run,
  project: Project,
  signal: AbortSignal,
): Promise<Parts> {
  const ticket = getTicket(app.db, run.ticketId!);
  const checks = listChecks(app.db, ticket.id);
  if (run.purpose === "explain") {
    return { ticket, output: newestFailure(checks, ticket)?.tail ?? "" };
  }
  const subtasks = listSubtasks(app.db, ticket.id);
  const shared: Parts = {
    ticket,
    acceptance: ticket.acceptance,
    findings: ticket.ideaId ? getIdea(app.db, ticket.ideaId).plan.findings : [],
    answers: ticket.ideaId ? listQuestions(app.db, ticket.ideaId) : [],
    doneSubtasks: subtasks.filter((s) => s.status === "done"),
    // What failed before anyone touched it is not the developer's to find out.
    checks: checks.filter((check) => check.baseline && check.name !== "setup"),
  };
  switch (run.purpose) {
    case "develop": {
      const subtask = run.subtaskId
        ? { ...getSubtask(app.db, run.subtaskId), of: subtasks.length }
        : undefined;
      return { ...shared, subtask, guidance: ticket.guidance };
    }
    case "fix": {
      const failed = newestFailure(checks, ticket);
      return { ...shared, guidance: ticket.guidance, checkFailures: failed ? [failed] : [] };
    }
    case "change":
      return { ...shared, requestedChanges: { text: ticket.guidance, comments: [] } };
    default: {
      if (ticket.baseCommit === null || ticket.headCommit === null) return shared;
      const { text } = await diffOf({
        repo: project.path,
        from: ticket.baseCommit,
        to: ticket.headCommit,
        signal,
      });
      const shown = (check: Check) => check.baseline || check.commit === ticket.headCommit;
      return { ...shared, diff: text, checks: checks.filter(shown) };
    }
  }
}

/**
 * Developers edit in the ticket's worktree, its reviewer reads there; an idea's agents read a view of the
 * base branch, and a trial one of what it looks at. With the commit that is checked out in it.
 */
async function placeFor(
  app: App,
  run: Run,
  project: Project,
  signal: AbortSignal,
): Promise<{ place: Place; commit: string }> {
  if (run.ticketId && !run.trial) {
    const worktree = worktreeOf(app, getTicket(app.db, run.ticketId));
    const place = await placeOf(project, worktree, signal);
    const reads = run.purpose === "review" || run.purpose === "explain";
    return {
      place: { ...place, access: reads ? "read" : "write" },
      commit: await ticketTip(project, worktree, signal),
    };
  }
  const commit = (run.ticketId && getTicket(app.db, run.ticketId).headCommit) ||
    await baseTip(project, signal);
  const dir = await viewOf(app, project, commit, signal);
  const gitDir = await commonDirOf(project.path, signal);
  return { place: { dir, access: "read", gitDir }, commit };
}
