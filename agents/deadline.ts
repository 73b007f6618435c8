/** A time limit whose time can stand still. */
import type { Cancel, Timers } from "../server/timers.ts";

export interface DeadlineOptions {
  /** A clock that never goes back. */
  nowMs: () => number;
  timers: Timers;
  afterMs: number;
  /** Called once. */
  onOver: () => void;
}

export class Deadline {
  readonly #options: DeadlineOptions;
  #leftMs: number;
  #cancel: Cancel = () => {};
  /** When its time began to run or to stand still. */
  #sinceMs: number;
  #state: "running" | "suspended" | "stopped" = "running";
  #suspendedMs = 0;

  constructor(options: DeadlineOptions) {
    this.#options = options;
    this.#leftMs = options.afterMs;
    this.#sinceMs = options.nowMs();
    this.#arm();
  }

  /** For how long its time has stood still in all. */
  get suspendedMs(): number {
    const now = this.#state === "suspended" ? this.#options.nowMs() - this.#sinceMs : 0;
    return this.#suspendedMs + now;
  }

  /** No-op when its time stands still already. */
  suspend(): void {
    if (this.#state !== "running") return;
    this.#leftMs -= this.#turn("suspended");
    this.#cancel();
  }

  /** No-op when its time runs. */
  resume(): void {
    if (this.#state !== "suspended") return;
    this.#suspendedMs += this.#turn("running");
    this.#arm();
  }

  /** So much of the time that ran was not to count: there is that much more of it. No-op when it was stopped. */
  excuse(ms: number): void {
    if (this.#state === "stopped") return;
    this.#suspendedMs += ms;
    this.#leftMs += ms;
    if (this.#state !== "running") return;
    this.#leftMs -= this.#turn("running");
    this.#cancel();
    this.#arm();
  }

  /** For good: it is not called back any more. */
  stop(): void {
    if (this.#state === "suspended") this.#suspendedMs += this.#turn("stopped");
    this.#state = "stopped";
    this.#cancel();
  }

  /** Returns for how long it was what it is no more. */
  #turn(to: "running" | "suspended" | "stopped"): number {
    const beganMs = this.#sinceMs;
    this.#sinceMs = this.#options.nowMs();
    this.#state = to;
    return this.#sinceMs - beganMs;
  }

  #arm(): void {
    this.#cancel = this.#options.timers.after(Math.max(0, this.#leftMs), this.#options.onOver);
  }
}
