/** The map of a repository that fits into a prompt. */

/** Deeper folders than this are folded in one step. */
const MAX_DEPTH = 20;

/**
 * A project's paths in order, at most `max` lines. When there are more, the deepest folders are shown as
 * one line with their number of files, so that every part of a big repository still appears.
 */
export function fileMap(paths: string[], max: number): string[] {
  const sorted = [...paths].sort();
  if (sorted.length <= max) return sorted;
  const split = sorted.map((path) => path.split("/"));
  for (let depth = MAX_DEPTH; depth >= 1; depth--) {
    const lines = foldBelow(split, depth);
    if (lines.length <= max) return [...lines, folded(paths.length)];
  }
  const top = foldBelow(split, 1);
  return [...top.slice(0, max), `[cut: the first ${max} of ${top.length} top-level names shown]`];
}

const folded = (files: number) =>
  `[cut: ${files} files; a folder with a number stands for that many, Glob lists them]`;

/** Paths of up to `depth` parts as they are; longer ones as their first `depth` folders with a count. */
function foldBelow(paths: string[][], depth: number): string[] {
  const counts = new Map<string, number>();
  const lines = new Map<string, string>();
  for (const parts of paths) {
    if (parts.length <= depth) {
      lines.set(parts.join("/"), parts.join("/"));
      continue;
    }
    const folder = `${parts.slice(0, depth).join("/")}/`;
    const count = (counts.get(folder) ?? 0) + 1;
    counts.set(folder, count);
    lines.set(folder, `${folder} (${count} ${count === 1 ? "file" : "files"})`);
  }
  return [...lines.values()];
}
