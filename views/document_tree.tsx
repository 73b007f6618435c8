/** The tree of documents beside one of them. A folder that is not on the way to it is filled when it is opened. */
import type { VNode } from "preact";
import { documentHref, documentTreeHref, idPart, planningHref } from "./links.ts";
import { partial } from "./live.tsx";

/** What lies right in one folder. */
export interface TreeLevel {
  /** "" or a path. */
  folder: string;
  /** `count`: documents in it and below. `inside`: null until it is opened. */
  folders: { path: string; count: number; inside: TreeLevel | null }[];
  documents: { id: string; path: string; title: string }[];
  /** There is nothing else in it. */
  isWhole: boolean;
}

export interface DocumentTreeProps {
  projectId: string;
  /** Id of the document that is shown; null: it is none of these. */
  current: string | null;
  level: TreeLevel;
}

export function DocumentTree(props: DocumentTreeProps): VNode {
  return (
    <nav class="panel document-tree" id="document-tree" aria-label="Documents">
      <TreeLevelRows {...props} />
    </nav>
  );
}

/** The rows of one folder: what fills it when it is opened, too. */
export function TreeLevelRows({ projectId, current, level }: DocumentTreeProps): VNode {
  const { folder, folders, documents, isWhole } = level;
  return (
    <ul class="tree-level">
      {folders.map(({ path, count, inside }) => (
        <li key={path}>
          {inside
            ? (
              // Not the id of the folder as it is closed: what is open on one page is not left closed on the next.
              <details open id={`tree-open-${idPart(path)}`}>
                <FolderName path={path} count={count} />
                <TreeLevelRows {...{ projectId, current, level: inside }} />
              </details>
            )
            : <ClosedFolder {...{ projectId, path, count }} />}
        </li>
      ))}
      {documents.map(({ id, path, title }) => (
        <li key={path}>
          <a href={documentHref(id)} aria-current={id === current ? "page" : undefined}>{title}</a>
        </li>
      ))}
      {!isWhole && (
        <li>
          <a class="muted" href={planningHref(projectId, { folder })}>
            {folder ? `All of ${nameOf(folder)}/` : "All documents"}
          </a>
        </li>
      )}
    </ul>
  );
}

/** Without scripts it holds a link to what is in it. */
function ClosedFolder(
  { projectId, path, count }: { projectId: string; path: string; count: number },
): VNode {
  const id = `tree-${idPart(path)}`;
  return (
    <details
      id={id}
      hx-get={documentTreeHref(projectId, path)}
      hx-trigger="toggle once"
      hx-target={`#${id}-inside`}
      hx-swap="innerHTML"
      {...{ "hx-status:4xx": "swap:none" }}
    >
      <FolderName path={path} count={count} />
      <div id={`${id}-inside`} hx-morph-skip="">
        <a href={planningHref(projectId, { folder: path })}>Show {nameOf(path)}/</a>
      </div>
    </details>
  );
}

/** The rows of a folder that may be open; nothing happens where it is not on the page. */
export const treeFolderPartial = (props: DocumentTreeProps): VNode =>
  partial(
    `#tree-${idPart(props.level.folder)}-inside`,
    "innerMorph",
    <TreeLevelRows {...props} />,
  );

const FolderName = ({ path, count }: { path: string; count: number }): VNode => (
  <summary>
    {nameOf(path)}/ <span class="muted num">{count}</span>
  </summary>
);

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
