/**
 * One file of a branch: looked at in its commit, and changed by a commit that lands as a merge does. The commit is made
 * from git's own objects, without a working tree, so that nothing of the person's is in its way; where the branch is
 * checked out, that folder moves along by git's fast-forward, which refuses to overwrite an edit.
 */
import { createHash } from "node:crypto";
import { AppError } from "../../server/errors.ts";
import { isInside } from "./contents.ts";
import { filteredAmong } from "./filters.ts";
import { gitBytes, gitOk } from "./git.ts";
import { type Landed, landMerge } from "./landing.ts";
import {
  checkCommit,
  commitTree,
  gaffer,
  type Identity,
  treeOf,
  treePlaces,
} from "./repository.ts";
import type { Signer } from "./signing.ts";

/** Holds the commit until it is on the branch: git's own cleaning up would else take it away. */
const KEEPING_REF = "refs/gaffer/planning";

const literal = { GIT_LITERAL_PATHSPECS: "1" };

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
  const onTheWay = path.split("/").map((_, i, parts) => parts.slice(0, i + 1).join("/"));
  const args = ["ls-tree", "-t", "-z", "--full-tree", checkCommit(commit), "--", ...onTheWay];
  const text = await gitOk(repo, args, { signal, env: literal, doing: `look for "${path}"` });
  let blob: string | null = null;
  for (const entry of text.split("\0").filter(Boolean)) {
    const [, mode, id, at] = /^(\d+) \w+ ([0-9a-f]+)\t([^]+)$/.exec(entry) ?? [];
    if (!at || !onTheWay.includes(at)) continue;
    const isFile = /^100(?:644|755)$/.test(mode!);
    if (at === path ? !isFile : mode !== "040000") throw inTheWay(path, at);
    if (at === path) blob = id!;
  }
  return blob;
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
  createHash(length === SHA1_CHARS ? "sha1" : "sha256")
    .update(`blob ${bytes.length}\0`).update(bytes).digest("hex");

const SHA1_CHARS = 40;

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
  const [filtered] = await filteredAmong(repo, spec.content === null ? [] : [path], signal);
  if (filtered) {
    throw new AppError(
      "conflict",
      `Cannot commit ${path}: .gitattributes passes it through the filter "${filtered.filter}", which Gaffer does not ` +
        "run. Choose another path, or have documents kept as files alone",
    );
  }
  const [commit, places] = await Promise.all([
    makeCommit(spec).then((commit) => signed(spec, commit)),
    treePlaces(repo, signal),
  ]);
  const landing = { repo, base: branch, commit, expectedTip: tip, signal };
  return await landMerge({ ...landing, fresh: true, places });
}

async function makeCommit(spec: FileCommit): Promise<string> {
  const { repo, tip, path, content, identity, message, atSeconds, signal } = spec;
  if (!isInside(path) || /[\n"]/.test(path)) throw new Error(`no path of a file: ${path}`);
  const messageBytes = new TextEncoder().encode(message).length;
  const head = `commit ${KEEPING_REF}\nmark :1\n` +
    `committer ${named(identity)} ${Math.floor(atSeconds)} +0000\n` +
    `data ${messageBytes}\n${message}\nfrom ${checkCommit(tip)}\n` +
    (content === null ? `D ${path}\n` : `M 100644 inline ${path}\ndata ${content.length}\n`);
  const end = `${content === null ? "" : "\n"}\nget-mark :1\ndone\n`;
  const args = ["fast-import", "--quiet", "--done", "--force", "--date-format=raw"];
  const input = new Uint8Array(
    await new Blob([head, new Uint8Array(content ?? []), end]).arrayBuffer(),
  );
  const doing = `commit "${path}"`;
  return checkCommit((await gitOk(repo, args, { signal, input, doing })).trim());
}

/** The same commit with a signature, which `fast-import` can't make; the other one stays behind. */
async function signed(spec: FileCommit, commit: string): Promise<string> {
  const { repo, tip, signer, signal } = spec;
  if (signer === null) return commit;
  return await commitTree(repo, {
    ...spec,
    tree: await treeOf(repo, commit, signal),
    parents: [tip],
  });
}

/** As git writes names: without what ends them. */
function named({ name, email }: Identity): string {
  // deno-lint-ignore no-control-regex -- they would end the line, or the name
  const plain = (text: string) => text.replace(/[\u0000-\u001f<>]/g, "").trim();
  return `${plain(name) || gaffer.name} <${plain(email) || gaffer.email}>`;
}
