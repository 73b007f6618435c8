/**
 * What the rest of the server does with jobs: ask for one, cancel, run again, look. Every write takes the
 * transaction of the change that wants it, so a rolled back change leaves no job and a committed one keeps its
 * job. What the runner does with them is in lease.ts.
 */
import type { Db, Params, Tx } from "../server/db.ts";
import { timeText } from "../server/clock.ts";
import { AppError } from "../server/errors.ts";
import type { Job } from "../server/records.ts";
import { DEFAULT_PRIORITY, type JobStatus } from "../server/states.ts";
import { type JobKind, type JobKinds, jobPolicies, type QueueName } from "./job.ts";
import { jobFromRow, NO_LEASE, NOTED, noteText, WAITING } from "./rows.ts";

/** A job to do. Times in milliseconds since the epoch. */
export interface NewJob<K extends JobKind = JobKind> {
  kind: K;
  args: JobKinds[K];
  /** 0 runs first. */
  priority?: number;
  /** Not before this; at once when absent or past. */
  runAtMs?: number;
  /** At most one job of a key waits; one more may wait while one executes, so that no change is missed. */
  uniqueKey?: string;
  /** When one of the key waits already: `keep` leaves it as it is, `sooner` moves its time and priority up. */
  onClash?: "keep" | "sooner";
  /** Jobs of one key never execute at the same time. */
  concurrencyKey?: string;
  projectId?: string;
}

/** Puts a job into the queue. Returns its id, or null when one of its unique key waits already. */
export function enqueue<K extends JobKind>(tx: Tx, job: NewJob<K>): string | null {
  const runAtMs = job.runAtMs ?? tx.nowMs;
  const policy = jobPolicies[job.kind];
  const row = tx.db.prepare(INSERT).get({
    kind: job.kind,
    args: JSON.stringify(job.args),
    queue: policy.queue,
    status: runAtMs <= tx.nowMs ? "available" : "scheduled",
    priority: job.priority ?? DEFAULT_PRIORITY,
    maxAttempts: policy.maxAttempts,
    uniqueKey: job.uniqueKey ?? null,
    concurrencyKey: job.concurrencyKey ?? null,
    projectId: job.projectId ?? null,
    runAt: timeText(runAtMs),
    now: tx.now,
  });
  if (!row && job.onClash === "sooner") bringForward(tx, job, timeText(runAtMs));
  if (row || job.onClash === "sooner") ring(tx);
  return row ? String(row.id) : null;
}

// The conflict target repeats the words of the partial index jobs_unique; any other conflict is an error.
const INSERT = `
  INSERT INTO jobs (kind, args, queue, status, priority, max_attempts, unique_key, concurrency_key,
    project_id, scheduled_at, created_at)
  VALUES (:kind, :args, :queue, :status, :priority, :maxAttempts, :uniqueKey, :concurrencyKey,
    :projectId, :runAt, :now)
  ON CONFLICT (unique_key) WHERE unique_key IS NOT NULL AND ${WAITING} DO NOTHING
  RETURNING id`;

function bringForward(tx: Tx, job: NewJob, runAt: string): void {
  tx.db.prepare(`
    UPDATE jobs SET
      scheduled_at = min(scheduled_at, :runAt),
      priority = min(priority, :priority),
      status = CASE WHEN min(scheduled_at, :runAt) <= :now THEN 'available' ELSE status END
    WHERE unique_key = :uniqueKey AND ${WAITING}
  `).run({
    runAt,
    priority: job.priority ?? DEFAULT_PRIORITY,
    uniqueKey: job.uniqueKey!,
    now: tx.now,
  });
}

/** Which jobs to cancel: one, those of a key, or those about a thing. */
export type JobSelection =
  | { id: string }
  | { uniqueKey: string }
  | { ideaId: string }
  | { ticketId: string }
  | { runId: string };

/**
 * Ends jobs that wait or execute; those that are finished stay as they are. An executing one is over at once:
 * its handler is aborted and can record nothing any more. Returns how many were cancelled.
 */
export function cancelJobs(tx: Tx, which: JobSelection, reason = "Cancelled"): number {
  const [[name, value]] = Object.entries(which) as [[keyof typeof CANCEL, string]];
  const { changes } = tx.db.prepare(CANCEL[name])
    .run({ value, message: noteText(reason), now: tx.now });
  if (changes > 0) ring(tx);
  return changes;
}

/** Reads only what is unfinished, through the three small partial indexes, however long the history is. */
const cancelWhere = (condition: string) => `
  UPDATE jobs SET status = 'cancelled', finished_at = :now, errors = ${NOTED}, ${NO_LEASE}
  WHERE id IN (
    SELECT id FROM jobs INDEXED BY jobs_due WHERE status IN ('scheduled', 'retryable') AND ${condition}
    UNION ALL
    SELECT id FROM jobs INDEXED BY jobs_claim WHERE status = 'available' AND ${condition}
    UNION ALL
    SELECT id FROM jobs INDEXED BY jobs_executing WHERE status = 'executing' AND ${condition})`;
const CANCEL = {
  id: cancelWhere("id = CAST(:value AS INTEGER)"),
  uniqueKey: cancelWhere("unique_key = :value"),
  ideaId: cancelWhere("json_extract(args, '$.ideaId') = :value"),
  ticketId: cancelWhere("json_extract(args, '$.ticketId') = :value"),
  runId: cancelWhere("json_extract(args, '$.runId') = :value"),
};

/**
 * Runs a discarded job again with all its attempts, or one that waits for its time at once.
 * Throws `not_found`, and `conflict` when it is in another state or a newer one of its key waits.
 */
export function requeue(tx: Tx, id: string): Job {
  const row = tx.db.prepare(`
    UPDATE jobs SET status = 'available', scheduled_at = :now, finished_at = NULL,
      attempt = CASE WHEN status = 'discarded' THEN 0 ELSE attempt END
    WHERE id = CAST(:id AS INTEGER) AND (status IN ('scheduled', 'retryable') OR status = 'discarded'
      AND (unique_key IS NULL OR NOT EXISTS (
        SELECT 1 FROM jobs AS newer WHERE newer.unique_key = jobs.unique_key AND newer.${WAITING})))
    RETURNING *
  `).get({ id, now: tx.now });
  if (row) {
    ring(tx);
    return jobFromRow(row);
  }
  const { status } = getJob(tx.db, id);
  throw new AppError(
    "conflict",
    status === "discarded"
      ? `Cannot run job "${id}" again: a newer one for the same work waits already`
      : `Cannot run job "${id}" again: it is "${status}"`,
  );
}

/** Throws `not_found`. */
export function getJob(db: Db, id: string): Job {
  const row = db.prepare("SELECT * FROM jobs WHERE id = CAST(:id AS INTEGER)").get({ id });
  if (!row) throw new AppError("not_found", `Cannot find job "${id}"`);
  return jobFromRow(row);
}

export interface JobFilter {
  status?: JobStatus;
  queue?: QueueName;
  kind?: string;
  /** Only jobs older than this id: the last one of the page before. */
  beforeId?: string;
  limit: number;
}

/** Jobs, the newest first. */
export function listJobs(db: Db, filter: JobFilter): Job[] {
  return db.prepare(`
    SELECT * FROM jobs
    WHERE (:beforeId IS NULL OR id < CAST(:beforeId AS INTEGER))
      AND (:status IS NULL OR status = :status)
      AND (:queue IS NULL OR queue = :queue)
      AND (:kind IS NULL OR kind = :kind)
    ORDER BY id DESC LIMIT :limit
  `).all(nulled(filter)).map(jobFromRow);
}

const nulled = ({ beforeId, status, queue, kind, limit }: JobFilter): Params => ({
  beforeId: beforeId ?? null,
  status: status ?? null,
  queue: queue ?? null,
  kind: kind ?? null,
  limit,
});

/** How many finished jobs are kept. */
export interface JobRetention {
  /** Those that ended before this UTC text go. */
  before: string;
  /** Of the others the newest this many stay. */
  keep: number;
  /** At most this many are deleted by one call, so that it holds up no other write. */
  limit: number;
}

/** Deletes finished jobs that are old or many, the oldest first. Returns how many. */
export function pruneJobs(tx: Tx, { before, keep, limit }: JobRetention): number {
  const old = tx.db.prepare(`
    DELETE FROM jobs WHERE id IN (
      SELECT id FROM jobs WHERE finished_at < :before ORDER BY finished_at LIMIT :limit)
  `).run({ before, limit }).changes;
  const extra = tx.db.prepare(`
    DELETE FROM jobs WHERE id IN (
      SELECT id FROM jobs WHERE finished_at IS NOT NULL
      ORDER BY finished_at DESC, id DESC LIMIT :limit OFFSET :keep)
  `).run({ limit: limit - old, keep }).changes;
  return old + extra;
}

/** Tells whoever runs jobs to look again, once `tx` has committed. */
function ring(tx: Tx): void {
  tx.afterCommit(() => tx.hub.publish({ kind: "jobs" }));
}
