/** What follows when a run's loop ended: for the run, for its idea or ticket, and for its job. */
import { DOUBT_ID, DOUBT_NAME, doubtQuestion, isDoubtCall } from "../../agents/loop/doubt.ts";
import { fold } from "../../agents/loop/fold.ts";
import { knownEventTypes, unknownEvent } from "../../agents/loop/log.ts";
import type { RunOutcome } from "../../agents/protocol.ts";
import type { Decide, Outcome } from "../../queue/job.ts";
import type { App } from "../app.ts";
import { doAs, newId, type Tx } from "../db.ts";
import { messageOf } from "../errors.ts";
import type { Run } from "../records.ts";
import { type FailureReason, failureReasons } from "../states.ts";
import { listRunApprovals } from "../store/approvals.ts";
import { appendRunEvent, findEventBeyond, findStart, readRunLog } from "../store/run_log.ts";
import { getRun, moveRun } from "../store/runs.ts";
import { putBudgetWait } from "../store/reservations.ts";
import { readSetting } from "../store/settings.ts";
import { holdAgents } from "./agents.ts";
import { askApprovalIn } from "./approvals.ts";
import { forsake, roomless } from "./budgets.ts";
import { applyDevelopmentResult, failDevelopment } from "./development_results.ts";
import { type Attempt, failureOf } from "./faults.ts";
import { applyPlanningResult, workWaitingAnswersIn } from "./planning_results.ts";
import { applyRefinementResult, failRefinement } from "./refinement.ts";
import { settleTrust } from "./trust.ts";
import { beginRun, holdRun, settleDefinition, WAITS_FOR_APPROVAL } from "./runs.ts";

/**
 * Marks a run as working, unless it has ended or is paused. Throws `conflict`, and leaves the run as it is, when a
 * newer version has put something into its log.
 */
export function takeUpRun(tx: Tx, runId: string): void {
  const beyond = findEventBeyond(tx.db, runId, knownEventTypes);
  if (beyond) throw unknownEvent(runId, beyond.number, beyond.type);
  beginRun(tx, runId);
}

/**
 * Works on a run that was taken up until it ends, waits or is stopped. What comes of it is recorded with the end of
 * its job: never one without the other.
 */
export async function workRun(
  app: App,
  runId: string,
  job: Attempt,
  signal: AbortSignal,
): Promise<Outcome | Decide> {
  const run = getRun(app.db, runId);
  if (run.status !== "running" || run.pausedBy !== null) {
    return { type: "cancel", reason: "The run has ended or is paused" };
  }
  const hold = readSetting(app.db, "agents_hold");
  const outcome: RunOutcome = hold
    ? { type: "hold", reason: hold.reason, message: hold.message }
    : roomless(app, run) ?? await work(app, run, job, signal);
  const lastTry = job.attempt >= job.maxAttempts;
  // What follows from the agent's work is the agent's doing, in the history too.
  return (tx) =>
    doAs(tx, run.agent, (part) => {
      const now = getRun(part.db, runId);
      if (now.status !== "running") return { type: "done" };
      return end(app, part, now, outcome, lastTry);
    });
}

/** Attempts after which a run that meets a fault of our own fails with it; a network may fail more often. */
const FAULT_ATTEMPTS = 5;

/** The run's place may be gone or refuse us, which only a person can mend: that is an outcome, too. */
async function work(
  app: App,
  run: Run,
  { attempt }: Attempt,
  signal: AbortSignal,
): Promise<RunOutcome> {
  try {
    const settled = await settleTrust(app, run, signal);
    return settled && settleDefinition(app, settled)
      ? await app.agents.run(run.id, signal)
      : { type: "stopped" };
  } catch (error) {
    const reason = failureOf(error, { attempt, maxAttempts: FAULT_ATTEMPTS }, signal);
    if (reason === null) throw error;
    return { type: "failed", reason, message: messageOf(error) };
  }
}

function end(app: App, tx: Tx, run: Run, outcome: RunOutcome, lastTry: boolean): Outcome {
  if (outcome.type === "hold" && !readSetting(tx.db, "agents_hold")) {
    holdAgents(tx, outcome.reason, outcome.message);
  }
  const over = outcome.type === "succeeded" || outcome.type === "failed";
  if (run.pausedBy !== null && !over) {
    // Whatever it would have waited for, first it waits for the person who paused it.
    holdRun(tx, run, run.pausedBy);
    return { type: "done" };
  }
  switch (outcome.type) {
    case "succeeded":
      appendRunEvent(tx, run, { type: "succeeded", result: outcome.result });
      moveRun(tx, run.id, "succeeded", { result: outcome.result });
      forsake(tx, run);
      if (run.trial) return { type: "done" };
      if (run.askId) applyPlanningResult(app, tx, run, outcome.result);
      else if (run.ideaId) applyRefinementResult(tx, run, outcome.result);
      else applyDevelopmentResult(app, tx, run, outcome.result);
      return { type: "done" };
    case "failed":
      failRun(app, tx, run, outcome.reason, outcome.message);
      return { type: "done" };
    case "suspended":
      // The decision may have come while the rest of the turn was still at work: then it goes right on.
      if (!listRunApprovals(tx.db, run.id).some((a) => a.status === "pending")) {
        return { type: "snooze", ms: 0, reason: "The approval is decided" };
      }
      wait(tx, run, WAITS_FOR_APPROVAL, null);
      return { type: "done" };
    case "hold":
      wait(tx, run, outcome.message, outcome.reason);
      return { type: "done" };
    case "budget":
      return waitForRoom(tx, run, outcome);
    case "in_doubt":
      askAboutDoubt(app, tx, run, outcome);
      return { type: "done" };
    case "retry": {
      if (lastTry) {
        failRun(app, tx, run, outcome.reason, outcome.message);
        return { type: "done" };
      }
      // A lost worker is our own fault: no wait to show, and no try used up. (Null: none came up at all.)
      if (outcome.reason === "worker_lost" && outcome.afterMs !== null) {
        return { type: "snooze", ms: outcome.afterMs, reason: outcome.message };
      }
      wait(tx, run, `${outcome.message}. ${failureReasons[outcome.reason].mend}`, outcome.reason);
      return {
        type: "retry",
        reason: outcome.message,
        failure: outcome.reason,
        ...(outcome.afterMs === null ? {} : { afterMs: outcome.afterMs }),
      };
    }
    case "stopped":
      // The runner puts the job back when it shuts down; the run goes on from its log.
      return { type: "snooze", ms: 0, reason: "The run was stopped" };
  }
}

/** It comes back at the end of the window, or sooner: see `wakeWaiting` in budgets.ts. */
function waitForRoom(
  tx: Tx,
  run: Run,
  { message, need, untilMs }: Extract<RunOutcome, { type: "budget" }>,
): Outcome {
  wait(tx, run, message, "budget");
  putBudgetWait(tx, run.id, need);
  if (untilMs === null) return { type: "done" };
  return { type: "snooze", ms: Math.max(0, untilMs - tx.nowMs), reason: message };
}

/** A person decides whether it goes on; where nobody is asked it ends at its limit, as it would by a no. */
function askAboutDoubt(
  app: App,
  tx: Tx,
  run: Run,
  { reason, message }: Extract<RunOutcome, { type: "in_doubt" }>,
): void {
  if (run.purpose === "explain") return failRun(app, tx, run, reason, message);
  const asked = listRunApprovals(tx.db, run.id)
    .some(({ status, callId }) => status === "pending" && isDoubtCall(callId));
  if (!asked) {
    const { spec } = findStart(tx.db, run.id)!;
    const state = fold(spec, readRunLog(tx.db, run.id).map(({ body }) => body));
    const call = { id: newId(DOUBT_ID), name: DOUBT_NAME };
    askApprovalIn(app, tx, { runId: run.id, call, question: doubtQuestion(state) });
  }
  wait(tx, run, WAITS_FOR_APPROVAL, null);
}

function wait(tx: Tx, run: Run, reason: string, failure: FailureReason | null): void {
  appendRunEvent(tx, run, { type: "waiting", reason, failure });
  moveRun(tx, run.id, "waiting", { waitReason: reason, failure });
}

/** Ends a run as failed, with what that means for its idea or ticket. */
export function failRun(
  app: App,
  tx: Tx,
  run: Run,
  reason: FailureReason,
  message: string,
): void {
  appendRunEvent(tx, run, { type: "failed", reason, message });
  moveRun(tx, run.id, "failed", { failure: reason, error: message });
  forsake(tx, run);
  if (run.trial) return;
  // Of an ask about a document the run itself tells.
  if (run.askId) workWaitingAnswersIn(app, tx, run.askId);
  else if (run.ideaId) failRefinement(tx, run, reason, message);
  else failDevelopment(app, tx, run, reason, message);
}
