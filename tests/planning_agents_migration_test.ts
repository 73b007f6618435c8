/** The migration that makes the table of runs anew: what refers to it is whole, and nothing of it is lost. */
import { deepStrictEqual as deepEqual, strictEqual as equal, throws } from "node:assert";
import { migrate, openDb, type Row } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";

const NOW = "2026-01-31T03:04:05.678Z";
const at = migrations.findIndex(({ name }) => name.endsWith("_planning_agents"));

/** A database of before, with a run that others refer to, and one that refers to it. */
function before() {
  const db = openDb(":memory:");
  migrate(db, NOW, migrations.slice(0, at));
  db.exec(`
    INSERT INTO projects (id, slug, name, path, base_branch, created_at, updated_at)
    VALUES ('p', 'p', 'P', '/p', 'main', '${NOW}', '${NOW}');
    INSERT INTO ideas (id, project_id, number, title, priority, created_by, created_at, updated_at)
    VALUES ('i', 'p', 1, 'One', 2, 'owner', '${NOW}', '${NOW}');
    INSERT INTO runs (id, project_id, agent, purpose, idea_id, round, status, model, demo, max_turns,
      max_cost_micro_usd, created_at, forked_from_run, forked_at_turn, result, worked_ms, web_searches)
    VALUES ('gone', 'p', 'clarifier', 'clarify', 'i', 1, 'succeeded', 'm', 0, 9, 9, '${NOW}', NULL, NULL, 'null', 0, 0),
      ('r', 'p', 'clarifier', 'clarify', 'i', 1, 'succeeded', 'm', 0, 9, 9, '${NOW}', NULL, NULL, '{"a":1}', 7, 3),
      ('f', 'p', 'clarifier', 'clarify', 'i', 1, 'queued', 'm', 0, 9, 9, '${NOW}', 'r', 2, 'null', 0, 0);
    DELETE FROM runs WHERE id = 'gone';
    INSERT INTO events (at, actor, type, run_id, number, data)
    VALUES ('${NOW}', 'a', 'started', 'r', 1, '{}');
    INSERT INTO turn_usage (run_id, number, turn, model, demo, input_tokens, output_tokens,
      cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, cost_micro_usd, at)
    VALUES ('r', 1, 1, 'm', 0, 1, 2, 3, 4, 5, 100, '${NOW}');
  `);
  return db;
}

Deno.test("every column, order and reference of the runs that there were is kept", () => {
  const db = before();
  const withoutAsk = ({ ask_id: _, ...row }: Row) => row;
  const old = db.prepare("SELECT rowid AS at, * FROM runs ORDER BY rowid").all();
  migrate(db, NOW);
  // Another text: a statement that was prepared before knows the old columns.
  const now = db.prepare("SELECT rowid AS at, * FROM runs ORDER BY at").all();
  deepEqual(now.map(withoutAsk), old.map(withoutAsk));
  deepEqual(db.prepare("PRAGMA foreign_key_check").all(), []);
  equal(db.prepare("PRAGMA foreign_keys").get()!.foreign_keys, 1);
  throws(() => db.exec("DELETE FROM runs WHERE id = 'r'"), /FOREIGN KEY/);
  throws(() => db.exec("UPDATE turn_usage SET run_id = 'none'"), /FOREIGN KEY/);
  db.close();
});

Deno.test("a run is about one thing: an idea, a ticket or what was asked about a document", () => {
  const db = before();
  migrate(db, NOW);
  db.exec(
    `INSERT INTO planning_asks (id, project_id, path, ask, words, section, commits, agent, asked_by, asked_at)
    VALUES ('k', 'p', 'a.md', 'review', '', '', '[]', 'analyst', 'owner', '${NOW}')`,
  );
  const insert = (id: string, idea: string, ask: string) =>
    db.exec(
      `INSERT INTO runs (id, project_id, agent, purpose, idea_id, ask_id, round, model, demo, max_turns,
      max_cost_micro_usd, created_at)
      VALUES ('${id}', 'p', 'analyst', 'plan', ${idea}, ${ask}, 1, 'm', 0, 9, 9, '${NOW}')`,
    );
  insert("one", "NULL", "'k'");
  throws(() => insert("two", "'i'", "'k'"), /CHECK/);
  throws(() => insert("three", "NULL", "NULL"), /CHECK/);
  throws(() => insert("four", "NULL", "'k'"), /UNIQUE/);
  db.close();
});

Deno.test("what is cut off or would break a reference leaves the database as it was", () => {
  const db = before();
  const steps = migrations.slice(0, at + 1);
  const step = steps[at]!;
  const tables = () => db.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").all();
  const old = tables();
  const cut = { ...step, sql: `${step.sql}; INSERT INTO nowhere VALUES (1);` };
  const breaking = { ...step, sql: `${step.sql}; DELETE FROM runs WHERE id = 'r';` };
  for (const wrong of [cut, breaking]) {
    throws(() => migrate(db, NOW, [...steps.slice(0, at), wrong]), /Cannot apply the migration/);
    deepEqual(tables(), old);
    equal(db.prepare("PRAGMA foreign_keys").get()!.foreign_keys, 1);
  }
  migrate(db, NOW, steps);
  equal(db.prepare("SELECT count(*) AS n FROM runs").get()!.n, 2);
  db.close();
});
