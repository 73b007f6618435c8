/** How much of the queue's work may happen at the same time. */
import type { Config } from "../server/config.ts";
import type { QueueName } from "./job.ts";

export interface QueueLimits {
  /** Jobs of each queue that execute at the same time. */
  queues: Readonly<Record<QueueName, number>>;
  /** Of those the jobs of one project. Absent: as many as the queue allows. */
  perProject?: Readonly<Partial<Record<QueueName, number>>>;
  /** Jobs of all queues together. Absent: as many as the queues allow. */
  total?: number;
  /**
   * A job with which the process has died so often is quarantined. From one less on it is a suspect: suspects
   * run one at a time, so that the last death falls on the one that causes it.
   */
  crashes: number;
}

/** Jobs at work at the same time, beside the runs. */
const STEP_JOBS = 2;
const MERGE_JOBS = 2;
/** They mostly wait for answers: one that is slow leaves room for the others. */
const FORGE_JOBS = 4;

/** The limits of a server with this configuration: for its runner, and for the page that explains waiting. */
export const queueLimits = (
  { maxRuns, maxRunsPerProject, maxJobs, maxCrashes }: Config,
): QueueLimits => ({
  queues: { agents: maxRuns, steps: STEP_JOBS, merges: MERGE_JOBS, forges: FORGE_JOBS, upkeep: 1 },
  ...maxRunsPerProject > 0 ? { perProject: { agents: maxRunsPerProject } } : {},
  ...maxJobs > 0 ? { total: maxJobs } : {},
  crashes: maxCrashes,
});

/** A suspect has died so often with the process. At one allowed death none is ever suspected in time. */
export const suspectedFrom = ({ crashes }: Pick<QueueLimits, "crashes">): number =>
  Math.max(1, crashes - 1);
