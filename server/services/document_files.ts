/**
 * Which files of the repository a planning document describes: those that its front matter names (`files:` or
 * `describes:`, a path or glob or a list of them, from the repository's root), and those that its links lead to. A
 * document's own folder is never among them.
 */
import { PLANNING } from "../../agents/planning/document_paths.ts";
import { pathFromRoot } from "./document_addresses.ts";

/** Most paths and globs of one document, and the longest one. */
export const DESCRIBED_MAX = 100;
const PATTERN_CHARS = 300;
/** Most that one pair of braces may stand for. */
const BRACES_MAX = 20;

/** `path` from `planning/`; `values` of its front matter; `addresses` of its links. */
export function describedFiles(
  path: string,
  values: Record<string, unknown>,
  addresses: readonly string[],
): string[] {
  const named = [values.files, values.describes].flat()
    .filter((value) => typeof value === "string")
    .flatMap((value) => severalIn(value as string))
    .flatMap((value) => {
      const pattern = plainPattern(value);
      return pattern === null ? [] : expandBraces(pattern);
    });
  const linked = addresses.flatMap((address) => repositoryPath(path, address) ?? []);
  return [...new Set([...named, ...linked])].slice(0, DESCRIBED_MAX);
}

/** "a.ts, b.ts" without brackets is one text to YAML, and two files to whoever wrote it. */
const severalIn = (value: string): string[] => value.includes("{") ? [value] : value.split(/,\s+/);

/** Without what leads nowhere else: "./src/", "/src". Null: empty, too long, out of the repository or planning's own. */
function plainPattern(given: string): string | null {
  const pattern = given.trim().replace(/\\/g, "/").replace(/^(?:\.?\/)+/, "");
  if (pattern === "" || pattern.length > PATTERN_CHARS) return null;
  if (pattern.split("/").includes("..") || isPlanning(pattern)) return null;
  return pattern;
}

const isPlanning = (path: string): boolean => path === PLANNING || path.startsWith(`${PLANNING}/`);

/** "a/{b,c}.ts" is two; what is no such list stays as it is. */
function expandBraces(pattern: string): string[] {
  const [whole, list] = /\{([^{}]*,[^{}]*)\}/.exec(pattern) ?? [];
  if (whole === undefined || /\{.*\{/.test(pattern)) return [pattern];
  return list!.split(",").slice(0, BRACES_MAX).map((one) => pattern.replace(whole, () => one));
}

/** Where a link in a document leads in the repository; null: nowhere there, or to another document. */
function repositoryPath(path: string, address: string): string | null {
  const found = pathFromRoot([PLANNING, ...path.split("/").slice(0, -1)], address);
  // Its signs stand for themselves, which a pattern can't say: such a name is described by nobody.
  if (found === null || found === "" || isPlanning(found) || /[*?]/.test(found)) return null;
  return found.length > PATTERN_CHARS ? null : found;
}

/**
 * Who describes a file, by patterns and whose they are: `*` and `?` stand for anything within a name, `**` for any
 * folders, and a folder for all that is in it. In time that grows with the lengths alone: documents are written by
 * anyone, and each of their patterns meets each file that changed. So not the library that permissions use, whose patterns
 * a person trusts: it makes regular expressions with look-aheads, and one name of 250 letters takes 27 ms with two stars
 * between letters, 1.5 s with three and 70 s with four, where `*_test.*` has two. Other libraries do alike.
 */
export function describing<T>(entries: Iterable<readonly [pattern: string, of: T]>) {
  const plain = new Map<string, T[]>();
  const globs = new Map<string, { begin: string; names: string[]; of: T[] }>();
  for (const [given, of] of entries) {
    const pattern = given.replace(/\/+$/, "");
    if (!/[*?]/.test(pattern)) plain.set(pattern, [...plain.get(pattern) ?? [], of]);
    else {
      const begin = /^[^*?]*/.exec(pattern)![0];
      const glob = globs.get(pattern) ?? { begin, names: pattern.split("/"), of: [] };
      glob.of.push(of);
      globs.set(pattern, glob);
    }
  }
  return (path: string): Set<T> => {
    const found = new Set<T>();
    if (isPlanning(path)) return found;
    const names = path.replace(/\/+$/, "").split("/");
    for (let end = 1; end <= names.length; end++) {
      for (const of of plain.get(names.slice(0, end).join("/")) ?? []) found.add(of);
    }
    for (const glob of globs.values()) {
      if (!path.startsWith(glob.begin) || !inFolders(glob.names, names)) continue;
      for (const of of glob.of) found.add(of);
    }
    return found;
  };
}

/** Whether any of these patterns describes a file. */
export function describes(patterns: readonly string[]): (path: string) => boolean {
  const of = describing(patterns.map((pattern) => [pattern, true] as const));
  return (path) => of(path).size > 0;
}

/** As `isName`, of whole names: a pattern that is used up describes all that is below. */
function inFolders(pattern: string[], names: string[]): boolean {
  let [p, n, star, from] = [0, 0, -1, 0];
  while (n < names.length) {
    if (p === pattern.length) return true;
    if (pattern[p] === "**") [star, from, p] = [p, n, p + 1];
    else if (isName(pattern[p]!, names[n]!)) [p, n] = [p + 1, n + 1];
    else if (star >= 0) [p, n, from] = [star + 1, from + 1, from + 1];
    else return false;
  }
  while (pattern[p] === "**") p++;
  return p === pattern.length;
}

/** Goes on from the last star with one character more each time, and never further back. */
function isName(pattern: string, name: string): boolean {
  let [p, n, star, from] = [0, 0, -1, 0];
  while (n < name.length) {
    if (pattern[p] === "*") [star, from, p] = [p, n, p + 1];
    else if (p < pattern.length && (pattern[p] === "?" || pattern[p] === name[n])) {
      [p, n] = [p + 1, n + 1];
    } else if (star >= 0) [p, n, from] = [star + 1, from + 1, from + 1];
    else return false;
  }
  while (pattern[p] === "*") p++;
  return p === pattern.length;
}
