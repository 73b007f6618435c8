/** What becomes of a job whose attempt failed: when it comes back, or that it does not. Pure functions. */
import { DAY_MS, MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import type { Job } from "../server/records.ts";
import { type FailureReason, failureReasons } from "../server/states.ts";
import type { Ending } from "./lease.ts";

/** The delay is anywhere below a ceiling, which doubles from the first to the last with each failed attempt. */
interface Ceilings {
  firstMs: number;
  lastMs: number;
}

const USUAL: Ceilings = { firstMs: 5 * SECOND_MS, lastMs: 10 * MINUTE_MS };
/** Failures that are over sooner than others, or later. */
const ceilings: Partial<Record<FailureReason, Ceilings>> = {
  stream_broken: { firstMs: SECOND_MS, lastMs: MINUTE_MS },
  worker_lost: { firstMs: SECOND_MS, lastMs: MINUTE_MS },
  network: { firstMs: 2 * SECOND_MS, lastMs: 10 * MINUTE_MS },
  rate_limited: { firstMs: 10 * SECOND_MS, lastMs: 10 * MINUTE_MS },
  overloaded: { firstMs: 10 * SECOND_MS, lastMs: 10 * MINUTE_MS },
};

/** A server may ask for any pause; no job sleeps longer than this without another look. */
const MAX_AFTER_MS = DAY_MS;

/** `random` gives numbers from 0 to just below 1. */
export interface RetryOptions {
  random: () => number;
  /** What the other side asked for (`retry-after`): never earlier than this, up to a day. */
  afterMs?: number;
  /** What went wrong, where it has a name. */
  failure?: FailureReason;
}

/**
 * Delay before the attempt that follows failed attempt `attempt`: anywhere from 0 to a ceiling that doubles
 * (full jitter), so that jobs which failed together do not come back together. For most failures:
 *
 * | failed attempt | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 and later |
 * |---|---|---|---|---|---|---|---|---|
 * | ceiling, seconds | 5 | 10 | 20 | 40 | 80 | 160 | 320 | 600 |
 */
export function retryDelayMs(
  attempt: number,
  { random, afterMs = 0, failure }: RetryOptions,
): number {
  const { firstMs, lastMs } = failure && ceilings[failure] || USUAL;
  const ceiling = Math.min(lastMs, firstMs * 2 ** (attempt - 1));
  const jittered = Math.floor(random() * ceiling);
  return Math.max(jittered, Math.min(Number.isFinite(afterMs) ? afterMs : 0, MAX_AFTER_MS));
}

/**
 * How a failed attempt ends: another try while the job has attempts left, otherwise discarded; at once where
 * the handler has named a failure that only a person can mend. One that it did not name may be over next time.
 */
export function endingAfterFailure(
  job: Pick<Job, "attempt" | "maxAttempts">,
  reason: string,
  nowMs: number,
  options: RetryOptions & { unnamed?: "internal" | "timed_out" },
): Ending {
  const { failure, unnamed = "internal" } = options;
  const hopeless = failure !== undefined && !failureReasons[failure].retriable;
  const name = failure ?? unnamed;
  if (hopeless || job.attempt >= job.maxAttempts) return { type: "discard", reason, failure: name };
  const runAtMs = nowMs + retryDelayMs(job.attempt, options);
  return { type: "retry", reason, failure: name, runAtMs };
}
