/** What a forge merged arrives in the project's base branch: then tickets that need it may start. */
import type { Outcome } from "../../queue/job.ts";
import { isLanded } from "../../agents/git/landing.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import type { Project, PullRequest, Ticket } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { listLackingMerges, markBrought } from "../store/pull_requests.ts";
import { lookAgainMs } from "./pull_looks.ts";
import { wakeDependents } from "./ticket_moves.ts";

/**
 * Of a queued ticket that needs what was merged on a forge: looks whether that is in the base branch by now, wakes what
 * waits for it, or says when to look again. A person may pull at any time, and tells nobody.
 */
export async function awaitMerges(
  app: App,
  { id, projectId }: Ticket,
  signal: AbortSignal,
): Promise<Outcome> {
  const lacking = listLackingMerges(app.db, { ticketId: id });
  const project = getProject(app.db, projectId);
  // It is among those that are woken.
  if (await noticeArrivals(app, project, lacking, signal)) return { type: "done" };
  const since = Math.max(0, ...lacking.map(({ endedAt }) => Date.parse(endedAt!)));
  return {
    type: "snooze",
    ms: lookAgainMs(app.clock.nowMs() - since),
    reason: `What it needs is not in "${project.baseBranch}" here`,
  };
}

/** Records which of these are in the base branch, and wakes what needs them; false: none is. Throws `GitError`. */
export async function noticeArrivals(
  app: App,
  { path: repo, baseBranch: base }: Project,
  pulls: readonly PullRequest[],
  signal: AbortSignal,
): Promise<boolean> {
  const arrived: PullRequest[] = [];
  for (const pull of pulls) {
    if (await isLanded({ repo, base, commit: pull.mergeCommit!, signal })) arrived.push(pull);
  }
  recordArrivals(app, arrived);
  return arrived.length > 0;
}

/** They are in the base branch. */
export function recordArrivals(app: App, pulls: readonly PullRequest[]): void {
  transact(app, (tx) => {
    for (const { id, ticketId } of pulls) {
      if (markBrought(tx, id)) wakeDependents(tx, ticketId);
    }
  });
}
