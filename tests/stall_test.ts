/** A run of which nothing is heard is stopped; one that only takes its time is not. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import type { BrainHost, Brains } from "../agents/brains.ts";
import type { Hands, ToolRequest } from "../agents/hands_client.ts";
import { noUsage, type RunEventBody, type RunOutcome, type ToolCall } from "../agents/protocol.ts";
import { createAgents, type RunHost } from "../agents/runtime.ts";
import { STALL_MS, StallWatch } from "../agents/stall.ts";
import { BASH_DEFAULT_TIMEOUT_MS } from "../agents/tools/bash.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import { Unavailable } from "../server/machine_fault.ts";
import { failureReasons } from "../server/states.ts";
import { type BareApp, bareApp } from "./bare_app.ts";
import { runContext, runSpec, typesOf } from "./loop_support.ts";

// ---------------------------------------------------------------- the watch

function watched(app: BareApp): { watch: StallWatch; stalls: () => number } {
  let stalls = 0;
  const { timers, clock: { nowMs } } = app;
  const watch = new StallWatch({ timers, nowMs, onStall: () => stalls++ });
  return { watch, stalls: () => stalls };
}

Deno.test("StallWatch stalls after ten minutes without a sign, once, and says why", () => {
  using app = bareApp();
  equal(STALL_MS, 10 * MINUTE_MS);
  const { watch, stalls } = watched(app);
  app.advance(STALL_MS - 1);
  deepEqual([stalls(), watch.outcome], [0, null]);
  app.advance(1);
  equal(stalls(), 1);
  const { reason, message } = watch.outcome as RunOutcome & { type: "failed" };
  equal(reason, "stalled");
  match(message, /nothing was heard of the run for 10 minutes/);
  match(failureReasons.stalled.mend, /retry/);
  app.advance(HOUR_MS);
  equal(stalls(), 1);
  deepEqual(app.waitingTimers(), []);
});

Deno.test("each sign begins the silence anew, and thousands of them need one timer", () => {
  using app = bareApp();
  const { watch, stalls } = watched(app);
  for (let second = 0; second < 3_600; second++) {
    app.advance(SECOND_MS);
    watch.sign();
    equal(app.waitingTimers().length, 1);
  }
  equal(stalls(), 0);
  app.advance(STALL_MS - 1);
  equal(stalls(), 0);
  app.advance(1);
  equal(stalls(), 1);
});

Deno.test("patience lasts until the next sign", () => {
  using app = bareApp();
  const { watch, stalls } = watched(app);
  watch.sign(HOUR_MS);
  app.advance(HOUR_MS + STALL_MS - 1);
  equal(stalls(), 0);
  watch.sign();
  app.advance(STALL_MS);
  equal(stalls(), 1);
});

Deno.test("a process that was asleep has not been silent", () => {
  using app = bareApp();
  const { stalls } = watched(app);
  app.advance(STALL_MS - MINUTE_MS);
  app.setClock(app.clock.nowMs() + 8 * HOUR_MS);
  app.advance(MINUTE_MS);
  equal(stalls(), 0);
  app.advance(STALL_MS);
  equal(stalls(), 1);
});

Deno.test("a watch that is stopped leaves no timer", () => {
  using app = bareApp();
  watched(app).watch.stop();
  deepEqual(app.waitingTimers(), []);
});

// ---------------------------------------------------------------- the run

interface Bench extends Disposable {
  app: BareApp;
  outcome: Promise<RunOutcome>;
  /** What the loop does, as the test says. */
  loop: BrainHost;
  /** Aborts when the loop is told to stop. */
  signal: AbortSignal;
  /** The command, once it is at work. */
  command: Promise<{ print: (text: string) => void; end: () => void }>;
  log: RunEventBody[];
  disk: { isFull: boolean };
  /** What the run was told to have worked, life by life. */
  worked: number[];
}

/** A run whose loop and commands do nothing but what the test makes them do. */
async function bench({ timeoutMs = 24 * HOUR_MS } = {}): Promise<Bench> {
  const app = bareApp();
  const dir = await Deno.makeTempDir();
  const begun = Promise.withResolvers<{ loop: BrainHost; signal: AbortSignal }>();
  const log: RunEventBody[] = [];
  const brains = {
    run: (_spec: unknown, _log: unknown, _ms: unknown, host: BrainHost, signal: AbortSignal) => {
      begun.resolve({ loop: host, signal });
      const { promise, resolve } = Promise.withResolvers<RunOutcome>();
      signal.addEventListener("abort", () => resolve({ type: "stopped" }));
      return promise;
    },
    close: () => {},
  } as unknown as Brains;
  const command = Promise.withResolvers<Awaited<Bench["command"]>>();
  const hands = {
    warm: () => {},
    tool: (_place: unknown, { call, onOutput, cwd }: ToolRequest) => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      const result = { callId: call.id, content: "", isError: false, durationMs: 0 };
      command.resolve({ print: onOutput!, end: () => resolve({ result, cwd }) });
      return promise;
    },
    close: () => Promise.resolve(),
  } as unknown as Hands;
  const spec = runSpec();
  spec.tools.push({ name: "Bash", description: "", inputSchema: {}, readOnly: false });
  spec.limits.timeoutMs = timeoutMs;
  const disk = { isFull: false };
  const worked: number[] = [];
  const context = runContext({ spec, outputDir: `${dir}/run_1` });
  const host = {
    prepare: () => Promise.resolve(context),
    log: () => [],
    mayGoOn: () => true,
    append(_runId: string, event: RunEventBody) {
      if (disk.isFull) throw new Unavailable("disk_full", "save it");
      log.push(event);
    },
    worked: (_runId: string, ms: number) => void worked.push(ms),
    delta: () => {},
  } as unknown as RunHost;
  const agents = createAgents({
    ...{ brains, hands, host, model: { kind: "demo" }, proof: Promise.resolve(null) },
    confinement: { kind: "bubblewrap", hint: "" },
    nowMs: app.clock.nowMs,
    time: { nowMs: app.clock.nowMs, timers: app.timers },
  });
  const outcome = agents.run("run_1", new AbortController().signal);
  return {
    ...{ app, outcome, log, disk, worked, command: command.promise },
    ...await begun.promise,
    [Symbol.dispose]() {
      app[Symbol.dispose]();
      Deno.removeSync(dir, { recursive: true });
    },
  };
}

const bash = (input: Record<string, unknown> = {}): ToolCall => ({
  id: "call_1",
  name: "Bash",
  input: { command: "make", ...input },
});

Deno.test("a run that stays silent in a request fails as stalled", async () => {
  using b = await bench();
  await b.loop.append({ type: "turn_started", turn: 1, maxOutputTokens: 1 });
  b.app.advance(STALL_MS - 1);
  b.loop.delta(1, "thinking", "Hm");
  b.app.advance(STALL_MS - 1);
  ok(!b.signal.aborted);
  b.app.advance(1);
  const outcome = await b.outcome;
  equal(outcome.type === "failed" && outcome.reason, "stalled");
  deepEqual(b.app.waitingTimers(), []);
});

Deno.test("while an answer can't be saved, neither silence nor the run's time counts", async () => {
  using b = await bench({ timeoutMs: HOUR_MS });
  await b.loop.append({ type: "turn_started", turn: 1, maxOutputTokens: 1 });
  b.app.advance(5 * MINUTE_MS);
  b.disk.isFull = true;
  const nudge: RunEventBody = { type: "nudge", text: "Go on" };
  const save = async () => await b.loop.append(nudge);
  for (let tries = 0; tries < 3; tries++) {
    await rejects(save, Unavailable);
    b.app.advance(8 * HOUR_MS);
  }
  deepEqual([b.signal.aborted, b.app.waitingTimers()], [false, []]);
  b.disk.isFull = false;
  await save();
  deepEqual(typesOf(b.log), ["turn_started", "nudge"]);

  // From here on both count again, from where they were.
  b.app.advance(STALL_MS - 1);
  b.loop.delta(1, "text", "a");
  for (let minutes = 15; minutes < 60; minutes++) {
    b.app.advance(MINUTE_MS);
    b.loop.delta(1, "text", "a");
  }
  equal(b.signal.aborted, false, "it has its usual grace");
  b.app.advance(MINUTE_MS);
  const outcome = await b.outcome;
  equal(outcome.type === "failed" && outcome.reason, "timed_out");
  deepEqual(b.worked.map((ms) => Math.floor(ms / MINUTE_MS)), [60]);
  deepEqual(b.app.waitingTimers(), []);
});

Deno.test("requests that the service fails, and the waits for the next try, take none of the run's time", async () => {
  using b = await bench({ timeoutMs: 10 * MINUTE_MS });
  const request: RunEventBody = { type: "turn_started", turn: 1, maxOutputTokens: 1 };
  const failed = (reason: "stalled" | "output_limit", durationMs: number): RunEventBody => ({
    ...{ type: "turn_failed", turn: 1, reason, message: "", usage: noUsage },
    ...{ costMicroUsd: 0, retryInMs: MINUTE_MS, durationMs },
  });
  for (let tries = 0; tries < 20; tries++) {
    await b.loop.append(request);
    b.app.advance(2 * MINUTE_MS);
    await b.loop.append(failed("stalled", 2 * MINUTE_MS));
    b.app.advance(MINUTE_MS);
  }
  await b.loop.append(request);
  b.app.advance(6 * MINUTE_MS);
  equal(b.signal.aborted, false, "all of its ten minutes are left");
  await b.loop.append(failed("output_limit", 6 * MINUTE_MS));
  b.app.advance(4 * MINUTE_MS + 29 * SECOND_MS);
  equal(b.signal.aborted, false, "it has its usual grace");
  b.app.advance(SECOND_MS);
  const outcome = await b.outcome;
  equal(outcome.type === "failed" && outcome.reason, "timed_out");
  deepEqual(b.worked, [10 * MINUTE_MS + 30 * SECOND_MS]);
  deepEqual(b.app.waitingTimers(), []);
});

Deno.test("after an answer could be saved, a silence is a stall again", async () => {
  using b = await bench();
  b.disk.isFull = true;
  const started: RunEventBody = { type: "turn_started", turn: 1, maxOutputTokens: 1 };
  const save = async () => await b.loop.append(started);
  await rejects(save, Unavailable);
  b.app.advance(STALL_MS);
  b.disk.isFull = false;
  await save();
  b.app.advance(STALL_MS - 1);
  equal(b.signal.aborted, false);
  b.app.advance(1);
  const outcome = await b.outcome;
  equal(outcome.type === "failed" && outcome.reason, "stalled");
});

Deno.test("a silent command within its own time limit is no stall, nor is one that prints", async () => {
  using b = await bench();
  const done = b.loop.tools(1, [bash({ timeout: 600_000 })]);
  const command = await b.command;
  b.app.advance(STALL_MS + 600_000 - 1);
  command.print("still here\n");
  b.app.advance(STALL_MS + 600_000 - 1);
  ok(!b.signal.aborted);
  command.end();
  equal((await done).results.length, 1);
  b.app.advance(STALL_MS - 1);
  ok(!b.signal.aborted, "the silence begins with the end of the call");
  b.app.advance(1);
  equal((await b.outcome).type, "failed");
});

Deno.test("a command whose hands never answer stalls once its own time limit is over, too", async () => {
  using b = await bench();
  b.loop.tools(1, [bash()]).catch(() => {});
  await b.command;
  b.app.advance(STALL_MS + BASH_DEFAULT_TIMEOUT_MS - 1);
  ok(!b.signal.aborted);
  b.app.advance(1);
  const outcome = await b.outcome;
  equal(outcome.type === "failed" && outcome.reason, "stalled");
});
