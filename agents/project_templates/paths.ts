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
/** By these a program of a person's starts others, or an agent gets tools: what stands there is run. */
const STARTS = /(?:^|\/)(?:\.?mcp\.json|\.vscode\/tasks\.json)$/;

/** As a file system may take it that knows no capitals. */
const folded = (path: string): string => path.normalize("NFKC").toLowerCase();

/**
 * Why a path may not be a new project's file; null: it may. It is relative with "/", can't lead out of the folder, and
 * is no part of git's own. Agents' files have a way of their own, by which a person sees them; settings, hooks and MCP
 * servers of agents and editors have none.
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
  const [top, ...below] = folded(path).split("/");
  if (top === ".gaffer") return "Gaffer's own folder is no place for it";
  if ([top, ...below].includes(".claude")) {
    return 'what is for agents stands under "agents", and settings and hooks are left out';
  }
  return STARTS.test(folded(path))
    ? "MCP servers and tasks of an editor are no part of a template: add them to the project yourself"
    : null;
}
