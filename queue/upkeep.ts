/** Keeps the database from growing: throws away finished jobs, and what other parts of the server say may go. */
import { setImmediate } from "node:timers/promises";
import { DAY_MS, timeText } from "../server/clock.ts";
import { transact, type Transactor, type Tx } from "../server/db.ts";
import type { JobHandler } from "./job.ts";
import { pruneJobs } from "./queue.ts";
import { putSchedule } from "./schedules.ts";

/** Completed and cancelled jobs stay this long for people to look at, but at most so many of them. */
export const JOBS_KEPT_MS = 7 * DAY_MS;
export const JOBS_KEPT = 10_000;
/**
 * Dead letters are work that is not done: they stay until a person is back from a long absence, and the others do not
 * count among them. At most so many, since what fails every minute must not fill the disk.
 */
export const DISCARDED_KEPT_MS = 90 * DAY_MS;
export const DISCARDED_KEPT = 5_000;
/** Once an hour, when few other things happen by the clock. */
const UPKEEP_CRON = "17 * * * *";
/** Rows deleted in one transaction: other writes wait no longer than that takes. */
const BATCH = 1_000;

/** Has the upkeep come again and again; serve.ts says it at each start. What was missed comes once, at once. */
export const scheduleUpkeep = (tx: Tx): void =>
  putSchedule(tx, { name: "prune", cron: UPKEEP_CRON, kind: "prune", args: {}, priority: 3 });

/** Deletes at most `limit` rows that nobody needs any more, and says how many. */
export type Pruner = (tx: Tx, limit: number) => number;

const pruneFinishedJobs: Pruner = (tx, limit) =>
  pruneJobs(tx, {
    done: { before: timeText(tx.nowMs - JOBS_KEPT_MS), keep: JOBS_KEPT },
    discarded: { before: timeText(tx.nowMs - DISCARDED_KEPT_MS), keep: DISCARDED_KEPT },
    limit,
  });

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
    return { type: "done" };
  },
});
