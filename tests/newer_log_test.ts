/** A run into whose log a newer version has put something that this one does not know. */
import { deepStrictEqual as deepEqual, rejects, strictEqual as equal } from "node:assert";
import { beginRun } from "../server/services/runs.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { executeRun, testApp } from "./support.ts";

Deno.test("it is not gone on with: the error names run and event, and nothing is changed", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const { id } = listIdeaRuns(app.db, idea.id)[0]!;
  app.tx((tx) => beginRun(tx, id));
  const { projectId } = getRun(app.db, id);
  app.tx((tx) => {
    tx.emit({ type: "note", projectId, runId: id, data: { type: "note", text: "known" } });
    tx.emit({ type: "teleported", projectId, runId: id, data: { type: "teleported" } });
  });
  const before = { run: getRun(app.db, id), events: app.events.length };
  app.agents.run = () => Promise.reject(new Error("it must not begin"));
  await rejects(
    executeRun(app, id, { attempt: 1, maxAttempts: 5 }, new AbortController().signal),
    {
      code: "conflict",
      message: new RegExp(`run "${id}": its event 2 is of the type "teleported".* newer`),
    },
  );
  deepEqual({ run: getRun(app.db, id), events: app.events.length }, before);
  equal(before.run.status, "running");
});
