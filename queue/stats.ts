/** What a page wants to know of the queue: how much is where, how the last hours went, why a job waits. */
import { HOUR_MS, timeText } from "../server/clock.ts";
import type { Db, Row, StorageFault } from "../server/db.ts";
import type { Job } from "../server/records.ts";
import { type JobStatus, jobStatuses } from "../server/states.ts";
import { type Blocker, Busy } from "./busy.ts";
import { nextInLine } from "./claim.ts";
import { type QueueName, queueNames } from "./job.ts";
import type { QueueLimits } from "./limits.ts";
import { pauseOf, type QueuePause } from "./pauses.ts";
import { WAITING } from "./rows.ts";

export interface QueueState {
  queue: QueueName;
  /** Null: it works. */
  paused: QueuePause | null;
  /** Jobs in each state; finished ones until they are pruned. */
  counts: Record<JobStatus, number>;
}

/** Every queue, in their order. Counts what stands in indexes; a million waiting jobs take some 20 ms. */
export function queueStates(db: Db): QueueState[] {
  const rows = db.prepare(COUNTS).all();
  return queueNames.map((queue) => {
    const counts = Object.fromEntries(jobStatuses.map((status) => [status, 0]));
    for (const row of rows) {
      if (row.queue === queue) counts[String(row.status)]! += Number(row.jobs);
    }
    return { queue, paused: pauseOf(db, queue), counts: counts as Record<JobStatus, number> };
  });
}

// One partial index each: none of them holds another's rows.
const COUNTS = `
  SELECT substr(lane, 1, instr(lane, ' ') - 1) AS queue, 'available' AS status, jobs FROM (
    SELECT lane, count(*) AS jobs FROM jobs WHERE status = 'available' AND lane > '' GROUP BY lane)
  UNION ALL
  SELECT queue, status, count(*) FROM jobs
  WHERE status IN ('scheduled', 'retryable') AND scheduled_at > '' GROUP BY queue, status
  UNION ALL
  SELECT queue, 'executing', count(*) FROM jobs WHERE status = 'executing' AND queue > '' GROUP BY queue
  UNION ALL
  SELECT queue, status, count(*) FROM jobs WHERE finished_at > '' GROUP BY queue, status`;

/** Jobs that ended within an hour. */
export interface HourStats {
  /** UTC text of its beginning. */
  hour: string;
  completed: number;
  /** Given up for good. */
  discarded: number;
  cancelled: number;
  /** From when a job was due to when its last attempt began; null: none of them began. */
  medianWaitMs: number | null;
  p95WaitMs: number | null;
}

/** The last hours, the oldest first, the present one last; hours in which nothing ended are there, too. */
export function jobStats(db: Db, nowMs: number, hours = 24): HourStats[] {
  const firstMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS - (hours - 1) * HOUR_MS;
  const ended = new Map<string, { statuses: string[]; waits: number[] }>();
  for (let n = 0; n < hours; n++) {
    ended.set(timeText(firstMs + n * HOUR_MS), { statuses: [], waits: [] });
  }
  for (const row of db.prepare(ENDED).all({ since: timeText(firstMs) })) {
    const hour = ended.get(`${String(row.finished_at).slice(0, 13)}:00:00.000Z`);
    hour?.statuses.push(String(row.status));
    if (row.started_at !== null) {
      hour?.waits.push(
        Math.max(0, Date.parse(String(row.started_at)) - Date.parse(String(row.scheduled_at))),
      );
    }
  }
  return [...ended].map(([hour, { statuses, waits }]) => {
    const count = (status: JobStatus) => statuses.filter((other) => other === status).length;
    const sorted = waits.toSorted((a, b) => a - b);
    return {
      hour,
      completed: count("completed"),
      discarded: count("discarded"),
      cancelled: count("cancelled"),
      medianWaitMs: quantile(sorted, 0.5),
      p95WaitMs: quantile(sorted, 0.95),
    };
  });
}

const ENDED = `
  SELECT finished_at, status, scheduled_at, started_at FROM jobs WHERE finished_at >= :since`;

/** The smallest that at least the share `q` does not exceed. */
const quantile = (sorted: readonly number[], q: number): number | null =>
  sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)] ?? null;

/** Why a job does not execute yet. */
export type WaitReason =
  /** Its time has not come. */
  | { why: "time"; at: string }
  /** Nothing can be saved, so nothing begins. */
  | { why: "storage"; fault: StorageFault }
  | { why: "paused"; pause: QueuePause }
  | Blocker
  /** Nothing holds it up but those of its queue that come before it; with `next` there are none. */
  | { why: "order"; next: boolean };

/** Says why a job waits; null: it does not. */
export type WaitReasons = (job: Job) => WaitReason | null;

/** Looks at what else the queue does once, however many jobs it is then asked about. */
export function waitReasons(db: Db, limits: QueueLimits, nowMs: number): WaitReasons {
  const now = timeText(nowMs);
  const pauses = new Map(queueNames.map((queue) => [String(queue), pauseOf(db, queue)]));
  const busy = new Busy(db, limits);
  const next = nextInLine(db, busy);
  return (job) => {
    if (!WAITING_STATUSES.includes(job.status)) return null;
    if (job.status !== "available" && job.scheduledAt > now) {
      return { why: "time", at: job.scheduledAt };
    }
    if (db.fault !== null) return { why: "storage", fault: db.fault };
    const pause = pauses.get(job.queue);
    if (pause) return { why: "paused", pause };
    // What holds up just this job tells more than that its queue is full as well.
    return busy.ofJob(job) ?? busy.ofLane(job.queue, job.projectId) ??
      { why: "order", next: next.has(job.id) };
  };
}

const WAITING_STATUSES: readonly JobStatus[] = ["scheduled", "available", "retryable"];

/** What the machine lacked when a job was tried last. */
export interface MachineWait {
  /** For a person, with what mends it. */
  reason: string;
  at: string;
}

/**
 * Says what the job of a unique key is put off for until the machine has it again: room on a disk, say. Null: it met
 * nothing of the kind when it was tried last, or there is no such job. Looks at what executes once, however many keys
 * it is then asked about.
 */
export function machineWaits(db: Db): (uniqueKey: string) => MachineWait | null {
  const executing = new Map(
    db.prepare(EXECUTING_WAITS).all().map((row) => [String(row.unique_key), waitFromRow(row)]),
  );
  return (uniqueKey) => {
    const waiting = db.prepare(WAITING_WAIT).get({ uniqueKey });
    return waiting ? waitFromRow(waiting) : executing.get(uniqueKey) ?? null;
  };
}

const waitFromRow = (row: Row): MachineWait => ({ reason: String(row.reason), at: String(row.at) });

const machineWaitsAmong = (jobs: string) => `
  SELECT unique_key, json_extract(errors, '$[#-1].message') AS reason, json_extract(errors, '$[#-1].at') AS at
  FROM ${jobs} AND json_extract(errors, '$[#-1].failure') = 'machine_fault'`;
const WAITING_WAIT = machineWaitsAmong(`jobs WHERE unique_key = :uniqueKey AND ${WAITING}`);
const EXECUTING_WAITS = machineWaitsAmong(`jobs INDEXED BY jobs_executing
  WHERE status = 'executing' AND queue > '' AND unique_key IS NOT NULL`);
