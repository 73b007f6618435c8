/** What becomes of runs whose brains die again and again, and of their neighbours. */
import { setImmediate } from "node:timers";
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { RunOutcome } from "../agents/protocol.ts";
import { MAX_ANSWER_BYTES } from "../agents/loop/idle_watch.ts";
import { MAX_LOSSES } from "../agents/brains.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { answer, startFakeClaude, toolUse } from "./fake_claude/mod.ts";
import { actor, handIn, never, pool, poolFor, recorder, resultOf, root } from "./brain_support.ts";
import { runSpec, typesOf } from "./loop_support.ts";
import { executeRun, testApp } from "./support.ts";

const mortal = new URL("tests/fixtures/mortal_brain.ts", root);
const prompt = (text: string) => `<task purpose="develop">${text}</task>`;
const lost = (outcome: RunOutcome, afterMs: number) => {
  ok(outcome.type === "retry", JSON.stringify(outcome));
  deepEqual([outcome.reason, outcome.afterMs], ["worker_lost", afterMs]);
};

for (const how of ["exit", "close", "hang"]) {
  Deno.test(`after a brain's death by ${how} all its runs go on at once, and pay for no turn twice`, async () => {
    await using fake = startFakeClaude({
      reply: ({ prompt, turn }) =>
        prompt.includes("calm") && turn === 1 ? answer(toolUse("Edit", {})) : handIn,
    });
    using brains = poolFor(fake, { entry: mortal });
    const dying = runSpec({ runId: "dying", prompt: prompt(`die once by ${how}`) });
    const calm = runSpec({ runId: "calm", prompt: prompt("calm") });
    const dyingSide = recorder();
    const dead = Promise.withResolvers<void>();
    const calmSide = recorder({
      // The other run begins, and brings the brain down, while this one's call is at work.
      async tools(_turn, calls) {
        lost(await brains.run(dying, dyingSide.log, 0, dyingSide.host, never), 0);
        dead.resolve();
        return { results: calls.map(resultOf), suspended: false };
      },
    });
    lost(await brains.run(calm, [], 0, calmSide.host, never), 0);
    await dead.promise;

    const again = recorder();
    const outcomes = await Promise.all([
      brains.run(calm, [...calmSide.log], 0, again.host, never),
      brains.run(dying, [{ type: "started", spec: dying }], 0, dyingSide.host, never),
    ]);
    deepEqual(outcomes.map(({ type }) => type), ["succeeded", "succeeded"]);
    equal(fake.paidTurns, 3);
  });
}

/** Brains that die of some runs; what becomes of the others is theirs to say. */
const deadly = (others = "") =>
  actor(`
    if (message.type !== "start") return;
    if (message.spec.runId === "deadly") post("nonsense");
    ${others}
  `);

Deno.test("a run that loses brain after brain is given up; what it shared them with works on", async () => {
  using brains = pool(deadly());
  const run = (runId: string) => brains.run(runSpec({ runId }), [], 0, recorder().host, never);
  for (let losses = 1; losses < MAX_LOSSES; losses++) {
    const neighbour = run("neighbour");
    lost(await run("deadly"), losses === 1 ? 0 : 1_000);
    lost(await neighbour, losses === 1 ? 0 : 1_000);
  }
  const neighbour = run("neighbour");
  const another = run("another");
  const outcome = await run("deadly");
  ok(outcome.type === "failed");
  equal(outcome.reason, "quarantined");
  match(
    outcome.message,
    /was lost: .*does not know\. The run has lost 3 in a row, and is given up/,
  );
  equal(brains.active(), 2, "the others are at work");
  brains.close();
  deepEqual(await Promise.all([neighbour, another]), [{ type: "stopped" }, { type: "stopped" }]);
});

Deno.test("a run that gets on between its losses is not given up", async () => {
  const zero = { inputTokens: 0, outputTokens: 0, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 };
  const price = { input: 0, output: 0, cacheWrite5m: 0, cacheWrite1h: 0, cacheRead: 0 };
  const event = {
    ...{ type: "turn_finished", turn: 1, content: [], stopReason: "end_turn", price },
    usage: { ...zero, cacheReadTokens: 0 },
    ...{ costMicroUsd: 0, requestId: null, durationMs: 0 },
  };
  using brains = pool(actor(`
    if (message.type === "start") {
      post({ type: "append", loop: message.loop, requestId: 1, event: ${JSON.stringify(event)} });
    }
    if (message.type === "appended") post("nonsense");
  `));
  for (let losses = 0; losses <= MAX_LOSSES; losses++) {
    lost(await brains.run(runSpec(), [], 0, recorder().host, never), 0);
  }
});

Deno.test("a server that was not served in time itself does not take its brains for dead", async () => {
  using brains = pool({ ...actor(""), heartbeatMs: 10 });
  let isLost = false;
  const run = brains.run(runSpec(), [], 0, recorder().host, never).finally(() => isLost = true);
  await new Promise((resolve) => setTimeout(resolve, 1));
  for (let beats = 0; beats < 12; beats++) {
    for (const end = performance.now() + 25; performance.now() < end;);
    await new Promise((resolve) => setTimeout(resolve, 0));
    equal(isLost, false);
  }
  lost(await run, 0);
});

Deno.test("an answer without end is given up; its brain and the runs beside it are not", async () => {
  const line = (type: string, data: Record<string, unknown>) =>
    new TextEncoder().encode(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = { id: "m", type: "message", role: "assistant", content: [], model: "m", usage };
  const block = { index: 0, content_block: { type: "text", text: "" } };
  const delta = { index: 0, delta: { type: "text_delta", text: "a".repeat(100_000) } };
  let bytes = 0;
  const endless = () =>
    ReadableStream.from((function* () {
      yield line("message_start", { message });
      yield line("content_block_start", block);
      for (const piece = line("content_block_delta", delta);; bytes += piece.length) yield piece;
    })());
  await using server = Deno.serve(
    { port: 0, onListen: () => {} },
    () => new Response(endless(), { headers: { "content-type": "text/event-stream" } }),
  );
  const baseUrl = `http://127.0.0.1:${server.addr.port}`;
  using brains = pool({
    endpoint: { kind: "endpoint", baseUrl, apiKey: "key", idleTimeoutMs: 10_000 },
  });
  const failed = async (runId: string) => {
    const stop = new AbortController();
    const { host, log } = recorder();
    await brains.run(runSpec({ runId }), [], 0, {
      ...host,
      append(event) {
        host.append(event);
        if (event.type === "turn_failed") stop.abort();
      },
    }, stop.signal);
    deepEqual(typesOf(log), ["turn_started", "turn_failed"]);
    return log[1]!.type === "turn_failed" ? log[1] : null;
  };
  for (const end of await Promise.all([failed("a"), failed("b")])) {
    equal(end!.reason, "stream_broken");
    match(end!.message, new RegExp(`more than ${MAX_ANSWER_BYTES} bytes came`));
  }
  ok(bytes < 4 * MAX_ANSWER_BYTES);
});

Deno.test("what is on its way to the disk when a brain is lost is there before the run goes on", async () => {
  using brains = pool({
    ...actor(`if (message.type === "start") {
      const event = { type: "nudge", text: "paid for" };
      post({ type: "append", loop: message.loop, requestId: 1, event });
      post({ type: "strange" });
    }`),
  });
  const saved = Promise.withResolvers<void>();
  const order: string[] = [];
  const { host } = recorder({
    async append() {
      await saved.promise;
      order.push("saved");
    },
  });
  const outcome = brains.run(runSpec(), [], 0, host, never).finally(() => order.push("settled"));
  while (brains.active() > 0) await new Promise((resolve) => setImmediate(resolve)); // it is lost
  saved.resolve();
  lost(await outcome, 0);
  deepEqual(order, ["saved", "settled"]);
});

Deno.test("a run whose brain was lost goes on at once, and one that found none waits its turn", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [run] = listIdeaRuns(app.db, idea.id);
  const execute = (afterMs: number | null) => {
    const message = "The worker that ran the loop was lost: it does not answer";
    app.agents.outcomes.push({ type: "retry", reason: "worker_lost", message, afterMs });
    const attempt = { attempt: 1, maxAttempts: 100 };
    return executeRun(app, run!.id, attempt, new AbortController().signal);
  };
  const { type, ...rest } = await execute(0);
  deepEqual([type, "ms" in rest && rest.ms], ["snooze", 0], "at once, and no try is used up");
  const late = await execute(1_000);
  equal(late.type === "snooze" && late.ms, 1_000);
  equal((await execute(null)).type, "retry", "the queue's own backoff decides");
});
