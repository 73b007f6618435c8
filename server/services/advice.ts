/** Advice that follows from what was used: each piece says what it rests on and what it would save. Pure. */
import { costOf, models } from "../../agents/models.ts";
import { promptTokensOf } from "../../agents/loop/cost.ts";
import type { Price, Usage } from "../../agents/protocol.ts";
import type { UsageSum } from "../store/usage.ts";

/** What advice is drawn from: one span of time. */
export interface AdviceGround {
  days: number;
  byAgentAndModel: readonly (UsageSum & { agent: string; model: string })[];
  runs: readonly { agent: string; ended: number; failed: number; failedMicroUsd: number }[];
  /** Where the month is heading; null: nobody can tell yet. */
  forecastMicroUsd: number | null;
  /** Of the monthly limit on all cost; null: there is none. */
  monthLimitMicroUsd: number | null;
  priceOf(model: string): Price | null;
}

export interface Advice {
  /** Stays the same while it says the same. */
  key: string;
  title: string;
  /** The figures that it rests on. */
  basis: string;
  /** What it would have saved in that time; null: it saves nothing by itself. */
  savingMicroUsd: number | null;
  /** What applying it does; null: a person does it elsewhere. */
  apply: { type: "month_limit"; amountMicroUsd: number } | null;
}

/** Fewer requests or runs than this prove nothing. */
const REQUESTS_MIN = 20;
const RUNS_MIN = 5;
const FAILED_SHARE = 0.4;
const CACHED_SHARE_MIN = 0.5;
/** What runs of several turns reach. */
const CACHED_SHARE_USUAL = 0.8;
const SUCCESS_SHARE = 0.95;
/** A saving below this is not worth a person's time. */
const SAVING_MIN_MICRO_USD = 100_000;
/** A limit that leaves room for a busier time, in whole dollars. */
const LIMIT_ROOM = 1.5;
const MICRO_USD_PER_USD = 1_000_000;

/** The dearest first. */
export function adviceFrom(ground: AdviceGround): Advice[] {
  return [
    ...ground.byAgentAndModel.flatMap((
      row,
    ) => [cacheMisses(row, ground), cheaperModel(row, ground)]),
    ...ground.runs.map((row) => failsOften(row, ground)),
    noLimit(ground),
  ].filter((advice) => advice !== null)
    .sort((a, b) => (b.savingMicroUsd ?? 0) - (a.savingMicroUsd ?? 0));
}

type Row = AdviceGround["byAgentAndModel"][number];

function cacheMisses(row: Row, { days, priceOf }: AdviceGround): Advice | null {
  const price = priceOf(row.model);
  const prompt = promptTokensOf(row.usage);
  if (!price || row.requests < REQUESTS_MIN || prompt === 0) return null;
  const share = row.usage.cacheReadTokens / prompt;
  if (share >= CACHED_SHARE_MIN) return null;
  const better = withCachedShare(row.usage, CACHED_SHARE_USUAL);
  const savingMicroUsd = row.costMicroUsd - costOf(better, price);
  if (savingMicroUsd < SAVING_MIN_MICRO_USD) return null;
  return {
    key: `cache:${row.agent}:${row.model}`,
    title: `The requests of ${row.agent} miss the cache`,
    basis:
      `${percent(share)} of its ${
        prompt.toLocaleString("en-US")
      } prompt tokens in ${days} days came from the ` +
      `cache; runs of several turns reach ${
        percent(CACHED_SHARE_USUAL)
      }. Long waits between turns (approvals, ` +
      "limits) and many runs of a single turn are the usual reasons",
    savingMicroUsd,
    apply: null,
  };
}

/** The same tokens with so much of the prompt read from the cache, and the rest as it was. */
function withCachedShare(usage: Usage, share: number): Usage {
  const prompt = promptTokensOf(usage);
  const uncached = prompt - usage.cacheReadTokens;
  const factor = uncached === 0 ? 0 : (prompt * (1 - share)) / uncached;
  return {
    ...usage,
    cacheReadTokens: Math.round(prompt * share),
    inputTokens: Math.round(usage.inputTokens * factor),
    cacheWrite5mTokens: Math.round(usage.cacheWrite5mTokens * factor),
    cacheWrite1hTokens: Math.round(usage.cacheWrite1hTokens * factor),
  };
}

/** The next cheaper line of models, for agents that never fail on theirs. */
const cheaper = { fable: "opus", opus: "sonnet", sonnet: "haiku" } as const;

function cheaperModel(row: Row, { days, runs, priceOf }: AdviceGround): Advice | null {
  const ended = runs.find(({ agent }) => agent === row.agent);
  if (!ended || ended.ended < RUNS_MIN || row.requests < REQUESTS_MIN) return null;
  if (1 - ended.failed / ended.ended < SUCCESS_SHARE) return null;
  const family = models.find(({ id }) => id === row.model)?.family;
  const next = family && family !== "haiku"
    ? models.find((model) => model.family === cheaper[family])
    : undefined;
  const price = next && priceOf(next.id);
  if (!next || !price) return null;
  const savingMicroUsd = row.costMicroUsd - costOf(row.usage, price);
  if (savingMicroUsd < SAVING_MIN_MICRO_USD) return null;
  return {
    key: `model:${row.agent}:${row.model}`,
    title: `A cheaper model may do for ${row.agent}`,
    basis:
      `${
        ended.ended - ended.failed
      } of its ${ended.ended} runs in ${days} days succeeded with ${row.model}; the ` +
      `same tokens on ${next.id} would have cost that much less. Try it on one run first: set \`model: ` +
      `${next.family}\` in its definition`,
    savingMicroUsd,
    apply: null,
  };
}

function failsOften(
  { agent, ended, failed, failedMicroUsd }: AdviceGround["runs"][number],
  { days }: AdviceGround,
): Advice | null {
  if (ended < RUNS_MIN || failed / ended < FAILED_SHARE) return null;
  return {
    key: `fails:${agent}`,
    title: `${agent} fails often`,
    basis:
      `${failed} of its ${ended} runs in ${days} days failed. Look at what they say on the page Runs: a limit ` +
      "that is too small, or a task that its prompt does not cover",
    savingMicroUsd: failedMicroUsd,
    apply: null,
  };
}

function noLimit({ forecastMicroUsd, monthLimitMicroUsd }: AdviceGround): Advice | null {
  if (monthLimitMicroUsd !== null || !forecastMicroUsd) return null;
  const usd = Math.max(1, Math.ceil((forecastMicroUsd * LIMIT_ROOM) / MICRO_USD_PER_USD));
  return {
    key: "month_limit",
    title: `Set a monthly limit of $${usd.toLocaleString("en-US")}`,
    basis: `Nothing limits what a month may cost. At the present pace this one ends at ` +
      `$${(forecastMicroUsd / MICRO_USD_PER_USD).toFixed(2)}; the limit leaves half as much again`,
    savingMicroUsd: null,
    apply: { type: "month_limit", amountMicroUsd: usd * MICRO_USD_PER_USD },
  };
}

const percent = (share: number): string => `${Math.round(share * 100)} %`;
