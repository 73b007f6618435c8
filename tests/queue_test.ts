import {
  deepStrictEqual as deepEqual,
  notStrictEqual as notEqual,
  ok,
  strictEqual as equal,
  throws,
} from "node:assert";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, timeText } from "../server/clock.ts";
import { jobMoves, type JobStatus, jobStatuses } from "../server/states.ts";
import { jobPolicies } from "../queue/job.ts";
import { claim, type ClaimOptions } from "../queue/claim.ts";
import { dueAtMs } from "../queue/due.ts";
import {
  type Ending,
  expiredLeases,
  finish,
  type Lease,
  type LeasedJob,
  leaseState,
  releaseOrphans,
  renew,
} from "../queue/lease.ts";
import type { QueueLimits } from "../queue/limits.ts";
import {
  cancelJobs,
  enqueue,
  getJob,
  listJobs,
  type NewJob,
  pruneJobs,
  requeue,
} from "../queue/queue.ts";
import { endingAfterFailure, retryDelayMs } from "../queue/retry.ts";
import { MAX_NOTE_CHARS, MAX_NOTES } from "../queue/rows.ts";
import {
  DISCARDED_KEPT,
  DISCARDED_KEPT_MS,
  JOBS_KEPT,
  JOBS_KEPT_MS,
  prune,
  pruneHandler,
} from "../queue/upkeep.ts";
import { type BareApp, bareApp, START_MS } from "./bare_app.ts";

const BOOT = "boot-1";
const all: QueueLimits = {
  queues: { agents: 100, steps: 100, merges: 100, forges: 100, upkeep: 100 },
  crashes: 3,
};

const step = (changes: Partial<NewJob<"advance_ticket">> = {}): NewJob<"advance_ticket"> => ({
  kind: "advance_ticket",
  args: { ticketId: "t1" },
  ...changes,
});

function claimAll(app: BareApp, changes: Partial<ClaimOptions> = {}): LeasedJob[] {
  return app.tx((tx) => claim(tx, { limits: all, owner: BOOT, leaseMs: MINUTE_MS, ...changes }));
}
const claimOne = (app: BareApp): LeasedJob => claimAll(app, { max: 1 })[0]!;
/** What an attempt that failed ends with, but for the reason. */
const discard = { type: "discard", failure: "internal" } as const;
const retry = { type: "retry", failure: "network" } as const;
const bringBack = (app: BareApp, bootId = BOOT) =>
  app.tx((tx) => releaseOrphans(tx, { bootId, crashes: 3 })).released;
const end = (app: BareApp, lease: Lease, ending: Ending) =>
  app.tx((tx) => finish(tx, lease, ending));
const add = (app: BareApp, changes: Partial<NewJob<"advance_ticket">> = {}) =>
  app.tx((tx) => enqueue(tx, step(changes)))!;
const status = (app: BareApp, id: string) => getJob(app.db, id).status;

// ---------------------------------------------------------------- asking for work

Deno.test("enqueue() stores the job with the queue and attempts of its kind", () => {
  using app = bareApp();
  const id = add(app, { projectId: "p1", concurrencyKey: "ticket:t1", uniqueKey: "ticket:t1" });
  deepEqual(getJob(app.db, id), {
    id,
    kind: "advance_ticket",
    args: { ticketId: "t1" },
    queue: "steps",
    status: "available",
    priority: 2,
    attempt: 0,
    maxAttempts: jobPolicies.advance_ticket.maxAttempts,
    uniqueKey: "ticket:t1",
    concurrencyKey: "ticket:t1",
    projectId: "p1",
    scheduledAt: timeText(START_MS),
    startedAt: null,
    leaseToken: null,
    leaseExpiresAt: null,
    leasedBy: null,
    crashes: 0,
    errors: [],
    createdAt: timeText(START_MS),
    finishedAt: null,
  });
});

Deno.test("a job belongs to the transaction of the change that asked for it", () => {
  using app = bareApp();
  throws(
    () =>
      app.tx((tx) => {
        enqueue(tx, step());
        throw new Error("the change failed");
      }),
    /the change failed/,
  );
  deepEqual(listJobs(app.db, { limit: 10 }), []);
});

Deno.test("enqueue() refuses a priority that does not exist", () => {
  using app = bareApp();
  throws(() => add(app, { priority: 4 }), /CHECK constraint/);
  deepEqual(listJobs(app.db, { limit: 10 }), []);
});

Deno.test("of 200 concurrent enqueues of one key exactly one makes a job", async () => {
  using app = bareApp();
  const ids = await Promise.all(Array.from({ length: 200 }, async () => {
    await Promise.resolve();
    return app.tx((tx) => enqueue(tx, step({ uniqueKey: "ticket:t1" })));
  }));
  equal(ids.filter((id) => id !== null).length, 1);
  equal(listJobs(app.db, { limit: 300 }).length, 1);
});

Deno.test("the database itself refuses a second waiting job of a key", () => {
  using app = bareApp();
  add(app, { uniqueKey: "k" });
  throws(
    () =>
      app.db.exec(`INSERT INTO jobs (kind, args, queue, lane, status, priority, max_attempts,
        unique_key, scheduled_at, claim_order, created_at)
        VALUES ('advance_ticket', '{}', 'steps', 'steps ', 'scheduled', 2, 1, 'k', 't', 0, 't')`),
    /UNIQUE constraint/,
  );
});

Deno.test("a clash keeps the waiting job as it is, or brings it forward when asked to", () => {
  using app = bareApp();
  const id = add(app, { uniqueKey: "k", priority: 2, runAtMs: START_MS + HOUR_MS });
  equal(add(app, { uniqueKey: "k", priority: 0 }), null);
  equal(getJob(app.db, id).scheduledAt, timeText(START_MS + HOUR_MS));
  equal(getJob(app.db, id).priority, 2);

  const inAMinute = START_MS + MINUTE_MS;
  equal(add(app, { uniqueKey: "k", priority: 1, runAtMs: inAMinute, onClash: "sooner" }), null);
  const moved = getJob(app.db, id);
  deepEqual([moved.scheduledAt, moved.priority, moved.status], [
    timeText(inAMinute),
    1,
    "scheduled",
  ]);

  add(app, { uniqueKey: "k", priority: 3, onClash: "sooner" });
  const now = getJob(app.db, id);
  deepEqual([now.scheduledAt, now.priority, now.status], [timeText(START_MS), 1, "available"]);

  // Later and less important changes nothing.
  add(app, { uniqueKey: "k", priority: 3, runAtMs: START_MS + DAY_MS, onClash: "sooner" });
  deepEqual(getJob(app.db, id), now);
});

Deno.test("while one job of a key executes, one more of it may wait", () => {
  using app = bareApp();
  add(app, { uniqueKey: "k" });
  const first = claimOne(app);
  ok(add(app, { uniqueKey: "k" }));
  equal(add(app, { uniqueKey: "k" }), null);
  ok(end(app, first, { type: "done" }));
});

Deno.test("listeners hear of new, earlier and cancelled jobs after the commit, never after a rollback", () => {
  using app = bareApp();
  let rings = 0;
  app.hub.subscribe((message) => {
    equal(app.db.inTransaction, false);
    if (message.kind === "jobs") rings++;
  });
  const id = add(app, { uniqueKey: "k" });
  equal(rings, 1);
  add(app, { uniqueKey: "k" });
  equal(rings, 1, "a kept job is no news");
  add(app, { uniqueKey: "k", onClash: "sooner" });
  equal(rings, 2);
  app.tx((tx) => cancelJobs(tx, { id }));
  equal(rings, 3);
  throws(() =>
    app.tx((tx) => {
      enqueue(tx, step());
      throw new Error("no");
    })
  );
  equal(rings, 3);
});

// ---------------------------------------------------------------- claiming

Deno.test("claim() takes the most urgent job first, and of equals the oldest", () => {
  using app = bareApp();
  const low = add(app, { priority: 3 });
  const early = add(app, { priority: 2 });
  app.advance(1);
  const late = add(app, { priority: 2 });
  const urgent = add(app, { priority: 0 });
  const order = [];
  for (let job = claimOne(app); job; job = claimOne(app)) order.push(job.id);
  deepEqual(order, [urgent, early, late, low]);
});

Deno.test("claim() takes no more than the free slots of each queue", () => {
  using app = bareApp();
  for (let i = 0; i < 3; i++) {
    add(app);
    app.tx((tx) => enqueue(tx, { kind: "run_agent", args: { runId: `r${i}` } }));
  }
  const limits: QueueLimits = {
    queues: { agents: 2, steps: 1, merges: 0, forges: 0, upkeep: 0 },
    crashes: 3,
  };
  const claimed = claimAll(app, { limits });
  deepEqual(claimed.map((job) => job.queue).toSorted(), ["agents", "agents", "steps"]);
  deepEqual(claimAll(app, { limits }), []);
  deepEqual(claimAll(app, { limits: { ...limits, queues: { ...limits.queues, agents: -1 } } }), []);
});

Deno.test("a claimed job counts the attempt and carries a token of its own and an expiry", () => {
  using app = bareApp();
  add(app);
  add(app);
  const [a, b] = claimAll(app);
  equal(a!.attempt, 1);
  equal(a!.status, "executing");
  equal(a!.leaseExpiresAt, timeText(START_MS + MINUTE_MS));
  notEqual(a!.leaseToken, b!.leaseToken);
});

Deno.test("jobs of one concurrency key never execute at the same time", () => {
  using app = bareApp();
  add(app, { concurrencyKey: "k" });
  const second = add(app, { concurrencyKey: "k" });
  const other = add(app, { concurrencyKey: "other" });
  const [first, third, ...rest] = claimAll(app);
  deepEqual([third!.id, rest], [other, []]);
  deepEqual(claimAll(app), []);
  end(app, first!, { type: "done" });
  deepEqual(claimAll(app).map((job) => job.id), [second]);
});

Deno.test("claim() leaves the keys alone that the caller says are still busy", () => {
  using app = bareApp();
  add(app, { concurrencyKey: "k" });
  const free = add(app);
  const windingDown = { id: "0", queue: "steps", projectId: null, concurrencyKey: "k", crashes: 0 };
  const claimed = claimAll(app, { windingDown: [windingDown] });
  deepEqual(claimed.map((job) => job.id), [free]);
});

Deno.test("a scheduled job is claimed once its time has come", () => {
  using app = bareApp();
  const id = add(app, { runAtMs: START_MS + MINUTE_MS });
  equal(status(app, id), "scheduled");
  equal(dueAtMs(app.db), START_MS + MINUTE_MS);
  app.advance(MINUTE_MS - 1);
  deepEqual(claimAll(app), []);
  app.advance(1);
  deepEqual(claimAll(app).map((job) => job.id), [id]);
  equal(dueAtMs(app.db), null);
});

Deno.test("a claim that is rolled back leaves the job available and the attempt uncounted", () => {
  using app = bareApp();
  const id = add(app);
  throws(() =>
    app.tx((tx) => {
      claim(tx, { limits: all, owner: BOOT, leaseMs: MINUTE_MS });
      throw new Error("no");
    })
  );
  deepEqual([status(app, id), getJob(app.db, id).attempt], ["available", 0]);
});

// ---------------------------------------------------------------- ending an attempt

Deno.test("finish() moves the job, keeps the reason and gives up the lease, for each ending", () => {
  using app = bareApp();
  const runAtMs = START_MS + MINUTE_MS;
  const cases: [Ending, JobStatus, number, string | null, string | null][] = [
    [{ type: "done" }, "completed", 1, timeText(START_MS), null],
    [{ type: "cancel", reason: "gone" }, "cancelled", 1, timeText(START_MS), "gone"],
    [{ ...discard, reason: "broken" }, "discarded", 1, timeText(START_MS), "broken"],
    [{ ...retry, reason: "failed", runAtMs }, "retryable", 1, null, "failed"],
    [{ type: "snooze", reason: "later", runAtMs }, "scheduled", 0, null, "later"],
    [{ type: "release", reason: "stopped" }, "available", 0, null, "stopped"],
  ];
  for (const [ending, to, attempt, finishedAt, note] of cases) {
    app.db.exec("DELETE FROM jobs");
    const id = add(app);
    ok(end(app, claimOne(app), ending));
    const job = getJob(app.db, id);
    deepEqual([job.status, job.attempt, job.finishedAt, job.leaseToken, job.leaseExpiresAt], [
      to,
      attempt,
      finishedAt,
      null,
      null,
    ]);
    const failure = "failure" in ending ? ending.failure : null;
    deepEqual(
      job.errors,
      note ? [{ attempt: 1, at: timeText(START_MS), message: note, failure }] : [],
    );
    equal(job.scheduledAt, timeText("runAtMs" in ending ? runAtMs : START_MS));
    ok((jobMoves.executing as JobStatus[]).includes(to));
  }
});

Deno.test("a stale token changes nothing, whatever it tries", () => {
  using app = bareApp();
  const id = add(app);
  const stale = claimOne(app);
  end(app, stale, { type: "release", reason: "taken back" });
  const fresh = claimOne(app);
  const before = getJob(app.db, id);
  const runAtMs = START_MS;
  const reason = "stale";
  for (
    const ending of [
      { type: "done" },
      { type: "cancel", reason },
      { ...discard, reason },
      { ...retry, reason, runAtMs },
      { type: "snooze", reason, runAtMs },
      { type: "release", reason },
    ] as Ending[]
  ) equal(end(app, stale, ending), false, ending.type);
  equal(app.tx((tx) => renew(tx, stale, MINUTE_MS)), false);
  deepEqual(leaseState(app.db, stale), { held: false, status: "executing" });
  deepEqual(getJob(app.db, id), before);
  deepEqual(leaseState(app.db, fresh), { held: true, status: "executing" });
});

Deno.test("renew() puts the expiry off for the holder", () => {
  using app = bareApp();
  const id = add(app);
  const lease = claimOne(app);
  app.advance(50 * SECOND_MS);
  ok(app.tx((tx) => renew(tx, lease, MINUTE_MS)));
  equal(getJob(app.db, id).leaseExpiresAt, timeText(START_MS + 110 * SECOND_MS));
});

Deno.test("a job that would come back is completed when a newer one of its key waits", () => {
  for (const type of ["retry", "snooze", "release"] as const) {
    using app = bareApp();
    const old = add(app, { uniqueKey: "k" });
    const lease = claimOne(app);
    const newer = add(app, { uniqueKey: "k" });
    const ending = { ...retry, type, reason: "again", runAtMs: START_MS + MINUTE_MS };
    ok(end(app, lease, ending as Ending));
    deepEqual([status(app, old), status(app, newer)], ["completed", "available"], type);
    equal(getJob(app.db, old).errors[0]!.message, "again");
  }
});

Deno.test("the notes of a job are few, short, and a repeated one only moves its time", () => {
  using app = bareApp();
  const id = add(app);
  for (let i = 0; i < MAX_NOTES + 3; i++) {
    end(app, claimOne(app), { ...retry, reason: `failure ${i}`, runAtMs: START_MS });
  }
  const { errors } = getJob(app.db, id);
  deepEqual(
    errors.map((e) => e.message),
    Array.from({ length: MAX_NOTES }, (_, i) => `failure ${i + 3}`),
  );
  deepEqual(errors.map((e) => e.attempt), Array.from({ length: MAX_NOTES }, (_, i) => i + 4));

  for (let i = 0; i < 5; i++) {
    app.advance(SECOND_MS);
    end(app, claimOne(app), { type: "snooze", reason: "limit", runAtMs: START_MS });
  }
  const after = getJob(app.db, id).errors;
  equal(after.filter((e) => e.message === "limit").length, 1);
  equal(after.at(-1)!.at, timeText(START_MS + 5 * SECOND_MS));

  end(app, claimOne(app), { ...discard, reason: "x".repeat(MAX_NOTE_CHARS * 2) });
  equal(getJob(app.db, id).errors.at(-1)!.message.length, MAX_NOTE_CHARS);
});

// ---------------------------------------------------------------- cancelling, running again

Deno.test("cancelJobs() finds jobs by id and key, waiting or executing, and spares the others", () => {
  using app = bareApp();
  const mine = (job: Partial<NewJob<"advance_ticket">> = {}) =>
    add(app, { uniqueKey: "mine", ...job });
  const executing = mine();
  claimOne(app);
  const scheduled = mine({ runAtMs: START_MS + 1 });
  const other = add(app, { uniqueKey: "other" });
  const unnamed = add(app);
  equal(app.tx((tx) => cancelJobs(tx, { uniqueKey: "mine" }, "The ticket was cancelled")), 2);
  for (const id of [scheduled, executing]) {
    equal(status(app, id), "cancelled");
    equal(getJob(app.db, id).errors[0]!.message, "The ticket was cancelled");
  }
  const again = mine();
  equal(app.tx((tx) => cancelJobs(tx, { uniqueKey: "mine" })), 1);
  equal(status(app, again), "cancelled");
  for (const id of [other, unnamed]) equal(status(app, id), "available");
  equal(app.tx((tx) => cancelJobs(tx, { id: unnamed })), 1);
  equal(status(app, unnamed), "cancelled");
  equal(app.tx((tx) => cancelJobs(tx, { id: "nonsense" })), 0);
});

Deno.test("the holder of a cancelled job can record nothing any more", () => {
  using app = bareApp();
  const id = add(app);
  const lease = claimOne(app);
  app.tx((tx) => cancelJobs(tx, { id }));
  equal(end(app, lease, { type: "done" }), false);
  deepEqual(leaseState(app.db, lease), { held: false, status: "cancelled" });
});

Deno.test("requeue() gives a discarded job all its attempts again", () => {
  using app = bareApp();
  const id = add(app);
  end(app, claimOne(app), { ...discard, reason: "broken" });
  app.advance(SECOND_MS);
  const job = app.tx((tx) => requeue(tx, id));
  deepEqual([job.status, job.attempt, job.finishedAt, job.scheduledAt], [
    "available",
    0,
    null,
    timeText(START_MS + SECOND_MS),
  ]);
  equal(job.errors.length, 1, "what went wrong stays known");
});

Deno.test("requeue() runs a waiting job at once and keeps its count of attempts", () => {
  using app = bareApp();
  const id = add(app);
  end(app, claimOne(app), { ...retry, reason: "failed", runAtMs: START_MS + HOUR_MS });
  const job = app.tx((tx) => requeue(tx, id));
  deepEqual([job.status, job.attempt], ["available", 1]);
});

Deno.test("requeue() refuses what is not there, and a second job of a key", () => {
  using app = bareApp();
  throws(() => app.tx((tx) => requeue(tx, "77")), { code: "not_found" });
  throws(() => app.tx((tx) => requeue(tx, "x'; --")), { code: "not_found" });
  const id = add(app, { uniqueKey: "k" });
  end(app, claimOne(app), { ...discard, reason: "broken" });
  add(app, { uniqueKey: "k" });
  throws(() => app.tx((tx) => requeue(tx, id)), {
    code: "conflict",
    message: `Cannot run job "${id}" again: a newer one for the same work waits already`,
  });
  equal(status(app, id), "discarded");
});

Deno.test("no operation makes a move that the table of moves lacks", () => {
  const lease = (id: string): Lease => ({ id, leaseToken: "token" });
  const runAtMs = START_MS;
  const reason = "r";
  const operations: Record<string, (app: BareApp, id: string) => unknown> = {
    claim: (app) => claimAll(app),
    done: (app, id) => end(app, lease(id), { type: "done" }),
    cancelled: (app, id) => end(app, lease(id), { type: "cancel", reason }),
    discard: (app, id) => end(app, lease(id), { ...discard, reason }),
    retry: (app, id) => end(app, lease(id), { ...retry, reason, runAtMs }),
    snooze: (app, id) => end(app, lease(id), { type: "snooze", reason, runAtMs }),
    release: (app, id) => end(app, lease(id), { type: "release", reason }),
    cancelJobs: (app, id) => app.tx((tx) => cancelJobs(tx, { id })),
    requeue: (app, id) => app.tx((tx) => requeue(tx, id)),
    orphans: (app) => app.tx((tx) => releaseOrphans(tx, { bootId: BOOT, crashes: 3 })),
  };
  const changed: Record<string, string[]> = {};
  for (const from of jobStatuses) {
    for (const [name, operation] of Object.entries(operations)) {
      using app = bareApp();
      const executing = from === "executing";
      const ended = (["completed", "discarded", "cancelled"] as JobStatus[]).includes(from);
      const row = app.db.prepare(`
        INSERT INTO jobs (kind, args, queue, lane, status, priority, max_attempts, scheduled_at, claim_order,
          created_at, attempt, lease_token, lease_expires_at, leased_by, finished_at)
        VALUES ('prune', '{}', 'upkeep', 'upkeep ', :from, 2, 3, :later, 0, :later, 1, :token, :later, :by, :ended)
        RETURNING id
      `).get({
        from,
        later: timeText(START_MS + DAY_MS),
        token: executing ? "token" : null,
        by: executing ? "boot-0" : null,
        ended: ended ? timeText(START_MS) : null,
      })!;
      const id = String(row.id);
      const before = getJob(app.db, id);
      let refused = false;
      try {
        operation(app, id);
      } catch (error) {
        equal((error as { code?: string }).code, "conflict");
        refused = true;
      }
      const after = getJob(app.db, id);
      if (after.status === from) {
        deepEqual(after, before, `${name} on ${from} changes nothing`);
      } else {
        ok(!refused);
        ok(jobMoves[from].includes(after.status), `${name}: ${from} → ${after.status}`);
        equal(
          after.finishedAt !== null,
          ["completed", "discarded", "cancelled"].includes(after.status),
        );
        (changed[from] ??= []).push(name);
      }
    }
  }
  deepEqual(changed, {
    scheduled: ["cancelJobs", "requeue"],
    available: ["claim", "cancelJobs"],
    executing: [
      "done",
      "cancelled",
      "discard",
      "retry",
      "snooze",
      "release",
      "cancelJobs",
      "orphans",
    ],
    retryable: ["cancelJobs", "requeue"],
    discarded: ["requeue"],
  });
});

// ---------------------------------------------------------------- crashes

Deno.test("releaseOrphans() brings back the jobs of other boots without counting an attempt", () => {
  using app = bareApp();
  const orphan = add(app);
  claimAll(app, { owner: "boot-0" });
  const mine = add(app);
  claimAll(app);
  equal(bringBack(app), 1);
  const job = getJob(app.db, orphan);
  deepEqual([job.status, job.attempt, job.leaseToken], ["available", 0, null]);
  equal(job.errors[0]!.message, "Gaffer was killed while it ran");
  equal(status(app, mine), "executing");
  equal(bringBack(app), 0);
});

Deno.test("an orphan whose key waits again already is completed instead of breaking the start", () => {
  using app = bareApp();
  const orphan = add(app, { uniqueKey: "k" });
  claimAll(app, { owner: "boot-0" });
  const newer = add(app, { uniqueKey: "k" });
  equal(bringBack(app), 1);
  deepEqual([status(app, orphan), status(app, newer)], ["completed", "available"]);
});

Deno.test("expiredLeases() names leases of this boot only, once they are over", () => {
  using app = bareApp();
  add(app);
  add(app);
  const mine = claimOne(app);
  claimAll(app, { owner: "boot-0" });
  deepEqual(expiredLeases(app.db, BOOT, timeText(START_MS + MINUTE_MS - 1)), []);
  deepEqual(expiredLeases(app.db, BOOT, timeText(START_MS + MINUTE_MS)), [
    { id: mine.id, leaseToken: mine.leaseToken },
  ]);
});

// ---------------------------------------------------------------- retries

Deno.test("retryDelayMs() stays between nothing and a doubling, capped ceiling", () => {
  const ceilings = [5, 10, 20, 40, 80, 160, 320, 600, 600, 600].map((s) => s * SECOND_MS);
  for (const [index, ceiling] of ceilings.entries()) {
    const delay = (random: number) => retryDelayMs(index + 1, { random: () => random });
    equal(delay(0), 0);
    equal(delay(0.5), ceiling / 2);
    ok(delay(1 - 2 ** -53) <= ceiling);
  }
  ok(Number.isFinite(retryDelayMs(10_000, { random: () => 0.5 })));
});

Deno.test("a run waits out a long weekend without a network, or without a service that has room", () => {
  const { maxAttempts } = jobPolicies.run_agent;
  for (const failure of ["network", "server_error", "overloaded", "rate_limited"] as const) {
    let waitedMs = 0;
    for (let attempt = 1; attempt < maxAttempts; attempt++) {
      waitedMs += retryDelayMs(attempt, { random: () => 0.5, failure });
    }
    ok(waitedMs >= 3 * DAY_MS, `${failure}: ${Math.round(waitedMs / HOUR_MS)} hours`);
  }
});

Deno.test("retryDelayMs() never comes back before the other side's pause, up to a day", () => {
  const delay = (afterMs: number, random = 0) => retryDelayMs(1, { random: () => random, afterMs });
  equal(delay(30 * SECOND_MS), 30 * SECOND_MS);
  equal(delay(SECOND_MS, 0.9), 4.5 * SECOND_MS);
  equal(delay(400 * DAY_MS), DAY_MS);
  equal(delay(NaN), 0);
  equal(delay(-5), 0);
});

Deno.test("endingAfterFailure() discards after the last attempt", () => {
  const options = { random: () => 0.5 };
  const ending = (attempt: number) =>
    endingAfterFailure({ attempt, maxAttempts: 3 }, "failed", START_MS, options);
  const reason = "failed";
  const failure = "internal";
  deepEqual(ending(2), { type: "retry", reason, failure, runAtMs: START_MS + 5 * SECOND_MS });
  deepEqual(ending(3), { type: "discard", reason, failure });
});

// ---------------------------------------------------------------- looking, pruning

Deno.test("listJobs() pages from the newest to the oldest and filters", () => {
  using app = bareApp();
  const ids = Array.from({ length: 5 }, () => add(app));
  const agent = app.tx((tx) => enqueue(tx, { kind: "run_agent", args: { runId: "r" } }))!;
  const list = (filter: Parameters<typeof listJobs>[1]) =>
    listJobs(app.db, filter).map((job) => job.id);
  deepEqual(list({ limit: 2 }), [agent, ids[4]]);
  deepEqual(list({ limit: 3, beforeId: ids[4] }), [ids[3], ids[2], ids[1]]);
  deepEqual(list({ limit: 9, queue: "agents" }), [agent]);
  deepEqual(list({ limit: 9, kind: "run_agent" }), [agent]);
  app.tx((tx) => cancelJobs(tx, { id: agent }));
  deepEqual(list({ limit: 9, status: "cancelled" }), [agent]);
  throws(() => getJob(app.db, "nope"), { code: "not_found" });
});

Deno.test("prune() deletes finished jobs that are old, in batches, and never a live one", async () => {
  using app = bareApp();
  app.db.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
    INSERT INTO jobs (kind, args, queue, lane, status, priority, max_attempts, claim_order, scheduled_at,
      created_at, finished_at)
    SELECT 'x', '{}', 'steps', 'steps ', 'completed', 2, 1, 0, '${timeText(0)}', '${
    timeText(0)
  }', '${timeText(0)}' FROM n`);
  const live = add(app);
  const recent = add(app);
  app.advance(JOBS_KEPT_MS);
  app.tx((tx) => cancelJobs(tx, { id: recent }));
  const { signal } = new AbortController();
  const job = getJob(app.db, live);
  deepEqual(await pruneHandler([]).run({}, { app, job, signal }), { type: "done" });
  deepEqual(listJobs(app.db, { limit: 10 }).map((j) => j.id), [recent, live]);
});

Deno.test("prune() keeps the newest of too many finished jobs", async () => {
  using app = bareApp();
  app.db.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10050)
    INSERT INTO jobs (kind, args, queue, lane, status, priority, max_attempts, claim_order, scheduled_at,
      created_at, finished_at)
    SELECT 'x', '{}', 'steps', 'steps ', 'completed', 2, 1, 0, 't', 't', '${
    timeText(START_MS)
  }' FROM n`);
  const count = () => Number(app.db.prepare("SELECT count(*) AS n FROM jobs").get()!.n);
  const job = listJobs(app.db, { limit: 1 })[0]!;
  await pruneHandler([]).run({}, { app, job, signal: new AbortController().signal });
  // The newest job of all stays besides.
  equal(count(), 10_001);
  equal(app.db.prepare("SELECT min(id) AS id FROM jobs").get()!.id, 50);
});

/** Finished jobs straight into the table; gives nothing, their ids follow on one another. */
const insertFinished = (app: BareApp, count: number, status: JobStatus, atMs: number) =>
  app.db.exec(`
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO jobs (kind, args, queue, lane, status, priority, max_attempts, claim_order, scheduled_at,
      created_at, finished_at)
    SELECT 'prune', '{}', 'steps', 'steps ', '${status}', 2, 1, 0, 't', 't', '${
    timeText(atMs)
  }' FROM n`);

Deno.test("prune() keeps dead letters longer than what is done, and does not count them with it", async () => {
  using app = bareApp();
  const job = getJob(app.db, add(app)); // the first id
  insertFinished(app, 20, "discarded", START_MS);
  insertFinished(app, JOBS_KEPT, "completed", START_MS + 1);
  const count = (status: JobStatus) =>
    Number(
      app.db.prepare("SELECT count(*) AS n FROM jobs WHERE status = :status").get({ status })!.n,
    );
  const prune = async () => {
    add(app); // the newest job stays whatever it is
    await pruneHandler([]).run({}, { app, job, signal: new AbortController().signal });
    return [count("completed"), count("discarded")];
  };
  deepEqual(await prune(), [JOBS_KEPT, 20]);
  app.advance(JOBS_KEPT_MS + 2);
  deepEqual(await prune(), [0, 20], "what is done is old");
  insertFinished(app, DISCARDED_KEPT - 19, "discarded", app.clock.nowMs());
  deepEqual(await prune(), [0, DISCARDED_KEPT], "there are too many");
  equal(getJob(app.db, "3").status, "discarded", "the oldest one went");
  throws(() => getJob(app.db, "2"), { code: "not_found" });
  app.advance(DISCARDED_KEPT_MS - JOBS_KEPT_MS);
  deepEqual(await prune(), [0, DISCARDED_KEPT - 19], "the first are too old");
});

Deno.test("prune() gives no id a second time: the newest job stays, however old", async () => {
  for (const status of ["cancelled", "discarded"]) {
    using app = bareApp();
    const ids = [add(app), add(app)];
    app.db.exec(`UPDATE jobs SET status = '${status}', finished_at = created_at`);
    app.advance(2 * DISCARDED_KEPT_MS);
    await prune(
      app,
      [(tx, limit) => {
        const nothing = { before: tx.now, keep: 0 };
        return pruneJobs(tx, { done: nothing, discarded: nothing, limit });
      }],
      new AbortController().signal,
    );
    deepEqual(listJobs(app.db, { limit: 10 }).map((j) => j.id), [ids[1]]);
    equal(Number(add(app)), Number(ids[1]) + 1);
  }
});

Deno.test("prune() asks the others too, and stops between batches when it is told to", async () => {
  using app = bareApp();
  const stop = new AbortController();
  let calls = 0;
  const endless = (_tx: unknown, limit: number) => {
    if (++calls === 3) stop.abort();
    return limit;
  };
  await prune(app, [endless], stop.signal);
  equal(calls, 3);
});
