/** A decision is about what somebody saw: the commit whose diff was on the page. */
import { AppError } from "../errors.ts";
import type { Ticket } from "../records.ts";

/**
 * Throws `conflict` when a ticket's work is not that of `commit` any more; undefined: nobody says what was looked at.
 * `doing` completes "Cannot …".
 */
export function requireLookedAt(ticket: Ticket, commit: string | undefined, doing: string): void {
  const { number, headCommit } = ticket;
  if (commit === undefined || commit === headCommit) return;
  throw new AppError(
    "conflict",
    `Cannot ${doing} ticket #${number}: it has changed since you looked, its branch is at ${
      headCommit?.slice(0, SHOWN_CHARS) ?? "no commit"
    } and you saw ${commit.slice(0, SHOWN_CHARS)}. Look at what is new, then decide again`,
  );
}

const SHOWN_CHARS = 7;
