/** The lines of one file as a table, with remarks and forms under theirs, and links to more of them. */
import type { VNode } from "preact";
import type { Comment, DiffFile, DiffHunk, ReviewFinding } from "../server/records.ts";
import { type Gap, GAP_STEP, type LineRange } from "./diff_gaps.ts";
import { gapWords, linesHtml, placeOf } from "./diff_lines.tsx";
import { HunkOrigin } from "./diff_origin.tsx";
import { fileId, lineCount, lineId, type Place } from "./diff_place.ts";
import type { DiffProps, FileDiffProps } from "./diff_props.ts";
import { CommentForm, isOf, Remarks, type RemarksOf } from "./diff_remarks.tsx";
import { withQuery } from "./links.ts";

/** As many lines of the file as are shown. */
export function HunkTable(props: FileDiffProps): VNode {
  const { file, split = false } = props;
  let left = props.shownLines;
  const hunks: DiffHunk[] = [];
  for (const hunk of file.hunks) {
    if (left <= 0) break;
    // The very hunk where it is whole: its colours are kept with it.
    hunks.push(hunk.lines.length <= left ? hunk : { ...hunk, lines: hunk.lines.slice(0, left) });
    left -= hunk.lines.length;
  }
  const html = linesHtml(
    {
      file,
      split,
      colours: props.colours ?? null,
      marks: props.marks ?? null,
      commentPage: props.commentAction ? props.page : null,
      commentOld: props.oldCommit !== null,
      below: belowLines(props),
      head: (hunk) => <HunkOrigin {...props} hunk={hunk} />,
      more: (gap, where) => <MoreLines {...{ props, gap, where }} />,
    },
    hunks,
    props.shownLines < lineCount(file) ? [] : props.gaps?.get(file.path) ?? [],
  );
  const side = (name: string) => (
    <>
      <th scope="col">{name} line</th>
      <th scope="col">Change</th>
      <th scope="col">{split ? `${name} text` : "Text"}</th>
    </>
  );
  // The lines come as text, so the whole table does.
  return (
    <div
      class="diff-scroll"
      tabIndex={props.nowrap ? 0 : undefined}
      role={props.nowrap ? "group" : undefined}
      aria-label={props.nowrap ? `Lines of ${file.path}` : undefined}
    >
      <table class="diff-lines">
        <caption class="visually-hidden">Changes in {file.path}</caption>
        <colgroup>
          {(split ? [0, 1] : [0]).map((n) => [
            <col key={`n${n}`} class="ln" />,
            <col key={`s${n}`} class="sign" />,
            <col key={`c${n}`} />,
          ])}
        </colgroup>
        <thead class="visually-hidden">
          <tr>{split ? <>{side("Old")}{side("New")}</> : side("Old and new")}</tr>
        </thead>
        <Lines html={html} />
      </table>
    </div>
  );
}

/** `html` is one or more `tbody`s; the renderer has no element for several, so the first is opened here. */
function Lines({ html }: { html: string }): VNode {
  return (
    <tbody dangerouslySetInnerHTML={{ __html: html.slice("<tbody>".length, -"</tbody>".length) }} />
  );
}

/** What every remark needs to know. */
export const contextOf = ({ nowMs, commentAction, commit }: DiffProps) => ({
  nowMs,
  commentAction,
  commit,
});

/** Where a remark on a line stands in this diff; null: that line is none of what is compared here. */
function standsAt(
  remark: Comment | ReviewFinding,
  { commit, oldCommit }: Pick<DiffProps, "commit" | "oldCommit">,
): { line: number; side: "old" | "new" } | null {
  const { line } = remark;
  if (line === null) return null;
  const side = "side" in remark ? remark.side : "new";
  // A removed line is one of the base, unless what is compared with is an earlier state of the branch.
  if (isOf(remark, commit)) {
    return side === "new" || oldCommit === undefined ? { line, side } : null;
  }
  return oldCommit && side === "new" && remark.commit === oldCommit ? { line, side: "old" } : null;
}

/** What stands under each line of a file; looked up, since most lines have nothing. */
function belowLines(props: FileDiffProps): (place: Place) => VNode | null {
  const { file, commentAt } = props;
  const busy = new Set<string>();
  const add = (line: number | null, side: "old" | "new") =>
    line !== null && busy.add(`${side}${line}`);
  for (const remark of [...props.findings, ...props.comments]) {
    const at = remark.path === file.path ? standsAt(remark, props) : null;
    if (at) add(at.line, at.side);
  }
  for (const e of props.evidence ?? []) if (e.path === file.path) add(e.line, "new");
  if (commentAt?.path === file.path) add(commentAt.line, commentAt.side);
  return (place) => {
    if (!busy.has(`${place.side}${place.line}`)) return null;
    const remarks = remarksOf(props, place);
    const writing = props.commentAction !== null && commentAt?.path === place.path &&
      commentAt.line === place.line && commentAt.side === place.side &&
      (place.side === "new" || props.oldCommit !== null);
    const some = remarks.findings.length + remarks.comments.length + remarks.evidence.length > 0;
    if (!some && !writing) return null;
    return (
      <>
        <Remarks {...remarks} {...contextOf(props)} />
        {writing && (
          <CommentForm
            place={place}
            of={place.side === "old" && props.oldCommit
              ? { side: "new", commit: props.oldCommit }
              : { side: place.side, commit: props.commit }}
            action={props.commentAction!}
            page={props.page}
            text={props.commentText ?? ""}
          />
        )}
      </>
    );
  };
}

/** Links that show more lines; without scripts they load the page with them. */
function MoreLines(
  { props, gap, where }: {
    props: DiffProps & { file: DiffFile };
    gap: Gap;
    where: "before" | "between" | "after";
  },
): VNode {
  const { file, page, expanded } = props;
  const old = expanded?.get(file.path) ?? [];
  const href = (range: LineRange) =>
    [...old, range].reduce(
      (url, { from, to }) => withQuery(url, { expand: `${file.path}:${from}-${to}` }),
      page,
    ) + `#${fileId(file.path)}`;
  const all = gap.size !== null && gap.size <= 2 * GAP_STEP;
  const end = { from: Math.max(gap.from, gap.to - GAP_STEP + 1), to: gap.to };
  const start = { from: gap.from, to: Math.min(gap.to, gap.from + GAP_STEP - 1) };
  const links = all
    ? [{ range: gap, at: where }]
    : where === "before"
    ? [{ range: end, at: where }]
    : where === "after"
    ? [{ range: start, at: where }]
    : [{ range: start, at: "after" as const }, { range: end, at: "before" as const }];
  return (
    <span class="more-lines">
      {links.map(({ range, at }) => (
        <a key={at} href={href(range)}>{gapWords(gap, range.to - range.from + 1, at)}</a>
      ))}
    </span>
  );
}

/** The remarks at a line; with null those of the file that none of its shown lines carries. */
export function remarksOf(props: FileDiffProps, place: Place | null): RemarksOf {
  const { file } = props;
  const findings = props.findings.filter((finding) => finding.path === file.path);
  const comments = props.comments.filter((comment) => comment.path === file.path);
  if (place) {
    const here = (remark: ReviewFinding | Comment) => {
      const at = standsAt(remark, props);
      return at?.line === place.line && at.side === place.side;
    };
    return {
      findings: findings.filter(here),
      comments: comments.filter(here),
      evidence: (props.evidence ?? []).filter(({ path, line }) =>
        path === file.path && place.side === "new" && line === place.line
      ),
    };
  }
  const shown = findings.length + comments.length > 0 ? shownLineIds(props) : new Set();
  const elsewhere = (remark: ReviewFinding | Comment) => {
    const at = standsAt(remark, props);
    return at === null || !shown.has(lineId({ path: file.path, ...at }));
  };
  return {
    findings: findings.filter(elsewhere),
    comments: comments.filter(elsewhere),
    evidence: [],
  };
}

/** Ids of the lines that the page has of a file: none where it is folded. */
export function shownLineIds({ file, shownLines }: Pick<FileDiffProps, "file" | "shownLines">) {
  const lines = file.hunks.flatMap(({ lines }) => lines).slice(0, shownLines);
  return new Set(lines.map((line) => lineId(placeOf(file, line))));
}
