/**
 * Files that `.gitattributes` pass through a filter: encrypted by git-crypt, kept elsewhere by git-lfs. Gaffer's git
 * runs none (`drivers.ts`), so it neither commits what one would have to change on its way in, nor puts into the
 * person's folder what one would have to change on its way out. Asking for attributes runs nothing.
 */
import { join } from "node:path";
import { AppError } from "../../server/errors.ts";
import { hasOwnAttributes, mayHaveAttributes } from "./attribute_files.ts";
import { configOf, gitOk, type GitPlace } from "./git.ts";
import { nameSome, shellQuote } from "./git_error.ts";

/** Most files that a message names. */
const NAMED_MAX = 5;
/** A pointer of git-lfs is shorter; its filter stores it as it is. */
const POINTER_BYTES = 1_024;
const POINTER_START = "version https://git-lfs.github.com/spec/";

export interface FilteredFile {
  path: string;
  /** What the attribute says. */
  filter: string;
}

/**
 * Those of `paths`, relative to the place, that have a filter there. `by`: what names it, the files of the working tree
 * or the index.
 */
export async function filteredAmong(
  place: GitPlace,
  paths: readonly string[],
  signal: AbortSignal,
  how: HowAsked = {},
): Promise<FilteredFile[]> {
  const values = await valuesAmong(place, paths, ["filter"], signal, how);
  return values.map(({ path, value }) => ({ path, filter: value }));
}

interface HowAsked {
  by?: "files" | "index";
  env?: Record<string, string>;
}

/** What these attributes are set to, where they are to something. */
async function valuesAmong(
  place: GitPlace,
  paths: readonly string[],
  attributes: readonly string[],
  signal: AbortSignal,
  { by = "files", env }: HowAsked = {},
): Promise<{ path: string; attribute: string; value: string }[]> {
  if (paths.length === 0) return [];
  if (by === "files" && !await mayBeFiltered(place, paths, signal)) return [];
  const cached = by === "index" ? ["--cached"] : [];
  const text = await gitOk(place, ["check-attr", ...cached, "-z", "--stdin", ...attributes], {
    signal,
    input: paths.map((path) => `${path}\0`).join(""),
    ...env && { env },
    doing: "see which files have a filter",
  });
  const fields = text.split("\0");
  const found = [];
  for (let at = 0; at + 2 < fields.length; at += 3) {
    const [path = "", attribute = "", value = ""] = fields.slice(at, at + 3);
    if (!["unspecified", "unset", "set"].includes(value)) found.push({ path, attribute, value });
  }
  return found;
}

/**
 * False without a process where none can be: there are no files of attributes that have a say. One of the machine's at
 * an unusual place could only name filters that nobody has set up.
 */
async function mayBeFiltered(
  place: GitPlace,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const facts = await configOf(place, signal);
  if (facts === null || facts.namesAttributes || facts.filters.size > 0) return true;
  return hasOwnAttributes() || mayHaveAttributes(place, paths);
}

/**
 * Throws `conflict` when one of the changed files of a working tree has to pass through a filter to be committed,
 * saying which and how to go on. Gone files, links, and pointers of git-lfs need none. Gives whether any of them has a
 * filter or an encoding (`working-tree-encoding`) at all.
 */
export async function refuseFiltered(
  place: { path: string; gitDir: string },
  changed: readonly string[],
  signal: AbortSignal,
): Promise<boolean> {
  const values = await valuesAmong(place, changed, ["filter", "working-tree-encoding"], signal);
  const filtered = values
    .filter(({ attribute }) => attribute === "filter")
    .map(({ path, value }) => ({ path, filter: value }));
  if (changed.some(namesAttributes)) {
    // Whoever takes the filter away in the same go does not get round it.
    filtered.push(...await filteredAmong(place, changed, signal, { by: "index" }));
  }
  const due: FilteredFile[] = [];
  for (const file of filtered) {
    if (due.some(({ path }) => path === file.path)) continue;
    if (await needsFilter(join(place.path, file.path), file.filter)) due.push(file);
  }
  if (due.length === 0) return values.length + filtered.length > 0;
  const paths = due.map(({ path }) => path);
  const here = `git -C ${shellQuote(place.path)}`;
  const quoted = paths.slice(0, NAMED_MAX).map(shellQuote).join(" ");
  throw new AppError(
    "conflict",
    `Cannot commit ${nameSome(paths, NAMED_MAX)}: .gitattributes says that ${
      paths.length === 1 ? "it passes" : "they pass"
    } through ${filtersIn(due)}, and Gaffer runs no filter: it would be stored as it is. ` +
      `Commit by hand what is right there, then continue: ${here} add -- ${quoted} && ${here} commit. ` +
      `Or take the change back (it is in "${place.path}"), then retry`,
  );
}

const namesAttributes = (path: string): boolean => /(^|\/)\.gitattributes$/.test(path);

/** The filter "lfs", or several of them. */
const filtersIn = (files: readonly FilteredFile[]): string => {
  const names = [...new Set(files.map(({ filter }) => filter))];
  return `the filter${names.length === 1 ? "" : "s"} ${nameSome(names, NAMED_MAX)}`;
};

async function needsFilter(file: string, filter: string): Promise<boolean> {
  try {
    const { isFile, size } = await Deno.lstat(file);
    if (!isFile) return false;
    if (filter !== "lfs" || size > POINTER_BYTES) return true;
    return !(await Deno.readTextFile(file)).startsWith(POINTER_START);
  } catch (error) {
    // One whose name is not UTF-8 has another.
    if (error instanceof Deno.errors.NotFound) return file.includes("\ufffd");
    if (error instanceof Deno.errors.NotADirectory) return false;
    throw error;
  }
}

/**
 * Of the files that differ between two commits, those that git would pass through a filter of the person's on their way
 * into the working tree. One that nobody has set up does nothing there, whoever's git it is.
 */
export async function filteredBetween(
  tree: { path: string; gitDir: string },
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<FilteredFile[]> {
  const known = await knownFilters(tree, signal);
  if (known.size === 0) return [];
  const args = [
    "diff-tree",
    "-r",
    "-z",
    "--no-renames",
    "--diff-filter=d",
    "--name-only",
    from,
    to,
  ];
  const doing = "list the changed files";
  const paths = (await gitOk(tree, args, { signal, doing })).split("\0").filter(Boolean);
  const filtered = await filteredAmong(tree, paths, signal);
  if (paths.some(namesAttributes)) filtered.push(...await filteredIn(tree, to, paths, signal));
  const unique = new Map(filtered.map((file) => [file.path, file]));
  return [...unique.values()].filter(({ filter }) => known.has(filter));
}

/** By the attributes of a commit that is not checked out, in an index of its own: older git can't be told a commit. */
async function filteredIn(
  tree: { path: string; gitDir: string },
  commit: string,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<FilteredFile[]> {
  const dir = await Deno.makeTempDir({ prefix: "gaffer-attributes-" });
  try {
    const env = { GIT_INDEX_FILE: join(dir, "index") };
    await gitOk(tree, ["read-tree", commit], { signal, env, doing: "read the attributes" });
    return await filteredAmong(tree, paths, signal, { by: "index", env });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function knownFilters(place: GitPlace, signal: AbortSignal): Promise<ReadonlySet<string>> {
  const facts = await configOf(place, signal);
  if (facts !== null) return facts.filters;
  const doing = "read which filters are set up";
  await gitOk(place, ["config", "--list", "--name-only"], { signal, doing }); // says what is the matter
  throw new Error(`Cannot ${doing}: git could not, and can now`);
}

/** Why a commit is not put into a folder of the person's, and what to do. */
export function filteredText(
  folder: string,
  commit: string,
  files: readonly FilteredFile[],
): string {
  const paths = files.map(({ path }) => path);
  return `It changes files in "${folder}" that pass through ${filtersIn(files)}, ` +
    `which Gaffer does not run: ${nameSome(paths, NAMED_MAX)}. ` +
    `Let your own git put them there, and it goes on by itself: git -C ${
      shellQuote(folder)
    } merge --ff-only ${commit}`;
}
