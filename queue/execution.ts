/** One attempt at a job: its handler, its signal, its time-out, and what it came to. */
import type { App } from "../server/app.ts";
import { SECOND_MS } from "../server/clock.ts";
import type { Tx } from "../server/db.ts";
import { AppError, messageOf } from "../server/errors.ts";
import type { FailureReason } from "../server/states.ts";
import { machineFaultOf, machineFaults } from "../server/machine_fault.ts";
import type { Cancel, Timers } from "../server/timers.ts";
import { type AbortCause, JobAborted, type JobHandler, jobPolicies, type Outcome } from "./job.ts";
import type { Ending, LeasedJob } from "./lease.ts";
import { endingAfterFailure } from "./retry.ts";

/** A handler that has not ended this long after its abort is named in the log. */
export const ABORT_PATIENCE_MS = 30 * SECOND_MS;

/** After the machine lacked something (room on the disk, files to open). */
export const MACHINE_FAULT_PAUSE_MS = 5 * SECOND_MS;

export interface ExecutionOptions {
  app: App;
  timers: Timers;
  random: () => number;
}

/** Finds out how an attempt ended, in the transaction that records it. */
export type DecideEnding = (tx: Tx) => Ending;

export class Execution {
  readonly startedAtMs: number;
  readonly #controller = new AbortController();
  #abortedFor: AbortCause | null = null;
  #handlerEnded = false;
  #handler: JobHandler | undefined;
  #cancelTimer: Cancel = () => {};

  constructor(readonly job: LeasedJob, readonly options: ExecutionOptions) {
    this.startedAtMs = options.app.clock.nowMs();
  }

  /**
   * Never rejects: whatever the handler does becomes an ending, or what finds one out when it is recorded. `refusal`:
   * the job could not begin.
   */
  async run(
    handler: JobHandler | undefined,
    refusal?: { error: unknown },
  ): Promise<Ending | DecideEnding> {
    const { job, options: { app } } = this;
    this.#handler = handler;
    if (!handler) {
      const reason = `No handler for "${job.kind}" jobs`;
      return { type: "discard", reason, failure: "internal" };
    }
    const { timeoutMs } = jobPolicies[handler.kind];
    if (timeoutMs !== null) this.startTimer(timeoutMs, () => this.abort("timed_out"));
    try {
      if (refusal) throw refusal.error;
      const context = { app, job, signal: this.#controller.signal };
      const outcome = await handler.run(job.args as never, context);
      if (typeof outcome !== "function") return this.#endingOf(outcome);
      return (tx) => this.#endingOf(outcome(tx));
    } catch (error) {
      return this.endingAfter(error);
    } finally {
      this.#handlerEnded = true;
      this.stopTimer();
    }
  }

  /** How the attempt ends when its handler, or what it decides at the end, throws. */
  endingAfter(error: unknown): Ending {
    const { job: { id, kind, attempt }, options: { app } } = this;
    if (!this.#abortedFor) {
      app.log.warn("a job failed", {
        job: id,
        kind,
        attempt,
        // A refusal says all that there is to know; of a fault it matters where it was.
        error: error instanceof Error && !(error instanceof AppError)
          ? error.stack ?? error.message
          : messageOf(error),
      });
    }
    return this.#machineFailure(error) ?? this.#failure(messageOf(error));
  }

  #endingOf(outcome: Outcome): Ending {
    switch (outcome.type) {
      case "done":
      case "cancel":
        return outcome;
      case "snooze": {
        if (!Number.isFinite(outcome.ms)) throw new RangeError(`Cannot snooze ${outcome.ms} ms`);
        const runAtMs = this.options.app.clock.nowMs() + Math.max(0, outcome.ms);
        return { type: "snooze", reason: outcome.reason, runAtMs };
      }
      case "retry":
        return this.#failure(outcome.reason, outcome);
    }
  }

  /** A full disk and the like are not the job's fault: it waits, however long, and loses no attempt by it. */
  #machineFailure(error: unknown): Ending | null {
    const fault = machineFaultOf(error);
    if (fault === null || this.#abortedFor) return null;
    const { what, mend } = machineFaults[fault];
    // A refusal knows more: which disk, or what was to be done.
    const why = error instanceof AppError ? error.message : capital(`${what}. ${mend}`);
    const runAtMs = this.options.app.clock.nowMs() + MACHINE_FAULT_PAUSE_MS;
    return { type: "snooze", reason: why, failure: "machine_fault", runAtMs };
  }

  #failure(reason: string, how: { failure?: FailureReason; afterMs?: number } = {}): Ending {
    const { app: { clock }, random } = this.options;
    if (this.#abortedFor === "shutdown") {
      return { type: "release", reason: "Gaffer stopped while it ran" };
    }
    if (this.#abortedFor !== "timed_out") {
      return endingAfterFailure(this.job, reason, clock.nowMs(), { random, ...how });
    }
    const seconds = Math.round((clock.nowMs() - this.startedAtMs) / SECOND_MS);
    return endingAfterFailure(
      this.job,
      `Timed out after ${seconds} s: ${reason}`,
      clock.nowMs(),
      { random, unnamed: "timed_out" },
    );
  }

  /** Asks the handler to end as soon as nothing is lost by it. One that can't be asked is aborted. */
  letGo(): void {
    const { job, options: { app } } = this;
    if (this.#handler?.letGo) this.#handler.letGo(app, job.args as never);
    else this.abort("shutdown");
  }

  /**
   * Tells the handler to end. The first cause counts, later ones change nothing. Nothing is told to a handler that
   * has ended: until that is recorded, the one timer may be what records it.
   */
  abort(why: AbortCause): void {
    if (this.#abortedFor || this.#handlerEnded) return;
    this.#abortedFor = why;
    this.startTimer(ABORT_PATIENCE_MS, () => {
      const { id, kind } = this.job;
      this.options.app.log.error("a job goes on although it was aborted", { job: id, kind, why });
    });
    this.#controller.abort(new JobAborted(why));
  }

  /** The one timer of this attempt: a new one replaces the old. */
  startTimer(delayMs: number, callback: () => void): void {
    this.#cancelTimer();
    this.#cancelTimer = this.options.timers.after(delayMs, callback);
  }

  stopTimer(): void {
    this.#cancelTimer();
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
