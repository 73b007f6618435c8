/** A git command that failed, in git's own words, with how to mend it where that is known. */
import { AppError } from "../../server/errors.ts";
import type { GitPlace, GitResult } from "./git.ts";

const MESSAGE_CHARS = 1_000;

/** `conflict`: the repository is not in a state in which this can be done. A ticket's reason is `repository`. */
export class GitError extends AppError {
  override name = "GitError";
  constructor(message: string, readonly exitCode: number | null, readonly stderr: string) {
    super("conflict", message);
  }

  /** From a result with a non-zero exit; `doing` completes "Cannot …". */
  static of(doing: string, place: GitPlace, result: GitResult): GitError {
    const mend = mendOf(result.stderr, typeof place === "string" ? place : place.path);
    return new GitError(
      `Cannot ${doing}: git says "${wordsOf(result.stderr)}"${mend && `. ${mend}`}`,
      result.code,
      result.stderr,
    );
  }

  static timeout(command: string, timeoutMs: number): GitError {
    return new GitError(
      `Cannot wait for "git ${command}": it took longer than ${timeoutMs / 1000} s. ` +
        "Look whether the disk or a git filter of this repository hangs, then retry",
      null,
      "",
    );
  }

  static tooLong(doing: string): GitError {
    return new GitError(`Cannot ${doing}: git printed more than Gaffer reads`, 0, "");
  }
}

/** Git's message without hints: its `fatal:` and `error:` lines, or all of it when it has none. */
function wordsOf(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.trim()).filter(Boolean);
  const errors = lines.filter((line) => /^(fatal|error): /.test(line));
  const text = (errors.length > 0 ? errors : lines).join("; ");
  return text.length > MESSAGE_CHARS ? `${text.slice(0, MESSAGE_CHARS)}…` : text;
}

const mends: [RegExp, (dir: string, match: RegExpExecArray) => string][] = [
  [
    /dubious ownership/,
    (dir) => `If you trust it, run: git config --global --add safe.directory ${shellQuote(dir)}`,
  ],
  [
    /Unable to create '(.+\.lock)': File exists/,
    (_dir, match) =>
      `Wait for the other git command to end; if it crashed, remove ${shellQuote(match[1] ?? "")}`,
  ],
  [/No space left on device/, () => "Free some disk space, then retry"],
  [
    /Permission denied|Read-only file system|insufficient permission/,
    (dir) => `Give the user that runs Gaffer the right to write in ${shellQuote(dir)}, then retry`,
  ],
  [
    /cannot change to .+: No such file or directory/,
    () => "Put the folder back where it was, or change the project's path",
  ],
  [/not a git repository/, () => "Put the repository back, or change the project's path"],
  [
    /transport '.+' not allowed|promisor remote/,
    (dir) => `Gaffer's git never uses the network; run: git -C ${shellQuote(dir)} fetch --refetch`,
  ],
  [
    /bad object|unable to read|is empty|is corrupt|missing blob|missing tree/,
    (dir) => `The repository may be damaged; run: git -C ${shellQuote(dir)} fsck`,
  ],
];

function mendOf(stderr: string, dir: string): string {
  for (const [pattern, mend] of mends) {
    const match = pattern.exec(stderr);
    if (match) return mend(dir, match);
  }
  return "";
}

/** A word that `sh` reads as exactly this text. */
export function shellQuote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** `"a", "b" and 3 more`: file names for a message, at most `limit` of them. */
export function nameSome(files: readonly string[], limit: number): string {
  const names = files.slice(0, limit).map((file) => `"${file}"`).join(", ");
  return files.length > limit ? `${names} and ${files.length - limit} more` : names;
}
