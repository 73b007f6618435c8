/** The job of a run. */
import { jobKeys } from "../../queue/job.ts";
import { enqueue } from "../../queue/queue.ts";
import type { Tx } from "../db.ts";
import type { Run } from "../records.ts";

/** Asks the queue to execute a run, or to go on with it. */
export function enqueueRun(
  tx: Tx,
  run: Pick<Run, "id" | "projectId">,
  priority: number,
  runAtMs?: number,
): void {
  enqueue(tx, {
    kind: "run_agent",
    args: { runId: run.id },
    priority,
    uniqueKey: jobKeys.runAgent(run.id),
    onClash: "sooner",
    concurrencyKey: jobKeys.runAgent(run.id),
    projectId: run.projectId,
    runAtMs,
  });
}
