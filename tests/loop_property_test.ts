/** What must hold for every run, tried on many made-up ones. A failing one is named by its seed. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { costMicroUsd, promptTokensOf, totalTokensOf } from "../agents/loop/cost.ts";
import { apply, fold } from "../agents/loop/fold.ts";
import { newState } from "../agents/loop/loop_state.ts";
import { models, resolveModel } from "../agents/models.ts";
import { noUsage, type RunEventBody, type Usage } from "../agents/protocol.ts";
import { type TurnAnswer, TurnError, type TurnRequest } from "../agents/loop/turn.ts";
import { answer, call, play, runSpec, type Scripted, seeded, text } from "./loop_support.ts";
import { madeUpRun, SEEDS } from "./made_up_runs.ts";

/** Requests whose end is on disk: as many answers of the script are used up. */
const answered = (log: RunEventBody[]): number =>
  log.filter(({ type }) => type === "turn_finished" || type === "turn_failed").length;

Deno.test("a run that is cut off after any event sends the same bytes and comes to the same end", async () => {
  for (const seed of SEEDS) {
    const options = madeUpRun(seed);
    const whole = await play(options).catch((error) => {
      throw new Error(`seed ${seed}`, { cause: error });
    });
    if (whole.outcome.type === "retry") continue;
    for (let length = 0; length <= whole.log.length; length++) {
      const log = whole.log.slice(0, length);
      const done = answered(log);
      const resumed = await play({ ...options, log, script: options.script.slice(done) });
      const where = `seed ${seed}, cut after event ${length}`;
      deepEqual(resumed.outcome, whole.outcome, where);
      deepEqual(resumed.requests, whole.requests.slice(done), where);
      // A request that was cut off gets its end and is announced once more.
      if (log.at(-1)?.type === "turn_started") resumed.log.splice(length, 2);
      deepEqual(resumed.log, whole.log, where);
    }
  }
});

Deno.test("fold of every beginning of a log is the state that the loop had at that moment", async () => {
  for (const seed of SEEDS) {
    const options = madeUpRun(seed);
    const { log } = await play(options);
    const state = newState(options.spec!);
    for (const [index, event] of log.entries()) {
      const before = structuredClone(log.slice(0, index));
      deepEqual(fold(options.spec!, before), state, `seed ${seed}, event ${index}`);
      apply(state, event);
    }
  }
});

Deno.test("every history is one that the API accepts", async () => {
  for (const seed of SEEDS) {
    for (const { messages } of (await play(madeUpRun(seed))).sent) {
      checkHistory(messages, `seed ${seed}`);
    }
  }
});

/** The rules of the Messages API about roles and results. */
function checkHistory(messages: TurnRequest["messages"], where: string): void {
  equal(messages[0]!.role, "user", where);
  for (const [index, message] of messages.entries()) {
    const previous = messages[index - 1];
    ok(previous?.role !== message.role, `${where}: neighbours of one role`);
    ok(message.content.length > 0, `${where}: an empty message`);
    if (message.role === "system") equal(previous?.role, "user", where);
    const calls = previous?.role === "assistant"
      ? previous.content.flatMap((block) => block.type === "tool_use" ? [block.id] : [])
      : [];
    const results = message.role === "user"
      ? message.content.flatMap((block) => block.type === "tool_result" ? [block.tool_use_id] : [])
      : [];
    deepEqual(results, calls, `${where}: results are not those of the calls before`);
  }
}

// ---------------------------------------------------------------- limits

/** A server that counts as it likes, within what tokens can be: at most one for each byte, thinking unseen. */
class Meter {
  readonly #bytesPerToken: number;
  readonly #random: () => number;
  /** Output of the answers in the history, by their text. */
  readonly #outputs = new Map<string, number>();
  /** Everything that was really charged, told or not. */
  readonly charged: Usage[] = [];

  constructor(random: () => number) {
    this.#random = random;
    this.#bytesPerToken = random() < 0.5 ? 1 : 1 + random() * 3;
  }

  charge(request: TurnRequest, content: TurnAnswer["content"]): Usage {
    const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value)).length;
    const count = (value: unknown) => Math.ceil(bytes(value) / this.#bytesPerToken);
    const prompt = count(request.system) + count(request.tools) +
      request.messages.reduce(
        (sum, { content }) => sum + (this.#outputs.get(JSON.stringify(content)) ?? count(content)),
        0,
      );
    // Half of the time the worst: an answer as long as it may be, and nothing in the cache.
    const worst = this.#random() < 0.5;
    const output = worst ? request.maxOutputTokens : Math.min(
      request.maxOutputTokens,
      count(content) + Math.floor(this.#random() * request.maxOutputTokens),
    );
    this.#outputs.set(JSON.stringify(content), output);
    const read = worst ? 0 : Math.floor(this.#random() * prompt);
    const written = worst ? prompt : Math.floor(this.#random() * (prompt - read));
    const usage = {
      ...noUsage,
      inputTokens: prompt - read - written,
      cacheReadTokens: read,
      cacheWrite5mTokens: written,
      outputTokens: output,
    };
    this.charged.push(usage);
    return usage;
  }
}

Deno.test("whatever a server charges, cost and tokens never pass the run's limits", async () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = seeded(seed);
    const meter = new Meter(random);
    const model = resolveModel(models[seed % models.length]!.id, null);
    const spec = runSpec({
      model,
      limits: {
        maxTurns: 60,
        maxTokens: Math.floor(10_000 + random() ** 3 * 2_000_000),
        maxCostMicroUsd: Math.floor(100 + random() ** 4 * 3_000_000),
        timeoutMs: Infinity,
      },
    });
    let number = 0;
    const next = (request: TurnRequest): TurnAnswer | TurnError => {
      const id = `c${number++}`;
      const size = Math.floor(random() ** 4 * 20_000);
      const content = [text("x".repeat(1 + size / 10)), call(id, "Read", { id })];
      const charged = meter.charge(request, content);
      if (random() < 0.15) {
        // Broken off: the prompt is told, the output is not, and charged it is all the same.
        return new TurnError("stream_broken", "gone", {
          retryAfterMs: null,
          usage: { ...charged, outputTokens: 1 },
        });
      }
      return { ...answer(...content), usage: charged };
    };
    const { outcome } = await play({
      spec,
      script: Array<Scripted>(200).fill(next),
      tools: () => ({ content: "y".repeat(Math.floor(random() ** 4 * 40_000)) }),
    });
    const cost = meter.charged.reduce((sum, usage) => sum + costMicroUsd(model, usage), 0);
    const tokens = meter.charged.reduce((sum, usage) => sum + totalTokensOf(usage), 0);
    ok(cost <= spec.limits.maxCostMicroUsd, `seed ${seed}: cost ${cost}`);
    ok(tokens <= spec.limits.maxTokens, `seed ${seed}: ${tokens} tokens`);
    ok(meter.charged.every((usage) => promptTokensOf(usage) >= 0));
    ok(["failed", "retry", "in_doubt"].includes(outcome.type), `seed ${seed}: ${outcome.type}`);
  }
});
