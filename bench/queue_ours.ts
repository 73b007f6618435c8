/** The queue of this project, without a server around it: what each of its steps takes. */
import type { App } from "../server/app.ts";
import { MINUTE_MS, systemClock, timeText } from "../server/clock.ts";
import { migrate, openDb, transact, transactSoon, type Tx } from "../server/db.ts";
import { createHub } from "../server/hub.ts";
import { silentLog } from "../server/log.ts";
import { claim } from "../queue/claim.ts";
import type { JobHandler } from "../queue/job.ts";
import type { QueueLimits } from "../queue/limits.ts";
import { enqueue } from "../queue/queue.ts";
import { createRunner } from "../queue/runner.ts";
import { claimOrder } from "../queue/rows.ts";

export type Sync = "FULL" | "NORMAL";
type QueueApp = App & Disposable;

/** What the queue needs of an App, on a database of its own. */
export function openQueue(path: string, sync: Sync): QueueApp {
  const db = openDb(path);
  migrate(db, timeText(systemClock.nowMs()));
  db.exec(`PRAGMA synchronous = ${sync}`);
  const app = {
    db,
    clock: systemClock,
    hub: createHub((error) => {
      throw error;
    }),
    log: silentLog,
    actor: "bench",
    [Symbol.dispose]: () => db.close(),
  };
  return app as unknown as QueueApp;
}

export const limitsFor = (concurrency: number): QueueLimits => ({
  queues: {
    agents: concurrency,
    steps: concurrency,
    merges: concurrency,
    forges: concurrency,
    upkeep: concurrency,
  },
  crashes: 3,
});

export const newJob = (n: number) => ({
  kind: "advance_ticket",
  args: { ticketId: `ticket_${n}` },
} as const);

/** Microseconds per job, each with a commit of its own. */
export function enqueueOneByOne(app: App, count: number): number {
  const begin = performance.now();
  for (let n = 0; n < count; n++) transact(app, (tx) => enqueue(tx, newJob(n)));
  return perJobUs(begin, count);
}

/** Microseconds per job while ten ask at the same time, each again as soon as its job is safe. */
export async function enqueueTenAtOnce(app: App, count: number): Promise<number> {
  const begin = performance.now();
  await Promise.all(Array.from({ length: 10 }, async () => {
    for (let n = 0; n < count / 10; n++) await transactSoon(app, (tx) => enqueue(tx, newJob(n)));
  }));
  return perJobUs(begin, count);
}

/** Puts many jobs into the queue at once. */
export function fill(app: App, count: number): void {
  transact(app, (tx) => {
    for (let n = 0; n < count; n++) enqueue(tx, newJob(n));
  });
}

/** Leaves the queue empty, and its log as long as it gets. */
export function warmUp(app: App, count: number): void {
  fill(app, count);
  app.db.exec("DELETE FROM jobs");
}

/** Waiting jobs of another hour, written without the detour: a million in seconds. */
export function fillFast(app: App, count: number): void {
  const laterMs = systemClock.nowMs();
  const later = timeText(laterMs);
  transact(app, (tx: Tx) =>
    tx.db.exec(`
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
      INSERT INTO jobs (kind, args, queue, lane, status, priority, max_attempts, scheduled_at, claim_order,
        created_at)
      SELECT 'advance_ticket', '{"ticketId":"ticket_' || i || '"}', 'steps', 'steps ', 'available', 2, 8,
        '${later}', ${claimOrder(laterMs, 2)} + i, '${later}' FROM n`));
}

/** Microseconds per job until `count` jobs are done by a handler that does nothing. */
export async function drain(app: App, count: number, concurrency: number): Promise<number> {
  let left = count;
  const done = Promise.withResolvers<void>();
  const handler: JobHandler<"advance_ticket"> = {
    kind: "advance_ticket",
    run() {
      if (--left === 0) done.resolve();
      return Promise.resolve({ type: "done" });
    },
  };
  const runner = createRunner({
    app,
    handlers: [handler],
    limits: limitsFor(concurrency),
    bootId: crypto.randomUUID(),
  });
  const begin = performance.now();
  runner.start();
  await done.promise;
  const us = perJobUs(begin, count);
  await runner.stop(MINUTE_MS);
  return us;
}

/** Milliseconds from asking an idle queue for a job until its handler begins. */
export async function idleToStart(app: App, samples: number): Promise<number[]> {
  let begun = () => {};
  const handler: JobHandler<"advance_ticket"> = {
    kind: "advance_ticket",
    run() {
      begun();
      return Promise.resolve({ type: "done" });
    },
  };
  const runner = createRunner({
    app,
    handlers: [handler],
    limits: limitsFor(1),
    bootId: crypto.randomUUID(),
  });
  runner.start();
  const times: number[] = [];
  for (let n = 0; n < samples; n++) {
    await runner.idle();
    await new Promise((resolve) => setTimeout(resolve, 5));
    const started = new Promise<void>((resolve) => begun = resolve);
    const begin = performance.now();
    transact(app, (tx) => enqueue(tx, newJob(n)));
    await started;
    times.push(performance.now() - begin);
  }
  await runner.stop(MINUTE_MS);
  return times;
}

/** What a claim takes, in milliseconds. */
export interface ClaimMs {
  /** Until its commit begins: what depends on how many wait. */
  ownMs: number;
  /** With the commit, for which the disk takes most of the time. */
  wholeMs: number;
}

export function claimTimes(app: App, count: number): ClaimMs[] {
  const options = { limits: limitsFor(count), owner: "bench", leaseMs: MINUTE_MS, max: 1 };
  return Array.from({ length: count }, () => {
    const begin = performance.now();
    let ownMs = 0;
    const claimed = transact(app, (tx) => {
      const jobs = claim(tx, options);
      ownMs = performance.now() - begin;
      return jobs;
    });
    const wholeMs = performance.now() - begin;
    if (claimed.length !== 1) throw new Error("nothing was claimed");
    // What executes is read by each claim; a server has no more of it than slots.
    transact(
      app,
      (tx) =>
        tx.db.exec(
          `UPDATE jobs SET status = 'completed', lease_token = NULL WHERE id = ${claimed[0]!.id}`,
        ),
    );
    return { ownMs, wholeMs };
  });
}

const perJobUs = (begin: number, count: number): number =>
  (performance.now() - begin) * 1_000 / count;
