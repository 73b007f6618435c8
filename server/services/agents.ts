/** The agents as a whole: held while every run would fail alike, resumed by a person or a new start. */
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { type FailureReason, failureReasons } from "../states.ts";
import { listRunApprovals } from "../store/approvals.ts";
import { listActiveRuns } from "../store/runs.ts";
import { type AgentsHold, readSetting, writeSetting } from "../store/settings.ts";
import { enqueueRun } from "./runs.ts";

export const agentsHold = (app: Pick<App, "db">): AgentsHold | null =>
  readSetting(app.db, "agents_hold");

/** Stops new model requests of all runs until `resumeAgents`. */
export function holdAgents(tx: Tx, reason: FailureReason, message: string): void {
  writeSetting(tx, "agents_hold", { reason, message, since: tx.now });
  tx.emit({ type: "agents_held", data: { reason, message } });
}

/** Lets the agents work again; the runs that waited for it go on from their logs. */
export function resumeAgents(app: App): void {
  transact(app, (tx) => {
    const hold = readSetting(tx.db, "agents_hold");
    if (hold) {
      writeSetting(tx, "agents_hold", null);
      tx.emit({ type: "agents_resumed", data: { reason: hold.reason } });
    }
    for (const run of listActiveRuns(tx.db, null)) {
      if (run.status !== "waiting" || run.failure === null) continue;
      if (failureReasons[run.failure].retriable) continue;
      if (listRunApprovals(tx.db, run.id).some((a) => a.status === "pending")) continue;
      enqueueRun(tx, run, 0);
    }
  });
}
