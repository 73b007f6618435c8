/**
 * TAP 12 to 14, and what `node --test` prints as TAP. Read here because the library for it brings four more
 * packages and counts parents of subtests as tests.
 */
import type { CheckFailure } from "../../server/records.ts";
import { SUM_LINES, sumsIn } from "./node_sums.ts";
import { add, type Counts, cutIn, none, type Parser, report, REPORT_FAILURES } from "./report.ts";
import { failureOf, type Result } from "./tap_details.ts";
import { type Stream, streamsIn, versionLine } from "./tap_results.ts";

export const tap: Parser = (lines) => {
  const bail = lines.findIndex((line) => line.startsWith("Bail out!"));
  // Without version and plan, only results that are numbered from 1 are taken for TAP.
  const known = lines.some((line) => /^(TAP version \d+|1\.\.\d+\b|(not )?ok 1\b)/.test(line));
  if (!known) return null;
  const streams = streamsIn(lines);
  if (streams.length === 0 && bail < 0) return null;
  const ofNode = streams.map((stream, index) => countsOfNode(lines, stream, streams[index + 1]));
  const counts = streams.map(({ results }, index) => ofNode[index] ?? countsOf(results));
  const failed = streams.flatMap(({ results }) => results.filter(isFailure));
  const failures = failed.slice(0, REPORT_FAILURES).map((result) => failureOf(result, lines));
  const missing = missingOf(cutIn(lines) >= 0 ? [] : streams, lines[bail]);
  if (missing) failures.unshift(missing);
  const all = counts.reduce(add, none);
  const format = ofNode.some((counts) => counts !== null) ? "node --test" : "TAP";
  const spans = streams.map(({ from, to }) => ({ from, to }));
  return {
    report: report(format, { ...all, failed: all.failed + (missing ? 1 : 0) }, failures),
    spans: spans.length > 0 ? spans : [{ from: bail, to: bail }],
    weak: all.failed === 0 && !missing && !lines.some((line) => versionLine.test(line)),
  };
};

const isFailure = (result: Result, at: number, all: Result[]): boolean =>
  !result.ok && result.directive === null && !(result.parent && childFailed(all, at));

/** A parent fails because of its children, or by itself (in a hook, say): only then is it a failure. */
function childFailed(all: Result[], parentAt: number): boolean {
  const indent = all[parentAt]?.indent ?? 0;
  for (let at = parentAt - 1; at >= 0; at--) {
    const child = all[at];
    if (!child || child.indent <= indent) return false;
    if (!child.ok && child.directive === null) return true;
  }
  return false;
}

function countsOf(results: Result[]): Counts {
  const leaves = results.filter((result) => !result.parent);
  return {
    passed: leaves.filter((result) => result.ok && result.directive === null).length,
    failed: results.filter(isFailure).length,
    skipped: leaves.filter((result) => result.directive !== null).length,
  };
}

/** Node sums up by itself, below the last result of a stream; what was cancelled did not pass. */
function countsOfNode(
  lines: readonly string[],
  { to, results }: Stream,
  next?: Stream,
): Counts | null {
  const end = Math.min(next?.from ?? lines.length, to + 1 + SUM_LINES * 2);
  const at = lines.slice(to, end).findIndex((line) => /^# tests \d+$/.test(line));
  if (at < 0 || !lines.slice(to + 1, to + at).every((line) => line.startsWith("#"))) return null;
  const block = lines.slice(to + at, to + at + SUM_LINES);
  const sums = sumsIn(block, /^# ([a-z]+) (\d{1,9})$/);
  return sums && (sums.tests <= results.length || cutIn(lines) >= 0) ? sums.counts : null;
}

/** A run that stopped early has fewer results than it planned. */
function missingOf(streams: Stream[], bail: string | undefined): CheckFailure | null {
  if (bail !== undefined) return { message: bail };
  const planned = streams.reduce((sum, stream) => sum + (stream.planned ?? 0), 0);
  const ran = streams.filter((stream) => stream.planned !== null)
    .reduce((sum, { results }) => sum + results.filter(({ indent }) => indent === 0).length, 0);
  return planned > ran ? { message: `${planned} tests were planned, but only ${ran} ran` } : null;
}
