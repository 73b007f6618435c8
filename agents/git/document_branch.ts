/**
 * Documents on a branch: listed and read from its commit, and changed by one commit that lands as a merge does. The
 * commit is made from git's own objects, without a working tree, so that nothing of the person's is in its way; where
 * the branch is checked out, that folder moves along by git's fast-forward, which refuses to overwrite an edit.
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { AppError } from "../../server/errors.ts";
import {
  DOCUMENT_BYTES,
  DOCUMENTS_MAX,
  isDocumentPath,
  PLANNING,
  TEMPLATES,
  TEMPLATES_MAX,
} from "../planning/document_paths.ts";
import type { DocumentFile } from "../planning/planning_folder.ts";
import { git, gitOk } from "./git.ts";
import { GitError } from "./git_error.ts";
import { type Landed, landMerge } from "./landing.ts";
import { readIfThere } from "./presence.ts";
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

/** Whether the branch is what the folder `repo` has checked out. */
export async function isCheckedOut(
  repo: string,
  branch: string,
  signal: AbortSignal,
): Promise<boolean> {
  const ref = `refs/heads/${branch}`;
  const head = await readIfThere(join(repo, ".git", "HEAD"));
  // A linked worktree, or another way to store refs: git knows.
  if (head === null || !/^(?:ref: refs\/heads\/(?!\.invalid)|[0-9a-f]{40})/.test(head)) {
    const { code, stdout } = await git(repo, ["symbolic-ref", "--quiet", "HEAD"], { signal });
    return code === 0 && stdout.trim() === ref;
  }
  return head === `ref: ${ref}\n`;
}

/** Documents in a commit; links and what is no file are left out. The stamp is the object id of the content. */
export async function listDocumentsAt(
  repo: string,
  commit: string,
  signal: AbortSignal,
): Promise<DocumentFile[]> {
  const args = [
    ...["ls-tree", "-r", "-z", "-l", "--full-tree", checkCommit(commit), "--", `${PLANNING}/`],
  ];
  const text = await gitOk(repo, args, { signal, env: literal, doing: "list the documents" });
  const found: DocumentFile[] = [];
  for (const entry of text.split("\0")) {
    const match = /^100(?:644|755) blob ([0-9a-f]+) +(\d+)\tplanning\/([^]+)$/.exec(entry);
    if (!match || !isDocumentPath(match[3]!) || found.length >= DOCUMENTS_MAX) continue;
    found.push({ path: match[3]!, bytes: Number(match[2]), stamp: match[1]! });
  }
  return found;
}

/** A project's own templates in a commit: name and object id of each. */
export async function listTemplatesAt(
  repo: string,
  commit: string,
  signal: AbortSignal,
): Promise<DocumentFile[]> {
  const below = `${PLANNING}/${TEMPLATES}/`;
  const args = ["ls-tree", "-z", "-l", "--full-tree", checkCommit(commit), "--", below];
  const text = await gitOk(repo, args, { signal, env: literal, doing: "list the templates" });
  return text.split("\0").flatMap((entry) => {
    const match = /^100(?:644|755) blob ([0-9a-f]+) +(\d+)\t([^]+)$/.exec(entry);
    const path = (match?.[3] ?? "").slice(below.length);
    return match && isDocumentPath(path)
      ? [{ path, bytes: Number(match[2]), stamp: match[1]! }]
      : [];
  }).slice(0, TEMPLATES_MAX);
}

/**
 * Object id of a document in a commit; null where there is none of that path. Throws `conflict` where a link, or
 * anything else that is no plain file in plain folders, has that path or one on the way to it.
 */
export async function documentBlob(
  repo: string,
  commit: string,
  path: string,
  signal: AbortSignal,
): Promise<string | null> {
  const full = `${PLANNING}/${path}`;
  const onTheWay = full.split("/").map((_, i, parts) => parts.slice(0, i + 1).join("/"));
  const args = ["ls-tree", "-t", "-z", "--full-tree", checkCommit(commit), "--", ...onTheWay];
  const text = await gitOk(repo, args, { signal, env: literal, doing: `look for "${path}"` });
  let blob: string | null = null;
  for (const entry of text.split("\0").filter(Boolean)) {
    const [, mode, id, at] = /^(\d+) \w+ ([0-9a-f]+)\t([^]+)$/.exec(entry) ?? [];
    if (!at || !onTheWay.includes(at)) continue;
    const isFile = /^100(?:644|755)$/.test(mode!);
    if (at === full ? !isFile : mode !== "040000") throw inTheWay(path, at);
    if (at === full) blob = id!;
  }
  return blob;
}

const inTheWay = (path: string, at: string): AppError =>
  new AppError(
    "conflict",
    `Cannot use ${PLANNING}/${path}: "${at}" is a link or no plain ${
      at === `${PLANNING}/${path}` ? "file" : "folder"
    } on the branch. Remove it there first`,
  );

/**
 * Texts of many contents by their object ids, by one process. The caller leaves out what is larger than
 * `DOCUMENT_BYTES`; bytes that are no UTF-8 become U+FFFD.
 */
export async function readBlobs(
  repo: string,
  blobs: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string>> {
  if (blobs.length === 0) return new Map();
  // Nobody who wrote a document can have known it, so that none can look like the line between two.
  const mark = crypto.randomUUID();
  const result = await git(repo, ["cat-file", `--batch=${mark} %(objectname)`], {
    signal,
    input: blobs.map((blob) => `${checkCommit(blob)}\n`).join(""),
    maxOutputBytes: blobs.length * (DOCUMENT_BYTES + LINE_BYTES),
  });
  if (result.code !== 0) throw GitError.of("read the documents", repo, result);
  const parts = result.stdout.split(`${mark} `).slice(1);
  return new Map(parts.map((part) => {
    const end = part.indexOf("\n");
    return [part.slice(0, end), part.slice(end + 1, -1)];
  }));
}

/** More than the line before a content has. */
const LINE_BYTES = 200;

/** The object id that git gives a text as it is. `length`: of the repository's ids, which tells their kind. */
export function blobIdOf(text: string, length: number): string {
  const bytes = new TextEncoder().encode(text);
  return createHash(length === SHA1_CHARS ? "sha1" : "sha256")
    .update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
}

const SHA1_CHARS = 40;

export interface DocumentCommit {
  repo: string;
  branch: string;
  /** Commit of the branch that the change was made to. */
  tip: string;
  path: string;
  /** Null: the document goes. */
  text: string | null;
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
 * Commits one file below `planning/` onto the branch. `moved`: it has other commits now, and nothing was done;
 * `waiting`: that would overwrite what somebody has not committed, or the folder is in the middle of something.
 */
export async function commitDocument(spec: DocumentCommit): Promise<Landed> {
  const { repo, branch, tip, signal } = spec;
  const [commit, places] = await Promise.all([
    makeCommit(spec).then((commit) => signed(spec, commit)),
    treePlaces(repo, signal),
  ]);
  const landing = { repo, base: branch, commit, expectedTip: tip, signal };
  return await landMerge({ ...landing, fresh: true, places });
}

async function makeCommit(spec: DocumentCommit): Promise<string> {
  const { repo, tip, path, text, identity, message, atSeconds, signal } = spec;
  const bytesOf = (value: string) => new TextEncoder().encode(value).length;
  const file = text === null
    ? `D ${PLANNING}/${path}\n`
    : `M 100644 inline ${PLANNING}/${path}\ndata ${bytesOf(text)}\n${text}\n`;
  const input = `commit ${KEEPING_REF}\nmark :1\n` +
    `committer ${named(identity)} ${Math.floor(atSeconds)} +0000\n` +
    `data ${bytesOf(message)}\n${message}\nfrom ${checkCommit(tip)}\n${file}\nget-mark :1\ndone\n`;
  const args = ["fast-import", "--quiet", "--done", "--force", "--date-format=raw"];
  const doing = `commit "${PLANNING}/${path}"`;
  return checkCommit((await gitOk(repo, args, { signal, input, doing })).trim());
}

/** The same commit with a signature, which `fast-import` can't make; the other one stays behind. */
async function signed(spec: DocumentCommit, commit: string): Promise<string> {
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
