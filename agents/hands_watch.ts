/** Ends hands that take too much of the machine. Looks from outside, and only while they have work. */
import type { Log } from "../server/log.ts";
import { Census, exactMemoryBytes, type Taken } from "./census.ts";
import type { HandsLimits } from "./hands_limits.ts";

/** A program can take a gigabyte in this time; it is killed before the machine has none left. */
const LOOK_EVERY_MS = 200;
/** With thousands of processes a look takes a while: then the next comes later, but not much. */
const REST_FACTOR = 4;
const MAX_REST_MS = 1_000;

/** A process that is held to limits, with all that it has started. */
export interface Watched {
  readonly pid: number;
  readonly limits: HandsLimits;
  /** A command is at work in it. */
  readonly runsCommand: boolean;
  /** Ends it; `cause` goes on after "because". */
  endForExcess(cause: string): Promise<void>;
}

export class HandsWatch {
  readonly #log: Log;
  readonly #census = new Census();
  readonly #followed = new Set<Watched>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(log: Log) {
    this.#log = log;
  }

  follow(hands: Watched): void {
    this.#followed.add(hands);
    this.#timer ??= setTimeout(() => this.#look(), LOOK_EVERY_MS);
  }

  unfollow(hands: Watched): void {
    this.#followed.delete(hands);
    if (this.#followed.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #look(): void {
    const begin = performance.now();
    const taken = this.#census.count([...this.#followed].map(({ pid }) => pid));
    for (const hands of [...this.#followed]) this.#judge(hands, taken.get(hands.pid)!);
    if (this.#followed.size === 0) return;
    const restMs = Math.min(MAX_REST_MS, REST_FACTOR * (performance.now() - begin));
    this.#timer = setTimeout(() => this.#look(), Math.max(LOOK_EVERY_MS, restMs));
  }

  #judge(hands: Watched, taken: Taken): void {
    const excess = this.#excess(hands, taken);
    if (excess === null) return;
    this.#log.warn("hands took too much and were ended", { excess });
    void hands.endForExcess(excess);
  }

  #excess(hands: Watched, taken: Taken): string | null {
    const { tasks, commandMemoryBytes, toolMemoryBytes } = hands.limits;
    if (taken.tasks > tasks) return `it had more than ${tasks} processes and threads at once`;
    const allowed = hands.runsCommand ? commandMemoryBytes : toolMemoryBytes;
    if (taken.memoryBytes <= allowed || exactMemoryBytes(taken) <= allowed) return null;
    return `it took more than ${Math.round(allowed / 1024 ** 2)} MB of memory`;
  }
}
