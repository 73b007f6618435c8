/** Cancelling one run, with what that means for its idea or ticket. */
import { cancelJobs } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Run } from "../records.ts";
import { getRun } from "../store/runs.ts";
import { failDevelopment } from "./development.ts";
import { failRefinement } from "./refinement.ts";
import { cancelRunIn, isActive } from "./runs.ts";

/** Stops a run for good. Its ticket blocks and its idea is stuck, since the work it was for is not done. */
export function cancelRun(app: App, id: string): Run {
  return transact(app, (tx) => {
    const run = getRun(tx.db, id);
    if (!isActive(run)) {
      throw new AppError("conflict", `Cannot cancel the run: it is "${run.status}"`);
    }
    cancelRunIn(app, tx, run);
    cancelJobs(tx, { runId: id });
    const message = "a person cancelled it";
    if (run.ideaId) failRefinement(tx, run, "cancelled", message);
    else failDevelopment(app, tx, run, "cancelled", message);
    return getRun(tx.db, id);
  });
}
