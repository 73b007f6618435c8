/** Whether work has got on: what tells a killed process from a job that brings it down. */
import { strictEqual as equal } from "node:assert";
import { runAgentHandler } from "../queue/handlers/run_agent.ts";
import { runGotOn } from "../server/services/progress.ts";
import { appendRunEvent } from "../server/store/run_log.ts";
import { listIdeaRuns } from "../server/store/runs.ts";
import { testApp } from "./support.ts";

Deno.test("a run has got on once it has finished a turn or a tool call since then, not by beginning one", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [run] = listIdeaRuns(app.db, idea.id);
  const since = app.tx((tx) => tx.now);
  const gotOn = () => runGotOn(app, run!.id, since);
  equal(gotOn(), false);
  app.advance(1);
  app.tx((tx) => appendRunEvent(tx, run!, { type: "turn_started", turn: 1, maxOutputTokens: 1 }));
  equal(gotOn(), false);
  const result = { callId: "c", isError: false, durationMs: 1, content: "" };
  app.tx((tx) => appendRunEvent(tx, run!, { type: "tool_finished", turn: 1, result }));
  equal(gotOn(), true);
  equal(runAgentHandler.gotOn!(app, { runId: run!.id }, since), true);
  app.advance(1);
  equal(runGotOn(app, run!.id, app.tx((tx) => tx.now)), false, "that was before");
});
