/** What differs between two commits: git's own diff, without anything a configuration could run. */
import type { DiffFile } from "../../server/records.ts";
import { git, gitOk, type GitPlace } from "./git.ts";
import { GitError } from "./git_error.ts";
import { checkCommit } from "./repository.ts";

/** Most bytes of a diff that are read unless the caller asks for fewer. */
export const DIFF_BYTES = 4 * 1024 * 1024;
/** Most files that `changedFiles` names. */
export const CHANGED_FILES = 5_000;

export interface CommitRange {
  repo: GitPlace;
  /** Full object ids. */
  from: string;
  to: string;
  signal: AbortSignal;
}

export interface Diff {
  /** Unified, with renames; a binary file is one line. Ends with a whole line. */
  text: string;
  /** It was longer than the cap and is cut. */
  truncated: boolean;
}

export interface ChangedFile {
  path: string;
  /** Where it was, when renamed. */
  oldPath: string | null;
  kind: Exclude<DiffFile["kind"], "mode">;
}

/**
 * Unified diff of the two commits. Plumbing, so that the person's `diff.*` settings cannot change its
 * form, and without external diff and textconv programs, so that none of them runs. `ignoreSpace`: lines that
 * differ in white space alone are not changed, and files with no other change are left out.
 */
export async function diffOf(
  range: CommitRange & { maxBytes?: number; ignoreSpace?: boolean },
): Promise<Diff> {
  const args = [
    ...["diff-tree", "-r", "-p", "--find-renames", "--no-color", "--no-ext-diff", "--no-textconv"],
    ...["--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "--full-index"],
    ...(range.ignoreSpace ? ["--ignore-all-space", "--ignore-blank-lines"] : []),
    ...[checkCommit(range.from), checkCommit(range.to)],
  ];
  const { signal, maxBytes: maxOutputBytes = DIFF_BYTES } = range;
  const result = await git(range.repo, args, { signal, maxOutputBytes });
  if (result.code !== 0) throw GitError.of("compare the commits", range.repo, result);
  const { stdout, truncated } = result;
  return truncated
    ? { text: stdout.slice(0, stdout.lastIndexOf("\n") + 1), truncated }
    : { text: stdout, truncated };
}

/** The files that differ, in path order, at most `CHANGED_FILES`; complete where `diffOf` is cut. */
export async function changedFiles(range: CommitRange): Promise<ChangedFile[]> {
  const args = ["diff-tree", "-r", "-z", "--find-renames", "--name-status"];
  const text = await gitOk(
    range.repo,
    [...args, checkCommit(range.from), checkCommit(range.to)],
    { signal: range.signal, doing: "list the changed files" },
  );
  const fields = text.split("\0");
  const files: ChangedFile[] = [];
  for (let at = 0; at + 1 < fields.length && files.length < CHANGED_FILES;) {
    const status = fields[at++] ?? "";
    const renamed = status.startsWith("R");
    const oldPath = renamed ? fields[at++] ?? null : null;
    files.push({ path: fields[at++] ?? "", oldPath, kind: kinds[status.charAt(0)] ?? "modified" });
  }
  return files;
}

/** Any other letter (a file that became a link, say) counts as modified. */
const kinds: Record<string, ChangedFile["kind"]> = { A: "added", D: "deleted", R: "renamed" };
