/**
 * A run is its log: this rebuilds from it everything the loop knows. The loop itself learns of what it does
 * through the same `apply`, so a loop that was cut off anywhere goes on exactly as it would have.
 */
import {
  type ContentBlock,
  type NoteEvent,
  noUsage,
  type RunEventBody,
  type RunSpec,
  type ToolCall,
  type ToolResult,
  type Usage,
} from "../protocol.ts";
import {
  isExcused,
  kindOfFailure,
  type LoopState,
  newState,
  type OpenTurn,
  type SentRequest,
} from "./loop_state.ts";
import { addUsage, promptTokensOf, totalTokensOf, worstCostMicroUsd, worstTokens } from "./cost.ts";
import {
  promptBound,
  pushAnswer,
  pushOperatorText,
  pushUser,
  resultBlock,
  summarized,
  SUMMARY_REQUEST_TOKENS,
} from "./history.ts";
import { MAX_SIGNATURES, repeats, signaturesOf, STUCK_HINT_AFTER } from "./circles.ts";
import { requireKnownEvents } from "./log.ts";
import { isLimitNote, isLostToolsNote, isStuckNote, personNote, webDeniedNote } from "./notes.ts";
import { doubtDecided, isDoubtCall, isInDoubt } from "./doubt.ts";
import { usesWeb, WEB_CALL_ID } from "../web/web_tools.ts";

/** Rebuilds the loop's state from what is on disk. Pure. Throws `conflict` for an event of a newer version. */
export function fold(spec: RunSpec, log: readonly RunEventBody[]): LoopState {
  requireKnownEvents(spec.runId, log);
  const state = newState(spec);
  for (const event of log) apply(state, event);
  return state;
}

/** Takes one more event in. */
export function apply(state: LoopState, event: RunEventBody): void {
  switch (event.type) {
    case "turn_started":
      return requestSent(state, event);
    case "turn_finished":
      return answered(state, event);
    case "turn_failed":
      return requestFailed(state, event);
    case "compacted":
      return compacted(state, event);
    case "tool_finished":
      return toolFinished(state, event.result);
    case "note":
      return noted(state, event);
    case "nudge":
      return nudged(state, event.text);
    case "approval_decided":
      // No call of the model's can be meant by it: while one waits for a person, its turn is open.
      if (isDoubtCall(event.callId) && !state.open) doubtDecided(state, event.granted);
      return event.callId === WEB_CALL_ID && !event.granted ? webDenied(state, event) : undefined;
    case "forked":
      state.spec = { ...state.spec, limits: event.limits };
      state.limitNoted = false;
      // A person said no to the run before it; this one has limits of its own.
      state.doubtDenied = false;
      return;
    case "succeeded":
      state.ended = { type: "succeeded", result: event.result };
      return;
    case "failed":
      state.ended = { type: "failed", reason: event.reason, message: event.message };
      return;
    case "cancelled":
      state.ended = { type: "stopped" };
      return;
    // For people, for the tools' ledger, or taken in with the specification.
    case "started":
    case "tool_started":
    case "tool_executing":
    case "approval_requested":
    case "checkpoint":
    case "waiting":
    case "resumed":
      return;
    default:
      event satisfies never;
  }
}

/** A request without an end was cut off: it may have been paid in full, and nobody will tell. */
function giveUpSent(state: LoopState): void {
  if (!state.sent) return;
  addDoubt(state, state.sent, noUsage, 0);
  state.sent = null;
  placePendingNotes(state);
}

function requestSent(
  state: LoopState,
  event: Extract<RunEventBody, { type: "turn_started" }>,
): void {
  const { maxOutputTokens, elapsedMs = state.elapsedMs } = event;
  giveUpSent(state);
  // What was read from the clock is exact; what is added up from durations is not.
  state.elapsedMs = elapsedMs;
  state.retryInMs = 0;
  state.sent = worstOf(state, maxOutputTokens, event.compacts);
}

/** The most that a request with the history as it is can use and cost. */
export function worstOf(
  { spec, promptTokens }: LoopState,
  maxOutputTokens: number,
  compacts = false,
): SentRequest {
  const sent = promptTokens + (compacts ? SUMMARY_REQUEST_TOKENS : 0);
  return {
    maxOutputTokens,
    worstCostMicroUsd: worstCostMicroUsd(spec.model, sent, maxOutputTokens, spec.tools),
    worstTokens: worstTokens(spec.tools, sent, maxOutputTokens),
    promptTokens: compacts || spec.tools.some((tool) => tool.web) ? null : sent,
  };
}

function answered(
  state: LoopState,
  event: Extract<RunEventBody, { type: "turn_finished" }>,
): void {
  pay(state, event.usage, event.costMicroUsd);
  state.elapsedMs += event.durationMs;
  state.sent = null;
  state.turns = event.turn;
  state.tries = 0;
  state.outputLimitHit = null;
  // An endpoint that counts nothing must not make the history look free.
  const counted = promptTokensOf(event.usage) || state.promptTokens;
  // Each use of the web has the service read the prompt once more, and all of it is counted together.
  const prompt = usesWeb(event.content) ? Math.min(counted, state.promptTokens) : counted;
  state.countedTokens = prompt + event.usage.outputTokens;
  state.promptTokens = prompt;
  if (event.withoutTools) loseTools(state, event.withoutTools);
  const pushed = pushAnswer(state, event.content, event.usage.outputTokens);
  const calls = callsOf(event.content);
  if (calls.length > 0) {
    state.open = { turn: event.turn, calls, results: new Map() };
    state.nudges = 0;
  } else if (event.stopReason !== "pause_turn") {
    state.nudge = pushed ? "unsubmitted" : "empty";
  }
}

/** The run goes on as if it had never had them: the set of tools is part of what the model's thinking is signed with. */
function loseTools(state: LoopState, names: readonly string[]): void {
  const tools = state.spec.tools.filter(({ name }) => !names.includes(name));
  if (tools.length === state.spec.tools.length) return;
  state.spec = { ...state.spec, tools };
  state.toolsLost = [...names];
}

/** A person's word comes before the first request, so that no answer was made with the tools. */
function webDenied(state: LoopState, { reason }: { reason: string }): void {
  const web = state.spec.tools.filter((tool) => tool.web).map(({ name }) => name);
  const tools = state.spec.tools.filter((tool) => !tool.web);
  state.spec = { ...state.spec, tools };
  state.pendingNotes = [...state.pendingNotes, webDeniedNote(web.join(" and "), reason)];
  placePendingNotes(state);
}

/** The history begins anew; what came in while it was summed up follows, and the loop's own notes are due again. */
function compacted(state: LoopState, event: Extract<RunEventBody, { type: "compacted" }>): void {
  pay(state, event.usage, event.costMicroUsd);
  state.elapsedMs += event.durationMs;
  state.sent = null;
  state.tries = 0;
  state.outputLimitHit = null;
  state.compactedAfter = state.turns;
  state.windowHit = false;
  state.limitNoted = false;
  state.stuckNoted = false;
  const { system, tools, prompt } = state.spec;
  state.messages = summarized(prompt, event.content);
  state.promptTokens = promptBound(system, tools, state.messages);
  state.countedTokens = 0;
  placePendingNotes(state);
}

/** What the model asks to be done, in its order. */
export function callsOf(content: readonly ContentBlock[]): ToolCall[] {
  return content
    .filter((block): block is Extract<ContentBlock, { type: "tool_use"; id: string }> =>
      block.type === "tool_use"
    )
    .map(({ id, name, input }) => ({ id, name, input }));
}

function requestFailed(
  state: LoopState,
  event: Extract<RunEventBody, { type: "turn_failed" }>,
): void {
  const { reason, usage, costMicroUsd, retryInMs } = event;
  const { sent } = state;
  pay(state, usage, costMicroUsd);
  if (!isExcused(reason)) state.elapsedMs += event.durationMs ?? 0;
  if (sent && isInDoubt(reason, usage)) {
    const { mostCostMicroUsd = Infinity, mostTokens = Infinity } = event;
    const most = {
      worstCostMicroUsd: Math.min(sent.worstCostMicroUsd, mostCostMicroUsd),
      worstTokens: Math.min(sent.worstTokens, mostTokens),
    };
    addDoubt(state, most, usage, costMicroUsd);
  }
  state.sent = null;
  state.retryInMs = retryInMs ?? 0;
  if (retryInMs === null) {
    state.tries = 0;
    if (kindOfFailure(reason) === "failed") {
      state.ended = { type: "failed", reason, message: event.message };
    }
  } else if (reason === "context_full") {
    state.windowHit = true;
  } else if (reason === "output_limit") {
    state.outputLimitHit = sent?.maxOutputTokens ?? usage.outputTokens;
  } else if (reason !== "worker_lost" && reason !== "max_cost" && reason !== "max_tokens") {
    // Neither our own end nor a request that was held back is the service's failure.
    state.tries++;
  }
  placePendingNotes(state);
}

function pay(state: LoopState, usage: Usage, costMicroUsd: number): void {
  state.usage = addUsage(state.usage, usage);
  state.costMicroUsd += costMicroUsd;
}

function addDoubt(
  state: LoopState,
  sent: Pick<SentRequest, "worstCostMicroUsd" | "worstTokens">,
  usage: Usage,
  costMicroUsd: number,
): void {
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
  state.elapsedMs += result.durationMs;
  if (result.final) state.result = { value: call.input };
  if (open.calls.every(({ id }) => open.results.has(id))) closeTurn(state, open);
}

/** All results are there: they go back in one message, in the order of the calls, whichever ended first. */
function closeTurn(state: LoopState, { calls, results }: OpenTurn): void {
  const answers = calls.map(({ id }) => results.get(id)!);
  state.open = null;
  pushUser(state, answers.map(resultBlock));
  state.signatures = [...state.signatures, ...signaturesOf(calls, answers)].slice(-MAX_SIGNATURES);
  if (repeats(state.signatures) < STUCK_HINT_AFTER) state.stuckNoted = false;
  placePendingNotes(state);
}

function noted(state: LoopState, { text, by }: NoteEvent): void {
  if (by === undefined && isLimitNote(text)) state.limitNoted = true;
  if (by === undefined && isStuckNote(text)) state.stuckNoted = true;
  if (by === undefined && isLostToolsNote(text)) state.toolsLost = [];
  state.pendingNotes = [...state.pendingNotes, by === undefined ? text : personNote(by, text)];
  placePendingNotes(state);
}

function nudged(state: LoopState, text: string): void {
  state.nudge = null;
  state.nudges++;
  // After an empty answer the history still ends with our own turn, and two user turns in a row are not legal.
  if (state.messages.at(-1)!.role === "assistant") pushUser(state, [{ type: "text", text }]);
  else pushOperatorText(state, text);
  placePendingNotes(state);
}

/** Notes stand directly after a user turn, and never join a request that is on its way. */
function placePendingNotes(state: LoopState): void {
  if (state.open || state.sent || state.messages.at(-1)!.role === "assistant") return;
  for (const text of state.pendingNotes) pushOperatorText(state, text);
  state.pendingNotes = [];
}
