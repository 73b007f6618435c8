/**
 * What requests that broke off may have cost counts against the run's own limits, since nobody will tell. A bad
 * network alone must not end a run by that: a person is asked whether it goes on as if they had cost nothing.
 */
import type { FailureReason } from "../../server/states.ts";
import type { ApprovalQuestion, Usage } from "../protocol.ts";
import { costMicroUsd, promptTokensOf, totalTokensOf } from "./cost.ts";
import type { LoopState } from "./loop_state.ts";

/** What such a question is about, for a person: "The reviewer wants to use …". */
export const DOUBT_NAME = "more than its limit";

/** What a person reads as the rule that asked. */
export const DOUBT_RULE = "the run's own limits";

/** Each is asked by an id of its own that begins so; no call of a model's is meant by it. */
export const DOUBT_ID = "doubt";
export const isDoubtCall = (callId: string): boolean => callId.startsWith(`${DOUBT_ID}_`);

/** The answer came whole, though it is of no use: nothing about its cost is in doubt. */
const wholeAnswers: ReadonlySet<FailureReason> = new Set([
  "output_limit",
  "refusal",
  "context_full",
  "internal",
]);
/** The stream broke before the server told what the answer cost. */
const brokenAnswers: ReadonlySet<FailureReason> = new Set([
  "stream_broken",
  "stalled",
  "worker_lost",
]);

/** Whether a request that failed may have used more than was told of it. */
export const isInDoubt = (reason: FailureReason, usage: Usage): boolean =>
  !wholeAnswers.has(reason) && (brokenAnswers.has(reason) || totalTokensOf(usage) > 0);

/** No text has more bytes for each of its tokens: an endpoint that tells fewer tokens has not counted all of the prompt. */
const BYTES_PER_TOKEN_MAX = 8;

/**
 * The most that a request which broke off has used, where the answer had begun and told of the prompt: then only the rest
 * of the answer is unknown. Empty: no more is known than the worst case.
 */
export function mostUsed(
  { spec: { model }, sent }: Pick<LoopState, "spec" | "sent">,
  usage: Usage,
): { mostCostMicroUsd?: number; mostTokens?: number } {
  const told = promptTokensOf(usage);
  if (!sent || sent.promptTokens === null || told === 0) return {};
  if (told * BYTES_PER_TOKEN_MAX < sent.promptTokens) return {};
  const outputTokens = Math.max(usage.outputTokens, sent.maxOutputTokens);
  const most = { ...usage, outputTokens };
  return { mostCostMicroUsd: costMicroUsd(model, most), mostTokens: totalTokensOf(most) };
}

/** What in doubt counts against the run's own limits: not what a person let it have in its place. */
export const doubtLeft = ({ doubt, allowed }: Pick<LoopState, "doubt" | "allowed">) => ({
  costMicroUsd: doubt.costMicroUsd - allowed.costMicroUsd,
  tokens: doubt.tokens - allowed.tokens,
});

/** The same, as far as a person may still let it have that: nothing once one has said no. */
export const forgivable = (state: LoopState) =>
  state.doubtDenied ? { costMicroUsd: 0, tokens: 0 } : doubtLeft(state);

/** A person's word: yes counts for all that is in doubt by now, no for all that ever will be. */
export function doubtDecided(state: LoopState, granted: boolean): void {
  if (!granted) state.doubtDenied = true;
  else state.allowed = { costMicroUsd: state.doubt.costMicroUsd, tokens: state.doubt.tokens };
}

/** What a person reads before they let it: what is known, what is not, and the most that can come of a yes. */
export function doubtQuestion(state: LoopState): ApprovalQuestion {
  const { spec: { limits }, doubt, allowed, usage } = state;
  const left = doubtLeft(state);
  const most = limits.maxCostMicroUsd + doubt.costMicroUsd;
  const mostTokens = limits.maxTokens + doubt.tokens;
  const before = allowed.costMicroUsd > 0
    ? `For ${usd(allowed.costMicroUsd)} of it somebody said yes before.`
    : "";
  const lines = [
    `Requests that broke off before anybody told what they cost: ${doubt.requests}.`,
    `They may have cost up to ${usd(left.costMicroUsd)} and ${
      count(left.tokens)
    } tokens, so that ` +
    `much is kept back of the run's ${usd(limits.maxCostMicroUsd)} and ${
      count(limits.maxTokens)
    } tokens. ${before}`.trimEnd(),
    `Known to be used: ${usd(state.costMicroUsd)} and ${count(totalTokensOf(usage))} tokens.`,
    "Allowed, the run goes on as if they had cost nothing. If all of them were paid, it then uses at most " +
    `${usd(most)} and ${
      count(mostTokens)
    } tokens. Limits of a day and of a month hold as before, ` +
    "and count them.",
    "Denied, the run ends here, at its own limit.",
  ];
  return { rule: DOUBT_RULE, detail: lines.join("\n") };
}

const MICRO_USD_PER_USD = 1_000_000;
const usd = (microUsd: number): string => `$${(microUsd / MICRO_USD_PER_USD).toFixed(4)}`;
const count = (n: number): string => n.toLocaleString("en-US");
