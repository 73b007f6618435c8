/** Documents whose files are gone: which of them can be brought back, and how. */
import { documentBlob } from "../../agents/git/document_branch.ts";
import { listAllDocumentCommits, listDocumentCommits } from "../../agents/git/document_history.ts";
import { tipOf } from "../../agents/git/repository.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Project } from "../records.ts";
import { findSaveText, listSaves } from "../store/document_drafts.ts";
import { listMoves } from "../store/document_moves.ts";
import { getSpot, type GoneDocument, listGoneSince } from "../store/documents_gone.ts";
import { getProject } from "../store/projects.ts";
import { documentVersion, withoutCr } from "./document_facts.ts";
import { readBlobText } from "./document_place.ts";
import { createDocument, type OpenDocument, openDocument } from "./documents.ts";

/** Most that are listed, the newest. */
export const GONE_LISTED = 100;

/** Those of a project that were deleted last and whose text is known: a save or a commit has it. The newest first. */
export async function goneDocuments(
  app: App,
  project: Project,
  signal: AbortSignal,
): Promise<GoneDocument[]> {
  const gone = listGoneSince(app.db, project.id, "", GONE_LISTED);
  const saved = new Set(
    gone.filter((one) => listSaves(app.db, one).length > 0).map(({ path }) => path),
  );
  if (saved.size === gone.length) return gone;
  const tip = await tipOf(project.path, project.baseBranch, signal);
  const commits = tip && await listAllDocumentCommits({ repo: project.path, tip, signal });
  return gone.filter(({ path }) => saved.has(path) || commits && commits.has(path));
}

/**
 * Makes a document that was deleted again, with the text that it had, under its path and id. One that is there already
 * is only opened. Throws `not_found` for an id that no document has or had, `conflict` where neither a save nor a
 * commit has its text or that is none, and as `createDocument`.
 */
export async function bringBack(app: App, id: string, signal: AbortSignal): Promise<OpenDocument> {
  const spot = getSpot(app.db, id);
  if (!spot.gone) return await openDocument(app, id, signal);
  const text = await lastText(app, spot, signal);
  if (text === null) {
    throw new AppError(
      "conflict",
      `Cannot bring ${spot.path} back: it was neither saved here nor committed`,
    );
  }
  const { projectId, path } = spot;
  return await createDocument(app, { projectId, path, text }, signal);
}

/** Newest saves, and newest commits, among which the last text is looked for. */
const LOOKED_THROUGH = 10;

/** What the index saw last, where that is known, else what was saved or committed last. */
async function lastText(
  app: App,
  gone: Pick<GoneDocument, "id" | "projectId" | "path">,
  signal: AbortSignal,
): Promise<string | null> {
  const { id, projectId } = gone;
  const last = listGoneSince(app.db, projectId, "", GONE_LISTED).find((one) => one.id === id)
    ?.version;
  const saved = listSaves(app.db, gone).slice(0, LOOKED_THROUGH).flatMap(({ id, at }): Kept[] => {
    const text = findSaveText(app.db, gone, id);
    return text === null ? [] : [{ text, at, problem: "" }];
  });
  const isLast = (text: string) => documentVersion(text) === last;
  const found = saved.find(({ text }) => isLast(text));
  if (found !== undefined) return found.text;
  const committed = await committedTexts(app, gone, signal);
  // As it is, or as git wrote it into the folder.
  const forms = committed.filter(({ problem }) => !problem).flatMap(({ text }) => [
    text,
    withoutCr(text).replaceAll("\n", "\r\n"),
  ]);
  const known = forms.find(isLast);
  if (known !== undefined) return known;
  const newest = newer(saved[0], committed[0]);
  if (!newest?.problem) return newest?.text ?? null;
  throw new AppError(
    "conflict",
    `Cannot bring ${gone.path} back: ${newest.problem}. Git has it, and can put it back`,
  );
}

/** A text that is known, since then (UTC text). */
interface Kept {
  text: string;
  at: string;
  /** Why there is none; "": there is. */
  problem: string;
}

/** Of two as new as each other, the save: a commit's time is cut to seconds. */
function newer(saved: Kept | undefined, committed: Kept | undefined): Kept | undefined {
  if (!saved || !committed) return saved ?? committed;
  return committed.at > saved.at ? committed : saved;
}

async function committedTexts(
  app: App,
  { id, projectId, path }: Pick<GoneDocument, "id" | "projectId" | "path">,
  signal: AbortSignal,
): Promise<Kept[]> {
  const { path: repo, baseBranch } = getProject(app.db, projectId);
  const tip = await tipOf(repo, baseBranch, signal);
  if (tip === null) return [];
  const moves = listMoves(app.db, id);
  const commits = await listDocumentCommits({ repo, tip, path, moves, signal });
  const kept: Kept[] = [];
  for (const { commit, at, path, removed } of commits.slice(0, LOOKED_THROUGH)) {
    const blob = removed ? null : await documentBlob(repo, commit, path, signal);
    if (blob !== null) kept.push({ ...await readBlobText(repo, blob, signal), at });
  }
  return kept;
}
