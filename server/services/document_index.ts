/**
 * The index of planning documents follows their files, whoever changed them. Whatever a crash leaves between a file
 * and its row, the next look mends.
 */
import type { DocumentFile } from "../../agents/planning/planning_folder.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { approvedStatuses } from "../states.ts";
import { dropApproval, putDocumentFiles } from "../store/document_drift.ts";
import { documentStamps, dropDocument, findDocument, putDocument } from "../store/documents.ts";
import { type GoneDocument, pruneGone } from "../store/documents_gone.ts";
import { documentFacts, documentVersion, keysOf, splitDocument } from "./document_facts.ts";
import { findMoves, idFor } from "./document_moves.ts";
import { documentPlace, type FileText } from "./document_place.ts";

/** Documents that are read and indexed in one go: others get their turn between. */
const BATCH = 50;

/**
 * Brings a project's index up to date with its files, whoever changed them: a look at each file, and a read of those
 * that are others now. Throws `conflict` when they can't be reached.
 */
export function followDocuments(app: App, project: Project, signal: AbortSignal): Promise<void> {
  return documentsAlone(app, project, async () => {
    const place = await documentPlace(app, project, signal);
    const files = await place.list();
    const known = documentStamps(app.db, project.id);
    const changed = files.filter(({ path, stamp }) => known.get(path)?.stamp !== stamp);
    const appeared = changed.filter(({ path }) => !known.has(path));
    for (const { path } of files) known.delete(path);
    // First, so that those that appeared can be told to be the same ones.
    dropAll(app, project.id, [...known.values()]);
    const moves = await findMoves(app, project.id, { place, appeared, signal });
    for (let from = 0; from < changed.length; from += BATCH) {
      signal.throwIfAborted();
      const batch = changed.slice(from, from + BATCH);
      const texts = await place.readAll(batch);
      transact(app, (tx) => {
        for (const file of batch) {
          const text = texts.get(file.path);
          if (text) index(tx, project.id, file, text, moves.get(file.path));
        }
      });
    }
    if (changed.length > 0 || known.size > 0) tell(app, project.id);
  });
}

function dropAll(app: App, projectId: string, gone: { number: number }[]): void {
  if (gone.length === 0) return;
  transact(app, (tx) => {
    for (const document of gone) dropDocument(tx, document);
    pruneGone(tx, projectId);
  });
}

/** Pages that show the project's documents look again. */
const tell = ({ hub }: App, projectId: string): void =>
  hub.publish({ kind: "documents", projectId });

function index(
  tx: Tx,
  projectId: string,
  { path, bytes }: Pick<DocumentFile, "path" | "bytes">,
  { text, stamp, problem }: FileText,
  from?: GoneDocument,
): PlanningDocument {
  const { links, files, ...facts } = documentFacts(path, text);
  const document = putDocument(
    tx,
    { ...facts, projectId, path, bytes, stamp, problem: problem || facts.problem },
    {
      id: idFor(tx, { projectId, path }, from),
      names: keysOf({ path, title: facts.title }),
      links,
      body: splitDocument(text).body,
    },
  );
  putDocumentFiles(tx, document, files);
  if (!approvedStatuses.includes(document.status)) dropApproval(tx, document.id);
  return document;
}

/** One document's row from its file as it is now; null: the file is gone, and so is the row. */
export async function refreshDocument(
  app: App,
  project: Project,
  path: string,
  signal: AbortSignal,
): Promise<{ document: PlanningDocument; file: FileText } | null> {
  const file = await (await documentPlace(app, project, signal)).read(path);
  const known = findDocument(app.db, project.id, path);
  if (file === null) {
    if (known) {
      dropAll(app, project.id, [known]);
      tell(app, project.id);
    }
    return null;
  }
  const same = known?.stamp === file.stamp && known.version === documentVersion(file.text);
  if (same) return { document: known, file };
  const document = transact(app, (tx) => {
    const bytes = new TextEncoder().encode(file.text).length;
    return index(tx, project.id, { path, bytes }, file);
  });
  tell(app, project.id);
  return { document, file };
}

/** What reads or writes a project's documents and their index does so by itself. */
export const documentsAlone = <T>(app: App, { id }: Project, work: () => Promise<T>): Promise<T> =>
  app.turnstile.through(`documents ${id}`, work);
