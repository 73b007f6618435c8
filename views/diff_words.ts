/** What changed within a changed line: pairs removed lines with the added ones that follow them. */
import type { DiffLine } from "../server/records.ts";

/** The changed middle of a line, as offsets into its text; `from` equals `to` when nothing is marked. */
export interface Mark {
  from: number;
  to: number;
}

/** Lines with less in common than this part of the longer one are shown without marks: all is new. */
const MIN_COMMON = 0.4;
/** Longer lines are not compared. */
const MAX_CHARS = 1_000;

/** The marks of a hunk's lines, by index; lines without one are missing. */
export function wordMarks(lines: DiffLine[]): Map<number, Mark> {
  const marks = new Map<number, Mark>();
  for (let start = 0; start < lines.length; start++) {
    if (lines[start]!.kind !== "removed") continue;
    const removed = runLength(lines, start, "removed");
    const added = runLength(lines, start + removed, "added");
    for (let i = 0; i < Math.min(removed, added); i++) {
      const pair = compare(lines[start + i]!.text, lines[start + removed + i]!.text);
      if (!pair) continue;
      marks.set(start + i, pair.before);
      marks.set(start + removed + i, pair.after);
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

function compare(before: string, after: string): { before: Mark; after: Mark } | null {
  const shorter = Math.min(before.length, after.length);
  const longer = Math.max(before.length, after.length);
  if (longer > MAX_CHARS) return null;
  let head = 0;
  while (head < shorter && before[head] === after[head]) head++;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail++;
  const common = before.slice(0, head).trim().length + tail;
  if (common === 0 || common < longer * MIN_COMMON) return null;
  return {
    before: { from: head, to: before.length - tail },
    after: { from: head, to: after.length - tail },
  };
}
