/** How a refusal is answered: one shape for the API, one function for the pages. */
import { HTTPException } from "hono/http-exception";
import { type RequestContext, statusOf } from "./api.ts";
import { AppError, type ErrorCode, type FieldError } from "./errors.ts";
import { machineFaultOf, Unavailable } from "./machine_fault.ts";

/** What went wrong, for a person; nothing in it comes from inside the server. */
export interface PageError {
  status: number;
  /** A few words: "Not found". */
  title: string;
  message: string;
  fields: FieldError[];
  requestId: string;
}

const titles: Record<number, string> = {
  400: "Bad request",
  401: "Not signed in",
  403: "Not allowed",
  404: "Not found",
  405: "Not possible here",
  409: "Not possible now",
  412: "Changed meanwhile",
  413: "Too large",
  415: "Wrong kind of content",
  422: "Not valid",
  428: "Version missing",
  429: "Too many requests",
  500: "Something went wrong",
  503: "Not available",
};

/** Anything that was thrown, as a refusal; what nobody expected becomes `internal` and says no more than that. */
export function toAppError(error: Error): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof HTTPException && error.status < 500) {
    return new AppError(codeOf(error.status), `Cannot read the request: ${error.message}`, [], {
      status: error.status,
      cause: error,
    });
  }
  const fault = machineFaultOf(error);
  if (fault !== null) return new Unavailable(fault, "do it", error);
  return new AppError(
    "internal",
    "Something went wrong on the server. Its log says what, under the request's id",
    [],
    {
      cause: error,
    },
  );
}

function codeOf(status: number): ErrorCode {
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  if (status === 404) return "not_found";
  if (status === 409) return "conflict";
  if (status === 429) return "rate_limited";
  return "invalid";
}

export function pageErrorOf(error: AppError, requestId: string): PageError {
  const status = statusOf(error);
  return {
    status,
    title: titles[status] ?? titles[500]!,
    message: error.message,
    fields: error.fields,
    requestId,
  };
}

/** The API's refusal: problem details of RFC 9457 with a stable code and the fields. */
export function problemResponse(c: RequestContext, error: AppError): Response {
  const { status, title, message, fields, requestId } = pageErrorOf(error, c.var.requestId);
  const body = {
    type: `urn:gaffer:problem:${error.code}`,
    title,
    status,
    detail: message,
    code: error.code,
    errors: fields,
    request_id: requestId,
  };
  return c.body(JSON.stringify(body), status as 500, {
    "content-type": "application/problem+json",
  });
}
