/** What holds a request back: the account's rate limits, and another run that asks for the same beginning first. */
import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from "node:assert";
import { type Gate, pause } from "../agents/gates/gate.ts";
import { LeaderGate } from "../agents/gates/leader.ts";
import { LIMITER_WAIT_MS, RateLimiter } from "../agents/gates/limiter.ts";
import { McpServers } from "../agents/mcp/servers.ts";
import { rateLimitsOf } from "../agents/loop/rate_limits.ts";
import { noUsage, type RunEventBody, type RunSpec } from "../agents/protocol.ts";
import { type Agents, createAgents, Paused } from "../agents/runtime.ts";
import { never, type Pool, poolFor } from "./brain_support.ts";
import {
  answer,
  type FakeClaude,
  type Fault,
  rateHeaders,
  startFakeClaude,
  toolUse,
  withHeaders,
} from "./fake_claude/mod.ts";
import { permissionsFor, runSpec } from "./loop_support.ts";

/** Tells whether a promise is settled once all that can happen now has happened. */
async function isOpen(promise: Promise<unknown>): Promise<boolean> {
  const open = Symbol();
  for (let i = 0; i < 5; i++) await Promise.resolve();
  return await Promise.race([promise.then(() => false, () => false), Promise.resolve(open)]) ===
    open;
}

const named = (runId: string, changes: Partial<RunSpec> = {}) => runSpec({ runId, ...changes });
const need = (input: number, output = 10) => ({
  requests: 1,
  tokens: input + output,
  "input-tokens": input,
  "output-tokens": output,
});

// ---------------------------------------------------------------- rate limits

Deno.test("rateLimitsOf() reads what the headers tell, and nothing that makes no sense", () => {
  const headers = new Headers({
    ...rateHeaders("requests", { limit: 50, remaining: 7, resetAtMs: 30_000 }),
    ...rateHeaders("input-tokens", { limit: 0, remaining: 7, resetAtMs: 30_000 }),
    "anthropic-ratelimit-tokens-limit": "many",
  });
  deepEqual(rateLimitsOf(headers, 10_000), {
    requests: { limit: 50, remaining: 7, resetInMs: 20_000 },
  });
  equal(rateLimitsOf(new Headers(), 0), null);
});

Deno.test("the limiter slows down before a limit is used up, and holds nobody for longer than a minute", () => {
  let nowMs = 0;
  const limiter = new RateLimiter(() => nowMs);
  equal(limiter.waitMs(need(5_000)), 0); // nothing is known
  const told = (remaining: number) =>
    limiter.rate("r", { "input-tokens": { limit: 60_000, remaining, resetInMs: 50_000 } });
  told(50_000);
  equal(limiter.waitMs(need(5_000)), 0);
  told(15_000); // low: no faster than 1,000 tokens a second come back
  equal(limiter.waitMs(need(5_000)), 5_000);
  told(2_000); // 3,000 are missing
  equal(limiter.waitMs(need(5_000)), 3_000);
  told(0);
  equal(limiter.waitMs(need(50_000)), 50_000); // until it is full again
  equal(limiter.waitMs(need(1_000_000)), 50_000);
  limiter.rate("r", { "input-tokens": { limit: 60_000, remaining: 0, resetInMs: 3_000_000 } });
  equal(limiter.waitMs(need(1_000_000)), LIMITER_WAIT_MS);
  nowMs = 3_000_001;
  equal(limiter.waitMs(need(1_000_000)), 0);
});

Deno.test("requests on their way count for each other, until headers account for them or they end", async () => {
  const limiter = new RateLimiter(() => 0);
  const limits = { requests: { limit: 10, remaining: 4, resetInMs: 60_000 } };
  limiter.rate("x", limits);
  await limiter.before(named("a"), never);
  await limiter.before(named("b"), never);
  equal(limiter.waitMs(need(1)), 6_000); // one left: as fast as they come back
  limiter.over("a");
  limiter.recorded("b", failed);
  equal(limiter.waitMs(need(1)), 0);
});

const failed: RunEventBody = {
  type: "turn_failed",
  turn: 1,
  reason: "overloaded",
  message: "",
  usage: noUsage,
  costMicroUsd: 0,
  retryInMs: 0,
};

Deno.test("who waits at a gate stops at once, and leaves nothing behind", async () => {
  const limiter = new RateLimiter(() => 0);
  limiter.rate("x", { requests: { limit: 10, remaining: 0, resetInMs: 60_000 } });
  const stop = new AbortController();
  const held = limiter.before(named("a"), stop.signal);
  equal(await isOpen(held), true);
  stop.abort(new Error("stopped"));
  await rejects(held, /stopped/);
  equal(limiter.waitMs(need(1)), 6_000);
  await rejects(pause(1, AbortSignal.abort(new Error("gone"))), /gone/);
});

// ---------------------------------------------------------------- the same beginning

Deno.test("one of several runs with the same beginning asks first, the others when it begins to be answered", async () => {
  let nowMs = 0;
  const gate = new LeaderGate(() => nowMs);
  await gate.before(named("a"), never);
  const others = ["b", "c"].map((id) => gate.before(named(id), never));
  deepEqual(await Promise.all(others.map(isOpen)), [true, true]);
  await gate.before(named("x", { system: "You are another" }), never);
  gate.answering("a");
  await Promise.all(others);
  await gate.before(named("d"), never); // still in the cache
  nowMs += 6 * 60_000;
  await gate.before(named("e"), never);
  const late = gate.before(named("f"), never);
  equal(await isOpen(late), true);
  gate.over("e");
  await late;
});

Deno.test("when the first one fails the next one leads, and nobody waits for ever", async () => {
  const gate = new LeaderGate(() => 0);
  await gate.before(named("a"), never);
  const [b, c] = ["b", "c"].map((id) => gate.before(named(id), never));
  gate.recorded("a", failed);
  await b;
  equal(await isOpen(c!), true);
  gate.recorded("b", { type: "turn_finished" });
  await c;

  const impatient = new LeaderGate(() => performance.now(), 5);
  await impatient.before(named("a"), never);
  await impatient.before(named("b"), never);
});

// ---------------------------------------------------------------- runs at work

/** Several runs of one agent at a time, with real brains and no tools but handing in. */
class Runs implements AsyncDisposable {
  readonly logs = new Map<string, RunEventBody[]>();
  readonly agents: Agents;
  readonly #pool: Pool;
  paused = false;

  constructor(fake: FakeClaude, gates: Gate[]) {
    this.#pool = poolFor(fake, { size: 2 });
    const system = "You are the researcher agent of Gaffer.\n" + "Work with care. ".repeat(400);
    this.agents = createAgents({
      brains: this.#pool,
      hands: { warm: () => {}, close: () => Promise.resolve() } as never,
      host: {
        prepare: (runId) =>
          Promise.resolve({
            spec: runSpec({ runId, system, prompt: `The task of ${runId}` }),
            workedMs: 0,
            place: { dir: "/nowhere", access: "read", gitDir: null },
            permissions: permissionsFor("developer"),
            commands: [],
            unconfinedAllowed: false,
            servers: McpServers.none,
            outputDir: "/nowhere",
          }),
        log: (runId) => this.logs.get(runId) ?? [],
        mayGoOn: () => !this.paused,
        append: (runId, event) => {
          if (event.type === "turn_started" && this.paused) throw new Paused();
          this.logs.set(runId, [...this.logs.get(runId) ?? [], event]);
        },
        worked: () => {},
        delta: () => {},
        questions: () => {},
        approval: () => ({ status: "granted", reason: "" }),
        memory: () => null,
        diff: () => Promise.reject(new Error("not asked")),
        checkpoint: () => Promise.resolve(null),
      },
      model: { kind: "endpoint", baseUrl: fake.url },
      confinement: { kind: "bubblewrap", hint: "" },
      proof: Promise.resolve(null),
      nowMs: () => 0,
      gates,
    });
  }

  usageOf(runId: string) {
    return this.logs.get(runId)!.flatMap((event) =>
      event.type === "turn_finished" ? [event.usage] : []
    );
  }

  [Symbol.asyncDispose] = () => this.agents.close();
}

const handIn = answer(toolUse("submit_result", { status: "blocked", summary: "Enough" }));

Deno.test("of runs that begin together, the second reads what the first wrote", async () => {
  const reads = async (gates: Gate[]) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const hold: Fault = { type: "hold", after: "headers", until: promise };
    await using fake = startFakeClaude({ reply: () => ({ ...handIn, fault: hold }) });
    await using runs = new Runs(fake, gates);
    const ended = ["one", "two", "three"].map((id) => runs.agents.run(id, never));
    await fake.waitFor(({ request }) =>
      request !== null && request.number === (gates.length ? 1 : 3)
    );
    resolve();
    for (const outcome of await Promise.all(ended)) {
      equal(outcome.type, "succeeded", JSON.stringify(outcome));
    }
    const read = ["one", "two", "three"].map((id) => runs.usageOf(id)[0]!.cacheReadTokens > 0);
    return read.filter(Boolean).length;
  };
  equal(await reads([]), 0);
  equal(await reads([new LeaderGate(() => performance.now())]), 2);
});

Deno.test("a request is held before the provider refuses one, and a pause ends the wait within a second", async () => {
  const low = rateHeaders("requests", { limit: 60, remaining: 0, resetAtMs: Date.now() + 60_000 });
  await using fake = startFakeClaude({
    reply: ({ turn }) => turn === 1 ? withHeaders(answer("I look."), low) : handIn,
  });
  await using runs = new Runs(fake, [new RateLimiter(() => performance.now())]);
  const first = runs.agents.run("one", never);
  await fake.waitFor(({ ending }) => ending === "complete");
  const other = runs.agents.run("two", never);
  while ((runs.logs.get("one")?.length ?? 0) < 3) await new Promise((r) => setTimeout(r, 2));
  equal(runs.logs.get("two"), undefined);
  ok(fake.requests.length === 1, "no other request went out");
  runs.paused = true;
  const beganMs = performance.now();
  for (const id of ["one", "two"]) runs.agents.pauseRun(id, { killTools: false });
  deepEqual(await first, { type: "stopped" });
  deepEqual(await other, { type: "stopped" });
  ok(performance.now() - beganMs < 30_000, "it would have been a minute");
});
