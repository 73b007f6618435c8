import type { Calendar } from "./calendar.ts";

/** Where the time comes from. Tests pass a fixed one; nothing else reads the system clock. */
export interface Clock {
  /** Milliseconds since the epoch. */
  nowMs(): number;
  /** Whose days limits and sums go by; absent: those of UTC. */
  calendar?: Calendar;
}

export const systemClock: Clock = { nowMs: () => Date.now() };

export interface SteadyClockOptions {
  wallMs?: () => number;
  /** Milliseconds that have passed since some moment, whatever is done to the wall clock. */
  passedMs?: () => number;
  /** The newest time that was recorded before: nothing may seem to have happened before it. */
  notBeforeMs?: number;
  /** The clock was set back too far to be waited for, by so many milliseconds. Called inside of `nowMs`. */
  onSetBack?: (byMs: number) => void;
}

/** Set back by more than this the wall clock was plainly wrong before; by less it is waited for. */
const MAX_AHEAD_MS = 24 * 3_600_000;

/**
 * The system's clock, but never back: times in lists stay in the order in which things happened, nothing is
 * due twice, and what waits for its time goes on waiting no longer than twice as long. When the wall clock is
 * set back, this one goes on from where it was at half the speed until the wall clock has caught up.
 */
export function steadyClock(
  { wallMs = Date.now, passedMs = () => performance.now(), notBeforeMs, onSetBack }:
    SteadyClockOptions = {},
): Clock {
  let nowMs = Math.max(wallMs(), notBeforeMs ?? 0);
  let passed = passedMs();
  return {
    nowMs() {
      const since = passedMs() - passed;
      passed += since;
      const wall = wallMs();
      const aheadMs = nowMs - wall;
      if (aheadMs > MAX_AHEAD_MS) {
        nowMs = wall;
        onSetBack?.(aheadMs);
      } else nowMs = Math.max(wall, nowMs + (aheadMs > 0 ? since / 2 : 0));
      return Math.floor(nowMs);
    },
  };
}

/** UTC text of fixed width ("2026-01-02T03:04:05.678Z"), which sorts as time does. */
export const timeText = (ms: number): string => new Date(ms).toISOString();

export const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
