/**
 * One file of a branch: looked at in its commit, and changed by a commit that lands as a merge does. The commit is made
 * from git's own objects, without a working tree, so that nothing of the person's is in its way; where the branch is
 * checked out, that folder moves along by git's fast-forward, which refuses to overwrite an edit.
 */
import { AppError } from "../../server/errors.ts";
import { commitObject, commitTree, whoText } from "./commit_objects.ts";
import { rememberMade, type Way, wayTo } from "./commit_trees.ts";
import { isInside } from "./contents.ts";
import { filteredAmong } from "./filters.ts";
import { configOf, gitBytes, gitOk } from "./git.ts";
import { type Landed, landMerge } from "./landing.ts";
import { isOfSystem, type NewObject, objectId, objectOf, writeObjects } from "./loose_objects.ts";
import { checkCommit, commonDirOf, type Identity, treeOf, treePlaces } from "./repository.ts";
import type { Signer } from "./signing.ts";
import { entryIn, FOLDER_MODE, withEntry } from "./tree_bytes.ts";

/** Holds a commit of `fast-import`, which wants a ref, until it is on the branch. */
const KEEPING_REF = "refs/gaffer/planning";

const FILE_MODE = "100644";
const EXECUTABLE_MODE = "100755";

/**
 * Object id of a file in a commit; null where there is none of that path. Throws `conflict` where a link, or anything
 * else that is no plain file in plain folders, has that path or one on the way to it.
 */
export async function fileBlob(
  repo: string,
  commit: string,
  path: string,
  signal: AbortSignal,
): Promise<string | null> {
  const { folders, blockedBy } = await wayTo(repo, commit, checkPath(path), signal);
  const names = path.split("/");
  const at = (count: number) => names.slice(0, count).join("/");
  if (blockedBy !== null) throw inTheWay(path, at(folders.length));
  if (folders.length < names.length) return null;
  const entry = entryIn(folders.at(-1)!, names.at(-1)!, commit.length);
  if (entry !== null && !/^100[0-7]{3}$/.test(entry.mode)) throw inTheWay(path, path);
  return entry && entry.id;
}

/** Gives back what is a path from the root, in one line. */
function checkPath(path: string): string {
  if (isInside(path) && !/[\n"]/.test(path)) return path;
  throw new Error(`no path of a file: ${path}`);
}

const inTheWay = (path: string, at: string): AppError =>
  new AppError(
    "conflict",
    `Cannot use ${path}: "${at}" is a link or no plain ${
      at === path ? "file" : "folder"
    } on the branch. Remove it there first`,
  );

/** A blob's content as it is; null when it is longer than `maxBytes`. */
export const readBlobBytes = (
  repo: string,
  blob: string,
  { maxBytes, signal }: { maxBytes: number; signal: AbortSignal },
): Promise<Uint8Array<ArrayBuffer> | null> =>
  gitBytes(repo, ["cat-file", "blob", checkCommit(blob)], {
    ...{ signal, maxOutputBytes: maxBytes },
    doing: "read a file",
  });

/** The object id that git gives a content as it is. `length`: of the repository's ids, which tells their kind. */
export const blobIdOfBytes = (bytes: Uint8Array, length: number): string =>
  objectId("blob", bytes, length);

export interface FileCommit {
  repo: string;
  branch: string;
  /** Commit of the branch that the change was made to. */
  tip: string;
  /** From the repository's root; checked by the caller. */
  path: string;
  /** Null: the file goes. */
  content: Uint8Array | null;
  /** Author and committer. */
  identity: Identity;
  message: string;
  /** Seconds since 1970, for author and committer. */
  atSeconds: number;
  /** Null: the commit is not signed. */
  signer: Signer | null;
  signal: AbortSignal;
}

/**
 * Commits one file onto the branch. `moved`: it has other commits now, and nothing was done; `waiting`: that would
 * overwrite what somebody has not committed, or the folder is in the middle of something. Throws `conflict` for a file
 * that would have to pass through a filter.
 */
export async function commitFile(spec: FileCommit): Promise<Landed> {
  const { repo, branch, tip, path, signal } = spec;
  const [commit, places, [filtered]] = await Promise.all([
    makeCommit(spec),
    treePlaces(repo, signal),
    filteredAmong(repo, spec.content === null ? [] : [path], signal),
  ]);
  if (filtered) {
    // The commit that was made is nobody's yet: git throws it away in time.
    throw new AppError(
      "conflict",
      `Cannot commit ${path}: .gitattributes passes it through the filter "${filtered.filter}", which Gaffer does not ` +
        "run. Choose another path, or have documents kept as files alone",
    );
  }
  const landing = { repo, base: branch, commit, expectedTip: tip, signal };
  return await landMerge({ ...landing, fresh: true, places });
}

async function makeCommit(spec: FileCommit): Promise<string> {
  const { repo, signal } = spec;
  checkPath(spec.path);
  if (!(await configOf(repo, signal))?.isPlain) return await importCommit(spec);
  const way = await wayTo(repo, spec.tip, spec.path, signal);
  if (way.blockedBy !== null) return await importCommit(spec);
  signal.throwIfAborted();
  const commonDir = await commonDirOf(repo, signal);
  const { tree, made } = changedTrees(spec, way);
  const commit = commitObject({
    tree,
    parents: [checkCommit(spec.tip)],
    who: whoOf(spec),
    message: spec.message,
  });
  const objects = spec.signer === null ? [...made, commit] : made;
  try {
    await writeObjects(commonDir, objects);
  } catch (error) {
    // Git says what is the matter, or knows a way.
    if (!isOfSystem(error)) throw error;
    return await importCommit(spec);
  }
  const id = spec.signer === null ? commit.id : await signedCommit(spec, tree);
  rememberMade({ commit: id, tree }, made.filter(({ kind }) => kind === "tree"));
  return id;
}

/** The trees as they are with the file as it is to be, from its folder up to the root, and its content. */
function changedTrees(spec: FileCommit, way: Way): { tree: string; made: NewObject[] } {
  const { tip, path, content } = spec;
  const { folders } = way;
  const chars = tip.length;
  const blob = content && objectOf("blob", new Uint8Array(content), chars);
  const made = blob ? [blob] : [];
  let entry = blob && { mode: modeOf(spec, way), id: blob.id };
  let tree = "";
  for (const [depth, name] of [...path.split("/").entries()].reverse()) {
    const folder = folders[depth] ?? new Uint8Array();
    const changed = objectOf("tree", withEntry(folder, name, entry, chars), chars);
    tree = changed.id;
    // A folder with nothing in it is none; but for the root.
    const isGone = changed.bytes.length === 0 && depth > 0;
    if (!isGone) made.push(changed);
    entry = isGone ? null : { mode: FOLDER_MODE, id: changed.id };
  }
  return { tree, made };
}

const whoOf = ({ identity, atSeconds }: FileCommit): string => whoText(identity, atSeconds);

/** A file that may be executed stays one: a change of its text says nothing of that. */
function modeOf({ tip, path }: FileCommit, { folders }: Way): string {
  const names = path.split("/");
  const folder = folders[names.length - 1];
  const present = folder && entryIn(folder, names.at(-1)!, tip.length);
  return present?.mode === EXECUTABLE_MODE ? EXECUTABLE_MODE : FILE_MODE;
}

/** By git alone, in whatever way the repository keeps its objects. */
async function importCommit(spec: FileCommit): Promise<string> {
  const { repo, tip, path, content, message, signal } = spec;
  const messageBytes = new TextEncoder().encode(message).length;
  const mode = modeOf(spec, await wayTo(repo, tip, path, signal));
  const head = `commit ${KEEPING_REF}\nmark :1\n` +
    `committer ${whoOf(spec)}\n` +
    `data ${messageBytes}\n${message}\nfrom ${checkCommit(tip)}\n` +
    (content === null ? `D ${path}\n` : `M ${mode} inline ${path}\ndata ${content.length}\n`);
  const end = `${content === null ? "" : "\n"}\nget-mark :1\ndone\n`;
  const args = ["fast-import", "--quiet", "--done", "--force", "--date-format=raw"];
  const input = new Uint8Array(
    await new Blob([head, new Uint8Array(content ?? []), end]).arrayBuffer(),
  );
  const doing = `commit "${path}"`;
  const commit = checkCommit((await gitOk(repo, args, { signal, input, doing })).trim());
  if (spec.signer === null) return commit;
  // The other one, which `fast-import` can't sign, stays behind.
  return await signedCommit(spec, await treeOf(repo, commit, signal));
}

const signedCommit = (spec: FileCommit, tree: string): Promise<string> =>
  commitTree(spec.repo, { ...spec, tree, parents: [spec.tip] });
