/**
 * A ticket that its merge is blocked with is guided in words: its developer gets the base branch as it is now into the
 * ticket's branch, with conflicts marked. Without it the words would be about what its worktree does not have.
 */
import { routeByType } from "../../agents/catalog.ts";
import { combinedTree } from "../../agents/git/merge_look.ts";
import { isAncestor } from "../../agents/git/repository.ts";
import { markConflict, takeConflict } from "../../agents/git/resolving.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import type { Project, Ticket } from "../records.ts";
import {
  type ConflictRound,
  deleteConflictRounds,
  insertConflictRound,
  listConflictRounds,
  markRoundGiven,
} from "../store/conflict_rounds.ts";
import { getProject } from "../store/projects.ts";
import { getTicket, updateTicket } from "../store/tickets.ts";
import { guidanceFor, guidanceForTogether } from "./brought_words.ts";
import { baseTip, worktreeOf } from "./places.ts";
import { startRun } from "./runs.ts";

/** The ticket's work and the base branch's in one commit, which no branch has yet. */
export interface GuidedBase {
  /** The ticket's own commit, its first parent. */
  headCommit: string;
  /** The base branch's, its second. */
  baseTip: string;
  commit: string;
  /** In which conflicts are marked. */
  paths: string[];
}

/**
 * Makes that commit; null where there is nothing to bring: the ticket is blocked with something else than its merge, has
 * the base branch, or this git can't combine without a worktree. Throws `conflict` when the base branch is gone.
 */
export async function combineForGuide(
  app: App,
  id: string,
  signal: AbortSignal,
): Promise<GuidedBase | null> {
  const ticket = getTicket(app.db, id);
  const { headCommit: head, baseCommit } = ticket;
  if (!isBlockedInMerge(ticket) || head === null || baseCommit === null) return null;
  const project = getProject(app.db, ticket.projectId);
  const { path: repo, baseBranch } = project;
  const tip = await baseTip(project, signal);
  // A base that was set back has dropped what the ticket began with: that must not come back.
  if (!await isAncestor(repo, baseCommit, tip, signal)) return null;
  if (await isAncestor(repo, tip, head, signal)) return null;
  const combined = await combinedTree({ repo, head, base: tip, signal });
  if (combined === null) return null;
  const { tree, paths } = combined;
  const message = `Ticket #${ticket.number}, "${baseBranch}" brought in${
    paths.length > 0 ? " with conflicts marked" : ""
  }`;
  const commit = await markConflict({
    ...{ repo, headCommit: head, baseTip: tip, tree, message, signal },
  });
  return { headCommit: head, baseTip: tip, commit, paths };
}

const isBlockedInMerge = ({ status, step, failure }: Ticket): boolean =>
  status === "blocked" && step === "merge" &&
  (failure === "merge_conflict" || failure === "merge_checks_failed");

/** Puts it on record for the developer; false: it is of other work than the ticket's, or of none that is blocked so. */
export function recordGuidedBase(tx: Tx, ticket: Ticket, base: GuidedBase | null): boolean {
  if (base === null || !isBlockedInMerge(ticket) || base.headCommit !== ticket.headCommit) {
    return false;
  }
  const { baseTip, commit, paths } = base;
  deleteConflictRounds(tx, ticket.id);
  insertConflictRound(tx, { ticketId: ticket.id, baseTip, commit, paths });
  return true;
}

/**
 * Gives the developer what is on record for it, beside the person's words. False: nothing is. May be cut off and done
 * again. Throws `conflict` when something in the worktree is not committed.
 */
export async function giveGuidedBase(
  app: App,
  { project, ticket, signal }: { project: Project; ticket: Ticket; signal: AbortSignal },
): Promise<boolean> {
  const round = listConflictRounds(app.db, ticket.id).find(({ given }) => !given);
  if (!round) return false;
  const worktree = worktreeOf(app, ticket);
  await app.agents.release(worktree.path);
  if (!isDeveloped(getTicket(app.db, ticket.id))) return true;
  const taken = await takeConflict({
    repo: project.path,
    worktree: await Deno.realPath(worktree.path),
    branch: worktree.branch,
    commit: round.commit,
    signal,
  });
  return transact(app, (tx) => {
    const before = getTicket(tx.db, ticket.id);
    // Work came onto the branch since: words alone are what is left of it.
    if (!taken) deleteConflictRounds(tx, ticket.id, round.baseTip);
    if (!taken && before.guidance === "") return false;
    const now = taken ? give(tx, before, round, project) : before;
    if (isDeveloped(now)) {
      startRun(app, tx, { ticket: now, purpose: "change", agent: routeByType(now.type) });
    }
    return true;
  });
}

const isDeveloped = ({ status, step }: Ticket): boolean =>
  status === "in_progress" && step === "develop";

/** Also where a person called it off meanwhile: the branch has it. */
function give(tx: Tx, ticket: Ticket, round: ConflictRound, { baseBranch }: Project): Ticket {
  markRoundGiven(tx, round);
  const told = round.paths.length > 0
    ? guidanceFor(baseBranch, round)
    : guidanceForTogether(baseBranch, ticket);
  return updateTicket(tx, ticket.id, {
    guidance: `${ticket.guidance}\n\n${told}`.trim(),
    // What the ticket changes is now what it changes of that state of the base.
    baseCommit: round.baseTip,
    headCommit: round.commit,
  });
}
