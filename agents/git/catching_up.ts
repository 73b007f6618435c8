/** What a person committed on a ticket's branch from elsewhere: its worktree follows, before anything works in it. */
import { AppError } from "../../server/errors.ts";
import { uncommitted, withoutStaleLocks } from "./checkpoints.ts";
import { git, gitOk } from "./git.ts";
import { GitError, nameSome, shellQuote } from "./git_error.ts";
import {
  checkCommit,
  isAncestor,
  linkedTreeAt,
  tipOf,
  treeOf,
  workingTrees,
} from "./repository.ts";
import { CHECKOUT_TIMEOUT_MS } from "./worktrees.ts";

export interface CatchingUp {
  repo: string;
  /** Absolute real path of the ticket's worktree. */
  worktree: string;
  branch: string;
  /** The newest commit that Gaffer knows of. */
  recorded: string;
  signal: AbortSignal;
}

/**
 * Brings the worktree to its branch where that was moved from another folder, and gives the branch's commit. A commit
 * that was made in the worktree itself needs nothing. Without this the next checkpoint would undo the person's work.
 * Throws `conflict` when the worktree has edits that would be lost, naming them.
 */
export async function catchUp(spec: CatchingUp): Promise<string> {
  const { repo, worktree, branch, recorded, signal } = spec;
  const tip = await tipOf(repo, branch, signal);
  if (tip === null) {
    throw new AppError("conflict", `Cannot go on with branch "${branch}": it is gone`);
  }
  if (tip === recorded) return tip;
  const tree = await linkedTreeAt(repo, worktree, signal);
  if (!tree || tree.missing || tree.branch !== branch) return tip; // whoever works in it says so
  const doing = `see what "${worktree}" has`;
  const index = (await gitOk(tree, ["write-tree"], { signal, doing })).trim();
  // Whoever commits in a worktree leaves its index at the commit.
  const isBehind = index === await treeOf(repo, recorded, signal) &&
    index !== await treeOf(repo, tip, signal);
  if (!isBehind) return tip;
  const edited = await gitOk(tree, ["diff-files", "--name-only", "-z"], { signal, doing });
  const others = await gitOk(tree, ["ls-files", "--others", "--exclude-standard", "-z"], {
    signal,
    doing,
  });
  const own = `${edited}${others}`.split("\0").filter(Boolean);
  if (own.length > 0) {
    throw new AppError(
      "conflict",
      `Cannot go on with branch "${branch}": its worktree has edits beside your commits (${
        nameSome(own, NAMED_MAX)
      }). To put them aside, run: git -C ${shellQuote(worktree)} stash --include-untracked`,
    );
  }
  await withoutStaleLocks(repo, tree, signal, async () => {
    await gitOk(tree, ["reset", "--hard", "--quiet", checkCommit(tip)], {
      signal,
      timeoutMs: CHECKOUT_TIMEOUT_MS,
      doing: `bring "${worktree}" to its branch`,
    });
  });
  return tip;
}

const NAMED_MAX = 5;

export interface PickedUp {
  /** The branch's newest commit. */
  commit: string;
  /** Where it left the base branch. */
  base: string;
}

/**
 * The same for a branch that a person took over. `base`: the commit that the ticket started from; it moves on where the
 * person took newer commits of the base branch in, whose tip is `baseTip`. Throws `conflict` when nothing new is there,
 * when the branch is checked out in another folder, and when it has nothing to do with its base any more.
 */
export async function pickUp(
  spec: CatchingUp & { base: string; baseTip: string },
): Promise<PickedUp> {
  const { repo, worktree, branch, recorded, base, baseTip, signal } = spec;
  const other = (await workingTrees(repo, signal))
    .find((tree) => tree.branch === branch && tree.path !== worktree);
  if (other) {
    throw new AppError(
      "conflict",
      `Cannot go on with branch "${branch}": it is checked out in "${other.path}", whose files would not move along. ` +
        `Leave it there first, run: git -C ${shellQuote(other.path)} switch -`,
    );
  }
  const commit = await catchUp(spec);
  const tree = await linkedTreeAt(repo, worktree, signal);
  if (commit === recorded && (!tree || (await uncommitted(tree, signal, 1)).length === 0)) {
    throw new AppError(
      "conflict",
      `Cannot go on with branch "${branch}": there is nothing new on it. Commit your change there first, or retry`,
    );
  }
  const left = await mergeBase(repo, commit, baseTip, signal);
  if (left !== null && await isAncestor(repo, base, left, signal)) return { commit, base: left };
  if (await isAncestor(repo, base, commit, signal)) return { commit, base };
  throw new AppError(
    "conflict",
    `Cannot go on with branch "${branch}": it does not come from the base branch any more. ` +
      `To base it there again, run: git -C ${shellQuote(worktree)} rebase ${baseTip}`,
  );
}

async function mergeBase(
  repo: string,
  one: string,
  other: string,
  signal: AbortSignal,
): Promise<string | null> {
  const result = await git(repo, ["merge-base", checkCommit(one), checkCommit(other)], { signal });
  if (result.code > 1) throw GitError.of("find where the branch began", repo, result);
  return result.stdout.trim() || null;
}
