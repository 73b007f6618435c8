/** A run's limits, checked before each request against the most that the request can use: none is ever passed. */
import type { FailureReason } from "../../server/states.ts";
import { SUMMARY_REQUEST_TOKENS } from "./history.ts";
import type { LoopState } from "./loop_state.ts";
import { affordableOutputTokens, totalTokensOf, worstCostMicroUsd } from "./cost.ts";

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

/** Whether the history is to be summed up before the next turn. Once for each turn: a summary that is too long stays. */
export function mustCompact(
  { spec, messages, turns, compactedAfter, ...state }: LoopState,
): boolean {
  const guessed = Math.ceil((state.promptTokens - state.countedTokens) / BYTES_PER_TOKEN);
  return turns > Math.max(0, compactedAfter) && messages.at(-1)!.role !== "assistant" &&
    state.countedTokens + guessed >= spec.model.contextTokens * COMPACT_AT;
}

/** Whether the next request is within every limit, and how long its answer may be. */
export function roomFor(state: LoopState, elapsedMs: number, compacts = false): Room {
  const { limits, model } = state.spec;
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
  const byCost = affordableOutputTokens(model, promptTokens, costLeft(state));
  const byTokens = tokensLeft(state) - promptTokens;
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
  const worst = worstCostMicroUsd(state.spec.model, state.promptTokens, outputTokens);
  const left = Math.max(0, costLeft(state));
  return `the next request may cost up to ${usd(worst)}, and ${usd(left)} of the run's ` +
    `${usd(state.spec.limits.maxCostMicroUsd)} is left${doubtNote(state)}`;
}

function tokensMessage(state: LoopState, outputTokens: number): string {
  return `the next request may use up to ${state.promptTokens + outputTokens} tokens, and ` +
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
