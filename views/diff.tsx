/** A diff, file by file: what each is, whether it was viewed, its lines. */
import type { VNode } from "preact";
import type { DiffFile } from "../server/records.ts";
import { OriginLine } from "./diff_origin.tsx";
import { fileId, foldReason, lineCount, openFileHref, planFiles } from "./diff_place.ts";
import { type DiffProps, type FileDiffProps, wantedOf } from "./diff_props.ts";
import { Remarks } from "./diff_remarks.tsx";
import { contextOf, HunkTable, remarksOf } from "./diff_table.tsx";
import { count, plural } from "./format.ts";

/** All files, the first 1,500 lines unfolded. */
export function Diff(props: DiffProps): VNode {
  const plan = planFiles(props.files, wantedOf(props));
  return (
    <div class={`diff${props.split ? " is-split" : ""}${props.nowrap ? " is-nowrap" : ""}`}>
      {props.files.map((file) => (
        <FileDiff key={file.path} {...props} file={file} shownLines={plan.get(file.path) ?? 0} />
      ))}
    </div>
  );
}

/** One file: what a link or form within it changes is this part alone. */
export function FileDiff(props: FileDiffProps): VNode {
  const { file, shownLines, page, ticks } = props;
  const id = fileId(file.path);
  const lines = lineCount(file);
  const viewed = ticks?.viewed.has(file.path) ?? false;
  const wanted = wantedOf(props).has(file.path);
  return (
    <div
      class="file-box"
      id={id}
      data-row=""
      data-step={ticks && !viewed ? "" : undefined}
      {...{ "hx-boost:inherited": `swap:"outerMorph show:none" select:#${id} target:#${id}` }}
    >
      <details class="diff-file" id={`fold-${id}`} open={shownLines > 0 && (!viewed || wanted)}>
        <summary>
          <h3 class="mono">{fileTitle(file)}</h3>
          <ChangeCounts additions={file.additions} deletions={file.deletions} />
        </summary>
        <OriginLine origins={props.origins?.get(file.path) ?? []} />
        {file.binary && <p class="diff-none">A binary file: there are no lines to show.</p>}
        {!file.binary && lines === 0 && <p class="diff-none">{emptyReason(file)}</p>}
        {lines > 0 && file.oldMode && <p class="diff-none">{modeWords(file)}</p>}
        <Remarks {...remarksOf(props, null)} {...contextOf(props)} />
        {lines > 0 && shownLines === 0 && (
          <p class="diff-none">
            {foldReason(file) ?? "A long diff"}:{" "}
            <a href={openFileHref(page, file.path)}>show {plural(lines, "line")}</a>
          </p>
        )}
        {shownLines > 0 && <HunkTable {...props} />}
        {shownLines > 0 && shownLines < lines && (
          <p class="diff-none">
            Showing {count(shownLines)} of {count(lines)} lines; the branch has them all.
          </p>
        )}
      </details>
      {ticks && <Tick file={file} viewed={viewed} ticks={ticks} />}
    </div>
  );
}

function Tick(
  { file, viewed, ticks }: {
    file: DiffFile;
    viewed: boolean;
    ticks: NonNullable<DiffProps["ticks"]>;
  },
): VNode {
  return (
    <form method="post" action={ticks.action} class="tick">
      <input type="hidden" name="path" value={file.path} />
      <input type="hidden" name="content" value={ticks.contents.get(file.path) ?? ""} />
      <input type="hidden" name="viewed" value={viewed ? "0" : "1"} />
      <button
        type="submit"
        class="button"
        id={`tick-${fileId(file.path)}`}
        data-key="v"
        data-tick=""
        aria-pressed={viewed}
        aria-label={`Viewed: ${file.path}`}
      >
        <span aria-hidden="true">{viewed ? "☑" : "☐"}</span> Viewed
      </button>
    </form>
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
    ? modeWords(file)
    : file.kind === "renamed"
    ? "Renamed, with the same content."
    : "An empty file.";
}

function modeWords({ oldMode, newMode }: DiffFile): string {
  if (oldMode === "100644" && newMode === "100755") return "The file became executable.";
  if (oldMode === "100755" && newMode === "100644") return "The file is no longer executable.";
  return oldMode
    ? `The file's mode changed from ${oldMode} to ${newMode}.`
    : "Only the file's mode changed.";
}
