/** A run's limits, checked before each request against the most that the request can use: none is ever passed. */
import type { FailureReason } from "../../server/states.ts";
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
  | { type: "none"; reason: FailureReason; message: string };

/** What is to be summed up may take so much of the window; of results that just came, more is left out. */
const SUMMED_AT_MOST = 0.9;

/** Whether the history is to be summed up before the next turn. Once for each turn: a summary that is too long stays. */
export function mustCompact(state: LoopState): boolean {
  const { spec, messages, turns, compactedAfter, countedTokens } = state;
  return turns > Math.max(0, compactedAfter) && messages.at(-1)!.role !== "assistant" &&
    countedTokens + guessedTokens(state) >= spec.model.contextTokens * COMPACT_AT;
}

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
  if (elapsedMs + state.retryInMs >= limits.timeoutMs) {
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
  if (byCost < enough) return none("max_cost", costMessage(state, enough));
  if (byTokens < enough) return none("max_tokens", tokensMessage(state, enough));
  const maxOutputTokens = Math.min(wanted, byCost, byTokens);
  return { type: "room", maxOutputTokens, near: nearLimit(state, elapsedMs, byCost, byTokens) };
}

/** Whether the request that is about to go out is still within the limits: a note may have come since `roomFor`. */
export const sentFits = (state: LoopState): boolean =>
  state.sent !== null && state.sent.worstCostMicroUsd <= costLeft(state) &&
  state.sent.worstTokens <= tokensLeft(state);

function nearLimit(
  state: LoopState,
  elapsedMs: number,
  byCost: number,
  byTokens: number,
): string | null {
  const { limits, model } = state.spec;
  const tight = Math.min(TIGHT_OUTPUT_TOKENS, model.maxOutputTokens);
  const cost = limits.maxCostMicroUsd - costLeft(state);
  const tokens = limits.maxTokens - tokensLeft(state);
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
const costLeft = ({ spec, costMicroUsd, doubt }: LoopState): number =>
  spec.limits.maxCostMicroUsd - costMicroUsd - doubt.costMicroUsd;
const tokensLeft = ({ spec, usage, doubt }: LoopState): number =>
  spec.limits.maxTokens - totalTokensOf(usage) - doubt.tokens;

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

const none = (reason: FailureReason, why: string): Room => ({
  type: "none",
  reason,
  message: `Cannot go on: ${why}`,
});
export const usd = (microUsd: number): string => `$${(microUsd / 1_000_000).toFixed(4)}`;
const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
