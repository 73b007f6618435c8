import { parseDiff } from "../../agents/git/diff.ts";
import { parsePlace } from "../../views/diff_place.ts";
import type { ReviewPageProps } from "../../views/review.tsx";
import type { RefusedReview } from "../../views/review_decision.tsx";
import type { App } from "../app.ts";
import type { Check } from "../records.ts";
import { proposedMessage } from "../services/merging.ts";
import { ticketDiff } from "../services/reviews.ts";
import { listChecks } from "../store/checks.ts";
import { lastSeq } from "../store/events.ts";
import { getProject } from "../store/projects.ts";
import { listComments, listFindings } from "../store/reviews.ts";
import { getMergeDetails, getTicket } from "../store/tickets.ts";
import { type PageRequest, shellOf } from "./shell.ts";

export interface ReviewQuery {
  file: string | null;
  comment: string | null;
}

export async function reviewPage(
  request: PageRequest,
  id: string,
  query: ReviewQuery,
  signal: AbortSignal,
  refused: RefusedReview | null = null,
): Promise<ReviewPageProps> {
  const { app } = request;
  const { db } = app;
  const after = lastSeq(db);
  const ticket = getTicket(db, id);
  const { text } = await ticketDiff(app, ticket, signal);
  return {
    shell: shellOf(request),
    live: refused ? null : { path: `/live/review/${id}`, after },
    ...reviewFacts(app, id),
    files: parseDiff(text).files,
    openFile: query.file,
    commentAt: parsePlace(query.comment),
    refused,
  };
}

/** All but the diff: what can change while a person reads it. */
export function reviewFacts(app: App, id: string) {
  const ticket = getTicket(app.db, id);
  const checks = listChecks(app.db, id).toReversed();
  const counts = ({ commit, baseline }: Check) => baseline || commit === ticket.headCommit;
  return {
    ticket,
    baseBranch: getProject(app.db, ticket.projectId).baseBranch,
    findings: listFindings(app.db, id),
    verdicts: getMergeDetails(app.db, id).verdicts,
    comments: listComments(app.db, id),
    // Of what is to be merged, and of what it began with: what the reviewer was told of, too.
    checks: checks.filter(counts),
    olderChecks: checks.filter((check) => !counts(check)),
    message: proposedMessage(app, ticket),
  };
}
