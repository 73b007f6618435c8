/** What a request cost, and the most that the next one can: whole micro-USD, rounded up. */
import { costOf, priceFor } from "../models.ts";
import { type ModelSpec, noUsage, type Price, type ToolSpec, type Usage } from "../protocol.ts";

/** All tokens of the prompt: the three input counters are disjoint. */
export const promptTokensOf = (usage: Usage): number =>
  usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;

export const totalTokensOf = (usage: Usage): number => promptTokensOf(usage) + usage.outputTokens;

export function addUsage(a: Usage, b: Usage): Usage {
  const webSearches = (a.webSearches ?? 0) + (b.webSearches ?? 0);
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheWrite5mTokens: a.cacheWrite5mTokens + b.cacheWrite5mTokens,
    cacheWrite1hTokens: a.cacheWrite1hTokens + b.cacheWrite1hTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    ...webSearches > 0 && { webSearches },
  };
}

/** Cost of one request at the rates of its band. */
export const costMicroUsd = (model: ModelSpec, usage: Usage): number =>
  costOf(usage, priceFor(model, usage));

/** About the most tokens that one search, or one fetched page, brings into the conversation. */
export const WEB_RESULT_TOKENS = 12_000;

/**
 * The most a request can use: nothing is read from the cache at first, the answer is as long as it may be, and each
 * tool of the web is used as often as it may be. Each use is one more pass of the model over all that is there by
 * then; what the request itself has sent or written is read from the cache in it, as the service does by itself.
 */
export function worstUsage(
  model: Pick<ModelSpec, "price">,
  tools: readonly ToolSpec[],
  promptTokens: number,
  outputTokens: number,
): Usage {
  const { searches, uses } = webUses(tools);
  const newTokens = promptTokens + uses * WEB_RESULT_TOKENS + (uses > 0 ? outputTokens : 0);
  const readAgain = uses * (promptTokens + outputTokens) +
    WEB_RESULT_TOKENS * uses * (uses - 1) / 2;
  return {
    ...dearest(model.price, newTokens),
    cacheReadTokens: readAgain,
    outputTokens,
    ...searches > 0 && { webSearches: searches },
  };
}

/** All tokens of `worstUsage`. */
export const worstTokens = (
  tools: readonly ToolSpec[],
  promptTokens: number,
  outputTokens: number,
): number => passesOf(tools) * promptTokens + besidesPrompt(tools, outputTokens);

/** The prompt of a request that uses `worst` tokens at most: `worstTokens` the other way round. */
export const promptWithin = (
  tools: readonly ToolSpec[],
  worst: number,
  outputTokens: number,
): number => (worst - besidesPrompt(tools, outputTokens)) / passesOf(tools);

/** How long an answer may be so that its request surely uses at most so many tokens. Negative: the prompt is too long. */
export const outputWithin = (
  tools: readonly ToolSpec[],
  promptTokens: number,
  tokens: number,
): number => Math.floor((tokens - worstTokens(tools, promptTokens, 0)) / outputPasses(tools));

/** The most a request can cost. */
export function worstCostMicroUsd(
  model: ModelSpec,
  promptTokens: number,
  outputTokens: number,
  tools: readonly ToolSpec[] = [],
): number {
  const all = worstTokens(tools, promptTokens, outputTokens) - outputTokens;
  return Math.max(
    ...bands(model, all).map((price) =>
      costOf(worstUsage({ price }, tools, promptTokens, outputTokens), price)
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
  tools: readonly ToolSpec[] = [],
): number {
  const { uses } = webUses(tools);
  // With tools of the web the answer is part of what the model reads again, and may bring the higher band.
  const longest = uses > 0 ? model.maxOutputTokens : 0;
  const all = worstTokens(tools, promptTokens, longest) - longest;
  return Math.min(
    ...bands(model, all).map((price) => {
      const left = budgetMicroUsd - costOf(worstUsage({ price }, tools, promptTokens, 0), price);
      if (left < 0) return -1;
      const again = uses > 0
        ? Math.max(price.cacheWrite5m, price.input) + uses * price.cacheRead
        : 0;
      const each = price.output + again;
      return each > 0 ? Math.floor(left / each) : Number.MAX_SAFE_INTEGER;
    }),
  );
}

/** Beside the uses that a request allows, there may be one that a paused answer has begun: its result comes with the next. */
function webUses(tools: readonly ToolSpec[]): { searches: number; uses: number } {
  const web = tools.flatMap((tool) => tool.web ?? []);
  const most = (some: typeof web) => some.reduce((sum, { maxUses }) => sum + maxUses, 1);
  const searching = web.filter(({ kind }) => kind === "search");
  return {
    searches: searching.length > 0 ? most(searching) : 0,
    uses: web.length > 0 ? most(web) : 0,
  };
}

/** How often the prompt is read at most. */
const passesOf = (tools: readonly ToolSpec[]): number => 1 + webUses(tools).uses;

/** How often a token of the answer counts: once written, and each time that it is read. */
function outputPasses(tools: readonly ToolSpec[]): number {
  const { uses } = webUses(tools);
  return uses > 0 ? 2 + uses : 1;
}

function besidesPrompt(tools: readonly ToolSpec[], outputTokens: number): number {
  const { uses } = webUses(tools);
  return outputPasses(tools) * outputTokens + WEB_RESULT_TOKENS * uses * (uses + 1) / 2;
}

/** `promptTokens` is an upper bound, so each band that begins below it may be the one that applies. */
function bands({ price, longPrompt }: ModelSpec, promptTokens: number): Price[] {
  return longPrompt && promptTokens > longPrompt.aboveTokens ? [price, longPrompt.price] : [price];
}

/** New tokens at the highest rate; the runtime asks for the 5-minute cache only. */
function dearest(price: Price, tokens: number): Usage {
  return price.cacheWrite5m > price.input
    ? { ...noUsage, cacheWrite5mTokens: tokens }
    : { ...noUsage, inputTokens: tokens };
}
