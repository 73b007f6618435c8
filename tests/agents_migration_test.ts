/** The migration of agents: runs that were there before stay as they were, and work on a ticket stays alone. */
import { deepStrictEqual as deepEqual, equal, throws } from "node:assert/strict";
import { migrate, openDb } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";

const NOW = "2026-01-02T03:04:05.678Z";
const before = migrations.findIndex(({ name }) => name.endsWith("_agents"));

Deno.test("the migration of agents keeps all runs, and lets a trial run beside a ticket's work", () => {
  const db = openDb(":memory:");
  migrate(db, NOW, migrations.slice(0, before));
  db.prepare(`
    INSERT INTO projects (id, slug, name, path, base_branch, created_at, updated_at)
    VALUES ('p', 'p', 'P', '/p', 'main', :now, :now)
  `).run({ now: NOW });
  db.prepare(`
    INSERT INTO tickets (id, project_id, number, type, title, priority, created_at, updated_at)
    VALUES ('t', 'p', 1, 'feature', 'T', 2, :now, :now)
  `).run({ now: NOW });
  const insert = (id: string, status: string, trial = "") =>
    db.prepare(`
      INSERT INTO runs (id, project_id, agent, purpose, ticket_id, round, status, model, demo, max_turns,
        max_cost_micro_usd, created_at${trial && ", trial"})
      VALUES (:id, 'p', 'reviewer', 'review', 't', 0, :status, 'm', 1, 1, 1, :now${
      trial && `, ${trial}`
    })
    `).run({ id, status, now: NOW });
  insert("old", "succeeded");
  insert("active", "waiting");
  const rows = db.prepare("SELECT * FROM runs ORDER BY id").all();

  migrate(db, NOW, migrations.slice(0, before + 1));
  const after = db.prepare("SELECT * FROM runs ORDER BY id ASC").all();
  deepEqual(
    after.map(({ agent_id, agent_version, trial, ...same }) => {
      deepEqual([agent_id, agent_version, trial], [null, null, 0]);
      return { ...same };
    }),
    rows.map((row) => ({ ...row })),
  );
  throws(() => insert("second", "queued"), /UNIQUE/);
  insert("trial", "queued", "1");
  insert("trial 2", "running", "1");
  equal(db.prepare("PRAGMA integrity_check").get()!.integrity_check, "ok");
  db.close();
});
