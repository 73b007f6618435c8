/** Two changes of one text put together. */
import { diff3Merge } from "node-diff3";

/** A proposal, for a person to look at. */
export interface MergedText {
  text: string;
  /** Places that both have changed: there both texts stand, between marks. */
  conflicts: number;
}

/** Of each text. */
const LINES_MAX = 20_000;
/** Pairs of equal lines that are compared at most: a text of empty lines has as many as their square. */
const PAIRS_MAX = 2_000_000;

/** `mine` and `theirs` were both made from `base`. Null: they are too long, or too much alike, to be put together. */
export function mergeTexts(
  { mine, base, theirs }: { mine: string; base: string; theirs: string },
): MergedText | null {
  const [a, o, b] = [mine, base, theirs].map((text) => text.split(/\r?\n/)) as [
    string[],
    string[],
    string[],
  ];
  if (!mergeable([base, mine]) || !mergeable([base, theirs])) return null;
  const lines: string[] = [];
  let conflicts = 0;
  for (const { ok, conflict } of diff3Merge(a, o, b, { excludeFalseConflicts: true })) {
    if (ok) lines.push(...ok);
    if (!conflict) continue;
    conflicts++;
    lines.push("<<<<<<< yours", ...conflict.a, "=======", ...conflict.b, ">>>>>>> the file's");
  }
  return { text: lines.join(theirs.includes("\r\n") ? "\r\n" : "\n"), conflicts };
}

/** Whether two texts can be compared line by line in a short time. */
export function mergeable(texts: [string, string]): boolean {
  const [one, other] = texts.map((text) => text.split(/\r?\n/)) as [string[], string[]];
  return one.length <= LINES_MAX && other.length <= LINES_MAX &&
    pairsOf(one, other) <= PAIRS_MAX;
}

function pairsOf(one: string[], other: string[]): number {
  const counts = new Map<string, number>();
  for (const line of one) counts.set(line, (counts.get(line) ?? 0) + 1);
  let pairs = 0;
  for (const line of other) pairs += counts.get(line) ?? 0;
  return pairs;
}
