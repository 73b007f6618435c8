/** Why a ticket is not worked on right now, whatever its state: one answer for the pages and the API. */
import { firstLine, sentence } from "../../views/format.ts";
import { type Delay, failureWords } from "../../views/words.ts";
import type { App } from "../app.ts";
import type { Ticket } from "../records.ts";
import { failureReasons } from "../states.ts";
import { type Delays, delaysOf } from "./delays.ts";

/** Longest reason of a blocked ticket that is given with it. */
const REASON_MAX_CHARS = 500;

/** Null: something is at work for it, or it has ended. `until`: when it may go on, as far as anybody knows. */
export function standingOf(
  app: App,
  ticket: Ticket,
  delays: Delays = delaysOf(app),
): Delay | null {
  const { status, step, pausedBy, mergeWait, failure, reason } = ticket;
  if (pausedBy !== null) {
    return waits(`Paused by ${pausedBy}`, "It goes on when somebody resumes it.");
  }
  switch (status) {
    case "queued":
    case "in_progress":
      return delays.ofTicket(ticket);
    case "review":
      if (mergeWait !== "") return waits("The merge waits", mergeWait);
      return step === "merge" ? delays.ofTicket(ticket) : waits("Waits for a person's review", "");
    case "blocked":
      return waits(
        failure === null ? "Blocked" : `Blocked: ${failureWords[failure].toLowerCase()}`,
        [
          reason && sentence(firstLine(reason, REASON_MAX_CHARS)),
          failure === null ? "" : failureReasons[failure].mend,
        ]
          .join(" ").trim(),
      );
    case "done":
    case "cancelled":
      return null;
  }
}

const waits = (why: string, more: string): Delay => ({ why, until: null, more });
