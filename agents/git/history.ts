/** Where commits and lines come from. Reads only; histories may be long, so every question has a short time. */
import { SECOND_MS } from "../../server/clock.ts";
import { AppError } from "../../server/errors.ts";
import { changedFiles } from "./changes.ts";
import { isInside, NO_IGNORED, parentOf } from "./contents.ts";
import { unquote } from "./diff_names.ts";
import { git, gitOk } from "./git.ts";
import { GitError } from "./git_error.ts";
import { isRevert, ticketOfMessage } from "./merge_message.ts";
import { checkCommit } from "./repository.ts";

/** How long one look into a history may take. */
const LOOK_TIMEOUT_MS = 20 * SECOND_MS;
/** Git's own names are taken literally: a file may be called "*.ts" or ":(top)". */
const literal = { GIT_LITERAL_PATHSPECS: "1" };

export interface CommitFacts {
  commit: string;
  author: string;
  /** As git has it, with the author's zone. */
  at: string;
  subject: string;
  /** The whole message. */
  message: string;
}

/**
 * A commit by its id or the beginning of it, of 4 digits or more; null: the repository has none such, or several.
 * Throws `invalid` for anything that is no such beginning.
 */
export async function findCommit(
  repo: string,
  id: string,
  signal: AbortSignal,
): Promise<CommitFacts | null> {
  if (!/^[0-9a-f]{4,64}$/i.test(id)) {
    const message = "Write the id of a commit: 4 or more of the digits 0 to 9 and a to f";
    throw new AppError("invalid", `Cannot look for commit "${id}": ${message}`, [
      { field: "commit", message },
    ]);
  }
  const args = ["log", "-1", "--format=%H%x00%an%x00%aI%x00%s%x00%B", `${id}^{commit}`, "--"];
  const { code, stdout } = await git(repo, args, { signal, timeoutMs: LOOK_TIMEOUT_MS });
  const [commit = "", author = "", at = "", subject = "", message = ""] = stdout.split("\0");
  return code === 0 ? { commit, author, at, subject, message: message.trim() } : null;
}

/** Commits that are looked at for the one that merged a ticket: others may name it in their words. */
const NAMING_MAX = 20;

/**
 * The commit after `from` that merged a ticket of this number into `to`, and was not taken back since; null: there is
 * none. Throws `GitError`.
 */
export async function mergeOfTicket(
  { repo, from, to, ticketNumber, signal }: {
    repo: string;
    from: string;
    to: string;
    ticketNumber: number;
    signal: AbortSignal;
  },
): Promise<string | null> {
  const args = [
    ...["log", `-${NAMING_MAX}`, "--first-parent", "-z", "--format=%H%n%B", "--fixed-strings"],
    ...[`--grep=Gaffer-Ticket: ${ticketNumber}`, `${checkCommit(from)}..${checkCommit(to)}`, "--"],
  ];
  const doing = "look for the commit of a merge";
  const text = await gitOk(repo, args, { signal, timeoutMs: LOOK_TIMEOUT_MS, doing });
  const newest = text.split("\0").find((message) => ticketOfMessage(message) === ticketNumber);
  if (newest === undefined || isRevert(newest)) return null;
  return newest.slice(0, newest.indexOf("\n"));
}

/** Where a file's history goes on. */
interface FileHistory {
  repo: string;
  /** Where to begin. */
  at: string;
  path: string;
  limit: number;
  signal: AbortSignal;
}

/** Names that a file had before, whose history is looked into. */
const RENAMES_MAX = 10;

/** The newest commits that changed a file, also under the names that it had before; newest first, deleted ones too. */
export async function commitsOf({ limit, ...spec }: FileHistory): Promise<string[]> {
  const found: string[] = [];
  let file: Pick<FileHistory, "at" | "path"> | null = spec;
  for (let names = 0; file !== null && names <= RENAMES_MAX; names++) {
    const commits = await commitsNamed({ ...spec, ...file, limit: limit - found.length });
    found.push(...commits);
    const oldest = commits.at(-1);
    const more = oldest !== undefined && found.length < limit;
    file = more ? await renamedFrom({ ...spec, at: oldest, path: file.path }) : null;
  }
  return found;
}

/** The same under one name. */
async function commitsNamed({ repo, at, path, limit, signal }: FileHistory): Promise<string[]> {
  const result = await git(repo, [
    ...["log", `--max-count=${limit}`, "--format=%H", checkCommit(at), "--", checkPath(path)],
  ], { signal, timeoutMs: LOOK_TIMEOUT_MS, env: literal });
  if (result.code !== 0) throw GitError.of(`look who changed "${path}"`, repo, result);
  return result.stdout.split("\n").filter(Boolean);
}

/** The name that a file had before the commit `at` gave it this one; null: it began there. */
async function renamedFrom(
  { repo, at, path, signal }: Omit<FileHistory, "limit">,
): Promise<Pick<FileHistory, "at" | "path"> | null> {
  const before = await parentOf(repo, at, signal);
  if (before === null) return null;
  const changed = await changedFiles({ repo, from: before, to: at, signal });
  const oldPath = changed.find((file) => file.path === path)?.oldPath;
  return oldPath ? { at: before, path: oldPath } : null;
}

/** Paths of the files that a commit changed against its first parent; at most `limit`. */
export async function filesOf(
  { repo, commit, limit, signal }: {
    repo: string;
    commit: string;
    limit: number;
    signal: AbortSignal;
  },
): Promise<string[]> {
  const args = ["log", "-1", "-m", "--first-parent", "--name-only", "--format=", "-z"];
  const result = await git(repo, [...args, checkCommit(commit), "--"], {
    signal,
    timeoutMs: LOOK_TIMEOUT_MS,
  });
  if (result.code !== 0) throw GitError.of("list what a commit changed", repo, result);
  return result.stdout.split("\0").map((path) => path.trim()).filter(Boolean).slice(0, limit);
}

/** A line of a file, and the commit that it came with. */
export interface BlamedLine {
  commit: string;
  /** Where it was in that commit. */
  path: string;
  line: number;
  text: string;
  /** It was there at `base` or before. */
  old: boolean;
}

/**
 * Lines `first` to `last` of a file with where each came from, since `base` or ever. Throws `conflict` where the file
 * is not in the commit or has fewer lines.
 */
export async function blame(spec: {
  repo: string;
  at: string;
  /** Lines that were there at this commit are not looked into. */
  base?: string;
  path: string;
  first: number;
  last: number;
  signal: AbortSignal;
}): Promise<BlamedLine[]> {
  const { repo, at, base, path, first, last, signal } = spec;
  const range = base === undefined ? checkCommit(at) : `${checkCommit(base)}..${checkCommit(at)}`;
  const result = await git(repo, [
    ...["blame", "--line-porcelain", "--no-textconv", NO_IGNORED, "-L", `${first},${last}`],
    ...[range, "--", checkPath(path)],
  ], { signal, timeoutMs: LOOK_TIMEOUT_MS, env: literal });
  if (result.code !== 0) {
    throw GitError.of(`see where line ${first} of "${path}" comes from`, repo, result);
  }
  return parseBlame(result.stdout);
}

function parseBlame(text: string): BlamedLine[] {
  const lines: BlamedLine[] = [];
  let at = { commit: "", line: 0, path: "", old: false };
  for (const row of text.split("\n")) {
    const header = /^([0-9a-f]{40,64}) (\d+) \d+/.exec(row);
    if (row.startsWith("\t")) lines.push({ ...at, text: row.slice(1) });
    else if (header) at = { commit: header[1]!, line: Number(header[2]), path: "", old: false };
    else if (row === "boundary") at.old = true;
    else if (row.startsWith("filename ")) at.path = unquote(row.slice("filename ".length));
  }
  return lines;
}

/** Throws `invalid` for a path that leads out of the repository, or that git could not have. */
function checkPath(path: string): string {
  if (isInside(path)) return path;
  const message = "Write the path of a file as git has it, as src/main.ts";
  throw new AppError("invalid", `Cannot look for "${path}": ${message}`, [
    { field: "path", message },
  ]);
}

/** Numbers of the tickets whose kept or living branches have the commit; at most `limit`. */
export async function ticketsWith(
  spec: { repo: string; commit: string; limit: number; signal: AbortSignal },
): Promise<number[]> {
  const { repo, commit, limit, signal } = spec;
  const { code, stdout } = await git(repo, [
    ...["for-each-ref", `--count=${limit}`, `--contains=${checkCommit(commit)}`],
    ...["--format=%(refname)", "refs/gaffer/tickets/", "refs/heads/gaffer/", "refs/heads/gaffer-*"],
  ], { signal, timeoutMs: LOOK_TIMEOUT_MS });
  if (code !== 0) return [];
  return stdout.split("\n").flatMap((ref) => {
    const number = /^refs\/(?:gaffer\/tickets\/|heads\/gaffer[/-])(\d+)(?:-|$)/.exec(ref)?.[1];
    return number ? [Number(number)] : [];
  });
}
