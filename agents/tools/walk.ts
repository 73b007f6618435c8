/** Lists the files below a folder as git would see them: without ignored ones, .git and node_modules. */
import { baseName, folderOf, joinRelative } from "../paths.ts";
import type { ResolvedPath } from "../policy.ts";
import { UNFINISHED_FILE } from "../paths.ts";
import type { PlaceFiles } from "./files.ts";
import { ToolError } from "./tool.ts";

/** A walk ends after as many files. */
export const MAX_WALK_FILES = 200_000;
const MAX_DEPTH = 64;
const MAX_IGNORE_FILE_BYTES = 256 * 1024;
/** How long the walk may keep the process to itself: a cancel has to get through. */
const SLICE_MS = 20;

/** The rules of one .gitignore. */
interface IgnoreRules {
  /** Folder of the file, relative to the place. */
  base: string;
  test(path: string): { ignored: boolean; unignored: boolean };
}

/**
 * Regular files below `start`, folder by folder in order of their names; symbolic links are not
 * followed. A start that is itself ignored was meant: then only rules from inside it hold.
 */
export async function* walk(
  files: PlaceFiles,
  start: ResolvedPath,
  signal: AbortSignal,
): AsyncGenerator<ResolvedPath[]> {
  const parse = await loadIgnore();
  const rulesAbove = rulesOfParents(files, start.relative, parse);
  const pending = [{ folder: start.relative, rules: rulesAbove, depth: 0 }];
  let left = MAX_WALK_FILES;
  let sliceBegan = performance.now();
  for (let next = pending.pop(); next && left > 0; next = pending.pop()) {
    if (performance.now() - sliceBegan > SLICE_MS) {
      await new Promise((resolve) => setTimeout(resolve, 0));
      sliceBegan = performance.now();
    }
    signal.throwIfAborted();
    const { folder, depth } = next;
    const entries = readFolder(files, folder, depth === 0);
    const own = entries.some((e) => e.isFile && e.name === ".gitignore")
      ? readRules(files, folder, parse)
      : null;
    const rules = own ? [...next.rules, own] : next.rules;
    const found: ResolvedPath[] = [];
    const below = [];
    for (const entry of entries) {
      const path = joinRelative(folder, entry.name);
      if (entry.isFile) {
        if (entry.name === UNFINISHED_FILE || !files.isVisible(path, "file")) continue;
        if (!isIgnored(rules, path)) found.push({ real: `${files.dir}/${path}`, relative: path });
      } else if (entry.isDirectory && entry.name !== "node_modules" && depth < MAX_DEPTH) {
        if (files.isVisible(path, "folder") && !isIgnored(rules, `${path}/`)) {
          below.push({ folder: path, rules, depth: depth + 1 });
        }
      }
    }
    pending.push(...below.reverse());
    left -= found.length;
    yield left < 0 ? found.slice(0, left) : found;
  }
}

function readFolder(files: PlaceFiles, folder: string, mustExist: boolean): Deno.DirEntry[] {
  try {
    const entries = [...Deno.readDirSync(folder ? `${files.dir}/${folder}` : files.dir)];
    return entries.sort((a, b) => a.name < b.name ? -1 : 1);
  } catch (error) {
    // A folder that goes away or is closed to us while we walk holds nothing for the caller.
    if (!mustExist) return [];
    throw new ToolError(
      `Cannot search ${files.dir}/${folder}: it is not a folder that can be read`,
      {
        cause: error,
      },
    );
  }
}

type Parse = (text: string) => IgnoreRules["test"];

async function loadIgnore(): Promise<Parse> {
  const { default: ignore } = await import("ignore");
  return (text) => {
    const rules = ignore().add(text);
    return (path) => rules.test(path);
  };
}

function readRules(files: PlaceFiles, folder: string, parse: Parse): IgnoreRules | null {
  const path = `${files.dir}/${joinRelative(folder, ".gitignore")}`;
  try {
    const info = Deno.lstatSync(path);
    // As git does: a linked .gitignore counts for nothing.
    if (!info.isFile || info.size > MAX_IGNORE_FILE_BYTES) return null;
    return { base: folder, test: parse(Deno.readTextFileSync(path)) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.PermissionDenied) {
      return null;
    }
    throw error;
  }
}

function rulesOfParents(files: PlaceFiles, start: string, parse: Parse): IgnoreRules[] {
  if (start === "") return [];
  const folders = [];
  for (let folder = folderOf(start);; folder = folderOf(folder)) {
    folders.unshift(folder);
    if (folder === "") break;
  }
  const rules = folders.map((folder) => readRules(files, folder, parse)).filter((r) => r !== null);
  return isIgnored(rules, `${start}/`) || baseName(start) === "node_modules" ? [] : rules;
}

/** The deepest file with an opinion decides. A folder's path ends with a slash. */
function isIgnored(rules: readonly IgnoreRules[], path: string): boolean {
  for (const { base, test } of rules.toReversed()) {
    const verdict = test(base ? path.slice(base.length + 1) : path);
    if (verdict.ignored) return true;
    if (verdict.unignored) return false;
  }
  return false;
}
