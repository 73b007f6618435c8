/** The words of a pull request: those of the merge. Who approved it is kept true there; the rest is left to people. */
import { approverLine, withTrailers } from "../../agents/git/merge_message.ts";
import type { App } from "../app.ts";
import type { Ticket } from "../records.ts";
import { getMergeDetails } from "../store/tickets.ts";
import { describeMerge, proposedMessage } from "./merging.ts";

/** Who approved the ticket as it is now; "" where nobody has. */
export const approverOf = (app: App, { id }: Ticket): string =>
  getMergeDetails(app.db, id).approvedBy;

/** As title and body, with the approver that they name; "": nobody. */
export function wordsOfPull(
  app: App,
  ticket: Ticket,
): { title: string; body: string; approver: string } {
  const approver = approverOf(app, ticket);
  const facts = { ...describeMerge(app, ticket), approvedBy: approver };
  const [title = "", ...body] = withTrailers(proposedMessage(app, ticket), facts).trim().split(
    "\n",
  );
  return { title, body: body.join("\n").trim(), approver };
}

const TICKET = /^Gaffer-Ticket:/;

/**
 * The body with another approver in its trailers: only the line that Gaffer wrote is changed, taken out or put in.
 * Where somebody has taken that out, or the trailers, it stays as it is.
 */
export function withApprover(
  body: string,
  { before, after }: { before: string; after: string },
): string {
  const end = body.includes("\r\n") ? "\r\n" : "\n";
  const lines = body.split(/\r?\n/);
  const at = before === ""
    ? lines.findLastIndex((line) => TICKET.test(line))
    : lines.findLastIndex((line) => line.trimEnd() === approverLine(before));
  const isThere = lines.some((line) => line.trimEnd() === approverLine(after));
  if (at < 0 || before === after) return body;
  lines.splice(
    at,
    before === "" ? 0 : 1,
    ...after === "" || isThere ? [] : [approverLine(after)],
  );
  return lines.join(end);
}
