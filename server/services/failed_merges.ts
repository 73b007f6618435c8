/** A merge whose checks failed: what was checked is brought into the ticket's branch, for its developer to mend. */
import { readRef, treeOf } from "../../agents/git/repository.ts";
import { markConflict } from "../../agents/git/resolving.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Check } from "../records.ts";
import { listChecks } from "../store/checks.ts";
import { getProject } from "../store/projects.ts";
import { getTicket } from "../store/tickets.ts";

/** A ticket's work and the base branch's in one commit, which no branch has yet. */
export interface Together {
  /** The ticket's own commit, its first parent. */
  headCommit: string;
  /** The base branch's, its second. */
  baseTip: string;
  commit: string;
}

/**
 * Makes that commit of what a blocked ticket's failed merge was checked with; null: the ticket is blocked with something
 * else. Throws `conflict` when nothing of the merge itself failed, and when the repository has lost it.
 */
export async function bringTogether(
  app: App,
  id: string,
  signal: AbortSignal,
): Promise<Together | null> {
  const ticket = getTicket(app.db, id);
  const { status, failure, headCommit, number } = ticket;
  if (status !== "blocked" || failure !== "merge_checks_failed" || headCommit === null) return null;
  const refuse = (why: string) =>
    new AppError("conflict", `Cannot give the failed merge of ticket #${number} back: ${why}`);
  const failed = lastFailure(listChecks(app.db, id));
  if (!failed || failed.commit === headCommit) {
    throw refuse("it is the base branch itself that fails. Mend that, then retry the merge");
  }
  const { path: repo, baseBranch } = getProject(app.db, ticket.projectId);
  const baseTip = await readRef(repo, `${failed.commit}^1`, signal);
  if (baseTip === null) {
    throw refuse("the repository has lost what was checked. Retry the merge first");
  }
  const commit = await markConflict({
    ...{ repo, headCommit, baseTip, signal },
    tree: await treeOf(repo, failed.commit, signal),
    message: `Ticket #${number}, "${baseBranch}" brought in: the checks of both together failed`,
  });
  return { headCommit, baseTip, commit };
}

/** The ticket's newest check of its own work where that failed, whatever commit it was of. `checks`: oldest first. */
export function lastFailure(checks: readonly Check[]): Check | undefined {
  const last = checks.findLast(({ baseline }) => !baseline);
  return last && !last.knownFailures && (last.status === "failed" || last.status === "timed_out")
    ? last
    : undefined;
}
