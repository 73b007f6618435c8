/** A run's limits, checked before each request against the most that the request can use: none is ever passed. */
import type { FailureReason } from "../../server/states.ts";
import { doubtLeft, forgivable } from "./doubt.ts";
import { SUMMARY_REQUEST_TOKENS, withShorterResults } from "./history.ts";
import type { Message } from "./turn.ts";
import type { LoopState } from "./loop_state.ts";
import {
  affordableOutputTokens,
  outputWithin,
  totalTokensOf,
  worstCostMicroUsd,
  worstTokens,
} from "./cost.ts";

/** How long an answer may be at first; one that does not fit is asked for again with the model's own maximum. */
export const FIRST_OUTPUT_TOKENS = 16_384;
/** Less room than this is none: the model would be cut off in mid-thought. */
export const MIN_OUTPUT_TOKENS = 2_048;
/** From this share of the model's window on the history is replaced by its summary. */
export const COMPACT_AT = 0.75;
/** What was not counted yet is guessed: tokens of text and code have three to four bytes. */
const BYTES_PER_TOKEN = 3;
/** From this share of a limit on the agent is told to finish… */
const NEAR = 0.8;
/** …or when a limit leaves room for no longer an answer than this: that is enough for a few last turns. */
const TIGHT_OUTPUT_TOKENS = 8_192;

export type Room =
  /** The request may go out with this limit; `near` names the limit that the run comes close to. */
  | { type: "room"; maxOutputTokens: number; near: string | null }
  | { type: "none"; reason: FailureReason; message: string }
  /** It would be within them, were it not for what is in doubt: a person is asked. */
  | { type: "in_doubt"; reason: "max_cost" | "max_tokens"; message: string };

/** What is to be summed up may take so much of the window; of results that just came, more is left out. */
const SUMMED_AT_MOST = 0.9;

/** Whether the history is to be summed up before the next turn. */
export function mustCompact(state: LoopState): boolean {
  const { spec, windowHit, countedTokens } = state;
  return canCompact(state) && (windowHit ||
    countedTokens + guessedTokens(state) >= spec.model.contextTokens * COMPACT_AT);
}

/** Once for each turn: a summary that is too long stays. */
export const canCompact = ({ messages, turns, compactedAfter }: LoopState): boolean =>
  turns > Math.max(0, compactedAfter) && messages.at(-1)!.role !== "assistant";

/** The history as it is sent to be summed up: results that would take it beyond the window are cut. */
export function toBeSummed(state: LoopState): Message[] {
  const most = state.spec.model.contextTokens * SUMMED_AT_MOST;
  if (state.countedTokens + guessedTokens(state) <= most) return state.messages;
  return withShorterResults(
    state.messages,
    Math.max(0, most - state.countedTokens) * BYTES_PER_TOKEN,
  );
}

const guessedTokens = ({ promptTokens, countedTokens }: LoopState): number =>
  Math.ceil((promptTokens - countedTokens) / BYTES_PER_TOKEN);

/** Whether the next request is within every limit, and how long its answer may be. */
export function roomFor(state: LoopState, elapsedMs: number, compacts = false): Room {
  const { limits, model, tools } = state.spec;
  if (state.turns >= limits.maxTurns) {
    return none("max_turns", `the run has had all of its ${limits.maxTurns} turns`);
  }
  if (elapsedMs >= limits.timeoutMs) {
    return none("timed_out", `the run's ${seconds(limits.timeoutMs)} are over`);
  }
  if (state.countedTokens >= model.contextTokens) {
    return none(
      "context_full",
      `the history has ${state.countedTokens} tokens, the model's window ${model.contextTokens}`,
    );
  }
  const wanted = state.outputLimitHit === null
    ? Math.min(FIRST_OUTPUT_TOKENS, model.maxOutputTokens)
    : model.maxOutputTokens;
  const enough = state.outputLimitHit === null
    ? Math.min(MIN_OUTPUT_TOKENS, wanted)
    : state.outputLimitHit + 1;
  const promptTokens = state.promptTokens + (compacts ? SUMMARY_REQUEST_TOKENS : 0);
  const byCost = affordableOutputTokens(model, promptTokens, costLeft(state), tools);
  const byTokens = outputWithin(tools, promptTokens, tokensLeft(state));
  const doubt = forgivable(state);
  // As it would be if nothing of what broke off had been paid.
  const surelyCost = affordableOutputTokens(
    model,
    promptTokens,
    costLeft(state) + doubt.costMicroUsd,
    tools,
  );
  const surelyTokens = outputWithin(tools, promptTokens, tokensLeft(state) + doubt.tokens);
  if (surelyCost < enough) return none("max_cost", costMessage(state, enough));
  if (surelyTokens < enough) return none("max_tokens", tokensMessage(state, enough));
  if (byCost < enough) return inDoubt("max_cost", costMessage(state, enough));
  if (byTokens < enough) return inDoubt("max_tokens", tokensMessage(state, enough));
  const maxOutputTokens = Math.min(wanted, byCost, byTokens);
  return {
    type: "room",
    maxOutputTokens,
    near: nearLimit(state, elapsedMs, surelyCost, surelyTokens),
  };
}

/** The limit that the request about to go out would pass, since a note came after `roomFor`; null: it is within all. */
export function passedBy(state: LoopState): "max_cost" | "max_tokens" | null {
  const { worstCostMicroUsd, worstTokens } = state.sent!;
  if (worstCostMicroUsd > costLeft(state)) return "max_cost";
  return worstTokens > tokensLeft(state) ? "max_tokens" : null;
}

/** By what is surely used: what is in doubt is no reason to hurry, as a person is asked about it. */
function nearLimit(
  state: LoopState,
  elapsedMs: number,
  byCost: number,
  byTokens: number,
): string | null {
  const { limits, model } = state.spec;
  const tight = Math.min(TIGHT_OUTPUT_TOKENS, model.maxOutputTokens);
  const doubt = forgivable(state);
  const cost = limits.maxCostMicroUsd - costLeft(state) - doubt.costMicroUsd;
  const tokens = limits.maxTokens - tokensLeft(state) - doubt.tokens;
  if (state.turns >= Math.floor(limits.maxTurns * NEAR)) {
    return `${state.turns} of ${limits.maxTurns} turns`;
  }
  if (byCost < tight || isNear(cost, limits.maxCostMicroUsd)) {
    return `${usd(cost)} of ${usd(limits.maxCostMicroUsd)}`;
  }
  if (byTokens < tight || isNear(tokens, limits.maxTokens)) {
    return `${tokens} of ${limits.maxTokens} tokens`;
  }
  return isNear(elapsedMs, limits.timeoutMs)
    ? `${seconds(elapsedMs)} of ${seconds(limits.timeoutMs)}`
    : null;
}

const isNear = (used: number, limit: number): boolean => used > 0 && used >= limit * NEAR;
/** Of the run's own limit, in micro-USD; below 0: it is passed by what is in doubt. */
export const costLeft = (state: LoopState): number =>
  state.spec.limits.maxCostMicroUsd - state.costMicroUsd - doubtLeft(state).costMicroUsd;
/** The same in tokens of every kind. */
export const tokensLeft = (state: LoopState): number =>
  state.spec.limits.maxTokens - totalTokensOf(state.usage) - doubtLeft(state).tokens;

function costMessage(state: LoopState, outputTokens: number): string {
  const { model, tools } = state.spec;
  const worst = worstCostMicroUsd(model, state.promptTokens, outputTokens, tools);
  const left = Math.max(0, costLeft(state));
  return `the next request may cost up to ${usd(worst)}, and ${usd(left)} of the run's ` +
    `${usd(state.spec.limits.maxCostMicroUsd)} is left${doubtNote(state)}`;
}

function tokensMessage(state: LoopState, outputTokens: number): string {
  const worst = worstTokens(state.spec.tools, state.promptTokens, outputTokens);
  return `the next request may use up to ${worst} tokens, and ` +
    `${Math.max(0, tokensLeft(state))} of the run's ${state.spec.limits.maxTokens} are left` +
    doubtNote(state);
}

const doubtNote = ({ doubt }: LoopState): string =>
  doubt.requests === 0
    ? ""
    : ` (requests that broke off, counted at the most they may have used: ${doubt.requests})`;

const inDoubt = (reason: "max_cost" | "max_tokens", why: string): Room => ({
  type: "in_doubt",
  reason,
  message: `Cannot go on: ${why}`,
});

const none = (reason: FailureReason, why: string): Room => ({
  type: "none",
  reason,
  message: `Cannot go on: ${why}`,
});
export const usd = (microUsd: number): string => `$${(microUsd / 1_000_000).toFixed(4)}`;
const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
