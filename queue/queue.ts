/**
 * What the rest of the server does with jobs: ask for one, cancel, run again, look. Every write takes the
 * transaction of the change that wants it, so a rolled back change leaves no job and a committed one keeps its
 * job. What the runner does with them is in claim.ts and lease.ts.
 */
import type { Db, Tx } from "../server/db.ts";
import { timeText } from "../server/clock.ts";
import { AppError } from "../server/errors.ts";
import type { Job } from "../server/records.ts";
import { DEFAULT_PRIORITY, type JobStatus } from "../server/states.ts";
import { type JobKind, type JobKinds, jobPolicies, type QueueName } from "./job.ts";
import {
  AGE_STEP_MS,
  claimOrder,
  COLUMNS,
  jobFromRow,
  laneOf,
  NO_LEASE,
  NOTED,
  noteText,
  ORDER_AT,
  WAITING,
} from "./rows.ts";

/** A job to do. Times in milliseconds since the epoch. */
export interface NewJob<K extends JobKind = JobKind> {
  kind: K;
  args: JobKinds[K];
  /** 0 runs first; each step is worth an hour of waiting. */
  priority?: number;
  /** Not before this; at once when absent or past. */
  runAtMs?: number;
  /** At most one job of a kind and key waits; one more may wait while one executes, so that no change is missed. */
  uniqueKey?: string;
  /**
   * When one of the key waits already: `keep` leaves it as it is, `sooner` moves its time and priority up,
   * `replace` gives it the new arguments, time and priority, and all its attempts.
   */
  onClash?: "keep" | "sooner" | "replace";
  /** Jobs of one key never execute at the same time. */
  concurrencyKey?: string;
  projectId?: string;
}

/** Puts a job into the queue. Returns its id, or null when one of its unique key waits already. */
export function enqueue<K extends JobKind>(tx: Tx, job: NewJob<K>): string | null {
  const { priority = DEFAULT_PRIORITY, runAtMs = tx.nowMs, onClash = "keep" } = job;
  const policy = jobPolicies[job.kind];
  const args = JSON.stringify(job.args);
  const runAt = runAtMs === tx.nowMs ? tx.now : timeText(runAtMs);
  const row = tx.db.prepare(INSERT).get({
    kind: job.kind,
    args,
    queue: policy.queue,
    status: runAtMs <= tx.nowMs ? "available" : "scheduled",
    priority,
    maxAttempts: policy.maxAttempts,
    uniqueKey: job.uniqueKey ?? null,
    concurrencyKey: job.concurrencyKey ?? null,
    projectId: job.projectId ?? null,
    lane: laneOf(policy.queue, job.projectId ?? null),
    runAt,
    order: claimOrder(runAtMs, priority),
    now: tx.now,
  });
  if (!row && onClash !== "keep") {
    const waiting = { kind: job.kind, uniqueKey: job.uniqueKey!, priority, runAt, now: tx.now };
    if (onClash === "sooner") tx.db.prepare(SOONER).run({ ...waiting, dueMs: runAtMs });
    else {tx.db.prepare(REPLACE).run({
        ...waiting,
        args,
        order: claimOrder(runAtMs, priority),
      });}
  }
  if (row || onClash !== "keep") ring(tx);
  return row ? String(row.id) : null;
}

// The conflict target repeats the words of the partial index jobs_unique; any other conflict is an error.
const INSERT = `
  INSERT INTO jobs (kind, args, queue, status, priority, max_attempts, unique_key, concurrency_key,
    project_id, lane, scheduled_at, claim_order, created_at)
  VALUES (:kind, :args, :queue, :status, :priority, :maxAttempts, :uniqueKey, :concurrencyKey,
    :projectId, :lane, :runAt, :order, :now)
  ON CONFLICT (unique_key, kind) WHERE unique_key IS NOT NULL AND ${WAITING} DO NOTHING
  RETURNING id`;

const SOONER = `
  UPDATE jobs SET
    claim_order = min(claim_order - priority * ${AGE_STEP_MS}, :dueMs)
      + min(priority, :priority) * ${AGE_STEP_MS},
    scheduled_at = min(scheduled_at, :runAt),
    priority = min(priority, :priority),
    status = CASE WHEN min(scheduled_at, :runAt) <= :now THEN 'available' ELSE status END
  WHERE unique_key = :uniqueKey AND kind = :kind AND ${WAITING}`;

const REPLACE = `
  UPDATE jobs SET args = :args, scheduled_at = :runAt, priority = :priority, claim_order = :order,
    attempt = 0, crashes = 0, status = CASE WHEN :runAt <= :now THEN 'available' ELSE 'scheduled' END
  WHERE unique_key = :uniqueKey AND kind = :kind AND ${WAITING}`;

/** Which jobs to cancel: one, or those of a key. */
export type JobSelection = { id: string } | { uniqueKey: string };

/**
 * Ends jobs that wait or execute; those that are finished stay as they are. An executing one is over at once:
 * its handler is aborted and can record nothing any more. Returns how many were cancelled.
 */
export function cancelJobs(tx: Tx, which: JobSelection, reason = "Cancelled"): number {
  const [[name, value]] = Object.entries(which) as [[keyof typeof CANCEL, string]];
  const { changes } = tx.db.prepare(CANCEL[name])
    .run({ value, message: noteText(reason), failure: "cancelled", now: tx.now });
  if (changes > 0) ring(tx);
  return changes;
}

const cancelWhere = (condition: string) => `
  UPDATE jobs SET status = 'cancelled', finished_at = :now, errors = ${NOTED}, ${NO_LEASE}
  WHERE ${condition}`;
/** Whatever the history and the backlog, an index leads to the few of a key. */
const CANCEL = {
  id: cancelWhere("id = CAST(:value AS INTEGER) AND finished_at IS NULL"),
  uniqueKey: cancelWhere(`id IN (
    SELECT id FROM jobs WHERE unique_key = :value AND ${WAITING}
    UNION ALL
    SELECT id FROM jobs WHERE status = 'executing' AND queue > '' AND unique_key = :value)`),
};

/**
 * Runs a discarded job again with all its attempts, or one that waits for its time at once.
 * Throws `not_found`, and `conflict` when it is in another state or a newer one of its key waits.
 */
export function requeue(tx: Tx, id: string): Job {
  const row = tx.db.prepare(REQUEUE).get({ id, now: tx.now, dueMs: tx.nowMs });
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

const REQUEUE = `
  UPDATE jobs SET status = 'available', scheduled_at = :now, claim_order = ${ORDER_AT},
    finished_at = NULL, crashes = 0, attempt = CASE WHEN status = 'discarded' THEN 0 ELSE attempt END
  WHERE id = CAST(:id AS INTEGER) AND (status IN ('scheduled', 'retryable') OR status = 'discarded'
    AND (unique_key IS NULL OR NOT EXISTS (SELECT 1 FROM jobs AS newer
      WHERE newer.unique_key = jobs.unique_key AND newer.kind = jobs.kind AND newer.${WAITING})))
  RETURNING ${COLUMNS}`;

/**
 * Ends discarded jobs of these keys, of whatever kind, as cancelled with the reason: nobody needs to run them
 * again. Returns how many.
 */
export function settleDiscarded(tx: Tx, uniqueKeys: readonly string[], reason: string): number {
  const { changes } = tx.db.prepare(`
    UPDATE jobs INDEXED BY jobs_discarded SET status = 'cancelled', errors = ${NOTED}
    WHERE status = 'discarded' AND id > 0
      AND unique_key IN (SELECT keys.value FROM json_each(:keys) AS keys)
  `).run({
    keys: JSON.stringify(uniqueKeys),
    message: noteText(reason),
    failure: null,
    now: tx.now,
  });
  if (changes > 0) ring(tx);
  return changes;
}

/**
 * Jobs of these keys that are as urgent as what they are for was before become as urgent as it is now. Those that
 * were asked for with another priority (a person waits for them) keep it. Returns how many changed.
 */
export function reprioritize(
  tx: Tx,
  uniqueKeys: readonly string[],
  { from, to }: { from: number; to: number },
): number {
  if (from === to) return 0;
  const keys = JSON.stringify(uniqueKeys);
  const { changes } = tx.db.prepare(REPRIORITIZE).run({ keys, from, to });
  if (changes > 0) ring(tx);
  return changes;
}

// One that executes may come back to wait.
const REPRIORITIZE = `
  UPDATE jobs SET priority = :to, claim_order = claim_order + (:to - :from) * ${AGE_STEP_MS}
  WHERE priority = :from AND id IN (
    SELECT id FROM jobs
    WHERE unique_key IN (SELECT keys.value FROM json_each(:keys) AS keys) AND ${WAITING}
    UNION ALL
    SELECT id FROM jobs WHERE status = 'executing' AND queue > ''
      AND unique_key IN (SELECT keys.value FROM json_each(:keys) AS keys))`;

/** The job of a kind and unique key that waits; null: none does. */
export function findWaiting(db: Db, kind: JobKind, uniqueKey: string): Job | null {
  const row = db.prepare(`
    SELECT ${COLUMNS} FROM jobs WHERE unique_key = :uniqueKey AND kind = :kind AND ${WAITING}
  `).get({ kind, uniqueKey });
  return row ? jobFromRow(row) : null;
}

/** Throws `not_found`. */
export function getJob(db: Db, id: string): Job {
  const row = db.prepare(`SELECT ${COLUMNS} FROM jobs WHERE id = CAST(:id AS INTEGER)`).get({ id });
  if (!row) throw new AppError("not_found", `Cannot find job "${id}"`);
  return jobFromRow(row);
}

export interface JobFilter {
  status?: JobStatus;
  queue?: QueueName;
  kind?: string;
  projectId?: string;
  /** Only jobs older than this id: the last one of the page before. */
  beforeId?: string;
  limit: number;
}

/** Jobs, the newest first. */
export function listJobs(db: Db, filter: JobFilter): Job[] {
  return db.prepare(LISTS[filter.status ?? "any"]).all({
    beforeId: filter.beforeId ?? String(Number.MAX_SAFE_INTEGER),
    queue: filter.queue ?? null,
    kind: filter.kind ?? null,
    projectId: filter.projectId ?? null,
    limit: filter.limit,
  }).map(jobFromRow);
}

const listOf = (from: string, condition: string) => `
  SELECT ${COLUMNS} FROM jobs ${from}
  WHERE ${condition} AND id < CAST(:beforeId AS INTEGER)
    AND (:queue IS NULL OR queue = :queue) AND (:kind IS NULL OR kind = :kind)
    AND (:projectId IS NULL OR project_id = :projectId)
  ORDER BY id DESC LIMIT :limit`;
/** A partial index is found only by its own words. */
const putOff = (status: JobStatus) => `
  status IN ('scheduled', 'retryable') AND scheduled_at > '' AND status = '${status}'`;
/** States in which few jobs are have an index: they are found at once beside a million others. */
const LISTS: Record<JobStatus | "any", string> = {
  any: listOf("", "true"),
  available: listOf("", "status = 'available'"),
  completed: listOf("", "status = 'completed'"),
  cancelled: listOf("", "status = 'cancelled'"),
  scheduled: listOf("INDEXED BY jobs_due", putOff("scheduled")),
  retryable: listOf("INDEXED BY jobs_due", putOff("retryable")),
  executing: listOf("INDEXED BY jobs_executing", "status = 'executing' AND queue > ''"),
  discarded: listOf("INDEXED BY jobs_discarded", "status = 'discarded'"),
};

/** How many finished jobs of a sort are kept. */
export interface JobRetention {
  /** Those that ended before this UTC text go. */
  before: string;
  /** Of the others the newest this many stay. */
  keep: number;
}

export interface PruneOptions {
  /** Completed and cancelled jobs. */
  done: JobRetention;
  /** Discarded ones. Counted apart: a dead letter waits for its person, however much is done meanwhile. */
  discarded: JobRetention;
  /** At most this many are deleted by one call, so that it holds up no other write. */
  limit: number;
}

/**
 * Deletes finished jobs that are old or many, the oldest first, but for the newest job of all: the next one's id
 * follows on it. Returns how many.
 */
export function pruneJobs(tx: Tx, { done, discarded, limit }: PruneOptions): number {
  let left = limit;
  left -= tx.db.prepare(PRUNE.oldDone).run({ before: done.before, limit: left }).changes;
  left -= tx.db.prepare(PRUNE.extraDone).run({ keep: done.keep, limit: left }).changes;
  left -= tx.db.prepare(PRUNE.oldDiscarded).run({ before: discarded.before, limit: left }).changes;
  left -= tx.db.prepare(PRUNE.extraDiscarded).run({ keep: discarded.keep, limit: left }).changes;
  return limit - left;
}

const OLDER = "id < (SELECT max(newest.id) FROM jobs AS newest)";
const deleteOf = (selected: string) => `DELETE FROM jobs WHERE id IN (${selected})`;
const PRUNE = {
  oldDone: deleteOf(`
    SELECT id FROM jobs WHERE finished_at < :before AND status <> 'discarded' AND ${OLDER}
    ORDER BY finished_at LIMIT :limit`),
  extraDone: deleteOf(`
    SELECT id FROM jobs WHERE finished_at IS NOT NULL AND status <> 'discarded' AND ${OLDER}
    ORDER BY finished_at DESC, id DESC LIMIT :limit OFFSET :keep`),
  oldDiscarded: deleteOf(`
    SELECT id FROM jobs INDEXED BY jobs_discarded
    WHERE status = 'discarded' AND finished_at < :before AND ${OLDER} LIMIT :limit`),
  extraDiscarded: deleteOf(`
    SELECT id FROM jobs INDEXED BY jobs_discarded
    WHERE status = 'discarded' AND ${OLDER} ORDER BY id DESC LIMIT :limit OFFSET :keep`),
};

/** Tells whoever runs jobs to look again, once `tx` has committed. */
export function ring(tx: Tx): void {
  tx.afterCommit(() => tx.hub.publish({ kind: "jobs" }));
}
