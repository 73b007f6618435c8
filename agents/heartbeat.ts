/**
 * Notices a brain that hangs. It is asked again and again whether it lives, and is lost when it has been silent
 * for too long although it could have answered: a thread that did not get its turn on a crowded machine has not.
 */
import { SECOND_MS } from "../server/clock.ts";
import type { Cancel, Timers } from "../server/timers.ts";
import type { ThreadClock, ThreadTime } from "./thread_clock.ts";

/** Between two pings. With those that may be missed, a brain that hangs is lost within 0.75 s. */
export const HEARTBEAT_MS = SECOND_MS / 8;
/** Pings in a row without a sign of life: a brain that reads a long history is silent for a moment. */
export const MAX_MISSED_PONGS = 4;
/** Of the time of those pings, what a brain that computes must have had of a processor, in intervals. */
const SERVED_INTERVALS = 2;
/** How many times longer than on a quiet machine it is waited at most. */
export const MAX_CROWDING = 8;
/** Intervals between two pings beyond which it was this process, or the machine, that stood still. */
const LATE_FACTOR = 2;

export interface HeartbeatOptions {
  /** Default `HEARTBEAT_MS`. */
  everyMs?: number;
  ping: () => void;
  /** Called once; then it has stopped. */
  onLost: () => void;
  /** Of the brain's thread. */
  clock: ThreadClock;
  timers: Timers;
  /** A clock that never goes back. */
  nowMs: () => number;
  /** How crowded the machine is, from 1, where the clock does not tell. */
  crowding?: () => number;
}

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #everyMs: number;
  #cancel: Cancel | null = null;
  #pingedAtMs = 0;
  #missed = 0;
  /** What the clock said when the silence began, and at the last ping. */
  #begin: ThreadTime | null = null;
  #last: ThreadTime | null = null;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#everyMs = options.everyMs ?? HEARTBEAT_MS;
  }

  /** No-op when it beats already. */
  start(): void {
    if (this.#cancel) return;
    this.sign();
    this.#pingedAtMs = this.#options.nowMs();
    this.#wait();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = null;
  }

  /** The brain has said something. */
  sign(): void {
    this.#missed = 0;
    this.#begin = null;
    this.#last = null;
  }

  #wait(): void {
    const { timers } = this.#options;
    this.#cancel = timers.after(this.#everyMs, () => this.#beat(), { keepAlive: true });
  }

  #beat(): void {
    const sinceMs = this.#options.nowMs() - this.#pingedAtMs;
    this.#pingedAtMs += sinceMs;
    // Where the server itself was not served in time, a brain's silence says nothing.
    const isLate = sinceMs > LATE_FACTOR * this.#everyMs;
    if (!isLate) {
      if (this.#missed > 0 && this.#isLost()) {
        this.stop();
        return this.#options.onLost();
      }
      this.#missed++;
    }
    this.#wait();
    this.#options.ping();
  }

  /** Otherwise it may yet answer. */
  #isLost(): boolean {
    const now = this.#options.clock();
    if (now === "gone") return true;
    const before = this.#last;
    this.#begin ??= now;
    this.#last = now;
    if (this.#missed < MAX_MISSED_PONGS) return false;
    if (this.#missed >= MAX_MISSED_PONGS * MAX_CROWDING) return true;
    return now && before && this.#begin
      ? this.#couldAnswer(now, before, this.#begin)
      : this.#missed >= MAX_MISSED_PONGS * this.#crowding();
  }

  #couldAnswer(now: ThreadTime, before: ThreadTime, begin: ThreadTime): boolean {
    // Asleep all along although pings wait for it: it is stuck in a wait. (One that collects garbage may sleep, too,
    // but not through.)
    if (now.asleep && before.asleep && now.ranMs === before.ranMs) return true;
    return now.ranMs - begin.ranMs >= SERVED_INTERVALS * this.#everyMs;
  }

  #crowding(): number {
    const { crowding = loadPerProcessor } = this.#options;
    return Math.min(Math.max(1, crowding()), MAX_CROWDING);
  }
}

/** The last minute's figure: how many times longer everything took, where there was more to do than processors. */
const loadPerProcessor = (): number =>
  (Deno.loadavg()[0] ?? 0) / Math.max(1, navigator.hardwareConcurrency);
