/** Many documents of a project at once, with their texts as their files are now. */
import { Buffer } from "node:buffer";
import { DOCUMENT_BYTES } from "../../agents/planning/document_paths.ts";
import type { App } from "../app.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { followDocuments } from "./document_index.ts";
import { documentPlace, type FileText } from "./document_place.ts";
import { portionsOf } from "./document_portions.ts";
import { documentsOf, type OpenDocument } from "./documents.ts";

export interface DocumentTexts {
  documents: OpenDocument[];
  /** Those whose file is no text, too large, or gone meanwhile: each with why. */
  leftOut: { path: string; problem: string }[];
}

export interface DocumentsWanted {
  /** Chooses by what the index says; absent: all. */
  wanted?: (document: PlanningDocument) => boolean;
  /** Told the bytes of all texts, first as the index has them, then as they are read; throws where they are too many. */
  room?: (bytes: number) => void;
  signal: AbortSignal;
}

/** By path, read in portions. Throws `conflict` when the files can't be reached, and the signal's reason. */
export async function readDocuments(
  app: App,
  project: Project,
  { wanted = () => true, room = () => {}, signal }: DocumentsWanted,
): Promise<DocumentTexts> {
  await followDocuments(app, project, signal);
  const chosen = documentsOf(app, project.id).filter(wanted);
  if (chosen.length === 0) return { documents: [], leftOut: [] };
  // What is larger is left out.
  const small = chosen.filter(({ bytes }) => bytes <= DOCUMENT_BYTES);
  room(small.reduce((sum, { bytes }) => sum + bytes, 0));
  const place = await documentPlace(app, project, signal);
  const paths = new Set(chosen.map(({ path }) => path));
  const files = (await place.list()).filter(({ path }) => paths.has(path));
  const texts = new Map<string, FileText>();
  let read = 0;
  for await (const portion of portionsOf(files, signal)) {
    for (const [path, file] of await place.readAll(portion)) {
      texts.set(path, file);
      read += Buffer.byteLength(file.text);
    }
    room(read);
  }
  const found: DocumentTexts = { documents: [], leftOut: [] };
  for (const document of chosen) {
    const { path } = document;
    const { text, problem } = texts.get(path) ?? { text: "", problem: "Its file is gone" };
    if (problem) found.leftOut.push({ path, problem });
    else found.documents.push({ document, text });
  }
  return found;
}
