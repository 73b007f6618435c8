import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { join } from "node:path";
import { HOUR_MS, MINUTE_MS, SECOND_MS, timeText } from "../server/clock.ts";
import type { Job } from "../server/records.ts";
import { ABORT_PATIENCE_MS } from "../queue/execution.ts";
import { type AnyJobHandler, JobAborted, jobPolicies, type Outcome } from "../queue/job.ts";
import { claim } from "../queue/claim.ts";
import { releaseOrphans } from "../queue/lease.ts";
import { pauseQueue, resumeQueue } from "../queue/pauses.ts";
import { scheduleUpkeep } from "../queue/upkeep.ts";
import type { QueueLimits } from "../queue/limits.ts";
import { cancelJobs, enqueue, getJob, type NewJob } from "../queue/queue.ts";
import {
  createRunner,
  DB_RETRY_MS,
  LEASE_MS,
  RENEW_EVERY_MS,
  type Runner,
  type RunnerOptions,
  SAFETY_POLL_MS,
} from "../queue/runner.ts";
import { type BareApp, bareApp, START_MS } from "./bare_app.ts";

/** One call of the handler under test; the test decides how it ends. */
interface Call {
  job: Job;
  signal: AbortSignal;
  end(outcome: Outcome): void;
  fail(error: unknown): void;
}

const limits: QueueLimits = {
  queues: { agents: 2, steps: 2, merges: 1, forges: 1, upkeep: 1 },
  crashes: 3,
};

/** A runner whose handlers wait for the test; that of "run_agent" can let go. */
class Bench implements Disposable {
  readonly app: BareApp;
  readonly runner: Runner;
  /** Every call so far, the oldest first. */
  readonly calls: Call[] = [];
  /** The runs that were asked to let go. */
  readonly letGo: string[] = [];
  #arrivals: (() => void)[] = [];

  constructor(options: Partial<RunnerOptions> & { app?: BareApp } = {}) {
    this.app = options.app ?? bareApp();
    this.runner = createRunner({
      handlers: [this.handler, this.runs],
      limits,
      bootId: "boot-1",
      timers: this.app.timers,
      random: () => 0.5,
      ...options,
      app: this.app,
    });
  }

  get handler(): AnyJobHandler {
    return { kind: "advance_ticket", run: (_args, context) => this.#arrive(context) };
  }

  get runs(): AnyJobHandler {
    return {
      kind: "run_agent",
      run: (_args, context) => this.#arrive(context),
      letGo: (_app, { runId }) => void this.letGo.push(runId),
    };
  }

  #arrive({ job, signal }: Pick<Call, "job" | "signal">): Promise<Outcome> {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    this.calls.push({ job, signal, end: resolve, fail: reject });
    for (const arrived of this.#arrivals.splice(0)) arrived();
    return promise;
  }

  /** The nth call, from 1, as soon as it has come. */
  async call(number: number): Promise<Call> {
    while (this.calls.length < number) {
      await new Promise<void>((resolve) => this.#arrivals.push(resolve));
    }
    return this.calls[number - 1]!;
  }

  add(changes: Partial<NewJob<"advance_ticket">> = {}): string {
    return this.app.tx((tx) =>
      enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t1" }, ...changes })
    )!;
  }

  get = (id: string): Job => getJob(this.app.db, id);
  status = (id: string) => this.get(id).status;

  [Symbol.dispose]() {
    this.app[Symbol.dispose]();
  }
}

const done: Outcome = { type: "done" };
const abortCause = ({ signal }: Call) => (signal.reason as JobAborted).why;

// ---------------------------------------------------------------- working

Deno.test("a job that is enqueued while the runner sleeps starts at once and is completed", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  deepEqual(call.job, bench.get(id));
  deepEqual(bench.runner.active(), [
    { id, kind: "advance_ticket", queue: "steps", attempt: 1, startedAtMs: START_MS },
  ]);
  call.end(done);
  await bench.runner.idle();
  equal(bench.status(id), "completed");
  deepEqual(bench.runner.active(), []);
});

Deno.test("jobs that waited before the start are executed", async () => {
  using bench = new Bench();
  const id = bench.add();
  bench.runner.start();
  (await bench.call(1)).end(done);
  await bench.runner.idle();
  equal(bench.status(id), "completed");
});

Deno.test("nothing is claimed inside the transaction or the call that enqueued", () => {
  using bench = new Bench();
  bench.runner.start();
  bench.app.tx((tx) => {
    enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t1" } });
    equal(bench.calls.length, 0);
  });
  equal(bench.calls.length, 0);
});

Deno.test("handlers act as gaffer, whoever built the runner", async () => {
  const app = bareApp();
  let actor = "";
  using bench = new Bench({
    app,
    handlers: [{
      kind: "advance_idea",
      run(_args, context) {
        actor = context.app.actor;
        return Promise.resolve(done);
      },
    }],
  });
  bench.runner.start();
  app.tx((tx) => enqueue(tx, { kind: "advance_idea", args: { ideaId: "i1" } }));
  await bench.runner.idle();
  equal(actor, "gaffer");
});

Deno.test("a queue never executes more jobs than its limit, and the next starts when one ends", async () => {
  using bench = new Bench();
  bench.runner.start();
  const ids = [bench.add(), bench.add(), bench.add(), bench.add()];
  const first = await bench.call(2).then(() => bench.calls[0]!);
  equal(bench.runner.active().length, 2);
  equal(bench.status(ids[2]!), "available");
  first.end(done);
  await bench.call(3);
  equal(bench.runner.active().length, 2);
  for (const number of [2, 3, 4]) (await bench.call(number)).end(done);
  await bench.runner.idle();
  deepEqual(ids.map(bench.status), Array(4).fill("completed"));
});

Deno.test("jobs of one concurrency key execute one after the other", async () => {
  using bench = new Bench();
  bench.runner.start();
  bench.add({ concurrencyKey: "ticket:t1" });
  const second = bench.add({ concurrencyKey: "ticket:t1" });
  const first = await bench.call(1);
  equal(bench.status(second), "available");
  first.end(done);
  (await bench.call(2)).end(done);
  await bench.runner.idle();
});

Deno.test("a handler may ask for the next job of its own key", async () => {
  using bench = new Bench();
  bench.runner.start();
  const first = bench.add({ uniqueKey: "k", concurrencyKey: "k" });
  const call = await bench.call(1);
  const next = bench.add({ uniqueKey: "k", concurrencyKey: "k" });
  call.end(done);
  (await bench.call(2)).end(done);
  await bench.runner.idle();
  deepEqual([first, next].map(bench.status), ["completed", "completed"]);
});

Deno.test("a job of an unknown kind is discarded with the reason", async () => {
  using bench = new Bench();
  const id = bench.add();
  bench.app.db.exec("UPDATE jobs SET kind = 'knit_sweater'");
  bench.runner.start();
  await bench.runner.idle();
  equal(bench.status(id), "discarded");
  equal(bench.get(id).errors[0]!.message, `No handler for "knit_sweater" jobs`);
});

Deno.test("a scheduled job starts when its time comes, by one timer", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add({ runAtMs: START_MS + MINUTE_MS });
  await bench.runner.idle();
  bench.app.advance(MINUTE_MS - 1);
  await bench.runner.idle();
  equal(bench.status(id), "scheduled");
  bench.app.advance(1);
  (await bench.call(1)).end(done);
  await bench.runner.idle();
  equal(bench.status(id), "completed");
});

Deno.test("an idle runner sends the database nothing until its safety poll", async () => {
  using bench = new Bench();
  bench.app.tx(scheduleUpkeep);
  bench.runner.start();
  bench.add();
  (await bench.call(1)).end(done);
  await bench.runner.idle();
  let statements = 0;
  const { prepare, exec } = bench.app.db;
  Object.assign(bench.app.db, {
    prepare(sql: string) {
      statements++;
      return prepare(sql);
    },
    exec(sql: string) {
      statements++;
      exec(sql);
    },
  });
  bench.app.advance(SAFETY_POLL_MS - 1);
  equal(statements, 0);
  bench.app.advance(1);
  ok(statements > 0);
});

Deno.test("a job whose wake-up was missed is found by the safety poll", async () => {
  using bench = new Bench();
  bench.runner.start();
  await bench.runner.idle();
  bench.app.db.exec(
    `INSERT INTO jobs (kind, args, queue, lane, status, priority, max_attempts, scheduled_at, claim_order,
    created_at) VALUES ('advance_ticket', '{}', 'steps', 'steps ', 'available', 2, 3, 't', 0, 't')`,
  );
  bench.app.advance(SAFETY_POLL_MS);
  (await bench.call(1)).end(done);
  await bench.runner.idle();
});

Deno.test("while all slots are taken, what is enqueued begins no transaction of the runner's", async () => {
  using full = new Bench({ limits: { ...limits, total: 1 } });
  full.runner.start();
  full.add();
  await full.call(1);
  let begun = 0;
  const { exec } = full.app.db;
  full.app.db.exec = (sql) => {
    if (sql.startsWith("BEGIN")) begun++;
    exec(sql);
  };
  for (let n = 0; n < 10; n++) {
    full.add();
    await Promise.resolve();
  }
  equal(begun, 10, "those of the enqueues alone");
});

Deno.test("a paused queue begins nothing new; what executes goes on, and resuming starts the next", async () => {
  using bench = new Bench({ limits: { ...limits, queues: { ...limits.queues, steps: 1 } } });
  bench.runner.start();
  const first = bench.add();
  const second = bench.add();
  const call = await bench.call(1);
  bench.app.tx((tx) => pauseQueue(tx, "steps"));
  call.end(done);
  await bench.runner.idle();
  deepEqual([first, second].map(bench.status), ["completed", "available"]);
  bench.app.advance(SAFETY_POLL_MS);
  await bench.runner.idle();
  equal(bench.status(second), "available");
  bench.app.tx((tx) => resumeQueue(tx, "steps"));
  (await bench.call(2)).end(done);
  await bench.runner.idle();
  equal(bench.status(second), "completed");
});

// ---------------------------------------------------------------- endings

Deno.test("a handler that throws is tried again after the backoff, and its error is kept", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  (await bench.call(1)).fail(new Error("the disk is on fire"));
  await bench.runner.idle();
  const job = bench.get(id);
  equal(job.status, "retryable");
  equal(job.scheduledAt, timeText(START_MS + 2.5 * SECOND_MS));
  deepEqual(job.errors, [{
    attempt: 1,
    at: timeText(START_MS),
    message: "the disk is on fire",
    failure: "internal",
  }]);
  match(String(bench.app.lines.at(-1)!.fields.error), /the disk is on fire\n\s+at /);
  bench.app.advance(2.5 * SECOND_MS);
  const again = await bench.call(2);
  equal(again.job.attempt, 2);
  again.end(done);
  await bench.runner.idle();
  equal(bench.status(id), "completed");
});

Deno.test("a job that always fails is discarded after its attempts, with one note for each", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const { maxAttempts } = jobPolicies.advance_ticket;
  for (let attempt = 1; attempt <= maxAttempts; attempt++) {
    (await bench.call(attempt)).fail(`failure ${attempt}`);
    await bench.runner.idle();
    bench.app.advance(HOUR_MS);
  }
  await bench.runner.idle();
  equal(bench.status(id), "discarded");
  equal(bench.calls.length, maxAttempts);
  deepEqual(
    bench.get(id).errors.map((e) => [e.attempt, e.message]),
    Array.from(
      { length: maxAttempts },
      (_, i) => [i + 1, `failure ${i + 1}`],
    ),
  );
});

Deno.test("a retry that the handler asks for waits as long as the other side said", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  (await bench.call(1)).end({ type: "retry", reason: "429", afterMs: MINUTE_MS });
  await bench.runner.idle();
  equal(bench.status(id), "retryable");
  equal(bench.get(id).scheduledAt, timeText(START_MS + MINUTE_MS));
});

Deno.test("a failure that only a person can mend is not tried again, and named in the note", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  (await bench.call(1)).end({
    type: "retry",
    reason: "The key is wrong",
    failure: "authentication",
  });
  await bench.runner.idle();
  equal(bench.status(id), "discarded");
  deepEqual(bench.get(id).errors, [{
    attempt: 1,
    at: timeText(START_MS),
    message: "The key is wrong",
    failure: "authentication",
  }]);
});

Deno.test("each failure that goes over by itself backs off in its own measure", async () => {
  const ceilings = { worker_lost: 1, network: 2, server_error: 5, rate_limited: 10 } as const;
  for (const [failure, seconds] of Object.entries(ceilings) as ["network", number][]) {
    using bench = new Bench(); // half of what the jitter may add
    bench.runner.start();
    const id = bench.add();
    (await bench.call(1)).end({ type: "retry", reason: "r", failure });
    await bench.runner.idle();
    equal(bench.get(id).scheduledAt, timeText(START_MS + seconds * SECOND_MS / 2), failure);
    equal(bench.get(id).errors[0]!.failure, failure);
  }
});

Deno.test("attempts that end in one turn are recorded by one commit, which also takes what comes next", async () => {
  using bench = new Bench();
  bench.runner.start();
  const ids = Array.from({ length: 4 }, () => bench.add());
  const [a, b] = [await bench.call(1), await bench.call(2)];
  const commits: string[] = [];
  const { exec } = bench.app.db;
  bench.app.db.exec = (sql) => {
    if (sql === "COMMIT") commits.push(ids.map(bench.status).join(" "));
    exec(sql);
  };
  a.end(done);
  b.end(done);
  const [c, d] = [await bench.call(3), await bench.call(4)];
  deepEqual(commits, ["completed completed executing executing"]);
  c.end(done);
  d.end(done);
  await bench.runner.idle();
});

Deno.test("a snooze comes back later and never uses up attempts", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  for (let n = 1; n <= 20; n++) {
    const call = await bench.call(n);
    equal(call.job.attempt, 1);
    call.end({ type: "snooze", ms: MINUTE_MS, reason: "no slot" });
    await bench.runner.idle();
    equal(bench.status(id), "scheduled");
    bench.app.advance(MINUTE_MS);
  }
  deepEqual(bench.get(id).errors.map((e) => e.message), ["no slot"]);
});

Deno.test("a snooze that is no number counts as a failure instead of stopping the runner", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  (await bench.call(1)).end({ type: "snooze", ms: NaN, reason: "?" });
  await bench.runner.idle();
  equal(bench.status(id), "retryable");
  match(bench.get(id).errors[0]!.message, /Cannot snooze NaN/);
});

Deno.test("a handler that cancels ends the job with the reason", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  (await bench.call(1)).end({ type: "cancel", reason: "The ticket is done" });
  await bench.runner.idle();
  equal(bench.status(id), "cancelled");
  equal(bench.get(id).errors[0]!.message, "The ticket is done");
});

// ---------------------------------------------------------------- time-outs and leases

Deno.test("a job that takes too long is aborted, and the attempt is recorded as timed out", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  const { timeoutMs } = jobPolicies.advance_ticket;
  bench.app.advance(timeoutMs! - 1);
  equal(call.signal.aborted, false);
  bench.app.advance(1);
  equal(abortCause(call), "timed_out");
  call.fail(new Error("aborted"));
  await bench.runner.idle();
  equal(bench.status(id), "retryable");
  equal(bench.get(id).errors[0]!.message, `Timed out after ${timeoutMs! / SECOND_MS} s: aborted`);
});

Deno.test("work that was done in spite of the time-out counts as done", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  bench.app.advance(jobPolicies.advance_ticket.timeoutMs!);
  ok(call.signal.aborted);
  call.end(done);
  await bench.runner.idle();
  equal(bench.status(id), "completed");
});

Deno.test("a handler that ignores its abort keeps its job, is named in the log, and never runs twice", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  bench.app.advance(jobPolicies.advance_ticket.timeoutMs! + ABORT_PATIENCE_MS);
  deepEqual(bench.app.lines.filter((line) => line.level === "error"), [{
    level: "error",
    message: "a job goes on although it was aborted",
    fields: { job: id, kind: "advance_ticket", why: "timed_out" },
  }]);
  bench.app.advance(24 * HOUR_MS);
  equal(bench.calls.length, 1);
  equal(bench.status(id), "executing");
  call.end(done);
  await bench.runner.idle();
  equal(bench.status(id), "completed");
});

Deno.test("a job that has ended is not said to go on, whatever woke the runner as its end was saved", async () => {
  const ending: AnyJobHandler = {
    kind: "run_agent",
    run: () =>
      Promise.resolve((tx) => {
        enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t1" } });
        return done;
      }),
  };
  using bench = new Bench({ handlers: [ending] });
  const { app } = bench;
  app.tx((tx) => enqueue(tx, { kind: "run_agent", args: { runId: "r1" } }));
  bench.runner.start();
  await bench.runner.idle();
  app.advance(ABORT_PATIENCE_MS);
  deepEqual(app.lines.filter(({ message }) => /goes on/.test(message)), []);
});

Deno.test("leases are renewed as long as their jobs execute, and not any longer", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  bench.app.advance(10 * LEASE_MS);
  ok(bench.get(id).leaseExpiresAt! > timeText(START_MS + 10 * LEASE_MS));
  call.end(done);
  await bench.runner.idle();
  bench.app.advance(RENEW_EVERY_MS);
  equal(bench.get(id).leaseExpiresAt, null);
});

Deno.test("a live job is not run twice, however far the clock jumps", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  for (const jump of [24 * HOUR_MS, -48 * HOUR_MS, 72 * HOUR_MS]) {
    bench.app.setClock(bench.app.clock.nowMs() + jump);
    bench.app.hub.publish({ kind: "jobs" });
    await Promise.resolve();
    bench.app.advance(SAFETY_POLL_MS);
  }
  equal(bench.calls.length, 1);
  equal(call.signal.aborted, false);
  call.end(done);
  await bench.runner.idle();
  equal(bench.status(id), "completed");
});

Deno.test("after a laptop's sleep all leases have expired, and nobody takes a live job back", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  bench.add({ runAtMs: START_MS + SECOND_MS }); // its timer fires before the next renewal
  await Promise.resolve();
  bench.app.setClock(START_MS + 24 * HOUR_MS);
  bench.app.advance(SECOND_MS);
  (await bench.call(2)).end(done);
  ok(bench.get(id).leaseExpiresAt! < timeText(bench.app.clock.nowMs()));
  call.end(done);
  await bench.runner.idle();
  equal(bench.calls.filter(({ job }) => job.id === id).length, 1);
  equal(bench.status(id), "completed");
  deepEqual(bench.app.lines, []);
});

Deno.test("a handler that lost its lease is aborted and can't overwrite the new holder", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  bench.app.db.exec("UPDATE jobs SET lease_token = 'of somebody else'");
  bench.app.advance(RENEW_EVERY_MS);
  equal(abortCause(call), "lease_lost");
  call.end(done);
  await bench.runner.idle();
  deepEqual([bench.status(id), bench.get(id).leaseToken], ["executing", "of somebody else"]);
});

Deno.test("an expired lease of this process that no handler holds is taken back", async () => {
  using bench = new Bench();
  bench.runner.start();
  await bench.runner.idle();
  const id = bench.add();
  bench.app.tx((tx) => claim(tx, { limits, owner: "boot-1", leaseMs: LEASE_MS }));
  await bench.runner.idle();
  bench.app.advance(SAFETY_POLL_MS);
  const call = await bench.call(1);
  deepEqual([call.job.id, call.job.attempt], [id, 1]);
  match(bench.app.lines.at(-1)!.message, /without a handler/);
  call.end(done);
  await bench.runner.idle();
});

// ---------------------------------------------------------------- cancelling

Deno.test("cancel() ends a waiting job; its handler is never called", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add({ runAtMs: START_MS + HOUR_MS });
  ok(bench.runner.cancel(id, "not wanted"));
  bench.app.advance(2 * HOUR_MS);
  await bench.runner.idle();
  deepEqual([bench.status(id), bench.calls.length], ["cancelled", 0]);
  equal(bench.runner.cancel(id, "again"), false);
});

Deno.test("cancel() aborts an executing job at once, and nothing it returns counts", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  ok(bench.runner.cancel(id, "not wanted"));
  equal(abortCause(call), "cancelled");
  equal(bench.status(id), "cancelled");
  call.end(done);
  await bench.runner.idle();
  equal(bench.status(id), "cancelled");
});

Deno.test("a service that cancels jobs in its transaction aborts their handlers after the commit", async () => {
  using bench = new Bench();
  bench.runner.start();
  bench.add({ uniqueKey: "k" });
  const call = await bench.call(1);
  throws(() =>
    bench.app.tx((tx) => {
      cancelJobs(tx, { uniqueKey: "k" });
      throw new Error("rolled back");
    })
  );
  await Promise.resolve();
  equal(call.signal.aborted, false);
  const aborted = new Promise((resolve) => call.signal.addEventListener("abort", resolve));
  bench.app.tx((tx) => cancelJobs(tx, { uniqueKey: "k" }));
  await aborted;
  equal(abortCause(call), "cancelled");
  call.fail(call.signal.reason);
  await bench.runner.idle();
});

Deno.test("while a cancelled handler winds down, no other job of its key starts", async () => {
  using bench = new Bench();
  bench.runner.start();
  const old = bench.add({ concurrencyKey: "k" });
  const call = await bench.call(1);
  bench.runner.cancel(old, "not wanted");
  const next = bench.add({ concurrencyKey: "k" });
  bench.app.advance(SECOND_MS);
  bench.add({ runAtMs: START_MS + HOUR_MS }); // another wake-up
  await Promise.resolve();
  equal(bench.status(next), "available");
  call.fail(call.signal.reason);
  const second = await bench.call(2);
  equal(second.job.id, next);
  second.end(done);
  await bench.runner.idle();
});

// ---------------------------------------------------------------- stopping

Deno.test("stop() aborts what executes, puts it back without using an attempt, and claims nothing", async () => {
  using bench = new Bench();
  bench.runner.start();
  const executing = bench.add();
  const call = await bench.call(1);
  const stopped = bench.runner.stop(MINUTE_MS);
  const late = bench.add();
  equal(abortCause(call), "shutdown");
  call.fail(call.signal.reason);
  await stopped;
  const job = bench.get(executing);
  deepEqual([job.status, job.attempt], ["available", 0]);
  equal(job.errors[0]!.message, "Gaffer stopped while it ran");
  equal(bench.status(late), "available");
  equal(bench.calls.length, 1);
});

Deno.test("work that ends well during the stop is recorded", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  const stopped = bench.runner.stop(MINUTE_MS);
  call.end(done);
  await stopped;
  equal(bench.status(id), "completed");
});

/** A run and a step at work. */
async function atWork(bench: Bench) {
  bench.runner.start();
  const run = bench.app.tx((tx) => enqueue(tx, { kind: "run_agent", args: { runId: "run_1" } }))!;
  const runs = await bench.call(1);
  const step = bench.add();
  return { run, runs, step, steps: await bench.call(2) };
}

Deno.test("what can let go is asked to and not aborted, what can't is aborted at once; both come back", async () => {
  using bench = new Bench();
  const { run, runs, step, steps } = await atWork(bench);
  const stopped = bench.runner.stop(2 * SECOND_MS, 6 * SECOND_MS);
  const late = bench.add();
  deepEqual([bench.letGo, runs.signal.aborted, abortCause(steps)], [["run_1"], false, "shutdown"]);
  steps.fail(steps.signal.reason);
  runs.end({ type: "snooze", ms: 0, reason: "The run was stopped" });
  await stopped;
  equal(runs.signal.aborted, false);
  for (const id of [run, step]) {
    const { attempt, crashes, status } = bench.get(id);
    deepEqual([attempt, crashes, ["available", "scheduled"].includes(status)], [0, 0, true]);
  }
  equal(bench.status(late), "available");
  deepEqual([bench.calls.length, bench.app.waitingTimers()], [2, []]);
});

Deno.test("what has not let go in time is aborted, and given up after the grace", async () => {
  using bench = new Bench();
  const { run, runs, steps } = await atWork(bench);
  steps.end(done);
  let isStopped = false;
  const stopped = bench.runner.stop(2 * SECOND_MS, 6 * SECOND_MS).then(() => isStopped = true);
  bench.app.advance(6 * SECOND_MS - 1);
  await Promise.resolve();
  equal(runs.signal.aborted, false);
  bench.app.advance(1);
  while (!runs.signal.aborted) await Promise.resolve();
  equal(abortCause(runs), "shutdown");
  bench.app.advance(2 * SECOND_MS - 1);
  await Promise.resolve();
  equal(isStopped, false);
  bench.app.advance(1);
  await stopped;
  const { attempt, crashes, status } = bench.get(run);
  deepEqual([attempt, crashes, status], [0, 0, "available"]);
});

Deno.test("a process that is killed while its runs let go casts no suspicion on them", async () => {
  using bench = new Bench();
  const { run } = await atWork(bench);
  void bench.runner.stop(MINUTE_MS, MINUTE_MS);
  bench.app.tx((tx) => releaseOrphans(tx, { bootId: "boot-2", crashes: 1 }));
  deepEqual([bench.status(run), bench.get(run).crashes], ["available", 0]);
});

Deno.test("stop() ends after the grace even when a handler does not, whose result then counts for nothing", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  const stopped = bench.runner.stop(10 * SECOND_MS);
  bench.app.advance(10 * SECOND_MS);
  await stopped;
  deepEqual([bench.status(id), bench.get(id).attempt], ["available", 0]);
  match(bench.app.lines.at(-1)!.message, /did not stop in time/);
  call.end(done);
  await bench.runner.idle();
  equal(bench.status(id), "available");
});

Deno.test("a stopped runner leaves no timer behind, stops only once and does not start again", async () => {
  using bench = new Bench();
  bench.runner.start();
  bench.add();
  (await bench.call(1)).end(done);
  await bench.runner.idle();
  const stopped = bench.runner.stop(SECOND_MS);
  equal(bench.runner.stop(SECOND_MS), stopped);
  await stopped;
  equal(bench.app.hub.listeners, 0);
  deepEqual(bench.app.waitingTimers(), []);
  throws(() => bench.runner.start(), /Cannot start the runner: it is stopped/);
});

Deno.test("a job whose handler hung in the stop comes back without suspicion", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  await bench.call(1);
  void bench.runner.stop(MINUTE_MS);
  // The process is ended by force: a second signal, or whatever waits for it has no more patience.
  bench.app.tx((tx) => releaseOrphans(tx, { bootId: "boot-2", crashes: 1 }));
  deepEqual([bench.status(id), bench.get(id).crashes], ["available", 0]);
});

// ---------------------------------------------------------------- a database that fails

Deno.test("when the database fails while claiming, the runner says so and tries again", async () => {
  using bench = new Bench();
  bench.runner.start();
  await bench.runner.idle();
  const repaired = breakWrites(bench.app);
  bench.app.advance(SAFETY_POLL_MS);
  match(bench.app.lines.at(-1)!.message, /jobs cannot be claimed/);
  repaired();
  bench.add();
  (await bench.call(1)).end(done);
  bench.app.advance(DB_RETRY_MS);
  await bench.runner.idle();
});

/** The next error that is logged. */
function nextError({ app: { log } }: Bench): Promise<string> {
  const { error } = log;
  return new Promise((resolve) => {
    log.error = (message, fields) => {
      error(message, fields);
      resolve(message);
    };
  });
}

Deno.test("an end that could not be recorded is recorded later, and the job does not run again meanwhile", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  const repaired = breakWrites(bench.app);
  call.end(done);
  match(await nextError(bench), /end cannot be recorded/);
  equal(bench.status(id), "executing");
  equal(bench.runner.active().length, 1);
  repaired();
  bench.app.advance(DB_RETRY_MS);
  await bench.runner.idle();
  equal(bench.status(id), "completed");
  equal(bench.calls.length, 1);
});

Deno.test("a job that is cancelled before its end could be recorded gives its place to the next", async () => {
  using bench = new Bench();
  bench.runner.start();
  const id = bench.add();
  const call = await bench.call(1);
  const repaired = breakWrites(bench.app);
  call.end(done);
  match(await nextError(bench), /end cannot be recorded/);
  repaired();
  ok(bench.runner.cancel(id, "not wanted"));
  bench.app.advance(DB_RETRY_MS);
  await bench.runner.idle();
  deepEqual([bench.status(id), bench.runner.active()], ["cancelled", []]);
});

/** From now on no transaction begins. (A full disk is storage_test.ts's.) Returns what mends it. */
function breakWrites(app: BareApp): () => void {
  const { exec } = app.db;
  app.db.exec = () => {
    throw new Error("out of memory");
  };
  return () => void (app.db.exec = exec);
}

// ---------------------------------------------------------------- a killed process

Deno.test("jobs of a process that was killed come back at the next start, finished ones do not", async () => {
  const dir = await Deno.makeTempDir();
  const path = join(dir, "gaffer.db");
  try {
    let finished: string;
    const ids: string[] = [];
    {
      using app = bareApp({ path });
      finished = app.tx((tx) =>
        enqueue(tx, { kind: "advance_idea", args: { ideaId: "i" }, priority: 0 })
      )!;
      for (const ticketId of ["a", "b", "c"]) {
        ids.push(app.tx((tx) => enqueue(tx, { kind: "advance_ticket", args: { ticketId } }))!);
      }
    }
    deepEqual(await runAndKill(path, 3), ["a", "b", "c"]);

    using bench = new Bench({ app: bareApp({ path }) });
    deepEqual(ids.map(bench.status), Array(3).fill("executing"));
    bench.runner.start();
    for (const number of [1, 2, 3]) {
      const call = await bench.call(number);
      equal(call.job.attempt, 1, "the kill used no attempt");
      call.end(done);
    }
    await bench.runner.idle();
    deepEqual(ids.map(bench.status), Array(3).fill("completed"));
    equal(bench.status(finished), "completed");
    equal(bench.get(finished).attempt, 1);
    deepEqual(bench.app.db.prepare("PRAGMA integrity_check").all().map((row) => ({ ...row })), [
      { integrity_check: "ok" },
    ]);
    await bench.runner.stop(0);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

/** A database whose only job was executing when its process died for the third time. */
function thirdCrash(): { app: BareApp; id: string } {
  const app = bareApp();
  const id = app.tx((tx) => enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t1" } }))!;
  for (const boot of ["a", "b", "c"]) {
    app.tx((tx) => claim(tx, { limits, owner: boot, leaseMs: LEASE_MS }));
    if (boot < "c") app.tx((tx) => releaseOrphans(tx, { bootId: `after ${boot}`, crashes: 3 }));
  }
  return { app, id };
}

Deno.test("a job that brought the process down three times is quarantined at the next start, and its work told", async () => {
  const { app, id } = thirdCrash();
  const told: unknown[] = [];
  using bench = new Bench({
    app,
    gaveUp: (tx, job, reason, failure) => {
      told.push([job.id, reason, failure, tx.db.inTransaction]);
    },
  });
  const other = bench.add();
  bench.runner.start();
  equal(bench.status(id), "discarded");
  const reason = "Gaffer went down 3 times while it ran, so it is not tried again by itself";
  deepEqual(told, [[id, reason, "quarantined", true]]);
  match(app.lines[0]!.message, /quarantined/);
  const call = await bench.call(1);
  equal(call.job.id, other, "the others go on");
  call.end(done);
  await bench.runner.idle();
});

/** Told of a job that was given up, it fails half-way. */
const failingGaveUp: RunnerOptions["gaveUp"] = (tx, { id }) => {
  tx.db.prepare("UPDATE jobs SET kind = 'half' WHERE id = CAST(:id AS INTEGER)").run({ id });
  throw new Error("a fault of our own");
};

Deno.test("a start goes on where a quarantined job's work can't be told: the job is a dead letter", () => {
  const { app, id } = thirdCrash();
  using bench = new Bench({ app, gaveUp: failingGaveUp });
  bench.runner.start();
  deepEqual([bench.status(id), bench.get(id).kind], ["discarded", "advance_ticket"]);
  ok(bench.app.lines.some(({ message }) => /was not told/.test(message)));
});

Deno.test("a job whose work can't be told that it was given up keeps none that end with it", async () => {
  let failing = true;
  using bench = new Bench({
    gaveUp: (...told) => {
      if (failing) failingGaveUp(...told);
    },
  });
  const [given, other] = [bench.add(), bench.add()];
  bench.runner.start();
  const [first, second] = [await bench.call(1), await bench.call(2)];
  const next = bench.add();
  first.end({ type: "retry", reason: "no", failure: "authentication" });
  second.end(done);
  const third = await bench.call(3);
  deepEqual([given, other, next].map(bench.status), ["executing", "completed", "executing"]);
  equal(bench.get(given).kind, "advance_ticket");
  match(bench.app.lines.at(-1)!.message, /end cannot be recorded/);
  failing = false;
  third.end(done);
  bench.app.advance(DB_RETRY_MS);
  await bench.runner.idle();
  deepEqual([given, next].map(bench.status), ["discarded", "completed"]);
});

Deno.test("a job that has got on since it began is not suspected, whoever killed the process", async () => {
  const { app, id } = thirdCrash();
  const asked: unknown[] = [];
  const bench = new Bench({ app });
  const { handler } = bench;
  using asking = new Bench({
    app,
    handlers: [{
      ...handler,
      gotOn(_app: unknown, args: unknown, since: string) {
        asked.push([args, since]);
        return true;
      },
    } as AnyJobHandler],
  });
  asking.runner.start();
  deepEqual(asked, [[{ ticketId: "t1" }, timeText(START_MS)]]);
  const call = await bench.call(1);
  deepEqual([call.job.id, call.job.crashes], [id, 0]);
  call.end(done);
  await asking.runner.idle();
});

/** Runs the queue of a database in another process and kills that one once `count` jobs have started. */
async function runAndKill(path: string, count: number): Promise<string[]> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-prompt",
      "--no-check",
      join(import.meta.dirname!, "fixtures", "queue_worker.ts"),
      path,
    ],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const started: string[] = [];
  let text = "";
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    started.splice(0, Infinity, ...text.split("\n").slice(0, -1));
    if (started.length === count) break;
  }
  child.kill("SIGKILL");
  await child.status;
  await child.stdin.close().catch(() => {}); // the pipe broke with the process
  return started;
}

Deno.test("start() fails loudly when the database can't be written, and claims nothing", () => {
  using bench = new Bench();
  const repaired = breakWrites(bench.app);
  throws(() => bench.runner.start(), /out of memory/);
  repaired();
  equal(bench.app.hub.listeners, 0);
});
