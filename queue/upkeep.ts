/** Keeps the database from growing: throws away finished jobs, and what other parts of the server say may go. */
import { setImmediate } from "node:timers/promises";
import { DAY_MS, HOUR_MS, timeText } from "../server/clock.ts";
import { transact, type Transactor, type Tx } from "../server/db.ts";
import type { JobHandler } from "./job.ts";
import { enqueue, pruneJobs } from "./queue.ts";

/** Finished jobs stay this long for people to look at, but at most so many of them. */
export const JOBS_KEPT_MS = 7 * DAY_MS;
export const JOBS_KEPT = 10_000;
const UPKEEP_EVERY_MS = HOUR_MS;
/** Rows deleted in one transaction: other writes wait no longer than that takes. */
const BATCH = 1_000;

/** Asks for the next upkeep; main.ts does it at start, then each one does it for the next. */
export function scheduleUpkeep(tx: Tx, delayMs = UPKEEP_EVERY_MS): void {
  enqueue(tx, {
    kind: "prune",
    args: {},
    priority: 3,
    runAtMs: tx.nowMs + delayMs,
    uniqueKey: "prune",
  });
}

/** Deletes at most `limit` rows that nobody needs any more, and says how many. */
export type Pruner = (tx: Tx, limit: number) => number;

const pruneFinishedJobs: Pruner = (tx, limit) =>
  pruneJobs(tx, { before: timeText(tx.nowMs - JOBS_KEPT_MS), keep: JOBS_KEPT, limit });

/** Deletes in small transactions until nothing is left to delete or `signal` aborts. */
export async function prune(
  app: Transactor,
  pruners: readonly Pruner[],
  signal: AbortSignal,
): Promise<void> {
  const batch = () => transact(app, (tx) => pruners.map((pruner) => pruner(tx, BATCH)));
  while (batch().includes(BATCH) && !signal.aborted) await setImmediate();
}

/** The handler of "prune" jobs: finished jobs, and what the `others` throw away. */
export const pruneHandler = (others: readonly Pruner[]): JobHandler<"prune"> => ({
  kind: "prune",
  async run(_args, { app, signal }) {
    await prune(app, [pruneFinishedJobs, ...others], signal);
    transact(app, (tx) => scheduleUpkeep(tx));
    return { type: "done" };
  },
});
