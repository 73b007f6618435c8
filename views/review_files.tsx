/** The list of a review's files: what each changes, what was said about it, and whether it was viewed. */
import type { VNode } from "preact";
import type { Comment, DiffFile, ReviewFinding } from "../server/records.ts";
import { Hidden, Panel } from "./components.tsx";
import { ChangeCounts } from "./diff.tsx";
import { fileId } from "./diff_place.ts";
import { Button } from "./forms.tsx";
import { count, plural } from "./format.ts";
import type { ReviewView } from "./review_tools.tsx";

/** What the list is made of. */
export interface FileListProps {
  files: DiffFile[];
  comments: Comment[];
  findings: ReviewFinding[];
  /** Paths; null: nobody ticks here. */
  viewed: ReadonlySet<string> | null;
  /** The review without any query. */
  page: string;
  view?: ReviewView | null;
}

/** `#review-files`. */
export function FileList(props: FileListProps): VNode {
  const { files, comments, findings, viewed, view } = props;
  const sum = (count: (file: DiffFile) => number) =>
    files.reduce((total, file) => total + count(file), 0);
  const notes = new Map<string, number>();
  for (const { path } of [...comments, ...findings]) {
    if (path !== null) notes.set(path, (notes.get(path) ?? 0) + 1);
  }
  const seen = files.filter((file) => viewed?.has(file.path)).length;
  const shown = files.slice(0, LIST_MAX);
  return (
    <Panel
      id="review-files"
      title={view?.only
        ? `${count(files.length)} of ${plural(view.total, "file")}`
        : plural(files.length, "file")}
      aside={
        <span class="file-sums">
          {viewed && <span class="muted small" id="review-viewed">{count(seen)} viewed</span>}{" "}
          <ChangeCounts
            additions={sum((f) => f.additions)}
            deletions={sum((f) => f.deletions)}
          />
        </span>
      }
    >
      {view && (view.total > FILTER_MIN || view.only) && <Filter page={props.page} view={view} />}
      <ul class="file-list">
        {shown.map((file) => {
          const remarks = notes.get(file.path) ?? 0;
          return (
            <li key={file.path}>
              {viewed?.has(file.path) && <span class="seen" aria-hidden="true">✓</span>}
              <a class="path mono" href={`#${fileId(file.path)}`}>
                {file.path}
                {viewed?.has(file.path) && <Hidden>, viewed</Hidden>}
              </a>
              {remarks > 0 && <span class="muted small">{plural(remarks, "note")}</span>}
              <ChangeCounts additions={file.additions} deletions={file.deletions} />
            </li>
          );
        })}
      </ul>
      {files.length > shown.length && (
        <p class="muted small">{plural(files.length - shown.length, "more file")} below</p>
      )}
    </Panel>
  );
}

/** With fewer files there is nothing to search for. */
const FILTER_MIN = 10;

function Filter({ page, view: { range, only } }: { page: string; view: ReviewView }): VNode {
  return (
    <form action={page} class="filter-form" role="search" aria-label="Search the files">
      {range !== "all" && <input type="hidden" name="range" value={range} />}
      <label class="visually-hidden" for="file-search">Part of a path</label>
      <input
        id="file-search"
        type="search"
        name="only"
        value={only}
        placeholder="Part of a path"
        autocomplete="off"
        data-key="/"
      />
      <Button>Show</Button>
    </form>
  );
}

/** Files that the list names; all of them stand in the diff. */
const LIST_MAX = 300;
