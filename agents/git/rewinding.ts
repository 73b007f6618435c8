/** Puts a ticket's branch back to an earlier commit of it; what was there is kept under a ref of its own. */
import { AppError } from "../../server/errors.ts";
import { checkpoint, withoutStaleLocks } from "./checkpoints.ts";
import { gitOk } from "./git.ts";
import { checkCommit, linkedTreeAt, readRef, tipOf } from "./repository.ts";
import { CHECKOUT_TIMEOUT_MS } from "./worktrees.ts";

export interface Rewind {
  repo: string;
  /** Absolute real path of the ticket's worktree. */
  worktree: string;
  branch: string;
  /** Where the branch is put. */
  to: string;
  /** Full name of the ref that keeps what is there now. */
  keep: string;
  /** Of the commit that is made of what is not committed. */
  message: string;
  signal: AbortSignal;
}

/**
 * Moves branch and worktree; ignored files stay. May be cut off anywhere and done again: the ref is made first,
 * and once it is there it is never moved. Throws `conflict` when the repository has lost the commit. False: the
 * branch was there already.
 */
export async function rewindWorktree(spec: Rewind): Promise<boolean> {
  const { repo, worktree, branch, to, keep, signal } = spec;
  if (!await readRef(repo, checkCommit(to), signal)) {
    throw new AppError("conflict", `Cannot go back to commit ${to}: the repository has lost it`);
  }
  if (!await readRef(repo, keep, signal)) {
    await checkpoint({ repo, worktree, branch, message: spec.message, signal });
    const tip = await tipOf(repo, branch, signal);
    if (tip === to) return false;
    // The empty old value: only if there is no such ref.
    await gitOk(repo, ["update-ref", "-m", "gaffer: kept", keep, tip!, ""], {
      signal,
      doing: `keep the branch "${branch}" as ${keep}`,
    });
  }
  const moves = await tipOf(repo, branch, signal) !== to;
  const tree = await linkedTreeAt(repo, worktree, signal);
  if (!tree || tree.branch !== branch) {
    throw new AppError("conflict", `Cannot go back in "${worktree}": it is not on "${branch}"`);
  }
  await withoutStaleLocks(repo, tree, signal, async () => {
    await gitOk(tree, ["reset", "--hard", "--quiet", to], {
      signal,
      timeoutMs: CHECKOUT_TIMEOUT_MS,
      doing: `put "${worktree}" back to an earlier commit`,
    });
  });
  return moves;
}
