/** Cancelling one run, with what that means for its idea or ticket. */
import { jobKeys } from "../../queue/job.ts";
import { cancelJobs } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Run } from "../records.ts";
import { getRun } from "../store/runs.ts";
import { findWorktree } from "../store/worktrees.ts";
import { failDevelopment } from "./development_results.ts";
import { workWaitingAnswersIn } from "./planning_results.ts";
import { failRefinement } from "./refinement.ts";
import { cancelRunIn, isActive } from "./runs.ts";

/** Stops a run for good. Its ticket blocks and its idea is stuck, since the work it was for is not done. */
export function cancelRun(app: App, id: string): Run {
  return transact(app, (tx) => {
    const run = getRun(tx.db, id);
    if (!isActive(run)) {
      throw new AppError("conflict", `Cannot cancel the run: it is "${run.status}"`);
    }
    cancelJobs(tx, { uniqueKey: jobKeys.runAgent(id) });
    cancelActiveRun(app, tx, run);
    return getRun(tx.db, id);
  });
}

/** The same for whoever has cancelled the run's job. */
export function cancelActiveRun(app: App, tx: Tx, run: Run): void {
  cancelRunIn(app, tx, run);
  if (run.trial) return;
  if (run.askId) return workWaitingAnswersIn(app, tx, run.askId);
  // Nobody else works in a ticket's worktree, so what is left of the tools there goes, too.
  const worktree = run.ticketId ? findWorktree(tx.db, run.ticketId) : null;
  if (worktree) {
    tx.afterCommit(() => {
      app.agents.release(worktree.path).catch((error) =>
        app.log.error("hands were not released", { error: String(error) })
      );
    });
  }
  const message = "a person cancelled it";
  if (run.ideaId) failRefinement(tx, run, "cancelled", message);
  else failDevelopment(app, tx, run, "cancelled", message);
}
