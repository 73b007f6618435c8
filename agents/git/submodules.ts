/**
 * The files of submodules in a worktree: written from the repositories that the person's own clone has of them, at the
 * commits that the ticket's commit names. They are there to be read and built with; a ticket changes none of them,
 * so the folders are no repositories, and nothing in them is ever committed.
 */
import { join } from "node:path";
import { removeIfThere } from "../../server/disk.ts";
import { isInside } from "../paths.ts";
import { gitOk, type GitPlace } from "./git.ts";
import { exists } from "./presence.ts";
import { commonDirOf, readRef } from "./repository.ts";
import { CHECKOUT_TIMEOUT_MS } from "./worktrees.ts";

/** Most submodules that are written, those inside of submodules counted. */
export const SUBMODULES = 100;
/** How deep they may lie in one another. */
const SUBMODULE_DEPTH = 5;
/** Of a commit's list of folders and files, of which the links to commits are taken. */
const TREE_BYTES = 64 * 1024 * 1024;

export interface Submodules {
  /** Paths in the worktree whose files are there now. */
  filled: string[];
  /** Those that the person's clone does not have, or not at that commit: their folders stay as they are. */
  missing: string[];
}

interface Level {
  /** Where the commit is. */
  source: GitPlace;
  commit: string;
  /** Git folder that has `modules` in it. */
  gitDir: string;
  /** Folder of the commit's files. */
  dir: string;
  /** Path of `dir` in the worktree, with a slash at its end, or "". */
  prefix: string;
  depth: number;
}

/** Fills the empty folders of a commit's submodules. One that has anything in it is left alone: it was filled before. */
export async function fillSubmodules(
  spec: { repo: string; worktree: string; commit: string; signal: AbortSignal },
): Promise<Submodules> {
  const { repo, worktree, commit, signal } = spec;
  const found: Submodules = { filled: [], missing: [] };
  const gitDir = await commonDirOf(repo, signal);
  await fillLevel(
    { source: repo, commit, gitDir, dir: worktree, prefix: "", depth: 0 },
    found,
    signal,
  );
  return found;
}

async function fillLevel(level: Level, found: Submodules, signal: AbortSignal): Promise<void> {
  if (!await exists(join(level.dir, ".gitmodules"))) return;
  const names = await namesByPath(level, signal);
  for (const { path, commit } of await linksIn(level, signal)) {
    signal.throwIfAborted();
    if (found.filled.length + found.missing.length >= SUBMODULES) return;
    const shown = `${level.prefix}${path}`;
    const dir = join(level.dir, path);
    if (!await isEmptyFolder(dir, level.dir)) continue;
    const gitDir = moduleDir(level.gitDir, names.get(path));
    const place = { path: dir, gitDir: gitDir ?? "" };
    const known = gitDir !== null && await exists(join(gitDir, "HEAD")) &&
      await readRef(place, `${commit}^{commit}`, signal) !== null;
    if (!known) {
      found.missing.push(shown);
      continue;
    }
    await writeFiles(place, commit, signal);
    found.filled.push(shown);
    if (level.depth + 1 >= SUBMODULE_DEPTH) continue;
    const inner = {
      source: place,
      commit,
      gitDir,
      dir,
      prefix: `${shown}/`,
      depth: level.depth + 1,
    };
    await fillLevel(inner, found, signal);
  }
}

/** By what the commit itself says, not the files of the folder, which commands may have changed. */
async function namesByPath(
  { source, commit }: Level,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const args = ["--blob", `${commit}:.gitmodules`, "-z", "--get-regexp", "^submodule\\..*\\.path$"];
  const text = await gitOk(source, ["config", ...args], {
    signal,
    doing: "read which submodules there are",
  });
  const names = new Map<string, string>();
  for (const entry of text.split("\0")) {
    const [key = "", path] = entry.split("\n");
    if (path !== undefined) names.set(path, key.slice("submodule.".length, -".path".length));
  }
  return names;
}

async function linksIn(
  { source, commit }: Level,
  signal: AbortSignal,
): Promise<{ path: string; commit: string }[]> {
  const text = await gitOk(source, ["ls-tree", "-r", "-z", commit], {
    signal,
    maxOutputBytes: TREE_BYTES,
    doing: "find the submodules",
  });
  return text.split("\0").flatMap((line) => {
    const [, id, path] = /^160000 commit ([0-9a-f]+)\t([^]+)$/.exec(line) ?? [];
    return id && path ? [{ commit: id, path }] : [];
  });
}

/** A name leads nowhere but into the folder of submodules, whatever a repository says. */
function moduleDir(gitDir: string, name: string | undefined): string | null {
  if (name === undefined) return null;
  const dir = join(gitDir, "modules", name);
  return name !== "" && isInside(join(gitDir, "modules"), dir) && dir !== join(gitDir, "modules")
    ? dir
    : null;
}

async function isEmptyFolder(dir: string, inside: string): Promise<boolean> {
  const info = await Deno.lstat(dir).catch(() => null);
  if (!info?.isDirectory || !isInside(inside, await Deno.realPath(dir))) return false;
  for await (const _entry of Deno.readDir(dir)) return false;
  return true;
}

/** With an index of its own, which the person's submodule knows nothing of. */
async function writeFiles(
  place: { path: string; gitDir: string },
  commit: string,
  signal: AbortSignal,
): Promise<void> {
  const temp = await Deno.makeTempDir({ prefix: "gaffer-index-" });
  const how = {
    signal,
    timeoutMs: CHECKOUT_TIMEOUT_MS,
    env: { GIT_INDEX_FILE: join(temp, "index") },
    doing: `write the files of the submodule in "${place.path}"`,
  };
  try {
    await gitOk(place, ["read-tree", commit], how);
    await gitOk(place, ["checkout-index", "--all", "--force", "--quiet"], how);
  } finally {
    await removeIfThere(temp, { recursive: true });
  }
}
