/**
 * Makes the one commit that a ticket becomes on the base branch. Where the base has moved, the two are
 * combined in a worktree of its own; no branch and no folder of the person's changes here (`landing.ts`
 * does that), so that preparing may be cut off and done again.
 */
import { join } from "node:path";
import type { MergeStyle } from "../../server/states.ts";
import { AppError } from "../../server/errors.ts";
import { commitTree } from "./commit_objects.ts";
import { git, gitOk } from "./git.ts";
import { uncommitted } from "./checkpoints.ts";
import { GitError, shellQuote } from "./git_error.ts";
import {
  checkCommit,
  type Identity,
  identityEnv,
  identityOf,
  isAncestor,
  linkedTreeAt,
  tipOf,
  treeOf,
  type WorkingTree,
} from "./repository.ts";
import type { Signer } from "./signing.ts";
import { checkOutMerge } from "./merge_folder.ts";
import { CHECKOUT_TIMEOUT_MS, removeWorktree } from "./worktrees.ts";

/** Most files of a conflict whose text is read, and most characters of each. */
export const CONFLICT_FILES = 50;
export const CONFLICT_TEXT_CHARS = 32_000;

export interface MergeSpec {
  repo: string;
  /** Branch that receives the commit. */
  base: string;
  /** The ticket's branch; its tip must be `headCommit`. */
  branch: string;
  /** What was checked, reviewed and approved. */
  headCommit: string;
  /** Commit of the base branch that the work started from. */
  baseCommit: string;
  /** Where the combined result is checked out when the base has moved; made and removed by Gaffer. */
  workDir: string;
  /** From `mergeMessage`. */
  message: string;
  /** `merge`: the commit's second parent is `headCommit`. One squashed commit by default. */
  style?: MergeStyle;
  /** Signs the commit that lands; nobody by default. */
  signer?: Signer | null;
  /** Author and committer; the repository's own by default. */
  identity?: Identity;
  signal: AbortSignal;
}

export type PreparedMerge =
  | {
    type: "prepared";
    /** The commit to land: its first parent is `baseTip`. */
    commit: string;
    baseTip: string;
    /**
     * The base has commits that the branch was not checked with: `workDir` has the result checked out,
     * for the checks to run on before it lands. Otherwise its files are exactly those of `headCommit`,
     * and `workDir` is not made.
     */
    moved: boolean;
  }
  | {
    type: "conflict";
    baseTip: string;
    files: ConflictFile[];
    /** Of all conflicts, however many. */
    paths: string[];
    /** The two combined, with the conflicts marked in the files. */
    tree: string;
  }
  /** The base has every change already: nothing to commit. */
  | { type: "empty"; baseTip: string };

export interface ConflictFile {
  path: string;
  /** With conflict markers (ours is the base, theirs the ticket); null when gone, binary or a link. */
  text: string | null;
}

/**
 * Puts the ticket's work, as one commit, onto the base branch's tip. Throws `conflict` when a branch is gone, or has
 * other commits than those that were approved.
 */
export async function prepareMerge(spec: MergeSpec): Promise<PreparedMerge> {
  const { repo, headCommit, message, signal } = spec;
  const baseTip = await requireTip(repo, spec.base, signal);
  await requireApproved(spec);
  const { from, moved } = await forkPoint(spec, baseTip);
  const identity = spec.identity ?? await identityOf(repo, signal);
  const own = await treeOf(repo, headCommit, signal);
  const combined = moved
    ? await combine(spec, { tree: own, from, onto: baseTip, identity })
    : { tree: own, place: null };
  if ("files" in combined) return { type: "conflict", baseTip, ...combined };
  const { tree, place } = combined;
  if (tree === await treeOf(repo, baseTip, signal)) {
    if (place) await removeWorkDir(spec);
    return { type: "empty", baseTip };
  }
  const parents = spec.style === "merge" ? [baseTip, headCommit] : [baseTip];
  const { signer } = spec;
  const commit = await commitTree(repo, { tree, parents, message, identity, signer, signal });
  if (place) await checkedOut(place, commit, signal);
  return { type: "prepared", commit, baseTip, moved };
}

/** Index and files of the merge's own worktree are those of the commit already. */
export async function checkedOut(
  place: WorkingTree,
  commit: string,
  signal: AbortSignal,
): Promise<void> {
  const args = ["update-ref", "--no-deref", "HEAD", commit];
  await gitOk(place, args, { signal, doing: "check out the merge" });
}

/** Removes the worktree that `prepareMerge` made; it holds no work that is not in the commit. */
export async function removeWorkDir(
  spec: { repo: string; workDir: string; signal: AbortSignal },
): Promise<void> {
  const { repo, workDir: path, signal } = spec;
  await removeWorktree({ repo, path, discard: true, signal });
}

/** Puts that worktree's files to another commit; ignored files stay. */
export async function moveWorkDir(
  spec: { repo: string; workDir: string; to: string; signal: AbortSignal },
): Promise<void> {
  const { repo, workDir, to, signal } = spec;
  const tree = await linkedTreeAt(repo, workDir, signal);
  if (!tree || tree.branch !== null) {
    throw new Error(`"${workDir}" is not the merge's own worktree`);
  }
  await gitOk(tree, ["reset", "--hard", "--quiet", checkCommit(to)], {
    signal,
    timeoutMs: CHECKOUT_TIMEOUT_MS,
    doing: `put "${workDir}" to commit ${to}`,
  });
}

/** Throws `conflict` where there is no such branch. */
export async function requireTip(
  repo: string,
  branch: string,
  signal: AbortSignal,
): Promise<string> {
  const tip = await tipOf(repo, branch, signal);
  if (tip) return tip;
  throw new AppError(
    "conflict",
    `Cannot merge into branch "${branch}": it is gone. Make it again, or change the project's base branch`,
  );
}

async function requireApproved(spec: MergeSpec): Promise<void> {
  const { repo, branch, headCommit, signal } = spec;
  const tip = await tipOf(repo, branch, signal);
  if (tip === checkCommit(headCommit)) return;
  throw new AppError(
    "conflict",
    tip
      ? `Cannot merge branch "${branch}": it is at ${tip}, but ${headCommit} was approved. Review it again`
      : `Cannot merge branch "${branch}": it is gone. ` +
        `Run: git -C ${shellQuote(repo)} branch ${branch} ${headCommit}`,
  );
}

/**
 * The commit whose difference to `headCommit` is the ticket's work: usually the newest one that base and
 * branch share, which is later than `baseCommit` when someone merged the base into the branch. When the
 * base was set back behind `baseCommit`, what was dropped there must not come back with the ticket.
 */
async function forkPoint(
  spec: MergeSpec,
  baseTip: string,
): Promise<{ from: string; moved: boolean }> {
  const { repo, baseCommit, headCommit, signal } = spec;
  if (!await isAncestor(repo, baseCommit, baseTip, signal)) {
    return { from: baseCommit, moved: true };
  }
  const shared = await git(repo, ["merge-base", baseTip, headCommit], { signal });
  const from = shared.code === 0 ? shared.stdout.trim() : baseCommit;
  return { from, moved: from !== baseTip };
}

/**
 * A three-way merge by picking the change from `from` to `tree`, as one commit, onto another commit. Not
 * `git merge-tree --write-tree`: git before 2.38 lacks it, and so do systems still in use. The worktree is left
 * with the result; after a conflict there is none.
 */
export async function combine(
  spec: Pick<MergeSpec, "repo" | "workDir" | "message" | "signal">,
  { tree, from, onto, identity }: { tree: string; from: string; onto: string; identity: Identity },
): Promise<
  | { tree: string; place: WorkingTree }
  | { tree: string; files: ConflictFile[]; paths: string[] }
> {
  const { repo, message, signal } = spec;
  const work = await commitTree(repo, { tree, parents: [from], message, identity, signal });
  const place = await checkOutMerge(spec, onto);
  const picked = await git(place, ["cherry-pick", "--no-commit", work], {
    signal,
    timeoutMs: CHECKOUT_TIMEOUT_MS,
    env: identityEnv(identity),
  });
  if (picked.code === 0) {
    const result = await gitOk(place, ["write-tree"], { signal, doing: "write a tree" });
    return { tree: result.trim(), place };
  }
  const paths = await unmergedPaths(place, signal);
  if (paths.length === 0) {
    throw GitError.of("combine the branch with its base", place, picked);
  }
  const files = await Promise.all(
    paths.slice(0, CONFLICT_FILES).map((path) => readConflict(place.path, path)),
  );
  const marked = await markedTree(place, paths, signal);
  await removeWorkDir(spec);
  return { tree: marked, files, paths };
}

/** The tree of what a conflict left in the files: what git put aside under other names is in it, too. */
async function markedTree(
  place: WorkingTree,
  paths: string[],
  signal: AbortSignal,
): Promise<string> {
  const all = [...paths, ...await uncommitted(place, signal)].filter((path) => !path.endsWith("/"));
  await gitOk(place, ["update-index", "--add", "--remove", "--replace", "-z", "--stdin"], {
    signal,
    input: all.map((path) => `${path}\0`).join(""),
    doing: "keep the conflicts",
  });
  return (await gitOk(place, ["write-tree"], { signal, doing: "write a tree" })).trim();
}

async function unmergedPaths(place: WorkingTree, signal: AbortSignal): Promise<string[]> {
  const args = ["ls-files", "--unmerged", "-z"];
  const text = await gitOk(place, args, { signal, doing: "list the conflicts" });
  // "<mode> <object> <stage>\t<path>", up to three for each path
  const paths = text.split("\0").filter(Boolean).map((entry) =>
    entry.slice(entry.indexOf("\t") + 1)
  );
  return [...new Set(paths)];
}

async function readConflict(dir: string, path: string): Promise<ConflictFile> {
  const file = join(dir, path);
  try {
    if (!(await Deno.lstat(file)).isFile) return { path, text: null };
    const text = await Deno.readTextFile(file);
    return { path, text: text.includes("\0") ? null : text.slice(0, CONFLICT_TEXT_CHARS) };
  } catch (error) {
    // Deleted on one side: there is no text with markers.
    if (error instanceof Deno.errors.NotFound) return { path, text: null };
    throw error;
  }
}
