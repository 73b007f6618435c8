/** What the parsers of the runners' outputs share. */
import type { CheckFailure, CheckReport } from "../../server/records.ts";

/** Most failures that a report lists; all of them are counted. */
export const REPORT_FAILURES = 50;
/** Most characters of one failure's message. */
export const FAILURE_CHARS = 2_000;
const NAME_CHARS = 300;

/** Reads one runner's output, given as lines without colours; null when the output is not that runner's. */
export type Parser = (lines: readonly string[]) => Parsed | null;

/** Indices of the first line of a run that is surely its runner's own, and of its summary. */
export interface Span {
  from: number;
  to: number;
  /** Its first line is the first that the runner prints; of other runs, output of tests may stand above. */
  banner?: true;
}

export interface Parsed {
  report: CheckReport;
  /** The runs of this runner in the output, in their order. */
  spans: Span[];
  /** Recognised by so little that anything may have printed it: taken where no other runner could have. */
  weak?: boolean;
}

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Puts a report within its limits. */
export function report(format: string, counts: Counts, failures: CheckFailure[]): CheckReport {
  return {
    format,
    passed: counts.passed,
    failed: counts.failed,
    skipped: counts.skipped,
    failures: failures.slice(0, REPORT_FAILURES).map(clipFailure),
  };
}

function clipFailure({ file, line, test, message }: CheckFailure): CheckFailure {
  return {
    ...(file && { file: clip(file, NAME_CHARS) }),
    ...(line && { line }),
    ...(test && { test: clip(test, NAME_CHARS) }),
    message: clip(message.trim(), FAILURE_CHARS) || "failed",
  };
}

/** The line that stands for missing output: before what is read of a long one, or in its middle. */
export const CUT = "\u0000cut";

/** Index of the first line that stands for missing output; -1: nothing is missing. */
export const cutIn = (lines: readonly string[]): number => lines.indexOf(CUT);

/**
 * The summaries that are the runner's own. A runner prints its summary last, below the results of its tests, so
 * the last one takes as many results above it as it counts; one that stands among them was printed by a test, and
 * one with too few results above it sums up nothing. `resultsOf` says how many results a line tells.
 */
export function ownSpans<Sum extends { at: number; results: number }>(
  lines: readonly string[],
  sums: readonly Sum[],
  resultsOf: (line: string) => number,
): (Sum & { span: Span })[] {
  if (sums.length === 0) return [];
  const cut = cutIn(lines);
  const results = lines.flatMap((line, at) => {
    const count = resultsOf(line);
    return count === 0 ? [] : Array<number>(count).fill(at);
  });
  const own: (Sum & { span: Span })[] = [];
  let free = lines.length;
  let above = results.length;
  for (const sum of sums.toReversed()) {
    if (sum.at >= free) continue;
    while ((results[above - 1] ?? -1) >= sum.at) above--;
    const missing = above < sum.results;
    if (missing && (cut < 0 || cut > sum.at || above === 0)) continue;
    const from = missing ? 0 : results[above - sum.results] ?? sum.at;
    own.push({ ...sum, span: { from, to: sum.at } });
    free = from;
  }
  return own.reverse();
}

/**
 * Runs that begin with a banner, each up to the next one or the end: the last of `summaries` in it is its own,
 * since what tests print comes before. The first banner may stand in what is missing: then the run
 * begins with the first line below that has the runner's `sign`. Runs without a summary, as of a runner that crashed, are left out.
 */
export function banneredSpans(
  lines: readonly string[],
  { banners, summaries, sign }: { banners: number[]; summaries: number[]; sign: RegExp },
): Span[] {
  const cut = cutIn(lines);
  const mayBeMissing = cut >= 0 && cut < (banners[0] ?? Infinity);
  const signs = mayBeMissing ? lines.findIndex((line, at) => at > cut && sign.test(line)) : -1;
  const starts = signs >= 0 && signs < (banners[0] ?? Infinity) ? [signs, ...banners] : banners;
  let next = 0;
  return starts.flatMap((from, index) => {
    const end = starts[index + 1] ?? Infinity;
    let to = -1;
    for (; (summaries[next] ?? Infinity) < end; next++) to = summaries[next] ?? -1;
    return to > from ? [{ from, to, banner: true }] : [];
  });
}

/** The span that line `at` is in, of some that stand one after the other. */
export function spanAround(spans: readonly Span[], at: number): Span | undefined {
  let [low, high] = [0, spans.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((spans[middle]?.from ?? Infinity) <= at) low = middle + 1;
    else high = middle;
  }
  const span = spans[low - 1];
  return span && at <= span.to ? span : undefined;
}

/** Indices of the lines that match. */
export const linesLike = (lines: readonly string[], pattern: RegExp): number[] =>
  lines.flatMap((line, at) => pattern.test(line) ? [at] : []);

/** The failure with its file, and a test that is named after one, relative to the folder `root`. */
export function relativeTo(failure: CheckFailure, root: string | undefined): CheckFailure {
  const relative = (path: string) => {
    const plain = path.replace(/^file:\/\//, "").replace(/^\.\//, "");
    const folder = root && `${root.replace(/\/+$/, "")}/`;
    return folder && plain.startsWith(folder) ? plain.slice(folder.length) : plain;
  };
  const { file, test } = failure;
  return {
    ...failure,
    ...(file && { file: relative(file) }),
    ...(test && { test: relative(test) }),
  };
}

/** A character that was cut in two, here or with its line, is none that a model's endpoint takes. */
const clip = (text: string, chars: number): string =>
  (text.length <= chars ? text : `${text.slice(0, chars)}…`).toWellFormed();

/** Sum of the numbers before each of `words` in text like "3 failed, 2 passed". */
export function countOf(text: string, ...words: string[]): number {
  let sum = 0;
  for (const [, number, word] of text.matchAll(/(?<!\d)(\d{1,9}) ([a-z]+)/g)) {
    if (word && words.includes(word)) sum += Number(number);
  }
  return sum;
}

/** Sums counts, as of several runs of one runner in one output. */
export function add(one: Counts, other: Counts): Counts {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
  };
}

export const none: Counts = { passed: 0, failed: 0, skipped: 0 };

/** Lines without the indentation that all of them share. */
export function dedent(lines: readonly string[]): string {
  const filled = lines.filter((line) => line.trim() !== "");
  const indent = Math.min(...filled.map((line) => line.length - line.trimStart().length));
  return lines.map((line) => line.slice(Number.isFinite(indent) ? indent : 0)).join("\n").trim();
}

export interface Spot {
  file: string;
  line: number;
}

const frame = /(?:\(|^|\s)((?:file:\/\/)?[^\s():]+|(?:file:\/\/)?\/[^():]+):(\d+):\d+\)?$/;

/** How much of a stack is looked at: it is text that a program made up. */
const FRAMES = 50;
const FRAME_CHARS = 500;

/** The first frame of a JavaScript stack that is in the project's own code. */
export function firstOwnFrame(lines: readonly string[]): Spot | undefined {
  for (const line of lines.slice(0, FRAMES)) {
    const [, file, number] = frame.exec(line.trim().slice(0, FRAME_CHARS)) ?? [];
    if (!file || !number || /^(node|ext|internal|https?):|(^|\/)node_modules\/|^node:/.test(file)) {
      continue;
    }
    return { file: file.replace(/^file:\/\//, ""), line: Number(number) };
  }
  return undefined;
}

/** `spot`, named as in `relative` when both are the same file; `relative` where there is no spot. */
export function namedLike(spot: Spot | undefined, relative: Spot): Spot {
  const path = relative.file.replace(/^\.\//, "");
  if (!spot) return { ...relative, file: path };
  return spot.file === path || spot.file.endsWith(`/${path}`)
    ? { file: path, line: spot.line }
    : spot;
}
