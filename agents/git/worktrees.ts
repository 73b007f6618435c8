/**
 * The worktrees that Gaffer makes of a person's repository: one per ticket, on a branch of its own, and
 * detached ones for reading. The person's own folder, index, stash, hooks and configuration are never
 * touched. Every step may be cut off anywhere and done again; nothing that holds work is overwritten.
 */
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "../../server/errors.ts";
import { MINUTE_MS } from "../../server/clock.ts";
import { gitOk } from "./git.ts";
import { GitError, nameSome, shellQuote } from "./git_error.ts";
import { noteIndex } from "./index_marks.ts";
import { claimBranch, isOurs } from "./branches.ts";
import { uncommitted } from "./checkpoints.ts";
import {
  checkCommit,
  linkedTreeAt,
  readRef,
  tipOf,
  type WorkingTree,
  workingTrees,
} from "./repository.ts";
import { dropTree, moveAside, moveTreeAside, realPlaceFor, sweep } from "./worktree_folders.ts";

/** Filling a worktree of a large repository takes long. */
export const CHECKOUT_TIMEOUT_MS = 10 * MINUTE_MS;
/** Most names that an error message lists. */
const NAMED_FILES = 5;

export interface WorktreeSpec {
  repo: string;
  /** Absolute; its parent is made when missing. */
  path: string;
  /** From `branchName`. */
  branch: string;
  /** Commit that the branch starts from; a branch that has been made already keeps its commits. */
  base: string;
  /**
   * The ticket has never had a worktree. What Gaffer left in its place is then another ticket's, of before a backup was
   * restored or of a data folder that is gone: it is kept, and not built upon.
   */
  first?: boolean;
  signal: AbortSignal;
}

export interface MadeWorktree {
  /** Real path. */
  path: string;
  /** The branch asked for, or the next free name when a person, or another ticket, has a branch of that name. */
  branch: string;
  /** Tip of the branch. */
  commit: string;
  /** A folder that was in the way, and no worktree of this ticket: moved aside here, for a person to look at. */
  movedAside: string | null;
}

/**
 * Makes the ticket's worktree, or gives the one that is there with everything in it. Commits on the
 * branch survive whatever happened to the folder. Throws `conflict` when the branch is checked out in
 * another folder.
 */
export async function createWorktree(spec: WorktreeSpec): Promise<MadeWorktree> {
  const { repo, base, first = false, signal } = spec;
  const path = await realPlaceFor(spec.path);
  const branch = await claimBranch({ repo, wanted: spec.branch, base, first, signal });
  const commit = await tipOf(repo, branch, signal) ?? base;
  await refuseElsewhere(repo, branch, path, signal);
  const tree = await usableTree(repo, path, signal);
  const another = first && tree !== null && await isAnothers(repo, tree, branch, signal);
  if (tree && !another) {
    await attach(tree, branch, commit, signal);
    return { path, branch, commit, movedAside: null };
  }
  const movedAside = tree ? await moveTreeAside(repo, tree, signal) : await moveAside(path);
  const added = await addDetached(repo, path, commit, signal);
  await attach(added, branch, commit, signal);
  return { path, branch, commit, movedAside };
}

/** Of another ticket that Gaffer worked on; one in which a person switched branches is not. */
const isAnothers = async (
  repo: string,
  { branch }: WorkingTree,
  own: string,
  signal: AbortSignal,
): Promise<boolean> => branch !== null && branch !== own && await isOurs(repo, branch, signal);

/**
 * Makes a detached checkout of `commit` for reading, or gives the one that is there. It holds no work:
 * one at another commit, or with anything changed in it, is made anew; so runs that read side by side
 * need one path per commit. Gives its real path.
 */
export async function createView(
  spec: { repo: string; path: string; commit: string; signal: AbortSignal },
): Promise<string> {
  const { repo, commit, signal } = spec;
  checkCommit(commit);
  const path = await realPlaceFor(spec.path);
  const tree = await usableTree(repo, path, signal);
  if (tree) {
    const untouched = tree.branch === null &&
      await readRef(tree, "HEAD", signal) === commit &&
      (await uncommitted(tree, signal, 1)).length === 0;
    if (untouched) return path;
    await dropTree(repo, tree, signal);
  }
  await moveAside(path);
  await addDetached(repo, path, commit, signal);
  return path;
}

export interface Removal {
  repo: string;
  path: string;
  /** Remove it with what is not committed; only for folders that hold no work, or when a person said so. */
  discard?: boolean;
  signal: AbortSignal;
}

/**
 * Removes a worktree's folder; its branch stays. Nothing to do when it is gone. Throws `conflict`, naming
 * files, when something in it is not committed or its commit is on no branch, and for the repository's
 * own folder.
 */
export async function removeWorktree(spec: Removal): Promise<void> {
  const { repo, signal } = spec;
  const path = await realPlaceFor(spec.path);
  const tree = (await workingTrees(repo, signal)).find((tree) => tree.path === path);
  if (tree?.main) {
    throw new AppError("conflict", `Cannot remove "${path}": it is the repository's own folder`);
  }
  if (tree) {
    if (!spec.discard && !tree.missing && !isHalfMade(tree)) await refuseWork(tree, signal);
    await dropTree(repo, tree, signal);
  }
  await sweep(dirname(path));
}

/**
 * The linked worktree at `path` if agents can work in it. One that git was killed in the middle of making,
 * or whose folder a person deleted, is forgotten: no agent has been in the first, the branch has the
 * commits of the second.
 */
async function usableTree(
  repo: string,
  path: string,
  signal: AbortSignal,
): Promise<WorkingTree | null> {
  const tree = await linkedTreeAt(repo, path, signal);
  if (!tree) return null;
  if (!tree.missing && !isHalfMade(tree)) return tree;
  await dropTree(repo, tree, signal);
  return null;
}

/** `git worktree add` holds this lock until the last file is there. */
export const isHalfMade = (tree: WorkingTree): boolean => tree.locked === "initializing";

/**
 * Git reads all worktrees before it adds one, and gives up, having made nothing, where it meets one that another git
 * is just making: the person's, or a ticket's beside this one.
 */
const MET_ANOTHER = /failed to read .*\/worktrees\/.*: Success/;
const ADD_TRIES = 20;
const ADD_AGAIN_MS = 50;

async function addDetached(
  repo: string,
  path: string,
  commit: string,
  signal: AbortSignal,
): Promise<WorkingTree> {
  for (let left = ADD_TRIES - 1;; left--) {
    try {
      await gitOk(repo, ["worktree", "add", "--detach", "--quiet", "--", path, commit], {
        signal,
        timeoutMs: CHECKOUT_TIMEOUT_MS,
        doing: `make the worktree "${path}"`,
      });
      break;
    } catch (error) {
      const metAnother = error instanceof GitError && MET_ANOTHER.test(error.stderr);
      if (!metAnother || left === 0) throw error;
      await delay(ADD_AGAIN_MS, undefined, { signal });
    }
  }
  const tree = await linkedTreeAt(repo, path, signal);
  if (!tree) throw new Error(`git made no worktree at "${path}"`);
  noteIndex(tree.gitDir, commit, true);
  return tree;
}

/**
 * Puts the worktree on its branch. Added detached and attached here because `git worktree add` takes a
 * branch only by its short name, which a tag of the same name would win.
 */
async function attach(
  tree: WorkingTree,
  branch: string,
  commit: string,
  signal: AbortSignal,
): Promise<void> {
  if (tree.branch === branch) return;
  const head = await readRef(tree, "HEAD", signal);
  if (tree.branch !== null || head !== commit) {
    throw new AppError(
      "conflict",
      `Cannot use the worktree "${tree.path}": it has ${
        tree.branch ?? `commit ${head}`
      } checked out ` +
        `instead of "${branch}". Run: git -C ${shellQuote(tree.path)} switch ${branch}`,
    );
  }
  await gitOk(tree, ["symbolic-ref", "-m", "gaffer", "HEAD", `refs/heads/${branch}`], {
    signal,
    doing: `check out branch "${branch}"`,
  });
}

async function refuseElsewhere(
  repo: string,
  branch: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const trees = await workingTrees(repo, signal);
  const other = trees.find((tree) => tree.branch === branch && tree.path !== path && !tree.missing);
  if (!other) return;
  throw new AppError(
    "conflict",
    `Cannot work on branch "${branch}": it is checked out in "${other.path}". ` +
      "Switch that folder to another branch, then retry",
  );
}

async function refuseWork(tree: WorkingTree, signal: AbortSignal): Promise<void> {
  const files = await uncommitted(tree, signal);
  if (files.length > 0) {
    throw new AppError(
      "conflict",
      `Cannot remove the worktree "${tree.path}": ${
        nameSome(files, NAMED_FILES)
      } not committed. Commit or discard first`,
    );
  }
  if (tree.branch !== null) return; // its commits stay on the branch
  const contains = await gitOk(tree, ["for-each-ref", "--count=1", "--contains=HEAD"], {
    signal,
    doing: "see which branch has the commit",
  });
  if (contains !== "") return;
  throw new AppError(
    "conflict",
    `Cannot remove the worktree "${tree.path}": its commit is on no branch. ` +
      `Keep it with: git -C ${shellQuote(tree.path)} branch <name>; or discard it`,
  );
}
