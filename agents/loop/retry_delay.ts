/** Whether the loop itself asks again after a failed request, and how soon. */
import { SECOND_MS } from "../../server/clock.ts";
import { canCompact } from "./limits.ts";
import { kindOfFailure, type LoopState } from "./loop_state.ts";
import type { TurnError } from "./turn.ts";

/** Requests for one turn before the loop lets go and leaves it to the job to try later. */
export const MAX_TRIES = 4;
/** A longer wait than this is not slept through: the job comes back when it is over. */
export const MAX_WAIT_MS = 60 * SECOND_MS;
const BACKOFF_BASE_MS = SECOND_MS;
const BACKOFF_CAP_MS = 30 * SECOND_MS;

/** In milliseconds; null: the loop does not try again. `compacts`: the request asked for a summary. */
export function retryDelay(
  { reason, details }: TurnError,
  state: LoopState,
  { compacts = false, random }: { compacts?: boolean; random: number },
): number | null {
  if (reason === "worker_lost") return 0;
  // The window is smaller than was thought. A summary of the history, which fitted into it, makes room.
  if (reason === "context_full" && (details.retryAfterMs ?? 0) <= MAX_WAIT_MS) {
    return !compacts && canCompact(state) ? 0 : null;
  }
  if (reason === "output_limit") {
    const { maxOutputTokens } = state.spec.model;
    const larger = state.outputLimitHit === null && state.sent!.maxOutputTokens < maxOutputTokens;
    return larger ? 0 : null;
  }
  if (kindOfFailure(reason) !== "retry" || state.tries + 1 >= MAX_TRIES) return null;
  const retryAfterMs = details.retryAfterMs ?? 0;
  if (retryAfterMs > MAX_WAIT_MS) return null;
  return Math.max(retryAfterMs, backoffMs(state.tries, random));
}

/** Full jitter: anything from nothing to 1 s, 2 s, 4 s …, at most 30 s. */
const backoffMs = (failures: number, random: number): number =>
  Math.round(random * Math.min(BACKOFF_CAP_MS, BACKOFF_BASE_MS * 2 ** failures));
