/** Puts a worktree back to its commit after a command ran in it, so that what it left is no part of the work. */
import { AppError } from "../../server/errors.ts";
import { uncommitted } from "./checkpoints.ts";
import { gitOk } from "./git.ts";
import { linkedTreeAt } from "./repository.ts";

/**
 * Undoes changes of tracked files and removes new ones; ignored files stay, since builds need their caches.
 * For worktrees whose work is committed. Throws `not_found` when `worktree` is none of the repository's.
 */
export async function restoreWorktree(
  spec: { repo: string; worktree: string; signal: AbortSignal },
): Promise<void> {
  const { repo, worktree, signal } = spec;
  const tree = await linkedTreeAt(repo, worktree, signal);
  if (!tree) {
    throw new AppError("not_found", `Cannot restore "${worktree}": it is no worktree of "${repo}"`);
  }
  if ((await uncommitted(tree, signal, 1)).length === 0) return;
  const doing = `put "${worktree}" back to its commit`;
  const clean = () => gitOk(tree, ["clean", "-ffdq"], { signal, doing });
  // What fills the disk may be just these files; and once more, since one of them may have said what to ignore.
  await clean();
  await gitOk(tree, ["reset", "--hard", "--quiet"], { signal, doing });
  await clean();
}
