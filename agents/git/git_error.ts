/** A git command that failed, in git's own words, with how to mend it where that is known. */
import { AppError } from "../../server/errors.ts";
import { type MachineFault, machineFaultIn, Unavailable } from "../../server/machine_fault.ts";
import type { GitPlace, GitResult } from "./git.ts";

const MESSAGE_CHARS = 1_000;

/**
 * `conflict`: the repository is not in a state in which this can be done. A ticket's reason is `repository`.
 * `unavailable`: the machine lacks something, which its cause names; the same may be tried again.
 */
export class GitError extends AppError {
  override name = "GitError";
  constructor(
    message: string,
    readonly exitCode: number | null,
    readonly stderr: string,
    cause?: Unavailable,
  ) {
    super(cause ? "unavailable" : "conflict", message, [], { cause });
  }

  /** From a result with a non-zero exit; `doing` completes "Cannot …". */
  static of(doing: string, place: GitPlace, result: GitResult): GitError {
    const mend = mendOf(result.stderr, typeof place === "string" ? place : place.path);
    const fault = gitFaultIn(result.stderr);
    return new GitError(
      `Cannot ${doing}: git says "${wordsOf(result.stderr)}"${mend && `. ${mend}`}`,
      result.code,
      result.stderr,
      fault === null ? undefined : new Unavailable(fault, doing),
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

/** Where git says only that the system took no more, and not why: nearly always, the disk is full. */
const WRITE_FAILED =
  /out of diskspace|write error|unable to write (file|new.index file) ?|couldn't write '|failed to write new configuration/i;

/** What the machine lacked, by what git printed when it failed; null: it failed for another reason. */
export function gitFaultIn(stderr: string): MachineFault | null {
  return machineFaultIn(stderr) ?? (WRITE_FAILED.test(stderr) ? "disk_full" : null);
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
  [/No space left on device|Disk quota exceeded/, () => "Free some space on that disk"],
  [
    /Permission denied|Read-only file system|insufficient permission/,
    (dir) => `Give the user that runs Gaffer the right to write in ${shellQuote(dir)}, then retry`,
  ],
  [WRITE_FAILED, () => "Look whether that disk is full, and free some space on it"],
  [
    /cannot change to .+: No such file or directory/,
    () => "Put the folder back where it was, or change the project's path",
  ],
  [
    /failed to sign the data|Load key |incorrect passphrase|No private key|Couldn't (load|sign)/,
    () =>
      "See which key signs on the project's page Merging; it must open without a passphrase being typed",
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
