/** Brains as real workers, against the strict fake server. */
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { SAVE_AGAIN_MS } from "../agents/brain_link.ts";
import { createBrains } from "../agents/brains.ts";
import { bundleDeltas } from "../agents/delta_bundle.ts";
import { demoModel } from "../agents/models.ts";
import type { RunEventBody } from "../agents/protocol.ts";
import { silentLog } from "../server/log.ts";
import { Unavailable } from "../server/machine_fault.ts";
import { systemTimers, type Timers } from "../server/timers.ts";
import {
  answer,
  broken,
  rateLimited,
  refusal,
  type Reply,
  spendLimitReached,
  startFakeClaude,
  text,
  thinking,
  toolUse,
  unauthorized,
} from "./fake_claude/mod.ts";
import { runSpec, typesOf } from "./loop_support.ts";
import {
  actor,
  handIn,
  never,
  type Pool,
  pool,
  poolFor,
  recorder,
  resultOf,
  root,
} from "./brain_support.ts";

// ---------------------------------------------------------------- against the fake server

Deno.test("a brain runs a whole run: every event in order, what streams bundled and before its turn's end", async () => {
  await using fake = startFakeClaude();
  using brains = poolFor(fake);
  fake.enqueue(
    answer(thinking("I look."), text("Reading the file now."), toolUse("Read", { file_path: "a" })),
    handIn,
  );
  const { host, log, seen } = recorder();
  const outcome = await brains.run(runSpec(), [], 0, host, never);
  deepEqual(outcome, { type: "succeeded", result: { status: "done" } });
  deepEqual(typesOf(log), ["turn_started", "turn_finished", "turn_started", "turn_finished"]);
  const first = seen.slice(1, seen.indexOf("turn_finished"));
  const streamed = (kind: string) =>
    first.filter((line) => line.startsWith(`1 ${kind}: `))
      .map((line) => line.slice(`1 ${kind}: `.length)).join("");
  equal(streamed("thinking"), "I look.");
  equal(streamed("text"), "Reading the file now.");
  equal(streamed("tool"), 'Read {"file_path":"a"}\n');
  equal(fake.requests.every(({ status }) => status === 200), true);
  equal(brains.active(), 0);
});

Deno.test("a run goes on from its log in a new brain, and pays for no turn twice", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(answer(thinking("One."), toolUse("Edit", { file_path: "a" })), handIn);
  const first = recorder({ tools: () => Promise.resolve({ results: [], suspended: true }) });
  {
    using brains = poolFor(fake);
    deepEqual(await brains.run(runSpec(), [], 0, first.host, never), { type: "suspended" });
  }
  using brains = poolFor(fake);
  const second = recorder();
  const outcome = await brains.run(runSpec(), first.log, 0, second.host, never);
  equal(outcome.type, "succeeded");
  equal(fake.paidTurns, 2);
});

Deno.test("many runs share one brain", async () => {
  await using fake = startFakeClaude({ reply: () => handIn });
  using brains = poolFor(fake);
  const runs = Array.from(
    { length: 12 },
    (_, i) => brains.run(runSpec({ runId: `run_${i}` }), [], 0, recorder().host, never),
  );
  equal(brains.active(), 12);
  for (const outcome of await Promise.all(runs)) equal(outcome.type, "succeeded");
});

const endings: [string, Reply, Record<string, unknown>][] = [
  ["401", unauthorized(), { type: "hold", reason: "authentication" }],
  ["the spending limit", spendLimitReached(), { type: "hold", reason: "spend_limit" }],
  ["429 for minutes", rateLimited(300), {
    type: "retry",
    reason: "rate_limited",
    afterMs: 300_000,
  }],
  ["a refusal", refusal("cyber"), { type: "failed", reason: "refusal" }],
];
for (const [name, reply, expected] of endings) {
  Deno.test(`${name} ends a brain's run as ${expected.type}, with the try in the log`, async () => {
    await using fake = startFakeClaude();
    fake.enqueue(reply);
    using brains = poolFor(fake);
    const { host, log } = recorder();
    const outcome = await brains.run(runSpec(), [], 0, host, never);
    const { message, ...rest } = outcome as { message: string };
    deepEqual(rest, expected);
    match(message, /^Cannot /);
    deepEqual(typesOf(log), ["turn_started", "turn_failed"]);
  });
}

Deno.test("the demo model answers inside a brain that has no network at all", async () => {
  using brains = pool();
  const { host, log } = recorder();
  await brains.run(runSpec({ model: demoModel }), [], 0, host, never);
  equal(log[1]?.type, "turn_finished", JSON.stringify(log[1]));
});

Deno.test("bundleDeltas() keeps the order of kinds, and sends on time, on size and on demand", () => {
  const sent: string[] = [];
  let due: (() => void) | null = null;
  const bundle = bundleDeltas(
    (turn, kind, text) => sent.push(`${turn} ${kind} ${text.length > 9 ? text.length : text}`),
    (callback) => {
      due = callback;
      return () => due = null;
    },
  );
  bundle.add(1, "text", "a");
  bundle.add(1, "text", "b");
  deepEqual(sent, []);
  bundle.add(1, "tool", "c");
  deepEqual(sent, ["1 text ab"]);
  due!();
  deepEqual(sent, ["1 text ab", "1 tool c"]);
  bundle.add(2, "text", "x".repeat(8_000));
  deepEqual(sent.at(-1), "2 text 8000");
  equal(due, null, "a timer for nothing");
  bundle.add(2, "text", "");
  bundle.flush();
  equal(sent.length, 3);
});

// ---------------------------------------------------------------- stopping

Deno.test("a stop ends the run while the model speaks; what was paid is saved, and nothing is said afterwards", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(broken(answer("Half a sentence"), { type: "hold", after: "content_block_delta" }));
  using brains = poolFor(fake);
  const stop = new AbortController();
  const { host, log } = recorder({ delta: () => stop.abort() });
  deepEqual(await brains.run(runSpec(), [], 0, host, stop.signal), { type: "stopped" });
  deepEqual(typesOf(log), ["turn_started", "turn_failed"]);
  equal(log[1]!.type === "turn_failed" && log[1].costMicroUsd, Math.ceil(fake.costMicroUsd));
  equal(brains.active(), 0);
});

Deno.test("a stop during a tool call does not wait for the call", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(answer(toolUse("Edit", {})));
  using brains = poolFor(fake);
  const stop = new AbortController();
  const endless = new Promise<never>(() => {});
  const { host } = recorder({ tools: () => (stop.abort(), endless) });
  deepEqual(await brains.run(runSpec(), [], 0, host, stop.signal), { type: "stopped" });
});

Deno.test("a stop during the wait before another try does not wait it out", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(rateLimited(50));
  using brains = poolFor(fake);
  const stop = new AbortController();
  const { host, log } = recorder();
  const outcome = await brains.run(runSpec(), [], 0, {
    ...host,
    append(event) {
      host.append(event);
      if (event.type === "turn_failed") stop.abort();
    },
  }, stop.signal);
  deepEqual(outcome, { type: "stopped" });
  deepEqual(typesOf(log), ["turn_started", "turn_failed"]);
});

Deno.test("a run that is stopped before it begins starts no brain", async () => {
  using brains = pool({ ...actor("throw new Error('started')") });
  deepEqual(await brains.run(runSpec(), [], 0, recorder().host, AbortSignal.abort()), {
    type: "stopped",
  });
});

Deno.test("a brain that does not hear the stop can't hold the run, nor speak for it later", async () => {
  using brains = pool({
    ...actor(`
      if (message.type !== "start") return;
      const event = { type: "note", text: "from loop " + message.loop };
      post({ type: "append", loop: 1, requestId: 9, event });
      if (message.loop === 2) end(2, "second");
    `),
    stopGraceMs: 10,
  });
  const stop = new AbortController();
  const first = recorder();
  const late: string[] = [];
  const run = brains.run(runSpec(), [], 0, {
    ...first.host,
    append(event) {
      late.push(event.type);
      stop.abort();
    },
  }, stop.signal);
  deepEqual(await run, { type: "stopped" });
  equal(late.length, 1);
  const second = await brains.run(runSpec(), [], 0, recorder().host, never);
  equal(second.type, "failed");
  equal(late.length, 1, "an event after the outcome");
});

Deno.test("close ends the runs at work as stopped, and later ones at once", async () => {
  const brains = createBrains({
    root,
    compiled: false,
    endpoint: { kind: "demo", paceMs: 0 },
    size: 1,
    log: silentLog,
    ...actor(""),
  });
  const run = brains.run(runSpec(), [], 0, recorder().host, never);
  brains.close();
  deepEqual(await run, { type: "stopped" });
  deepEqual(await brains.run(runSpec(), [], 0, recorder().host, never), { type: "stopped" });
});

// ---------------------------------------------------------------- faults of the host

Deno.test("a host that can't save ends that run with its own error, and only that run", async () => {
  await using fake = startFakeClaude({ reply: () => handIn });
  using brains = poolFor(fake);
  const refused = new Error("disk full");
  let asked = 0;
  const failing = recorder({
    append() {
      asked++;
      throw refused;
    },
  });
  const good = recorder();
  const bad = brains.run(runSpec({ runId: "bad" }), [], 0, failing.host, never);
  const fine = brains.run(runSpec({ runId: "good" }), [], 0, good.host, never);
  await rejects(bad, refused);
  equal((await fine).type, "succeeded");
  equal(asked, 1);
});

Deno.test("a host whose tools throw ends that run with the error", async () => {
  await using fake = startFakeClaude({ reply: () => answer(toolUse("Edit", {})) });
  using brains = poolFor(fake);
  const { host } = recorder({ tools: () => Promise.reject(new Error("no hands")) });
  await rejects(brains.run(runSpec(), [], 0, host, never), /no hands/);
});

// ---------------------------------------------------------------- calls that come with their turn

Deno.test("a turn's calls begin as soon as it is on disk, and not before", async () => {
  await using fake = startFakeClaude({ reply: () => handIn });
  using brains = poolFor(fake);
  const order: string[] = [];
  const { host } = recorder({
    async append({ type }) {
      order.push(`${type} asked`);
      // Long enough for calls that were passed on to be there: an answer of the brain's comes after them.
      if (type === "turn_finished") await brainAnswers(brains);
      order.push(type);
    },
    tools(turn, calls) {
      order.push(`tools of turn ${turn}`);
      return Promise.resolve({ results: calls.map(resultOf), suspended: false });
    },
  });
  equal((await brains.run(runSpec(), [], 0, host, never)).type, "succeeded");
  deepEqual(order.slice(-3), ["turn_finished asked", "turn_finished", "tools of turn 1"]);
});

Deno.test("a turn that can't be saved yet keeps its calls waiting; one that can't at all never begins them", async () => {
  await using fake = startFakeClaude({ reply: () => handIn });
  const soon: Timers = {
    ...systemTimers,
    // Only this wait: a heartbeat without one would give a busy brain up.
    after: (ms, callback, options) =>
      systemTimers.after(ms === SAVE_AGAIN_MS ? 0 : ms, callback, options),
  };
  using brains = poolFor(fake, { timers: soon });
  for (
    const { fault, left, ends } of [
      { fault: () => new Unavailable("disk_full", "save it"), left: 3, ends: "succeeded" },
      { fault: () => new Error("the run has ended"), left: 1, ends: "rejected" },
    ]
  ) {
    let failures = left;
    const order: string[] = [];
    const { host } = recorder({
      async append({ type }) {
        if (type !== "turn_finished") return;
        await brainAnswers(brains);
        order.push(failures > 0 ? "not saved" : "saved");
        if (failures-- > 0) throw fault();
      },
      tools(_turn, calls) {
        order.push("tools");
        return Promise.resolve({ results: calls.map(resultOf), suspended: false });
      },
    });
    const ended = await brains.run(runSpec(), [], 0, host, never)
      .then(({ type }) => type, () => "rejected");
    equal(ended, ends);
    await brainAnswers(brains);
    const refused = Array(left).fill("not saved");
    deepEqual(order, ends === "rejected" ? refused : [...refused, "saved", "tools"]);
  }
});

/** Another run through the same brain, from its start to its end: whatever was said before has been heard by then. */
async function brainAnswers(brains: Pool): Promise<void> {
  const log = [{ type: "cancelled", by: "owner" }] as RunEventBody[];
  const { type } = await brains.run(runSpec({ runId: "other" }), log, 0, recorder().host, never);
  equal(type, "stopped");
}
