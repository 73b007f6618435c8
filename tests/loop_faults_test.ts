/** What the loop does about requests that bring no answer. */
import { deepStrictEqual as deepEqual, rejects, strictEqual as equal } from "node:assert";
import { fold } from "../agents/loop/fold.ts";
import { MAX_TRIES, MAX_WAIT_MS } from "../agents/loop/loop.ts";
import type { FailureReason } from "../server/states.ts";
import {
  answer,
  broken,
  call,
  failuresOf,
  play,
  runSpec,
  type Scripted,
  submit,
  usage,
} from "./loop_support.ts";

for (
  const reason of [
    "rate_limited",
    "overloaded",
    "network",
    "server_error",
    "stream_broken",
    "stalled",
  ] satisfies FailureReason[]
) {
  Deno.test(`${reason}: the same request again after growing waits, then the job's turn`, async () => {
    const all = await play({
      script: Array<Scripted>(MAX_TRIES).fill(broken(reason)),
      random: 0.5,
    });
    deepEqual(all.outcome, {
      type: "retry",
      reason,
      message: `Cannot get an answer from the model: ${reason}`,
      afterMs: null,
    });
    deepEqual(all.waitsMs, [500, 1_000, 2_000]);
    equal(new Set(all.requests).size, 1);
    deepEqual(failuresOf(all.log).map((event) => event.retryInMs), [500, 1_000, 2_000, null]);
    const mended = await play({ script: [broken(reason), broken(reason), submit()] });
    equal(mended.outcome.type, "succeeded");
  });
}

Deno.test("a run that comes back after `retry` has all its tries again", async () => {
  const first = await play({ script: Array<Scripted>(MAX_TRIES).fill(broken("overloaded")) });
  const second = await play({
    log: first.log,
    script: [...Array<Scripted>(MAX_TRIES - 1).fill(broken("overloaded")), submit()],
  });
  equal(second.outcome.type, "succeeded");
});

Deno.test("retry-after is waited for in full; a long one is left to the job", async () => {
  const short = await play({
    script: [broken("rate_limited", { retryAfterMs: 7_000 }), submit()],
  });
  deepEqual(short.waitsMs, [7_000]);
  const long = await play({
    script: [broken("rate_limited", { retryAfterMs: MAX_WAIT_MS + 1 })],
  });
  deepEqual(long.waitsMs, []);
  equal(long.outcome.type === "retry" && long.outcome.afterMs, MAX_WAIT_MS + 1);
});

for (
  const reason of [
    "authentication",
    "billing",
    "permission",
    "spend_limit",
  ] satisfies FailureReason[]
) {
  Deno.test(`${reason} holds the agents at once, and the run goes on from its log afterwards`, async () => {
    const held = await play({ script: [answer(call("a", "Read")), broken(reason)] });
    equal(held.outcome.type === "hold" && held.outcome.reason, reason);
    deepEqual(held.waitsMs, []);
    const resumed = await play({ log: held.log, script: [submit()] });
    equal(resumed.outcome.type, "succeeded");
    deepEqual(resumed.requests[0], held.requests[1]);
  });
}

for (const reason of ["invalid_request", "model_not_found"] satisfies FailureReason[]) {
  Deno.test(`${reason} fails the run, also when it is asked again after a crash`, async () => {
    const { outcome, log } = await play({ script: [broken(reason)] });
    equal(outcome.type === "failed" && outcome.reason, reason);
    deepEqual((await play({ log, script: [] })).outcome, outcome);
  });
}

Deno.test("what a broken turn told of its usage is paid", async () => {
  const { log } = await play({
    script: [broken("stream_broken", { usage: usage(2_000, 1) }), submit()],
  });
  const state = fold(runSpec(), log);
  equal(state.costMicroUsd, 2_000 * 2 + 10 + 1_000 * 2 + 100 * 10);
  deepEqual(state.usage, usage(3_000, 101));
});

Deno.test("a fault that is no TurnError is not mistaken for the model's", async () => {
  const fault = () => {
    throw new TypeError("a mistake of ours");
  };
  await rejects(play({ script: [fault] }), TypeError);
});
