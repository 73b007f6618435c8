/**
 * Files of the person's folder that git ignores and a build needs all the same (`.env`, a certificate): copied into
 * a worktree by a project's setting. Whatever git does not ignore stays out, or the next checkpoint would commit it.
 */
import { dirname, join } from "node:path";
import { AppError } from "../../server/errors.ts";
import { isInside } from "../paths.ts";
import { gitOk } from "./git.ts";
import { exists } from "./presence.ts";

/** Most patterns that a project may name. */
export const LOCAL_PATTERNS = 50;
/** Longest pattern, in characters. */
export const LOCAL_PATTERN_CHARS = 300;
/** Most files that the patterns may come to, and most bytes of all of them together. */
export const LOCAL_FILES = 1_000;
export const LOCAL_BYTES = 100 * 1024 * 1024;
/** Of a list of names as git prints it. */
const LIST_BYTES = 1024 * 1024;

/** Why a pattern can't be used, without a full stop; null: it can. Globs as in .gitignore, from the repository's root. */
export function whyNoLocalPattern(pattern: string): string | null {
  if (pattern === "" || pattern.length > LOCAL_PATTERN_CHARS) {
    return `it must have 1 to ${LOCAL_PATTERN_CHARS} characters`;
  }
  if (/[\0\n\r]/.test(pattern)) return "it may have no line ends in it";
  if (pattern.startsWith("/")) {
    return "it starts with a slash: name it from the repository's folder on";
  }
  if (pattern.split("/").some((part) => part === ".." || part === ".git")) {
    return "it may name neither .. nor .git";
  }
  return null;
}

export interface LocalFiles {
  /** Paths in the repository, in order. */
  copied: string[];
  /** Those that match and stay out, each with why. */
  left: { path: string; why: string }[];
}

export interface LocalFilesSpec {
  repo: string;
  /** Real path. */
  worktree: string;
  /** Each as `whyNoLocalPattern` allows it. */
  patterns: readonly string[];
  signal: AbortSignal;
}

/**
 * Copies what is not there yet; a file that is there is somebody's work and stays. May be cut off and done again.
 * Throws `invalid` for a pattern that can't be used, and when the files are too many or too large.
 */
export async function copyLocalFiles(spec: LocalFilesSpec): Promise<LocalFiles> {
  const { repo, worktree, patterns, signal } = spec;
  if (patterns.length === 0) return { copied: [], left: [] };
  for (const pattern of patterns) {
    const why = whyNoLocalPattern(pattern);
    if (why) throw new AppError("invalid", `Cannot copy "${pattern}" into a worktree: ${why}`);
  }
  const list = async (...how: string[]) => {
    const specs = patterns.map((pattern) => `:(top,glob)${pattern}`);
    const text = await gitOk(repo, [
      ...["ls-files", "--others", ...how, "--exclude-standard", "-z", "--"],
      ...specs,
    ], { signal, maxOutputBytes: LIST_BYTES, doing: "find the files to copy into the worktree" });
    return text.split("\0").filter((path) => path !== "");
  };
  const ignored = await list("--ignored");
  if (ignored.length > LOCAL_FILES) throw tooMuch(`${ignored.length} files`, `${LOCAL_FILES}`);
  const left = (await list()).slice(0, LOCAL_FILES).map((path) => ({ path, why: NOT_IGNORED }));
  const copied: string[] = [];
  let bytes = 0;
  for (const path of ignored) {
    signal.throwIfAborted();
    const from = join(repo, path);
    const info = await Deno.lstat(from).catch(unlessGone);
    if (!info || await exists(join(worktree, path))) continue;
    const why = await whyLeft(path, info, worktree);
    if (why) {
      left.push({ path, why });
      continue;
    }
    bytes += info.size;
    if (bytes > LOCAL_BYTES) throw tooMuch("the files", `${LOCAL_BYTES / 1024 / 1024} MB`);
    await copy(from, join(worktree, path));
    copied.push(path);
  }
  return { copied, left };
}

const NOT_IGNORED =
  "git does not ignore it, so it would be committed: add it to .gitignore or .git/info/exclude";

async function whyLeft(
  path: string,
  info: Deno.FileInfo,
  worktree: string,
): Promise<string | null> {
  if (!info.isFile) return "it is not a plain file";
  // A branch may have a link where the person's folder has a folder.
  for (let folder = dirname(join(worktree, path)); folder !== worktree; folder = dirname(folder)) {
    if (!await exists(folder)) continue;
    const real = await Deno.realPath(folder);
    const isFolder = (await Deno.stat(real)).isDirectory;
    return isFolder && isInside(worktree, real) ? null : "its folder leads out of the worktree";
  }
  return null;
}

/** Under another name first, so that a copy that is cut off is never taken for the file. */
async function copy(from: string, to: string): Promise<void> {
  const unfinished = `${to}.gaffer-copy`;
  await Deno.mkdir(dirname(to), { recursive: true });
  await Deno.copyFile(from, unfinished);
  await Deno.rename(unfinished, to);
}

const tooMuch = (what: string, most: string): AppError =>
  new AppError(
    "invalid",
    `Cannot copy the ignored files into the worktree: ${what} are more than the ${most} that are copied. ` +
      "Name fewer in the project's settings",
  );

function unlessGone(error: unknown): null {
  if (error instanceof Deno.errors.NotFound) return null;
  throw error;
}
