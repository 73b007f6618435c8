/**
 * Runs jobs: claims them while slots are free, renews their leases, aborts what is over, records how they
 * ended. It sleeps until the hub rings or the next job is due; an idle runner asks the database nothing.
 */
import { actingAs, type App } from "../server/app.ts";
import { MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import { doApart, transact, transactSoon, type Tx } from "../server/db.ts";
import { messageOf } from "../server/errors.ts";
import type { Job } from "../server/records.ts";
import type { FailureReason } from "../server/states.ts";
import { type Cancel, systemTimers, type Timers } from "../server/timers.ts";
import { Alarm } from "./alarm.ts";
import { type Claimed, claimNext } from "./claim.ts";
import { dueAtMs } from "./due.ts";
import { type DecideEnding, Execution, type ExecutionOptions } from "./execution.ts";
import { type AnyJobHandler, type JobHandler, queueNames } from "./job.ts";
import { LEASE_MS, LeaseKeeper } from "./keeper.ts";
import {
  type Ending,
  finish,
  type LeasedJob,
  markStopping,
  quarantineReason,
  releaseOrphans,
} from "./lease.ts";
import type { QueueLimits } from "./limits.ts";
import { cancelJobs } from "./queue.ts";
import { replanSchedules } from "./schedules.ts";

export { LEASE_MS, RENEW_EVERY_MS } from "./keeper.ts";

export interface RunnerOptions {
  app: App;
  handlers: readonly AnyJobHandler[];
  limits: QueueLimits;
  /** Random, new at each start of the process: tells its leases from those of processes that died. */
  bootId: string;
  /** Told of each job that is discarded, in the transaction that records it: nothing comes back to its work. */
  gaveUp?: (tx: Tx, job: Job, reason: string, failure: FailureReason) => void;
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
   * Takes no more jobs and resolves when those that execute have ended. Those that can let go (`JobHandler`)
   * have `letGoMs` for it, by default none; what is left then, and all others at once, is aborted, and has
   * `graceMs` more to end. What did not come to its end is back at the next start without having used an attempt.
   */
  stop(graceMs: number, letGoMs?: number): Promise<void>;
  /** Cancels one job, aborting it when it executes. False: it was finished already. */
  cancel(jobId: string, reason: string): boolean;
  active(): ActiveJob[];
  /** Resolves when nothing executes and nothing can now, or the runner has stopped. For tests. */
  idle(): Promise<void>;
}

/** The runner looks at least this often, should a wake-up ever be missed. */
export const SAFETY_POLL_MS = 5 * MINUTE_MS;
/** Pause before the database is asked again after it failed (a full disk, a lock held by a shell). */
export const DB_RETRY_MS = 2 * SECOND_MS;
/** Jobs that end at once are recorded at once, but so often at most before others have their turn. */
const MAX_COMMITS_IN_A_ROW = 10;

export function createRunner(options: RunnerOptions): Runner {
  return new JobRunner(options);
}

/** Attempts that ended, and how. */
type Endings = Map<Execution, Ending | DecideEnding>;
/** What was claimed, and of that what could not begin. */
interface Begun extends Claimed {
  refusals: Map<LeasedJob, { error: unknown }>;
}
interface Recorded {
  /** Those whose job was over before. */
  lost: Execution[];
  /** Those that go on for want of an end that their work could hear of, each with what was in the way. */
  refused: Map<Execution, unknown>;
  /** What comes next; null: the runner stops. */
  claimed: Begun | null;
}

class JobRunner implements Runner {
  readonly #app: App;
  readonly #options: RunnerOptions;
  readonly #handlers: ReadonlyMap<string, AnyJobHandler>;
  readonly #timers: Timers;
  readonly #executionOptions: ExecutionOptions;
  readonly #keeper: LeaseKeeper;

  #state: "new" | "running" | "stopping" | "stopped" = "new";
  readonly #active = new Set<Execution>();
  /** What has ended in this turn of the event loop and is recorded at its end, together. */
  #endings: Endings = new Map();
  #commitsInARow = 0;
  #wakePending = false;
  #unsubscribe: Cancel = () => {};
  readonly #alarm: Alarm;
  #stopping: Promise<void> | null = null;
  #onDrained: () => void = () => {};
  #idleWaiters: (() => void)[] = [];

  constructor(options: RunnerOptions) {
    const { app, handlers, bootId, timers = systemTimers, random = Math.random } = options;
    this.#app = actingAs(app, "gaffer");
    this.#options = options;
    this.#handlers = new Map(handlers.map((handler) => [handler.kind, handler]));
    this.#timers = timers;
    this.#executionOptions = { app: this.#app, timers, random };
    this.#alarm = new Alarm({
      clock: app.clock,
      timers,
      maxMs: SAFETY_POLL_MS,
      ring: () => {
        this.#keeper.takeBackLost();
        this.#keeper.replan();
        this.#work();
      },
    });
    this.#keeper = new LeaseKeeper({
      app: this.#app,
      bootId,
      timers,
      active: this.#active,
      logFault: (message, error) => this.#logFault(message, error),
    });
  }

  start(): void {
    if (this.#state !== "new") throw new Error(`Cannot start the runner: it is ${this.#state}`);
    this.#takeUp();
    this.#state = "running";
    this.#unsubscribe = this.#app.hub.subscribe((message) => {
      if (message.kind === "jobs") this.#wake();
    });
    this.#work();
  }

  /** What earlier processes left behind. */
  #takeUp(): void {
    const { bootId, limits } = this.#options;
    const { released, quarantined } = transact(this.#app, (tx) => {
      replanSchedules(tx);
      const orphans = releaseOrphans(tx, {
        bootId,
        crashes: limits.crashes,
        gotOn: (job) => this.#gotOn(job),
      });
      for (const job of orphans.quarantined) {
        this.#tellQuarantined(tx, job);
      }
      return orphans;
    });
    if (released > 0) this.#app.log.info("jobs of a killed process are back", { jobs: released });
    for (const { id, kind } of quarantined) {
      this.#app.log.error("a job is quarantined: the process died with it", { id, kind });
    }
  }

  /** Whatever is wrong, the server has to start: then the job is a dead letter that a person can run again. */
  #tellQuarantined(tx: Tx, job: Job): void {
    const { gaveUp } = this.#options;
    const reason = quarantineReason(job.crashes + 1);
    if (!gaveUp) return;
    doApart(tx, (part) => gaveUp(part, job, reason, "quarantined"), {
      refused: (error) => {
        const { id, kind } = job;
        this.#logFault("a quarantined job's work was not told", error, { id, kind });
      },
    });
  }

  #gotOn({ kind, args, startedAt }: Job): boolean {
    const handler = this.#handlers.get(kind) as JobHandler | undefined;
    return startedAt !== null && handler?.gotOn?.(this.#app, args as never, startedAt) === true;
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
    // Nothing that they do could be saved; the hub rings when it can again.
    if (this.#app.db.fault !== null) return this.#alarm.within(DB_RETRY_MS);
    try {
      this.#keeper.abortLost();
      if (this.#hasRoom()) this.#executeAll(transact(this.#app, (tx) => this.#claim(tx)));
      else this.#alarm.within(Infinity); // the end of a job looks again
    } catch (error) {
      this.#logFault("jobs cannot be claimed", error);
      this.#alarm.within(DB_RETRY_MS);
      return;
    }
    this.#checkIdle();
  }

  /** Whether any queue has a free slot, so that it is worth a look who waits. */
  #hasRoom(): boolean {
    const { queues, total = Infinity } = this.#options.limits;
    if (this.#active.size >= total) return false;
    const busy = (queue: string) =>
      [...this.#active].filter(({ job }) => job.queue === queue).length;
    return queueNames.some((queue) => busy(queue) < queues[queue]);
  }

  /** The slots of `ended` have just become free in the same transaction. */
  #claim(tx: Tx, ended?: Endings): Begun {
    const { limits, bootId: owner } = this.#options;
    // A cancelled job's row is over, but its handler may still be stopping what it started.
    const windingDown: LeasedJob[] = [];
    for (const execution of this.#active) {
      if (!ended?.has(execution)) windingDown.push(execution.job);
    }
    const claimed = claimNext(tx, { limits, owner, leaseMs: LEASE_MS, windingDown });
    return { ...claimed, refusals: this.#beginAll(tx, claimed.jobs) };
  }

  #beginAll(tx: Tx, jobs: readonly LeasedJob[]): Begun["refusals"] {
    const refusals: Begun["refusals"] = new Map();
    for (const job of jobs) {
      const handler = this.#handlers.get(job.kind) as JobHandler | undefined;
      if (!handler?.begin) continue;
      doApart(tx, (part) => handler.begin!(part, job.args as never), {
        refused: (error) => refusals.set(job, { error }),
      });
    }
    return refusals;
  }

  #executeAll({ jobs, refusals, dueAtMs }: Begun): void {
    for (const job of jobs) this.#execute(job, refusals.get(job));
    this.#alarm.within((dueAtMs ?? Infinity) - this.#app.clock.nowMs());
  }

  #execute(job: LeasedJob, refusal?: { error: unknown }): void {
    const execution = new Execution(job, this.#executionOptions);
    this.#active.add(execution);
    this.#keeper.keepRenewing();
    void execution.run(this.#handlers.get(job.kind) as JobHandler | undefined, refusal)
      .then((ending) => this.#record(execution, ending));
  }

  /** Asks for how an attempt ended to be recorded, with all others that end in this turn. */
  #record(execution: Execution, ending: Ending | DecideEnding): void {
    if (!this.#active.has(execution)) return; // stop() has given it up
    this.#endings.set(execution, ending);
    if (this.#endings.size > 1) return;
    // Nobody else could end in this turn; but what decides has had work to do, which may still be to be saved.
    const alone = this.#active.size === 1 && typeof ending !== "function";
    if (alone && this.#commitsInARow++ < MAX_COMMITS_IN_A_ROW) return this.#recordNow();
    let endings: Endings | null = null;
    transactSoon(this.#app, (tx) => this.#endAndClaim(tx, endings ??= this.#takeEndings())).then(
      (recorded) => this.#recorded(endings!, recorded),
      (error) => this.#recordLater(endings ?? this.#takeEndings(), error),
    ).finally(() => this.#commitsInARow = 0);
  }

  #recordNow(): void {
    const endings = this.#takeEndings();
    let recorded: Recorded;
    try {
      recorded = transact(this.#app, (tx) => this.#endAndClaim(tx, endings));
    } catch (error) {
      return this.#recordLater(endings, error);
    }
    this.#recorded(endings, recorded);
  }

  #takeEndings(): Endings {
    const endings = this.#endings;
    this.#endings = new Map();
    return endings;
  }

  /** Records how attempts ended and, in the same transaction, takes what comes next. */
  #endAndClaim(tx: Tx, endings: Endings): Recorded {
    const lost: Execution[] = [];
    const refused: Recorded["refused"] = new Map();
    for (const [execution, how] of endings) {
      const held = typeof how === "function"
        ? this.#endDecided(tx, execution, how, refused)
        : this.#end(tx, execution, how, refused);
      if (held === false) lost.push(execution);
    }
    const working = this.#state === "running" && this.#app.db.fault === null;
    return { lost, refused, claimed: working ? this.#claim(tx, endings) : null };
  }

  /** False: the job was over before. Null: it goes on, and `refused` has why. */
  #end(tx: Tx, execution: Execution, ending: Ending, refused: Recorded["refused"]): boolean | null {
    const { job } = execution;
    if (ending.type !== "discard") return finish(tx, job, ending);
    // A fault in what follows for the work of one must not keep the others from ending.
    return doApart(tx, (part) => {
      if (!finish(part, job, ending)) return false;
      this.#options.gaveUp?.(part, job, ending.reason, ending.failure);
      return true;
    }, { refused: (error) => refused.set(execution, error) });
  }

  /** When it can't decide, that is how the attempt ended. */
  #endDecided(
    tx: Tx,
    execution: Execution,
    decide: DecideEnding,
    refused: Recorded["refused"],
  ): boolean | null {
    let failure: Ending | null = null;
    const ending = doApart(tx, decide, {
      refused: (error) => failure = execution.endingAfter(error),
    });
    return this.#end(tx, execution, ending ?? failure!, refused);
  }

  #recorded(endings: Endings, { lost, refused, claimed }: Recorded): void {
    for (const [execution, error] of refused) {
      this.#recordLater(new Map([[execution, endings.get(execution)!]]), error);
      endings.delete(execution);
    }
    for (const { job: { id, kind } } of lost) {
      this.#app.log.info("a job ended after it was over", { id, kind });
    }
    for (const execution of endings.keys()) this.#active.delete(execution);
    if (claimed) this.#executeAll(claimed);
    if (this.#active.size === 0) this.#onDrained();
    this.#checkIdle();
  }

  /** The attempts are over but the database does not know: the jobs stay ours, or they would run twice. */
  #recordLater(endings: Endings, error: unknown): void {
    for (const [execution, ending] of endings) {
      if (!this.#active.has(execution)) continue;
      const { id, kind } = execution.job;
      this.#logFault("a job's end cannot be recorded", error, { id, kind });
      execution.startTimer(DB_RETRY_MS, () => this.#record(execution, ending));
    }
  }

  cancel(jobId: string, reason: string): boolean {
    const cancelled = transact(this.#app, (tx) => cancelJobs(tx, { id: jobId }, reason)) > 0;
    this.#keeper.abortLost();
    return cancelled;
  }

  /** A full disk has been told of when it began, and may last. */
  #logFault(message: string, error: unknown, fields: Record<string, unknown> = {}): void {
    if (this.#app.db.fault !== null) return;
    this.#app.log.error(message, { ...fields, error: messageOf(error) });
  }

  stop(graceMs: number, letGoMs = 0): Promise<void> {
    return this.#stopping ??= this.#stop(graceMs, letGoMs);
  }

  async #stop(graceMs: number, letGoMs: number): Promise<void> {
    this.#state = "stopping";
    this.#unsubscribe();
    this.#alarm.cancel();
    this.#markStopping();
    if (letGoMs > 0) {
      for (const execution of this.#active) execution.letGo();
      await this.#drained(letGoMs);
    }
    for (const execution of this.#active) execution.abort("shutdown");
    await this.#drained(graceMs);
    this.#giveUp();
    this.#keeper.stop();
    this.#state = "stopped";
    this.#checkIdle();
  }

  /** Resolves when nothing executes, after so long at the latest. */
  async #drained(withinMs: number): Promise<void> {
    if (this.#active.size === 0) return;
    await new Promise<void>((resolve) => {
      const cancel = this.#timers.after(withinMs, resolve, { keepAlive: true });
      this.#onDrained = () => {
        cancel();
        resolve();
      };
    });
  }

  #markStopping(): void {
    if (this.#active.size === 0) return;
    try {
      transact(this.#app, (tx) => markStopping(tx, this.#options.bootId));
    } catch (error) {
      this.#logFault("the stop cannot be noted", error);
    }
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

  /** Whatever has become available rang, or came with the end of another. */
  #isIdle(): boolean {
    if (this.#state === "stopped") return true;
    if (this.#active.size > 0 || this.#wakePending) return false;
    const dueMs = dueAtMs(this.#app.db);
    return dueMs === null || dueMs > this.#app.clock.nowMs();
  }
}
