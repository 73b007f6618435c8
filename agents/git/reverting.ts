/**
 * Makes the commit that takes a merged ticket back. Like a merge it is prepared in a worktree of its own, for the
 * checks to run on, and landed by `landing.ts`: nothing of the person's changes here.
 */
import { commitTree } from "./commit_objects.ts";
import { git } from "./git.ts";
import {
  checkedOut,
  combine,
  type ConflictFile,
  type MergeSpec,
  removeWorkDir,
  requireTip,
} from "./merging.ts";
import {
  checkCommit,
  identityOf,
  isAncestor,
  messageOfCommit,
  readRef,
  treeOf,
} from "./repository.ts";

export interface RevertSpec
  extends Pick<MergeSpec, "repo" | "base" | "workDir" | "signer" | "signal"> {
  /** On the base branch; of one with several parents all that it brought to the first. */
  commit: string;
  /** From `revertMessage`. */
  message: string;
}

export type PreparedRevert =
  /** The commit to land: one parent, `baseTip`. `workDir` has it checked out. */
  | { type: "prepared"; commit: string; baseTip: string }
  /** Ours is the base branch, theirs what was there before the commit. `by`: a commit that says it reverts it. */
  | { type: "conflict"; files: ConflictFile[]; by: string | null }
  /** Nothing of it is on the base branch any more. `by`: as above. */
  | { type: "empty"; by: string | null }
  /** The base branch does not have the commit: it was set back, or another branch is the base now. */
  | { type: "absent" };

/** Takes the commit's change back from the base branch's tip. Throws `conflict` when that branch is gone. */
export async function prepareRevert(spec: RevertSpec): Promise<PreparedRevert> {
  const { repo, commit, message, signal } = spec;
  const baseTip = await requireTip(repo, spec.base, signal);
  const parent = await readRef(repo, `${checkCommit(commit)}^1`, signal);
  if (parent === null || !await isAncestor(repo, commit, baseTip, signal)) {
    return { type: "absent" };
  }
  const identity = await identityOf(repo, signal);
  const before = await treeOf(repo, parent, signal);
  const result = await combine(spec, { tree: before, from: commit, onto: baseTip, identity });
  if ("files" in result) {
    return { type: "conflict", files: result.files, by: await revertOf(spec, baseTip) };
  }
  const { tree, place } = result;
  if (tree === await treeOf(repo, baseTip, signal)) {
    await removeWorkDir(spec);
    return { type: "empty", by: await revertOf(spec, baseTip) };
  }
  const { signer } = spec;
  const parents = [baseTip];
  const revert = await commitTree(repo, { tree, parents, message, identity, signer, signal });
  await checkedOut(place, revert, signal);
  return { type: "prepared", commit: revert, baseTip };
}

/**
 * Whether a commit brought all of a branch that began at `base` and ended at `head`, as a merge or a squash does;
 * false: it is the last of several that were put there one by one, or nobody can tell any more.
 */
export async function broughtAll(
  { repo, commit, base, head, signal }: Pick<RevertSpec, "repo" | "base" | "commit" | "signal"> & {
    head: string;
  },
): Promise<boolean> {
  const parentOf = (of: string, number: number) => readRef(repo, `${of}^${number}`, signal);
  if (await parentOf(checkCommit(commit), 2) !== null) return true;
  if (await parentOf(checkCommit(head), 1) === base) return true;
  const last = await messageOfCommit(repo, head, signal);
  if (last === null) return false;
  // A rebase keeps the words of each; a squash has its own.
  return (await messageOfCommit(repo, commit, signal))?.trim() !== last.trim();
}

/** The newest commit since that says, as git itself and Gaffer do, that it reverts this one. */
async function revertOf(
  { repo, commit, signal }: RevertSpec,
  baseTip: string,
): Promise<string | null> {
  const { code, stdout } = await git(repo, [
    ...["log", "-1", "--format=%H", "--fixed-strings", `--grep=This reverts commit ${commit}`],
    `${commit}..${baseTip}`,
  ], { signal });
  return code === 0 ? stdout.trim() || null : null;
}
