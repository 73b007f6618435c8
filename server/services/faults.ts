/** What a thrown error means for the work of a job: something a person must mend, or a fault to try again. */
import { AppError } from "../errors.ts";
import type { FailureReason } from "../states.ts";

/** An attempt at a job. */
export interface Attempt {
  /** From 1. */
  attempt: number;
  maxAttempts: number;
}

/**
 * The reason with which the work ends, for a person to see; null: the error is to be thrown on, since the job
 * is stopped or is tried again. After its last attempt nothing would come back, so the work ends there, too.
 */
export function failureOf(
  error: unknown,
  { attempt, maxAttempts }: Attempt,
  signal: AbortSignal,
): FailureReason | null {
  if (signal.aborted) return null;
  if (error instanceof AppError) return "repository";
  return attempt >= maxAttempts ? "internal" : null;
}
