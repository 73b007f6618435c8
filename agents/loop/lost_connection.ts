/** What a request without an answer came to: whether it can have reached the other side, and what the system said. */
import { messageOf } from "../../server/errors.ts";

/** From how the runtime says that there was no connection for it, or that it was not allowed one. */
const NEVER_SENT = /client error \(Connect\)|requests to port \d+ are blocked|requires net access/i;
/** In front of what is wrong: the address, and who says it. */
const PREAMBLE =
  /^error sending request (?:from \S+ )?for (?:url \()?\S+?\)?(?: \([^)]*\))?: |client error \(\w+\): /g;
/** An error that is its own cause would be followed for ever. */
const MAX_CAUSES = 5;

export interface LostConnection {
  /** It never left this machine. Otherwise it may have been answered, and paid, and nobody will tell. */
  neverSent: boolean;
  detail: string;
}

/** Reads it from the innermost cause: those around it say no more than that it failed. */
export function lostConnection(error: Error): LostConnection {
  let inner: unknown = error;
  for (let left = MAX_CAUSES; left > 0; left--) {
    const { cause } = inner as Error;
    if (!(cause instanceof Error)) break;
    inner = cause;
  }
  const text = messageOf(inner);
  return { neverSent: NEVER_SENT.test(text), detail: text.replaceAll(PREAMBLE, "").trim() || text };
}
