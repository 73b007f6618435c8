import {
  DOCUMENT_DEPTH,
  documentPath,
  LEFT_OUT_MAX,
} from "../../agents/planning/document_paths.ts";
import type { DocumentNeighbour, DocumentPageProps } from "../../views/document.tsx";
import { documentHref, planningHref, subjectName, withQuery } from "../../views/links.ts";
import type { NewDocumentForm, NewDocumentPageProps } from "../../views/document_new.tsx";
import type {
  PlanningPageProps,
  PlanningProject,
  PlanningProjectsProps,
  TreeRow,
} from "../../views/planning.tsx";
import type { App } from "../app.ts";
import { AppError, messageOf } from "../errors.ts";
import type { PlanningDocument, Project } from "../records.ts";
import { draftOf } from "../services/document_drafts.ts";
import { templatesOf } from "../services/document_templates.ts";
import { documentSavesOf } from "../services/document_place.ts";
import { followDocuments } from "../services/document_index.ts";
import { leftOutOf } from "../services/document_left_out.ts";
import { mendLineIdeas, mendProjectIdeas } from "../services/document_line.ts";
import { tryToFollowDrift } from "../services/document_drift.ts";
import { listStale } from "../store/document_drift.ts";
import { backLinksOf, linkedDocument, linksOf } from "../services/document_links.ts";
import { documentsOf, findDocuments, openDocument } from "../services/documents.ts";
import { pdfBrowser } from "../services/pdf.ts";
import { countDrafts } from "../store/document_drafts.ts";
import { listDocumentIdeas } from "../store/document_ideas.ts";
import {
  countDocuments,
  documentsState,
  documentStamps,
  listDocumentsIn,
} from "../store/documents.ts";
import { newestIndexing } from "../store/document_tree.ts";
import { listGoneSince } from "../store/documents_gone.ts";
import { lastSeq } from "../store/events.ts";
import { getProject, listProjects } from "../store/projects.ts";
import { type Cancel, systemTimers } from "../timers.ts";
import { driftOf } from "./document_drift.ts";
import { documentTree } from "./document_tree.ts";
import { shownDocument } from "./rendered.ts";
import { referencesOf } from "./references.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** Up to so many documents the whole tree is shown, else one folder of it. */
const WHOLE_TREE_MAX = 200;
/** Documents of one folder that are shown at once. */
const FOLDER_ROWS = 200;
/** Ideas of a document that its page names. */
export const IDEAS_MAX = 200;

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
    projects: listProjects(db).map(({ id, name }) => ({
      ...{ id, name },
      count: counts.get(id) ?? 0,
      stale: listStale(db, id).size,
    })),
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
  const looked = await follow(app, project, signal);
  const notCompared = looked.problem === null && !looked.reading
    ? await tryToFollowDrift(app, project, signal)
    : null;
  await mendProjectIdeas(app, project.id);
  const paths = [...documentStamps(app.db, project.id).keys()];
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
    ...looked,
    problem: looked.problem ?? notCompared,
    drafts: countDrafts(app.db, project.id, app.actor),
    hasGone: listGoneSince(app.db, project.id, "", 1).length > 0,
    leftOut: leftOutShown(app, project),
    live: {
      path: withQuery("/live/planning", {
        project: project.id,
        ...{ folder, q, from: after },
        state: documentsState(app.db, project.id),
      }),
      after: lastSeq(app.db),
    },
    stale: listStale(app.db, project.id),
    ...shown,
  };
}

function leftOutShown(app: App, { id }: Project): PlanningPageProps["leftOut"] {
  const paths = leftOutOf(app, id);
  return { paths, hasMore: paths.length === LEFT_OUT_MAX, depth: DOCUMENT_DEPTH - 1 };
}

/** A page waits so long for the files; then it shows what is indexed by then, and its stream sends the rest. */
const LOOK_WAIT_MS = 800;

export interface Looked {
  /** Why the files could not be looked at, so that they are shown as they were; null: they could. */
  problem: string | null;
  /** The look goes on, and there may be more. */
  reading: boolean;
}

/** Has the files of a project looked at, as far as that is quick. */
export async function follow(app: App, project: Project, signal: AbortSignal): Promise<Looked> {
  const look = followDocuments(app, project, signal).then(
    (): Looked => ({ problem: null, reading: false }),
    (error): Looked => {
      if (!(error instanceof AppError) || error.code !== "conflict") throw error;
      return { problem: error.message, reading: false };
    },
  );
  let cancel: Cancel = () => {};
  const late = new Promise<Looked>((resolve) => {
    const reading = { problem: null, reading: true };
    cancel = systemTimers.after(LOOK_WAIT_MS, () => resolve(reading), { keepAlive: true });
  });
  try {
    const looked = await Promise.race([look, late]);
    if (looked.reading) {
      look.catch((error) => {
        app.log.warn("documents could not be read", {
          project: project.slug,
          error: messageOf(error),
        });
      });
    }
    return looked;
  } finally {
    cancel();
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
  const after = lastSeq(app.db);
  const opened = await openDocument(app, id, signal);
  await mendLineIdeas(app, opened);
  const { document, text } = opened;
  const project = getProject(app.db, document.projectId);
  const { documentAsks } = await import("./asks.ts");
  const shown = await shownDocument(app, opened);
  return {
    shell: shellOf({ ...request, projectId: project.id }),
    live: {
      path: withQuery(`/live/document/${id}`, {
        version: document.version,
        // What the tree is of; what changes later is told.
        since: newestIndexing(app.db, project.id),
      }),
      after,
    },
    project: planningProjectOf(app, project),
    document,
    tree: documentTree(app, document),
    ...shown,
    asks: documentAsks(app, project, document, shown.headings.map(({ text }) => text)),
    ideas: listDocumentIdeas(app.db, document.id, IDEAS_MAX),
    drift: driftOf(app, document, await tryToFollowDrift(app, project, signal)),
    draftAt: draftOf(app, document, text)?.updatedAt ?? null,
    hasPdf: pdfBrowser(app) !== null,
    links: neighboursOf(app, document),
    backLinks: backLinksOf(app, document).map(({ id, title }) => ({
      words: title,
      href: documentHref(id),
    })),
  };
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
