/** Where the pieces of a suggested change stand in a text that others may have changed since they were made. */
import { diffIndices } from "node-diff3";
import type { SuggestionHunk, TextHunk } from "../records.ts";
import { linesOf, putIn } from "./document_hunks.ts";
import { mergeable } from "./document_merge.ts";

/** Why a piece can't be put in: its place says something else by now, or there is too much to look for it. */
export type Unfit = "changed" | "too_large";

/** What came of putting pieces into a text that may have changed since they were made. */
export interface WorkedIn {
  text: string;
  /** Numbers of those that are in it now. */
  applied: number[];
  /** Those that are not, by number. */
  unfit: Map<number, Unfit>;
}

/**
 * Puts the pieces of these numbers into `present`, beside what others changed there. One that is in it already counts
 * as put in: so it is after a crash between a save and the note of it.
 */
export function workIn(
  base: string,
  hunks: readonly SuggestionHunk[],
  numbers: readonly number[],
  present: string,
): WorkedIn {
  const chosen = new Set(numbers);
  const lines = linesOf(present);
  const done = putIn(linesOf(base), hunks.filter((h) => isIn(h) || chosen.has(h.number)));
  if (isSame(done, lines)) return { text: present, applied: [...numbers], unfit: new Map() };
  const result: WorkedIn = { text: present, applied: [], unfit: new Map() };
  const places: TextHunk[] = [];
  const placeOf = placesIn(base, hunks, lines);
  for (const hunk of hunks.filter(({ number }) => chosen.has(number))) {
    const place = placeOf(hunk);
    if (place.unfit) {
      result.unfit.set(hunk.number, place.unfit);
      continue;
    }
    result.applied.push(hunk.number);
    if (place.start !== null) places.push({ ...hunk, start: place.start });
  }
  if (places.length === 0) return result;
  return {
    ...result,
    text: putIn(lines, places).join(present.includes("\r\n") ? "\r\n" : "\n"),
  };
}

/** Pending pieces that can't be put into `present` any more, by number. */
export function unfitHunks(
  base: string,
  hunks: readonly SuggestionHunk[],
  present: string,
): Map<number, Unfit> {
  const placeOf = placesIn(base, hunks, linesOf(present));
  return new Map(
    hunks.filter(({ status }) => status === "pending").flatMap((hunk): [number, Unfit][] => {
      const { unfit } = placeOf(hunk);
      return unfit ? [[hunk.number, unfit]] : [];
    }),
  );
}

const isIn = ({ status }: SuggestionHunk): boolean => status === "accepted";

const isSame = (one: readonly string[], other: readonly string[]): boolean =>
  one.length === other.length && one.every((line, i) => line === other[i]);

/** Lines of one text and of the other that differ, the ends not among them. */
interface Difference {
  from: number;
  end: number;
  otherFrom: number;
  otherEnd: number;
}

/** `start`: line of the present text where the piece goes; null: it is there already. */
type Place = { unfit: null; start: number | null } | { unfit: Unfit };

/** The two texts are compared once, however many pieces there are: each is looked for in what differs. */
function placesIn(
  base: string,
  hunks: readonly SuggestionHunk[],
  present: string[],
): (hunk: SuggestionHunk) => Place {
  const mine = putIn(linesOf(base), hunks.filter(isIn));
  const differences = differencesOf(mine, present);
  if (differences === null) return () => ({ unfit: "too_large" });
  const starts = new Map<number, number>();
  let shift = 0;
  for (const hunk of hunks) {
    starts.set(hunk.number, hunk.start + shift);
    if (isIn(hunk)) shift += hunk.added.length - hunk.removed.length;
  }
  return (hunk) => {
    const placed = { ...hunk, start: starts.get(hunk.number)! };
    if (isThere(placed, { mine, present, differences })) return { unfit: null, start: null };
    const end = placed.start + hunk.removed.length;
    // What others changed beside it counts, too: nobody can tell then which comes first.
    if (touched(differences, placed.start, end).length > 0) return { unfit: "changed" };
    return { unfit: null, start: placed.start + offsetAt(differences, placed.start) };
  };
}

/** In order; null: too much differs to be compared in a short time. */
function differencesOf(mine: string[], present: string[]): Difference[] | null {
  const least = Math.min(mine.length, present.length);
  let head = 0;
  while (head < least && mine[head] === present[head]) head++;
  let tail = 0;
  while (tail < least - head && mine.at(-1 - tail) === present.at(-1 - tail)) tail++;
  const [one, other] = [mine, present].map((lines) => lines.slice(head, lines.length - tail));
  if (one!.length + other!.length === 0) return [];
  if (!mergeable([one!.join("\n"), other!.join("\n")])) return null;
  return diffIndices(one!, other!).map(({ buffer1: [a, aCount], buffer2: [b, bCount] }) => ({
    from: head + a,
    end: head + a + aCount,
    otherFrom: head + b,
    otherEnd: head + b + bCount,
  }));
}

/** Those that reach or adjoin these lines. */
function touched(differences: readonly Difference[], from: number, to: number): Difference[] {
  let [first, beyond] = [0, differences.length];
  while (first < beyond) {
    const middle = (first + beyond) >> 1;
    if (differences[middle]!.end < from) first = middle + 1;
    else beyond = middle;
  }
  let end = first;
  while (end < differences.length && differences[end]!.from <= to) end++;
  return differences.slice(first, end);
}

/** How much further down a line stands in the present text, that no difference before it reaches. */
function offsetAt(differences: readonly Difference[], line: number): number {
  const before = differences.findLast(({ end }) => end <= line);
  return before ? before.otherEnd - before.end : 0;
}

/** Lines around a piece that are compared to see whether it is there: equal lines may stand for one another. */
const AROUND = [0, 1, 3, 10];

/** Whether the present text says around a piece what it says with it. */
function isThere(
  hunk: TextHunk,
  { mine, present, differences }: { mine: string[]; present: string[]; differences: Difference[] },
): boolean {
  const { start, removed, added } = hunk;
  const end = start + removed.length;
  const [up, down] = slackOf(mine, hunk);
  return AROUND.some((around) => {
    let from = Math.max(0, start - up - around);
    let to = Math.min(mine.length, end + down + around);
    let inside = touched(differences, from, to);
    for (let count = 0; inside.length > count; inside = touched(differences, from, to)) {
      count = inside.length;
      from = Math.min(from, inside[0]!.from);
      to = Math.max(to, inside.at(-1)!.end);
    }
    const [first, last] = [inside[0], inside.at(-1)];
    if (!first || !last) return false;
    const now = present.slice(first.otherFrom - (first.from - from), last.otherEnd + to - last.end);
    return isSame([...mine.slice(from, start), ...added, ...mine.slice(end, to)], now);
  });
}

/** How many lines up and down the same piece could stand as well: one more of two equal lines is either. */
function slackOf(lines: readonly string[], { start, removed, added }: TextHunk): [number, number] {
  const moved = removed.length === 0 ? added : added.length === 0 ? removed : null;
  if (moved === null) return [0, 0];
  const end = start + removed.length;
  const count = moved.length;
  let [up, down] = [0, 0];
  while (up < start && lines[start - 1 - up] === moved.at(-1 - up % count)) up++;
  while (end + down < lines.length && lines[end + down] === moved[down % count]) down++;
  return [up, down];
}
