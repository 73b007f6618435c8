/** What stands between a run and its next request: each gate holds it for a bounded time. */
import type { RateLimits, RunEventBody, RunSpec } from "../protocol.ts";

export interface Gate {
  /** Settles when the request may go out, at the latest after the gate's own limit. Rejects when `signal` aborts. */
  before(run: RunSpec, signal: AbortSignal): Promise<void>;
  /** The run's request begins to be answered. */
  answering?(runId: string): void;
  /** What the headers of the run's request told. */
  rate?(runId: string, limits: RateLimits): void;
  /** Something of the run is on record. */
  recorded?(runId: string, event: RunEventBody): void;
  /** The run does not work any more, however it ended. */
  over?(runId: string): void;
}

/** Resolves after `ms`, or when `until` does; rejects when `signal` aborts. Leaves nothing behind. */
export async function pause(
  ms: number,
  signal: AbortSignal,
  until: Promise<unknown> = new Promise(() => {}),
): Promise<void> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const timer = setTimeout(resolve, ms);
  const stopped = () => reject(signal.reason);
  signal.addEventListener("abort", stopped, { once: true });
  try {
    await Promise.race([promise, until]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stopped);
  }
}
