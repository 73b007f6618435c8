/** The commits that changed one document. */
import { PLANNING } from "../planning/document_paths.ts";
import { commitTime } from "./base_changes.ts";
import { git, gitOk } from "./git.ts";
import { GitError } from "./git_error.ts";
import { checkCommit } from "./repository.ts";

/** Newest commits of a document that are listed. */
export const VERSIONS_MAX = 100;

export interface DocumentCommitInfo {
  commit: string;
  by: string;
  /** UTC text. */
  at: string;
  /** First line of its message. */
  subject: string;
  /** That the document had then. */
  path: string;
  /** The commit removed it: there is no text of it. */
  removed: boolean;
}

/** A document got another path, whether or not that was committed. */
export interface KnownMove {
  from: string;
  to: string;
  /** UTC text. */
  at: string;
}

const literal = { GIT_LITERAL_PATHSPECS: "1" };

/** Names that a document had one after the other, as far as they are followed. */
const NAMES_MAX = 20;

/**
 * Newest first, of the branch's history up to `tip`. Renames are followed: those that git sees in the commit that
 * brought the present name, and `moves` (the newest first), which somebody noticed in the folder.
 */
export async function listDocumentCommits(
  { repo, tip, path, moves = [], limit = VERSIONS_MAX, signal }: {
    repo: string;
    tip: string;
    path: string;
    moves?: readonly KnownMove[];
    limit?: number;
    signal: AbortSignal;
  },
): Promise<DocumentCommitInfo[]> {
  const found = new Map<string, DocumentCommitInfo>();
  let left = moves;
  let at = { tip, path };
  for (let names = 0; names < NAMES_MAX && found.size < limit; names++) {
    const known = left.findIndex(({ to }) => to === at.path);
    const move = known < 0 ? null : left[known]!;
    if (move) left = left.slice(known + 1);
    const commits = await commitsOf(repo, { ...at, limit, signal });
    const renamed = await findRename(repo, { path: at.path, commits }, signal);
    const own = renamed
      ? commits.slice(0, commits.indexOf(renamed.commit) + 1)
      // What was committed under that name before the document had it was another one.
      : move && (commits[0]?.at ?? "") < move.at
      ? []
      : commits;
    for (const { added: _, ...commit } of own) {
      if (found.size < limit && !found.has(commit.commit)) found.set(commit.commit, commit);
    }
    if (renamed) at = { tip: renamed.commit.commit, path: renamed.from };
    else if (move) at = { tip: own.at(-1)?.commit ?? at.tip, path: move.from };
    else break;
  }
  return [...found.values()];
}

interface NamedCommit extends DocumentCommitInfo {
  /** The commit brought a file of that name. */
  added: boolean;
}

async function commitsOf(
  repo: string,
  { tip, path, limit, signal }: { tip: string; path: string; limit: number; signal: AbortSignal },
): Promise<NamedCommit[]> {
  // Nobody can have known it who wrote a commit's message.
  const mark = crypto.randomUUID();
  const args = [
    ...["log", `--max-count=${limit}`, "--name-status", "--no-renames"],
    ...[`--format=${mark}%H%n%at%n%an%n%s`, checkCommit(tip), "--", `${PLANNING}/${path}`],
  ];
  const doing = `list the versions of "${path}"`;
  const text = await gitOk(repo, args, { signal, env: literal, doing });
  return text.split(mark).slice(1).map((entry) => {
    const [commit = "", at = "", by = "", subject = "", ...changes] = entry.split("\n");
    const is = (status: string) => changes.some((line) => line.startsWith(`${status}\t`));
    return {
      ...{ commit, by, at: commitTime(at), subject, path },
      added: is("A"),
      removed: is("D"),
    };
  });
}

/** Commits that brought a file of the name, of which the newest are asked whether they moved it there. */
const ADDED_MAX = 5;
/** Files of one commit that are compared with each other to find renames. */
const RENAMES_MAX = 400;
const RENAME_TIMEOUT_MS = 10_000;

/** The newest of these commits in which git sees a file moved to this path, and from where. */
async function findRename(
  repo: string,
  { path, commits }: { path: string; commits: NamedCommit[] },
  signal: AbortSignal,
): Promise<{ commit: NamedCommit; from: string } | null> {
  for (const commit of commits.filter(({ added }) => added).slice(0, ADDED_MAX)) {
    const args = [
      ...["diff-tree", "-r", "-z", "-M", `-l${RENAMES_MAX}`, "--diff-filter=R", "--name-status"],
      ...["--no-commit-id", checkCommit(commit.commit), "--", `${PLANNING}/`],
    ];
    const doing = `look where "${path}" was before`;
    const how = { signal, env: literal, timeoutMs: RENAME_TIMEOUT_MS, doing };
    const fields = (await gitOk(repo, args, how)).split("\0");
    for (let i = 0; i + 2 < fields.length; i += 3) {
      const [, from, to] = fields.slice(i, i + 3);
      if (to !== `${PLANNING}/${path}` || !from?.startsWith(`${PLANNING}/`)) continue;
      return { commit, from: from.slice(PLANNING.length + 1) };
    }
  }
  return null;
}

/** Newest commits that are looked through for all documents. */
const COMMITS_MAX = 5_000;

/** Ids of the commits that changed each document, newest first, by its path: by one process for all of them. */
export async function listAllDocumentCommits(
  { repo, tip, signal }: { repo: string; tip: string; signal: AbortSignal },
): Promise<Map<string, string[]>> {
  const args = [
    ...["log", `--max-count=${COMMITS_MAX}`, "--name-only", "--no-renames", "--format=%x01%H"],
    ...[checkCommit(tip), "--", `${PLANNING}/`],
  ];
  // Names of documents have nothing that git would quote then.
  const how = { signal, env: literal, settings: ["core.quotePath=false"] };
  const text = await gitOk(repo, args, { ...how, doing: "list the versions of the documents" });
  const found = new Map<string, string[]>();
  for (const entry of text.split("\u0001").slice(1)) {
    const [commit = "", ...paths] = entry.split("\n");
    for (const path of paths) {
      if (!path.startsWith(`${PLANNING}/`)) continue;
      const name = path.slice(PLANNING.length + 1);
      const commits = found.get(name) ?? [];
      if (commits.length < VERSIONS_MAX) commits.push(commit);
      found.set(name, commits);
    }
  }
  return found;
}

/** Whether a commit is in the history up to `tip`: what is not may be anybody's secret. */
export async function isOnBranch(
  repo: string,
  { commit, tip }: { commit: string; tip: string },
  signal: AbortSignal,
): Promise<boolean> {
  const args = ["merge-base", "--is-ancestor", checkCommit(commit), checkCommit(tip)];
  const result = await git(repo, args, { signal });
  if (result.code <= 1) return result.code === 0;
  if (/not a valid (?:commit|object)|Not a valid/i.test(result.stderr)) return false;
  throw GitError.of("look for a version", repo, result);
}
