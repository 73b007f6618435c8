/**
 * The folders of a commit with what has changed in a working tree since: the same that git makes by way of its index,
 * without three processes and a wait for the disk for each folder.
 */
import { Buffer } from "node:buffer";
import { baseName, folderOf } from "../paths.ts";
import { waysTo } from "./commit_trees.ts";
import { GitError } from "./git_error.ts";
import { type NewObject, objectOf } from "./loose_objects.ts";
import { storedFile } from "./stored_files.ts";
import { entryIn, FOLDER_MODE, type TreeEntry, withEntry } from "./tree_bytes.ts";
import type { Change } from "./worktree_changes.ts";

/** Most changes, and most bytes of their contents: to read, hash and compress them, the server stops for some 10 ms. */
const CHANGES_MAX = 100;
const CONTENT_BYTES = 512 * 1024;

export interface ChangedTree {
  /** Of the root. */
  tree: string;
  /** Contents and folders that the repository may not have yet. */
  objects: NewObject[];
  /** Paths that differ from the commit, in git's order. */
  files: string[];
}

export interface TreeQuestion {
  repo: string;
  /** Real path of the working tree. */
  root: string;
  /** Full object id; has what each change says of it. */
  commit: string;
  changes: readonly Change[];
  signal: AbortSignal;
}

/** Null: git must do it. No file may have an attribute of which its content depends. */
export async function treeWithChanges(question: TreeQuestion): Promise<ChangedTree | null> {
  const { repo, root, commit, changes, signal } = question;
  if (changes.length > CHANGES_MAX || changes.some(isForGit)) return null;
  const folders = new Set<string>([""]);
  for (const { path } of changes) {
    for (let at = folderOf(path); at !== ""; at = folderOf(at)) folders.add(at);
  }
  const ways = await waysTo(repo, commit, [...folders], signal).catch(unlessGits);
  if (ways === null) return null;
  const before = new Map<string, Uint8Array>();
  for (const folder of folders) {
    before.set(folder, ways.get(folder)!.folders[depthOf(folder)] ?? new Uint8Array());
  }
  const now = entriesNow(root, changes, commit.length);
  if (now === null) return null;
  const found = new Map(changes.map(({ path }) => [
    path,
    entryIn(before.get(folderOf(path))!, baseName(path), commit.length),
  ]));
  const headOf = (path: string) => {
    const entry = found.get(path) ?? null;
    return entry?.mode === FOLDER_MODE ? null : entry;
  };
  // It should have what git's look at the files has found in it.
  if (!changes.every(({ path, head }) => head === null || isSame(head, headOf(path)))) return null;
  const changed = new Map(
    [...now.entries].filter(([path, entry]) => !isSame(entry, headOf(path))),
  );
  for (const [path, entry] of changed) {
    // What was in the folder is gone, and git was not told so: a link to itself takes its place.
    if (entry !== null && !folders.has(path) && found.get(path)?.mode === FOLDER_MODE) return null;
  }
  const trees = treesFrom(before, changed, commit.length);
  if (trees === null) return null;
  const blobs = [...changed.values()].flatMap((entry) => now.blobs.get(entry?.id ?? "") ?? []);
  const objects = new Map([...blobs, ...trees.made].map((object) => [object.id, object]));
  return {
    tree: trees.root,
    objects: [...objects.values()],
    files: [...changed.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
  };
}

/** Git says what is the matter, or knows a way: where a large file became a folder, its content was read. */
function unlessGits(error: unknown): null {
  if (error instanceof GitError) return null;
  throw error;
}

/** Names that git may refuse, that file systems write in more than one way, or that cannot be asked for. */
const UNUSUAL =
  // deno-lint-ignore no-control-regex -- a line end is what must not be in a name
  /[\u0000-\u001f\u007f\\:~"\ufffd\u200c-\u200f\u202a-\u202e\u206a-\u206f\ufeff]|(^|\/)\.git[. ]*(\/|$)|(^|\/)\.gitmodules|[. ](\/|$)/i;

const isForGit = ({ isOdd, path }: Change): boolean => isOdd || UNUSUAL.test(path);

const isSame = (one: TreeEntry | null, other: TreeEntry | null): boolean =>
  one?.mode === other?.mode && one?.id === other?.id;

/** What each path is to be. A file that only the index has forgotten is there all the same: the later one counts. */
function entriesNow(
  root: string,
  changes: readonly Change[],
  chars: number,
): { entries: Map<string, TreeEntry | null>; blobs: Map<string, NewObject> } | null {
  const entries = new Map<string, TreeEntry | null>();
  const blobs = new Map<string, NewObject>();
  let left = CONTENT_BYTES;
  for (const { path, index, file } of changes) {
    const stored = file === "changed" ? storedFile(root, path, left) : "gone";
    if (stored === null) return null;
    if (stored === "gone") {
      entries.set(path, file === "same" ? index : null);
      continue;
    }
    const blob = objectOf("blob", stored.bytes, chars);
    left -= stored.bytes.length;
    blobs.set(blob.id, blob);
    entries.set(path, { mode: stored.mode, id: blob.id });
  }
  return { entries, blobs };
}

/** Null: a path would be a file and a folder. */
function treesFrom(
  before: ReadonlyMap<string, Uint8Array>,
  changed: ReadonlyMap<string, TreeEntry | null>,
  chars: number,
): { root: string; made: NewObject[] } | null {
  const made: NewObject[] = [];
  const within = new Map(
    [...before.keys()].map((folder) => [folder, new Map<string, TreeEntry | null>()]),
  );
  const enter = (path: string, entry: TreeEntry | null) =>
    within.get(folderOf(path))!.set(baseName(path), entry);
  for (const [path, entry] of changed) enter(path, entry);
  // What is in a folder comes before the folder itself.
  const deepestFirst = [...before.keys()].sort((a, b) => depthOf(b) - depthOf(a));
  for (const folder of deepestFirst) {
    const old = before.get(folder)!;
    let bytes = old;
    for (const [name, entry] of within.get(folder)!) bytes = withEntry(bytes, name, entry, chars);
    if (bytes === old && folder !== "") continue;
    const tree = objectOf("tree", new Uint8Array(bytes), chars);
    if (folder === "") return { root: tree.id, made: [...made, tree] };
    // A folder with nothing in it is none; a file may be in its place.
    const isThere = bytes.length > 0;
    const file = changed.get(folder);
    if (isThere && file) return null;
    if (isThere) made.push(tree);
    if (!file) enter(folder, isThere ? { mode: FOLDER_MODE, id: tree.id } : null);
  }
  throw new Error("no root among the folders");
}

const depthOf = (folder: string): number => folder === "" ? 0 : folder.split("/").length;
