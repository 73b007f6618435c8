/** What the parsers of the runners' outputs share. */
import type { CheckFailure, CheckReport } from "../../server/records.ts";

/** Most failures that a report lists; all of them are counted. */
export const REPORT_FAILURES = 50;
/** Most characters of one failure's message. */
export const FAILURE_CHARS = 2_000;
const NAME_CHARS = 300;

/** Reads one runner's output, given as lines without colours; null when the output is not that runner's. */
export type Parser = (lines: readonly string[]) => CheckReport | null;

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

const clip = (text: string, chars: number): string =>
  text.length <= chars ? text : `${text.slice(0, chars)}…`;

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
    if (!file || !number || /^(node|ext|internal|https?):|\/node_modules\/|^node:/.test(file)) {
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
