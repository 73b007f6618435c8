/**
 * Slows all runs down before the provider refuses one: it follows what the headers of every answer tell of the
 * account's rate limits, and holds a request back when a limit is nearly used up. A guess that was wrong costs one
 * refusal, which the loop handles; no request is held for longer than a minute.
 */
import { MINUTE_MS } from "../../server/clock.ts";
import {
  type RateBucket,
  rateBuckets,
  type RateLimits,
  type RunEventBody,
  type RunSpec,
} from "../protocol.ts";
import { type Gate, pause } from "./gate.ts";

/** Longest time for which a request is held. */
export const LIMITER_WAIT_MS = MINUTE_MS;
/** Below this share of a limit, requests go out no faster than the limit fills again. */
const LOW_SHARE = 0.2;
/** Limits are per minute. */
const FILL_MS = MINUTE_MS;
/** What a run's request is taken to need before its first answer told better. */
const FIRST_OUTPUT_TOKENS = 1_000;
const CHARS_PER_TOKEN = 4;
/** A request whose headers never came is counted for so long. */
const FORGET_MS = 2 * MINUTE_MS;

type Need = Record<RateBucket, number>;

interface Bucket {
  limit: number;
  remaining: number;
  /** When it is full again. */
  fullAtMs: number;
}

export class RateLimiter implements Gate {
  readonly #buckets = new Map<RateBucket, Bucket>();
  /** Requests that no headers have accounted for yet, by run. */
  readonly #reserved = new Map<string, { need: Need; atMs: number }>();
  /** What the run's last request needed. */
  readonly #last = new Map<string, Need>();

  constructor(readonly nowMs: () => number) {}

  async before(spec: RunSpec, signal: AbortSignal): Promise<void> {
    const need = this.#last.get(spec.runId) ?? firstNeed(spec);
    const waitMs = this.waitMs(need);
    // Reserved while it waits, too: those that come later wait for longer.
    this.#reserved.set(spec.runId, { need, atMs: this.nowMs() + waitMs });
    if (waitMs === 0) return;
    try {
      await pause(waitMs, signal);
    } catch (error) {
      this.#reserved.delete(spec.runId);
      throw error;
    }
  }

  /** How long a request that needs so much should be held now. */
  waitMs(need: Need): number {
    const nowMs = this.nowMs();
    const reserved = [...this.#reserved.values()].filter(({ atMs }) => nowMs - atMs < FORGET_MS);
    const waits = rateBuckets.map((name) => {
      const bucket = this.#buckets.get(name);
      if (!bucket || bucket.fullAtMs <= nowMs) return 0;
      const { limit, remaining, fullAtMs } = bucket;
      const left = remaining - reserved.reduce((sum, other) => sum + other.need[name], 0) -
        need[name];
      if (left >= limit * LOW_SHARE) return 0;
      // Enough for this one: no faster than it fills. Not enough: until what is missing is there.
      const missing = left >= 0 ? need[name] : -left;
      return Math.min(fullAtMs - nowMs, (missing / limit) * FILL_MS);
    });
    return Math.ceil(Math.min(LIMITER_WAIT_MS, Math.max(0, ...waits)));
  }

  /** The newest answer tells the truth about all that the provider had admitted until then. */
  rate(runId: string, limits: RateLimits): void {
    this.#reserved.delete(runId);
    const nowMs = this.nowMs();
    for (const name of rateBuckets) {
      const told = limits[name];
      if (!told) continue;
      const { limit, remaining, resetInMs } = told;
      this.#buckets.set(name, { limit, remaining, fullAtMs: nowMs + resetInMs });
    }
  }

  recorded(runId: string, event: RunEventBody): void {
    if (event.type === "turn_failed") this.#reserved.delete(runId);
    if (event.type !== "turn_finished") return;
    this.#reserved.delete(runId);
    const { inputTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = event.usage;
    // What is read from the cache counts against no limit.
    const input = inputTokens + cacheWrite5mTokens + cacheWrite1hTokens;
    this.#last.set(runId, needOf(input, outputTokens));
  }

  over(runId: string): void {
    this.#reserved.delete(runId);
    this.#last.delete(runId);
  }
}

const firstNeed = ({ system, tools, prompt }: RunSpec): Need =>
  needOf(
    Math.ceil((system.length + prompt.length + JSON.stringify(tools).length) / CHARS_PER_TOKEN),
    FIRST_OUTPUT_TOKENS,
  );

const needOf = (input: number, output: number): Need => ({
  requests: 1,
  tokens: input + output,
  "input-tokens": input,
  "output-tokens": output,
});
