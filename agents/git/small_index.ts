/** Working trees with few files are looked at by one thread: to start git's others takes longer than they save. */
import { join } from "node:path";

/** Of an index with some 5,000 files. */
export const SMALL_INDEX_BYTES = 512 * 1024;

/** Settings for a git command that looks at all files of a working tree. `gitDir`: of that tree. */
export function threadsFor(gitDir: string): string[] {
  try {
    return Deno.statSync(join(gitDir, "index")).size <= SMALL_INDEX_BYTES
      ? ["core.preloadIndex=false"]
      : [];
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
