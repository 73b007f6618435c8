/**
 * The models that agents may run on: what each can do and what it costs, as data with a date.
 * A leaf without files or packages, so that a brain can sum up a turn's cost too.
 */
import { AppError } from "../server/errors.ts";
import type { ModelSpec, Price, Usage } from "./protocol.ts";

/** USD per 1,000 searches of the web, the same for all models; a fetched page costs its tokens only. */
export const WEB_SEARCH_USD = 10;

/** Month in which the rates below were published; every turn stores the rates it was charged with. */
export const pricesAsOf = "2026-11";

export const efforts = ["low", "medium", "high", "xhigh", "max"] as const;
export type Effort = typeof efforts[number];

/** Short names of which each stands for the newest model of its line. */
export const modelFamilies = ["fable", "opus", "sonnet", "haiku"] as const;
export type ModelFamily = typeof modelFamilies[number];

/** One row of the table: a ModelSpec whose effort is still open. */
export interface Model extends Omit<ModelSpec, "effort"> {
  /** Null: reached by its exact id only. */
  family: ModelFamily | null;
  /** What the API itself would take. Null: the model knows no effort, so none is sent. */
  defaultEffort: Effort | null;
}

/** The context window and answer size that all current models share. */
const large = { contextTokens: 1_000_000, maxOutputTokens: 128_000 };

/** `adaptive` is sent wherever it is legal: fable and opus refuse everything else. */
export const models: readonly Model[] = [
  {
    family: "fable",
    id: "claude-fable-5-2",
    ...large,
    thinking: "adaptive",
    systemMessages: true,
    defaultEffort: "high",
    price: usdPerMillion(8, 10, 16, 0.2, 40),
    longPrompt: null,
  },
  {
    family: "opus",
    id: "claude-opus-5-5",
    ...large,
    thinking: "adaptive",
    systemMessages: true,
    defaultEffort: "medium",
    price: usdPerMillion(4, 5, 8, 0.2, 20),
    longPrompt: null,
  },
  {
    family: "sonnet",
    id: "claude-sonnet-5-5",
    ...large,
    thinking: "adaptive",
    systemMessages: true,
    defaultEffort: "high",
    price: usdPerMillion(2, 2.5, 4, 0.1, 10),
    longPrompt: null,
  },
  {
    family: "haiku",
    id: "claude-haiku-5-5",
    ...large,
    thinking: "adaptive",
    systemMessages: true,
    defaultEffort: "medium",
    price: usdPerMillion(0.1, 0.125, 0.2, 0.01, 0.5),
    // The two write rates of this band are not confirmed; they follow the ratio of the lower band.
    longPrompt: { aboveTokens: 100_000, price: usdPerMillion(0.5, 0.625, 1, 0.05, 2.5) },
  },
  {
    family: null,
    id: "claude-opus-5",
    ...large,
    thinking: "adaptive",
    systemMessages: true,
    defaultEffort: "high",
    price: usdPerMillion(5, 6.25, 10, 0.5, 25),
    longPrompt: null,
  },
  {
    family: null,
    id: "claude-opus-4-8",
    ...large,
    thinking: "adaptive",
    systemMessages: true,
    defaultEffort: "high",
    price: usdPerMillion(5, 6.25, 10, 0.5, 25),
    longPrompt: null,
  },
  {
    family: null,
    id: "claude-sonnet-5",
    ...large,
    thinking: "adaptive",
    systemMessages: false,
    defaultEffort: "high",
    price: usdPerMillion(2, 2.5, 4, 0.2, 10),
    longPrompt: null,
  },
  {
    family: null,
    id: "claude-haiku-4-5",
    contextTokens: 200_000,
    maxOutputTokens: 64_000,
    // It thinks only with a token budget, which no agent here sets.
    thinking: null,
    systemMessages: true,
    defaultEffort: null,
    price: usdPerMillion(1, 1.25, 2, 0.1, 5),
    longPrompt: null,
  },
];

/** The model that needs no key: it answers inside the brain, and nothing is charged. */
export const demoModel: ModelSpec = {
  id: "gaffer-demo",
  ...large,
  thinking: null,
  systemMessages: true,
  effort: null,
  price: { ...usdPerMillion(0, 0, 0, 0, 0), webSearch: 0 },
  longPrompt: null,
};

/** Whether `resolveModel` knows this family or exact id. */
export const isModelName = (name: string): boolean => findModel(name) !== undefined;

/** What `resolveModel` takes, for a message or a choice. */
export const modelNames: readonly string[] = [
  ...modelFamilies,
  ...models.map((model) => model.id),
];

/**
 * The model of a family or of an exact id, with its effort set explicitly: the given one, else the
 * model's default, else none where the model knows no effort. Throws `invalid` for an unknown name.
 */
export function resolveModel(name: string, effort: Effort | null): ModelSpec {
  const model = findModel(name);
  if (!model) {
    throw new AppError(
      "invalid",
      `Cannot use the model "${name}": it is not known. Choose one of ${modelNames.join(", ")}`,
      [{ field: "model", message: `expected one of ${modelNames.join(", ")}` }],
    );
  }
  const { family: _family, defaultEffort, ...spec } = model;
  return { ...spec, effort: defaultEffort === null ? null : effort ?? defaultEffort };
}

/**
 * The rates for one request. Above a model's long-prompt mark, counted over input, cache reads and
 * cache writes of that request, the higher band holds for all of its tokens.
 */
export function priceFor(model: Pick<ModelSpec, "price" | "longPrompt">, usage: Usage): Price {
  const promptTokens = usage.inputTokens + usage.cacheReadTokens + usage.cacheWrite5mTokens +
    usage.cacheWrite1hTokens;
  const { longPrompt } = model;
  return longPrompt && promptTokens > longPrompt.aboveTokens ? longPrompt.price : model.price;
}

/** Rates have at most six decimals; whole numbers keep 10 × 0.1 from becoming more than 1. */
const RATE_UNITS = 1_000_000;

/** A dollar for a thousand searches is a thousandth of a dollar for one. */
const MICRO_USD_PER_SEARCH_USD = 1_000;

/** Cost of one request in micro-USD, rounded up so that a limit never counts too little. */
export function costOf(usage: Usage, price: Price): number {
  const units = (rate: number) => Math.round(rate * RATE_UNITS);
  const total = usage.inputTokens * units(price.input) +
    usage.cacheWrite5mTokens * units(price.cacheWrite5m) +
    usage.cacheWrite1hTokens * units(price.cacheWrite1h) +
    usage.cacheReadTokens * units(price.cacheRead) +
    usage.outputTokens * units(price.output) +
    (usage.webSearches ?? 0) * units(price.webSearch ?? WEB_SEARCH_USD) * MICRO_USD_PER_SEARCH_USD;
  return Math.ceil(total / RATE_UNITS);
}

function findModel(name: string): Model | undefined {
  return models.find((model) => model.family === name || model.id === name);
}

/** In the order in which price lists print them. */
function usdPerMillion(
  input: number,
  cacheWrite5m: number,
  cacheWrite1h: number,
  cacheRead: number,
  output: number,
): Price {
  return { input, output, cacheWrite5m, cacheWrite1h, cacheRead, webSearch: WEB_SEARCH_USD };
}
