/** Many documents of a project at once, with their texts as their files are now. */
import type { App } from "../app.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { followDocuments } from "./document_index.ts";
import { documentPlace } from "./document_place.ts";
import { documentsOf, type OpenDocument } from "./documents.ts";

export interface DocumentTexts {
  documents: OpenDocument[];
  /** Those whose file is no text, too large, or gone meanwhile: each with why. */
  leftOut: { path: string; problem: string }[];
}

/** By path. `wanted` chooses by what the index says. Throws `conflict` when the files can't be reached. */
export async function readDocuments(
  app: App,
  project: Project,
  wanted: (document: PlanningDocument) => boolean,
  signal: AbortSignal,
): Promise<DocumentTexts> {
  await followDocuments(app, project, signal);
  const chosen = documentsOf(app, project.id).filter(wanted);
  if (chosen.length === 0) return { documents: [], leftOut: [] };
  const place = await documentPlace(app, project, signal);
  const paths = new Set(chosen.map(({ path }) => path));
  const texts = await place.readAll((await place.list()).filter(({ path }) => paths.has(path)));
  const found: DocumentTexts = { documents: [], leftOut: [] };
  for (const document of chosen) {
    const { path } = document;
    const { text, problem } = texts.get(path) ?? { text: "", problem: "Its file is gone" };
    if (problem) found.leftOut.push({ path, problem });
    else found.documents.push({ document, text });
  }
  return found;
}
