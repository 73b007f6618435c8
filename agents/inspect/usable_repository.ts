/** Refuses what Gaffer cannot work in, each with how to mend it. Every refusal is `invalid` for the field "path". */
import { dirname, isAbsolute, join, normalize } from "node:path";
import { AppError } from "../../server/errors.ts";
import { SECOND_MS } from "../../server/clock.ts";
import { git, gitOk } from "../git/git.ts";
import { shellQuote } from "../git/git_error.ts";
import { commonDirOf, readRef, workingTrees } from "../git/repository.ts";

/** Oldest git that has all that is used here. */
export const OLDEST_GIT = "2.30";
/** A network mount may hang. */
const ASK_TIMEOUT_MS = 10 * SECOND_MS;

/** `state` completes "Cannot use … as a project: …"; `mend` is a sentence of its own. */
export function refusal(path: string, state: string, mend: string): AppError {
  const message = `Cannot use "${path}" as a project: ${state}. ${mend}`;
  return new AppError("invalid", message, [{ field: "path", message }]);
}

/** Real path of the folder that a person typed; "~" is the home folder. */
export async function existingFolder(given: string): Promise<string> {
  const home = Deno.env.get("HOME");
  const text = given.trim();
  const path = home && /^~(\/|$)/.test(text) ? join(home, text.slice(1)) : text;
  if (!isAbsolute(path) || path.includes("\0")) {
    throw refusal(
      given,
      "it is not a full path",
      'Give the path from the root on, like "/home/me/project"',
    );
  }
  try {
    const real = await Deno.realPath(normalize(path));
    if ((await Deno.stat(real)).isDirectory) return real;
    throw refusal(path, "it is a file", "Give the folder that has the repository");
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) {
      throw refusal(path, "there is no such folder", "Check the path");
    }
    if (error instanceof Deno.errors.PermissionDenied) {
      throw refusal(
        path,
        "Gaffer may not look into it",
        "Give the user that runs Gaffer the right to read it",
      );
    }
    throw error;
  }
}

/** Null: the caller is Gaffer itself and may use its own folder. */
export async function refuseDataFolder(path: string, dataDir: string | null): Promise<void> {
  if (dataDir === null) return;
  const own = await Deno.realPath(dataDir);
  if (path !== own && !path.startsWith(`${own}/`)) return;
  throw refusal(path, "it is inside Gaffer's own data folder", "Give a repository outside of it");
}

/** The error has no field: it is not the path that must change. */
export async function requireGit(signal: AbortSignal): Promise<void> {
  const text = await gitOk("/", ["version"], { signal, doing: "ask git for its version" });
  const [major = 0, minor = 0] = (/(\d+)\.(\d+)/.exec(text) ?? []).slice(1).map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_GIT.split(".").map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new AppError(
    "invalid",
    `Cannot work with git ${major}.${minor}: it is too old. Install git ${OLDEST_GIT} or newer`,
  );
}

/** The root of a working tree: of the main one, or of a linked one whose repository is bare. */
export async function requireRoot(path: string, signal: AbortSignal): Promise<void> {
  const dir = shellQuote(path);
  const asked = await git(path, [
    ...["rev-parse", "--is-bare-repository", "--is-inside-git-dir", "--is-inside-work-tree"],
  ], { signal });
  if (asked.code !== 0) throw notARepository(path, asked.stderr);
  const [bare, insideGit, insideTree] = asked.stdout.split("\n").map((line) => line === "true");
  if (bare) {
    throw refusal(
      path,
      "it is a bare repository, which has no files to work on",
      `Clone it and give the clone: git clone ${dir} ${
        shellQuote(path.replace(/(\.git)?$/, "-clone"))
      }`,
    );
  }
  if (insideGit || !insideTree) {
    const folder = path.slice(0, path.lastIndexOf("/.git")) || dirname(path);
    throw refusal(path, "it is git's own folder", `Give the folder around it: ${folder}`);
  }
  const top = await gitOk(path, ["rev-parse", "--show-toplevel"], {
    signal,
    doing: "find its root",
  });
  const root = top.replace(/\n$/, "");
  if (root !== path) {
    throw refusal(
      path,
      `it is a folder inside the repository "${root}"`,
      `Give ${root}, or make a repository of its own here: git -C ${dir} init`,
    );
  }
  const trees = await workingTrees(path, signal);
  const main = trees.find((tree) => tree.main);
  if (!main || main.path === path) return;
  throw refusal(path, `it is a linked worktree of "${main.path}"`, `Give ${main.path}`);
}

function notARepository(path: string, stderr: string): AppError {
  const dir = shellQuote(path);
  if (/dubious ownership|unsafe repository/.test(stderr)) {
    return refusal(
      path,
      "it belongs to another user, so git does not trust it",
      `If you do, run: git config --global --add safe.directory ${dir}`,
    );
  }
  if (/not a git repository/.test(stderr)) {
    return refusal(
      path,
      "it is not a git repository",
      `Make it one: git -C ${dir} init && git -C ${dir} add --all && git -C ${dir} commit -m "First commit"`,
    );
  }
  const words = stderr.trim().split("\n")[0] ?? "";
  return refusal(path, `git says "${words}"`, `See more with: git -C ${dir} status`);
}

/**
 * Asked of `test -w`, which asks the system: a file made for a trial would be a trace of Gaffer, and
 * Deno's `access` looks at the mode alone, so it takes a read-only mount for writable.
 */
export async function requireWritable(path: string, signal: AbortSignal): Promise<void> {
  const common = await commonDirOf(path, signal);
  const dirs = [path, common, join(common, "objects"), join(common, "refs")];
  const script =
    'for dir; do [ -w "$dir" ] && [ -x "$dir" ] || { printf %s "$dir"; exit 1; }; done';
  const { success, stdout } = await new Deno.Command("sh", {
    args: ["-c", script, "sh", ...dirs],
    signal: AbortSignal.any([signal, AbortSignal.timeout(ASK_TIMEOUT_MS)]),
  }).output();
  if (success) return;
  signal.throwIfAborted();
  throw refusal(
    path,
    `Gaffer may not write to "${new TextDecoder().decode(stdout) || path}"`,
    "Give the user that runs Gaffer the right to write there, and see that it is not mounted read-only",
  );
}

/** Why a repository has no branch, and how to get one. */
export async function noBranch(path: string, signal: AbortSignal): Promise<AppError> {
  const dir = shellQuote(path);
  if (await readRef(path, "HEAD", signal)) {
    return refusal(
      path,
      "it has no branch, only commits",
      `Make one: git -C ${dir} switch -c main`,
    );
  }
  return refusal(
    path,
    "it has no commit yet",
    `Make the first: git -C ${dir} add --all && git -C ${dir} commit --allow-empty -m "First commit"`,
  );
}
