/**
 * Brings a merged ticket to where it runs, when a person asks for it: the deployer takes the project's own written
 * steps, each command with a person's word. Nothing of the ticket changes with how that ends.
 */
import { readRef } from "../../agents/git/repository.ts";
import type { ResultOf } from "../../agents/results.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Run } from "../records.ts";
import { forgeNames } from "../states.ts";
import { getProject } from "../store/projects.ts";
import { findPullRequest } from "../store/pull_requests.ts";
import { appendRunEvent } from "../store/run_log.ts";
import { isActive, listTicketRuns } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { findUndo } from "../store/undos.ts";
import { startRun, tellOfRun } from "./runs.ts";

/**
 * Starts a run of the deployer on what the ticket brought onto the base branch. `words`: which environment, which
 * version; may be empty. Throws `conflict` when the ticket is not merged, its merge is being undone, or a run is at
 * work on it.
 */
export function deployTicket(app: App, id: string, words = ""): Run {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, id);
    const refuse = (why: string): never => {
      throw new AppError("conflict", `Cannot deploy ticket #${ticket.number}: ${why}`);
    };
    if (ticket.status !== "done" || ticket.mergeCommit === null) {
      refuse("only what is merged can be deployed. Approve and merge it first");
    }
    if (findUndo(tx.db, id)?.status === "pending") refuse("its merge is being undone");
    const active = listTicketRuns(tx.db, id).find((run) => !run.trial && isActive(run));
    if (active) refuse(`the ${active.agent} is at work on it`);
    const run = startRun(app, tx, { ticket, purpose: "deploy", agent: "deployer" });
    const text = words.trim();
    if (text !== "") appendRunEvent(tx, run, { type: "note", text, by: tx.actor });
    return run;
  });
}

/**
 * Whether what a ticket's merge made is in the project's repository, from which it is deployed: a forge's merge is not,
 * until somebody has fetched it. Throws `conflict` with the way to get it; nothing for a ticket that is not merged.
 */
export async function requireMergeHere(
  app: App,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  const { number, projectId, mergeCommit: commit } = getTicket(app.db, id);
  if (commit === null) return;
  const { path: repo, baseBranch } = getProject(app.db, projectId);
  if (await readRef(repo, commit, signal) !== null) return;
  const pull = findPullRequest(app.db, id);
  const forge = pull?.mergeCommit === commit ? forgeNames[pull.kind] : null;
  const short = commit.slice(0, 7);
  throw new AppError(
    "conflict",
    `Cannot deploy ticket #${number}: ` +
      (forge === null
        ? `its merge, commit ${short}, is not in the project's repository any more. Fetch it there, then try again`
        : `it was merged on ${forge} as ${short}, which is not in the project's repository yet. Press "Move my base ` +
          `branch along" on its page, or pull "${baseBranch}", then try again`),
  );
}

/** How a deployment ended stands in the ticket's history. */
export function tellOfDeployment(
  tx: Tx,
  run: Run,
  { status, summary }: ResultOf<"deployer">,
): void {
  tellOfRun(tx, run, "run_deployed", { status, words: summary });
}
