/** Folders that are reached through no link: what an agent or a stranger put in place of one is not followed. */
import { existsSync, syncFolder } from "../server/disk.ts";
import { AppError } from "../server/errors.ts";

/** Real path of a folder that may itself be reached by links. `what` is in it, in words. Throws `conflict` when it is gone. */
export function realFolder(path: string, what: string): string {
  try {
    return Deno.realPathSync(path);
  } catch (cause) {
    throw new AppError("conflict", `Cannot reach ${what}: the folder "${path}" is gone`, [], {
      cause,
    });
  }
}

/** Throws `conflict` for a link, or what is no folder. */
export function requireFolder(path: string, what: string): void {
  const info = Deno.lstatSync(path);
  if (info.isDirectory && Deno.realPathSync(path) === path) return;
  throw new AppError(
    "conflict",
    `Cannot use ${what}: "${path}" is ${info.isSymlink ? "a symbolic link" : "no folder"}. ` +
      "Remove it, or put a folder in its place",
  );
}

/** Below a real path, one folder for each name; made where it is missing, and on the disk when it returns. */
export function makeFolders(from: string, names: readonly string[], what: string): string {
  let folder = from;
  for (const name of names) {
    const parent = folder;
    folder = `${parent}/${name}`;
    if (!existsSync(folder)) {
      Deno.mkdirSync(folder, { mode: 0o755 });
      syncFolder(parent);
    }
    requireFolder(folder, what);
  }
  return folder;
}
