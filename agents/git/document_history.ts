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
}

const literal = { GIT_LITERAL_PATHSPECS: "1" };

/** Newest first, of the branch's history up to `tip`; renames are not followed. */
export async function listDocumentCommits(
  { repo, tip, path, limit = VERSIONS_MAX, signal }: {
    repo: string;
    tip: string;
    path: string;
    limit?: number;
    signal: AbortSignal;
  },
): Promise<DocumentCommitInfo[]> {
  const args = [
    ...["log", `--max-count=${limit}`, "-z", "--format=%H%n%at%n%an%n%s", checkCommit(tip)],
    ...["--", `${PLANNING}/${path}`],
  ];
  const doing = `list the versions of "${path}"`;
  const text = await gitOk(repo, args, { signal, env: literal, doing });
  return text.split("\0").filter(Boolean).map((entry) => {
    const [commit = "", at = "", by = "", subject = ""] = entry.split("\n");
    return { commit, by, at: commitTime(at), subject };
  });
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
