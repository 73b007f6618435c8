/**
 * A run is its log: this rebuilds from it everything the loop knows. The loop itself learns of what it does
 * through the same `apply`, so a loop that was cut off anywhere goes on exactly as it would have.
 */
import type { FailureReason } from "../../server/states.ts";
import {
  type ContentBlock,
  noUsage,
  type RunEventBody,
  type RunSpec,
  type ToolCall,
  type ToolResult,
  type Usage,
} from "../protocol.ts";
import {
  kindOfFailure,
  type LoopState,
  newState,
  type OpenTurn,
  type SentRequest,
} from "./loop_state.ts";
import { addUsage, promptTokensOf, totalTokensOf, worstCostMicroUsd } from "./cost.ts";
import { pushAnswer, pushOperatorText, pushUser, resultBlock } from "./history.ts";
import { callSignature, MAX_SIGNATURES, repeats, STUCK_HINT_AFTER } from "./circles.ts";
import { isLimitNote, isStuckNote } from "./notes.ts";

/** Rebuilds the loop's state from what is on disk; `log` is empty or begins with `started`. Pure. */
export function fold(spec: RunSpec, log: readonly RunEventBody[]): LoopState {
  const state = newState(spec);
  for (const event of log) apply(state, event);
  return state;
}

/** Takes one more event in. Events that only tell people something change nothing. */
export function apply(state: LoopState, event: RunEventBody): void {
  switch (event.type) {
    case "turn_started":
      return requestSent(state, event.maxOutputTokens);
    case "turn_finished":
      return answered(state, event);
    case "turn_failed":
      return requestFailed(state, event);
    case "tool_finished":
      return toolFinished(state, event.result);
    case "note":
      return noted(state, event.text);
    case "nudge":
      return nudged(state, event.text);
    case "succeeded":
      state.ended = { type: "succeeded", result: event.result };
      return;
    case "failed":
      state.ended = { type: "failed", reason: event.reason, message: event.message };
      return;
    case "cancelled":
      state.ended = { type: "stopped" };
  }
}

/** A request without an end was cut off: it may have been paid in full, and nobody will tell. */
export function giveUpSent(state: LoopState): void {
  if (!state.sent) return;
  addDoubt(state, state.sent, noUsage, 0);
  state.sent = null;
}

function requestSent(state: LoopState, maxOutputTokens: number): void {
  giveUpSent(state);
  state.retryInMs = 0;
  state.sent = {
    maxOutputTokens,
    worstCostMicroUsd: worstCostMicroUsd(state.spec.model, state.promptTokens, maxOutputTokens),
    worstTokens: state.promptTokens + maxOutputTokens,
  };
}

function answered(
  state: LoopState,
  event: Extract<RunEventBody, { type: "turn_finished" }>,
): void {
  pay(state, event.usage, event.costMicroUsd);
  state.sent = null;
  state.turns = event.turn;
  state.tries = 0;
  state.outputLimitHit = null;
  // An endpoint that counts nothing must not make the history look free.
  const prompt = promptTokensOf(event.usage) || state.promptTokens;
  state.countedTokens = prompt + event.usage.outputTokens;
  state.promptTokens = prompt;
  const pushed = pushAnswer(state, event.content, event.usage.outputTokens);
  const calls = callsOf(event.content);
  if (calls.length > 0) {
    state.open = { turn: event.turn, calls, results: new Map() };
    state.nudges = 0;
  } else if (event.stopReason !== "pause_turn") {
    state.nudge = pushed ? "unsubmitted" : "empty";
  }
}

/** What the model asks to be done, in its order. */
export function callsOf(content: readonly ContentBlock[]): ToolCall[] {
  return content
    .filter((block): block is Extract<ContentBlock, { type: "tool_use"; id: string }> =>
      block.type === "tool_use"
    )
    .map(({ id, name, input }) => ({ id, name, input }));
}

/** The answer came whole, though it is of no use: nothing about its cost is in doubt. */
const wholeAnswers: ReadonlySet<FailureReason> = new Set([
  "output_limit",
  "refusal",
  "context_full",
  "internal",
]);
/** The stream broke before the server told what the answer cost. */
const brokenAnswers: ReadonlySet<FailureReason> = new Set(["stream_broken", "stalled"]);

function requestFailed(
  state: LoopState,
  event: Extract<RunEventBody, { type: "turn_failed" }>,
): void {
  const { reason, usage, costMicroUsd, retryInMs } = event;
  const { sent } = state;
  pay(state, usage, costMicroUsd);
  const begun = brokenAnswers.has(reason) || totalTokensOf(usage) > 0;
  if (sent && begun && !wholeAnswers.has(reason)) addDoubt(state, sent, usage, costMicroUsd);
  state.sent = null;
  state.retryInMs = retryInMs ?? 0;
  if (retryInMs === null) {
    state.tries = 0;
    if (kindOfFailure(reason) === "failed") {
      state.ended = { type: "failed", reason, message: event.message };
    }
  } else if (reason === "output_limit") {
    state.outputLimitHit = sent?.maxOutputTokens ?? usage.outputTokens;
  } else {
    state.tries++;
  }
}

function pay(state: LoopState, usage: Usage, costMicroUsd: number): void {
  state.usage = addUsage(state.usage, usage);
  state.costMicroUsd += costMicroUsd;
}

function addDoubt(state: LoopState, sent: SentRequest, usage: Usage, costMicroUsd: number): void {
  state.doubt = {
    costMicroUsd: state.doubt.costMicroUsd + Math.max(0, sent.worstCostMicroUsd - costMicroUsd),
    tokens: state.doubt.tokens + Math.max(0, sent.worstTokens - totalTokensOf(usage)),
    requests: state.doubt.requests + 1,
  };
}

function toolFinished(state: LoopState, result: ToolResult): void {
  const { open } = state;
  const call = open?.calls.find(({ id }) => id === result.callId);
  if (!open || !call) return;
  open.results.set(result.callId, result);
  if (result.final) state.result = { value: call.input };
  if (open.calls.every(({ id }) => open.results.has(id))) closeTurn(state, open);
}

/** All results are there: they go back in one message, in the order of the calls, whichever ended first. */
function closeTurn(state: LoopState, { calls, results }: OpenTurn): void {
  const answers = calls.map(({ id }) => results.get(id)!);
  state.open = null;
  pushUser(state, answers.map(resultBlock));
  const fresh = new Set(calls.map((call, index) => callSignature(call, answers[index]!)));
  state.signatures = [...state.signatures, ...fresh].slice(-MAX_SIGNATURES);
  if (repeats(state.signatures) < STUCK_HINT_AFTER) state.stuckNoted = false;
  placePendingNotes(state);
}

function noted(state: LoopState, text: string): void {
  if (isLimitNote(text)) state.limitNoted = true;
  if (isStuckNote(text)) state.stuckNoted = true;
  if (state.open || state.sent || state.messages.at(-1)!.role === "assistant") {
    state.pendingNotes = [...state.pendingNotes, text];
  } else {
    pushOperatorText(state, text);
  }
}

function nudged(state: LoopState, text: string): void {
  state.nudge = null;
  state.nudges++;
  // After an empty answer the history still ends with our own turn, and two user turns in a row are not legal.
  if (state.messages.at(-1)!.role === "assistant") pushUser(state, [{ type: "text", text }]);
  else pushOperatorText(state, text);
  placePendingNotes(state);
}

function placePendingNotes(state: LoopState): void {
  for (const text of state.pendingNotes) pushOperatorText(state, text);
  state.pendingNotes = [];
}
