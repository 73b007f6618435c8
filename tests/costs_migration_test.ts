/** The migration of costs: what was used before is in the windows and the days that limits and pages look at. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { migrate, openDb } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";
import { spentIn } from "../server/store/reservations.ts";
import { sumUsage } from "../server/store/usage.ts";

const NOW = "2026-01-31T03:04:05.678Z";

Deno.test("what was used before there were limits counts for them, and the demo model's part does not", () => {
  const at = migrations.findIndex(({ name }) => name.endsWith("_costs"));
  const db = openDb(":memory:");
  migrate(db, NOW, migrations.slice(0, at));
  db.exec(`
    INSERT INTO projects (id, slug, name, path, base_branch, created_at, updated_at)
    VALUES ('p', 'p', 'P', '/p', 'main', '${NOW}', '${NOW}');
    INSERT INTO ideas (id, project_id, number, title, priority, created_by, created_at, updated_at)
    VALUES ('i', 'p', 1, 'One', 2, 'owner', '${NOW}', '${NOW}');
    INSERT INTO runs (id, project_id, agent, purpose, idea_id, round, model, demo, max_turns,
      max_cost_micro_usd, created_at)
    VALUES ('r', 'p', 'clarifier', 'clarify', 'i', 1, 'm', 0, 9, 9, '${NOW}'),
      ('d', 'p', 'clarifier', 'clarify', 'i', 1, 'gaffer-demo', 1, 9, 9, '${NOW}');
    INSERT INTO turn_usage (run_id, number, turn, model, demo, input_tokens, output_tokens,
      cache_write_5m_tokens, cache_write_1h_tokens, cache_read_tokens, cost_micro_usd, at)
    VALUES ('r', 2, 1, 'm', 0, 1, 2, 3, 4, 5, 100, '2026-01-30T23:59:59.999Z'),
      ('r', 4, 2, 'm', 0, 1, 0, 0, 0, 0, 20, '2026-01-31T00:00:00.000Z'),
      ('d', 2, 1, 'gaffer-demo', 1, 900, 0, 0, 0, 0, 0, '2026-01-31T00:00:00.000Z');
  `);
  migrate(db, NOW);
  deepEqual(spentIn(db, "2026-01-30"), { microUsd: 100, tokens: 15 });
  deepEqual(spentIn(db, "2026-01"), { microUsd: 120, tokens: 16 });
  equal(db.prepare("SELECT count(*) AS n FROM usage_windows").get()!.n, 9);
  const days = sumUsage(db, "day", { from: "2026-01-01", to: "2026-01-31" });
  deepEqual(days.map(({ key, costMicroUsd }) => [key, costMicroUsd]), [
    ["2026-01-30", 100],
    ["2026-01-31", 20],
  ]);
  db.close();
});
