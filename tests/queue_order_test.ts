/** Who comes next: urgency and age, limits, suspects, paused queues, and what a million others cost. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { HOUR_MS, MINUTE_MS, SECOND_MS, timeText } from "../server/clock.ts";
import { loadConfig } from "../server/config.ts";
import type { Db, Tx } from "../server/db.ts";
import { claim, type ClaimOptions } from "../queue/claim.ts";
import type { JobKind } from "../queue/job.ts";
import { finish, type LeasedJob, markStopping, releaseOrphans } from "../queue/lease.ts";
import { type QueueLimits, queueLimits } from "../queue/limits.ts";
import { pauseOf, pauseQueue, resumeQueue } from "../queue/pauses.ts";
import {
  enqueue,
  getJob,
  type NewJob,
  reprioritize,
  requeue,
  settleDiscarded,
} from "../queue/queue.ts";
import { AGE_STEP_MS } from "../queue/rows.ts";
import { type BareApp, bareApp, START_MS } from "./bare_app.ts";

const limits: QueueLimits = {
  queues: { agents: 100, steps: 100, merges: 100, forges: 100, upkeep: 100 },
  crashes: 3,
};
const add = (app: BareApp, changes: Partial<NewJob> = {}) =>
  app.tx((tx) =>
    enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t" }, ...changes } as NewJob)
  )!;
const take = (app: BareApp, changes: Partial<ClaimOptions> = {}): LeasedJob[] =>
  app.tx((tx) => claim(tx, { limits, owner: "boot-1", leaseMs: MINUTE_MS, ...changes }));
const ids = (jobs: readonly { id: string }[]) => jobs.map(({ id }) => id);
const release = (app: BareApp, job: LeasedJob) =>
  app.tx((tx) => finish(tx, job, { type: "release", reason: "r" }));
const end = (app: BareApp, job: LeasedJob) => app.tx((tx) => finish(tx, job, { type: "done" }));

// ---------------------------------------------------------------- urgency and age

Deno.test("an hour of waiting is worth one step of priority", () => {
  using app = bareApp();
  const low = add(app, { priority: 3 });
  app.advance(AGE_STEP_MS - 1);
  const normal = add(app, { priority: 2 });
  app.advance(1);
  const late = add(app, { priority: 2 });
  app.advance(1);
  const later = add(app, { priority: 2 });
  deepEqual(ids(take(app)), [normal, low, late, later]);
});

Deno.test("the lowest priority waits for nothing that becomes due three hours after it", () => {
  using app = bareApp();
  const low = add(app, { priority: 3 });
  app.advance(3 * AGE_STEP_MS + 1);
  add(app, { priority: 0 });
  equal(take(app, { max: 1 })[0]!.id, low);
});

Deno.test("a job ages from when it is due, not from when it was asked for", () => {
  using app = bareApp();
  const putOff = add(app, { priority: 2, runAtMs: START_MS + 10 * HOUR_MS });
  app.advance(10 * HOUR_MS);
  const urgent = add(app, { priority: 1 });
  deepEqual(ids(take(app)), [urgent, putOff]);
});

Deno.test("a job that comes back takes its place by its new time", () => {
  using app = bareApp();
  const first = add(app, { priority: 1 });
  const [job] = take(app);
  const runAtMs = START_MS + 5 * HOUR_MS;
  app.tx((tx) => finish(tx, job!, { type: "retry", reason: "r", failure: "network", runAtMs }));
  app.advance(5 * HOUR_MS);
  const other = add(app, { priority: 0 });
  deepEqual(ids(take(app)), [other, first]);
});

// ---------------------------------------------------------------- unique jobs

Deno.test("one key may wait once for each kind of job", () => {
  using app = bareApp();
  ok(add(app, { uniqueKey: "k" }));
  ok(add(app, { kind: "merge_ticket", uniqueKey: "k" }));
  equal(add(app, { uniqueKey: "k" }), null);
});

Deno.test("a clash replaces the waiting job's arguments, time and priority when asked to, and gives it all its attempts", () => {
  using app = bareApp();
  const id = add(app, { uniqueKey: "k" });
  const [job] = take(app);
  const runAtMs = START_MS + HOUR_MS;
  app.tx((tx) => finish(tx, job!, { type: "retry", reason: "r", failure: "network", runAtMs }));
  const args = { ticketId: "other" };
  const again = { args, uniqueKey: "k", priority: 0, onClash: "replace" } as const;
  equal(add(app, again), null);
  const { status, attempt, priority, ...now } = getJob(app.db, id);
  deepEqual([now.args, status, attempt, priority], [args, "available", 0, 0]);
  equal(now.scheduledAt, timeText(START_MS));
  equal(now.errors.length, 1, "what went wrong stays known");
});

Deno.test("a thousand enqueues of one key at the same time make one job", async () => {
  using app = bareApp();
  const asked = await Promise.all(
    Array.from({ length: 1_000 }, async () => {
      await Promise.resolve();
      return add(app, { uniqueKey: "k" });
    }),
  );
  equal(asked.filter((id) => id !== null).length, 1);
});

// ---------------------------------------------------------------- limits

Deno.test("a project at its limit lets the others pass, and goes on when one of its jobs ends", () => {
  using app = bareApp();
  const mine = [0, 1, 2].map(() => add(app, { projectId: "big", priority: 0 }));
  const other = add(app, { projectId: "small", priority: 3 });
  const none = add(app, { priority: 3 });
  const limited: QueueLimits = { ...limits, perProject: { steps: 1 } };
  const first = take(app, { limits: limited });
  deepEqual(ids(first), [mine[0], other, none]);
  deepEqual(take(app, { limits: limited }), []);
  end(app, first[0]!);
  deepEqual(ids(take(app, { limits: limited })), [mine[1]]);
});

Deno.test("with the limits that a person sets, one project's runs leave slots to another's", () => {
  using app = bareApp();
  const limitsWith = (env: Record<string, string>) =>
    queueLimits(loadConfig({
      args: [],
      env: { HOME: "/home/pat", ...env },
      readFile: () => null,
      cwd: "/home/pat",
      checkout: false,
    }));
  const run = (projectId: string, runId: string) =>
    add(app, { kind: "run_agent", args: { runId }, projectId });
  const big = Array.from({ length: 6 }, (_, n) => run("big", `${n}`));
  const small = run("small", "6");
  const step = add(app, { projectId: "big" });
  const next = (env: Record<string, string>) => {
    const jobs = take(app, { limits: limitsWith(env) });
    for (const job of jobs) release(app, job);
    return ids(jobs);
  };
  deepEqual(next({}), [...big.slice(0, 4), step]);
  deepEqual(next({ GAFFER_MAX_RUNS_PER_PROJECT: "2" }), [...big.slice(0, 2), small, step]);
  const narrow = { GAFFER_MAX_RUNS_PER_PROJECT: "1", GAFFER_MAX_JOBS: "2" };
  deepEqual(next(narrow), [big[0], small]);
});

Deno.test("a project's limit counts each queue for itself, and jobs without a project not at all", () => {
  using app = bareApp();
  const perProject = { steps: 1, agents: 1 };
  const agent = { kind: "run_agent" as JobKind, args: { runId: "r" } };
  add(app, { projectId: "p" });
  add(app, { ...agent, projectId: "p" });
  add(app, agent);
  add(app, agent);
  equal(take(app, { limits: { ...limits, perProject } }).length, 4);
});

Deno.test("the limit of all queues together goes to those that come first, whatever their queue", () => {
  using app = bareApp();
  const step = add(app, { priority: 1 });
  const agent = add(app, { kind: "run_agent", args: { runId: "r" }, priority: 0 });
  add(app, { priority: 2 });
  deepEqual(ids(take(app, { limits: { ...limits, total: 2 } })), [agent, step]);
  deepEqual(take(app, { limits: { ...limits, total: 2 } }), []);
});

Deno.test("a handler that winds down keeps its slot, its project's and its key's", () => {
  using app = bareApp();
  add(app, { projectId: "p", concurrencyKey: "k" });
  const occupant = { id: "0", queue: "steps", projectId: "p", concurrencyKey: "k", crashes: 0 };
  const takes = (changes: Partial<QueueLimits>, windingDown: typeof occupant) =>
    app.tx((tx) => {
      const all = { ...limits, ...changes };
      const count =
        claim(tx, { limits: all, owner: "b", leaseMs: 1, windingDown: [windingDown] }).length;
      tx.db.exec(
        "UPDATE jobs SET status = 'available', lease_token = NULL WHERE status = 'executing'",
      );
      return count;
    });
  const stranger = { ...occupant, projectId: "q", concurrencyKey: "other" };
  equal(takes({}, stranger), 1);
  equal(takes({}, occupant), 0);
  equal(takes({ total: 1 }, stranger), 0);
  equal(takes({ queues: { ...limits.queues, steps: 1 } }, stranger), 0);
  equal(takes({ perProject: { steps: 1 } }, { ...stranger, projectId: "p" }), 0);
});

// ---------------------------------------------------------------- paused queues

Deno.test("a paused queue gives out nothing, its jobs stay and others go on; resuming wakes the runner", () => {
  using app = bareApp();
  const step = add(app);
  const agent = add(app, { kind: "run_agent", args: { runId: "r" } });
  let rings = 0;
  app.hub.subscribe(({ kind }) => kind === "jobs" && rings++);
  ok(app.tx((tx) => pauseQueue(tx, "steps", "ada")));
  equal(app.tx((tx) => pauseQueue(tx, "steps")), false, "once is enough");
  deepEqual(pauseOf(app.db, "steps"), { by: "ada", at: timeText(START_MS) });
  deepEqual(ids(take(app)), [agent]);
  equal(getJob(app.db, step).status, "available");
  rings = 0;
  ok(app.tx((tx) => resumeQueue(tx, "steps")));
  equal(rings, 1);
  equal(app.tx((tx) => resumeQueue(tx, "steps")), false);
  deepEqual(ids(take(app)), [step]);
});

// ---------------------------------------------------------------- dead letters

Deno.test("settleDiscarded() ends the discarded jobs of some keys, of whatever kind, and no others", () => {
  using app = bareApp();
  const give = (changes: Partial<NewJob>) => {
    const id = add(app, changes);
    const [job] = take(app);
    app.tx((tx) => finish(tx, job!, { type: "discard", reason: "r", failure: "internal" }));
    return id;
  };
  const [old, newest] = [give({ uniqueKey: "k" }), give({ uniqueKey: "k" })];
  const otherKind = give({ uniqueKey: "k2", kind: "run_agent", args: { runId: "r" } });
  const [otherKey, plain] = [give({ uniqueKey: "w" }), give({})];
  const waiting = add(app, { uniqueKey: "k" });
  equal(app.tx((tx) => settleDiscarded(tx, ["k", "k2"], "Taken up")), 3);
  const status = (id: string) => getJob(app.db, id).status;
  deepEqual([old, newest, otherKind].map(status), ["cancelled", "cancelled", "cancelled"]);
  deepEqual([otherKey, plain].map(status), ["discarded", "discarded"]);
  equal(status(waiting), "available");
  deepEqual(getJob(app.db, old).errors.map(({ message }) => message), ["r", "Taken up"]);
  equal(app.tx((tx) => settleDiscarded(tx, ["k", "k2"], "Again")), 0);
});

// ---------------------------------------------------------------- another priority

Deno.test("reprioritize() moves what waits for a key behind others, or before them", () => {
  using app = bareApp();
  const changed = add(app, { uniqueKey: "k" });
  app.advance(1);
  const other = add(app);
  equal(app.tx((tx) => reprioritize(tx, ["k"], { from: 2, to: 3 })), 1);
  const [first] = take(app, { max: 1 });
  equal(first!.id, other, "it is less urgent");
  release(app, first!);
  equal(app.tx((tx) => reprioritize(tx, ["k"], { from: 3, to: 1 })), 1);
  app.advance(1);
  const [next] = take(app, { max: 1 });
  deepEqual([next!.id, next!.priority], [changed, 1], "it is more urgent");
});

Deno.test("reprioritize() changes what executes, too: it may come back to wait, and it still ages", () => {
  using app = bareApp();
  const changed = add(app, { uniqueKey: "k" });
  const [job] = take(app);
  equal(app.tx((tx) => reprioritize(tx, ["k"], { from: 2, to: 3 })), 1);
  release(app, job!);
  app.advance(AGE_STEP_MS - 1);
  const before = add(app);
  app.advance(2);
  const after = add(app);
  deepEqual(ids(take(app)), [before, changed, after]);
});

Deno.test("reprioritize() leaves jobs alone that were asked for with another priority", () => {
  using app = bareApp();
  const id = add(app, { uniqueKey: "k", priority: 0 });
  equal(app.tx((tx) => reprioritize(tx, ["k"], { from: 2, to: 1 })), 0);
  equal(app.tx((tx) => reprioritize(tx, ["other"], { from: 0, to: 1 })), 0);
  equal(getJob(app.db, id).priority, 0);
});

// ---------------------------------------------------------------- jobs that bring the process down

/** The process dies with all that executes; gives the ids of what is quarantined at the next start. */
function crash(app: BareApp, gotOn: (job: { id: string }) => boolean = () => false): string[] {
  const options = { bootId: crypto.randomUUID(), crashes: 3, gotOn };
  return ids(app.tx((tx) => releaseOrphans(tx, options)).quarantined);
}

Deno.test("a job with which the process died three times is quarantined; requeueing gives it three more", () => {
  using app = bareApp();
  const id = add(app);
  for (const crashes of [1, 2]) {
    take(app);
    deepEqual(crash(app), []);
    const { status, attempt, errors, ...job } = getJob(app.db, id);
    deepEqual([status, attempt, job.crashes], ["available", 0, crashes]);
    equal(errors.at(-1)!.failure, "worker_lost");
  }
  take(app);
  deepEqual(crash(app), [id]);
  const { status, errors, finishedAt } = getJob(app.db, id);
  deepEqual([status, finishedAt], ["discarded", timeText(START_MS)]);
  deepEqual([errors.at(-1)!.failure, errors.at(-1)!.message], [
    "quarantined",
    "Gaffer went down 3 times while it ran, so it is not tried again by itself",
  ]);
  equal(app.tx((tx) => requeue(tx, id)).crashes, 0);
  take(app);
  deepEqual(crash(app), []);
});

Deno.test("whatever ends an attempt or gets on in it clears a job of its crashes", () => {
  using app = bareApp();
  const id = add(app);
  const crashes = () => getJob(app.db, id).crashes;
  const twice = () => {
    for (const _ of [1, 2]) {
      take(app);
      crash(app);
    }
    equal(crashes(), 2);
  };
  twice();
  const [job] = take(app);
  const runAtMs = START_MS;
  app.tx((tx) => finish(tx, job!, { type: "retry", reason: "r", failure: "network", runAtMs }));
  equal(crashes(), 0);
  twice();
  take(app);
  deepEqual(crash(app, (orphan) => orphan.id === id), []);
  equal(crashes(), 0);
});

Deno.test("a process that was told to stop and then hung is no crash of its jobs", () => {
  using app = bareApp();
  const id = add(app);
  for (let n = 0; n < 5; n++) {
    take(app);
    app.tx((tx) => markStopping(tx, "boot-1"));
    deepEqual(crash(app), []);
  }
  deepEqual([getJob(app.db, id).status, getJob(app.db, id).crashes], ["available", 0]);
});

Deno.test("only the job that brings the process down is quarantined, not those that executed beside it", () => {
  using app = bareApp();
  const poison = add(app);
  const innocent = [add(app), add(app)];
  const quarantined: string[] = [];
  for (let start = 1; start <= 6 && quarantined.length === 0; start++) {
    // Whatever else executes ends well unless the poisonous job kills it before.
    for (let jobs = take(app); jobs.length > 0; jobs = take(app)) {
      if (jobs.some(({ id }) => id === poison)) break;
      for (const job of jobs) end(app, job);
    }
    quarantined.push(...crash(app));
  }
  deepEqual(quarantined, [poison]);
  for (let jobs = take(app); jobs.length > 0; jobs = take(app)) {
    equal(jobs.length, 1, "suspects run one at a time");
    end(app, jobs[0]!);
  }
  deepEqual(innocent.map((id) => getJob(app.db, id).status), ["completed", "completed"]);
});

// ---------------------------------------------------------------- what many others cost

/** Many jobs of one project, put there directly. */
function insertMany(app: BareApp, count: number, status: "available" | "discarded", project = "p") {
  const at = timeText(START_MS);
  app.db.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
    INSERT INTO jobs (kind, args, queue, project_id, lane, status, priority, max_attempts, scheduled_at,
      claim_order, created_at, finished_at)
    SELECT 'advance_ticket', '{}', 'steps', '${project}', 'steps ${project}', '${status}', 0, 8, '${at}',
      ${START_MS} + i, '${at}', ${status === "discarded" ? `'${at}'` : "NULL"} FROM n`);
}

/** How many rows the statements of a claim have given. */
function rowsOfClaim(
  app: BareApp,
  changes: Partial<ClaimOptions>,
): { rows: number; taken: string[] } {
  let rows = 0;
  const counted = (sql: string) => {
    const statement = app.db.prepare(sql);
    return {
      ...statement,
      get: (params: Parameters<typeof statement.get>[0]) => {
        rows++;
        return statement.get(params);
      },
      all: (params: Parameters<typeof statement.all>[0]) => {
        const all = statement.all(params);
        rows += all.length;
        return all;
      },
    };
  };
  const db: Db = Object.create(app.db, { prepare: { value: counted } });
  const taken = app.tx((tx: Tx) =>
    claim({ ...tx, db }, { limits, owner: "boot-1", leaseMs: MINUTE_MS, ...changes })
  );
  return { rows, taken: ids(taken) };
}

Deno.test("a claim passes a project at its limit in one step, however many of its jobs wait", () => {
  const limited: QueueLimits = { ...limits, perProject: { steps: 1 } };
  const read: number[] = [];
  for (const count of [10, 20_000]) {
    using app = bareApp();
    insertMany(app, count, "available");
    equal(take(app, { limits: limited }).length, 1);
    app.advance(SECOND_MS);
    const other = add(app, { projectId: "other", priority: 3 });
    const { rows, taken } = rowsOfClaim(app, { limits: limited });
    deepEqual(taken, [other]);
    read.push(rows);
  }
  equal(read[0], read[1], "the same rows are read beside ten and beside 20,000");
  ok(read[0]! < 10, `${read[0]} rows`);
});
