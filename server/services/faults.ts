/** What a thrown error means for the work of a job: something a person must mend, or a fault to try again. */
import { AppError } from "../errors.ts";
import { machineFaultOf } from "../machine_fault.ts";
import { failureReasons, type OutsideReason } from "../states.ts";

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
): OutsideReason | null {
  // What the machine lacks is no fault of the work: the queue puts it off, however often.
  if (signal.aborted || machineFaultOf(error) !== null) return null;
  const isLast = attempt >= maxAttempts;
  if (!(error instanceof AppError)) return isLast ? "internal" : null;
  const failure = error.failure ?? "repository";
  return failureReasons[failure].retriable && !isLast ? null : failure;
}
