/** Planning documents that a new project begins with, taken from a project that is there. */
import { TEMPLATES } from "../../agents/planning/document_paths.ts";
import type { PlanningText } from "../../agents/project_templates/fill.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Project } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { documentPlace } from "./document_place.ts";
import { EXPORT_BYTES, exportImages } from "./export_images.ts";
import { withPlainReferences } from "./plain_references.ts";

/** Most documents that a new project begins with, and the most characters of all of them. */
export const BOOTSTRAP_DOCUMENTS_MAX = 200;
export const BOOTSTRAP_CHARS_MAX = 4_000_000;

/** An image that comes along; the path is seen from `planning/`. */
export interface BootstrapImage {
  path: string;
  bytes: Uint8Array;
}

export interface BootstrapDocuments {
  /** By path. What they name of their project's ideas and tickets is in words. */
  documents: PlanningText[];
  /** Those that the documents show. */
  images: BootstrapImage[];
}

/** Whose documents, and which of them. */
export interface BootstrapChoice {
  /** Null: of none. */
  projectId: string | null;
  /** As `bootstrapPaths` has them; null: all. */
  paths: readonly string[] | null;
}

/** What may come along: the paths of a project's documents and of its templates for them. Throws `not_found`, `conflict`. */
export async function bootstrapPaths(
  app: App,
  projectId: string,
  signal: AbortSignal,
): Promise<string[]> {
  const place = await documentPlace(app, getProject(app.db, projectId), signal);
  const documents = (await place.list()).map(({ path }) => path);
  const templates = [...(await place.templates()).keys()].map(templatePath);
  return [...documents, ...templates].sort();
}

const templatePath = (name: string): string => `${TEMPLATES}/${name}`;

/**
 * Documents of a project, its templates for them and the images that they show, as their files are now.
 * What is no text, or no image, is left out. Throws `not_found`, `conflict` where there are too many, one that was
 * chosen is not there, or they have more bytes than an export may have.
 */
export async function documentsOfProject(
  app: App,
  { projectId, paths }: BootstrapChoice,
  signal: AbortSignal,
): Promise<BootstrapDocuments> {
  if (projectId === null) return { documents: [], images: [] };
  const project = getProject(app.db, projectId);
  const place = await documentPlace(app, project, signal);
  const refuse = (why: string) =>
    new AppError("conflict", `Cannot take the documents of "${project.name}": ${why}`, [
      { field: "documents_of", message: `${why[0]!.toUpperCase()}${why.slice(1)}` },
    ]);
  const tooMuch = (what: string) => refuse(`they are more than ${what}`);
  const chosen = paths && new Set(paths);
  const isChosen = (path: string) => chosen === null || chosen.delete(path);
  const files = (await place.list()).filter(({ path }) => isChosen(path));
  const ofTemplates = [...await place.templates()]
    .map(([name, text]) => ({ path: templatePath(name), text }))
    .filter(({ path }) => isChosen(path));
  const [gone] = chosen ?? [];
  if (gone !== undefined) throw refuse(`there is no "${gone.slice(0, 200)}" any more`);
  if (files.length > BOOTSTRAP_DOCUMENTS_MAX) {
    throw tooMuch(`${BOOTSTRAP_DOCUMENTS_MAX}. Choose which come along`);
  }
  const documents = [...await place.readAll(files)]
    .flatMap(([path, { text, problem }]) =>
      problem ? [] : [{ path, text: withPlainReferences(text, project.name) }]
    );
  const templates = ofTemplates
    .map(({ path, text }) => ({ path, text: withPlainReferences(text, project.name) }));
  const all = [...documents, ...templates].sort((a, b) => a.path < b.path ? -1 : 1);
  if (all.reduce((sum, { text }) => sum + text.length, 0) > BOOTSTRAP_CHARS_MAX) {
    throw tooMuch(`${BOOTSTRAP_CHARS_MAX} characters`);
  }
  const images = await imagesOf(app, project, all, signal);
  if (images === null) throw tooMuch(`${EXPORT_BYTES / 1024 / 1024} MB with their images`);
  return { documents: all, images };
}

/** Null: they are too large. */
async function imagesOf(
  app: App,
  project: Project,
  documents: readonly PlanningText[],
  signal: AbortSignal,
): Promise<BootstrapImage[] | null> {
  const shown = documents.map(({ path, text }) => ({ document: { path }, text }));
  try {
    const { all } = await exportImages(app, { project, documents: shown }, signal);
    return [...all].map(([path, { bytes }]) => ({ path, bytes }));
  } catch (error) {
    if (error instanceof AppError && error.code === "conflict") return null;
    throw error;
  }
}
