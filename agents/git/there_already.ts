/**
 * Files in the way of a merge that are, byte for byte, what it would put there: git was ended in the middle of moving a
 * folder along, or ran out of disk, or a person has copied them. Nothing of theirs is lost by going on.
 */
import { join } from "node:path";
import { git, gitOk, type GitOptions } from "./git.ts";
import { GitError } from "./git_error.ts";
import type { WorkingTree } from "./repository.ts";

/** Of more than these a person is asked. */
const FILES_MAX = 1_000;

export interface InTheWay {
  /** Where the folder is. */
  from: string;
  /** Where it is to go. */
  to: string;
  files: readonly string[];
  signal: AbortSignal;
}

/**
 * Whether all of them are as in `to`, in their kind and mode, too, and the index has nothing else for them than `from`
 * has, so that nothing staged is lost. Changes nothing.
 */
export async function areThereAlready(tree: WorkingTree, spec: InTheWay): Promise<boolean> {
  const { files, from, to, signal } = spec;
  if (files.length === 0 || files.length > FILES_MAX) return false;
  const dir = await Deno.makeTempDir({ prefix: "gaffer-index-" });
  try {
    if (!await isStagedAs(tree, from, files, { signal })) return false;
    const index = join(dir, "index");
    await Deno.copyFile(join(tree.gitDir, "index"), index);
    const env = { GIT_INDEX_FILE: index };
    await add(tree, files, { signal, env });
    return await isStagedAs(tree, to, files, { signal, env });
  } catch (error) {
    // A folder where a file is to be, say: then they are not the same.
    if (error instanceof GitError && !signal.aborted) return false;
    throw error;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Lets git know that they are there: it moves the folder along then. */
export const addThere = (tree: WorkingTree, { files, signal }: InTheWay): Promise<void> =>
  add(tree, files, { signal });

/** The other way round, where it could not be moved along all the same. */
export async function forgetThere(
  tree: WorkingTree,
  { files, from, signal }: InTheWay,
): Promise<void> {
  await gitOk(tree, ["reset", "--quiet", from, "--", ...files], {
    signal,
    env: LITERAL,
    doing: "put the index back",
  });
}

const LITERAL = { GIT_LITERAL_PATHSPECS: "1" };

async function add(
  tree: WorkingTree,
  files: readonly string[],
  options: GitOptions,
): Promise<void> {
  await gitOk(tree, ["update-index", "--add", "-z", "--stdin"], {
    ...options,
    input: files.map((path) => `${path}\0`).join(""),
    doing: "look what is there already",
  });
}

async function isStagedAs(
  tree: WorkingTree,
  commit: string,
  files: readonly string[],
  options: GitOptions,
): Promise<boolean> {
  const args = ["diff-index", "--cached", "--quiet", "--ignore-submodules=dirty", commit];
  const env = { ...options.env, ...LITERAL };
  const result = await git(tree, [...args, "--", ...files], { ...options, env });
  if (result.code > 1) throw GitError.of("compare the index", tree, result);
  return result.code === 0;
}
