/** What waits for a forge has a queue of its own: however slow one is, merges go on, and each look has an end. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { MINUTE_MS } from "../server/clock.ts";
import { migrate, openDb } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";
import { claim } from "../queue/claim.ts";
import { jobPolicies } from "../queue/job.ts";
import { queueLimits } from "../queue/limits.ts";
import { enqueue, getJob } from "../queue/queue.ts";
import { failurePauseMs, followPullRequest } from "../server/services/pull_following.ts";
import { bareApp } from "./bare_app.ts";
import { jobOf, runnerOf } from "./jobs_support.ts";
import { PullScene } from "./pull_scene.ts";

Deno.test("a forge that answers nothing holds up no merge, and is asked again later", async () => {
  await using it = await PullScene.make();
  const merged = Promise.withResolvers<void>();
  let looking = 0;
  const runner = runnerOf(
    it.app,
    {
      kind: "follow_pull_request",
      run({ ticketId }, { app, signal }) {
        looking++;
        const options = { variable: () => it.token, timeoutMs: 300 };
        return followPullRequest(app, ticketId, signal, options);
      },
    },
    {
      kind: "merge_ticket",
      run() {
        merged.resolve();
        return Promise.resolve({ type: "done" });
      },
    },
  );
  it.fake.next.push("hang");
  it.ask();
  runner.start();
  it.app.tx((tx) => enqueue(tx, { kind: "merge_ticket", args: { ticketId: "another" } }));
  await merged.promise;
  const following = jobOf(it.app, "follow_pull_request");
  deepEqual([looking, following.queue, following.status], [1, "forges", "executing"]);
  await runner.idle();
  await runner.stop(0);
  const { status, scheduledAt } = getJob(it.app.db, following.id);
  equal(status, "scheduled");
  equal(Date.parse(scheduledAt), it.app.clock.nowMs() + failurePauseMs(1));
  match(it.pull.error, /^Cannot look for the pull request at GitHub: it does not answer in time/);
  equal(await it.tip(), it.ticket.headCommit, "what was pushed before stays");
});

Deno.test("forges that take all of their slots leave those of the merges free", () => {
  using app = bareApp();
  app.tx((tx) => {
    for (let n = 0; n < 9; n++) {
      const args = { ticketId: `t${n}` };
      enqueue(tx, { kind: "follow_pull_request", args, concurrencyKey: `forge:p${n}` });
    }
    enqueue(tx, { kind: "merge_ticket", args: { ticketId: "t" }, priority: 3 });
  });
  const limits = queueLimits(app.config);
  const taken = app.tx((tx) => claim(tx, { limits, owner: "b", leaseMs: MINUTE_MS, max: 99 }));
  const count = (queue: string) => taken.filter((job) => job.queue === queue).length;
  deepEqual([count("forges"), count("merges")], [limits.queues.forges, 1]);
  // A slot is not taken for long by one that trickles its answers.
  equal(jobPolicies.follow_pull_request.timeoutMs, 3 * MINUTE_MS);
});

Deno.test("0030_forges_apart moves what waits for a forge, paused where its queue was", () => {
  const now = "2026-01-02T03:04:05.678Z";
  const before = migrations.slice(0, migrations.findIndex(({ name }) => name.startsWith("0030")));
  const db = openDb(":memory:");
  migrate(db, now, before);
  const insert = db.prepare(`
    INSERT INTO jobs (kind, args, queue, lane, status, priority, max_attempts, project_id, scheduled_at,
      claim_order, created_at)
    VALUES (:kind, '{}', 'merges', 'merges ' || coalesce(:project, ''), 'available', 0, 1, :project, :now, 0, :now)
  `);
  insert.run({ kind: "follow_pull_request", project: "p", now });
  insert.run({ kind: "follow_pull_request", project: null, now });
  insert.run({ kind: "merge_ticket", project: "p", now });
  db.exec("INSERT INTO queue_pauses VALUES ('merges', 't', 'ada'), ('agents', 't', 'ada')");
  migrate(db, now);
  deepEqual(db.prepare("SELECT lane FROM jobs ORDER BY id").all().map(({ lane }) => lane), [
    "forges p",
    "forges ",
    "merges p",
  ]);
  deepEqual(
    db.prepare("SELECT queue, paused_by FROM queue_pauses ORDER BY queue").all()
      .map((row) => [row.queue, row.paused_by]),
    [["agents", "ada"], ["forges", "ada"], ["merges", "ada"]],
  );
  db.close();
});
