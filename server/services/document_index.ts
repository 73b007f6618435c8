/**
 * The index of planning documents follows their files, whoever changed them. Whatever a crash leaves between a file
 * and its row, the next look mends.
 */
import type { DocumentFile } from "../../agents/planning/planning_folder.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { approvedStatuses, type DocumentStatus } from "../states.ts";
import { dropApproval, putDocumentFiles } from "../store/document_drift.ts";
import {
  documentStamps,
  dropDocument,
  findDocument,
  putDocument,
  putStamp,
  putWords,
} from "../store/documents.ts";
import { type GoneDocument, pruneGone } from "../store/documents_gone.ts";
import { statusBefore } from "./document_cut_off.ts";
import { documentFacts, documentVersion, keysOf, splitDocument } from "./document_facts.ts";
import { noteLeftOut } from "./document_left_out.ts";
import { findMoves, idFor } from "./document_moves.ts";
import { documentPlace, type FileText } from "./document_place.ts";
import { portionsOf } from "./document_portions.ts";

/**
 * Brings a project's index up to date with its files, whoever changed them: a look at each file, and a read of those
 * that are others now. Throws `conflict` when they can't be reached.
 */
export function followDocuments(app: App, project: Project, signal: AbortSignal): Promise<void> {
  return documentsAlone(app, project, async () => {
    const place = await documentPlace(app, project, signal);
    const known = documentStamps(app.db, project.id);
    if (place.commit !== null && comparedWith.get(known) === place.commit) return;
    const leftOut: string[] = [];
    const files = await place.list(leftOut);
    if (noteLeftOut(app, project.id, leftOut)) tell(app, project.id);
    const changed = files.filter(({ path, stamp }) => known.get(path) !== stamp);
    const appeared = changed.filter(({ path }) => !known.has(path));
    const disappeared = without(known, files, files.length - appeared.length);
    // First, so that those that appeared can be told to be the same ones.
    for await (const gone of portionsOf(disappeared, signal)) {
      dropAll(app, project.id, gone);
    }
    const moves = await findMoves(app, project.id, { place, appeared, signal });
    let others = disappeared.length;
    for await (const portion of portionsOf(changed, signal)) {
      const texts = await place.readAll(portion);
      const read = portion.flatMap((file) => {
        const text = texts.get(file.path);
        return text ? [{ ...file, ...text, from: moves.get(file.path) }] : [];
      });
      transact(app, (tx) => {
        const news = read.filter((file) =>
          !known.has(file.path) || !isAsIndexed(tx, project.id, file)
        );
        index(tx, project.id, news, { isOwn: false });
        others += news.length;
      });
    }
    if (others > 0) tell(app, project.id);
    if (place.commit !== null) comparedWith.set(documentStamps(app.db, project.id), place.commit);
  });
}

/** The commit that an index, as long as it is the same one, was last compared with: then it is as the commit says. */
const comparedWith = new WeakMap<ReadonlyMap<string, string>, string>();

/** Paths of those that no file has. `found`: how many have one. */
function without(
  known: ReadonlyMap<string, string>,
  files: readonly DocumentFile[],
  found: number,
): string[] {
  // Nearly always all have: thousands need not be looked up for that.
  if (found === known.size) return [];
  const there = new Set(files.map(({ path }) => path));
  return [...known.keys()].filter((path) => !there.has(path));
}

function dropAll(app: App, projectId: string, paths: readonly string[]): void {
  transact(app, (tx) => {
    for (const path of paths) {
      const gone = findDocument(tx.db, projectId, path);
      if (gone) dropDocument(tx, gone);
    }
    pruneGone(tx, projectId);
  });
}

/** Pages that show the project's documents look again. */
const tell = ({ hub }: App, projectId: string): void =>
  hub.publish({ kind: "documents", projectId });

type ReadFile = Pick<DocumentFile, "path" | "bytes"> & FileText & {
  /** The document that it was until now, under another path. */
  from?: GoneDocument;
};

/**
 * A file that was only touched, or had just been written when it was read last: its row is right, and only has the
 * file's stamp from now on.
 */
function isAsIndexed(tx: Tx, projectId: string, { path, ...file }: ReadFile): boolean {
  const known = findDocument(tx.db, projectId, path);
  if (known === null || !saysTheSame(known, file)) return false;
  if (known.stamp !== file.stamp) putStamp(tx, known, file.stamp);
  return true;
}

/**
 * An empty text may stand for one that could not be read: then only the stamp tells. Without a stamp the row is from an
 * earlier version of Gaffer, which may have read the same text in another way.
 */
const saysTheSame = (known: PlanningDocument, { text, stamp, problem }: FileText): boolean =>
  known.stamp !== "" && known.version === documentVersion(text) &&
  (known.stamp === stamp || !problem && text !== "");

/** Gives their rows, in order. */
function index(
  tx: Tx,
  projectId: string,
  files: readonly ReadFile[],
  { isOwn }: { isOwn: boolean },
): PlanningDocument[] {
  const documents = files.map(({ path, bytes, text, stamp, problem, from: moved }) => {
    const { links, files, saysStatus, ...facts } = documentFacts(path, text);
    const before = isOwn ? null : findDocument(tx.db, projectId, path);
    const from = before && statusBefore(tx, before, text);
    const document = putDocument(
      tx,
      { ...facts, projectId, path, bytes, stamp, problem: problem || facts.problem },
      {
        id: idFor(tx, { projectId, path }, moved),
        names: keysOf({ path, title: facts.title }),
        links,
      },
    );
    putDocumentFiles(tx, document, files);
    // A file that is being written may be empty, cut off or unreadable for a moment: that takes no approval away.
    if (!problem && saysStatus) tellStatus(tx, document, { from, by: "outside" });
    const saysAnother = !problem && saysStatus && !approvedStatuses.includes(document.status);
    if (saysAnother) dropApproval(tx, document.id);
    return document;
  });
  for (const [i, document] of documents.entries()) {
    putWords(tx, document, splitDocument(files[i]!.text).body);
  }
  return documents;
}

/** Records that a document's status was another one. `by`: who changed it, where that is not who acts. */
export function tellStatus(
  tx: Tx,
  { id: documentId, projectId, path, status: to }: PlanningDocument,
  { from, by }: { from: DocumentStatus | null; by?: "outside" },
): void {
  if (from === null || from === to) return;
  const data = { path, documentId, from, to, ...by && { by } };
  tx.emit({ type: "document_status_changed", projectId, data });
}

/**
 * One document's row from its file as it is now; null: the file is gone, and so is the row. `also`: whoever has just
 * saved it here records that with the row, or by itself where that is as it was.
 */
export async function refreshDocument(
  app: App,
  project: Project,
  path: string,
  signal: AbortSignal,
  also?: (tx: Tx, document: PlanningDocument) => void,
): Promise<{ document: PlanningDocument; file: FileText } | null> {
  const file = await (await documentPlace(app, project, signal)).read(path);
  const known = findDocument(app.db, project.id, path);
  if (file === null) {
    if (known) {
      dropAll(app, project.id, [path]);
      tell(app, project.id);
    }
    return null;
  }
  // What its stamp is by now, the next look at all files says.
  if (known && saysTheSame(known, file)) {
    if (also) transact(app, (tx) => also(tx, known));
    return { document: known, file };
  }
  const document = transact(app, (tx) => {
    const bytes = new TextEncoder().encode(file.text).length;
    const indexed = index(tx, project.id, [{ ...file, path, bytes }], {
      isOwn: also !== undefined,
    })[0]!;
    also?.(tx, indexed);
    return indexed;
  });
  tell(app, project.id);
  return { document, file };
}

/** What reads or writes a project's documents and their index does so by itself. */
export const documentsAlone = <T>(app: App, { id }: Project, work: () => Promise<T>): Promise<T> =>
  app.turnstile.through(`documents ${id}`, work);
