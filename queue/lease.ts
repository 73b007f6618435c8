/**
 * What the runner does with jobs: take them under a lease, renew it, end it. A lease is a random token in the
 * row; every write names it, so whoever lost it changes nothing. Death is never decided by time alone: a job
 * comes back because its process is known to be gone (another boot id), not because it was silent.
 */
import type { Db, Tx } from "../server/db.ts";
import { timeText } from "../server/clock.ts";
import type { Job } from "../server/records.ts";
import type { JobStatus } from "../server/states.ts";
import type { QueueName } from "./job.ts";
import { jobFromRow, NO_LEASE, NOTED, noteText, WAITING } from "./rows.ts";

/** A job that this process executes. */
export interface LeasedJob extends Job {
  leaseToken: string;
}
/** What identifies one attempt: only its holder may write. */
export type Lease = Pick<LeasedJob, "id" | "leaseToken">;

export interface ClaimOptions {
  /** Free slots per queue. */
  slots: Partial<Record<QueueName, number>>;
  /** Boot id of this process. */
  owner: string;
  leaseMs: number;
  /** Concurrency keys that are taken although no executing row shows it: their handlers still wind down. */
  busyKeys?: readonly string[];
}

/** Due jobs made available by one claim; the rest follows with the next. */
const MAX_PROMOTED = 1_000;

/** Takes the jobs that come next, at most one per concurrency key. Each counts one attempt. */
export function claim(tx: Tx, { slots, owner, leaseMs, busyKeys = [] }: ClaimOptions): LeasedJob[] {
  promoteDue(tx);
  const next = tx.db.prepare(CLAIM);
  const claimed: LeasedJob[] = [];
  for (const [queue, free] of Object.entries(slots)) {
    for (let taken = 0; taken < free; taken++) {
      const row = next.get({
        queue,
        token: crypto.randomUUID(),
        expires: timeText(tx.nowMs + leaseMs),
        owner,
        busyKeys: JSON.stringify(busyKeys),
      });
      if (!row) break;
      claimed.push(jobFromRow(row) as LeasedJob);
    }
  }
  return claimed;
}

// Reads jobs_claim in its own order and stops at the first row whose key is free.
const CLAIM = `
  UPDATE jobs SET status = 'executing', attempt = attempt + 1,
    lease_token = :token, lease_expires_at = :expires, leased_by = :owner
  WHERE id = (
    SELECT id FROM jobs AS next
    WHERE status = 'available' AND queue = :queue AND (concurrency_key IS NULL OR (
      NOT EXISTS (SELECT 1 FROM jobs AS other
        WHERE other.status = 'executing' AND other.concurrency_key = next.concurrency_key)
      AND NOT EXISTS (SELECT 1 FROM json_each(:busyKeys) AS busy WHERE busy.value = next.concurrency_key)))
    ORDER BY priority, scheduled_at, id LIMIT 1)
  RETURNING *`;

function promoteDue(tx: Tx): void {
  tx.db.prepare(`
    UPDATE jobs SET status = 'available' WHERE id IN (
      SELECT id FROM jobs WHERE status IN ('scheduled', 'retryable') AND scheduled_at <= :now
      ORDER BY scheduled_at LIMIT ${MAX_PROMOTED})
  `).run({ now: tx.now });
}

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
  | { type: "discard"; reason: string }
  | { type: "retry"; reason: string; runAtMs: number }
  /** Comes back later; the attempt does not count. */
  | { type: "snooze"; reason: string; runAtMs: number }
  /** Comes back at once; the attempt does not count. */
  | { type: "release"; reason: string };

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
  const ended = ending.type === "done" || ending.type === "cancel" || ending.type === "discard";
  const message = "reason" in ending ? noteText(ending.reason) : null;
  const values = { id: lease.id, token: lease.leaseToken, now: tx.now };
  const { changes } = tx.db.prepare(FINISH).run({
    ...values,
    status: statusAfter[ending.type],
    uncounted: ending.type === "snooze" || ending.type === "release" ? 1 : 0,
    runAt: "runAtMs" in ending ? timeText(ending.runAtMs) : null,
    message,
    finishedAt: ended ? tx.now : null,
  });
  if (changes > 0 || ended) return changes > 0;
  return tx.db.prepare(FOLD).run({ ...values, message }).changes > 0;
}

const FINISH = `
  UPDATE jobs SET status = :status, attempt = attempt - :uncounted,
    scheduled_at = coalesce(:runAt, scheduled_at), errors = ${NOTED}, finished_at = :finishedAt, ${NO_LEASE}
  WHERE id = CAST(:id AS INTEGER) AND lease_token = :token
    AND (:finishedAt IS NOT NULL OR unique_key IS NULL OR NOT EXISTS (
      SELECT 1 FROM jobs AS newer WHERE newer.unique_key = jobs.unique_key AND newer.${WAITING}))`;

const FOLD = `
  UPDATE jobs SET status = 'completed', errors = ${NOTED}, finished_at = :now, ${NO_LEASE}
  WHERE id = CAST(:id AS INTEGER) AND lease_token = :token`;

/**
 * Brings back what earlier processes were executing when they died: one data folder has one server, so every
 * lease of another boot is an orphan. Returns how many came back.
 */
export function releaseOrphans(tx: Tx, bootId: string): number {
  const orphans = tx.db.prepare(`
    SELECT id, lease_token FROM jobs WHERE status = 'executing' AND leased_by <> :bootId ORDER BY id
  `).all({ bootId });
  for (const row of orphans) {
    finish(tx, leaseFromRow(row), { type: "release", reason: "Gaffer was killed while it ran" });
  }
  return orphans.length;
}

/**
 * Expired leases of this process. The caller leaves those alone that it still works on: after a suspended
 * laptop wakes up, all of them are expired and none of them is dead.
 */
export function expiredLeases(db: Db, owner: string, now: string): Lease[] {
  return db.prepare(`
    SELECT id, lease_token FROM jobs
    WHERE status = 'executing' AND leased_by = :owner AND lease_expires_at <= :now
  `).all({ owner, now }).map(leaseFromRow);
}

const leaseFromRow = (row: Record<string, unknown>): Lease => ({
  id: String(row.id),
  leaseToken: String(row.lease_token),
});

/** When the next job that waits for its time is due, in milliseconds since the epoch; null: none waits. */
export function dueAtMs(db: Db): number | null {
  const row = db.prepare(`
    SELECT scheduled_at FROM jobs WHERE status IN ('scheduled', 'retryable') AND scheduled_at > ''
    ORDER BY scheduled_at LIMIT 1
  `).get();
  return row ? Date.parse(String(row.scheduled_at)) : null;
}

/** Whether a job waits for nothing but a slot. */
export function anyAvailable(db: Db): boolean {
  return db.prepare("SELECT 1 FROM jobs WHERE status = 'available' LIMIT 1").get() !== undefined;
}
