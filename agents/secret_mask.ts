/**
 * Files of secrets that lie in a place without being committed: a person's or a setup's `.env`, a key. The file tools
 * refuse them by name; commands that a model wrote get an empty file in their stead. The project's own commands see
 * them, since builds need them. What is committed is no secret from whoever can ask git, so it is not hidden.
 */
import { git, type GitPlace } from "./git/git.ts";
import { exists } from "./git/presence.ts";
import { linkedGitDirOf } from "./git/repository.ts";
import { joinRelative } from "./paths.ts";
import { pathRules } from "./policy.ts";
import type { Place } from "./protocol.ts";

/** Most files that are hidden, and most entries of untracked folders that are looked at. */
const MAX_FILES = 500;
const MAX_ENTRIES = 5_000;
const MAX_DEPTH = 6;
/** Of a submodule's entry in git's index. */
const SUBMODULE_MODE = "160000 ";
/** What is fetched or built is large, and nobody's secret. */
const passedOver = new Set([".git", "node_modules", "target", "vendor", ".venv", "venv"]);

/**
 * Absolute paths of files and folders; empty where git can't say what is committed. In a submodule everything with a
 * secret's name counts, committed or not: git is never asked in there, since its configuration may be a model's.
 */
export async function secretsIn(place: Place, signal: AbortSignal): Promise<string[]> {
  if (place.gitDir === null) return [];
  return await secretsOf(place, await workTreeOf(place.dir, place.gitDir), signal);
}

/** As git takes it: a linked worktree with its own folder is asked in one process, not in two. */
async function workTreeOf(dir: string, gitDir: string): Promise<GitPlace> {
  const own = await linkedGitDirOf(gitDir, dir);
  return own === null ? dir : { path: dir, gitDir: own };
}

async function secretsOf(
  place: Place,
  workTree: GitPlace,
  signal: AbortSignal,
): Promise<string[]> {
  const { blocked } = await pathRules({ allow: [], block: [] });
  const folders = await foldersToLookAt(place, workTree, signal);
  const found: string[] = [];
  let left = MAX_ENTRIES;
  const look = async (path: string, isFolder: boolean, depth: number): Promise<void> => {
    if (found.length === MAX_FILES || passedOver.has(path.slice(path.lastIndexOf("/") + 1))) return;
    if (blocked(path) !== null) {
      found.push(`${place.dir}/${path}`);
      return;
    }
    if (!isFolder || depth === MAX_DEPTH) return;
    for (const entry of await entriesOf(`${place.dir}/${path}`)) {
      if (left-- <= 0) return;
      await look(joinRelative(path, entry.name), entry.isDirectory, depth + 1);
    }
  };
  for (const path of folders) {
    await look(path.replace(/\/$/, ""), path.endsWith("/"), 0);
  }
  return found;
}

/** What git does not keep, and submodules, relative to the place; folders end in "/". */
async function foldersToLookAt(
  place: Place,
  workTree: GitPlace,
  signal: AbortSignal,
): Promise<string[]> {
  const ask = async (args: string[]) => {
    const { code, stdout } = await git(workTree, ["ls-files", "-z", ...args], { signal });
    return code === 0 ? stdout.split("\0").filter(Boolean) : [];
  };
  const [others, committed] = await Promise.all([
    ask(["--others", "--directory"]),
    await mayHaveSubmodules(place, workTree) ? ask(["--stage"]) : [],
  ]);
  const submodules: string[] = [];
  for (const line of committed.filter((line) => line.startsWith(SUBMODULE_MODE))) {
    const path = line.slice(line.indexOf("\t") + 1);
    if (await isFolderAt(`${place.dir}/${path}`)) submodules.push(`${path}/`);
  }
  return [...others, ...submodules];
}

/** Not a link, nor below one: a command may have put it there. */
const isFolderAt = async (path: string): Promise<boolean> =>
  (await Deno.realPath(path).catch(() => null)) === path && (await Deno.stat(path)).isDirectory;

/** Those that git has fetched lie in its own folder, which no command of a model's can change. */
async function mayHaveSubmodules(place: Place, workTree: GitPlace): Promise<boolean> {
  const own = typeof workTree === "string" ? place.gitDir : workTree.gitDir;
  const signs = [`${place.dir}/.gitmodules`, `${place.gitDir}/modules`, `${own}/modules`];
  return (await Promise.all(signs.map(exists))).includes(true);
}

async function entriesOf(folder: string): Promise<Deno.DirEntry[]> {
  try {
    return await Array.fromAsync(Deno.readDir(folder));
  } catch {
    return []; // gone, or closed to us: then to commands as well
  }
}

/** What was found in each place, for what runs no command of a model's to go by. */
export class KnownSecrets {
  readonly #found = new Map<string, Promise<string[]>>();
  /** Does not change while the worktree lives. */
  readonly #workTrees = new Map<string, Promise<GitPlace>>();

  /** As they were when last looked for, at first as they are. */
  async in(place: Place, signal: AbortSignal): Promise<string[]> {
    return await (this.#found.get(place.dir) ?? this.now(place, signal));
  }

  /** As they are: a person, setup or a check may have made some since. */
  async now(place: Place, signal: AbortSignal): Promise<string[]> {
    const { dir, gitDir } = place;
    if (gitDir === null) return [];
    const looking =
      (async () => await secretsOf(place, await this.#workTree(dir, gitDir), signal))();
    this.#found.set(dir, looking);
    // The next one looks again.
    looking.catch(() => this.#found.get(dir) === looking && this.#found.delete(dir));
    return await looking;
  }

  /** The folder is not used any more: another worktree may come to lie there. */
  forget(dir: string): void {
    this.#found.delete(dir);
    this.#workTrees.delete(dir);
  }

  #workTree(dir: string, gitDir: string): Promise<GitPlace> {
    let workTree = this.#workTrees.get(dir);
    if (workTree === undefined) {
      this.#workTrees.set(dir, workTree = workTreeOf(dir, gitDir));
      workTree.catch(() => this.#workTrees.delete(dir));
    }
    return workTree;
  }
}
