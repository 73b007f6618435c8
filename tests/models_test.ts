/** The models that agents may run on, and what they cost. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal, throws } from "node:assert";
import {
  costOf,
  demoModel,
  isModelName,
  models,
  priceFor,
  pricesAsOf,
  resolveModel,
} from "../agents/models.ts";
import { noUsage } from "../agents/protocol.ts";
import { claudeModels } from "./fake_claude/models.ts";

Deno.test("the prices are those of the vendor's list, with the month they were taken", () => {
  equal(pricesAsOf, "2026-11");
  // input, write 5m, write 1h, cache read, output: USD per million tokens.
  const listed: Record<string, [string | null, number[], string | null]> = {
    "claude-fable-5-2": ["fable", [8, 10, 16, 0.2, 40], "high"],
    "claude-opus-5-5": ["opus", [4, 5, 8, 0.2, 20], "medium"],
    "claude-sonnet-5-5": ["sonnet", [2, 2.5, 4, 0.1, 10], "high"],
    "claude-haiku-5-5": ["haiku", [0.1, 0.125, 0.2, 0.01, 0.5], "medium"],
    "claude-opus-5": [null, [5, 6.25, 10, 0.5, 25], "high"],
    "claude-opus-4-8": [null, [5, 6.25, 10, 0.5, 25], "high"],
    "claude-sonnet-5": [null, [2, 2.5, 4, 0.2, 10], "high"],
    "claude-haiku-4-5": [null, [1, 1.25, 2, 0.1, 5], null],
  };
  const table = Object.fromEntries(
    models.map((model) => [model.id, [model.family, rates(model.price), model.defaultEffort]]),
  );
  deepEqual(table, listed);
});

const rates = (price: (typeof models)[number]["price"]) => [
  price.input,
  price.cacheWrite5m,
  price.cacheWrite1h,
  price.cacheRead,
  price.output,
];

Deno.test("Haiku's higher band begins above 100,000 tokens of prompt, caches included", () => {
  const haiku = resolveModel("haiku", null);
  deepEqual(rates(haiku.longPrompt!.price), [0.5, 0.625, 1, 0.05, 2.5]);
  const usage = {
    ...noUsage,
    inputTokens: 40_000,
    cacheReadTokens: 30_000,
    cacheWrite5mTokens: 20_000,
    cacheWrite1hTokens: 10_000,
    outputTokens: 500_000,
  };
  equal(priceFor(haiku, usage).input, 0.1);
  equal(priceFor(haiku, { ...usage, inputTokens: 40_001 }).input, 0.5);
  equal(priceFor(resolveModel("opus", null), { ...noUsage, inputTokens: 900_000 }).input, 4);
});

Deno.test("costOf() adds the disjoint counters at their rates and rounds up, never by a float's error", () => {
  const { price } = resolveModel("opus", null);
  const usage = {
    inputTokens: 1_000,
    cacheWrite5mTokens: 100,
    cacheWrite1hTokens: 10,
    cacheReadTokens: 10_000,
    outputTokens: 1,
  };
  equal(costOf(usage, price), 4_000 + 500 + 80 + 2_000 + 20);
  const haiku = resolveModel("haiku", null).price;
  equal(costOf({ ...noUsage, inputTokens: 10 }, haiku), 1);
  equal(costOf({ ...noUsage, inputTokens: 30, cacheReadTokens: 100 }, haiku), 4);
  equal(costOf({ ...noUsage, inputTokens: 11 }, haiku), 2);
  equal(costOf(noUsage, price), 0);
  equal(costOf({ ...usage, outputTokens: 1_000_000 }, demoModel.price), 0);
});

Deno.test("resolveModel() takes a family or an exact id, with the given effort or the model's own", () => {
  const opus = resolveModel("opus", null);
  deepEqual(opus, {
    id: "claude-opus-5-5",
    contextTokens: 1_000_000,
    maxOutputTokens: 128_000,
    thinking: "adaptive",
    systemMessages: true,
    effort: "medium",
    price: {
      input: 4,
      output: 20,
      cacheWrite5m: 5,
      cacheWrite1h: 8,
      cacheRead: 0.2,
      webSearch: 10,
    },
    longPrompt: null,
  });
  deepEqual(resolveModel("claude-opus-5-5", "medium"), opus);
  equal(resolveModel("sonnet", "low").effort, "low");
});

Deno.test("system messages in the history are for the models whose endpoint takes them", () => {
  const takers = models.map(({ id, systemMessages }) => [id, systemMessages]);
  const endpoint = [...claudeModels.values()].map(({ id, systemMessages }) => [id, systemMessages]);
  deepEqual(Object.fromEntries(takers), Object.fromEntries(endpoint));
  equal(resolveModel("claude-sonnet-5", null).systemMessages, false);
});

Deno.test("resolveModel() asks claude-haiku-4-5 for neither effort nor thinking", () => {
  const { effort, thinking, maxOutputTokens } = resolveModel("claude-haiku-4-5", "high");
  deepEqual({ effort, thinking, maxOutputTokens }, {
    effort: null,
    thinking: null,
    maxOutputTokens: 64_000,
  });
});

Deno.test("resolveModel() refuses an unknown model and names the alternatives", () => {
  throws(() => resolveModel("claude-opus-9", null), {
    code: "invalid",
    message: /^Cannot use the model "claude-opus-9": it is not known\. Choose one of fable, opus, /,
  });
  ok(!isModelName("gaffer-demo"), "the demo model is not chosen by name");
});

Deno.test("the demo model is free, has an id of its own, and takes neither thinking nor effort", () => {
  equal(demoModel.id, "gaffer-demo");
  deepEqual(rates(demoModel.price), [0, 0, 0, 0, 0]);
  deepEqual([demoModel.thinking, demoModel.effort, demoModel.longPrompt], [null, null, null]);
});
