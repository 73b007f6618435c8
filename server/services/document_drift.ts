/**
 * Which approved documents the code has left behind: the files that one describes were changed on the base branch after
 * it was approved. What has landed there is looked at when something lands, and when documents are opened and the
 * branch has moved: then git is asked once for all of a project's documents, and never while nothing has moved.
 */
import {
  type LandedCommit,
  landedCommits,
  newestDocumentCommits,
} from "../../agents/git/base_changes.ts";
import { tipOf } from "../../agents/git/repository.ts";
import { DOCUMENTS_MAX, PLANNING } from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import { transact } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { approvedStatuses } from "../states.ts";
import {
  addDrift,
  describesAny,
  type DescribingDocument,
  type DriftCommit,
  findSeen,
  listDescribing,
  listDrift,
  listStale,
  putApproval,
  seenUpTo,
} from "../store/document_drift.ts";
import { findDocumentById, getDocument } from "../store/documents.ts";
import { getProject } from "../store/projects.ts";
import { getTicket } from "../store/tickets.ts";
import { describing } from "./document_files.ts";
import { documentSavesOf } from "./document_place.ts";
import { DocumentConflict, type OpenDocument, openDocument } from "./documents.ts";

/** Newest commits that are kept of one document, and files of each. */
export const DRIFT_MAX = 20;
const FILES_SHOWN_MAX = 20;
/** Commits whose files are compared in one go: others get their turn between. */
const BATCH = 25;

/**
 * Looks what has landed on a project's base branch since its approved documents were last looked at. Throws `conflict`
 * when git can't tell.
 */
export async function followDrift(app: App, project: Project, signal: AbortSignal): Promise<void> {
  if (!describesAny(app.db, project.id, null)) return;
  const { path: repo, baseBranch } = project;
  const tip = await tipOf(repo, baseBranch, signal);
  if (tip === null || !describesAny(app.db, project.id, tip)) return;
  await app.turnstile.through(`drift ${project.id}`, async () => {
    await beginLooking(app, project, tip, signal);
    const behind = listDescribing(app.db, project.id, DOCUMENTS_MAX)
      .filter(({ seen }) => seen !== null && seen !== tip);
    if (behind.length === 0) return;
    const from = new Set(behind.map(({ seen }) => seen!));
    const [only = null] = from.size === 1 ? from : [];
    const landed = await landedCommits({ repo, tip, after: only, signal });
    const changes = await changesOf(behind, landed, signal);
    transact(app, (tx) => {
      for (const [documentId, commits] of changes) addDrift(tx, { documentId, commits }, DRIFT_MAX);
      seenUpTo(tx, { documentIds: behind.map(({ id }) => id), commit: tip });
      const stale = [...changes.keys()];
      if (stale.length > 0) {
        tx.emit({ type: "documents_stale", projectId: project.id, data: { documents: stale } });
      }
    });
  });
}

/** As `followDrift`; what git can't tell is logged and given as words: a page, or a merge, goes on without. */
export async function tryToFollowDrift(
  app: App,
  project: Project,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    await followDrift(app, project, signal);
    return null;
  } catch (error) {
    // Whoever looks next looks from where this one began. No fault of a history undoes what has landed.
    if (signal.aborted) throw error;
    const message = messageOf(error);
    app.log.warn("documents could not be compared with the code", { project: project.id, message });
    return `Cannot tell which documents are stale: ${message}`;
  }
}

/**
 * A document is taken to be approved as of the newest commit that changed it; where saves are no commits, as of what
 * the branch has when it is first seen to be approved.
 */
async function beginLooking(
  app: App,
  project: Project,
  tip: string,
  signal: AbortSignal,
): Promise<void> {
  const fresh = listDescribing(app.db, project.id, DOCUMENTS_MAX).filter(({ seen }) => !seen);
  if (fresh.length === 0) return;
  const { newest, before } = documentSavesOf(app, project.id) === "files"
    ? { newest: new Map<string, string>(), before: null }
    : await newestDocumentCommits(project.path, tip, signal);
  transact(app, (tx) => {
    for (const { id, path } of fresh) {
      const commit = newest.get(path) ?? before ?? tip;
      putApproval(tx, { documentId: id, projectId: project.id, commit });
    }
  });
}

/** By document, newest first. A commit that changed the document, too, was made by somebody who had it in view. */
async function changesOf(
  documents: DescribingDocument[],
  landed: LandedCommit[],
  signal: AbortSignal,
): Promise<Map<string, DriftCommit[]>> {
  const positions = new Map(landed.map(({ commit }, i) => [commit, i]));
  const end = new Map(documents.map(({ id, seen }) => [id, positions.get(seen!) ?? landed.length]));
  const own = new Map(documents.map(({ id, path }) => [id, `${PLANNING}/${path}`]));
  const patterns = documents.flatMap(({ id, patterns }) =>
    patterns.map((pattern): [string, string] => [pattern, id])
  );
  const describersOf = describing(patterns);
  const found = new Map<string, DriftCommit[]>();
  for (const [position, { files, ...commit }] of landed.entries()) {
    if (position % BATCH === BATCH - 1) await new Promise((resolve) => setImmediate(resolve));
    signal.throwIfAborted();
    const changed = new Map<string, string[]>();
    for (const file of files) {
      for (const id of describersOf(file)) changed.set(id, [...changed.get(id) ?? [], file]);
    }
    for (const [id, named] of changed) {
      const commits = found.get(id) ?? [];
      if (position >= end.get(id)! || commits.length >= DRIFT_MAX) continue;
      if (files.includes(own.get(id)!)) continue;
      commits.push({ ...commit, files: named.slice(0, FILES_SHOWN_MAX) });
      found.set(id, commits);
    }
  }
  return found;
}

/** As `tryToFollowDrift`, after a ticket's work has landed, or has been taken back: that is not undone by any fault here. */
export async function followDriftAfter(
  app: App,
  ticketId: string,
  signal: AbortSignal,
): Promise<void> {
  const project = getProject(app.db, getTicket(app.db, ticketId).projectId);
  if (!signal.aborted) await tryToFollowDrift(app, project, signal);
}

/** Why a document may not be true any more, for a person and for the agent that is to update it. */
export interface StaleReason {
  reason: string;
  /** Newest first, `DRIFT_MAX` at most. */
  commits: DriftCommit[];
}

/** As of the last look; null: it is not approved, or nothing that it describes has changed since. */
export function staleReasonOf(
  { db }: Pick<App, "db">,
  document: Pick<PlanningDocument, "id" | "path">,
): StaleReason | null {
  const commits = listDrift(db, document.id, DRIFT_MAX);
  if (commits.length === 0) return null;
  // An approval outlives a moment in which its file can't be read; nothing is said of it meanwhile.
  const now = findDocumentById(db, document.id);
  if (now === null || !approvedStatuses.includes(now.status)) return null;
  const files = [...new Set(commits.flatMap((commit) => commit.files))];
  const more = files.length > FILES_SHOWN_MAX ? " and others" : "";
  const count = commits.length === DRIFT_MAX
    ? `${DRIFT_MAX} commits or more`
    : commits.length === 1
    ? "a commit"
    : `${commits.length} commits`;
  return {
    reason:
      `Since ${document.path} was approved, ${count} on the base branch changed files that it ` +
      `describes: ${files.slice(0, FILES_SHOWN_MAX).join(", ")}${more}`,
    commits,
  };
}

/** What a planning agent is asked, so that it proposes how a stale document is to be updated. */
export interface UpdateAsk {
  documentId: string;
  ask: "update";
  /** Why. */
  words: string;
  /** Ids, newest first. */
  commits: string[];
}

/** Throws `not_found`, and `conflict` when the document is not stale. */
export function updateAskOf({ db }: Pick<App, "db">, documentId: string): UpdateAsk {
  const document = getDocument(db, documentId);
  const stale = staleReasonOf({ db }, document);
  if (stale === null) {
    throw new AppError(
      "conflict",
      `Cannot ask for an update of ${document.path}: nothing that it describes has changed since it was approved`,
    );
  }
  const commits = stale.commits.map(({ commit }) => commit);
  return { documentId, ask: "update", words: stale.reason, commits };
}

/** A document that the code has left behind. */
export interface StaleDocument extends StaleReason {
  document: PlanningDocument;
}

/** Those of a project, by path, as of the last look. */
export function staleDocuments(app: Pick<App, "db">, projectId: string): StaleDocument[] {
  const ids = [...listStale(app.db, projectId)];
  return ids.map((id) => getDocument(app.db, id))
    .sort((a, b) => a.path < b.path ? -1 : 1)
    .flatMap((document) => {
      const why = staleReasonOf(app, document);
      return why ? [{ document, ...why }] : [];
    });
}

/**
 * A person says that an approved document is true as the code is now: what changed before does not make it stale any
 * more. `seen`: version of the text that was looked at; `newest`: the newest commit of those that were shown to make it
 * stale, empty where none was. Throws `conflict` when the text is another one now, newer commits have changed what it
 * describes, git can't tell, or it is not approved.
 */
export async function confirmDocument(
  app: App,
  documentId: string,
  { seen, newest }: { seen: string; newest: string },
  signal: AbortSignal,
): Promise<OpenDocument> {
  const opened = await openDocument(app, documentId, signal);
  const { document, text } = opened;
  if (document.version !== seen) throw new DocumentConflict(document.path, text);
  await followDrift(app, getProject(app.db, document.projectId), signal);
  await renewApproval(app, document, newest, signal);
  return opened;
}

/**
 * After a proposed update was accepted, in part at least: the document is true again, unless other commits than those
 * that the update is about have changed the code meanwhile. What stands in the way of that leaves it stale.
 */
export async function confirmUpdate(
  app: App,
  document: PlanningDocument,
  about: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const project = getProject(app.db, document.projectId);
  if (await tryToFollowDrift(app, project, signal) !== null) return;
  const commits = staleReasonOf(app, document)?.commits ?? [];
  if (commits.length === 0 || commits.some(({ commit }) => !about.includes(commit))) return;
  try {
    await renewApproval(app, document, commits[0]!.commit, signal);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    app.log.warn("an updated document stays stale", {
      path: document.path,
      message: error.message,
    });
  }
}

/**
 * Up to the commit that its files were looked at: what has landed since, nobody has seen. Throws `conflict` when a newer
 * commit than `newest` is known, it is not approved, or the base branch is gone.
 */
async function renewApproval(
  app: App,
  { id, projectId, path }: Pick<PlanningDocument, "id" | "projectId" | "path">,
  newest: string,
  signal: AbortSignal,
): Promise<void> {
  const project = getProject(app.db, projectId);
  const tip = await tipOf(project.path, project.baseBranch, signal);
  transact(app, (tx) => {
    const { status } = getDocument(tx.db, id);
    const [last] = listDrift(tx.db, id, 1);
    const why = tip === null
      ? `the branch "${project.baseBranch}" is gone`
      : !approvedStatuses.includes(status)
      ? `it is "${status}"`
      : last && last.commit !== newest
      ? `what it describes was changed again, by "${last.subject}". Look at that first`
      : null;
    if (why !== null) throw new AppError("conflict", `Cannot say that ${path} is true: ${why}`);
    // One that describes nothing is not looked at.
    const commit = findSeen(tx.db, id) ?? tip!;
    putApproval(tx, { documentId: id, projectId, commit });
    tx.emit({ type: "document_confirmed", projectId, data: { path, documentId: id, commit } });
  });
}
