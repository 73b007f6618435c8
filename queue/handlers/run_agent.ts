import { takeUpRun, workRun } from "../../server/services/outcomes.ts";
import { runGotOn } from "../../server/services/progress.ts";
import type { JobHandler } from "../job.ts";

export const runAgentHandler: JobHandler<"run_agent"> = {
  kind: "run_agent",
  begin: (tx, { runId }) => takeUpRun(tx, runId),
  run: ({ runId }, { app, job, signal }) => workRun(app, runId, job, signal),
  letGo: (app, { runId }) => app.agents.letGo(runId),
  gotOn: (app, { runId }, since) => runGotOn(app, runId, since),
};
