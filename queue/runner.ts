/**
 * Runs jobs: claims them while slots are free, renews their leases, aborts what is over, records how they
 * ended. It sleeps until the hub rings or the next job is due; an idle runner asks the database nothing.
 */
import { actingAs, type App } from "../server/app.ts";
import { MINUTE_MS, SECOND_MS, timeText } from "../server/clock.ts";
import { transact, type Tx } from "../server/db.ts";
import { messageOf } from "../server/errors.ts";
import { type Cancel, systemTimers, type Timers } from "../server/timers.ts";
import { Execution } from "./execution.ts";
import { type AnyJobHandler, type JobHandler, type QueueName, queueNames } from "./job.ts";
import {
  anyAvailable,
  claim,
  dueAtMs,
  type Ending,
  expiredLeases,
  finish,
  type LeasedJob,
  leaseState,
  releaseOrphans,
  renew,
} from "./lease.ts";
import { cancelJobs } from "./queue.ts";

export interface RunnerOptions {
  app: App;
  handlers: readonly AnyJobHandler[];
  /** Jobs of each queue that execute at the same time. */
  limits: Record<QueueName, number>;
  /** Random, new at each start of the process: tells its leases from those of processes that died. */
  bootId: string;
  timers?: Timers;
  /** Numbers from 0 to just below 1, for the jitter of retries. */
  random?: () => number;
}

/** A job that executes right now. */
export interface ActiveJob {
  id: string;
  kind: string;
  queue: string;
  attempt: number;
  startedAtMs: number;
}

export interface Runner {
  /** Brings back the jobs of processes that died, and begins to work. */
  start(): void;
  /**
   * Takes no more jobs, aborts those that execute, and resolves when all have ended, after `graceMs` at the
   * latest. What was cut off comes back at the next start without having used an attempt.
   */
  stop(graceMs: number): Promise<void>;
  /** Cancels one job, aborting it when it executes. False: it was finished already. */
  cancel(jobId: string, reason: string): boolean;
  active(): ActiveJob[];
  /** Resolves when nothing executes and nothing is due now, or the runner has stopped. For tests. */
  idle(): Promise<void>;
}

/** How long a lease lasts, and how often it is renewed while its job executes. */
export const LEASE_MS = MINUTE_MS;
export const RENEW_EVERY_MS = 20 * SECOND_MS;
/** The runner looks at least this often, should a wake-up ever be missed. */
export const SAFETY_POLL_MS = 5 * MINUTE_MS;
/** Pause before the database is asked again after it failed (a full disk, a lock held by a shell). */
export const DB_RETRY_MS = 2 * SECOND_MS;

export function createRunner(options: RunnerOptions): Runner {
  return new JobRunner(options);
}

class JobRunner implements Runner {
  readonly #app: App;
  readonly #handlers: ReadonlyMap<string, AnyJobHandler>;
  readonly #limits: Record<QueueName, number>;
  readonly #bootId: string;
  readonly #timers: Timers;
  readonly #random: () => number;

  #state: "new" | "running" | "stopping" | "stopped" = "new";
  readonly #active = new Set<Execution>();
  #wakePending = false;
  #unsubscribe: Cancel = () => {};
  #cancelPoll: Cancel = () => {};
  #cancelRenewal: Cancel | null = null;
  #stopping: Promise<void> | null = null;
  #onDrained: () => void = () => {};
  #idleWaiters: (() => void)[] = [];

  constructor({ app, handlers, limits, bootId, timers, random }: RunnerOptions) {
    this.#app = actingAs(app, "gaffer");
    this.#handlers = new Map(handlers.map((handler) => [handler.kind, handler]));
    this.#limits = limits;
    this.#bootId = bootId;
    this.#timers = timers ?? systemTimers;
    this.#random = random ?? Math.random;
  }

  start(): void {
    if (this.#state !== "new") throw new Error(`Cannot start the runner: it is ${this.#state}`);
    const orphans = transact(this.#app, (tx) => releaseOrphans(tx, this.#bootId));
    if (orphans > 0) this.#app.log.info("jobs of a killed process are back", { jobs: orphans });
    this.#state = "running";
    this.#unsubscribe = this.#app.hub.subscribe((message) => {
      if (message.kind === "jobs") this.#wake();
    });
    this.#work();
  }

  /** Whoever rings is in the middle of something: the work begins after it, once for many rings. */
  #wake(): void {
    if (this.#wakePending) return;
    this.#wakePending = true;
    queueMicrotask(() => {
      this.#wakePending = false;
      this.#work();
    });
  }

  #work(): void {
    if (this.#state !== "running") return;
    let claimed: LeasedJob[];
    try {
      this.#abortLost();
      claimed = transact(this.#app, (tx) => this.#claim(tx));
    } catch (error) {
      this.#app.log.error("jobs cannot be claimed", { error: messageOf(error) });
      this.#pollAfter(DB_RETRY_MS);
      return;
    }
    for (const job of claimed) this.#execute(job);
    this.#pollWhenDue();
    this.#checkIdle();
  }

  /** `ended` has just freed its slot in the same transaction. */
  #claim(tx: Tx, ended?: Execution): LeasedJob[] {
    const others = [...this.#active].filter((execution) => execution !== ended);
    const free = (queue: QueueName) =>
      this.#limits[queue] - others.filter(({ job }) => job.queue === queue).length;
    return claim(tx, {
      slots: Object.fromEntries(queueNames.map((queue) => [queue, free(queue)])),
      owner: this.#bootId,
      leaseMs: LEASE_MS,
      // A cancelled job's row is over, but its handler may still be stopping what it started.
      busyKeys: others.flatMap(({ job }) => job.concurrencyKey ?? []),
    });
  }

  #execute(job: LeasedJob): void {
    const execution = new Execution(job, {
      app: this.#app,
      timers: this.#timers,
      random: this.#random,
    });
    this.#active.add(execution);
    this.#keepRenewing();
    void execution.run(this.#handlers.get(job.kind) as JobHandler | undefined)
      .then((ending) => this.#record(execution, ending));
  }

  /** Records how an attempt ended and, in the same transaction, takes what comes next. */
  #record(execution: Execution, ending: Ending): void {
    if (!this.#active.has(execution)) return; // stop() has given it up
    const { job } = execution;
    let held: boolean;
    let claimed: LeasedJob[];
    try {
      [held, claimed] = transact(this.#app, (tx) => [
        finish(tx, job, ending),
        this.#state === "running" ? this.#claim(tx, execution) : [],
      ]);
    } catch (error) {
      // The attempt is over but the database does not know: the job stays ours, or it would run twice.
      const { id, kind } = job;
      this.#app.log.error("a job's end cannot be recorded", { id, kind, error: messageOf(error) });
      execution.startTimer(DB_RETRY_MS, () => this.#record(execution, ending));
      return;
    }
    if (!held) this.#app.log.info("a job ended after it was over", { id: job.id, kind: job.kind });
    this.#active.delete(execution);
    for (const next of claimed) this.#execute(next);
    if (this.#active.size === 0) this.#onDrained();
    if (this.#state === "running") this.#pollWhenDue();
    this.#checkIdle();
  }

  /** Aborts what somebody cancelled, and what lost its lease in any other way. */
  #abortLost(): void {
    for (const execution of this.#active) {
      const { held, status } = leaseState(this.#app.db, execution.job);
      if (!held) execution.abort(status === "cancelled" ? "cancelled" : "lease_lost");
    }
  }

  cancel(jobId: string, reason: string): boolean {
    const cancelled = transact(this.#app, (tx) => cancelJobs(tx, { id: jobId }, reason)) > 0;
    this.#abortLost();
    return cancelled;
  }

  #keepRenewing(): void {
    this.#cancelRenewal ??= this.#timers.after(RENEW_EVERY_MS, () => {
      this.#cancelRenewal = null;
      if (this.#active.size === 0) return;
      try {
        transact(this.#app, (tx) => {
          for (const { job } of this.#active) renew(tx, job, LEASE_MS);
        });
        this.#abortLost();
      } catch (error) {
        // Nothing dies of it: a lease that ran out is taken back only when nobody works on it.
        this.#app.log.error("leases cannot be renewed", { error: messageOf(error) });
      }
      this.#keepRenewing();
    });
  }

  #pollWhenDue(): void {
    let delayMs = SAFETY_POLL_MS;
    try {
      const dueMs = dueAtMs(this.#app.db);
      if (dueMs !== null) delayMs = Math.min(delayMs, dueMs - this.#app.clock.nowMs());
    } catch (error) {
      this.#app.log.error("due jobs cannot be read", { error: messageOf(error) });
      delayMs = DB_RETRY_MS;
    }
    this.#pollAfter(delayMs);
  }

  #pollAfter(delayMs: number): void {
    this.#cancelPoll();
    // At least 1 ms: a timer may fire a moment before the clock reaches its time.
    this.#cancelPoll = this.#timers.after(Math.max(1, delayMs), () => {
      this.#takeBackLost();
      this.#work();
    });
  }

  /** An expired lease of this process that no handler holds is a bug; its job must not hang for ever. */
  #takeBackLost(): void {
    const held = new Set([...this.#active].map(({ job }) => job.leaseToken));
    const { db, clock, log } = this.#app;
    try {
      const lost = expiredLeases(db, this.#bootId, timeText(clock.nowMs()))
        .filter(({ leaseToken }) => !held.has(leaseToken));
      if (lost.length === 0) return;
      log.error("jobs were executing without a handler", { jobs: lost.map(({ id }) => id) });
      transact(this.#app, (tx) => {
        for (const lease of lost) {
          finish(tx, lease, { type: "release", reason: "Its handler was gone" });
        }
      });
    } catch (error) {
      log.error("lost jobs cannot be taken back", { error: messageOf(error) });
    }
  }

  stop(graceMs: number): Promise<void> {
    return this.#stopping ??= this.#stop(graceMs);
  }

  async #stop(graceMs: number): Promise<void> {
    this.#state = "stopping";
    this.#unsubscribe();
    this.#cancelPoll();
    for (const execution of this.#active) execution.abort("shutdown");
    if (this.#active.size > 0) {
      await new Promise<void>((resolve) => {
        const cancel = this.#timers.after(graceMs, resolve, { keepAlive: true });
        this.#onDrained = () => {
          cancel();
          resolve();
        };
      });
    }
    this.#giveUp();
    this.#cancelRenewal?.();
    this.#state = "stopped";
    this.#checkIdle();
  }

  /** Puts back what did not stop in time; should that fail, the next start brings it back. */
  #giveUp(): void {
    const left = [...this.#active];
    if (left.length === 0) return;
    this.#active.clear();
    for (const execution of left) execution.stopTimer();
    const jobs = left.map(({ job }) => `${job.kind} ${job.id}`);
    this.#app.log.warn("jobs did not stop in time", { jobs });
    const reason = "Gaffer stopped without waiting for it any longer";
    try {
      transact(this.#app, (tx) => {
        for (const { job } of left) finish(tx, job, { type: "release", reason });
      });
    } catch (error) {
      this.#app.log.error("jobs cannot be put back", { error: messageOf(error) });
    }
  }

  active(): ActiveJob[] {
    return [...this.#active].map(({ job: { id, kind, queue, attempt }, startedAtMs }) => (
      { id, kind, queue, attempt, startedAtMs }
    ));
  }

  idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#idleWaiters.push(resolve);
      this.#checkIdle();
    });
  }

  #checkIdle(): void {
    if (this.#idleWaiters.length === 0 || !this.#isIdle()) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #isIdle(): boolean {
    if (this.#state === "stopped") return true;
    if (this.#active.size > 0 || anyAvailable(this.#app.db)) return false;
    const dueMs = dueAtMs(this.#app.db);
    return dueMs === null || dueMs > this.#app.clock.nowMs();
  }
}
