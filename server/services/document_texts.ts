/** Many documents of a project at once, with their texts as their files are now. */
import type { App } from "../app.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { followDocuments } from "./document_index.ts";
import { documentPlace } from "./document_place.ts";
import { documentsOf, type OpenDocument } from "./documents.ts";

/**
 * By path; those whose file is no text are left out. `wanted` chooses by what the index says. Throws `conflict` when
 * the files can't be reached.
 */
export async function readDocuments(
  app: App,
  project: Project,
  wanted: (document: PlanningDocument) => boolean,
  signal: AbortSignal,
): Promise<OpenDocument[]> {
  await followDocuments(app, project, signal);
  const chosen = documentsOf(app, project.id).filter(wanted);
  if (chosen.length === 0) return [];
  const place = await documentPlace(app, project, signal);
  const paths = new Set(chosen.map(({ path }) => path));
  const texts = await place.readAll((await place.list()).filter(({ path }) => paths.has(path)));
  return chosen.flatMap((document) => {
    const file = texts.get(document.path);
    return file && !file.problem ? [{ document, text: file.text }] : [];
  });
}
