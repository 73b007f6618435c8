/**
 * What the runner does with jobs that it has claimed: renew the lease, end it, and bring back what a dead
 * process left. A lease is a random token in the row; every write names it, so whoever lost it changes nothing.
 * Death is never decided by time alone: a job comes back because its process is known to be gone (another boot
 * id), not because it was silent.
 */
import type { Db, Tx } from "../server/db.ts";
import { timeText } from "../server/clock.ts";
import type { Job } from "../server/records.ts";
import type { FailureReason, JobStatus } from "../server/states.ts";
import { COLUMNS, jobFromRow, NO_LEASE, NOTED, noteText, ORDER_AT, WAITING } from "./rows.ts";

/** A job that this process executes. */
export interface LeasedJob extends Job {
  leaseToken: string;
}
/** What identifies one attempt: only its holder may write. */
export type Lease = Pick<LeasedJob, "id" | "leaseToken">;

/** Puts the expiry of a lease off. False: the lease is gone. */
export function renew(tx: Tx, lease: Lease, leaseMs: number): boolean {
  return tx.db.prepare(`
    UPDATE jobs SET lease_expires_at = :expires
    WHERE id = CAST(:id AS INTEGER) AND lease_token = :token
  `).run({ id: lease.id, token: lease.leaseToken, expires: timeText(tx.nowMs + leaseMs) })
    .changes > 0;
}

/** Whether the row still belongs to this attempt, and the row's status if not (null when it was deleted). */
export function leaseState(db: Db, lease: Lease): { held: boolean; status: JobStatus | null } {
  const row = db.prepare("SELECT status, lease_token FROM jobs WHERE id = CAST(:id AS INTEGER)")
    .get({ id: lease.id });
  return {
    held: row?.lease_token === lease.leaseToken,
    status: row ? row.status as JobStatus : null,
  };
}

/** How an attempt ends in the database. */
export type Ending =
  | { type: "done" }
  | { type: "cancel"; reason: string }
  | { type: "discard"; reason: string; failure: FailureReason }
  | { type: "retry"; reason: string; failure: FailureReason; runAtMs: number }
  /** Comes back later; the attempt does not count. `failure`: `machine_fault`, where that is why. */
  | { type: "snooze"; reason: string; failure?: FailureReason; runAtMs: number }
  /** Comes back at once; the attempt does not count. */
  | { type: "release"; reason: string; failure?: FailureReason };

const statusAfter = {
  done: "completed",
  cancel: "cancelled",
  discard: "discarded",
  retry: "retryable",
  snooze: "scheduled",
  release: "available",
} as const satisfies Record<Ending["type"], JobStatus>;

/**
 * Ends an attempt. Where the job should come back but a newer one of its unique key waits, that one takes its
 * place and this one is completed. False: the lease is gone, nothing was changed.
 */
export function finish(tx: Tx, lease: Lease, ending: Ending): boolean {
  // Whatever came of it, the process lived to see it; only a job that is put back unended keeps its crashes.
  return finishWith(tx, lease, ending, ending.type === "release" ? null : 0);
}

/** `crashes` null: as many as there were. */
function finishWith(tx: Tx, lease: Lease, ending: Ending, crashes: number | null): boolean {
  const values = { id: lease.id, token: lease.leaseToken, now: tx.now };
  if (ending.type === "done") return tx.db.prepare(DONE).run(values).changes > 0;
  const note = {
    message: noteText(ending.reason),
    failure: ("failure" in ending ? ending.failure : null) ?? null,
  };
  const ended = ending.type === "cancel" || ending.type === "discard";
  const runAtMs = "runAtMs" in ending ? ending.runAtMs : null;
  const { changes } = tx.db.prepare(FINISH).run({
    ...values,
    ...note,
    status: statusAfter[ending.type],
    uncounted: ending.type === "snooze" || ending.type === "release" ? 1 : 0,
    runAt: runAtMs === null ? null : timeText(runAtMs),
    dueMs: runAtMs,
    finishedAt: ended ? tx.now : null,
    crashes,
  });
  if (changes > 0 && note.failure === "machine_fault") {
    tx.afterCommit(() => tx.hub.publish({ kind: "waits" }));
  }
  if (changes > 0 || ended) return changes > 0;
  return tx.db.prepare(FOLD).run({ ...values, ...note }).changes > 0;
}

const DONE = `
  UPDATE jobs SET status = 'completed', finished_at = :now, crashes = 0, ${NO_LEASE}
  WHERE id = CAST(:id AS INTEGER) AND lease_token = :token`;

const FINISH = `
  UPDATE jobs SET status = :status, attempt = attempt - :uncounted,
    scheduled_at = coalesce(:runAt, scheduled_at), claim_order = coalesce(${ORDER_AT}, claim_order),
    errors = ${NOTED}, finished_at = :finishedAt, crashes = coalesce(:crashes, crashes), ${NO_LEASE}
  WHERE id = CAST(:id AS INTEGER) AND lease_token = :token
    AND (:finishedAt IS NOT NULL OR unique_key IS NULL OR NOT EXISTS (SELECT 1 FROM jobs AS newer
      WHERE newer.unique_key = jobs.unique_key AND newer.kind = jobs.kind AND newer.${WAITING}))`;

const FOLD = `
  UPDATE jobs SET status = 'completed', errors = ${NOTED}, finished_at = :now, crashes = 0, ${NO_LEASE}
  WHERE id = CAST(:id AS INTEGER) AND lease_token = :token`;

// ------------------------------------------------------------------ the dead

/** From here on the process ends because it was told to; should it hang, the jobs are not to blame for it. */
export function markStopping(tx: Tx, owner: string): void {
  tx.db.prepare(`
    UPDATE jobs SET leased_by = leased_by || '${STOPPING}'
    WHERE status = 'executing' AND queue > '' AND leased_by = :owner
  `).run({ owner });
}
const STOPPING = " stopping";

export interface OrphanOptions {
  /** Of this process. */
  bootId: string;
  /** A job with which so many processes died is quarantined: discarded, until a person runs it again. */
  crashes: number;
  /** Whether a job got on in its attempt although the process died: then the death does not count. */
  gotOn?: (job: Job) => boolean;
}

/**
 * Brings back what earlier processes were executing when they died: one data folder has one server, so every
 * lease of another boot is an orphan. Returns how many came back, and those that are quarantined instead.
 */
export function releaseOrphans(
  tx: Tx,
  { bootId, crashes: limit, gotOn = () => false }: OrphanOptions,
): { released: number; quarantined: Job[] } {
  const orphans = tx.db.prepare(`
    SELECT ${COLUMNS} FROM jobs INDEXED BY jobs_executing
    WHERE status = 'executing' AND queue > '' AND leased_by <> :bootId ORDER BY id
  `).all({ bootId }).map((row) => jobFromRow(row) as LeasedJob);
  const quarantined: Job[] = [];
  for (const job of orphans) {
    const crashes = crashesOf(job, gotOn);
    const reason = crashes >= limit ? quarantineReason(crashes) : "Gaffer was killed while it ran";
    finishWith(
      tx,
      job,
      crashes >= limit
        ? { type: "discard", reason, failure: "quarantined" }
        : { type: "release", reason, failure: "worker_lost" },
      crashes,
    );
    if (crashes >= limit) quarantined.push(job);
  }
  return { released: orphans.length - quarantined.length, quarantined };
}

/** Why a job is not tried again by itself. */
export const quarantineReason = (crashes: number): string =>
  `Gaffer went down ${
    crashes === 1 ? "" : `${crashes} times `
  }while it ran, so it is not tried again by itself`;

function crashesOf(job: Job, gotOn: (job: Job) => boolean): number {
  if (job.leasedBy?.endsWith(STOPPING)) return job.crashes;
  return gotOn(job) ? 0 : job.crashes + 1;
}

/**
 * Expired leases of this process. The caller leaves those alone that it still works on: after a suspended
 * laptop wakes up, all of them are expired and none of them is dead.
 */
export function expiredLeases(db: Db, owner: string, now: string): Lease[] {
  return db.prepare(`
    SELECT id, lease_token FROM jobs
    WHERE status = 'executing' AND queue > '' AND leased_by = :owner AND lease_expires_at <= :now
  `).all({ owner, now }).map((row) => ({
    id: String(row.id),
    leaseToken: String(row.lease_token),
  }));
}
