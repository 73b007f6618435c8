/** What the database does for each statement of the queue: an index leads to it, and nothing is sorted. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { MINUTE_MS, timeText } from "../server/clock.ts";
import type { Db, Tx, Value } from "../server/db.ts";
import { claim } from "../queue/claim.ts";
import { dueAtMs } from "../queue/due.ts";
import {
  expiredLeases,
  finish,
  leaseState,
  markStopping,
  releaseOrphans,
  renew,
} from "../queue/lease.ts";
import type { QueueLimits } from "../queue/limits.ts";
import { pauseQueue, resumeQueue } from "../queue/pauses.ts";
import {
  cancelJobs,
  enqueue,
  findWaiting,
  getJob,
  listJobs,
  pruneJobs,
  reprioritize,
  requeue,
  settleDiscarded,
} from "../queue/queue.ts";
import { dropSchedule, fireSchedules, putSchedule } from "../queue/schedules.ts";
import { jobStats, machineWaits, queueStates, waitReasons } from "../queue/stats.ts";
import { type BareApp, bareApp, START_MS } from "./bare_app.ts";

const limits: QueueLimits = {
  queues: { agents: 5, steps: 5, merges: 5, forges: 5, upkeep: 5 },
  perProject: { steps: 2 },
  total: 9,
  crashes: 3,
};

/** Plays what may be done; returns the text of every statement that was prepared. */
function statementsOf(app: BareApp, play: (tx: Tx) => void): string[] {
  const texts = new Set<string>();
  const db: Db = Object.create(app.db, {
    prepare: {
      value: (sql: string) => {
        texts.add(sql);
        return app.db.prepare(sql);
      },
    },
  });
  app.tx((tx) => play({ ...tx, db }));
  return [...texts];
}

const planOf = (db: Db, sql: string): string[] =>
  db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(parametersOf(sql)).map((row) => String(row.detail));

const parametersOf = (sql: string): Record<string, Value> =>
  Object.fromEntries([...sql.matchAll(/:([a-zA-Z]+)/g)].map(([, name]) => [name!, null]));

/** What no hot statement may do. What a common table or parameter holds is a handful. */
const isBad = (line: string): boolean =>
  /SCAN (jobs|next|newer|other|schedules)\b|AUTOMATIC/.test(line);
const sorts = (line: string): boolean => /TEMP B-TREE/.test(line);

function playHot(tx: Tx): void {
  const step = { kind: "advance_ticket", args: { ticketId: "t" } } as const;
  const keyed = { ...step, uniqueKey: "k", concurrencyKey: "k", projectId: "p" };
  const claimOptions = { limits, owner: "boot", leaseMs: MINUTE_MS };
  enqueue(tx, keyed);
  enqueue(tx, { ...keyed, onClash: "sooner" });
  enqueue(tx, { ...keyed, onClash: "replace" });
  const [job] = claim(tx, claimOptions);
  enqueue(tx, { ...step, concurrencyKey: "k", projectId: "p" });
  enqueue(tx, { ...step, runAtMs: tx.nowMs - 1 });
  const [second] = claim(tx, claimOptions); // steps over the one whose key is taken
  renew(tx, job!, 1);
  leaseState(tx.db, job!);
  dueAtMs(tx.db);
  finish(tx, second!, { type: "done" });
  enqueue(tx, keyed);
  const failed = { reason: "r", failure: "network" } as const;
  finish(tx, job!, { type: "retry", ...failed, runAtMs: 0 }); // folds
  claim(tx, { ...claimOptions, limits: { ...limits, perProject: {} } });
  // What has become due is made available by the next claim.
  enqueue(tx, { ...step, runAtMs: tx.nowMs + 1 });
  claim({ ...tx, nowMs: tx.nowMs + MINUTE_MS, now: timeText(tx.nowMs + MINUTE_MS) }, claimOptions);
}

Deno.test("every hot statement is answered from an index, without a scan and without sorting", () => {
  using app = bareApp();
  const statements = statementsOf(app, playHot);
  ok(statements.length >= 13, `heard ${statements.length} statements`);
  for (const sql of statements) {
    const plan = planOf(app.db, sql);
    deepEqual(
      plan.filter((line) => isBad(line) || sorts(line)),
      [],
      `${sql}\n${plan.join("\n")}`,
    );
  }
});

Deno.test("a claim finds waiting jobs by their lane and order", () => {
  using app = bareApp();
  const statements = statementsOf(app, playHot);
  const first = statements.find((sql) => sql.includes("lane > :after"))!;
  const next = statements.find((sql) => sql.includes("(claim_order, id) >"))!;
  ok(planOf(app.db, first)[0]!.startsWith("SEARCH jobs USING INDEX jobs_claim (lane>?)"));
  const [plan] = planOf(app.db, next);
  equal(plan, "SEARCH jobs USING INDEX jobs_claim (lane=? AND claim_order>?)");
});

Deno.test("what is done now and then finds its rows by an index as well", () => {
  using app = bareApp();
  const statements = statementsOf(app, (tx) => {
    const id = enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t" }, uniqueKey: "k" })!;
    for (const which of [{ id }, { uniqueKey: "k" }]) cancelJobs(tx, which);
    const other = enqueue(tx, {
      kind: "prune",
      args: {},
      runAtMs: START_MS + 1,
    })!;
    requeue(tx, other);
    settleDiscarded(tx, ["k"], "r");
    reprioritize(tx, ["k"], { from: 2, to: 1 });
    findWaiting(tx.db, "prune", "k");
    getJob(tx.db, id);
    markStopping(tx, "boot");
    releaseOrphans(tx, { bootId: "boot", crashes: 3 });
    expiredLeases(tx.db, "boot", tx.now);
    const retention = { before: tx.now, keep: 10 };
    pruneJobs(tx, { done: retention, discarded: retention, limit: 10 });
    pauseQueue(tx, "steps");
    waitReasons(tx.db, limits, tx.nowMs)(getJob(tx.db, other));
    resumeQueue(tx, "steps");
    putSchedule(tx, { name: "n", cron: "* * * * *", kind: "prune", args: {} });
    fireSchedules(tx);
    dropSchedule(tx, "n");
    queueStates(tx.db);
    jobStats(tx.db, tx.nowMs);
    machineWaits(tx.db)("k");
  });
  ok(statements.length >= 23, `heard ${statements.length} statements`);
  for (const sql of statements) {
    const plan = planOf(app.db, sql);
    deepEqual(plan.filter(isBad), [], `${sql}\n${plan.join("\n")}`);
  }
});

Deno.test("counts and figures read the indexes alone", () => {
  using app = bareApp();
  const statements = statementsOf(app, (tx) => {
    queueStates(tx.db);
    jobStats(tx.db, tx.nowMs);
  }).filter((sql) => sql.includes("FROM jobs"));
  equal(statements.length, 2);
  for (const sql of statements) {
    const reads = planOf(app.db, sql).filter((line) => line.includes(" jobs"));
    deepEqual(reads.filter((line) => !line.includes("COVERING INDEX")), []);
  }
});

Deno.test("lists of states with few jobs don't go through the many of other states", () => {
  using app = bareApp();
  for (const status of ["scheduled", "retryable", "executing", "discarded"] as const) {
    const [sql] = statementsOf(app, (tx) => listJobs(tx.db, { status, limit: 1 }));
    deepEqual(planOf(app.db, sql!).filter((line) => /SCAN jobs/.test(line)), [], status);
  }
});

Deno.test("the plan test would see a statement without an index", () => {
  using app = bareApp();
  const plan = planOf(app.db, "SELECT * FROM jobs WHERE kind = 'x' ORDER BY priority");
  ok(plan.some(isBad));
  ok(plan.some(sorts));
});
