/** Keeps the leases of what this process executes, and notices those that are no longer its own. */
import type { App } from "../server/app.ts";
import { MINUTE_MS, SECOND_MS, timeText } from "../server/clock.ts";
import { transact } from "../server/db.ts";
import type { Cancel, Timers } from "../server/timers.ts";
import type { Execution } from "./execution.ts";
import { expiredLeases, finish, leaseState, renew } from "./lease.ts";
import { replanSchedules } from "./schedules.ts";

/** How long a lease lasts, and how often it is renewed while its job executes. */
export const LEASE_MS = MINUTE_MS;
export const RENEW_EVERY_MS = 20 * SECOND_MS;

export interface KeeperOptions {
  app: App;
  bootId: string;
  timers: Timers;
  /** What executes now; the runner changes it. */
  active: ReadonlySet<Execution>;
  logFault: (message: string, error: unknown) => void;
}

export class LeaseKeeper {
  readonly #options: KeeperOptions;
  #cancelRenewal: Cancel | null = null;

  constructor(options: KeeperOptions) {
    this.#options = options;
  }

  /** Renews again and again as long as anything executes. */
  keepRenewing(): void {
    const { timers, active, logFault } = this.#options;
    this.#cancelRenewal ??= timers.after(RENEW_EVERY_MS, () => {
      this.#cancelRenewal = null;
      if (active.size === 0) return;
      try {
        transact(this.#options.app, (tx) => {
          for (const { job } of active) renew(tx, job, LEASE_MS);
        });
        this.abortLost();
      } catch (error) {
        // Nothing dies of it: a lease that ran out is taken back only when nobody works on it.
        logFault("leases cannot be renewed", error);
      }
      this.keepRenewing();
    });
  }

  stop(): void {
    this.#cancelRenewal?.();
  }

  /** Aborts what somebody cancelled, and what lost its lease in any other way. */
  abortLost(): void {
    for (const execution of this.#options.active) {
      const { held, status } = leaseState(this.#options.app.db, execution.job);
      if (!held) execution.abort(status === "cancelled" ? "cancelled" : "lease_lost");
    }
  }

  /** Should the clock have been set back by days, recurring jobs must not wait until it is there again. */
  replan(): void {
    try {
      transact(this.#options.app, replanSchedules);
    } catch (error) {
      this.#options.logFault("schedules cannot be planned anew", error);
    }
  }

  /** An expired lease of this process that no handler holds is a bug; its job must not hang for ever. */
  takeBackLost(): void {
    const { app: { db, clock, log }, bootId, active, logFault } = this.#options;
    const held = new Set([...active].map(({ job }) => job.leaseToken));
    try {
      const lost = expiredLeases(db, bootId, timeText(clock.nowMs()))
        .filter(({ leaseToken }) => !held.has(leaseToken));
      if (lost.length === 0) return;
      log.error("jobs were executing without a handler", { jobs: lost.map(({ id }) => id) });
      transact(this.#options.app, (tx) => {
        for (const lease of lost) {
          finish(tx, lease, { type: "release", reason: "Its handler was gone" });
        }
      });
    } catch (error) {
      logFault("lost jobs cannot be taken back", error);
    }
  }
}
