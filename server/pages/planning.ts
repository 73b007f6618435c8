import { documentPath } from "../../agents/planning/document_paths.ts";
import { renderDocument, type RenderedDocument } from "../../views/document_markdown.ts";
import type { DocumentNeighbour, DocumentPageProps } from "../../views/document.tsx";
import { documentHref, imageHref, planningHref, subjectName } from "../../views/links.ts";
import type { NewDocumentForm, NewDocumentPageProps } from "../../views/document_new.tsx";
import type {
  PlanningPageProps,
  PlanningProject,
  PlanningProjectsProps,
  TreeRow,
} from "../../views/planning.tsx";
import type { App } from "../app.ts";
import { SECOND_MS } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { linkedImage } from "../services/document_images.ts";
import { draftOf } from "../services/document_drafts.ts";
import { templatesOf } from "../services/document_templates.ts";
import { documentSavesOf } from "../services/document_place.ts";
import { splitDocument } from "../services/document_facts.ts";
import { followDocuments } from "../services/document_index.ts";
import { backLinksOf, linkedDocument, linksOf } from "../services/document_links.ts";
import { documentsOf, findDocuments, openDocument } from "../services/documents.ts";
import { pdfBrowser } from "../services/pdf.ts";
import { countDocuments, listDocumentPaths, listDocumentsIn } from "../store/documents.ts";
import { getProject, listProjects } from "../store/projects.ts";
import { withDiagrams } from "./diagrams.ts";
import { referencesOf } from "./references.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** Up to so many documents the whole tree is shown, else one folder of it. */
const WHOLE_TREE_MAX = 200;
/** Documents of one folder that are shown at once. */
const FOLDER_ROWS = 200;
const PATHS_MAX = 10_000;

/** The project whose documents are shown: the one that was chosen, or the only one. */
export function planningProject({ app, projectId }: PageRequest): Project | null {
  if (projectId !== null) return getProject(app.db, projectId);
  const [only, other] = listProjects(app.db);
  return only && !other ? only : null;
}

export function planningProjectsPage(request: PageRequest): PlanningProjectsProps {
  const { db } = request.app;
  const counts = countDocuments(db);
  return {
    shell: shellOf(request),
    projects: listProjects(db).map(({ id, name }) => ({ id, name, count: counts.get(id) ?? 0 })),
  };
}

export interface PlanningQuery {
  folder: string;
  q: string;
  /** Path of the last document of the page before. */
  after: string;
}

export async function planningPage(
  request: PageRequest,
  project: Project,
  { folder, q, after }: PlanningQuery,
  signal: AbortSignal,
): Promise<PlanningPageProps> {
  const { app } = request;
  const problem = await follow(app, project, signal);
  const paths = listDocumentPaths(app.db, project.id, PATHS_MAX);
  const hits = q.trim() === "" ? null : findDocuments(app, project.id, q);
  const whole = paths.length <= WHOLE_TREE_MAX && folder === "";
  const shown = hits
    ? { rows: [], moreHref: null }
    : whole
    ? { rows: treeOf(documentsOf(app, project.id), ""), moreHref: null }
    : folderRows(app, project.id, paths, { folder, after });
  return {
    shell: shellOf({ ...request, projectId: project.id }),
    project: planningProjectOf(app, project),
    folder,
    count: paths.length,
    q,
    hits,
    problem,
    ...shown,
  };
}

/** What can't be looked at is shown as it was; why, is said. */
async function follow(app: App, project: Project, signal: AbortSignal): Promise<string | null> {
  try {
    await followDocuments(app, project, signal);
    return null;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "conflict") throw error;
    return error.message;
  }
}

export const planningProjectOf = (
  app: App,
  { id, name, baseBranch }: Project,
): PlanningProject => ({ id, name, baseBranch, saves: documentSavesOf(app, id) });

/** All documents below a folder, which come in the order of their paths. */
function treeOf(documents: PlanningDocument[], below: string): TreeRow[] {
  const folders = new Map<string, PlanningDocument[]>();
  const here: TreeRow[] = [];
  for (const document of documents) {
    const rest = document.path.slice(below.length);
    const slash = rest.indexOf("/");
    if (slash < 0) here.push({ kind: "document", document });
    else {
      const path = below + rest.slice(0, slash);
      folders.set(path, [...folders.get(path) ?? [], document]);
    }
  }
  const rows = [...folders].map(([path, inside]): TreeRow => ({
    kind: "folder",
    path,
    count: inside.length,
    rows: treeOf(inside, `${path}/`),
  }));
  return [...rows, ...here];
}

function folderRows(
  { db }: App,
  projectId: string,
  paths: string[],
  { folder, after }: Pick<PlanningQuery, "folder" | "after">,
): { rows: TreeRow[]; moreHref: string | null } {
  const below = folder && `${folder}/`;
  const counts = new Map<string, number>();
  for (const path of paths) {
    if (!path.startsWith(below)) continue;
    const slash = path.indexOf("/", below.length);
    if (slash < 0) continue;
    const name = path.slice(0, slash);
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  const found = listDocumentsIn(db, projectId, { folder: below, after }, FOLDER_ROWS + 1);
  const shown = found.slice(0, FOLDER_ROWS);
  const last = found.length > FOLDER_ROWS ? shown.at(-1)!.path : null;
  const folders = after
    ? []
    : [...counts].map(([path, count]): TreeRow => ({ kind: "folder", path, count, rows: null }));
  return {
    rows: [...folders, ...shown.map((document): TreeRow => ({ kind: "document", document }))],
    moreHref: last && planningHref(projectId, { folder, after: last }),
  };
}

// ------------------------------------------------------------------ one document

export async function documentPage(
  request: PageRequest,
  id: string,
  signal: AbortSignal,
): Promise<DocumentPageProps> {
  const { app } = request;
  const { document, text } = await openDocument(app, id, signal);
  const project = getProject(app.db, document.projectId);
  return {
    shell: shellOf({ ...request, projectId: project.id }),
    project: planningProjectOf(app, project),
    document,
    ...await rendered(app, document, text, { tickable: project.status === "active" }),
    draftAt: draftOf(app, document, text)?.updatedAt ?? null,
    hasPdf: pdfBrowser(app) !== null,
    links: neighboursOf(app, document),
    backLinks: backLinksOf(app, document).map(({ id, title }) => ({
      words: title,
      href: documentHref(id),
    })),
  };
}

/** How long a page waits for its diagrams; those that take longer come by themselves. */
const DIAGRAMS_WAIT_MS = 1.5 * SECOND_MS;

/** A document's text as HTML; links lead where the index says. */
export async function rendered(
  app: App,
  document: PlanningDocument,
  text: string,
  { tickable = false, waitMs = DIAGRAMS_WAIT_MS } = {},
): Promise<RenderedDocument> {
  const { body, bodyLine } = splitDocument(text);
  return await withDiagrams(app, waitMs, (diagram) =>
    renderDocument(body, {
      linesBefore: bodyLine,
      tickable,
      diagram,
      links: {
        resolve: referencesOf(app, document.projectId),
        document: (name, how) => {
          const found = linkedDocument(app, document, name, how);
          return found && documentHref(found.id);
        },
        image: (src) => {
          const path = linkedImage(document, src);
          return path && imageHref(document.projectId, path);
        },
      },
    }));
}

function neighboursOf(app: App, document: PlanningDocument): DocumentNeighbour[] {
  const resolve = referencesOf(app, document.projectId);
  return linksOf(app, document).map(({ kind, target }) => {
    if (kind !== "document") {
      const number = Number(target);
      return { words: subjectName({ kind, number }), href: resolve(kind, number) };
    }
    const found = linkedDocument(app, document, target, "name");
    return found
      ? { words: found.title, href: documentHref(found.id) }
      : { words: target, href: null };
  });
}

export async function newDocumentPage(
  request: PageRequest,
  project: Project,
  form: NewDocumentForm,
  signal: AbortSignal,
): Promise<NewDocumentPageProps> {
  const { app } = request;
  return {
    shell: shellOf({ ...request, projectId: project.id }),
    project: planningProjectOf(app, project),
    templates: await templatesOf(app, project, signal),
    form,
  };
}

/** A folder of the address, for the form of a new document: "" where it is none. */
export function folderIn(given: string): string {
  try {
    return given === "" ? "" : documentPath(`${given}/x.md`).slice(0, -"/x.md".length);
  } catch (error) {
    if (error instanceof AppError) return "";
    throw error;
  }
}
