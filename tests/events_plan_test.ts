/** How histories and checkpoints are found among the events: by an index that the logs of runs are not in. */
import { deepStrictEqual as deepEqual } from "node:assert";
import type { Db, Value } from "../server/db.ts";
import { listHistory } from "../server/store/events.ts";
import { listCheckpoints } from "../server/store/review_marks.ts";
import { findCheckpoint } from "../server/store/traces.ts";
import { bareApp } from "./bare_app.ts";

/** The plans of the statements that `read` prepares. */
function plansOf(db: Db, read: (db: Db) => void): string[] {
  const plans: string[] = [];
  read(
    Object.create(db, {
      prepare: {
        value(sql: string) {
          const params: Record<string, Value> = {};
          for (const [, name] of sql.matchAll(/:([a-zA-Z]+)/g)) params[name!] = null;
          const plan = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(params);
          plans.push(...plan.map((row) => String(row.detail)));
          return db.prepare(sql);
        },
      },
    }),
  );
  return plans;
}

Deno.test("an idea's and a ticket's history and checkpoints are found by an index, in their order", () => {
  using app = bareApp();
  deepEqual(
    plansOf(app.db, (db) => {
      listHistory(db, { ideaId: "idea_1" }, 10);
      listHistory(db, { ticketId: "ticket_1" }, 10);
      listCheckpoints(db, "ticket_1");
      findCheckpoint(db, "project_1", "a".repeat(40));
    }),
    [
      "SEARCH events USING INDEX events_of_idea (idea_id=?)",
      "SEARCH events USING INDEX events_of_ticket (ticket_id=?)",
      "SEARCH events USING INDEX events_checkpoints_of_ticket (ticket_id=?)",
      "SEARCH events USING INDEX events_checkpoints (<expr>=?)",
    ],
  );
});

Deno.test("the logs of runs stand in no index of histories, their checkpoints in one of their own", () => {
  using app = bareApp();
  const at = { projectId: "project_1", ideaId: "idea_1", ticketId: "ticket_1" };
  app.tx((tx) => {
    tx.emit({ type: "idea_moved", ...at });
    for (let n = 0; n < 3; n++) tx.emit({ type: "turn_started", ...at, runId: "run_1" });
    const data = { commit: "a".repeat(40), turn: 1, files: ["a.ts"] };
    tx.emit({ type: "checkpoint", ...at, runId: "run_1", data });
  });
  const types = (of: { ideaId: string } | { ticketId: string }) =>
    listHistory(app.db, of, 10).map(({ type }) => type);
  deepEqual([types({ ideaId: "idea_1" }), types({ ticketId: "ticket_1" })], [
    ["idea_moved"],
    ["idea_moved"],
  ]);
  deepEqual(listCheckpoints(app.db, "ticket_1").map(({ number }) => number), [4]);
});
