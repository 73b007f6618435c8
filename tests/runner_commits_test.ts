/** What the work behind a job writes is one commit with the job's claim, and one with its end. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { readSetting, writeSetting } from "../server/store/settings.ts";
import { DAY_MS } from "../server/clock.ts";
import { type Db, transactSoon, type Tx } from "../server/db.ts";
import type { Job } from "../server/records.ts";
import { type AnyJobHandler, type Decide, jobPolicies, type Outcome } from "../queue/job.ts";
import { enqueue, getJob } from "../queue/queue.ts";
import { createRunner } from "../queue/runner.ts";
import { type BareApp, bareApp } from "./bare_app.ts";

const done: Outcome = { type: "done" };

interface Handling {
  begin?(tx: Tx): void;
  run(): Promise<Outcome | Decide>;
}

const add = (app: BareApp): string =>
  app.tx((tx) => enqueue(tx, { kind: "advance_ticket", args: { ticketId: "t" } }))!;

/** Does what is due; gives what became of the job. */
async function execute(app: BareApp, handling: Handling, id = add(app)): Promise<Job> {
  const handler: AnyJobHandler = { kind: "advance_ticket", ...handling };
  const runner = createRunner({
    app,
    handlers: [handler],
    limits: { queues: { agents: 1, steps: 1, merges: 1, forges: 1, upkeep: 1 }, crashes: 3 },
    bootId: crypto.randomUUID(),
    timers: app.timers,
    random: () => 0.5,
  });
  runner.start();
  await runner.idle();
  await runner.stop(0);
  return getJob(app.db, id);
}

const note = (tx: Tx, message: string) =>
  writeSetting(tx, "agents_hold", { reason: "billing", message, since: tx.now });
const noted = (db: Db) => readSetting(db, "agents_hold")?.message ?? null;

Deno.test("what begins with a job is there before its handler runs, in the commit that claimed it", async () => {
  using app = bareApp();
  let seen: string | null = null;
  let executing = -1;
  const job = await execute(app, {
    begin(tx) {
      note(tx, "begun");
      const count = "SELECT count(*) AS n FROM jobs WHERE status = 'executing'";
      executing = Number(tx.db.prepare(count).get()!.n);
    },
    run() {
      seen = noted(app.db);
      return Promise.resolve(done);
    },
  });
  deepEqual([seen, executing, job.status], ["begun", 1, "completed"]);
});

Deno.test("a job that can't begin ends its attempt with why, and its handler is not called", async () => {
  using app = bareApp();
  const job = await execute(app, {
    begin(tx) {
      note(tx, "begun");
      throw new Error("a newer version was here");
    },
    run: () => Promise.reject(new Error("it must not run")),
  });
  deepEqual([job.status, job.attempt, noted(app.db)], ["retryable", 1, null]);
  deepEqual(job.errors.map(({ message }) => message), ["a newer version was here"]);
});

Deno.test("what a handler decides at the end is one commit with the end of its job", async () => {
  using app = bareApp();
  const job = await execute(app, {
    run: () =>
      Promise.resolve((tx: Tx) => {
        note(tx, "ended");
        equal(tx.db.inTransaction, true);
        return done;
      }),
  });
  deepEqual([job.status, noted(app.db)], ["completed", "ended"]);
});

Deno.test("what was asked to be saved before the end is saved before it", async () => {
  using app = bareApp();
  const job = await execute(app, {
    run() {
      void transactSoon(app, (tx) => note(tx, "first"));
      return Promise.resolve((tx: Tx) => {
        equal(noted(tx.db), "first");
        note(tx, "second");
        return done;
      });
    },
  });
  deepEqual([job.status, noted(app.db)], ["completed", "second"]);
});

Deno.test("a decision that throws leaves nothing of what it wrote, and is how the attempt ended", async () => {
  using app = bareApp();
  const job = await execute(app, {
    run: () =>
      Promise.resolve((tx: Tx): Outcome => {
        note(tx, "half");
        throw new Error("it can't be decided");
      }),
  });
  deepEqual([job.status, noted(app.db)], ["retryable", null]);
  match(job.errors[0]!.message, /it can't be decided/);
});

Deno.test("a decision may ask for any end: a snooze, another try, a cancel", async () => {
  const ends = [
    [{ type: "snooze", ms: 1_000, reason: "later" }, "scheduled", 0],
    [{ type: "retry", reason: "again" }, "retryable", 1],
    [{ type: "cancel", reason: "never" }, "cancelled", 1],
  ] as const;
  for (const [outcome, status, attempt] of ends) {
    using app = bareApp();
    const job = await execute(app, { run: () => Promise.resolve(() => outcome) });
    deepEqual([job.status, job.attempt], [status, attempt]);
  }
});

Deno.test("a decision that fails each time uses the job's attempts up like any failure", async () => {
  using app = bareApp();
  const { maxAttempts } = jobPolicies.advance_ticket;
  const id = add(app);
  const refuse: Decide = () => {
    throw new Error("never");
  };
  for (let n = 1; n <= maxAttempts; n++) {
    await execute(app, { run: () => Promise.resolve(refuse) }, id);
    app.advance(DAY_MS);
  }
  const { status, attempt } = getJob(app.db, id);
  deepEqual([status, attempt], ["discarded", maxAttempts]);
});
