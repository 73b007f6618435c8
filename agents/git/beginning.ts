/** Where a ticket's branch begins, for as long as nobody has worked on it: its base may move on before it is set up. */
import { AppError } from "../../server/errors.ts";
import { moveStart, startOf } from "./branches.ts";
import { GitError } from "./git_error.ts";
import {
  createWorktree,
  type MadeWorktree,
  removeWorktree,
  type WorktreeSpec,
} from "./worktrees.ts";

export interface BegunWorktree extends MadeWorktree {
  /** Commit of the base branch with which the branch begins: what is on it since is the ticket's. */
  start: string;
}

/**
 * Makes the worktree of a ticket that is not set up yet, as `createWorktree`. A branch that an earlier try has made, and
 * that has nothing on it yet, begins at `base` from now on; one with commits, or with anything uncommitted in its folder,
 * stays and is told by its own `start`, or what came onto the base since would be taken for the ticket's doing. May be
 * cut off anywhere and done again.
 */
export async function beginWorktree(spec: WorktreeSpec): Promise<BegunWorktree> {
  const { repo, base, signal } = spec;
  const made = await createWorktree(spec);
  const { path, branch, commit } = made;
  if (commit === base) return { ...made, start: base };
  const start = await startOf(repo, branch, signal) ?? commit;
  if (commit !== start || !await isRemoved(repo, path, signal)) return { ...made, start };
  await moveStart({ repo, branch, from: start, to: base, signal });
  const { movedAside } = made;
  return { ...await createWorktree({ ...spec, branch, first: false }), movedAside, start: base };
}

/** False: something in it is not committed. */
async function isRemoved(repo: string, path: string, signal: AbortSignal): Promise<boolean> {
  try {
    await removeWorktree({ repo, path, signal });
    return true;
  } catch (error) {
    const holdsWork = error instanceof AppError && !(error instanceof GitError) &&
      error.code === "conflict";
    if (holdsWork) return false;
    throw error;
  }
}
