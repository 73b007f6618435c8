/** One timer for whatever is due next. Setting timers is dear to a busy queue, so one that comes soon enough stays. */
import type { Clock } from "../server/clock.ts";
import type { Cancel, Timers } from "../server/timers.ts";

export interface AlarmOptions {
  clock: Clock;
  timers: Timers;
  /** Longer than this it never waits. */
  maxMs: number;
  ring: () => void;
}

export class Alarm {
  readonly #options: AlarmOptions;
  #cancel: Cancel = () => {};
  /** When it rings, on the clock; null: it is not set. */
  #atMs: number | null = null;

  constructor(options: AlarmOptions) {
    this.#options = options;
  }

  /** Rings after so long at the latest. */
  within(delayMs: number): void {
    const { clock, timers, maxMs, ring } = this.#options;
    const nowMs = clock.nowMs();
    const atMs = nowMs + Math.min(delayMs, maxMs);
    // After the clock was set nobody knows when a timer comes that was set before.
    const sound = this.#atMs !== null && this.#atMs > nowMs && this.#atMs <= nowMs + maxMs;
    if (sound && this.#atMs! <= atMs) return;
    this.#cancel();
    this.#atMs = atMs;
    // At least 1 ms: a timer may fire a moment before the clock reaches its time.
    this.#cancel = timers.after(Math.max(1, atMs - nowMs), () => {
      this.#atMs = null;
      ring();
    });
  }

  cancel(): void {
    this.#cancel();
    this.#atMs = null;
  }
}
