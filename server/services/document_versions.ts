/** What a document said before: its commits, and where saves are none, the saves themselves. */
import { documentBlob } from "../../agents/git/document_branch.ts";
import {
  type DocumentCommitInfo,
  isOnBranch,
  listDocumentCommits,
  VERSIONS_MAX,
} from "../../agents/git/document_history.ts";
import { tipOf } from "../../agents/git/repository.ts";
import { unifiedDiff } from "../../agents/tools/diff.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument } from "../records.ts";
import { findSaveText, listSaves } from "../store/document_drafts.ts";
import { listMoves } from "../store/document_moves.ts";
import { getDocument } from "../store/documents.ts";
import { getProject } from "../store/projects.ts";
import { documentVersion, withoutCr } from "./document_facts.ts";
import { type FileText, readBlobText } from "./document_place.ts";
import { type OpenDocument, saveDocument } from "./documents.ts";

export interface DocumentVersion {
  /** A commit's id, or a save's. */
  id: string;
  by: string;
  at: string;
  /** A commit's first line; null: a save that is none. */
  subject: string | null;
  /** That the document had then; null: a save, which goes along with the document. */
  path: string | null;
  /** The document was removed by it: there is no text. */
  removed: boolean;
}

/** Newest first, at most `VERSIONS_MAX`. */
export async function listVersions(
  app: App,
  document: PlanningDocument,
  signal: AbortSignal,
): Promise<DocumentVersion[]> {
  const commits: DocumentVersion[] = (await commitsOf(app, document, signal))
    .map(({ commit: id, ...rest }) => ({ id, ...rest }));
  const saves = listSaves(app.db, document)
    .map((save) => ({ ...save, subject: null, path: null, removed: false }));
  return inTime(commits, saves).slice(0, VERSIONS_MAX);
}

async function commitsOf(
  app: App,
  { id, projectId, path }: PlanningDocument,
  signal: AbortSignal,
): Promise<DocumentCommitInfo[]> {
  const { path: repo, baseBranch } = getProject(app.db, projectId);
  const tip = await tipOf(repo, baseBranch, signal);
  if (tip === null) return [];
  return await listDocumentCommits({ repo, tip, path, moves: listMoves(app.db, id), signal });
}

/** Each list keeps its own order: the clocks of those who committed may differ. */
function inTime(commits: DocumentVersion[], saves: DocumentVersion[]): DocumentVersion[] {
  const [left, right] = [[...commits], [...saves]];
  const merged: DocumentVersion[] = [];
  while (left.length > 0 && right.length > 0) {
    merged.push(left[0]!.at > right[0]!.at ? left.shift()! : right.shift()!);
  }
  return [...merged, ...left, ...right];
}

/** Throws `not_found` where the document has no such version, `conflict` where that was no text or too large. */
export async function versionText(
  app: App,
  document: PlanningDocument,
  id: string,
  signal: AbortSignal,
): Promise<string> {
  const none = () => new AppError("not_found", `Cannot find version "${id}" of ${document.path}`);
  const saved = findSaveText(app.db, document, id);
  if (saved !== null) return saved;
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(id)) throw none();
  const listed = (await commitsOf(app, document, signal)).find(({ commit }) => commit === id);
  if (!listed) {
    // One that is older than those that are listed, if any.
    const { path: repo, baseBranch } = getProject(app.db, document.projectId);
    const tip = await tipOf(repo, baseBranch, signal);
    if (tip === null || !await isOnBranch(repo, { commit: id, tip }, signal)) throw none();
  }
  const path = listed?.path ?? document.path;
  const file = await committedText(app, document, { id, path }, signal);
  if (file === null) throw none();
  return requireText(document, file);
}

/** Saved again, the bytes of what is no text would be others. */
function requireText({ path }: PlanningDocument, { text, problem }: FileText): string {
  if (!problem) return text;
  throw new AppError("conflict", `Cannot use that version of ${path}: ${problem}. Git has it`);
}

/** As `versionText`, of a version that was listed. */
export async function shownText(
  app: App,
  document: PlanningDocument,
  version: DocumentVersion,
  signal: AbortSignal,
): Promise<string> {
  const file = await listedFile(app, document, version, signal);
  if (file) return requireText(document, file);
  throw new AppError("not_found", `Cannot find version "${version.id}" of ${document.path}`);
}

/** The text of a version that was listed; null: it is not there any more, was removed by it, or was no text. */
async function listedText(
  app: App,
  document: PlanningDocument,
  version: DocumentVersion,
  signal: AbortSignal,
): Promise<string | null> {
  const file = await listedFile(app, document, version, signal);
  return file && !file.problem ? file.text : null;
}

async function listedFile(
  app: App,
  document: PlanningDocument,
  { id, path, removed }: DocumentVersion,
  signal: AbortSignal,
): Promise<FileText | null> {
  if (removed) return null;
  if (path !== null) return await committedText(app, document, { id, path }, signal);
  const text = findSaveText(app.db, document, id);
  return text === null ? null : { text, stamp: id, problem: "" };
}

async function committedText(
  app: App,
  { projectId }: PlanningDocument,
  { id, path }: { id: string; path: string },
  signal: AbortSignal,
): Promise<FileText | null> {
  const { path: repo } = getProject(app.db, projectId);
  const blob = await documentBlob(repo, id, path, signal);
  return blob === null ? null : await readBlobText(repo, blob, signal);
}

/**
 * Saves what an older version says, as a version of its own. `seen`: version of the text that was looked at. Throws as
 * `saveDocument`.
 */
export async function restoreVersion(
  app: App,
  documentId: string,
  { version, seen }: { version: string; seen: string },
  signal: AbortSignal,
): Promise<OpenDocument> {
  const text = await versionText(app, getDocument(app.db, documentId), version, signal);
  return await saveDocument(app, documentId, { text, seen }, signal);
}

/**
 * From one text of a document to another, unified; "": they are the same, null: too far apart to show. Where all that
 * differs in a line is its end, git may have changed it on the way out: that is no difference.
 */
export async function documentDiff(
  path: string,
  from: string,
  to: string,
): Promise<string | null> {
  const [before, after] = [withoutCr(from), withoutCr(to)];
  return before === after ? "" : await unifiedDiff(path, before, after) ?? null;
}

/** Who made what a file says now, and when. */
export interface LastChange {
  /** Null: nobody knows, since it was neither committed nor saved here. */
  by: string | null;
  /** Else when it was noticed. */
  at: string;
}

/** `present`: what the document's file says now. */
export async function lastChange(
  app: App,
  document: PlanningDocument,
  present: string,
  signal: AbortSignal,
): Promise<LastChange> {
  const newest = (await listVersions(app, document, signal))[0];
  const text = newest && await listedText(app, document, newest, signal);
  return newest && text !== null && text !== undefined && withoutCr(text) === withoutCr(present)
    ? { by: newest.by, at: newest.at }
    : { by: null, at: document.indexedAt };
}

/** Versions that are looked through for the text that somebody opened. */
const LOOKED_THROUGH = 20;

/** The text of which this is the version, as far as one of the newest was it; null: none of them. */
export async function textOfVersion(
  app: App,
  document: PlanningDocument,
  seen: string,
  signal: AbortSignal,
): Promise<string | null> {
  const versions = (await listVersions(app, document, signal)).slice(0, LOOKED_THROUGH);
  for (const version of versions) {
    const text = await listedText(app, document, version, signal);
    if (text === null) continue;
    // As it is, or as git wrote it into the folder.
    const forms = [text, withoutCr(text).replaceAll("\n", "\r\n")];
    const form = forms.find((form) => documentVersion(form) === seen);
    if (form !== undefined) return form;
  }
  return null;
}
