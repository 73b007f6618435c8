/** Notices a run of which nothing is heard any more: no event, nothing streamed, nothing printed. */
import { MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import type { Cancel, Timers } from "../server/timers.ts";
import type { RunOutcome } from "./protocol.ts";

/**
 * A run is stopped after so long a silence. A request that is silent is given up much earlier, and a command may
 * be silent for its own time limit on top: what is left is what nobody thought of.
 */
export const STALL_MS = 10 * MINUTE_MS;
/** A timer that comes later than this tells that the process itself did not run: a laptop was shut, say. */
const ASLEEP_MS = 30 * SECOND_MS;

export interface StallWatchOptions {
  nowMs: () => number;
  timers: Timers;
  /** Default `STALL_MS`. */
  stallMs?: number;
  /** Called once. */
  onStall: () => void;
}

export class StallWatch {
  readonly #options: StallWatchOptions;
  readonly #stallMs: number;
  #dueMs = Infinity;
  #timerDueMs = Infinity;
  #cancel: Cancel = () => {};
  #stalled = false;

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#stallMs = options.stallMs ?? STALL_MS;
    this.sign();
  }

  /** How the run ends; null while it lives. */
  get outcome(): RunOutcome | null {
    if (!this.#stalled) return null;
    const minutes = Math.round(this.#stallMs / MINUTE_MS);
    const message = `Cannot go on: nothing was heard of the run for ${minutes} minutes`;
    return { type: "failed", reason: "stalled", message };
  }

  /** Something was heard. From now on the run may be silent for `patienceMs` beyond what any may. */
  sign(patienceMs = 0): void {
    this.#dueMs = this.#options.nowMs() + this.#stallMs + patienceMs;
    // Signs come by the thousand: a timer that is early enough stays, and looks again when it is due.
    if (this.#dueMs < this.#timerDueMs) this.#arm();
  }

  /** What happens is not the agent's doing: no silence counts until the next sign. */
  suspend(): void {
    this.#cancel();
    this.#dueMs = Infinity;
    this.#timerDueMs = Infinity;
  }

  stop(): void {
    this.#cancel();
  }

  #arm(): void {
    this.#cancel();
    this.#timerDueMs = this.#dueMs;
    const waitMs = this.#dueMs - this.#options.nowMs();
    this.#cancel = this.#options.timers.after(waitMs, () => this.#look());
  }

  #look(): void {
    const nowMs = this.#options.nowMs();
    if (nowMs - this.#timerDueMs > ASLEEP_MS) this.sign();
    if (nowMs < this.#dueMs) return this.#arm();
    this.#stalled = true;
    this.#options.onStall();
  }
}
