/** The models of CLAUDE-API.md, section 2: what each accepts (section 4) and what it costs. */
import type { ModelRules } from "../../agents/demo/validate.ts";
import type { CountedTokens, WireUsage } from "../../agents/demo/wire.ts";

const newest = {
  maxInputTokens: 1_000_000,
  maxOutputTokens: 128_000,
  forcedTools: false,
  systemMessages: true,
  minCacheTokens: 512,
} as const;
/** What the reference leaves open for older models is taken as the more permissive reading. */
const older = { ...newest, forcedTools: true, minCacheTokens: 1_024 } as const;

const rules: ModelRules[] = [
  {
    ...newest,
    id: "claude-fable-5-2",
    displayName: "Claude Fable 5.2",
    thinking: ["adaptive"],
    defaultEffort: "high",
  },
  {
    ...newest,
    id: "claude-opus-5-5",
    displayName: "Claude Opus 5.5",
    thinking: ["adaptive"],
    defaultEffort: "medium",
  },
  {
    ...newest,
    id: "claude-sonnet-5-5",
    displayName: "Claude Sonnet 5.5",
    thinking: ["adaptive", "between_tools"],
    defaultEffort: "high",
  },
  {
    ...newest,
    id: "claude-haiku-5-5",
    displayName: "Claude Haiku 5.5",
    forcedTools: true,
    thinking: ["adaptive", "disabled"],
    defaultEffort: "medium",
  },
  {
    ...older,
    id: "claude-opus-5",
    displayName: "Claude Opus 5",
    thinking: ["adaptive", "disabled"],
    defaultEffort: "high",
  },
  {
    ...older,
    id: "claude-opus-4-8",
    displayName: "Claude Opus 4.8",
    thinking: ["adaptive", "disabled"],
    defaultEffort: "high",
  },
  {
    ...older,
    id: "claude-sonnet-5",
    displayName: "Claude Sonnet 5",
    thinking: ["adaptive", "disabled"],
    defaultEffort: "high",
    systemMessages: false,
  },
  {
    ...older,
    id: "claude-haiku-4-5",
    displayName: "Claude Haiku 4.5",
    maxInputTokens: 200_000,
    maxOutputTokens: 64_000,
    thinking: ["enabled", "disabled"],
    defaultEffort: null,
  },
];

/** Every model that the fake serves, by id. */
export const claudeModels: ReadonlyMap<string, ModelRules> = new Map(
  rules.map((model) => [model.id, model]),
);

/** USD per million tokens, which is micro-USD per token. */
interface Rates {
  input: number;
  write5m: number;
  write1h: number;
  read: number;
  output: number;
}

const rates = (
  ...[input, write5m, write1h, read, output]: [number, number, number, number, number]
) => ({
  input,
  write5m,
  write1h,
  read,
  output,
});

const prices: Record<string, Rates> = {
  "claude-fable-5-2": rates(8, 10, 16, 0.20, 40),
  "claude-opus-5-5": rates(4, 5, 8, 0.20, 20),
  "claude-sonnet-5-5": rates(2, 2.50, 4, 0.10, 10),
  "claude-haiku-5-5": rates(0.10, 0.125, 0.20, 0.01, 0.50),
  "claude-opus-5": rates(5, 6.25, 10, 0.50, 25),
  "claude-opus-4-8": rates(5, 6.25, 10, 0.50, 25),
  "claude-sonnet-5": rates(2, 2.50, 4, 0.20, 10),
  "claude-haiku-4-5": rates(1, 1.25, 2, 0.10, 5),
};
/** Ten dollars for a thousand. */
const MICRO_USD_PER_SEARCH = 10_000;
const longHaiku = rates(0.50, 0.625, 1.00, 0.05, 2.50);
const LONG_HAIKU_ABOVE_TOKENS = 100_000;

/** What a request cost, in micro-USD, unrounded. Throws for a model without a price. */
export function costMicroUsd(model: string, usage: WireUsage): number {
  const counted = [usage, ...usage.iterations ?? []];
  const searches = usage.server_tool_use?.web_search_requests ?? 0;
  return counted.reduce(
    (sum, one) => sum + costOf(model, one),
    searches * MICRO_USD_PER_SEARCH,
  );
}

function costOf(model: string, usage: CountedTokens): number {
  const prompt = usage.input_tokens + usage.cache_creation_input_tokens +
    usage.cache_read_input_tokens;
  const price = model === "claude-haiku-5-5" && prompt > LONG_HAIKU_ABOVE_TOKENS
    ? longHaiku
    : prices[model];
  if (!price) throw new Error(`Cannot price a request: no price for model "${model}"`);
  // The split by lifetime is told once, at the start; what tools wrote later is in the sum alone.
  const { ephemeral_5m_input_tokens: split, ephemeral_1h_input_tokens: write1h } =
    usage.cache_creation;
  const write5m = Math.max(split, usage.cache_creation_input_tokens - write1h);
  return usage.input_tokens * price.input + write5m * price.write5m + write1h * price.write1h +
    usage.cache_read_input_tokens * price.read +
    usage.output_tokens * price.output;
}

/** One model as `GET /v1/models` lists it. */
export function modelInfo(model: ModelRules) {
  const supported = (yes: boolean) => ({ supported: yes });
  return {
    type: "model",
    id: model.id,
    display_name: model.displayName,
    created_at: "2026-10-21T00:00:00Z",
    deprecated_at: null,
    retires_at: null,
    lifecycle: "active",
    line: model.id.split("-")[1] ?? null,
    max_input_tokens: model.maxInputTokens,
    max_tokens: model.maxOutputTokens,
    capabilities: {
      effort: supported(model.defaultEffort !== null),
      thinking: {
        supported: true,
        types: {
          adaptive: supported(model.thinking.includes("adaptive")),
          between_tools: supported(model.thinking.includes("between_tools")),
          disabled: supported(model.thinking.includes("disabled")),
          enabled: supported(model.thinking.includes("enabled")),
        },
      },
    },
  };
}
