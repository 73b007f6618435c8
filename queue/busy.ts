/** What executes now, as far as it keeps other jobs from executing: asked by claim() and by whoever explains. */
import type { Db } from "../server/db.ts";
import { type QueueLimits, suspectedFrom } from "./limits.ts";
import { laneOf } from "./rows.ts";

/** What of a job can keep others waiting. */
export interface Occupant {
  id: string;
  queue: string;
  projectId: string | null;
  concurrencyKey: string | null;
  crashes: number;
}

/** What a job waits for although its time has come and its queue is not paused. */
export type Blocker =
  /** The limit of all queues together. */
  | { why: "total"; busy: number }
  /** All slots of its queue are taken. */
  | { why: "slots"; busy: number }
  /** Its project has as many at work in this queue as it may. */
  | { why: "project"; busy: number }
  /** Another job of its concurrency key. */
  | { why: "key"; key: string; jobId: string }
  /** The process has died with both before: such jobs run one at a time. */
  | { why: "suspect"; jobId: string };

export class Busy {
  readonly #limits: QueueLimits;
  readonly #queues = new Map<string, number>();
  readonly #lanes = new Map<string, number>();
  readonly #keys = new Map<string, string>();
  readonly #ids = new Set<string>();
  #suspect: string | null = null;

  /** Besides the rows that execute: handlers that wind down although their rows are over. */
  constructor(db: Db, limits: QueueLimits, windingDown: Iterable<Occupant> = []) {
    this.#limits = limits;
    for (const row of db.prepare(EXECUTING).all()) {
      this.add({
        id: String(row.id),
        queue: String(row.queue),
        projectId: row.project_id as string | null,
        concurrencyKey: row.concurrency_key as string | null,
        crashes: Number(row.crashes),
      });
    }
    for (const occupant of windingDown) this.add(occupant);
  }

  add({ id, queue, projectId, concurrencyKey, crashes }: Occupant): void {
    if (this.#ids.has(id)) return;
    this.#ids.add(id);
    count(this.#queues, queue);
    if (projectId !== null) count(this.#lanes, laneOf(queue, projectId));
    if (concurrencyKey !== null) this.#keys.set(concurrencyKey, id);
    if (crashes >= suspectedFrom(this.#limits)) this.#suspect = id;
  }

  /** What keeps any job of a lane from executing (of the whole queue, without a project); null: nothing. */
  ofLane(queue: string, projectId: string | null): Blocker | null {
    const { queues, perProject, total } = this.#limits;
    if (total !== undefined && this.#ids.size >= total) {
      return { why: "total", busy: this.#ids.size };
    }
    const busy = this.#queues.get(queue) ?? 0;
    if (busy >= (queues[queue as keyof typeof queues] ?? 0)) return { why: "slots", busy };
    if (projectId === null) return null;
    const ofProject = this.#lanes.get(laneOf(queue, projectId)) ?? 0;
    const allowed = perProject?.[queue as keyof typeof perProject] ?? Infinity;
    return ofProject >= allowed ? { why: "project", busy: ofProject } : null;
  }

  /** What keeps just this job from executing. */
  ofJob({ concurrencyKey, crashes }: Pick<Occupant, "concurrencyKey" | "crashes">): Blocker | null {
    const jobId = concurrencyKey === null ? undefined : this.#keys.get(concurrencyKey);
    if (jobId !== undefined) return { why: "key", key: concurrencyKey!, jobId };
    if (this.#suspect === null || crashes < suspectedFrom(this.#limits)) return null;
    return { why: "suspect", jobId: this.#suspect };
  }

  /** Concurrency keys that are taken. */
  get keys(): string[] {
    return [...this.#keys.keys()];
  }

  /** Jobs that have died so often with the process may not execute now. */
  get crashesAllowed(): number {
    return this.#suspect === null ? Number.MAX_SAFE_INTEGER : suspectedFrom(this.#limits);
  }

  /** Slots of a queue that are left to it, whatever the limit of all queues together. */
  freeIn(queue: string): number {
    const { queues } = this.#limits;
    return (queues[queue as keyof typeof queues] ?? 0) - (this.#queues.get(queue) ?? 0);
  }
}

// As many rows as there are slots, read from the index alone; the range on `queue` makes it a search.
const EXECUTING = `
  SELECT id, queue, project_id, concurrency_key, crashes FROM jobs
  WHERE status = 'executing' AND queue > ''`;

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
