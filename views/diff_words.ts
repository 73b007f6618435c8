/**
 * What changed within a changed line: pairs removed lines with the added ones that follow them. The words of a pair are
 * compared by the library `diff`, which is loaded when a review is first shown.
 */
import type { DiffHunk, DiffLine } from "../server/records.ts";

/** A changed part of a line, as offsets into its text; never empty. */
export interface Mark {
  from: number;
  to: number;
}

/** The marks of a hunk's lines, by index, each line's in order; lines without one are missing. */
export type Marks = ReadonlyMap<number, Mark[]>;
export type MarksOf = (hunk: DiffHunk) => Marks;

/** Compares words; undefined: it gave up. */
type Compare = (
  before: string[],
  after: string[],
) => { value: string[]; added?: boolean; removed?: boolean }[] | undefined;

/** Lines with less in common than this part of the longer one are shown without marks: all is new. */
const MIN_COMMON = 0.4;
/** Longer lines are not compared. */
const MAX_CHARS = 1_000;
/** Of the part of a line that is compared word by word; and words that may differ. */
const MAX_WORDS = 200;
const MAX_EDITS = 60;

/** Kept with the hunk, and gone with it. */
const known = new WeakMap<DiffHunk, Marks>();

/**
 * Loads what compares words. `budgetMs`: time that one page may take for it, on the server's one thread; what is left
 * over has its changed middle marked, and its words when the page is loaded again.
 */
export async function loadMarks(budgetMs = 30): Promise<MarksOf> {
  const { diffArrays } = await import("diff");
  const compare: Compare = (a, b) => diffArrays(a, b, { maxEditLength: MAX_EDITS });
  let leftMs = budgetMs;
  return (hunk) => {
    const cached = known.get(hunk);
    if (cached !== undefined) return cached;
    if (leftMs <= 0) return middleMarks(hunk);
    const begun = performance.now();
    const marks = marksOf(hunk.lines, compare);
    known.set(hunk, marks);
    leftMs -= performance.now() - begun;
    return marks;
  };
}

/** One part for each line: from its first change to its last. */
export const middleMarks: MarksOf = ({ lines }) => marksOf(lines, null);

function marksOf(lines: DiffLine[], compare: Compare | null): Marks {
  const marks = new Map<number, Mark[]>();
  for (let start = 0; start < lines.length; start++) {
    if (lines[start]!.kind !== "removed") continue;
    const removed = runLength(lines, start, "removed");
    const added = runLength(lines, start + removed, "added");
    for (let i = 0; i < Math.min(removed, added); i++) {
      const [a, b] = [start + i, start + removed + i];
      const pair = comparePair(lines[a]!.text, lines[b]!.text, compare);
      if (pair === null) continue;
      if (pair.before.length > 0) marks.set(a, pair.before);
      if (pair.after.length > 0) marks.set(b, pair.after);
    }
    start += removed + added - 1;
  }
  return marks;
}

function runLength(lines: DiffLine[], start: number, kind: DiffLine["kind"]): number {
  let end = start;
  while (lines[end]?.kind === kind) end++;
  return end - start;
}

/** Null: they have too little in common. */
function comparePair(
  before: string,
  after: string,
  compare: Compare | null,
): { before: Mark[]; after: Mark[] } | null {
  const longer = Math.max(before.length, after.length);
  if (longer > MAX_CHARS) return null;
  const { head, tail, common } = sameEnds(before, after);
  const [a, b] = [before.slice(head, before.length - tail), after.slice(head, after.length - tail)];
  const enough = (common: number) => common > 0 && common >= longer * MIN_COMMON;
  const middle = () =>
    enough(common) ? { before: partOf(head, a.length), after: partOf(head, b.length) } : null;
  if (compare === null) return middle();
  const [ours, theirs] = [wordsOf(a), wordsOf(b)];
  if (ours.length < 2 || theirs.length < 2) return middle();
  if (Math.max(ours.length, theirs.length) > MAX_WORDS) return middle();
  const outside = before.slice(0, head).trim().length + tail;
  if (!enough(outside + sharedChars(ours, theirs))) return null;
  const parts = compare(ours, theirs);
  if (parts === undefined) return middle();
  const kept = parts.filter(({ added, removed }) => !added && !removed);
  const inside = kept.reduce((sum, { value }) => sum + value.join("").trim().length, 0);
  if (!enough(outside + inside)) return null;
  const side = (other: "added" | "removed", one: "added" | "removed", text: string) =>
    joined(
      parts.filter((part) => !part[other]).map((part) => ({
        marked: part[one] === true,
        length: part.value.join("").length,
      })),
      head,
      text,
    );
  return { before: side("added", "removed", before), after: side("removed", "added", after) };
}

/**
 * What both begin and end with, in whole words and whole characters. `common`: all that is the same there, but for white
 * space at the beginning.
 */
function sameEnds(before: string, after: string): { head: number; tail: number; common: number } {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  const begins = before.slice(0, head).trim().length;
  let ends = 0;
  while (ends < shorter - head && before.at(-1 - ends) === after.at(-1 - ends)) ends++;
  while (head > 0 && (isWithin(before, head) || isWithin(after, head))) head--;
  let tail = ends;
  while (
    tail > 0 &&
    (isWithin(before, before.length - tail) || isWithin(after, after.length - tail))
  ) tail--;
  return { head, tail, common: begins + ends };
}

/** Whether a word, or a character of two units, goes on there. */
function isWithin(text: string, at: number): boolean {
  if (at <= 0 || at >= text.length) return false;
  if (/[\udc00-\udfff]/.test(text[at]!)) return true;
  return WORD.test(text[at - 1]!) && WORD.test(text[at]!);
}
const WORD = /[\p{L}\p{N}_]/u;

const wordsOf = (text: string): string[] => text.match(/[\p{L}\p{N}_]+|\s+|[^]/gu) ?? [];

/** The most that two lists of words can have in common, white space aside. */
function sharedChars(a: readonly string[], b: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const word of a) counts.set(word, (counts.get(word) ?? 0) + 1);
  return b.reduce((sum, word) => {
    const left = counts.get(word) ?? 0;
    if (left === 0) return sum;
    counts.set(word, left - 1);
    return sum + word.trim().length;
  }, 0);
}

const partOf = (from: number, length: number): Mark[] =>
  length === 0 ? [] : [{ from, to: from + length }];

/** The marked parts, those with nothing but white space between them as one. */
function joined(
  parts: readonly { marked: boolean; length: number }[],
  from: number,
  text: string,
): Mark[] {
  const marks: Mark[] = [];
  for (const { marked, length } of parts) {
    const last = marks.at(-1);
    if (marked && last && text.slice(last.to, from).trim() === "") last.to = from + length;
    else if (marked) marks.push({ from, to: from + length });
    from += length;
  }
  return marks;
}
