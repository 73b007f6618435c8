/** When a brain counts as lost: soon when it hangs, and not when it only does not get its turn. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { BrainLink } from "../agents/brain_link.ts";
import { Heartbeat, HEARTBEAT_MS, MAX_CROWDING, MAX_MISSED_PONGS } from "../agents/heartbeat.ts";
import { startThread, type ThreadClock, type ThreadTime } from "../agents/thread_clock.ts";
import { MINUTE_MS } from "../server/clock.ts";
import { silentLog } from "../server/log.ts";
import { systemTimers } from "../server/timers.ts";
import { bareApp } from "./bare_app.ts";
import { never, poolFor, recorder, root } from "./brain_support.ts";
import { startFakeClaude } from "./fake_claude/mod.ts";
import { runSpec } from "./loop_support.ts";

/** What a brain that hangs, on a quiet machine, must have been noticed after. */
const QUIET_MS = 750;
const MOST_MS = 2 * MAX_CROWDING * MAX_MISSED_PONGS * HEARTBEAT_MS;

/** A brain's thread, from the moment on at which it says no more; `atMs` milliseconds later. */
type Thread = (atMs: number) => ThreadTime | "gone" | null;

/** How long after its last word the brain was lost, with the default values; null: never. */
function lostAfter(
  thread: Thread,
  options: { saysAgainAtMs?: number; crowding?: number; lastWordMs?: number } = {},
): number | null {
  using app = bareApp();
  const { saysAgainAtMs = Infinity, lastWordMs = HEARTBEAT_MS, crowding = 1 } = options;
  const { clock: { nowMs }, timers } = app;
  const lastMs = nowMs() + lastWordMs;
  const speaks = () => nowMs() <= lastMs || nowMs() >= lastMs + saysAgainAtMs;
  let lostMs: number | null = null;
  const heartbeat = new Heartbeat({
    ...{ timers, nowMs, crowding: () => crowding },
    clock: () => thread(nowMs() - lastMs),
    ping: () => speaks() && heartbeat.sign(),
    onLost: () => lostMs = nowMs() - lastMs,
  });
  heartbeat.start();
  app.advance(MOST_MS);
  heartbeat.stop();
  deepEqual(app.waitingTimers(), []);
  return lostMs;
}

/** Computes without end, with that part of a processor. */
const spins = (share: number): Thread => (atMs) => ({ ranMs: share * atMs, asleep: false });
const isStuck: Thread = () => ({ ranMs: 70, asleep: true });
const waitsForDisk: Thread = () => ({ ranMs: 70, asleep: false });

Deno.test("a brain that hangs is lost within three quarters of a second with the default values", () => {
  // It may fall silent just before a ping, just after one, or anywhere between.
  for (const lastWordMs of [HEARTBEAT_MS, HEARTBEAT_MS + 1, HEARTBEAT_MS * 1.5]) {
    for (const thread of [spins(1), spins(0.8), isStuck]) {
      const ms = lostAfter(thread, { lastWordMs })!;
      ok(ms > 0 && ms <= QUIET_MS, `${ms} ms`);
    }
  }
});

Deno.test("a brain whose thread has ended is lost at once", () => {
  ok(lostAfter(() => "gone")! <= 2 * HEARTBEAT_MS);
});

Deno.test("a brain that does not get its turn is waited for, and lives on", () => {
  for (const thread of [spins(0.05), spins(0), waitsForDisk]) {
    equal(lostAfter(thread, { saysAgainAtMs: 3_000 }), null);
  }
  // What collects garbage sleeps now and then, while others work for it.
  const collects: Thread = (atMs) => ({ ranMs: 0.1 * atMs, asleep: true });
  equal(lostAfter(collects, { saysAgainAtMs: 2_000 }), null);
});

Deno.test("a brain that hangs on a crowded machine is lost once it has had time enough to answer", () => {
  const ms = lostAfter(spins(0.25))!;
  ok(ms > QUIET_MS && ms <= 1_250, `${ms} ms`);
});

Deno.test("a silence has an end, whatever its reason", () => {
  ok(lostAfter(waitsForDisk)! <= (MAX_MISSED_PONGS * MAX_CROWDING + 1) * HEARTBEAT_MS);
});

Deno.test("where nobody tells of threads, the machine's load decides", () => {
  const unknown: Thread = () => null;
  ok(lostAfter(unknown)! <= QUIET_MS);
  const crowded = lostAfter(unknown, { crowding: 3 })!;
  ok(crowded > QUIET_MS && crowded <= 3 * QUIET_MS, `${crowded} ms`);
  ok(lostAfter(unknown, { crowding: 1_000 })! <= MAX_CROWDING * QUIET_MS);
});

Deno.test("while the server itself stands still, no silence counts", () => {
  using app = bareApp();
  let lost = false;
  const heartbeat = new Heartbeat({
    ...{ timers: app.timers, nowMs: app.clock.nowMs, clock: isStuck as ThreadClock },
    ping: () => {},
    onLost: () => lost = true,
  });
  heartbeat.start();
  for (let beats = 0; beats < 20; beats++) {
    app.setClock(app.clock.nowMs() + MINUTE_MS);
    app.advance(HEARTBEAT_MS);
  }
  equal(lost, false);
  app.advance(QUIET_MS);
  equal(lost, true);
});

Deno.test("what a brain says that was given up is not heard: another may be at its runs", async () => {
  const posted: string[] = [];
  const worker = {
    postMessage: ({ type }: { type: string }) => void posted.push(type),
    terminate: () => void posted.push("terminated"),
  } as unknown as Worker;
  const says = (data: unknown) => worker.onmessage!(new MessageEvent("message", { data }));
  const lost = Promise.withResolvers<void>();
  const link = new BrainLink({
    ...{ worker, endpoint: { kind: "demo", paceMs: 0 }, heartbeatMs: 25, stopGraceMs: 1 },
    clock: () => "gone",
    timers: systemTimers,
    log: silentLog,
    onLost: lost.resolve,
    onLoopEnd: () => {},
  });
  says({ type: "ready" });
  const { host, log } = recorder();
  const outcome = link.run({ spec: runSpec(), log: [], elapsedMs: 0 }, host, never);
  await lost.promise;
  equal((await outcome).type, "retry");
  says({ type: "append", loop: 1, requestId: 1, event: { type: "nudge", text: "Go on" } });
  says({ type: "outcome", loop: 1, outcome: { type: "suspended" } });
  deepEqual([log, posted.at(-1)], [[], "terminated"]);
});

Deno.test("a real brain that hangs is lost with the default values, and the other runs in it come back", async () => {
  await using fake = startFakeClaude();
  using brains = poolFor(fake, { entry: new URL("tests/fixtures/mortal_brain.ts", root) });
  const calm = runSpec({ runId: "calm" });
  const hangs = runSpec({ runId: "hangs", prompt: '<task purpose="develop">die by hang</task>' });
  const up = Promise.withResolvers<void>();
  const { host } = recorder({ append: () => up.resolve() });
  const neighbour = brains.run(calm, [], 0, host, never);
  await up.promise;
  await brains.run(hangs, [], 0, recorder().host, never);
  equal((await neighbour).type, "retry");
});

// ------------------------------------------------------------------ the clock of a thread

Deno.test({
  name: "the clock tells that a worker's thread computes, that it sleeps, and that it has ended",
  ignore: Deno.build.os !== "linux",
  async fn() {
    const code = `self.onmessage = ({ data: ms }) => {
      for (const end = performance.now() + ms; performance.now() < end;);
      if (ms > 0) self.postMessage("done");
      else self.close();
    };`;
    const url = `data:application/javascript,${encodeURIComponent(code)}`;
    const startOne = () => startThread(() => new Worker(url, { type: "module" }));
    let { worker, clock } = startOne();
    // Whose thread is whose can't be told when another test starts one at the same moment.
    for (let tries = 0; clock() === null && tries < 20; tries++) {
      worker.terminate();
      ({ worker, clock } = startOne());
    }
    const until = async (what: string, is: (time: ReturnType<ThreadClock>) => boolean) => {
      const end = performance.now() + 60_000;
      while (!is(clock())) {
        ok(performance.now() < end, `waited in vain until it ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    const ranMs = () => (clock() as ThreadTime).ranMs;
    const computed = async (ms: number) => {
      worker.postMessage(ms);
      await new Promise((resolve) => worker.onmessage = resolve);
    };
    await computed(1);
    await until("sleeps", (time) => time !== "gone" && time!.asleep);
    const before = ranMs();
    await computed(100);
    ok(ranMs() > before);
    worker.postMessage(0);
    await until("has ended", (time) => time === "gone");
    worker.terminate();
  },
});
