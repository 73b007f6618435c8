/** What a person looks at before merging. */
import { type Diff, diffOf } from "../../agents/git/changes.ts";
import type { App } from "../app.ts";
import type { Ticket } from "../records.ts";
import { getProject } from "../store/projects.ts";

/** What the ticket changes so far; empty before its first commit. */
export async function ticketDiff(app: App, ticket: Ticket, signal: AbortSignal): Promise<Diff> {
  const { baseCommit, headCommit } = ticket;
  if (!baseCommit || !headCommit || baseCommit === headCommit) {
    return { text: "", truncated: false };
  }
  const repo = getProject(app.db, ticket.projectId).path;
  return await diffOf({ repo, from: baseCommit, to: headCommit, signal });
}
