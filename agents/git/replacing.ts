/** Replaces the content of files on a ticket's branch and in its worktree, by one commit. */
import { AppError } from "../../server/errors.ts";
import { type Checkpoint, checkpoint, uncommitted, withoutStaleLocks } from "./checkpoints.ts";
import { fileAt, parentOf, writeBlob } from "./contents.ts";
import { filteredAmong } from "./filters.ts";
import { gitOk } from "./git.ts";
import { linkedTreeAt, tipOf, type WorkingTree } from "./repository.ts";

/** The whole new content of a file that is there. */
export interface Replacement {
  path: string;
  text: string;
}

/** Where, and what. */
export interface ReplacementSpec {
  repo: string;
  /** Absolute real path of the ticket's worktree. */
  worktree: string;
  branch: string;
  /** The branch's tip that the caller knows. */
  head: string;
  files: readonly Replacement[];
  message: string;
  signal: AbortSignal;
}

/**
 * Makes the commit and gives its id. May be cut off anywhere and done again: what the first try left, a commit or
 * files that are not committed, is recognised. Throws `conflict`, and changes nothing, when the branch has other
 * commits, when the worktree has other changes, and for what is not a file.
 */
export async function replaceFiles(spec: ReplacementSpec): Promise<string> {
  const { repo, worktree, branch, head, files, signal } = spec;
  const wanted = await Promise.all(files.map(async ({ path, text }) => {
    const before = await fileAt(repo, head, path, signal);
    if (!before || !before.mode.startsWith("100")) refuse(path, "it is no file there");
    return {
      path,
      mode: before!.mode,
      before: before!.blob,
      blob: await writeBlob(repo, text, signal),
    };
  }));
  const tip = await tipOf(repo, branch, signal);
  if (tip !== head) {
    if (tip !== null && await isDone(spec, tip, wanted)) return tip;
    refuse(branch, "the branch has other commits meanwhile. Load the page again");
  }
  const tree = await linkedTreeAt(repo, worktree, signal);
  if (!tree || tree.missing || tree.branch !== branch) {
    throw new AppError(
      "conflict",
      `Cannot change "${branch}": its worktree is gone. Send the ticket back`,
    );
  }
  const [filtered] = await filteredAmong(tree, files.map(({ path }) => path), signal);
  if (filtered) {
    refuse(
      filtered.path,
      `it passes through the filter "${filtered.filter}", which Gaffer does not run. Commit it by hand`,
    );
  }
  await refuseOtherChanges(tree, wanted, signal);
  await withoutStaleLocks(repo, tree, signal, () => check(tree, wanted, signal));
  const made: Checkpoint | null = await checkpoint({ ...spec, recorded: head });
  if (!made) refuse(branch, "the suggestion changes nothing");
  return made!.commit;
}

interface Wanted {
  path: string;
  mode: string;
  before: string;
  blob: string;
}

/** The process ended after the commit, before anyone had recorded it. */
async function isDone(
  { repo, head, signal }: ReplacementSpec,
  tip: string,
  wanted: Wanted[],
): Promise<boolean> {
  if (await parentOf(repo, tip, signal) !== head) return false;
  for (const { path, blob } of wanted) {
    if ((await fileAt(repo, tip, path, signal))?.blob !== blob) return false;
  }
  return true;
}

/** What is not committed must be what is about to be written, as a try leaves it that was cut off. */
async function refuseOtherChanges(
  tree: WorkingTree,
  wanted: Wanted[],
  signal: AbortSignal,
): Promise<void> {
  const changed = await uncommitted(tree, signal);
  const strange = changed.filter((path) => !wanted.some((file) => file.path === path));
  if (strange.length > 0) refuse(strange[0]!, "it has changes that are not committed");
  for (const path of changed) {
    const args = ["hash-object", "--", path];
    const now = (await gitOk(tree, args, { signal, doing: `read "${path}"` })).trim();
    if (!wanted.some((file) => file.path === path && (file.blob === now || file.before === now))) {
      refuse(path, "it has changes that are not committed");
    }
  }
}

/** Index first, then the files by git itself, which follows no link out of the worktree. */
async function check(tree: WorkingTree, wanted: Wanted[], signal: AbortSignal): Promise<void> {
  const entries = wanted.map(({ mode, blob, path }) => `${mode} ${blob}\t${path}\0`).join("");
  await gitOk(tree, ["update-index", "-z", "--index-info"], {
    signal,
    input: entries,
    doing: "put the suggestion into the index",
  });
  await gitOk(tree, ["checkout-index", "--force", "-z", "--stdin"], {
    signal,
    input: wanted.map(({ path }) => `${path}\0`).join(""),
    doing: "write the suggestion into the worktree",
  });
}

function refuse(what: string, why: string): never {
  throw new AppError("conflict", `Cannot apply the suggestion to "${what}": ${why}`);
}
