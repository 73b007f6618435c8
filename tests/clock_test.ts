/** The server's clock: the system's, but never back. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { bringWaitingBack, dueAtMs } from "../queue/due.ts";
import { enqueue, getJob } from "../queue/queue.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, steadyClock } from "../server/clock.ts";
import { bareApp } from "./bare_app.ts";

const NOON = Date.parse("2026-01-02T12:00:00.000Z");

/** A wall clock that the test sets, and the time that really passes. */
function world({ notBeforeMs }: { notBeforeMs?: number } = {}) {
  let wallMs = NOON;
  let passedMs = 0;
  const jumps: number[] = [];
  const clock = steadyClock({
    wallMs: () => wallMs,
    passedMs: () => passedMs,
    onSetBack: (byMs) => jumps.push(byMs),
    notBeforeMs,
  });
  return {
    now: () => clock.nowMs() - NOON,
    pass(ms: number) {
      passedMs += ms;
      wallMs += ms;
    },
    set: (ms: number) => void (wallMs += ms),
    jumps,
  };
}

Deno.test("it is the system's clock, and follows it when it is set forward", () => {
  const w = world();
  equal(w.now(), 0);
  w.pass(SECOND_MS);
  equal(w.now(), SECOND_MS);
  w.set(HOUR_MS);
  equal(w.now(), SECOND_MS + HOUR_MS);
});

Deno.test("set back, it goes on from where it was, and never twice through the same time", () => {
  const w = world();
  w.pass(MINUTE_MS);
  const before = w.now();
  w.set(-2 * HOUR_MS);
  const seen = [before];
  for (let n = 0; n < 100; n++) {
    w.pass(MINUTE_MS);
    seen.push(w.now());
  }
  deepEqual(seen, [...new Set(seen)].sort((a, b) => a - b));
  deepEqual(w.jumps, []);
});

Deno.test("what waits for its time waits at most twice as long after the clock was set back", () => {
  const w = world();
  const dueAt = w.now() + 10 * MINUTE_MS;
  w.set(-3 * HOUR_MS);
  w.pass(10 * MINUTE_MS);
  w.now();
  ok(w.now() < dueAt);
  w.pass(10 * MINUTE_MS);
  ok(w.now() >= dueAt);
});

Deno.test("once the system's clock has caught up, it is followed again", () => {
  const w = world();
  w.set(-2 * HOUR_MS);
  const hours = () => {
    for (let n = 0; n < 60; n++) {
      w.pass(MINUTE_MS);
      w.now();
    }
    return w.now() / HOUR_MS;
  };
  deepEqual([hours(), hours(), hours(), hours()], [0.5, 1, 1.5, 2]);
  deepEqual([hours(), hours()], [3, 4]);
});

Deno.test("it begins at the newest time that was recorded, when the clock was set back in between", () => {
  const w = world({ notBeforeMs: NOON + HOUR_MS });
  equal(w.now(), HOUR_MS);
  w.pass(2 * HOUR_MS);
  equal(w.now(), 2 * HOUR_MS);
  equal(world({ notBeforeMs: NOON - HOUR_MS }).now(), 0, "an older one changes nothing");
});

Deno.test("a clock that was wrong by more than a day is not waited for, and whoever minds is told", () => {
  const w = world();
  w.set(-DAY_MS - HOUR_MS);
  w.pass(SECOND_MS);
  equal(w.now(), -DAY_MS - HOUR_MS + SECOND_MS);
  deepEqual(w.jumps, [DAY_MS + HOUR_MS - SECOND_MS]);
  w.pass(SECOND_MS);
  w.now();
  equal(w.jumps.length, 1);
  const later = world({ notBeforeMs: NOON + 400 * DAY_MS });
  equal(later.now(), 0);
  deepEqual(later.jumps, [400 * DAY_MS]);
});

Deno.test("after a clock that was far ahead, jobs wait as long as they would have, in the same order", () => {
  using app = bareApp();
  const add = (ticketId: string, delayMs: number) =>
    app.tx((tx) => {
      const args = { ticketId };
      return enqueue(tx, { kind: "advance_ticket", args, runAtMs: tx.nowMs + delayMs })!;
    });
  const [soon, later] = [add("a", 10 * MINUTE_MS), add("b", 5 * DAY_MS)];
  const past = add("c", SECOND_MS);
  app.advance(2 * SECOND_MS);
  const before = app.clock.nowMs();
  app.setClock(before - 30 * DAY_MS);
  app.tx((tx) => bringWaitingBack(tx, 30 * DAY_MS));
  const waits = (id: string) => Date.parse(getJob(app.db, id).scheduledAt) - app.clock.nowMs();
  equal(waits(soon), 10 * MINUTE_MS - 2 * SECOND_MS);
  equal(waits(later), 5 * DAY_MS - 2 * SECOND_MS);
  equal(dueAtMs(app.db), app.clock.nowMs() - SECOND_MS, "what was due is due");
  equal(waits(past), -SECOND_MS);
});
