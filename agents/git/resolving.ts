/**
 * Brings the base branch into a ticket's own branch where the two conflict: a commit with both as parents, in whose
 * files the conflicts are marked, for the developer to resolve in the ticket's worktree.
 */
import { AppError } from "../../server/errors.ts";
import { commitTree } from "./commit_objects.ts";
import { uncommitted, withoutStaleLocks } from "./checkpoints.ts";
import { git, gitOk } from "./git.ts";
import { GitError } from "./git_error.ts";
import { checkCommit, gaffer, linkedTreeAt, readRef, tipOf } from "./repository.ts";
import { CHECKOUT_TIMEOUT_MS } from "./worktrees.ts";

/** Makes the commit; no branch has it yet. `tree`: from `prepareMerge`. */
export const markConflict = (spec: {
  repo: string;
  headCommit: string;
  baseTip: string;
  tree: string;
  message: string;
  signal: AbortSignal;
}): Promise<string> =>
  commitTree(spec.repo, {
    tree: spec.tree,
    parents: [spec.headCommit, spec.baseTip],
    message: spec.message,
    identity: gaffer,
    signal: spec.signal,
  });

export interface Taking {
  repo: string;
  /** Absolute real path of the ticket's worktree. */
  worktree: string;
  branch: string;
  /** From `markConflict`. */
  commit: string;
  signal: AbortSignal;
}

/**
 * Puts branch and worktree to that commit; ignored files stay. Doing it twice is the same as once. False: the branch
 * has other commits than the ones that conflicted, and nothing changed. Throws `conflict` when something in the
 * worktree is not committed.
 */
export async function takeConflict(spec: Taking): Promise<boolean> {
  const { repo, worktree, branch, commit, signal } = spec;
  const tip = await tipOf(repo, branch, signal);
  const before = await readRef(repo, `${checkCommit(commit)}^1`, signal);
  if (before === null || tip !== before && tip !== commit) return false;
  const tree = await linkedTreeAt(repo, worktree, signal);
  if (!tree || tree.branch !== branch) {
    throw new AppError("conflict", `Cannot work in "${worktree}": it is not on "${branch}"`);
  }
  // Once the branch has it, what differs is what a reset that was cut off left.
  if (tip === before && (await uncommitted(tree, signal, 1)).length > 0) {
    throw new AppError(
      "conflict",
      `Cannot bring the base branch into "${worktree}": something in it is not committed`,
    );
  }
  await withoutStaleLocks(repo, tree, signal, async () => {
    // The branch first: what a reset that is cut off leaves is then known to be of that commit, and never kept as work.
    await gitOk(repo, [
      "update-ref",
      "-m",
      "gaffer: conflict",
      `refs/heads/${branch}`,
      commit,
      tip!,
    ], {
      signal,
      doing: `bring the base branch into "${branch}"`,
    });
    await gitOk(tree, ["reset", "--hard", "--quiet", commit], {
      signal,
      timeoutMs: CHECKOUT_TIMEOUT_MS,
      doing: `bring the base branch into "${worktree}"`,
    });
  });
  return true;
}

/** Most paths that are asked for at once: all of them are arguments. */
const PATHS_MAX = 500;

/** Those of `paths` in which a commit has the marks of a conflict that another commit does not have there. */
export async function marksIn(spec: {
  repo: string;
  commit: string;
  without: string;
  paths: readonly string[];
  signal: AbortSignal;
}): Promise<string[]> {
  const { repo, commit, without, signal } = spec;
  const paths = spec.paths.slice(0, PATHS_MAX);
  if (paths.length === 0) return [];
  const marked = async (at: string) => {
    const place = repo;
    const result = await git(place, [
      ...["grep", "-I", "-l", "-z", "--no-textconv", "--no-recurse-submodules", "-E"],
      ...["-e", "^(<<<<<<<|>>>>>>>) ", checkCommit(at), "--", ...paths],
    ], { signal, env: { GIT_LITERAL_PATHSPECS: "1" } });
    if (result.code > 1) throw GitError.of("look for marks of conflicts", place, result);
    return result.stdout.split("\0").filter(Boolean).map((name) => name.slice(at.length + 1));
  };
  const had = new Set(await marked(without));
  return (await marked(commit)).filter((path) => !had.has(path));
}
