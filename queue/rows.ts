/** The columns of `jobs` and how its rows become records: shared by everything that speaks SQL about jobs. */
import { HOUR_MS } from "../server/clock.ts";
import type { Row } from "../server/db.ts";
import type { Job, JobNote } from "../server/records.ts";
import type { JobStatus } from "../server/states.ts";

/** Newest notes kept per job, and the length of each. */
export const MAX_NOTES = 10;
export const MAX_NOTE_CHARS = 2_000;

/**
 * What one step of priority is worth: a job that has been due for an hour longer comes before one that is a
 * step more urgent. So no job is ever overtaken by one that becomes due more than three hours after it.
 */
export const AGE_STEP_MS = HOUR_MS;

/** What jobs are claimed by, the smallest first. SQL writes it as `ORDER_AT`. */
export const claimOrder = (dueMs: number, priority: number): number =>
  dueMs + priority * AGE_STEP_MS;
/** An UPDATE's new value of `claim_order` for a row that becomes due at `:dueMs`. */
export const ORDER_AT = `:dueMs + priority * ${AGE_STEP_MS}`;

/** The column `lane`: jobs that one limit per project holds up together. Names of queues have no spaces. */
export const laneOf = (queue: string, projectId: string | null): string =>
  `${queue} ${projectId ?? ""}`;

/** The words of the unique index: at most one job of a kind and key is in one of these states. */
export const WAITING = "status IN ('scheduled', 'available', 'retryable')";

/** An UPDATE's new value of the lease columns once nobody works on the job. */
export const NO_LEASE = "lease_token = NULL, lease_expires_at = NULL, leased_by = NULL";

/** What of a row becomes a record. */
export const COLUMNS = `id, kind, args, queue, status, priority, attempt, max_attempts, unique_key,
  concurrency_key, project_id, scheduled_at, started_at, lease_token, lease_expires_at, leased_by, crashes,
  errors, created_at, finished_at`;

/**
 * An UPDATE's new value of `errors`: `:message` appended with the attempt, `:now` and the failure's name (null:
 * it was no failure), the oldest dropped.
 * The same message again for the same attempt (a job snoozed many times) only moves its time.
 */
export const NOTED = `CASE
  WHEN :message IS NULL THEN errors
  WHEN json_extract(errors, '$[#-1].message') = :message
    AND json_extract(errors, '$[#-1].attempt') = attempt
  THEN json_set(errors, '$[#-1].at', :now)
  ELSE json_insert(
    CASE WHEN json_array_length(errors) < ${MAX_NOTES} THEN errors ELSE json_remove(errors, '$[0]') END,
    '$[#]', json_object('attempt', attempt, 'at', :now, 'message', :message, 'failure', :failure))
  END`;

/** A note cut to what is kept of it. */
export const noteText = (text: string): string =>
  text.length <= MAX_NOTE_CHARS ? text : `${text.slice(0, MAX_NOTE_CHARS - 1)}…`;

/** The single place that knows the columns of `jobs`. */
export function jobFromRow(row: Row): Job {
  return {
    id: String(row.id),
    kind: String(row.kind),
    args: JSON.parse(String(row.args)),
    queue: String(row.queue),
    status: row.status as JobStatus,
    priority: Number(row.priority),
    attempt: Number(row.attempt),
    maxAttempts: Number(row.max_attempts),
    uniqueKey: textOrNull(row.unique_key),
    concurrencyKey: textOrNull(row.concurrency_key),
    projectId: textOrNull(row.project_id),
    scheduledAt: String(row.scheduled_at),
    startedAt: textOrNull(row.started_at),
    leaseToken: textOrNull(row.lease_token),
    leaseExpiresAt: textOrNull(row.lease_expires_at),
    leasedBy: textOrNull(row.leased_by),
    crashes: Number(row.crashes),
    errors: row.errors === "[]" ? [] : JSON.parse(String(row.errors)).map(noteFromJson),
    createdAt: String(row.created_at),
    finishedAt: textOrNull(row.finished_at),
  };
}

/** Notes from before there were named failures have none. */
const noteFromJson = ({ failure = null, ...note }: JobNote): JobNote => ({ ...note, failure });

const textOrNull = (value: Row[string] | undefined): string | null =>
  value === null || value === undefined ? null : String(value);
