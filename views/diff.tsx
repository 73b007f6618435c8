/** A unified diff as a table: one `tbody` per hunk, every line with an address, remarks at their lines. */
import type { VNode } from "preact";
import type { Comment, DiffFile, DiffHunk, DiffLine, ReviewFinding } from "../server/records.ts";
import {
  commentHref,
  fileId,
  lineCount,
  lineId,
  openFileHref,
  type Place,
  planFiles,
} from "./diff_place.ts";
import { CommentForm, Remarks, type RemarksOf } from "./diff_remarks.tsx";
import { type Mark, wordMarks } from "./diff_words.ts";
import { count, plural } from "./format.ts";

export interface DiffProps {
  files: DiffFile[];
  findings: ReviewFinding[];
  comments: Comment[];
  /** Path given by `?file=`: shown however long or generated it is. */
  openFile: string | null;
  /** Line given by `?comment=` (`parsePlace`): its form is open. */
  commentAt: Place | null;
  /** Address of the page the diff is on. */
  page: string;
  /** Where comments are posted; null when it is too late to comment. */
  commentAction: string | null;
  nowMs: number;
}

/** All files, the first 1,500 lines unfolded. */
export function Diff(props: DiffProps): VNode {
  const wanted = new Set([props.openFile, props.commentAt?.path].filter((path) => path != null));
  const plan = planFiles(props.files, wanted);
  return (
    <div class="diff" data-rows="">
      {props.files.map((file) => (
        <FileDiff key={file.path} {...props} file={file} shownLines={plan.get(file.path) ?? 0} />
      ))}
    </div>
  );
}

function FileDiff(props: DiffProps & { file: DiffFile; shownLines: number }): VNode {
  const { file, shownLines, page } = props;
  const id = fileId(file.path);
  const lines = lineCount(file);
  const rest = remarksOf(props, null);
  return (
    <details
      class="diff-file"
      id={id}
      open={shownLines > 0}
      {...{ "hx-boost:inherited": `swap:"outerMorph show:none" select:#${id} target:#${id}` }}
    >
      <summary data-row="">
        <h3 class="mono">{fileTitle(file)}</h3>
        <ChangeCounts additions={file.additions} deletions={file.deletions} />
      </summary>
      {file.binary && <p class="diff-none">A binary file: there are no lines to show.</p>}
      {!file.binary && lines === 0 && <p class="diff-none">{emptyReason(file)}</p>}
      <Remarks {...rest} changeable={props.commentAction !== null} nowMs={props.nowMs} />
      {lines > 0 && shownLines === 0 && (
        <p class="diff-none">
          <a href={openFileHref(page, file.path)}>Show {plural(lines, "line")}</a>
        </p>
      )}
      {shownLines > 0 && <HunkTable {...props} />}
      {shownLines > 0 && shownLines < lines && (
        <p class="diff-none">
          Showing {count(shownLines)} of {count(lines)} lines; the branch has them all.
        </p>
      )}
    </details>
  );
}

function HunkTable(props: DiffProps & { file: DiffFile; shownLines: number }): VNode {
  let left = props.shownLines;
  const hunks: DiffHunk[] = [];
  for (const hunk of props.file.hunks) {
    if (left <= 0) break;
    hunks.push({ ...hunk, lines: hunk.lines.slice(0, left) });
    left -= hunk.lines.length;
  }
  return (
    <table class="diff-lines">
      <caption class="visually-hidden">Changes in {props.file.path}</caption>
      <colgroup>
        <col class="ln" />
        <col class="sign" />
        <col />
      </colgroup>
      <thead class="visually-hidden">
        <tr>
          <th scope="col">Old and new line</th>
          <th scope="col">Change</th>
          <th scope="col">Text</th>
        </tr>
      </thead>
      {hunks.map((hunk) => <Hunk key={hunk.header} {...props} hunk={hunk} />)}
    </table>
  );
}

function Hunk(props: DiffProps & { file: DiffFile; hunk: DiffHunk }): VNode {
  const { hunk, file } = props;
  const marks = wordMarks(hunk.lines);
  return (
    <tbody>
      <tr class="hunk">
        <th colSpan={3} scope="rowgroup">{hunk.header}</th>
      </tr>
      {hunk.lines.map((line, index) => {
        const place = placeOf(file, line);
        const remarks = remarksOf(props, place);
        const writing = samePlace(props.commentAt, place) && props.commentAction !== null;
        return (
          <>
            <Line props={props} line={line} place={place} mark={marks.get(index)} />
            {(remarks.findings.length > 0 || remarks.comments.length > 0) && (
              <tr class="remark-row">
                <td colSpan={3}>
                  <Remarks
                    {...remarks}
                    changeable={props.commentAction !== null}
                    nowMs={props.nowMs}
                  />
                </td>
              </tr>
            )}
            {writing && (
              <tr class="remark-row">
                <td colSpan={3}>
                  <CommentForm place={place} action={props.commentAction!} page={props.page} />
                </td>
              </tr>
            )}
          </>
        );
      })}
    </tbody>
  );
}

interface LineProps {
  props: DiffProps;
  line: DiffLine;
  place: Place;
  mark: Mark | undefined;
}

const signs: Record<DiffLine["kind"], string> = { context: " ", added: "+", removed: "−" };

function Line({ props, line, place, mark }: LineProps): VNode {
  const href = props.commentAction ? commentHref(props.page, place) : `#${lineId(place)}`;
  const removed = line.kind === "removed";
  const what = `${removed ? "removed line" : "line"} ${place.line}`;
  const number = (
    <a href={href} aria-label={props.commentAction ? `Comment on ${what}` : `Address of ${what}`}>
      {place.line}
    </a>
  );
  return (
    <tr class={line.kind} id={lineId(place)}>
      <td class="ln">
        {removed ? number : <span>{line.oldLine}</span>}
        {removed ? <span /> : number}
      </td>
      <td class="sign">{signs[line.kind]}</td>
      <td class="code">
        <LineText line={line} mark={mark} />
      </td>
    </tr>
  );
}

/** Longer lines are cut: minified files would fill the page. */
const LINE_MAX_CHARS = 1_000;

function LineText({ line, mark }: { line: DiffLine; mark: Mark | undefined }): VNode {
  const { text } = line;
  if (text.length > LINE_MAX_CHARS) {
    const left = text.length - LINE_MAX_CHARS;
    return (
      <>
        {text.slice(0, LINE_MAX_CHARS)}
        <i class="muted">… {count(left)} more characters</i>
      </>
    );
  }
  return (
    <>
      {mark && mark.to > mark.from
        ? (
          <>
            {text.slice(0, mark.from)}
            <span class="word">{text.slice(mark.from, mark.to)}</span>
            {text.slice(mark.to)}
          </>
        )
        : text}
      {line.noNewline && <i class="muted">no newline at the end</i>}
    </>
  );
}

/** `+12 −3`, with words for screen readers. */
export function ChangeCounts(props: { additions: number; deletions: number }): VNode {
  return (
    <span class="changes num">
      <span
        class="plus"
        aria-label={plural(props.additions, "line added", "lines added")}
        role="img"
      >
        +{count(props.additions)}
      </span>{" "}
      <span
        class="minus"
        aria-label={plural(props.deletions, "line removed", "lines removed")}
        role="img"
      >
        −{count(props.deletions)}
      </span>
    </span>
  );
}

function fileTitle(file: DiffFile): string {
  const words = { added: "new file", deleted: "deleted", mode: "mode changed" };
  if (file.kind === "renamed" && file.oldPath) return `${file.oldPath} → ${file.path}`;
  return file.kind === "modified" || file.kind === "renamed"
    ? file.path
    : `${file.path} (${words[file.kind]})`;
}

function emptyReason(file: DiffFile): string {
  return file.kind === "mode"
    ? "Only the file's mode changed."
    : file.kind === "renamed"
    ? "Renamed, with the same content."
    : "An empty file.";
}

const placeOf = (file: DiffFile, line: DiffLine): Place =>
  line.kind === "removed"
    ? { path: file.path, line: line.oldLine ?? 0, side: "old" }
    : { path: file.path, line: line.newLine ?? 0, side: "new" };

const samePlace = (a: Place | null, b: Place): boolean =>
  a !== null && a.path === b.path && a.line === b.line && a.side === b.side;

/** The remarks at a line; with null those of the file that no shown line carries. */
function remarksOf(props: DiffProps & { file: DiffFile }, place: Place | null): RemarksOf {
  const { file } = props;
  const findings = props.findings.filter((finding) => finding.path === file.path);
  const comments = props.comments.filter((comment) => comment.path === file.path);
  if (place) {
    return {
      findings: place.side === "new" ? findings.filter((f) => f.line === place.line) : [],
      comments: comments.filter((c) => c.line === place.line && c.side === place.side),
    };
  }
  const shown = new Set<string>();
  for (const { lines } of file.hunks) {
    for (const line of lines) shown.add(lineId(placeOf(file, line)));
  }
  const elsewhere = (line: number | null, side: "old" | "new") =>
    line === null || !shown.has(lineId({ path: file.path, line, side }));
  return {
    findings: findings.filter((f) => elsewhere(f.line, "new")),
    comments: comments.filter((c) => elsewhere(c.line, c.side)),
  };
}
