/** The lines of one file as a table, with remarks and forms under theirs, and links to more of them. */
import type { VNode } from "preact";
import type { Applicable, Comment, DiffFile, DiffHunk, ReviewFinding } from "../server/records.ts";
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

/** What stands under each line of a file; looked up, since most lines have nothing. */
function belowLines(props: DiffProps & { file: DiffFile }): (place: Place) => VNode | null {
  const { file, commentAt } = props;
  const busy = new Set<string>();
  const add = (line: number | null, side: "old" | "new") =>
    line !== null && busy.add(`${side}${line}`);
  const isHere = (remark: Applicable & { path: string | null }) =>
    remark.path === file.path && isOf(remark, props.commit);
  for (const f of props.findings) if (isHere(f)) add(f.line, "new");
  for (const c of props.comments) if (isHere(c)) add(c.line, c.side);
  for (const e of props.evidence ?? []) if (e.path === file.path) add(e.line, "new");
  if (commentAt?.path === file.path) add(commentAt.line, commentAt.side);
  return (place) => {
    if (!busy.has(`${place.side}${place.line}`)) return null;
    const remarks = remarksOf(props, place);
    const writing = props.commentAction !== null && commentAt?.path === place.path &&
      commentAt.line === place.line && commentAt.side === place.side;
    const some = remarks.findings.length + remarks.comments.length + remarks.evidence.length > 0;
    if (!some && !writing) return null;
    return (
      <>
        <Remarks {...remarks} {...contextOf(props)} />
        {writing && (
          <CommentForm
            place={place}
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

/** The remarks at a line; with null those of the file that no shown line carries. */
export function remarksOf(props: DiffProps & { file: DiffFile }, place: Place | null): RemarksOf {
  const { file, commit } = props;
  const findings = props.findings.filter((finding) => finding.path === file.path);
  const comments = props.comments.filter((comment) => comment.path === file.path);
  const evidence = (props.evidence ?? []).filter(({ path }) => path === file.path);
  if (place) {
    const here = ({ line }: { line: number | null }) => place.side === "new" && line === place.line;
    return {
      findings: findings.filter((f) => here(f) && isOf(f, commit)),
      comments: comments.filter((c) =>
        c.line === place.line && c.side === place.side && isOf(c, commit)
      ),
      evidence: evidence.filter(here),
    };
  }
  const shown = new Set<string>();
  if (findings.length + comments.length > 0) {
    for (const { lines } of file.hunks) {
      for (const line of lines) shown.add(lineId(placeOf(file, line)));
    }
  }
  const elsewhere = (remark: ReviewFinding | Comment, side: "old" | "new") =>
    !isOf(remark, commit) || remark.line === null ||
    !shown.has(lineId({ path: file.path, line: remark.line, side }));
  return {
    findings: findings.filter((f) => elsewhere(f, "new")),
    comments: comments.filter((c) => elsewhere(c, c.side)),
    evidence: [],
  };
}
