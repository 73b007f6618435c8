/** What a page shows of the queue: counts, the last day, why a job waits. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { HOUR_MS, MINUTE_MS, SECOND_MS, timeText } from "../server/clock.ts";
import { claim } from "../queue/claim.ts";
import { finish, type LeasedJob } from "../queue/lease.ts";
import { type QueueLimits, queueLimits } from "../queue/limits.ts";
import { pauseQueue } from "../queue/pauses.ts";
import { cancelJobs, enqueue, getJob, type NewJob } from "../queue/queue.ts";
import { jobStats, queueStates, waitReasons } from "../queue/stats.ts";
import { type BareApp, bareApp, START_MS } from "./bare_app.ts";

const limits: QueueLimits = {
  queues: { agents: 9, steps: 9, merges: 9, forges: 9, upkeep: 9 },
  crashes: 3,
};
const add = (app: BareApp, changes: Partial<NewJob> = {}) =>
  app.tx((tx) =>
    enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t" }, ...changes } as NewJob)
  )!;
const take = (app: BareApp, max = 1): LeasedJob =>
  app.tx((tx) => claim(tx, { limits, owner: "b", leaseMs: MINUTE_MS, max }))[0]!;
const why = (app: BareApp, id: string, changes: Partial<QueueLimits> = {}) =>
  waitReasons(app.db, { ...limits, ...changes }, app.clock.nowMs())(getJob(app.db, id));

Deno.test("queueStates() counts each queue's jobs by state and says who paused it", () => {
  using app = bareApp();
  for (const projectId of ["p1", "p2"]) add(app, { projectId });
  add(app, { kind: "run_agent", args: { runId: "r" } });
  add(app, { runAtMs: START_MS + 1 });
  take(app);
  const cancelled = add(app);
  app.tx((tx) => cancelJobs(tx, { id: cancelled }));
  app.tx((tx) => pauseQueue(tx, "steps", "ada"));
  const [agents, steps, merges, forges, upkeep] = queueStates(app.db);
  const none = {
    scheduled: 0,
    available: 0,
    executing: 0,
    retryable: 0,
    completed: 0,
    discarded: 0,
    cancelled: 0,
  };
  deepEqual(agents, { queue: "agents", paused: null, counts: { ...none, available: 1 } });
  deepEqual(steps, {
    queue: "steps",
    paused: { by: "ada", at: timeText(START_MS) },
    counts: { ...none, scheduled: 1, available: 1, executing: 1, cancelled: 1 },
  });
  deepEqual([merges!.counts, forges!.counts, upkeep!.counts], [none, none, none]);
});

Deno.test("jobStats() gives each of the last hours, the present one last, also where nothing happened", () => {
  using app = bareApp(); // it is 3:04:05
  const doneAfter = (waitMs: number, type: "done" | "discard" = "done") => {
    add(app);
    app.advance(waitMs);
    const reason = "r";
    const ending = type === "done" ? { type } : { type, reason, failure: "internal" } as const;
    const job = take(app);
    app.tx((tx) => finish(tx, job, ending));
  };
  for (let n = 1; n <= 20; n++) doneAfter(n * SECOND_MS);
  const unstarted = add(app);
  app.tx((tx) => cancelJobs(tx, { id: unstarted }));
  app.advance(2 * HOUR_MS);
  doneAfter(0, "discard");
  const stats = jobStats(app.db, app.clock.nowMs(), 3);
  deepEqual(stats, [
    {
      hour: "2026-01-02T03:00:00.000Z",
      completed: 20,
      discarded: 0,
      cancelled: 1,
      medianWaitMs: 10 * SECOND_MS,
      p95WaitMs: 19 * SECOND_MS,
    },
    {
      hour: "2026-01-02T04:00:00.000Z",
      completed: 0,
      discarded: 0,
      cancelled: 0,
      medianWaitMs: null,
      p95WaitMs: null,
    },
    {
      hour: "2026-01-02T05:00:00.000Z",
      completed: 0,
      discarded: 1,
      cancelled: 0,
      medianWaitMs: 0,
      p95WaitMs: 0,
    },
  ]);
  equal(jobStats(app.db, app.clock.nowMs()).length, 24);
});

Deno.test("waitReasons() says what a job waits for, and null when it does not wait", () => {
  using app = bareApp();
  const later = add(app, { runAtMs: START_MS + HOUR_MS });
  deepEqual(why(app, later), { why: "time", at: timeText(START_MS + HOUR_MS) });

  const first = add(app, { projectId: "p", concurrencyKey: "k" });
  deepEqual(why(app, first), { why: "order", next: true });
  take(app);
  equal(why(app, first), null);

  const sameKey = add(app, { concurrencyKey: "k" });
  deepEqual(why(app, sameKey), { why: "key", key: "k", jobId: first });
  const sameProject = add(app, { projectId: "p" });
  deepEqual(why(app, sameProject, { perProject: { steps: 1 } }), { why: "project", busy: 1 });
  const plain = add(app);
  const full = { queues: { ...limits.queues, steps: 1 } };
  deepEqual(why(app, plain, full), { why: "slots", busy: 1 });
  deepEqual(why(app, plain, { total: 1 }), { why: "total", busy: 1 });
  deepEqual(why(app, plain), { why: "order", next: false }, "the project's other job is before it");

  app.db.exec(`UPDATE jobs SET crashes = 2 WHERE id IN (${first}, ${plain})`);
  deepEqual(why(app, plain), { why: "suspect", jobId: first });

  app.tx((tx) => pauseQueue(tx, "steps", "ada"));
  deepEqual(why(app, plain), { why: "paused", pause: { by: "ada", at: timeText(START_MS) } });
  app.advance(2 * HOUR_MS);
  equal(why(app, later)!.why, "paused", "its time has come, and nobody has looked yet");
});

Deno.test("waitReasons() calls the first of each queue next that nothing holds up, and no other", () => {
  using app = bareApp();
  add(app, { concurrencyKey: "k" });
  take(app);
  const held = add(app, { concurrencyKey: "k", priority: 0 });
  const late = add(app, { projectId: "p2", priority: 3 });
  const first = add(app, { projectId: "p1", priority: 1 });
  const agent = add(app, { kind: "run_agent", args: { runId: "r" }, priority: 3 });
  const limited = { perProject: { steps: 1 } };
  deepEqual(why(app, held, limited)!.why, "key");
  deepEqual(why(app, first, limited), { why: "order", next: true });
  deepEqual(why(app, agent, limited), { why: "order", next: true });
  deepEqual(why(app, late, limited), { why: "order", next: false });
  equal(take(app).id, first);
  deepEqual(why(app, late, limited), { why: "order", next: true });
});

Deno.test("waitReasons() says that nothing begins while nothing can be saved", () => {
  using app = bareApp();
  const id = add(app);
  const later = add(app, { runAtMs: START_MS + HOUR_MS });
  const fault = { kind: "disk_full", since: timeText(START_MS) } as const;
  app.db.fault = fault;
  deepEqual(why(app, id), { why: "storage", fault });
  equal(why(app, later)!.why, "time");
});

Deno.test("the limits of a server follow from its configuration", () => {
  using app = bareApp({ config: { maxRuns: 7, maxCrashes: 5 } });
  const { queues, crashes, ...others } = queueLimits(app.config);
  deepEqual([queues.agents, crashes, others], [7, 5, {}]);
  const limited = queueLimits({ ...app.config, maxRunsPerProject: 2, maxJobs: 6 });
  deepEqual([limited.perProject, limited.total], [{ agents: 2 }, 6]);
});
