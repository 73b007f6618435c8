/**
 * Which jobs come next. They wait in lanes, one per queue and project, each in the order of claiming; claim()
 * compares the first of each, so it reads a row per lane and per job that it takes, however many wait. Lanes of
 * queues without a free slot are not even looked at.
 */
import { timeText } from "../server/clock.ts";
import type { Db, Row, Tx } from "../server/db.ts";
import { Busy, type Occupant } from "./busy.ts";
import { makeDue } from "./due.ts";
import type { Job } from "../server/records.ts";
import type { LeasedJob } from "./lease.ts";
import type { QueueLimits } from "./limits.ts";
import { COLUMNS, jobFromRow, laneOf } from "./rows.ts";

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

/** What was taken, and when there is something to take that waits for its time (null: nothing does). */
export interface Claimed {
  jobs: LeasedJob[];
  dueAtMs: number | null;
}

/**
 * Takes the jobs that come next and may execute beside those that do: within the limits, at most one per
 * concurrency key, none of a paused queue. Each counts one attempt.
 */
export function claimNext(
  tx: Tx,
  { limits, owner, leaseMs, windingDown, max = Infinity }: ClaimOptions,
): Claimed {
  const dueAtMs = makeDue(tx);
  const jobs: LeasedJob[] = [];
  const first = tx.db.prepare(FIRST_LANE).get({ after: "" });
  if (!first) return { jobs, dueAtMs };
  const busy = new Busy(tx.db, limits, windingDown);
  const lanes = lanesFrom(tx.db, first, busy);
  const take = tx.db.prepare(TAKE);
  const expires = timeText(tx.nowMs + leaseMs);
  while (jobs.length < max) {
    const lane = firstOf(lanes, busy, max - jobs.length);
    if (!lane) break;
    const waiting = lane.take();
    const token = crypto.randomUUID();
    take.run({ id: Number(waiting.id), token, expires, owner, now: tx.now });
    const job: LeasedJob = {
      ...waiting,
      status: "executing",
      attempt: waiting.attempt + 1,
      startedAt: tx.now,
      leaseToken: token,
      leaseExpiresAt: expires,
      leasedBy: owner,
    };
    busy.add(job);
    jobs.push(job);
  }
  return { jobs, dueAtMs };
}

/** The jobs of `claimNext`. */
export const claim = (tx: Tx, options: ClaimOptions): LeasedJob[] => claimNext(tx, options).jobs;

/** The ids of the jobs that each queue takes next, whatever the others take; none of a queue that takes nothing. */
export function nextInLine(db: Db, busy: Busy): Set<string> {
  const first = db.prepare(FIRST_LANE).get({ after: "" });
  const lanes = first ? lanesFrom(db, first, busy) : [];
  const next = new Set<string>();
  for (const queue of new Set(lanes.map((lane) => lane.queue))) {
    const lane = firstOf(lanes.filter((other) => other.queue === queue), busy, 1);
    if (lane) next.add(lane.next.job.id);
  }
  return next;
}

/** All lanes in which a job waits, but for those of queues that give out nothing. */
function lanesFrom(db: Db, first: Row, busy: Busy): Lane[] {
  const paused = new Set(
    db.prepare("SELECT queue FROM queue_pauses").all().map((row) => row.queue),
  );
  const lanes: Lane[] = [];
  for (let row: Row | undefined = first; row;) {
    const closed = paused.has(row.queue!) || busy.ofLane(String(row.queue), null) !== null;
    if (!closed) lanes.push(new Lane(db, row));
    const after = closed ? laneOf(String(row.queue), LAST_PROJECT) : String(row.lane);
    row = db.prepare(FIRST_LANE).get({ after });
  }
  return lanes;
}

/** Comes after all ids of projects. */
const LAST_PROJECT = "\u{10FFFF}";

/** The lane whose next job comes first. Drops lanes that are at a limit or have no more jobs to give. */
function firstOf(lanes: Lane[], busy: Busy, wanted: number): Lane | null {
  let first: Lane | null = null;
  for (let i = lanes.length - 1; i >= 0; i--) {
    const lane = lanes[i]!;
    // What fills up during a claim stays full, and what is blocked stays blocked.
    if (busy.ofLane(lane.queue, lane.projectId) || !lane.moveOn(busy, wanted)) lanes.splice(i, 1);
    else if (first === null || comesBefore(lane.next, first.next)) first = lane;
  }
  return first;
}

const comesBefore = (a: Candidate, b: Candidate): boolean =>
  a.order < b.order || a.order === b.order && a.id < b.id;

/** A waiting job that may be the next one. */
interface Candidate {
  id: number;
  order: number;
  job: Job;
}

/** Where a claim stands in one lane. */
class Lane {
  readonly queue: string;
  readonly projectId: string | null;
  readonly #db: Db;
  readonly #lane: string;
  #candidates: Candidate[];
  #at = 0;

  /** `row`: its first job. */
  constructor(db: Db, row: Row) {
    this.#db = db;
    this.#lane = String(row.lane);
    this.queue = String(row.queue);
    this.projectId = row.project_id as string | null;
    this.#candidates = [candidateFromRow(row)];
  }

  get next(): Candidate {
    return this.#candidates[this.#at]!;
  }

  /** Gives the next job and goes past it. */
  take(): Job {
    return this.#candidates[this.#at++]!.job;
  }

  /** Moves on to the next job that may execute. False: there is none. */
  moveOn(busy: Busy, wanted: number): boolean {
    while (true) {
      for (; this.#at < this.#candidates.length; this.#at++) {
        if (busy.ofJob(this.next.job) === null) return true;
      }
      if (!this.#readOn(busy, Math.min(wanted, busy.freeIn(this.queue)))) return false;
    }
  }

  #readOn(busy: Busy, limit: number): boolean {
    const { order, id } = this.#candidates.at(-1)!;
    const rows = this.#db.prepare(NEXT).all({
      lane: this.#lane,
      order,
      id,
      keys: busy.keys.length === 0 ? "[]" : JSON.stringify(busy.keys),
      crashes: busy.crashesAllowed,
      limit,
    });
    if (rows.length === 0) return false;
    this.#candidates = rows.map(candidateFromRow);
    this.#at = 0;
    return true;
  }
}

const candidateFromRow = (row: Row): Candidate => ({
  id: Number(row.id),
  order: Number(row.claim_order),
  job: jobFromRow(row),
});

// Jumps through the index from lane to lane.
const FIRST_LANE = `
  SELECT ${COLUMNS}, claim_order, lane FROM jobs
  WHERE status = 'available' AND lane > :after ORDER BY lane, claim_order, id LIMIT 1`;

// Steps over those that may not execute without reading more of them than the index has. Keys are few and
// seldom have many jobs waiting.
const NEXT = `
  SELECT ${COLUMNS}, claim_order FROM jobs
  WHERE status = 'available' AND lane = :lane AND (claim_order, id) > (:order, :id)
    AND crashes < :crashes
    AND (concurrency_key IS NULL
      OR concurrency_key NOT IN (SELECT busy.value FROM json_each(:keys) AS busy))
  ORDER BY claim_order, id LIMIT :limit`;

const TAKE = `
  UPDATE jobs SET status = 'executing', attempt = attempt + 1, started_at = :now,
    lease_token = :token, lease_expires_at = :expires, leased_by = :owner
  WHERE id = :id`;
