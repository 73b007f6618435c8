/** Whether two commits would combine, found out without a worktree and without changing a branch. */
import { SECOND_MS } from "../../server/clock.ts";
import { git, gitOk } from "./git.ts";
import { checkCommit } from "./repository.ts";

/** A person waits for it. */
const LOOK_TIMEOUT_MS = 10 * SECOND_MS;
/** Most files that are named. */
const NAMED_MAX = 20;

export interface Combining {
  /** Commits of the base branch that the work does not have. */
  newer: number;
  /** Files in which the two conflict; null: this git can't tell without a worktree (before 2.38). */
  conflicts: string[] | null;
}

/**
 * The tree of `head` combined with `base`, with conflicts marked in the files named, the base's side first; null: this
 * git can't tell without a worktree. Throws `GitError` where it takes too long.
 */
export async function combinedTree(
  { repo, head, base, signal }: { repo: string; head: string; base: string; signal: AbortSignal },
): Promise<{ tree: string; paths: string[] } | null> {
  const args = ["merge-tree", "--write-tree", "--name-only", "--no-messages", "-z"];
  const { code, stdout } = await git(repo, [...args, checkCommit(base), checkCommit(head)], {
    signal,
    timeoutMs: LOOK_TIMEOUT_MS,
  });
  if (code !== 0 && code !== 1) return null;
  const [tree = "", ...paths] = stdout.split("\0").filter(Boolean);
  return { tree: tree.trim(), paths };
}

/** What would come of combining `head` with `base`. Throws `GitError`, also where it takes too long. */
export async function wouldCombine(
  { repo, head, base, signal }: { repo: string; head: string; base: string; signal: AbortSignal },
): Promise<Combining> {
  const how = { signal, timeoutMs: LOOK_TIMEOUT_MS };
  const range = `${checkCommit(head)}..${checkCommit(base)}`;
  const count = await gitOk(repo, ["rev-list", "--count", range], {
    ...how,
    doing: "see how far the base branch has moved",
  });
  const newer = Number(count);
  if (newer === 0) return { newer, conflicts: [] };
  const combined = await combinedTree({ repo, head, base, signal });
  return { newer, conflicts: combined && combined.paths.slice(0, NAMED_MAX) };
}
