/** Where the time comes from. Tests pass a fixed one; nothing else reads the system clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

/** UTC text of fixed width ("2026-01-02T03:04:05.678Z"), which sorts as time does. */
export const timeText = (ms: number): string => new Date(ms).toISOString();

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
