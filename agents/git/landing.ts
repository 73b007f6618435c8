/**
 * Puts a prepared commit onto the base branch. Where the base is checked out, that folder moves along by
 * git's own fast-forward, which keeps every edit, staged or not, and every untracked file; would it
 * overwrite one, or would a file have to pass through a filter of the person's, nothing happens and the merge waits.
 */
import { join, resolve } from "node:path";
import { AppError } from "../../server/errors.ts";
import { deleteBranch } from "./branches.ts";
import { filteredBetween, filteredText } from "./filters.ts";
import { git, gitOk } from "./git.ts";
import { GitError, nameSome } from "./git_error.ts";
import { exists, readIfThere } from "./presence.ts";
import { addThere, areThereAlready, forgetThere } from "./there_already.ts";
import {
  checkCommit,
  describeTrees,
  isAncestor,
  readRef,
  tipOf,
  type TreePlace,
  treePlaces,
  type WorkingTree,
} from "./repository.ts";
import { threadsFor } from "./small_index.ts";
import { CHECKOUT_TIMEOUT_MS, removeWorktree } from "./worktrees.ts";

/** Most files that a reason to wait names. */
export const WAITING_FILES = 10;
const KEPT_TRIES = 100;

export interface Landing {
  repo: string;
  base: string;
  /** From `prepareMerge`. */
  commit: string;
  /** The tip that `commit` was prepared for. */
  expectedTip: string;
  /** The commit was made just now, so that it can't have landed before. */
  fresh?: boolean;
  /** Where the working trees are, if that is known already. */
  places?: readonly TreePlace[];
  /** Asked when nothing stands in the way any more, just before it lands; false: it is called off. */
  begin?: () => boolean;
  signal: AbortSignal;
}

export type Landed =
  | { type: "landed" }
  /** Nothing changed; try again later. `reason` tells a person what stands in the way, `folder` in which the files do. */
  | { type: "waiting"; reason: string; files: string[]; folder?: string }
  /** The base has other commits now: prepare again. */
  | { type: "moved" }
  /** As `begin` said; nothing changed. */
  | { type: "called_off" };

/**
 * Lands the commit, or says why not; landing it twice is the same as once. Once begun it is not cut off
 * by the signal, since a half-updated folder is worse than a late answer.
 */
export async function landMerge(spec: Landing): Promise<Landed> {
  const { repo, base, commit, expectedTip, signal } = spec;
  const tip = await tipOf(repo, base, signal);
  if (!spec.fresh && tip && await isAncestor(repo, commit, tip, signal)) return { type: "landed" };
  if (tip !== checkCommit(expectedTip)) return { type: "moved" };
  const trees = await describeTrees(spec.places ?? await treePlaces(repo, signal), signal);
  for (const tree of trees) {
    const reason = await obstacle(tree, base);
    if (reason !== null) return { type: "waiting", reason, files: [] };
  }
  const holders = trees.filter((tree) => tree.branch === base && !tree.missing);
  const [holder, second] = holders;
  if (second) {
    const paths = holders.map((tree) => `"${tree.path}"`).join(" and ");
    const reason = `"${base}" is checked out in ${paths}: switch all but one to another branch`;
    return { type: "waiting", reason, files: [] };
  }
  if (holder) {
    const filtered = await filteredBetween(holder, expectedTip, commit, signal);
    if (filtered.length > 0) {
      const files = filtered.map(({ path }) => path);
      return { type: "waiting", reason: filteredText(holder.path, commit, filtered), files };
    }
  }
  signal.throwIfAborted();
  if (spec.begin?.() === false) return { type: "called_off" };
  return holder ? await forward(spec, holder) : await moveRef(spec);
}

/** Whether the commit is on the base branch: how a merge that was cut off is found out afterwards. */
export async function isLanded(
  spec: { repo: string; base: string; commit: string; signal: AbortSignal },
): Promise<boolean> {
  const { repo, base, commit, signal } = spec;
  const tip = await tipOf(repo, base, signal);
  if (!tip || !await readRef(repo, checkCommit(commit), signal)) return false;
  return await isAncestor(repo, commit, tip, signal);
}

export interface History {
  repo: string;
  branch: string;
  ticketNumber: number;
  /** Tip of the branch: the last checkpoint. */
  headCommit: string;
  /** The ticket's worktree; null when it is removed already. */
  worktree: string | null;
  signal: AbortSignal;
}

/**
 * After landing: keeps the checkpoint commits under `refs/gaffer/tickets/<number>`, then removes worktree
 * and branch. Gives the ref. Throws `conflict` while the worktree has anything uncommitted.
 */
export async function keepHistory(spec: History): Promise<string> {
  const { repo, branch, headCommit, worktree, signal } = spec;
  const ref = await keepRef(spec);
  if (worktree !== null) await removeWorktree({ repo, path: worktree, signal });
  await deleteBranch({ repo, branch, commit: headCommit, signal });
  return ref;
}

/** An older ticket's history under the same number (a database made anew) is kept beside it. */
async function keepRef(spec: History): Promise<string> {
  const { repo, ticketNumber, headCommit, signal } = spec;
  checkCommit(headCommit);
  for (let number = 1; number <= KEPT_TRIES; number++) {
    const ref = `refs/gaffer/tickets/${ticketNumber}${number === 1 ? "" : `-${number}`}`;
    const kept = await readRef(repo, ref, signal);
    if (kept === headCommit) return ref;
    if (kept) continue;
    const args = ["update-ref", "-m", "gaffer: merged", ref, headCommit, ""];
    await gitOk(repo, args, { signal, doing: "keep the ticket's commits" });
    return ref;
  }
  throw new AppError(
    "conflict",
    `Cannot keep the commits of ticket #${ticketNumber}: refs/gaffer/tickets has ${KEPT_TRIES} of that number`,
  );
}

/** Base checked out nowhere: only the branch moves, and only from the tip that was expected. */
async function moveRef(spec: Landing): Promise<Landed> {
  const { repo, base, commit, expectedTip } = spec;
  const signal = unstoppable();
  const args = ["update-ref", "-m", "gaffer: merge", `refs/heads/${base}`, commit, expectedTip];
  const result = await git(repo, args, { signal });
  if (result.code === 0) return { type: "landed" };
  if (await tipOf(repo, base, signal) !== expectedTip) return { type: "moved" };
  const lock = LOCK_FILE.exec(result.stderr)?.[1];
  if (lock === undefined) throw GitError.of(`move branch "${base}"`, repo, result);
  const reason = `Another git command is at work on branch "${base}": ` +
    `wait for it, or, if it crashed, remove "${resolve(repo, lock)}"`;
  return { type: "waiting", reason, files: [] };
}

/** Base checked out here. Settings of the person's that would make it more than a fast-forward are off. */
async function forward(spec: Landing, tree: WorkingTree): Promise<Landed> {
  const landed = await fastForward(spec, tree);
  if (landed.type !== "waiting" || landed.files.length === 0) return landed;
  const inTheWay = {
    ...{ from: spec.expectedTip, to: spec.commit },
    ...{ files: landed.files, signal: unstoppable() },
  };
  if (!await areThereAlready(tree, inTheWay)) return landed;
  await addThere(tree, inTheWay);
  const again = await fastForward(spec, tree);
  if (again.type === "waiting") await forgetThere(tree, inTheWay);
  return again;
}

async function fastForward(spec: Landing, tree: WorkingTree): Promise<Landed> {
  const { repo, base, commit } = spec;
  const signal = unstoppable();
  const result = await git(tree, [
    ...["merge", "--ff-only", "--no-squash", "--no-autostash", "--no-overwrite-ignore"],
    ...["--no-verify-signatures", "--no-edit", "--no-stat", "--quiet", commit],
  ], {
    ...{ signal, timeoutMs: CHECKOUT_TIMEOUT_MS, settings: threadsFor(tree.gitDir) },
    env: { GIT_REFLOG_ACTION: "gaffer merge" },
  });
  const tip = await tipOf(repo, base, signal);
  const landed = result.code === 0 &&
    (tip === commit || await isLanded({ repo, base, commit, signal }));
  if (landed) return { type: "landed" };
  if (tip !== spec.expectedTip) return { type: "moved" };
  const files = overwritten(result.stderr);
  if (files.length === 0) {
    if (!LOCKED.test(result.stderr)) throw GitError.of(`move "${tree.path}" along`, tree, result);
    const reason =
      `Another git command is at work in "${tree.path}"; it goes on when that has ended`;
    return { type: "waiting", reason, files: [] };
  }
  return { type: "waiting", reason: waitingText(tree.path, files), files, folder: tree.path };
}

/** The file by which somebody else's command has a branch for itself. */
const LOCK_FILE = /unable to create '(.*\.lock)'/i;

/** What git says when somebody else's command has the index, or a branch, for itself. */
const LOCKED = /unable to create '.*\.lock'|cannot lock ref/i;

function waitingText(folder: string, files: string[]): string {
  return `The merge would overwrite what is not committed in "${folder}": ` +
    `${nameSome(files, WAITING_FILES)}. ` +
    "Commit, stash or move that away, and the merge goes on by itself";
}

/** The files that git names when a merge would overwrite edits or untracked files. */
function overwritten(stderr: string): string[] {
  const listed = [...stderr.matchAll(/^\t(.+)$/gm)].map((match) => match[1] ?? "");
  const single = [...stderr.matchAll(
    /^error: (?:Entry|Untracked working tree file) '(.+)' (?:would be overwritten|not uptodate)/gm,
  )].map((match) => match[1] ?? "");
  return [...new Set([...listed, ...single])];
}

/** What in this folder forbids to move the base branch now; null when nothing does. */
async function obstacle(tree: WorkingTree, base: string): Promise<string | null> {
  const at = (name: string) => join(tree.gitDir, name);
  const here = `"${tree.path}"`;
  for (const rebase of ["rebase-merge", "rebase-apply"]) {
    const branch = await readIfThere(at(join(rebase, "head-name")));
    if (branch?.trim() === `refs/heads/${base}`) {
      return `A rebase of "${base}" is under way in ${here}: finish or abort it`;
    }
  }
  const bisected = (await readIfThere(at("BISECT_START")))?.trim();
  if (bisected === base || bisected === `refs/heads/${base}`) {
    return `A bisect that began on "${base}" is under way in ${here}: end it with "git bisect reset"`;
  }
  if (tree.branch !== base) return null;
  if (tree.missing) {
    return tree.locked === null
      ? null
      : `"${base}" is checked out in ${here}, which is locked and not there now: bring it back or remove that worktree`;
  }
  for (const [file, what] of underWay) {
    if (await exists(at(file))) return `${what} is under way in ${here}: finish or abort it`;
  }
  return await exists(at("index.lock"))
    ? `Another git command is at work in ${here}: wait for it, or, if it crashed, remove "${
      at("index.lock")
    }"`
    : null;
}

const underWay: [string, string][] = [
  ["MERGE_HEAD", "A merge"],
  ["CHERRY_PICK_HEAD", "A cherry-pick"],
  ["REVERT_HEAD", "A revert"],
  ["rebase-apply", "An application of patches"],
  ["sequencer", "A series of picks or reverts"],
];

/** Only its own time-out ends a command that has begun to change the person's folder. */
const unstoppable = (): AbortSignal => new AbortController().signal;
