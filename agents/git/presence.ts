/** Looking at files that may not be there. */
import { join, resolve } from "node:path";

/** Text of a file, or null when it is not there. */
export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}

/**
 * Text of a plain file that is asked for very often, at once; null where there is none, or something else: a pipe would
 * stop everything.
 */
export function plainTextSync(path: string): string | null {
  try {
    return Deno.lstatSync(path).isFile ? Deno.readTextFileSync(path) : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return null;
    }
    throw error;
  }
}

/** The folder that all worktrees of a repository share, by one's own git folder; itself where it is no worktree's. */
export function sharedGitDir(gitDir: string): string {
  const common = plainTextSync(join(gitDir, "commondir"));
  return common === null ? gitDir : resolve(gitDir, common.trim());
}

/** Whether it is a folder itself, and no link to one. */
export function isFolderSync(path: string): boolean {
  try {
    return Deno.lstatSync(path).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/**
 * Whether anything has this name; a dangling symbolic link counts. Done at once: a look takes microseconds, and to hand
 * it to a thread takes longer than ten of them.
 */
// deno-lint-ignore require-await -- an error is the promise's, as of all other looks
export async function exists(path: string): Promise<boolean> {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      return false;
    }
    throw error;
  }
}

/** Names in a folder, sorted; none when it is not there. */
export async function namesIn(dir: string): Promise<string[]> {
  if (!await exists(dir)) return [];
  const names = await Array.fromAsync(Deno.readDir(dir), (entry) => entry.name);
  return names.sort();
}
