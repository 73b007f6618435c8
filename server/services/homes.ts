/**
 * The home folders of commands, one beside each worktree: what setup fetches (caches of modules, environments)
 * must be there for the build, also when other hands run it. A home goes with its worktree.
 */
import { join } from "node:path";
import { removeIfThere } from "../disk.ts";

/** The real path of the home that belongs to a worktree, made where there is none. */
export async function homeOf(worktree: string): Promise<string> {
  const path = pathOf(worktree);
  await Deno.mkdir(path, { recursive: true, mode: 0o700 });
  return await Deno.realPath(path);
}

/** No-op where there is none. The hands of the worktree must be gone. */
export async function removeHome(worktree: string): Promise<void> {
  await removeFolder(pathOf(worktree) + FILLING);
  await removeFolder(pathOf(worktree));
}

/** Ending of a home that is being filled. */
export const FILLING = ".filling";

/** A home, or a copy of one; no-op where there is none. */
export async function removeFolder(path: string): Promise<void> {
  try {
    await removeIfThere(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    await makeWritable(path);
    await removeIfThere(path, { recursive: true });
  }
}

const pathOf = (worktree: string) => `${worktree}.home`;

/** Go takes the right to write from all folders of its module cache. Links are not followed. */
async function makeWritable(dir: string): Promise<void> {
  await Deno.chmod(dir, 0o700);
  for await (const entry of Deno.readDir(dir)) {
    if (entry.isDirectory) await makeWritable(join(dir, entry.name));
  }
}
