/** The merge queue's own worktree, kept from one merge to the next: in a large repository making it takes longest. */
import { join } from "node:path";
import { gitOk } from "./git.ts";
import { GitError } from "./git_error.ts";
import { exists } from "./presence.ts";
import { checkCommit, linkedTreeAt, type WorkingTree } from "./repository.ts";
import { CHECKOUT_TIMEOUT_MS, createView, isHalfMade } from "./worktrees.ts";
import { realPlaceFor } from "./worktree_folders.ts";

/**
 * The merge's own worktree at exactly this commit, with nothing in it but that commit's files: one that an earlier
 * merge has left is put there, where only a few files differ. It holds no work.
 */
export async function checkOutMerge(
  spec: { repo: string; workDir: string; signal: AbortSignal },
  commit: string,
): Promise<WorkingTree> {
  const { repo, workDir, signal } = spec;
  const kept = await linkedTreeAt(repo, await realPlaceFor(workDir), signal);
  if (kept && await isPutTo(kept, commit, signal)) return kept;
  const path = await createView({ repo, path: workDir, commit, signal });
  const tree = await linkedTreeAt(repo, path, signal);
  if (!tree) throw new Error(`git made no worktree at "${path}"`);
  return tree;
}

/** False: it has to be made anew. */
async function isPutTo(tree: WorkingTree, commit: string, signal: AbortSignal): Promise<boolean> {
  if (tree.missing || tree.branch !== null || isHalfMade(tree)) return false;
  // Files of submodules are no longer known to be those of their commits.
  if (await exists(join(tree.path, ".gitmodules"))) return false;
  const how = { signal, timeoutMs: CHECKOUT_TIMEOUT_MS, doing: `use "${tree.path}" again` };
  try {
    // Whatever the checks before have made goes, ignored or not: the next ones must not find it.
    await gitOk(tree, ["clean", "-ffdxq"], how);
    await gitOk(tree, ["reset", "--hard", "--quiet", checkCommit(commit)], how);
    return true;
  } catch (error) {
    if (error instanceof GitError && !signal.aborted) return false;
    throw error;
  }
}
