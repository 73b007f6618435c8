/** What becomes of a job whose attempt failed: when it comes back, or that it does not. Pure functions. */
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import type { Job } from "../server/records.ts";
import type { Ending } from "./lease.ts";

const FIRST_CEILING_MS = 5 * SECOND_MS;
const MAX_CEILING_MS = 10 * MINUTE_MS;
/** A server may ask for any pause; no job sleeps longer than this without another look. */
const MAX_AFTER_MS = DAY_MS;

/** `random` gives numbers from 0 to just below 1. */
export interface RetryOptions {
  random: () => number;
  /** What the other side asked for (`retry-after`): never earlier than this, up to a day. */
  afterMs?: number;
}

/**
 * Delay before the attempt that follows failed attempt `attempt`: anywhere from 0 to a ceiling that doubles
 * (full jitter), so that jobs which failed together do not come back together.
 *
 * | failed attempt | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 and later |
 * |---|---|---|---|---|---|---|---|---|
 * | ceiling, seconds | 5 | 10 | 20 | 40 | 80 | 160 | 320 | 600 |
 */
export function retryDelayMs(attempt: number, { random, afterMs = 0 }: RetryOptions): number {
  const ceiling = Math.min(MAX_CEILING_MS, FIRST_CEILING_MS * 2 ** (attempt - 1));
  const jittered = Math.floor(random() * ceiling);
  return Math.max(jittered, Math.min(Number.isFinite(afterMs) ? afterMs : 0, MAX_AFTER_MS));
}

/** How a failed attempt ends: another try while the job has attempts left, otherwise discarded. */
export function endingAfterFailure(
  job: Pick<Job, "attempt" | "maxAttempts">,
  reason: string,
  nowMs: number,
  options: RetryOptions,
): Ending {
  if (job.attempt >= job.maxAttempts) return { type: "discard", reason };
  return { type: "retry", reason, runAtMs: nowMs + retryDelayMs(job.attempt, options) };
}
