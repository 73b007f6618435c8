/** What landed on a branch: one commit after the other on its own line, each with the files that it changed there. */
import { SECOND_MS } from "../../server/clock.ts";
import { PLANNING } from "../planning/document_paths.ts";
import { git } from "./git.ts";
import { GitError } from "./git_error.ts";
import { checkCommit } from "./repository.ts";

/** How long one look may take. */
const LOOK_TIMEOUT_MS = 20 * SECOND_MS;
/** Most commits of one look, and most that it may print: what is older does not count. */
export const LANDED_MAX = 500;
const OUTPUT_BYTES = 8 * 1024 * 1024;
const FILES_MAX = 20_000;

export interface LandedCommit {
  commit: string;
  by: string;
  /** UTC text. */
  at: string;
  /** First line of its message. */
  subject: string;
  /** Paths from the root, old and new names of what was renamed. */
  files: string[];
}

const literal = { GIT_LITERAL_PATHSPECS: "1" };

/**
 * Commits on the first line of the history up to `tip`, newest first: a merge counts as one with all that it brought.
 * `after`: only those that are not in its history; null, or a commit that is gone: the newest `LANDED_MAX`. `below`:
 * only what is in this folder.
 */
export async function landedCommits(
  { repo, tip, after = null, below = null, signal }: {
    repo: string;
    tip: string;
    after?: string | null;
    below?: string | null;
    signal: AbortSignal;
  },
): Promise<LandedCommit[]> {
  const mark = crypto.randomUUID();
  const result = await git(repo, [
    ...["log", "--first-parent", "-m", "--no-renames", "--name-only", "-z"],
    ...[`--max-count=${LANDED_MAX}`, `--format=${mark}%H%x00%an%x00%at%x00%s%x00`],
    ...[after === null ? checkCommit(tip) : `${checkCommit(after)}..${checkCommit(tip)}`],
    ...["--", ...below === null ? [] : [below]],
  ], { signal, timeoutMs: LOOK_TIMEOUT_MS, maxOutputBytes: OUTPUT_BYTES, env: literal });
  if (result.code !== 0) {
    const isGone = /bad object|unknown revision|Invalid (?:revision|symmetric)/i;
    if (after !== null && isGone.test(result.stderr)) {
      return await landedCommits({ repo, tip, below, signal });
    }
    throw GitError.of("look what has changed on the branch", repo, result);
  }
  const entries = result.stdout.split(mark).slice(1);
  // The last one may be cut off in its middle.
  if (result.truncated && entries.length > 1) entries.pop();
  return entries.map((entry) => {
    const [commit = "", by = "", at = "", subject = "", ...rest] = entry.split("\0");
    const files = rest.map((name) => name.replace(/^\n/, "")).filter(Boolean).slice(0, FILES_MAX);
    return { commit, by, at: commitTime(at), subject, files };
  });
}

/** UTC text of a commit's seconds since 1970; a commit may have any number there, of which some are no time. */
export function commitTime(seconds: string): string {
  const at = new Date(Number(seconds) * SECOND_MS);
  return Number.isNaN(at.getTime()) ? new Date(0).toISOString() : at.toISOString();
}

/**
 * For each document in the history up to `tip` the newest commit that changed it, of the newest `LANDED_MAX`.
 * `before`: the oldest of those, where there are older ones; null: that is all.
 */
export async function newestDocumentCommits(
  repo: string,
  tip: string,
  signal: AbortSignal,
): Promise<{ newest: Map<string, string>; before: string | null }> {
  const commits = await landedCommits({ repo, tip, below: `${PLANNING}/`, signal });
  const newest = new Map<string, string>();
  for (const { commit, files } of commits) {
    for (const file of files) {
      const path = file.slice(`${PLANNING}/`.length);
      if (!newest.has(path)) newest.set(path, commit);
    }
  }
  return { newest, before: commits.length < LANDED_MAX ? null : commits.at(-1)!.commit };
}
