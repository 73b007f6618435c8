/**
 * The folders of a commit on the way to files, as git keeps them. What an object id names never changes: those that
 * were read or made lately are remembered, and git is asked once for all others of a path.
 */
import { folderOf } from "../paths.ts";
import { gitBytes } from "./git.ts";
import { GitError } from "./git_error.ts";
import { checkCommit } from "./repository.ts";
import { entryIn, FOLDER_MODE } from "./tree_bytes.ts";

/** Most that is remembered, of all repositories, and the largest folder of it. */
const REMEMBERED_BYTES = 2 * 1024 * 1024;
const FOLDER_BYTES = 256 * 1024;
const REMEMBERED_COMMITS = 1_000;
/** Largest answer of git's for one path: folders of some hundred thousand files. */
const ANSWER_BYTES = 32 * 1024 * 1024;

/** By id, the one that was used longest ago first. */
const trees = new Map<string, Uint8Array>();
let treeBytes = 0;
/** The tree of each commit. */
const commits = new Map<string, string>();

/** What lies on the way to a file: the folders as far as they are there, the root first. */
export interface Way {
  folders: Uint8Array[];
  /** Mode of what is no folder on the way; null: there is none. */
  blockedBy: string | null;
}

/** Throws `GitError` when there is no such commit. `path`: from the repository's root, without a line end. */
export async function wayTo(
  repo: string,
  commit: string,
  path: string,
  signal: AbortSignal,
): Promise<Way> {
  const folder = folderOf(path);
  return (await waysTo(repo, commit, [folder], signal)).get(folder)!;
}

/** The ways to these folders ("": the root), by folder; as `wayTo`. */
export async function waysTo(
  repo: string,
  commit: string,
  folders: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Way>> {
  const ways = new Map<string, Way>();
  const unknown = folders.filter((folder) => {
    const way = walk(commit, namesOf(folder), remembered);
    if (way !== null) ways.set(folder, way);
    return way === null;
  });
  if (unknown.length === 0) return ways;
  const read = await readFolders(repo, commit, unknown, signal);
  const known = (id: string) => read.get(id) ?? trees.get(id);
  for (const folder of unknown) {
    const way = walk(commit, namesOf(folder), known);
    if (way === null) {
      const stderr = `The commit ${commit}, or a folder of it, is not there`;
      const result = { code: 1, stdout: "", stderr, truncated: false };
      throw GitError.of(`look for "${folder}"`, repo, result);
    }
    ways.set(folder, way);
  }
  return ways;
}

const namesOf = (folder: string): string[] => folder === "" ? [] : folder.split("/");

/** These folders, and all on the way to them, by id: by one process. */
async function readFolders(
  repo: string,
  commit: string,
  folders: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, Uint8Array>> {
  const onTheWay = folders.flatMap((folder) =>
    namesOf(folder).map((_, i, names) => names.slice(0, i + 1).join("/"))
  );
  const specs = [...new Set(onTheWay)].map((folder) => `${commit}:${folder}`);
  const doing = `look for "${folders[0]}"`;
  const answer = await gitBytes(repo, ["cat-file", "--batch"], {
    ...{ signal, doing, maxOutputBytes: ANSWER_BYTES },
    input: `${[`${checkCommit(commit)}^{tree}`, ...specs].join("\n")}\n`,
  });
  if (answer === null) throw GitError.tooLong(doing);
  const read = new Map<string, Uint8Array>();
  for (const [i, { id, kind, bytes }] of answersIn(answer).entries()) {
    if (kind !== "tree") continue;
    read.set(id, bytes);
    if (i === 0) rememberCommit(commit, id);
    rememberTree(id, bytes);
  }
  return read;
}

/** What a commit that was made just now is made of: whoever asks next need not ask git. */
export function rememberMade(
  made: { commit: string; tree: string },
  folders: readonly { id: string; bytes: Uint8Array }[],
): void {
  rememberCommit(made.commit, made.tree);
  for (const { id, bytes } of folders) rememberTree(id, bytes);
}

/** Null: something on the way is not among these. */
function walk(
  commit: string,
  names: readonly string[],
  known: (id: string) => Uint8Array | undefined,
): Way | null {
  const folders: Uint8Array[] = [];
  let id = commits.get(commit);
  for (const name of [...names, null]) {
    const folder = id === undefined ? undefined : known(id);
    if (folder === undefined) return null;
    folders.push(folder);
    if (name === null) break;
    const entry = entryIn(folder, name, commit.length);
    if (entry === null) break;
    if (entry.mode !== FOLDER_MODE) return { folders, blockedBy: entry.mode };
    id = entry.id;
  }
  return { folders, blockedBy: null };
}

/** It was used now. */
function remembered(id: string): Uint8Array | undefined {
  const folder = trees.get(id);
  if (folder !== undefined) rememberTree(id, folder);
  return folder;
}

function rememberCommit(commit: string, tree: string): void {
  commits.delete(commit);
  commits.set(commit, tree);
  for (const oldest of commits.keys()) {
    if (commits.size <= REMEMBERED_COMMITS) break;
    commits.delete(oldest);
  }
}

function rememberTree(id: string, bytes: Uint8Array): void {
  if (bytes.length > FOLDER_BYTES) return;
  if (!trees.delete(id)) treeBytes += bytes.length;
  trees.set(id, bytes);
  for (const [oldest, { length }] of trees) {
    if (treeBytes <= REMEMBERED_BYTES) break;
    trees.delete(oldest);
    treeBytes -= length;
  }
}

const LF = 10;

/** `git cat-file --batch` says of each object its id, kind and length, then gives it; or that it is missing. */
function answersIn(bytes: Uint8Array): { id: string; kind: string; bytes: Uint8Array }[] {
  const answers: { id: string; kind: string; bytes: Uint8Array }[] = [];
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(LF, from);
    const line = new TextDecoder().decode(bytes.subarray(from, end));
    const [, id = "", kind = "", size] = /^([0-9a-f]+) (\w+) (\d+)$/.exec(line) ?? [];
    const length = size === undefined ? 0 : Number(size);
    // A copy: a part would keep all of the answer.
    answers.push({ id, kind, bytes: bytes.slice(end + 1, end + 1 + length) });
    from = end + 1 + (size === undefined ? 0 : length + 1);
  }
  return answers;
}
