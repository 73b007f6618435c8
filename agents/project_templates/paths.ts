/** Paths of a new project's files: what may be one. */

/** Longest path, in characters, and the most names in it. */
const PATH_CHARS = 200;
const DEPTH = 12;
/** What other systems take for a device, whatever its ending. */
const DEVICE = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
/** Letters of any script, digits and what is usual between them. */
const NAME = /^[\p{L}\p{N}_.@+-](?:[\p{L}\p{M}\p{N} _.,+()&@=!-]*[\p{L}\p{M}\p{N}_)+-])?$/u;
/** Git's own, in every spelling that a file system takes for it. */
const GIT = /^(?:\.git|git~\d+)$/i;

/**
 * Why a path may not be a new project's file; null: it may. It is relative with "/", can't lead out of the folder, and
 * is no part of git's own. Agents' files have a way of their own, by which a person sees them.
 */
export function whyNoProjectPath(path: string): string | null {
  if (path.length === 0 || path.length > PATH_CHARS) return `use 1 to ${PATH_CHARS} characters`;
  if (path.startsWith("/") || /^[a-z]:/i.test(path) || path.includes("\\")) {
    return 'write it from the project\'s folder on, with "/" between the names';
  }
  const names = path.split("/");
  if (names.length > DEPTH) return `use at most ${DEPTH} names`;
  const bad = names.find((name) => name === "." || name === ".." || !NAME.test(name));
  if (bad !== undefined) return `"${bad}" is no name of a file here`;
  if (names.some((name) => GIT.test(name))) return "git's own folder is no place for it";
  if (names.some((name) => DEVICE.test(name))) return "that name is a device on some systems";
  if (names[0]!.toLowerCase() === ".gaffer") return "Gaffer's own folder is no place for it";
  return names[0]!.toLowerCase() === ".claude"
    ? 'what is for agents stands under "agents", and settings and hooks are left out'
    : null;
}
