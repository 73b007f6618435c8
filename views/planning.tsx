/** The documents of a project as a tree, searched by their words. */
import type { VNode } from "preact";
import type { PlanningDocument } from "../server/records.ts";
import type { DocumentSaves } from "../server/states.ts";
import { EmptyState, Notice, StatusBadge, Tag } from "./components.tsx";
import { plural } from "./format.ts";
import { Button, buttonClass } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { documentHref, draftsHref, idPart, newDocumentHref, planningHref } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import { SavesForm } from "./planning_saves.tsx";
import { documentStatusWords, documentTypeWords } from "./planning_words.ts";
import type { Shell } from "./shell.ts";

/** A line of the tree. */
export type TreeRow =
  | { kind: "folder"; path: string; count: number; rows: TreeRow[] | null }
  | { kind: "document"; document: PlanningDocument };

export interface PlanningProject {
  id: string;
  name: string;
  baseBranch: string;
  saves: DocumentSaves;
}

export interface PlanningPageProps {
  shell: Shell;
  project: PlanningProject;
  /** "" or a folder's path, which is all that is shown then. */
  folder: string;
  rows: TreeRow[];
  /** Of the whole project. */
  count: number;
  /** The rest of a long folder; null: this is all. */
  moreHref: string | null;
  /** What was searched for; empty: nothing. */
  q: string;
  /** What the search found; null: nothing was searched for. */
  hits: { document: PlanningDocument; excerpt: string }[] | null;
  /** Why the files could not be looked at, so that this is how they were; null: it is how they are. */
  problem: string | null;
  /** The files are still being read: there may be more. */
  reading: boolean;
  /** What this person typed and did not save; `lost`: of these, without a document. */
  drafts: { all: number; lost: number };
  live: Live | null;
}

export function PlanningPage(props: PlanningPageProps): VNode {
  const { shell, project, folder, q, drafts, live } = props;
  return (
    <Layout shell={shell} title={titleOf(project)} current="planning" live={live}>
      <PageHead
        crumb={folder ? { href: planningHref(project.id), label: "Planning" } : undefined}
        title={folder || "Planning"}
        aside={
          <>
            {drafts.all > 0 && (
              <a class={buttonClass("plain")} href={draftsHref(project.id)}>
                Drafts <span class="num">{drafts.all}</span>
              </a>
            )}
            <a
              class={buttonClass("primary")}
              href={newDocumentHref(project.id, { folder })}
              data-key="e"
            >
              New document
            </a>
          </>
        }
      />
      <SearchForm projectId={project.id} q={q} />
      <PlanningList {...props} />
      <SavesForm project={project} />
    </Layout>
  );
}

const titleOf = ({ name }: PlanningProject): string => `Planning, ${name}`;

/** The list after documents were changed, here or outside. */
export function planningPartials(props: PlanningPageProps): VNode {
  const { shell, project } = props;
  return (
    <>
      {framePartials({ shell, current: "planning", title: titleOf(project) })}
      {replace("planning-list", <PlanningList {...props} />)}
    </>
  );
}

/** `#planning-list`: what is there, or was found. */
function PlanningList(props: PlanningPageProps): VNode {
  const { project, q, hits, problem, reading, count, drafts } = props;
  return (
    <div id="planning-list" class="page-part">
      {reading && (
        <Notice tone="running" title="The documents are being read" id="planning-reading">
          <p>
            {plural(count, "document")} so far. The others follow by themselves;{" "}
            <a href={planningHref(project.id)}>refresh</a> where they don't.
          </p>
        </Notice>
      )}
      {problem && <Notice tone="failed" title={problem} id="planning-problem" />}
      {drafts.lost > 0 && (
        <Notice
          tone="waiting"
          title={`${plural(drafts.lost, "draft")} of documents that are gone`}
          id="planning-lost-drafts"
        >
          <p>
            What you typed is kept. <a href={draftsHref(project.id)}>See your drafts</a>
          </p>
        </Notice>
      )}
      {hits ? <Hits q={q} hits={hits} projectId={project.id} /> : <Tree {...props} />}
    </div>
  );
}

function SearchForm({ projectId, q }: { projectId: string; q: string }): VNode {
  return (
    <form class="document-search" action="/planning" role="search" id="document-search">
      <input type="hidden" name="project" value={projectId} />
      <label for="search-documents" class="visually-hidden">Search documents</label>
      <input
        id="search-documents"
        name="q"
        type="search"
        value={q}
        placeholder="Search documents"
        autocomplete="off"
        data-key="/"
      />
      <Button>Search</Button>
    </form>
  );
}

function Hits(
  { q, hits, projectId }: {
    q: string;
    hits: PlanningPageProps["hits"] & object;
    projectId: string;
  },
): VNode {
  if (hits.length === 0) {
    return (
      <EmptyState action={{ href: planningHref(projectId), label: "Show all documents" }}>
        No document has the words “{q}”.
      </EmptyState>
    );
  }
  return (
    <>
      <p class="muted">
        {plural(hits.length, "document")} with “{q}”.{" "}
        <a href={planningHref(projectId)}>Show all documents</a>
      </p>
      <ul class="rows panel" id="documents">
        {hits.map(({ document, excerpt }) => (
          <DocumentRow key={document.id} document={document} note={<Excerpt text={excerpt} />} />
        ))}
      </ul>
    </>
  );
}

/** Found words stand between U+0002 and U+0003. */
function Excerpt({ text }: { text: string }): VNode {
  // deno-lint-ignore no-control-regex -- no document's word has them
  const parts = text.split(/\u0002([^\u0003]*)\u0003/);
  return <>{parts.map((part, i) => i % 2 === 1 ? <mark key={i}>{part}</mark> : part)}</>;
}

function Tree({ project, rows, count, moreHref, folder }: PlanningPageProps): VNode {
  if (rows.length === 0) {
    return (
      <EmptyState action={{ href: newDocumentHref(project.id, { folder }), label: "New document" }}>
        {folder
          ? "There is no document in this folder."
          : "Roadmaps, specs, architecture and notes belong here: markdown files in the project's folder planning/."}
      </EmptyState>
    );
  }
  return (
    <>
      <TreeRows rows={rows} projectId={project.id} />
      <p class="muted">
        {plural(count, "document")} in the project.{" "}
        {moreHref && <a href={moreHref}>Show more of this folder</a>}
      </p>
    </>
  );
}

function TreeRows({ rows, projectId }: { rows: TreeRow[]; projectId: string }): VNode {
  return (
    <ul class="rows panel tree">
      {rows.map((row) =>
        row.kind === "document"
          ? <DocumentRow key={row.document.id} document={row.document} />
          : <FolderRow key={row.path} {...row} projectId={projectId} />
      )}
    </ul>
  );
}

function FolderRow(
  { path, count, rows, projectId }: TreeRow & { kind: "folder"; projectId: string },
): VNode {
  const name = path.split("/").at(-1)!;
  if (rows === null) {
    return (
      <li class="row" id={`folder-${idPart(path)}`} data-row="">
        <div class="row-main">
          <a class="row-title" href={planningHref(projectId, { folder: path })}>{name}/</a>
        </div>
        <span class="row-fact num">{plural(count, "document")}</span>
      </li>
    );
  }
  return (
    <li class="tree-folder" id={`folder-${idPart(path)}`}>
      <details open>
        <summary data-row="">
          {name}/ <span class="muted num">{plural(count, "document")}</span>
        </summary>
        <TreeRows rows={rows} projectId={projectId} />
      </details>
    </li>
  );
}

interface DocumentRowProps {
  document: PlanningDocument;
  /** In place of the path. */
  note?: VNode;
}

/** A document in a list. */
export function DocumentRow({ document, note }: DocumentRowProps): VNode {
  const { id, title, path, type, status, owner, target, problem } = document;
  return (
    <li class="row" id={`document-${id}`} data-row="">
      <StatusBadge shown={documentStatusWords[status]} />
      <div class="row-main">
        <a class="row-title" href={documentHref(id)}>{title}</a>
        <p class="row-note">
          <Tag>{documentTypeWords[type]}</Tag> {note ?? <span class="path">{path}</span>}
        </p>
        {problem && <p class="row-note tone-failed">{problem}</p>}
      </div>
      {owner && <span class="row-fact">{owner}</span>}
      {target && <span class="row-fact">{target}</span>}
    </li>
  );
}

export interface PlanningProjectsProps {
  shell: Shell;
  projects: { id: string; name: string; count: number }[];
}

/** Where there are several projects and none is chosen. */
export function PlanningProjectsPage({ shell, projects }: PlanningProjectsProps): VNode {
  return (
    <Layout shell={shell} title="Planning" current="planning" live={null}>
      <PageHead title="Planning" />
      {projects.length === 0
        ? (
          <EmptyState action={{ href: "/projects", label: "Add a project" }}>
            Documents belong to a project, and there is none yet.
          </EmptyState>
        )
        : (
          <ul class="rows panel" id="planning-projects">
            {projects.map(({ id, name, count }) => (
              <li class="row" key={id} id={`planning-${id}`} data-row="">
                <div class="row-main">
                  <a class="row-title" href={planningHref(id)}>{name}</a>
                </div>
                <span class="row-fact num">{plural(count, "document")}</span>
              </li>
            ))}
          </ul>
        )}
    </Layout>
  );
}
