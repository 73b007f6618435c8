/** Commits what agents changed in a ticket's worktree, so that no crash, cancel or clean-up can lose it. */
import { relative, resolve } from "node:path";
import { AppError } from "../../server/errors.ts";
import { SECOND_MS, systemClock } from "../../server/clock.ts";
import { treeWithChanges } from "./changed_trees.ts";
import { commitTree, writeCommitWith } from "./commit_objects.ts";
import { rememberMade } from "./commit_trees.ts";
import { refuseFiltered } from "./filters.ts";
import { configOf, git, gitOk, type GitPlace } from "./git.ts";
import { isIndexOf, noteIndex } from "./index_marks.ts";
import { addAll, isWork } from "./index_update.ts";
import { GitError, shellQuote } from "./git_error.ts";
import {
  gaffer,
  type Identity,
  linkedTreeAt,
  readRef,
  tipOf,
  treeOf,
  type WorkingTree,
} from "./repository.ts";
import { type Change, changesIn } from "./worktree_changes.ts";

/** Most paths that one checkpoint names. */
export const CHECKPOINT_FILES = 1_000;
/** Only Gaffer's git locks a ticket's worktree; a lock this old was left by one that was killed. */
export const STALE_LOCK_MS = 10 * SECOND_MS;
const LOCK_POLL_MS = 200;
const LOCK_TRIES = 3;

export interface Checkpoint {
  commit: string;
  /** Paths that differ from the commit before, at most `CHECKPOINT_FILES`. */
  files: string[];
}

export interface CheckpointSpec {
  repo: string;
  /** Absolute path of the ticket's worktree. */
  worktree: string;
  /** Branch that the worktree must have checked out. */
  branch: string;
  message: string;
  author?: Identity;
  /**
   * Newest commit of the branch that the caller has recorded. A commit made just before a crash, and
   * so never recorded, is then reported instead of null.
   */
  recorded?: string;
  /**
   * All paths that can have been changed since the last checkpoint, relative to the worktree: in a large repository
   * to look at every file takes most of the time. By default any can.
   */
  paths?: readonly string[];
  signal: AbortSignal;
}

/**
 * Commits every change in the worktree but ignored files, hooks off, and gives the new commit; null when
 * nothing changed. A repository that was made inside the worktree is left where it is and not committed.
 * Throws `not_found` without such a worktree, `conflict` when another branch is checked out in it, and when a changed
 * file would have to pass through a filter: then nothing is committed.
 */
export async function checkpoint(spec: CheckpointSpec): Promise<Checkpoint | null> {
  const { repo, branch, signal } = spec;
  const place = await ticketPlace(spec);
  // Branches are the repository's: asked there, where a look at a file is mostly enough.
  const parent = await tipOf(repo, branch, signal);
  if (!parent) throw new AppError("conflict", `Cannot commit on branch "${branch}": it is gone`);
  const among = isIndexOf(place.gitDir, parent) ? spec.paths : undefined;
  const changed = await changesIn(place, signal, among);
  const work = changed.filter(isWork);
  if (work.length === 0) return await unrecorded(spec, place, parent);
  const isConverted = await refuseFiltered(place, work.map(({ path }) => path), signal);
  const steps = { spec, place, parent, work };
  const saved = isConverted ? undefined : await quickly(steps);
  return saved === undefined ? await byGit(steps) : saved;
}

interface Steps {
  spec: CheckpointSpec;
  place: WorkingTree;
  /** Tip of the branch. */
  parent: string;
  work: Change[];
}

/**
 * Undefined: git must do it. The branch moves while the index takes the changes in, which is behind where that is cut off:
 * the next checkpoint finds the same changes, and nothing new in them.
 */
async function quickly(
  { spec, place, parent, work }: Steps,
): Promise<Checkpoint | null | undefined> {
  const { repo, message, signal } = spec;
  if (!(await configOf(place, signal))?.keepsFiles) return undefined;
  const question = { repo, root: place.path, commit: parent, changes: work, signal };
  const made = await treeWithChanges(question);
  if (made === null) return undefined;
  if (made.files.length === 0) {
    await takeIn(place, work, spec, parent);
    return await unrecorded(spec, place, parent);
  }
  const { tree, objects } = made;
  const commit = await writeCommitWith(place, objects, {
    ...{ tree, parents: [parent], message, signal },
    identity: spec.author ?? gaffer,
  });
  if (commit === null) return undefined;
  rememberMade({ commit, tree }, objects.filter(({ kind }) => kind === "tree"));
  const { recorded = parent } = spec;
  const [files] = await allOf([
    recorded === parent
      ? made.files.slice(0, CHECKPOINT_FILES)
      : pathsBetween(place, recorded, commit, signal),
    takeIn(place, work, spec, commit),
    withoutStaleLocks(
      repo,
      place,
      signal,
      () => moveBranch(place, spec.branch, commit, parent, signal),
    ),
  ]);
  return { commit, files };
}

/** In whatever way the files and the repository are kept. */
async function byGit({ spec, place, parent, work }: Steps): Promise<Checkpoint | null> {
  const { repo, branch, message, signal } = spec;
  const [treeBefore] = await allOf([
    treeOf(place, parent, signal),
    withoutStaleLocks(repo, place, signal, () => addAll(place, work, signal)),
  ]);
  const tree = (await gitOk(place, ["write-tree"], { signal, doing: "write a tree" })).trim();
  if (tree === treeBefore) {
    noteIndex(place.gitDir, parent);
    return await unrecorded(spec, place, parent);
  }
  const identity = spec.author ?? gaffer;
  const commit = await commitTree(place, { tree, parents: [parent], message, identity, signal });
  const [files] = await allOf([
    pathsBetween(place, spec.recorded ?? parent, commit, signal),
    withoutStaleLocks(repo, place, signal, () => moveBranch(place, branch, commit, parent, signal)),
  ]);
  noteIndex(place.gitDir, commit);
  return { commit, files };
}

/** Takes the changes, which are those of `commit`, into the index. */
async function takeIn(
  place: WorkingTree,
  work: readonly Change[],
  { repo, signal }: CheckpointSpec,
  commit: string,
): Promise<void> {
  await withoutStaleLocks(repo, place, signal, () => addAll(place, work, signal));
  noteIndex(place.gitDir, commit);
}

/** As `Promise.all`, but nothing goes on behind an error. */
async function allOf<T extends readonly unknown[]>(
  steps: [...T],
): Promise<{ [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(steps);
  return await Promise.all(steps);
}

/** What in a working tree is not committed, ignored files aside; paths, cut to `limit` of them. */
export async function uncommitted(
  place: GitPlace,
  signal: AbortSignal,
  limit = CHECKPOINT_FILES,
): Promise<string[]> {
  return (await changesIn(place, signal)).slice(0, limit).map(({ path }) => path);
}

/** The commit that a crash kept from being recorded, if there is one. */
async function unrecorded(
  { recorded, signal }: CheckpointSpec,
  place: GitPlace,
  tip: string,
): Promise<Checkpoint | null> {
  if (recorded === undefined || recorded === tip) return null;
  return { commit: tip, files: await pathsBetween(place, recorded, tip, signal) };
}

async function ticketPlace(spec: CheckpointSpec): Promise<WorkingTree> {
  const { repo, worktree, branch, signal } = spec;
  const tree = await linkedTreeAt(repo, worktree, signal);
  if (!tree || tree.missing) {
    throw new AppError(
      "not_found",
      `Cannot commit in "${worktree}": it is not a worktree of "${repo}". Retry the ticket to make it again`,
    );
  }
  if (tree.branch === branch) return tree;
  throw new AppError(
    "conflict",
    `Cannot commit in "${worktree}": it has ${tree.branch ? `"${tree.branch}"` : "no branch"} ` +
      `checked out instead of "${branch}". Run: git -C ${shellQuote(worktree)} switch ${branch}`,
  );
}

async function moveBranch(
  place: GitPlace,
  branch: string,
  commit: string,
  parent: string,
  signal: AbortSignal,
): Promise<void> {
  const args = ["update-ref", "-m", "gaffer: checkpoint", `refs/heads/${branch}`, commit, parent];
  const result = await git(place, args, { signal });
  if (result.code === 0) return;
  // Cut off after the ref had moved, and tried again.
  if (await readRef(place, `refs/heads/${branch}`, signal) === commit) return;
  throw GitError.of(`move branch "${branch}"`, place, result);
}

async function pathsBetween(
  place: GitPlace,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<string[]> {
  const args = ["diff-tree", "-r", "-z", "--no-renames", "--name-only", from, to];
  const text = await gitOk(place, args, { signal, doing: "list the changed files" });
  return text.split("\0").filter(Boolean).slice(0, CHECKPOINT_FILES);
}

/**
 * Does `step`; when a lock file of this worktree is in the way, waits for it to go, and removes it once
 * it is so old that the git which made it must have been killed.
 */
export async function withoutStaleLocks(
  repo: string,
  tree: WorkingTree,
  signal: AbortSignal,
  step: () => Promise<void>,
): Promise<void> {
  for (let triesLeft = LOCK_TRIES;; triesLeft--) {
    try {
      return await step();
    } catch (error) {
      const lock = error instanceof GitError ? lockIn(error, repo) : null;
      if (lock === null || !belongsTo(tree, lock) || triesLeft === 0) throw error;
      await goneOrStale(lock, signal);
    }
  }
}

function lockIn(error: GitError, repo: string): string | null {
  const path = /Unable to create '(.+\.lock)': File exists/.exec(error.stderr)?.[1];
  return path === undefined ? null : resolve(repo, path);
}

/** The worktree's own folder below `.git/worktrees`, or its branch; never a lock of the person's. */
function belongsTo(tree: WorkingTree, lock: string): boolean {
  const inside = relative(tree.gitDir, lock);
  return !inside.startsWith("..") || lock.endsWith(`/refs/heads/${tree.branch}.lock`);
}

async function goneOrStale(lock: string, signal: AbortSignal): Promise<void> {
  for (let waitedMs = 0; waitedMs < STALE_LOCK_MS; waitedMs += LOCK_POLL_MS) {
    const ageMs = await ageOf(lock);
    if (ageMs === null) return;
    if (ageMs >= STALE_LOCK_MS) break;
    signal.throwIfAborted();
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
  await Deno.remove(lock);
}

/** Null when the file is gone. */
async function ageOf(path: string): Promise<number | null> {
  try {
    const { mtime } = await Deno.lstat(path);
    return systemClock.nowMs() - (mtime?.getTime() ?? 0);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
