/** The runs as the agents see them: what each works with, and where what happens in it is recorded. */
import { RepositoryMaps } from "../../agents/inspect/repository_map.ts";
import { checkpoint } from "../../agents/git/checkpoints.ts";
import { rangeDiff } from "../../agents/git/range_diff.ts";
import { pathRules } from "../../agents/policy.ts";
import { ToolError } from "../../agents/tools/tool.ts";
import type { RunEventBody } from "../../agents/protocol.ts";
import { Paused, type RunHost } from "../../agents/runtime.ts";
import { promptWithin, worstCostMicroUsd, worstTokens } from "../../agents/loop/cost.ts";
import { operatorTextBound } from "../../agents/loop/history.ts";
import { personNote } from "../../agents/loop/notes.ts";
import { actingAs, type App } from "../app.ts";
import { transact, transactSoon, type Tx, writeWaiting } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import { getProject } from "../store/projects.ts";
import { findStart, listLastNotes, readRunLog } from "../store/run_log.ts";
import { addWorkedMs, getRun, getRunHead, getRunState, type RunFacts } from "../store/runs.ts";
import { getTicket, updateTicket } from "../store/tickets.ts";
import type { Amount } from "../store/reservations.ts";
import { askApproval } from "./approvals.ts";
import { reserve } from "./budgets.ts";
import { worktreeOf } from "./places.ts";
import { carryOutMemory, memoryOfRun, planMemory, readMemory } from "./memory.ts";
import { faultInResult, recordPlanningQuestions } from "./planning_results.ts";
import { recordQuestions } from "./refinement.ts";
import { isActive, recordRunEvent, requireActive } from "./runs.ts";
import { forgetCancelled, prepareRun } from "./run_preparation.ts";

/** Binds the runs of this App to the agents. `app` is read when a run needs it, not before. */
export function createRunHost(app: () => App): RunHost {
  /** Of the runs at work, what never changes: it is asked for with each event, and with all that streams. */
  const heads = new Map<string, RunFacts>();
  const headOf = (runId: string): RunFacts => {
    const head = heads.get(runId) ?? getRunHead(app().db, runId);
    heads.set(runId, head);
    return head;
  };
  const maps = new RepositoryMaps();
  return {
    prepare: (runId, signal) => prepareRun(app(), maps, runId, signal),
    log: (runId) => startedFirst(readRunLog(app().db, runId).map((event) => event.body)),
    mayGoOn: (runId) => getRunState(app().db, runId).pausedBy === null,
    append(runId, event, { mayWait, failed } = { mayWait: false }) {
      const run = headOf(runId);
      // Runs that get on in the same moment share a commit.
      return transactSoon(actingAs(app(), run.agent), (tx) => append(tx, run, event), {
        patienceMs: mayWait ? PATIENCE_MS : 0,
        ...failed && { failed },
      });
    },
    hurry: () => writeWaiting(app().db),
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
      const record = run.askId ? recordPlanningQuestions : recordQuestions;
      transact(actingAs(app(), run.agent), (tx) => {
        // Somebody may have cancelled it a moment ago.
        const now = getRun(tx.db, runId);
        requireActive(now, "ask questions");
        record(tx, now, input);
      });
    },
    judge: (runId, result) => faultInResult(app(), runId, result),
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
    async checkpoint(runId, turn, paths) {
      const run = getRun(app().db, runId);
      const ticket = getTicket(app().db, run.ticketId!);
      const { path, branch } = worktreeOf(app(), ticket);
      return await checkpoint({
        repo: getProject(app().db, run.projectId).path,
        worktree: path,
        branch,
        message: `Ticket #${ticket.number}, ${run.purpose}, turn ${turn}`,
        ...paths && { paths },
        ...(ticket.headCommit ? { recorded: ticket.headCommit } : {}),
        signal: AbortSignal.timeout(CHECKPOINT_TIMEOUT_MS),
      });
    },
  };
}

/** What a loop or a tool has to say: on record, together with the room that a request takes. */
export function append(tx: Tx, run: RunFacts, event: RunEventBody): void {
  const now = getRunState(tx.db, run.id);
  if (!isActive(now)) {
    throw new AppError("conflict", `Cannot append to the run: it is "${now.status}"`);
  }
  if (event.type === "turn_started") {
    // Somebody may have paused it since the loop was allowed to go on.
    if (now.pausedBy !== null) throw new Paused();
    reserve(tx, run, worstCaseOf(tx, run.id, event));
  }
  recordRunEvent(tx, run, event);
  if (event.type === "checkpoint" && run.ticketId) {
    updateTicket(tx, run.ticketId, { headCommit: event.commit });
  }
}

/** The most that a request can use, with the notes that its loop hears of only now. */
function worstCaseOf(
  { db }: Tx,
  runId: string,
  {
    worstTokens: told = 0,
    worstCostMicroUsd: microUsd = 0,
    maxOutputTokens,
    webTools = [],
  }: Extract<RunEventBody, { type: "turn_started" }>,
): Amount {
  const notes = listLastNotes(db, runId);
  if (notes.length === 0) return { microUsd, tokens: told };
  const noteTokens = notes.reduce(
    (sum, { by, text }) => sum + operatorTextBound(personNote(by!, text)),
    0,
  );
  const { spec: { model, ...spec } } = findStart(db, runId)!;
  const tools = spec.tools.filter(({ web, name }) => !web || webTools.includes(name));
  const promptTokens = promptWithin(tools, told, maxOutputTokens) + noteTokens;
  return {
    microUsd: worstCostMicroUsd(model, promptTokens, maxOutputTokens, tools),
    tokens: worstTokens(tools, promptTokens, maxOutputTokens),
  };
}

const NOBODY_IS_ASKED = "nobody is asked while a failure is explained, use Read and Grep";

/** The loop says within a millisecond what comes next; held up, it keeps nobody who watches waiting. */
const PATIENCE_MS = 50;

/** A checkpoint must be made even when the run was just cancelled: nothing may be lost. */
const CHECKPOINT_TIMEOUT_MS = 60_000;

/** What came before it, a note or a pause of a run that waited for its turn, belongs behind it. */
function startedFirst(log: RunEventBody[]): RunEventBody[] {
  const started = log.findIndex((event) => event.type === "started");
  return started <= 0 ? log : [log[started]!, ...log.toSpliced(started, 1)];
}
