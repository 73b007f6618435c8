/** The documents of a project as a tree, searched by their words. */
import type { VNode } from "preact";
import type { PlanningDocument } from "../server/records.ts";
import type { DocumentSaves } from "../server/states.ts";
import { EmptyState, Notice, StatusBadge, Tag } from "./components.tsx";
import { staleWords } from "./document_drift.tsx";
import { plural } from "./format.ts";
import { Button, buttonClass } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import {
  documentHref,
  draftsHref,
  idPart,
  newDocumentHref,
  newProjectHref,
  planningExportHref,
  planningHref,
} from "./links.ts";
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
  /** Ids of those that the code has left behind. */
  stale: ReadonlySet<string>;
  /** Why the files could not be looked at, so that this is how they were; null: it is how they are. */
  problem: string | null;
  /** The files are still being read: there may be more. */
  reading: boolean;
  /** What this person typed and did not save; `lost`: of these, without a document. */
  drafts: { all: number; lost: number };
  /** Documents were deleted, which may be brought back. */
  hasGone: boolean;
  /** Paths of what may be meant for documents and can be none, and in how many folders one lies at most. */
  leftOut: { paths: readonly string[]; hasMore: boolean; depth: number };
  live: Live | null;
}

export function PlanningPage(props: PlanningPageProps): VNode {
  const { shell, project, folder, q, drafts, hasGone, live } = props;
  return (
    <Layout shell={shell} title={titleOf(project)} current="planning" live={live}>
      <PageHead
        crumb={folder ? { href: planningHref(project.id), label: "Planning" } : undefined}
        title={folder || "Planning"}
        aside={
          <>
            {(drafts.all > 0 || hasGone) && (
              <a class={buttonClass("plain")} href={draftsHref(project.id)}>
                {drafts.all > 0
                  ? (
                    <>
                      Drafts <span class="num">{drafts.all}</span>
                    </>
                  )
                  : "Deleted"}
              </a>
            )}
            <a class={buttonClass("plain")} href={planningExportHref(project.id)}>Export</a>
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
  const { project, q, hits, problem, reading, count, drafts, stale } = props;
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
      {stale.size > 0 && (
        <p class="muted">
          <StatusBadge shown={staleWords} /> {plural(stale.size, "approved document")}{" "}
          {stale.size === 1 ? "describes" : "describe"} files that have changed since.
        </p>
      )}
      {hits ? <Hits q={q} hits={hits} projectId={project.id} stale={stale} /> : <Tree {...props} />}
      <LeftOut {...props.leftOut} />
    </div>
  );
}

function LeftOut({ paths, hasMore, depth }: PlanningPageProps["leftOut"]): VNode | null {
  if (paths.length === 0) return null;
  const some = hasMore
    ? "Some files are"
    : paths.length === 1
    ? "1 file is"
    : `${paths.length} files are`;
  return (
    <details id="planning-left-out">
      <summary class="muted">{some} no document{paths.length > 1 && "s"}</summary>
      <ul>
        {paths.map((path) => (
          <li key={path}>
            <code>planning/{path}</code>
          </li>
        ))}
      </ul>
      <p class="muted">
        A document is a plain markdown file, not a link, at most {depth}{" "}
        folders deep. Its name, and those of its folders, begin with a letter, a digit or _ and have
        only letters, digits, spaces and _ - . , + ( ) &amp; ' ! @.
      </p>
    </details>
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
  { q, hits, projectId, stale }: {
    stale: ReadonlySet<string>;
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
          <DocumentRow
            key={document.id}
            document={document}
            isStale={stale.has(document.id)}
            note={<Excerpt text={excerpt} />}
          />
        ))}
      </ul>
    </>
  );
}

/** Found words stand between U+0002 and U+0003. */
function Excerpt({ text }: { text: string }): VNode {
  // deno-lint-ignore no-control-regex -- no document's word has them
  const parts = text.split(/\u0002([^\u0003]*)\u0003/);
  // One part of its row: between parts is a gap.
  return <span>{parts.map((part, i) => i % 2 === 1 ? <mark key={i}>{part}</mark> : part)}</span>;
}

function Tree({ project, rows, count, moreHref, folder, stale }: PlanningPageProps): VNode {
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
      <TreeRows rows={rows} projectId={project.id} stale={stale} />
      <p class="muted">
        {plural(count, "document")} in the project.{" "}
        {moreHref && <a href={moreHref}>Show more of this folder</a>}
        {!folder && (
          <a href={newProjectHref({ documents_of: project.id })}>
            New project from these documents
          </a>
        )}
      </p>
    </>
  );
}

interface TreeRowsProps {
  rows: TreeRow[];
  projectId: string;
  stale: ReadonlySet<string>;
}

function TreeRows({ rows, projectId, stale }: TreeRowsProps): VNode {
  return (
    <ul class="rows panel tree">
      {rows.map((row) =>
        row.kind === "document"
          ? (
            <DocumentRow
              key={row.document.id}
              document={row.document}
              isStale={stale.has(row.document.id)}
            />
          )
          : <FolderRow key={row.path} {...row} projectId={projectId} stale={stale} />
      )}
    </ul>
  );
}

function FolderRow(
  { path, count, rows, projectId, stale }:
    & (TreeRow & { kind: "folder" })
    & Omit<TreeRowsProps, "rows">,
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
        <TreeRows rows={rows} projectId={projectId} stale={stale} />
      </details>
    </li>
  );
}

interface DocumentRowProps {
  document: PlanningDocument;
  /** The code has left it behind. */
  isStale?: boolean;
  /** In place of the path. */
  note?: VNode;
}

/** A document in a list. */
export function DocumentRow({ document, isStale = false, note }: DocumentRowProps): VNode {
  const { id, title, path, type, status, owner, target, problem } = document;
  return (
    <li class="row" id={`document-${id}`} data-row="">
      <StatusBadge shown={documentStatusWords[status]} />
      <div class="row-main">
        <a class="row-title" href={documentHref(id)}>{title}</a>
        <p class="row-note">
          {isStale && <StatusBadge shown={staleWords} />} <Tag>{documentTypeWords[type]}</Tag>{" "}
          {note ?? <span class="path">{path}</span>}
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
  /** `stale`: documents that the code has left behind, as of the last look. */
  projects: { id: string; name: string; count: number; stale: number }[];
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
            {projects.map(({ id, name, count, stale }) => (
              <li class="row" key={id} id={`planning-${id}`} data-row="">
                <div class="row-main">
                  <a class="row-title" href={planningHref(id)}>{name}</a>
                </div>
                <span class="row-fact num">
                  {plural(count, "document")}
                  {stale > 0 && `, ${stale} stale`}
                </span>
              </li>
            ))}
          </ul>
        )}
    </Layout>
  );
}
