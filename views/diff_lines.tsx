/**
 * The lines of a file's hunks as HTML text. Written as text and not as elements: a review has thousands of them, and a
 * tree of nodes takes four times as long (1,500 lines: 19 ms instead of 4). All that comes from a file goes through `escape`.
 */
import type { VNode } from "preact";
import type { DiffFile, DiffHunk, DiffLine } from "../server/records.ts";
import type { Colour, Colours } from "./code_colours.ts";
import type { Gap } from "./diff_gaps.ts";
import { lineId, type Place } from "./diff_place.ts";
import { type Mark, type MarksOf, middleMarks } from "./diff_words.ts";
import { count, plural } from "./format.ts";
import { idPart, withQuery } from "./links.ts";
import { render } from "./render.ts";

/** What the lines of one file are written from. */
export interface LinesSpec {
  file: DiffFile;
  /** Old and new side by side. */
  split: boolean;
  colours: Colours | null;
  /** Null: the changed middle of each line. */
  marks: MarksOf | null;
  /** Address of the page, for links that open a comment's form; null: it is too late to comment. */
  commentPage: string | null;
  /** Removed lines are commented on, too. */
  commentOld: boolean;
  /** What stands under a line: remarks, or a form; null: nothing. */
  below: (place: Place) => VNode | null;
  /** What stands at the head of a hunk beside its numbers. */
  head: (hunk: DiffHunk) => VNode | null;
  /** The links that show more lines of a gap. */
  more: (gap: Gap, where: "before" | "between" | "after") => VNode;
}

/** One `tbody` per hunk, with what can be shown between them. */
export function linesHtml(spec: LinesSpec, hunks: DiffHunk[], gaps: (Gap | null)[]): string {
  const writer = new LineWriter(spec);
  const parts = hunks.map((hunk, i) => {
    const gap = gaps[i];
    const more = gap ? render(spec.more(gap, i === 0 ? "before" : "between")) : "";
    return writer.hunk(hunk, more);
  });
  const after = gaps[hunks.length];
  if (after) {
    parts.push(
      `<tbody><tr class="hunk"><td colspan="${writer.columns}">${
        render(spec.more(after, "after"))
      }</td></tr></tbody>`,
    );
  }
  return parts.join("");
}

const signs: Record<DiffLine["kind"], string> = { context: " ", added: "+", removed: "−" };

class LineWriter {
  readonly columns: number;
  /** What the ids and addresses of all lines of the file begin with: made once. */
  readonly #idStart: string;
  readonly #hrefStart: string | null;

  constructor(readonly spec: LinesSpec) {
    this.columns = spec.split ? 6 : 3;
    this.#idStart = `L-${idPart(spec.file.path)}-`;
    this.#hrefStart = spec.commentPage === null
      ? null
      : escape(withQuery(spec.commentPage, { comment: `${spec.file.path}:` }));
  }

  hunk(hunk: DiffHunk, more: string): string {
    const { colours, file, head, split } = this.spec;
    const marks = (this.spec.marks ?? middleMarks)(hunk);
    const colour = colours?.(file.path, hunk) ?? null;
    const codes = hunk.lines.map((line, i) =>
      codeHtml(line, colour?.[i] ?? [], marks.get(i) ?? [])
    );
    const note = head(hunk);
    const rows = split ? this.#split(hunk.lines, codes) : this.#unified(hunk.lines, codes);
    return `<tbody><tr class="hunk"><th colspan="${this.columns}" scope="rowgroup">${
      escape(hunk.header)
    }${more}${note ? render(note) : ""}</th></tr>${rows}</tbody>`;
  }

  #unified(lines: DiffLine[], codes: string[]): string {
    return lines.map((line, i) => {
      const place = this.#place(line);
      const removed = line.kind === "removed";
      const number = this.#number(place);
      const numbers = removed
        ? `${number}<span></span>`
        : `<span>${line.oldLine ?? ""}</span>${number}`;
      return `<tr class="${line.kind}" id="${this.#id(place)}"><td class="ln">${numbers}</td>` +
        `<td class="sign">${signs[line.kind]}</td><td class="code">${codes[i]}</td></tr>` +
        this.#below(place);
    }).join("");
  }

  /** What was removed stands beside what was added in its place, as long as both last. */
  #split(lines: DiffLine[], codes: string[]): string {
    let html = "";
    for (let i = 0; i < lines.length;) {
      const removed = runOf(lines, i, "removed");
      const added = runOf(lines, i + removed, "added");
      if (removed + added === 0) {
        html += this.#pair(lines[i]!, lines[i]!, codes[i]!, codes[i]!);
        i++;
        continue;
      }
      for (let n = 0; n < Math.max(removed, added); n++) {
        const [a, b] = [i + n, i + removed + n];
        html += this.#pair(
          n < removed ? lines[a]! : null,
          n < added ? lines[b]! : null,
          codes[a] ?? "",
          codes[b] ?? "",
        );
      }
      i += removed + added;
    }
    return html;
  }

  #pair(old: DiffLine | null, now: DiffLine | null, oldCode: string, newCode: string): string {
    const context = old !== null && old === now;
    const removed = old && !context ? this.#place(old) : null;
    const place = now ? this.#place(now) : null;
    const left = context
      ? `<td class="ln"><span>${old.oldLine}</span></td><td class="sign"> </td><td class="code">${oldCode}</td>`
      : this.#side(removed, "removed", oldCode);
    const right = this.#side(place, context ? "context" : "added", newCode);
    return `<tr class="pair">${left}${right}</tr>` +
      (removed ? this.#below(removed) : "") + (place ? this.#below(place) : "");
  }

  #side(place: Place | null, kind: DiffLine["kind"], code: string): string {
    if (!place) return `<td class="none" colspan="3"></td>`;
    return `<td class="ln ${kind}" id="${this.#id(place)}">${this.#number(place)}</td>` +
      `<td class="sign ${kind}">${signs[kind]}</td><td class="code ${kind}">${code}</td>`;
  }

  #place = (line: DiffLine): Place => placeOf(this.spec.file, line);

  #id = ({ line, side }: Place): string => `${this.#idStart}${side === "old" ? "o" : "n"}${line}`;

  #number(place: Place): string {
    const { line, side } = place;
    const what = `${side === "old" ? "removed line" : "line"} ${line}`;
    const id = this.#id(place);
    return this.#hrefStart === null || side === "old" && !this.spec.commentOld
      ? `<a href="#${id}" aria-label="Address of ${what}">${line}</a>`
      : `<a href="${this.#hrefStart}${side === "old" ? "-" : ""}${line}#${id}" ` +
        `aria-label="Comment on ${what}">${line}</a>`;
  }

  #below(place: Place): string {
    const content = this.spec.below(place);
    if (!content) return "";
    return `<tr class="remark-row" id="R-${lineId(place)}"><td colspan="${this.columns}">${
      render(content)
    }</td></tr>`;
  }
}

/** Where a line is commented on: a removed one in the old version, all others in the new one. */
export const placeOf = (file: DiffFile, line: DiffLine): Place =>
  line.kind === "removed"
    ? { path: file.path, line: line.oldLine ?? 0, side: "old" }
    : { path: file.path, line: line.newLine ?? 0, side: "new" };

function runOf(lines: DiffLine[], start: number, kind: DiffLine["kind"]): number {
  let end = start;
  while (lines[end]?.kind === kind) end++;
  return end - start;
}

/** Longer lines are cut: minified files would fill the page. */
const LINE_MAX_CHARS = 1_000;

function codeHtml(line: DiffLine, colours: Colour[], marks: Mark[]): string {
  const { text } = line;
  if (text.length > LINE_MAX_CHARS) {
    const left = plural(text.length - LINE_MAX_CHARS, "more character");
    return `${escape(text.slice(0, LINE_MAX_CHARS))}<i class="muted">… ${left}</i>`;
  }
  const end = line.noNewline ? `<i class="muted">no newline at the end</i>` : "";
  let html = "";
  let at = 0;
  for (const { from, to } of marks) {
    html += coloured(text, colours, at, from);
    html += `<span class="word">${coloured(text, colours, from, to)}</span>`;
    at = to;
  }
  return html + coloured(text, colours, at, text.length) + end;
}

function coloured(text: string, colours: Colour[], from: number, to: number): string {
  let html = "";
  let at = from;
  for (const colour of colours) {
    const [start, end] = [Math.max(colour.from, from), Math.min(colour.to, to)];
    if (start >= end) continue;
    html += escape(text.slice(at, start));
    html += `<span class="${colour.class}">${escape(text.slice(start, end))}</span>`;
    at = end;
  }
  return html + escape(text.slice(at, to));
}

const special: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

/** Text as it may stand in HTML, also within an attribute in double quotes. */
export const escape = (text: string): string =>
  /[&<>"]/.test(text) ? text.replace(/[&<>"]/g, (char) => special[char]!) : text;

/** "Show 12 lines", or "20 lines above": links that show more of a gap. */
export const gapWords = (gap: Gap, shown: number, where: "before" | "between" | "after"): string =>
  gap.size !== null && shown >= gap.size
    ? `Show ${plural(gap.size, "line")}`
    : `Show ${count(shown)} more ${where === "after" ? "below" : where === "before" ? "above" : ""}`
      .trim();
