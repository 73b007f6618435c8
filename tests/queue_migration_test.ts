/** The queue's migration: every job that was there before is there afterwards, as it was. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { migrate, openDb } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";
import { claimOrder } from "../queue/rows.ts";
import { jobStatuses } from "../server/states.ts";

const NOW = "2026-01-02T03:04:05.678Z";

Deno.test("0003_queue keeps all jobs", () => {
  const db = openDb(":memory:");
  migrate(db, NOW, migrations.slice(0, 2));
  for (const [n, status] of jobStatuses.entries()) {
    db.prepare(`
      INSERT INTO jobs (kind, args, queue, status, priority, attempt, max_attempts, unique_key,
        concurrency_key, project_id, scheduled_at, lease_token, leased_by, errors, created_at, finished_at)
      VALUES ('prune', '{"ideaId":"i${n}"}', 'upkeep', :status, ${
      n % 4
    }, 1, 3, :key, 'c', :project, :now, :token,
        :token, '[{"attempt":1,"at":"${NOW}","message":"old"}]', :now, :finished)
    `).run({
      status,
      key: `k${n}`,
      project: n % 2 === 0 ? "p" : null,
      now: NOW,
      token: status === "executing" ? "t" : null,
      finished: ["completed", "discarded", "cancelled"].includes(status) ? NOW : null,
    });
  }
  const before = db.prepare("SELECT * FROM jobs ORDER BY id").all();
  equal(before.length, 7);

  migrate(db, NOW);
  // Another text: a prepared statement keeps the names of the columns that it was made with.
  const after = db.prepare("SELECT * FROM jobs ORDER BY id ASC").all();
  deepEqual(
    after.map((
      { crashes: _, claim_order: __, lane: ___, started_at: ____, ...same },
    ) => ({
      ...same,
    })),
    before.map((row) => ({ ...row })),
  );
  for (const row of after) {
    equal(row.claim_order, claimOrder(Date.parse(NOW), Number(row.priority)));
    equal(row.lane, `upkeep ${row.project_id ?? ""}`);
    deepEqual([row.crashes, row.started_at], [0, null]);
  }
  const added = db.prepare(`
    INSERT INTO jobs (kind, args, queue, lane, status, priority, max_attempts, scheduled_at, claim_order,
      created_at) VALUES ('x', '{}', 'q', 'q ', 'available', 0, 1, 't', 0, 't') RETURNING id
  `).get()!;
  equal(added.id, 8);
  equal(db.prepare("PRAGMA integrity_check").get()!.integrity_check, "ok");
  db.close();
});

Deno.test("0003_queue works on a queue without a single job as well", () => {
  const db = openDb(":memory:");
  migrate(db, NOW, migrations.slice(0, 2));
  migrate(db, NOW);
  equal(db.prepare("SELECT count(*) AS n FROM jobs").get()!.n, 0);
  const names = db.prepare(
    "SELECT name FROM sqlite_schema WHERE tbl_name = 'jobs' AND type = 'index'",
  )
    .all().map((row) => String(row.name)).toSorted();
  deepEqual(names, [
    "jobs_claim",
    "jobs_discarded",
    "jobs_due",
    "jobs_executing",
    "jobs_finished",
    "jobs_unique",
  ]);
  db.close();
});
