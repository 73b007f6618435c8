/** What files hold in a commit, and which commit each of their lines came with. */
import { git, gitBytes, gitOk, type GitPlace } from "./git.ts";
import { checkCommit } from "./repository.ts";

/** Largest file that is read as text. */
export const BLOB_BYTES = 2 * 1024 * 1024;
/** Most lines whose origin is asked for at once. */
export const ORIGIN_LINES = 2_000;

/** Git's own names are taken literally: a file may be called "*.ts" or ":(top)". */
const literal = { GIT_LITERAL_PATHSPECS: "1" };

/**
 * For `git blame`: commits that a person's configuration names to be passed over are what is looked for as well, and
 * without the file that lists them, which most repositories lack, git would fail.
 */
export const NO_IGNORED = "--no-ignore-revs-file";

/** A file in a commit. */
export interface FileAt {
  /** Object id of its content. */
  blob: string;
  /** "100644", or "120000" for a link. */
  mode: string;
}

/** The file at exactly this path in a commit; null: there is none, or it is a folder or a submodule. */
export async function fileAt(
  repo: GitPlace,
  commit: string,
  path: string,
  signal: AbortSignal,
): Promise<FileAt | null> {
  if (!isInside(path)) return null;
  const args = ["ls-tree", "-z", "--full-tree", checkCommit(commit), "--", path];
  const text = await gitOk(repo, args, { signal, env: literal, doing: `look for "${path}"` });
  const match = /^(\d+) blob ([0-9a-f]+)\t([^]*)\0$/.exec(text);
  return match && match[3] === path ? { mode: match[1]!, blob: match[2]! } : null;
}

/** A path as git writes them: no way out, and nothing that the system would cut. */
export const isInside = (path: string): boolean =>
  !path.includes("\0") &&
  path.split("/").every((part) => part !== "" && part !== "." && part !== "..");

/**
 * A blob's text; null when it is longer than `BLOB_BYTES`. Bytes that are no UTF-8 become U+FFFD; a mark of the byte
 * order at its beginning stays, so that whoever writes the text again changes nothing of it.
 */
export async function readBlob(
  repo: GitPlace,
  blob: string,
  signal: AbortSignal,
): Promise<string | null> {
  const args = ["cat-file", "blob", checkCommit(blob)];
  const bytes = await gitBytes(repo, args, {
    signal,
    maxOutputBytes: BLOB_BYTES,
    doing: "read a file",
  });
  return bytes && new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Writes a text as a blob, as it is, and gives its object id. No file and no branch changes. */
export async function writeBlob(
  repo: GitPlace,
  text: string,
  signal: AbortSignal,
): Promise<string> {
  const args = ["hash-object", "-w", "--no-filters", "--stdin"];
  return (await gitOk(repo, args, { signal, input: text, doing: "write a file" })).trim();
}

/** Whether the repository has this commit (still). */
export async function hasCommit(
  repo: GitPlace,
  commit: string,
  signal: AbortSignal,
): Promise<boolean> {
  return (await git(repo, ["cat-file", "-e", `${checkCommit(commit)}^{commit}`], { signal }))
    .code === 0;
}

/** The commit's first parent; null for a first commit. */
export async function parentOf(
  repo: GitPlace,
  commit: string,
  signal: AbortSignal,
): Promise<string | null> {
  const args = ["rev-parse", "--verify", "--quiet", `${checkCommit(commit)}^1`];
  const { code, stdout } = await git(repo, args, { signal });
  return code === 0 ? stdout.trim() : null;
}

/**
 * The commits between `base` and `head` that lines `first` to `last` of a file came with, each once, in the order of
 * the lines; lines that were there before `base` have none. At most `ORIGIN_LINES` lines are asked for.
 */
export async function originsOf(
  { repo, base, head, path, first, last, signal }: {
    repo: GitPlace;
    base: string;
    head: string;
    path: string;
    first: number;
    last: number;
    signal: AbortSignal;
  },
): Promise<string[]> {
  const end = Math.min(last, first + ORIGIN_LINES - 1);
  const args = [
    ...["blame", "--porcelain", "-s", "--no-textconv", NO_IGNORED, "-L", `${first},${end}`],
    ...[`${checkCommit(base)}..${checkCommit(head)}`, "--", path],
  ];
  const text = await gitOk(repo, args, { signal, doing: `see where lines of "${path}" come from` });
  const origins = new Set<string>();
  const before = new Set<string>();
  let commit = "";
  for (const line of text.split("\n")) {
    const header = /^([0-9a-f]{40,64}) \d+ \d+/.exec(line);
    if (header) origins.add(commit = header[1]!);
    else if (line === "boundary") before.add(commit); // said at its first line only
  }
  return [...origins].filter((id) => !before.has(id));
}
