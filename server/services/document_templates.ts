/** New documents from templates. */
import { documentPath } from "../../agents/planning/document_paths.ts";
import {
  builtInTemplates,
  type DocumentTemplate,
  fillTemplate,
  readTemplate,
} from "../../agents/planning/templates.ts";
import type { App } from "../app.ts";
import { today } from "../calendar.ts";
import { AppError } from "../errors.ts";
import type { Project } from "../records.ts";
import { documentPlace } from "./document_place.ts";

/** A project's own and the built-in ones that it has none in place of, by name. */
export async function templatesOf(
  app: App,
  project: Project,
  signal: AbortSignal,
): Promise<DocumentTemplate[]> {
  const place = await documentPlace(app, project, signal);
  const own = [...await place.templates()].map(([file, text]) => readTemplate(file, text, true));
  const ids = new Set(own.map(({ id }) => id));
  return [...own, ...builtInTemplates().filter(({ id }) => !ids.has(id))]
    .toSorted((a, b) => a.name < b.name ? -1 : 1);
}

export interface NewFromTemplate {
  /** Id of the template; "": an empty document with its title. */
  template: string;
  title: string;
  /** "": made from the template's folder and the title. */
  path: string;
}

/**
 * Path and text of a new document. Throws `invalid` for a template that there is not, for a title that is missing, and
 * for a path that may not be.
 */
export async function documentFromTemplate(
  app: App,
  project: Project,
  { template: id, title: given, path }: NewFromTemplate,
  signal: AbortSignal,
): Promise<{ path: string; text: string }> {
  const template = id === ""
    ? null
    : (await templatesOf(app, project, signal)).find((known) => known.id === id);
  if (template === undefined) {
    throw new AppError("invalid", `Cannot make the document: there is no template "${id}"`, [
      { field: "template", message: "There is no such template" },
    ]);
  }
  const name = path.trim().replace(/\.md$/i, "").split("/").at(-1) ?? "";
  const title = given.replace(/\s+/g, " ").trim() || name;
  if (title === "") {
    throw new AppError("invalid", "Cannot make the document: it needs a title", [
      { field: "title", message: "Write a title, or a path" },
    ]);
  }
  const below = template?.folder ? `${template.folder}/` : "";
  return {
    path: documentPath(path.trim() || `${below}${slugOf(title)}`),
    text: template ? fillTemplate(template, { title, date: today(app) }) : `# ${title}\n`,
  };
}

const SLUG_CHARS = 60;
/** "Saving & loading" → "saving-loading"; never empty. */
export const slugOf = (title: string): string =>
  title.toLowerCase().normalize("NFC").replace(/[^\p{L}\p{M}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "")
    .slice(0, SLUG_CHARS).replace(/-+$/, "") || "untitled";
