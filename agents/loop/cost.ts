/** What a request cost, and the most that the next one can: whole micro-USD, rounded up. */
import { costOf, priceFor } from "../models.ts";
import { type ModelSpec, noUsage, type Price, type Usage } from "../protocol.ts";

/** All tokens of the prompt: the three input counters are disjoint. */
export const promptTokensOf = (usage: Usage): number =>
  usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;

export const totalTokensOf = (usage: Usage): number => promptTokensOf(usage) + usage.outputTokens;

export function addUsage(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheWrite5mTokens: a.cacheWrite5mTokens + b.cacheWrite5mTokens,
    cacheWrite1hTokens: a.cacheWrite1hTokens + b.cacheWrite1hTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
  };
}

/** Cost of one request at the rates of its band. */
export const costMicroUsd = (model: ModelSpec, usage: Usage): number =>
  costOf(usage, priceFor(model, usage));

/** The most a request can cost: nothing is read from the cache, and the answer uses all it may. */
export function worstCostMicroUsd(
  model: ModelSpec,
  promptTokens: number,
  outputTokens: number,
): number {
  return Math.max(
    ...bands(model, promptTokens).map((price) =>
      costOf({ ...dearest(price, promptTokens), outputTokens }, price)
    ),
  );
}

/**
 * How long an answer may be so that its request surely costs at most `budgetMicroUsd`.
 * Negative: not even the prompt fits.
 */
export function affordableOutputTokens(
  model: ModelSpec,
  promptTokens: number,
  budgetMicroUsd: number,
): number {
  return Math.min(
    ...bands(model, promptTokens).map((price) => {
      const left = budgetMicroUsd - costOf(dearest(price, promptTokens), price);
      if (left < 0) return -1;
      return price.output > 0 ? Math.floor(left / price.output) : Number.MAX_SAFE_INTEGER;
    }),
  );
}

/** `promptTokens` is an upper bound, so each band that begins below it may be the one that applies. */
function bands({ price, longPrompt }: ModelSpec, promptTokens: number): Price[] {
  return longPrompt && promptTokens > longPrompt.aboveTokens ? [price, longPrompt.price] : [price];
}

/** The prompt at the highest rate; the runtime asks for the 5-minute cache only. */
function dearest(price: Price, tokens: number): Usage {
  return price.cacheWrite5m > price.input
    ? { ...noUsage, cacheWrite5mTokens: tokens }
    : { ...noUsage, inputTokens: tokens };
}
