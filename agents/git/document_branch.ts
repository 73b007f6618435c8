/** Documents on a branch: listed and read from its commit. */
import { join } from "node:path";
import {
  DOCUMENT_BYTES,
  DOCUMENTS_MAX,
  isDocumentPath,
  isMeantForOne,
  LEFT_OUT_MAX,
  PLANNING,
  TEMPLATES,
  TEMPLATES_MAX,
} from "../planning/document_paths.ts";
import type { DocumentFile } from "../planning/planning_folder.ts";
import { git, gitOk } from "./git.ts";
import { fileBlob } from "./file_commit.ts";
import { GitError } from "./git_error.ts";
import { plainTextSync } from "./presence.ts";
import { checkCommit } from "./repository.ts";

const literal = { GIT_LITERAL_PATHSPECS: "1" };
const LINK_MODE = "120000";

/** Whether the branch is what the folder `repo` has checked out. */
export async function isCheckedOut(
  repo: string,
  branch: string,
  signal: AbortSignal,
): Promise<boolean> {
  const ref = `refs/heads/${branch}`;
  const head = plainTextSync(join(repo, ".git", "HEAD"));
  // A linked worktree, or another way to store refs: git knows.
  if (head === null || !/^(?:ref: refs\/heads\/(?!\.invalid)|[0-9a-f]{40})/.test(head)) {
    const { code, stdout } = await git(repo, ["symbolic-ref", "--quiet", "HEAD"], { signal });
    return code === 0 && stdout.trim() === ref;
  }
  return head === `ref: ${ref}\n`;
}

/**
 * Documents in a commit; links and what is no file are left out. The stamp is the object id of the content. `leftOut`: as
 * `listDocumentFiles` has it.
 */
export async function listDocumentsAt(
  repo: string,
  commit: string,
  signal: AbortSignal,
  leftOut: string[] = [],
): Promise<DocumentFile[]> {
  const args = [
    ...["ls-tree", "-r", "-z", "-l", "--full-tree", checkCommit(commit), "--", `${PLANNING}/`],
  ];
  const text = await gitOk(repo, args, { signal, env: literal, doing: "list the documents" });
  const found: DocumentFile[] = [];
  for (const entry of text.split("\0")) {
    const match = /^(100(?:644|755)|120000) blob ([0-9a-f]+) +(\d+)\tplanning\/([^]+)$/.exec(entry);
    const [, mode, stamp, bytes, path] = match ?? [];
    if (path === undefined || found.length >= DOCUMENTS_MAX) continue;
    if (mode !== LINK_MODE && isDocumentPath(path)) {
      found.push({ path, bytes: Number(bytes), stamp: stamp! });
    } else if (leftOut.length < LEFT_OUT_MAX && isMeantForOne(path)) leftOut.push(path);
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

/** As `fileBlob`, of a document. */
export const documentBlob = (
  repo: string,
  commit: string,
  path: string,
  signal: AbortSignal,
): Promise<string | null> => fileBlob(repo, commit, `${PLANNING}/${path}`, signal);

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
