/**
 * Which commit a worktree's index was last seen to be the same as. Who looks only at some paths would miss what somebody
 * else has staged of others; an index that has not changed since has nothing of that.
 */
import { join } from "node:path";

/** Worktrees that are remembered. */
const REMEMBERED_MAX = 1_000;

interface Mark {
  commit: string;
  /** What git ends an index with: a checksum of all of it. */
  checksum: string;
  /** All of its files were written with it: see `settleIndex`. */
  fresh: boolean;
}

const marks = new Map<string, Mark>();

/** The index in this git folder has now what the commit has, and nothing else. `fresh`: of a worktree that was just made. */
export function noteIndex(gitDir: string, commit: string, fresh = false): void {
  marks.delete(gitDir);
  const checksum = checksumIn(gitDir, commit.length / 2);
  if (checksum === null) return;
  marks.set(gitDir, { commit, checksum, fresh });
  for (const oldest of marks.keys()) {
    if (marks.size <= REMEMBERED_MAX) break;
    marks.delete(oldest);
  }
}

/** False also where that is not known. */
export function isIndexOf(gitDir: string, commit: string): boolean {
  const mark = marks.get(gitDir);
  return mark?.commit === commit && mark.checksum === checksumIn(gitDir, commit.length / 2);
}

/** Null: there is none. Git can be told not to make one, and writes zeros. */
function checksumIn(gitDir: string, length: number): string | null {
  try {
    using file = Deno.openSync(join(gitDir, "index"));
    file.seekSync(-length, Deno.SeekMode.End);
    const bytes = new Uint8Array(length);
    const count = file.readSync(bytes);
    return count === length && bytes.some((byte) => byte !== 0) ? bytes.toHex() : null;
  } catch {
    return null; // git says what is the matter, and looks at everything
  }
}

/** The commit of a worktree that was just made, as long as its index is the first one; null: it is not, or not known. */
export function freshCommit(gitDir: string): string | null {
  const mark = marks.get(gitDir);
  return mark?.fresh && isIndexOf(gitDir, mark.commit) ? mark.commit : null;
}
