/**
 * Arithmetic on POSIX paths. Not `node:path`: importing any of Node's modules costs the hands 20 ms of
 * a start that otherwise takes 25.
 */

/** Absolute path of `path` as seen from the absolute folder `base`; "." and ".." are worked out. */
export function absolutePath(base: string, path: string): string {
  const parts: string[] = [];
  for (const part of (path.startsWith("/") ? path : `${base}/${path}`).split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return "/" + parts.join("/");
}

/** Both absolute and worked out. A folder is inside itself. */
export const isInside = (dir: string, path: string): boolean =>
  path === dir || path.startsWith(dir === "/" ? "/" : `${dir}/`);

/** Path of `path` relative to `dir`, which it is inside of; "" for the folder itself. */
export const relativePath = (dir: string, path: string): string =>
  path === dir ? "" : path.slice(dir === "/" ? 1 : dir.length + 1);

/** The folder that holds `path`; "" for a relative path of one part. */
export function folderOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash === 0 ? "/" : path.slice(0, Math.max(slash, 0));
}

export const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** `a/b`, or `b` when `a` is the empty relative path. */
export const joinRelative = (dir: string, name: string): string => dir ? `${dir}/${name}` : name;

/** Where new content waits for its rename; at most one stays behind in a folder after a crash. */
export const UNFINISHED_FILE = ".gaffer-unfinished";
