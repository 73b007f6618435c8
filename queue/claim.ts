/**
 * Which jobs come next. They wait in lanes, one per queue and project, each in the order of claiming; claim()
 * compares the first of each, so it reads a row per lane and per job that it takes, however many wait.
 */
import { timeText } from "../server/clock.ts";
import type { Db, Tx } from "../server/db.ts";
import { Busy, type Occupant } from "./busy.ts";
import { makeDue } from "./due.ts";
import type { LeasedJob } from "./lease.ts";
import { type QueueLimits, suspectedFrom } from "./limits.ts";
import { COLUMNS, jobFromRow } from "./rows.ts";

export interface ClaimOptions {
  limits: QueueLimits;
  /** Boot id of this process. */
  owner: string;
  leaseMs: number;
  /** Handlers that still work although no executing row shows it. Those that do execute may be among them. */
  windingDown?: Iterable<Occupant>;
  /** At most so many jobs. */
  max?: number;
}

/**
 * Takes the jobs that come next and may execute beside those that do: within the limits, at most one per
 * concurrency key, none of a paused queue. Each counts one attempt.
 */
export function claim(
  tx: Tx,
  { limits, owner, leaseMs, windingDown, max = Infinity }: ClaimOptions,
): LeasedJob[] {
  makeDue(tx);
  const heads = tx.db.prepare(HEADS).all().map(headFromRow);
  if (heads.length === 0) return [];
  const busy = new Busy(tx.db, limits, windingDown);
  const take = tx.db.prepare(TAKE);
  const expires = timeText(tx.nowMs + leaseMs);
  const claimed: LeasedJob[] = [];
  while (claimed.length < max) {
    const head = firstOf(tx.db, heads, busy, limits);
    if (!head) break;
    const token = crypto.randomUUID();
    const row = take.get({ id: head.id, token, expires, owner, now: tx.now })!;
    const job = jobFromRow(row) as LeasedJob;
    busy.add(job);
    claimed.push(job);
    head.passed = true;
  }
  return claimed;
}

/** Where a lane stands: its next job, or the one that was passed over last. */
interface Head {
  id: number;
  order: number;
  lane: string;
  queue: string;
  projectId: string | null;
  concurrencyKey: string | null;
  crashes: number;
  passed: boolean;
}

const headFromRow = (row: Record<string, unknown>): Head => ({
  id: Number(row.id),
  order: Number(row.claim_order),
  lane: String(row.lane),
  queue: String(row.queue),
  projectId: row.project_id as string | null,
  concurrencyKey: row.concurrency_key as string | null,
  crashes: Number(row.crashes),
  passed: false,
});

/** The next job of those that may execute. Drops lanes that are at a limit or have no more such jobs. */
function firstOf(db: Db, heads: Head[], busy: Busy, limits: QueueLimits): Head | null {
  let first: Head | null = null;
  for (let i = heads.length - 1; i >= 0; i--) {
    const head = heads[i]!;
    // What fills up during a claim stays full, and what is blocked stays blocked.
    if (busy.ofLane(head.queue, head.projectId) || !moveOn(db, head, busy, limits)) {
      heads.splice(i, 1);
    } else if (first === null || comesBefore(head, first)) first = head;
  }
  return first;
}

const comesBefore = (a: Head, b: Head): boolean =>
  a.order < b.order || a.order === b.order && a.id < b.id;

/** Moves a head on to the next job of its lane that may execute. False: there is none. */
function moveOn(db: Db, head: Head, busy: Busy, limits: QueueLimits): boolean {
  if (!head.passed && busy.ofJob(head) === null) return true;
  const next = db.prepare(NEXT).get({
    lane: head.lane,
    order: head.order,
    id: head.id,
    keys: JSON.stringify(busy.keys),
    crashes: busy.suspected ? suspectedFrom(limits) : Number.MAX_SAFE_INTEGER,
  });
  if (!next) return false;
  head.id = Number(next.id);
  head.order = Number(next.claim_order);
  head.concurrencyKey = next.concurrency_key as string | null;
  head.crashes = Number(next.crashes);
  head.passed = false;
  return true;
}

// Jumps through the index from lane to lane.
const HEADS = `
  WITH RECURSIVE head (id, lane) AS (
    SELECT * FROM (
      SELECT id, lane FROM jobs WHERE status = 'available' AND lane > ''
      ORDER BY lane, claim_order, id LIMIT 1)
    UNION ALL
    SELECT next.id, next.lane FROM head JOIN jobs AS next ON next.id = (
      SELECT id FROM jobs WHERE status = 'available' AND lane > head.lane
      ORDER BY lane, claim_order, id LIMIT 1))
  SELECT id, claim_order, lane, queue, project_id, concurrency_key, crashes
  FROM (SELECT id AS head_id FROM head) JOIN jobs ON jobs.id = head_id
  WHERE queue NOT IN (SELECT queue FROM queue_pauses)`;

// Steps over those that may not execute within the index. Keys are few and seldom have many jobs waiting.
const NEXT = `
  SELECT id, claim_order, concurrency_key, crashes FROM jobs
  WHERE status = 'available' AND lane = :lane AND (claim_order, id) > (:order, :id)
    AND crashes < :crashes
    AND (concurrency_key IS NULL
      OR concurrency_key NOT IN (SELECT busy.value FROM json_each(:keys) AS busy))
  ORDER BY claim_order, id LIMIT 1`;

const TAKE = `
  UPDATE jobs SET status = 'executing', attempt = attempt + 1, started_at = :now,
    lease_token = :token, lease_expires_at = :expires, leased_by = :owner
  WHERE id = :id RETURNING ${COLUMNS}`;
