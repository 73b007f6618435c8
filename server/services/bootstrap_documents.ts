/** Planning documents that a new project begins with, taken from a project that is there. */
import type { PlanningText } from "../../agents/project_templates/fill.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { getProject } from "../store/projects.ts";
import { documentPlace } from "./document_place.ts";

/** Most documents that a new project begins with, and the most characters of all of them. */
export const BOOTSTRAP_DOCUMENTS_MAX = 200;
export const BOOTSTRAP_CHARS_MAX = 4_000_000;

/**
 * All documents of a project and its templates for them, as their files are now; null: none. Those that are no text are
 * left out. Throws `not_found`, `conflict` where there are too many.
 */
export async function documentsOfProject(
  app: App,
  projectId: string | null,
  signal: AbortSignal,
): Promise<PlanningText[]> {
  if (projectId === null) return [];
  const project = getProject(app.db, projectId);
  const place = await documentPlace(app, project, signal);
  const files = await place.list();
  const refuse = (what: string) =>
    new AppError(
      "conflict",
      `Cannot take the documents of "${project.name}": they are more than ${what}`,
      [{ field: "documents_of", message: `They are more than ${what}` }],
    );
  if (files.length > BOOTSTRAP_DOCUMENTS_MAX) throw refuse(String(BOOTSTRAP_DOCUMENTS_MAX));
  const documents = [...await place.readAll(files)]
    .flatMap(([path, { text, problem }]) => problem ? [] : [{ path, text }]);
  const templates = [...await place.templates()]
    .map(([name, text]) => ({ path: `templates/${name}`, text }));
  const all = [...documents, ...templates].sort((a, b) => a.path < b.path ? -1 : 1);
  if (all.reduce((sum, { text }) => sum + text.length, 0) > BOOTSTRAP_CHARS_MAX) {
    throw refuse(`${BOOTSTRAP_CHARS_MAX} characters`);
  }
  return all;
}
