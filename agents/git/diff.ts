/**
 * Reads git's unified diffs. Written here because the parser on npm (`parse-diff` 0.12) splits names with
 * " b/" in them at the wrong place, leaves quoted names quoted, does not tell binary files from empty
 * ones, knows no renames, and has no limits; what it does not do is most of the work.
 */
import type { DiffFile, DiffHunk, DiffLine } from "../../server/records.ts";
import { nameInHeader, plainNames, unquote } from "./diff_names.ts";

/** Most files that are kept. */
export const DIFF_FILES = 1_000;
/** Most lines that are kept of one file, and of all. Additions and deletions are counted beyond them. */
export const DIFF_FILE_LINES = 5_000;
export const DIFF_LINES = 50_000;
/** A longer line is cut, with an ellipsis. */
export const DIFF_LINE_CHARS = 2_000;

export interface ParsedDiff {
  files: DiffFile[];
  /** Files or lines were left out, or lines cut. */
  truncated: boolean;
}

/**
 * Files, hunks and numbered lines of what `git diff` printed; also of a plain `diff -u`. Text that is not
 * a diff gives no files. A diff that ends in the middle gives what is there.
 */
export function parseDiff(text: string): ParsedDiff {
  const parser = new DiffParser();
  let start = 0;
  while (start < text.length && !parser.full) {
    const end = text.indexOf("\n", start);
    parser.line(end < 0 ? text.slice(start) : text.slice(start, end));
    start = end < 0 ? text.length : end + 1;
  }
  return { files: parser.files, truncated: parser.truncated };
}

class DiffParser {
  readonly files: DiffFile[] = [];
  truncated = false;
  full = false;
  #file: DiffFile | null = null;
  #fileLines = 0;
  #allLines = 0;
  #hunk: DiffHunk | null = null;
  /** Lines that the hunk's header promises and that have not come yet. */
  #oldLeft = 0;
  #newLeft = 0;
  #oldLine = 0;
  #newLine = 0;
  /** Between `diff --git`, which names the file, and its first hunk. */
  #inGitHeader = false;
  /** Name after `---` in a plain diff, where `+++` must follow. */
  #plainOld: string | null = null;
  #last: DiffLine | null = null;

  line(line: string): void {
    if (this.#oldLeft > 0 || this.#newLeft > 0) this.#content(line);
    else if (line.startsWith("\\")) this.#noNewline();
    else this.#header(line);
  }

  #header(line: string): void {
    const value = (prefix: string) => line.slice(prefix.length);
    if (line.startsWith("diff --git ")) return this.#openGit(value("diff --git "));
    if (line.startsWith("@@ ")) return this.#openHunk(line);
    const file = this.#file;
    if (!this.#inGitHeader || !file) return this.#plain(line);
    if (line.startsWith("new file mode ")) file.kind = "added";
    else if (line.startsWith("deleted file mode ")) file.kind = "deleted";
    else if (line.startsWith("index ")) this.#blobs(file, value("index "));
    else if (line.startsWith("old mode ")) {
      file.kind = "mode"; // "modified" once a hunk follows
      file.oldMode = value("old mode ");
    } else if (line.startsWith("new mode ")) file.newMode = value("new mode ");
    else if (line.startsWith("rename from ")) file.oldPath = unquote(value("rename from "));
    else if (line.startsWith("rename to ")) {
      this.#name(file, "renamed", unquote(value("rename to ")));
    } else if (line.startsWith("copy to ")) this.#name(file, "added", unquote(value("copy to ")));
    else if (/^(Binary files |GIT binary patch$)/.test(line)) this.#binary(file);
  }

  #openGit(names: string): void {
    this.#open(nameInHeader(names), "modified");
    this.#inGitHeader = true;
  }

  /** The names of a diff that git did not make. */
  #plain(line: string): void {
    if (line.startsWith("--- ")) this.#plainOld = line.slice(4);
    else if (line.startsWith("+++ ") && this.#plainOld !== null) {
      const [old, now] = plainNames(this.#plainOld, line.slice(4));
      this.#open(now ?? old ?? "", old === null ? "added" : now === null ? "deleted" : "modified");
    }
  }

  #open(path: string, kind: DiffFile["kind"]): void {
    this.#hunk = this.#last = this.#plainOld = null;
    if (this.files.length >= DIFF_FILES) {
      this.truncated = this.full = true;
      return;
    }
    const counts = { additions: 0, deletions: 0 };
    this.#file = { path, oldPath: null, kind, binary: false, ...counts, hunks: [] };
    this.#fileLines = 0;
    this.files.push(this.#file);
  }

  #name(file: DiffFile, kind: DiffFile["kind"], path: string): void {
    file.path = path;
    file.kind = kind;
  }

  #binary(file: DiffFile): void {
    file.binary = true;
    if (file.kind === "mode") file.kind = "modified";
  }

  /** What it contains on either side, where the diff names it in full; a side that is not there has zeros. */
  #blobs(file: DiffFile, ids: string): void {
    const [, old, now] = /^([0-9a-f]{40,64})\.\.([0-9a-f]{40,64})/.exec(ids) ?? [];
    if (!old || !now) return;
    if (/[^0]/.test(old)) file.oldBlob = old;
    if (/[^0]/.test(now)) file.newBlob = now;
  }

  #openHunk(line: string): void {
    const file = this.#file;
    const match = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (!match || !file) return;
    this.#inGitHeader = false;
    if (file.kind === "mode") file.kind = "modified";
    this.#oldLine = Number(match[1]);
    this.#oldLeft = Number(match[2] ?? 1);
    this.#newLine = Number(match[3]);
    this.#newLeft = Number(match[4] ?? 1);
    this.#hunk = { header: this.#cut(line), lines: [] };
    if (this.#hasRoom()) file.hunks.push(this.#hunk);
  }

  #content(line: string): void {
    const sign = line.charAt(0);
    if (sign === "+") this.#add("added", line.slice(1));
    else if (sign === "-") this.#add("removed", line.slice(1));
    else if (sign === " " || sign === "") this.#add("context", line.slice(1));
    else if (sign === "\\") this.#noNewline();
    else {
      // Not a line of a hunk: the diff was damaged or cut here, so its counts mean nothing any more.
      this.#oldLeft = this.#newLeft = 0;
      this.truncated = true;
      this.#header(line);
    }
  }

  #add(kind: DiffLine["kind"], text: string): void {
    const [old, now] = [kind !== "added", kind !== "removed"];
    const file = this.#file;
    if (kind === "added" && file) file.additions++;
    if (kind === "removed" && file) file.deletions++;
    this.#last = {
      kind,
      oldLine: old ? this.#oldLine : null,
      newLine: now ? this.#newLine : null,
      text: this.#cut(text),
    };
    if (this.#hasRoom()) {
      this.#hunk?.lines.push(this.#last);
      this.#fileLines++;
      this.#allLines++;
    }
    if (old) [this.#oldLine, this.#oldLeft] = [this.#oldLine + 1, this.#oldLeft - 1];
    if (now) [this.#newLine, this.#newLeft] = [this.#newLine + 1, this.#newLeft - 1];
  }

  #noNewline(): void {
    if (this.#last) this.#last.noNewline = true;
  }

  #hasRoom(): boolean {
    const room = this.#fileLines < DIFF_FILE_LINES && this.#allLines < DIFF_LINES;
    if (!room) this.truncated = true;
    return room;
  }

  #cut(text: string): string {
    if (text.length <= DIFF_LINE_CHARS) return text;
    this.truncated = true;
    return `${text.slice(0, DIFF_LINE_CHARS)}…`;
  }
}
