/** The folders of worktrees: where they go, how they vanish without a moment in which work looks deleted. */
import { basename, dirname, join } from "node:path";
import { removeIfThere } from "../../server/disk.ts";
import { AppError } from "../../server/errors.ts";
import { gitOk } from "./git.ts";
import { exists } from "./presence.ts";
import { type WorkingTree } from "./repository.ts";

/** Ending of a folder that is being removed: no longer a worktree, not yet gone. */
const REMOVING = ".removing";
const KEPT_FOLDERS = 100;

/** The path with its parent resolved (and made), since git records real paths. */
export async function realPlaceFor(path: string): Promise<string> {
  await Deno.mkdir(dirname(path), { recursive: true });
  return join(await Deno.realPath(dirname(path)), basename(path));
}

/** Renames what stands at `path` and is no worktree; an empty folder is simply used. */
export async function moveAside(path: string): Promise<string | null> {
  if (!await exists(path)) return null;
  const info = await Deno.lstat(path);
  if (info.isDirectory && (await Array.fromAsync(Deno.readDir(path))).length === 0) return null;
  return await renameAside(path);
}

/** Renames a worktree, which goes on being one, with all that is in it. */
export async function moveTreeAside(
  repo: string,
  tree: WorkingTree,
  signal: AbortSignal,
): Promise<string> {
  const kept = await renameAside(tree.path);
  await gitOk(repo, ["worktree", "repair", kept], {
    signal,
    doing: `keep the worktree "${tree.path}" as "${kept}"`,
  });
  return kept;
}

async function renameAside(path: string): Promise<string> {
  for (let number = 1; number <= KEPT_FOLDERS; number++) {
    const kept = `${path}.kept-${number}`;
    if (await exists(kept)) continue;
    await Deno.rename(path, kept);
    return kept;
  }
  throw new AppError(
    "conflict",
    `Cannot make the worktree "${path}": something else is there, and ${KEPT_FOLDERS} folders were ` +
      `moved aside before. Look through "${path}.kept-…" and remove them`,
  );
}

/**
 * Renamed first: a removal that is cut off must not leave a folder that still is a worktree but has lost
 * files, since the next checkpoint would commit that as deletions.
 */
export async function dropTree(
  repo: string,
  tree: WorkingTree,
  signal: AbortSignal,
): Promise<void> {
  if (!tree.missing) await Deno.rename(tree.path, await freeName(`${tree.path}${REMOVING}`));
  await forget(repo, tree.path, signal);
  await sweep(dirname(tree.path));
}

async function freeName(path: string): Promise<string> {
  let free = path;
  for (let number = 2; await exists(free); number++) free = `${path}-${number}`;
  return free;
}

/** Takes a worktree whose folder is gone out of git's list, locked or not. */
export async function forget(repo: string, path: string, signal: AbortSignal): Promise<void> {
  await gitOk(repo, ["worktree", "remove", "--force", "--force", "--", path], {
    signal,
    doing: `forget the worktree "${path}"`,
  });
}

/** Deletes what `dropTree` renamed, now or before a crash. */
export async function sweep(folder: string): Promise<void> {
  const names = await Array.fromAsync(Deno.readDir(folder), (entry) => entry.name);
  for (const name of names.filter((name) => /\.removing(-\d+)?$/.test(name))) {
    // Two removals in one folder may sweep the same leftovers side by side.
    await removeIfThere(join(folder, name), { recursive: true });
  }
}
