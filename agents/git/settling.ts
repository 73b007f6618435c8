/** Spares the first checkpoint of a new worktree what git has to do because all of its files were written at once. */
import { join } from "node:path";
import { SECOND_MS, systemClock } from "../../server/clock.ts";
import { git } from "./git.ts";
import { freshCommit, noteIndex } from "./index_marks.ts";
import { exists } from "./presence.ts";
import { commonDirOf, linkedGitDirOf } from "./repository.ts";

/**
 * Git compares times by the second, and so does not believe an index about files that were written within its second:
 * whoever writes that index next reads all of them. Done here while nobody waits for it, where that second is over.
 * Nothing is to be done in a worktree that has had a checkpoint, that an earlier process made, or that is gone; what git
 * refuses is left to the checkpoint, which does without. Throws as `git`.
 */
export async function settleIndex(
  { repo, worktree, signal }: { repo: string; worktree: string; signal: AbortSignal },
): Promise<void> {
  if (!await exists(worktree)) return;
  const path = await Deno.realPath(worktree);
  const gitDir = await linkedGitDirOf(await commonDirOf(repo, signal), path);
  const commit = gitDir && freshCommit(gitDir);
  if (!gitDir || !commit || !isSecondOver(join(gitDir, "index"))) return;
  // Its exit code tells of files that were changed, too: these stay as they are.
  await git({ path, gitDir }, ["update-index", "-q", "--refresh"], { signal });
  noteIndex(gitDir, commit);
}

function isSecondOver(file: string): boolean {
  const written = Deno.statSync(file).mtime?.getTime() ?? 0;
  return Math.floor(written / SECOND_MS) < Math.floor(systemClock.nowMs() / SECOND_MS);
}
