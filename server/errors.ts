/** The one error type people can act on. Everything else is a fault: logged, shown as a plain page. */
import type { OutsideReason } from "./states.ts";

/** What kind of refusal it is; each has one HTTP status. */
export type ErrorCode =
  | "invalid"
  | "unauthorized"
  | "forbidden"
  | "not_found"
  | "conflict"
  | "rate_limited"
  | "unavailable"
  | "internal";

/** HTTP status of each code. */
export const httpStatus: Record<ErrorCode, 400 | 401 | 403 | 404 | 409 | 422 | 429 | 500 | 503> = {
  invalid: 422,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  conflict: 409,
  rate_limited: 429,
  unavailable: 503,
  internal: 500,
};

/** One thing wrong with one input field; `field` is the name the person or client used. */
export interface FieldError {
  field: string;
  message: string;
}

/**
 * A refusal with its reason: `Cannot <do it>: <current state>. <How to mend it>`.
 * `fields` names what was wrong in a form or body; it is shown beside the fields.
 */
export class AppError extends Error {
  override name = "AppError";
  /** HTTP status where the code's own is not exact enough (412, 428). */
  readonly status: number | undefined;
  /** Why work that met it ends, where that is not the `repository`. */
  readonly failure: OutsideReason | undefined;
  constructor(
    readonly code: ErrorCode,
    message: string,
    readonly fields: FieldError[] = [],
    options: ErrorOptions & { status?: number; failure?: OutsideReason } = {},
  ) {
    super(message, options);
    this.status = options.status;
    this.failure = options.failure;
  }
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
