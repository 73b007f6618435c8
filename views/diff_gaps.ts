/** More of a file than its diff shows: lines between the hunks, as context. */
import type { DiffHunk, DiffLine } from "../server/records.ts";

/** Lines of the new version, both included, from 1. */
export interface LineRange {
  from: number;
  to: number;
}

/** Lines that one press shows. */
export const GAP_STEP = 20;
/** Most ranges of one file that an address names. */
export const GAPS_MAX = 50;

/** What can be shown between two hunks, before the first or after the last. */
export interface Gap extends LineRange {
  /** Null: nobody knows where the file ends. */
  size: number | null;
}

/** Reads `12-40`; null for anything else. */
export function parseRange(text: string): LineRange | null {
  const match = /^(\d{1,8})-(\d{1,8})$/.exec(text);
  const [from, to] = [Number(match?.[1]), Number(match?.[2])];
  return match && from >= 1 && to >= from ? { from, to } : null;
}

/** First and last line of a hunk on the new side, and by how much the old side's numbers differ at either end. */
interface Bounds {
  first: number;
  last: number;
  shiftBefore: number;
  shiftAfter: number;
}

function boundsOf({ lines }: DiffHunk): Bounds | null {
  const [head, tail] = [lines[0], lines.at(-1)];
  // Without context at an end (the file begins or ends there, or is new) the numbers of both sides are not known.
  const first = lines.find((line) => line.newLine !== null)?.newLine;
  const last = lines.findLast((line) => line.newLine !== null)?.newLine;
  const old = lines.find((line) => line.oldLine !== null)?.oldLine;
  const oldLast = lines.findLast((line) => line.oldLine !== null)?.oldLine;
  if (!head || !tail || first == null || last == null || old == null || oldLast == null) {
    return null;
  }
  return { first, last, shiftBefore: old - first, shiftAfter: oldLast - last };
}

/** The gap before each hunk, and one more after the last; null where there is none. */
export function gapsOf(hunks: DiffHunk[], fileLines: number | null): (Gap | null)[] {
  const bounds = hunks.map(boundsOf);
  if (bounds.length === 0 || bounds.some((b) => b === null)) return hunks.map(() => null);
  const known = bounds as Bounds[];
  const gaps = known.map((hunk, i) => gap((known[i - 1]?.last ?? 0) + 1, hunk.first - 1));
  const from = known.at(-1)!.last + 1;
  const after = fileLines === null
    ? { from, to: from + GAP_STEP - 1, size: null }
    : gap(from, fileLines);
  // With less than three lines of context behind a change the file has ended.
  const tail = hunks.at(-1)!.lines.slice(-CONTEXT_LINES);
  const ended = tail.length < CONTEXT_LINES || tail.some((line) => line.kind !== "context");
  return [...gaps, ended ? null : after];
}
const CONTEXT_LINES = 3;

const gap = (from: number, to: number): Gap | null =>
  to < from ? null : { from, to, size: to - from + 1 };

/** The hunks with these lines of the new version between them; hunks that meet become one. */
export function expandHunks(
  hunks: DiffHunk[],
  ranges: readonly LineRange[],
  lines: readonly string[],
): DiffHunk[] {
  const gaps = gapsOf(hunks, lines.length);
  const pieces: { first: number; last: number; hunk: DiffHunk }[] = [];
  const fill = (gap: Gap | null | undefined, shift: number) => {
    if (!gap) return;
    for (const range of merged(ranges)) {
      const [from, to] = [Math.max(gap.from, range.from), Math.min(gap.to, range.to, lines.length)];
      if (from > to) continue;
      const shown = lines.slice(from - 1, to).map((text, i): DiffLine => ({
        kind: "context",
        oldLine: from + i + shift,
        newLine: from + i,
        text,
      }));
      pieces.push({ first: from, last: to, hunk: { header: "", lines: shown } });
    }
  };
  for (const [i, hunk] of hunks.entries()) {
    const bounds = boundsOf(hunk);
    if (!bounds) return hunks;
    fill(gaps[i], bounds.shiftBefore);
    pieces.push({ first: bounds.first, last: bounds.last, hunk });
  }
  const last = hunks.at(-1);
  fill(gaps[hunks.length], last ? boundsOf(last)!.shiftAfter : 0);
  return joined(pieces);
}

function merged(ranges: readonly LineRange[]): LineRange[] {
  const result: LineRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = result.at(-1);
    if (last && range.from <= last.to + 1) last.to = Math.max(last.to, range.to);
    else result.push({ ...range });
  }
  return result;
}

function joined(pieces: { first: number; last: number; hunk: DiffHunk }[]): DiffHunk[] {
  const result: typeof pieces = [];
  for (const piece of pieces) {
    const last = result.at(-1);
    if (last && piece.first <= last.last + 1) {
      last.hunk = { header: "", lines: [...last.hunk.lines, ...piece.hunk.lines] };
      last.last = piece.last;
    } else result.push({ ...piece });
  }
  return result.map(({ hunk }) => hunk.header === "" ? { ...hunk, header: headerOf(hunk) } : hunk);
}

function headerOf({ lines }: DiffHunk): string {
  const old = lines.filter(({ oldLine }) => oldLine !== null);
  const now = lines.filter(({ newLine }) => newLine !== null);
  const part = (sign: string, first: number | null | undefined, count: number) =>
    `${sign}${first ?? 0},${count}`;
  return `@@ ${part("-", old[0]?.oldLine, old.length)} ${
    part("+", now[0]?.newLine, now.length)
  } @@`;
}
