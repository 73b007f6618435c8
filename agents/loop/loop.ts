/**
 * Turn after turn until the agent has handed in its result. Everything the loop touches is passed in, and what
 * it does next follows from the log alone: each step is on disk before the one after it begins.
 */
import {
  type NoteEvent,
  noUsage,
  type RunEventBody,
  type RunOutcome,
  type RunSpec,
  type ToolCall,
  type ToolResult,
} from "../protocol.ts";
import type { FailureReason } from "../../server/states.ts";
import type { DeltaKind, Model, TurnAnswer } from "./turn.ts";
import { TurnError } from "./turn.ts";
import { costMicroUsd } from "./cost.ts";
import { priceFor } from "../models.ts";
import { isInDoubt, mostUsed } from "./doubt.ts";
import { apply, callsOf, fold, worstOf } from "./fold.ts";
import { summaryOf } from "./history.ts";
import { passedBy, toBeSummed, usd } from "./limits.ts";
import { isExcused, kindOfFailure, type LoopState } from "./loop_state.ts";
import { retryDelay } from "./retry_delay.ts";
import { nextStep, type Step } from "./steps.ts";

export { fold } from "./fold.ts";
export { MAX_TRIES, MAX_WAIT_MS } from "./retry_delay.ts";

export interface LoopDeps {
  spec: RunSpec;
  /** What is on disk already: empty, or beginning with `started`. */
  log: readonly RunEventBody[];
  model: Model;
  /**
   * Resolves when the event is on disk. Rejects when `signal` aborts. `calls`: the turn's, for which `tools` is asked
   * next, whatever else happens: they may be passed on already, to be begun when the event is on disk.
   */
  append(event: RunEventBody, calls?: ToolCall[]): Promise<void>;
  /**
   * Does the calls of a turn; results that come back are on disk before what `append` is given next. `suspended`: some
   * wait for a person. Rejects when `signal` aborts.
   */
  tools(turn: number, calls: ToolCall[]): Promise<{ results: ToolResult[]; suspended: boolean }>;
  /**
   * Persons' notes that the log has before what `append` or `tools` answered last, each once. A note that came
   * later must wait for the next answer, or the history would differ from the one that the log gives.
   */
  heard?(): NoteEvent[];
  /** What streams; not stored. */
  delta(turn: number, kind: DeltaKind, text: string): void;
  /** A clock that never goes back. */
  nowMs(): number;
  /** Rejects when `signal` aborts. */
  delay(ms: number, signal: AbortSignal): Promise<void>;
  /** At least 0, less than 1. */
  random(): number;
  signal: AbortSignal;
  /** Time the loop worked before, in earlier lives. */
  elapsedMs: number;
}

interface Life extends LoopDeps {
  /** So much time was the service's, which fails, and none that the run has worked. */
  excuse(ms: number): void;
}

/** Runs or continues one run until it ends, waits or is stopped. Throws only for faults in what was passed in. */
export async function runLoop(deps: LoopDeps): Promise<RunOutcome> {
  const state = fold(deps.spec, deps.log);
  // A life that was killed told nobody how long it had worked, but its log tells nearly all of it.
  const beforeMs = Math.max(deps.elapsedMs, state.elapsedMs);
  const startMs = deps.nowMs();
  let excusedMs = 0;
  const life: Life = { ...deps, excuse: (ms) => excusedMs += ms };
  try {
    if (state.sent && !state.ended) await record(state, deps, cutOff(state));
    for (;;) {
      deps.signal.throwIfAborted();
      const elapsedMs = Math.round(beforeMs + deps.nowMs() - startMs - excusedMs);
      const outcome = await take(nextStep(state, elapsedMs), state, life);
      if (outcome) return outcome;
    }
  } catch (error) {
    if (deps.signal.aborted) return { type: "stopped" };
    throw error;
  }
}

/**
 * The end, for the log, of a request that an earlier life had sent when it was cut off: it is sent again, and
 * what it cost nobody will tell.
 */
function cutOff({ turns, sent }: LoopState): RunEventBody {
  return {
    type: "turn_failed",
    turn: turns + 1,
    reason: "worker_lost",
    message: `${CUT_OFF}: it may have cost up to ${
      usd(sent!.worstCostMicroUsd)
    }, and is sent again`,
    usage: noUsage,
    costMicroUsd: 0,
    retryInMs: 0,
  };
}

/** How the message begins with which a later life ends an earlier one's request. */
export const CUT_OFF = "A restart cut the request off";

async function take(step: Step, state: LoopState, deps: Life): Promise<RunOutcome | null> {
  switch (step.type) {
    case "end":
      return step.outcome;
    case "append":
      await record(state, deps, step.event);
      return null;
    case "tools":
      return await useTools(step.turn, step.calls, state, deps);
    case "send":
      return await ask(step, state, deps);
  }
}

async function record(state: LoopState, deps: LoopDeps, event: RunEventBody): Promise<void> {
  const calls = event.type === "turn_finished" ? callsOf(event.content) : [];
  await (calls.length > 0 ? deps.append(event, calls) : deps.append(event));
  takeNotes(state, deps);
  apply(state, event);
}

function takeNotes(state: LoopState, deps: LoopDeps): void {
  for (const note of deps.heard?.() ?? []) apply(state, note);
}

async function useTools(
  turn: number,
  calls: ToolCall[],
  state: LoopState,
  deps: LoopDeps,
): Promise<RunOutcome | null> {
  const { results, suspended } = await deps.tools(turn, calls);
  takeNotes(state, deps);
  for (const result of results) apply(state, { type: "tool_finished", turn, result });
  if (suspended) return { type: "suspended" };
  const missing = calls.filter(({ id }) =>
    state.open?.turn === turn && !state.open.results.has(id)
  );
  if (missing.length > 0) {
    throw new Error(`Cannot go on: the call "${missing[0]!.id}" brought no result`);
  }
  return null;
}

/** One request. Null: the loop goes on, with the answer or with another try. */
async function ask(
  { maxOutputTokens, elapsedMs, compacts }: Extract<Step, { type: "send" }>,
  state: LoopState,
  deps: Life,
): Promise<RunOutcome | null> {
  const { model: spec, system, tools } = state.spec;
  const turn = state.turns + 1;
  if (state.retryInMs > 0) {
    const waitsSinceMs = deps.nowMs();
    await deps.delay(state.retryInMs, deps.signal);
    deps.excuse(deps.nowMs() - waitsSinceMs);
  }
  const kind = compacts ? { compacts } : {};
  const { worstTokens, worstCostMicroUsd } = worstOf(state, maxOutputTokens, compacts);
  const webTools = tools.filter((tool) => tool.web).map(({ name }) => name);
  await record(state, deps, {
    type: "turn_started",
    turn,
    maxOutputTokens,
    elapsedMs,
    worstTokens,
    worstCostMicroUsd,
    ...kind,
    ...webTools.length > 0 && { webTools },
  });
  const passed = passedBy(state);
  if (passed !== null) {
    await record(state, deps, {
      type: "turn_failed",
      turn,
      reason: passed,
      message:
        "The request was not sent: a note came that made it longer than the run's limits allow",
      usage: noUsage,
      costMicroUsd: 0,
      retryInMs: 0,
    });
    return null;
  }
  const messages = compacts ? toBeSummed(state) : state.messages;
  const sentMs = deps.nowMs();
  let answer: TurnAnswer;
  try {
    answer = await deps.model.turn(
      { model: spec, system, tools, messages, maxOutputTokens, ...kind },
      { signal: deps.signal, onDelta: (kind, text) => deps.delta(turn, kind, text) },
    );
  } catch (error) {
    // Also when the loop was told to stop: what is known to be paid must be in the log.
    if (!(error instanceof TurnError)) throw error;
    return await recordFailure({ turn, error, sentMs, compacts }, state, deps);
  }
  const summary = compacts ? summaryOf(answer.content) : null;
  const problem = problemWith(answer, maxOutputTokens, state, compacts) ??
    (compacts && !summary ? problemOf(answer, "stream_broken", "it holds no summary") : null);
  if (problem) return await recordFailure({ turn, error: problem, sentMs, compacts }, state, deps);
  const { content, stopReason, usage, requestId, withoutTools } = answer;
  const paid = {
    usage,
    costMicroUsd: costMicroUsd(spec, usage),
    price: priceFor(spec, usage),
    requestId,
    durationMs: Math.round(deps.nowMs() - sentMs),
  };
  await record(
    state,
    deps,
    summary ? { type: "compacted", turn, content: summary, ...paid } : {
      type: "turn_finished",
      turn,
      content,
      stopReason,
      ...paid,
      ...withoutTools && { withoutTools },
    },
  );
  return null;
}

const problemOf = ({ usage }: TurnAnswer, reason: FailureReason, why: string): TurnError =>
  new TurnError(reason, `Cannot use the answer: ${why}`, { retryAfterMs: null, usage });

/** An answer that came whole and still can't be used; it is paid, and never becomes part of the history. */
function problemWith(
  answer: TurnAnswer,
  maxOutputTokens: number,
  state: LoopState,
  compacts = false,
): TurnError | null {
  const { stopReason, refusal } = answer;
  if (stopReason === "compaction" && compacts) return null;
  const problem = (reason: FailureReason, why: string) => problemOf(answer, reason, why);
  switch (stopReason) {
    case "max_tokens":
      return problem("output_limit", `it was cut off at ${maxOutputTokens} tokens`);
    case "refusal":
      return problem("refusal", `the model refused (${refusal ?? "no category given"})`);
    case "model_context_window_exceeded":
      return problem(
        "context_full",
        `it was cut off at the end of the model's window (${state.spec.model.contextTokens} tokens)`,
      );
    case "tool_use":
    case "end_turn":
    case "stop_sequence":
    case "pause_turn":
      return null;
    default:
      return problem("internal", `the model stopped for a reason unknown here ("${stopReason}")`);
  }
}

async function recordFailure(
  { turn, error, sentMs, compacts }: {
    turn: number;
    error: TurnError;
    sentMs: number;
    compacts?: boolean;
  },
  state: LoopState,
  deps: Life,
): Promise<RunOutcome | null> {
  const { reason, message, details: { usage, retryAfterMs } } = error;
  const tookMs = deps.nowMs() - sentMs;
  if (isExcused(reason)) deps.excuse(tookMs);
  const retryInMs = retryDelay(error, state, { compacts, random: deps.random() });
  await record(state, deps, {
    type: "turn_failed",
    turn,
    reason,
    message,
    usage,
    costMicroUsd: costMicroUsd(state.spec.model, usage),
    retryInMs,
    durationMs: Math.round(tookMs),
    ...isInDoubt(reason, usage) && mostUsed(state, usage),
  });
  if (retryInMs !== null) return null;
  switch (kindOfFailure(reason)) {
    case "retry":
      return { type: "retry", reason, message, afterMs: retryAfterMs };
    case "hold":
      return { type: "hold", reason, message };
    case "failed":
      return { type: "failed", reason, message };
  }
}
