/**
 * What a brain says, gathered: each message wakes the server's thread, which takes longer than to read it. Nothing
 * overtakes anything, and what somebody waits for goes out in the turn of the event loop in which it was said.
 */
import type { FromBrain } from "./protocol.ts";

/** How long what nobody waits for may wait for something that does not. */
export const NOTICE_MS = 10;

const notices: ReadonlySet<FromBrain["type"]> = new Set(["answering", "rate", "delta"]);

/** Several messages are sent as one list, in their order. `later` calls back after `NOTICE_MS`. */
export function createOutbox(
  send: (said: FromBrain | FromBrain[]) => void,
  later: (callback: () => void) => void,
): (message: FromBrain) => void {
  let waiting: FromBrain[] = [];
  /** What is to send it: a callback of before finds nothing, or sends what waits a little early. */
  let due: "soon" | "later" | null = null;
  const flush = () => {
    due = null;
    const said = waiting;
    waiting = [];
    if (said.length > 0) send(said.length === 1 ? said[0]! : said);
  };
  return (message) => {
    waiting.push(message);
    if (!notices.has(message.type)) {
      if (due === "soon") return;
      due = "soon";
      queueMicrotask(flush);
    } else if (due === null) {
      due = "later";
      later(flush);
    }
  };
}
