/** What becomes of runs when their brains die, and how the pool deals with brains. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { Log } from "../server/log.ts";
import { silentLog } from "../server/log.ts";
import { startFakeClaude } from "./fake_claude/mod.ts";
import { runSpec } from "./loop_support.ts";
import { actor, never, pool, poolFor, recorder, root } from "./brain_support.ts";

// ---------------------------------------------------------------- lost brains

const lost = (reason: RegExp, afterMs: number | null = 0) => (outcome: unknown) => {
  const { message, ...rest } = outcome as { message: string };
  deepEqual(rest, { type: "retry", reason: "worker_lost", afterMs });
  match(message, reason);
};

Deno.test("a brain that ends without a word is noticed by its heartbeat; the next run gets a new one", async () => {
  using brains = pool({
    ...actor(`
      if (message.type !== "start") return;
      if (message.spec.runId === "deadly") self.close();
      else end(message.loop, "alive");
    `),
    heartbeatMs: 25,
  });
  lost(/does not answer/)(
    await brains.run(runSpec({ runId: "deadly" }), [], 0, recorder().host, never),
  );
  const next = await brains.run(runSpec({ runId: "next" }), [], 0, recorder().host, never);
  equal(next.type === "failed" && next.message, "alive");
});

Deno.test("a brain that hangs is noticed, and all its runs come back", async () => {
  using brains = pool({
    ...actor(`if (message.type === "start" && message.loop === 2) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2000);
    }`),
    heartbeatMs: 25,
  });
  const runs = ["a", "b"].map((runId) =>
    brains.run(runSpec({ runId }), [], 0, recorder().host, never)
  );
  for (const outcome of await Promise.all(runs)) lost(/does not answer/)(outcome);
  equal(brains.active(), 0);
});

Deno.test("an uncaught error in a brain does not end the server; its runs come back", async () => {
  using brains = pool({ ...actor(`if (message.type === "start") throw new Error("thrown");`) });
  lost(/thrown/)(await brains.run(runSpec(), [], 0, recorder().host, never));
});

Deno.test("a brain that talks nonsense is not believed", async () => {
  const nonsense = [
    `{ type: "append", loop: message.loop, requestId: 1, event: { type: "succeeded", result: 1 } }`,
    `{ type: "append", loop: message.loop, requestId: 1, event: { type: "note" } }`,
    `{ type: "outcome", loop: message.loop, outcome: { type: "failed", reason: "mine", message: "" } }`,
    `{ type: "hello" }`,
    `"hello"`,
    `[{ type: "pong", id: 1 }, "hello"]`,
    `[[{ type: "pong", id: 1 }]]`,
  ];
  for (const message of nonsense) {
    using brains = pool({ ...actor(`if (message.type === "start") post(${message});`) });
    const { host, log } = recorder();
    lost(/does not know/)(await brains.run(runSpec(), [], 0, host, never));
    deepEqual(log, []);
  }
});

Deno.test("several messages at once are heard in their order, up to the first that is nonsense", async () => {
  using brains = pool({
    ...actor(`
      const delta = (text) =>
        ({ type: "delta", loop: message.loop, turn: 1, kind: "text", text });
      if (message.type === "start") post([delta("a"), delta("b"), { type: "hello" }, delta("c")]);`),
  });
  const { host, seen } = recorder();
  lost(/does not know/)(await brains.run(runSpec(), [], 0, host, never));
  deepEqual(seen, ["1 text: a", "1 text: b"]);
});

Deno.test("a brain that never comes up leaves the next try to the job's backoff", async () => {
  using brains = pool({ entry: new URL("agents/no_such_brain.ts", root) });
  lost(/was lost: ./, null)(await brains.run(runSpec(), [], 0, recorder().host, never));
});

Deno.test("calls at work when a brain is lost are saved before the run comes back", async () => {
  const noticed = Promise.withResolvers<void>();
  const log: Log = { ...silentLog, error: () => noticed.resolve() };
  using brains = pool({
    ...actor(`if (message.type === "start") {
      const calls = [{ id: "a", name: "Edit", input: {} }];
      post({ type: "tools", loop: message.loop, requestId: 1, turn: 1, calls });
      setTimeout(() => { throw new Error("thrown"); });
    }`),
    log,
  });
  const order: string[] = [];
  const { host } = recorder({
    async tools() {
      await noticed.promise;
      order.push("saved");
      return { results: [], suspended: false };
    },
  });
  const outcome = await brains.run(runSpec(), [], 0, host, never);
  order.push("run ended");
  lost(/thrown/)(outcome);
  deepEqual(order, ["saved", "run ended"]);
});

Deno.test("a fault inside a brain reaches the server's log", async () => {
  const faults: unknown[] = [];
  const log: Log = { ...silentLog, error: (_message, fields) => void faults.push(fields?.fault) };
  await using fake = startFakeClaude();
  using brains = poolFor(fake, { log });
  const { host } = recorder();
  const spec = { ...runSpec(), tools: null as never };
  const outcome = await brains.run(spec, [], 0, host, never);
  equal(outcome.type === "failed" && outcome.reason, "internal");
  match(String(faults[0]), /Loop of run "run_1"/);
});

// ---------------------------------------------------------------- the pool

Deno.test("loops spread over the brains, and there are never more brains than allowed", async () => {
  using brains = pool({
    ...actor(`
      if (message.type === "start" && message.spec.runId !== "last") return (self.open ??= []).push(message.loop);
      if (message.type === "start") for (const loop of [...(self.open ?? []), message.loop]) end(loop, me);
    `),
    size: 2,
  });
  const run = (runId: string) => brains.run(runSpec({ runId }), [], 0, recorder().host, never);
  const outcomes = await Promise.all([run("a"), run("b"), run("last"), run("last")]);
  const homes = outcomes.map((outcome) => outcome.type === "failed" ? outcome.message : outcome);
  equal(new Set(homes).size, 2);
});

Deno.test("a brain without work is ended after a while", async () => {
  using brains = pool({
    ...actor(`if (message.type === "start") end(message.loop, me);`),
    idleMs: 0,
  });
  const home = async () => {
    const outcome = await brains.run(runSpec(), [], 0, recorder().host, never);
    return outcome.type === "failed" ? outcome.message : null;
  };
  const first = await home();
  await new Promise((resolve) => setTimeout(resolve, 1));
  ok(first !== await home());
});
