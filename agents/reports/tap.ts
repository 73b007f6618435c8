/**
 * TAP 12 to 14, and what `node --test` prints as TAP. Read here because the library for it brings four more
 * packages and counts parents of subtests as tests.
 */
import type { CheckFailure } from "../../server/records.ts";
import { type Counts, type Parser, report, REPORT_FAILURES } from "./report.ts";
import {
  BLOCK_LINES,
  blockStart,
  endOfBlock,
  failureOf,
  type Result,
  resultLine,
} from "./tap_details.ts";

const directiveIn = /(?:^|\s)#\s*(skip|todo)\b.*$/i;

export const tap: Parser = (lines) => {
  const bail = lines.find((line) => line.startsWith("Bail out!"));
  // Without version and plan, only results that are numbered from 1 are taken for TAP.
  const known = lines.some((line) => /^(TAP version \d+|1\.\.\d+\b|(not )?ok 1\b)/.test(line));
  const planned = lines.some((line) => /^1\.\.\d+/.test(line));
  const results = known ? resultsIn(lines) : [];
  if (results.length === 0 && !planned && !(known && bail)) return null;
  const failed = results.filter(isFailure);
  const failures = failed.slice(0, REPORT_FAILURES).map((result) => failureOf(result, lines));
  const ofNode = countsOfNode(lines);
  const counts = ofNode ?? countsOf(results);
  const missing = missingOf(results, lines, bail);
  if (missing) failures.unshift(missing);
  const format = ofNode ? "node --test" : "TAP";
  return report(format, { ...counts, failed: counts.failed + (missing ? 1 : 0) }, failures);
};

function resultsIn(lines: readonly string[]): Result[] {
  const results: Result[] = [];
  let unended = 0; // a block that begins before this line has no end
  for (let at = 0; at < lines.length; at++) {
    if (results.length > 0 && at >= unended && blockStart.test(lines[at] ?? "")) {
      const end = endOfBlock(lines, at);
      if (end === at) unended = at + BLOCK_LINES;
      at = end;
    }
    const match = resultLine.exec(lines[at] ?? "");
    if (!match) continue;
    const [, spaces = "", not, number, text = ""] = match;
    const directive = directiveIn.exec(text)?.[1]?.toLowerCase();
    const name = text.replace(directiveIn, "").replace(/\\#/g, "#");
    const indent = spaces.length;
    results.push({
      ok: !not,
      numbered: number !== undefined,
      name,
      directive: directive === "skip" || directive === "todo" ? directive : null,
      indent,
      parent: (results.at(-1)?.indent ?? 0) > indent,
      at,
    });
  }
  // Where results are numbered, a line that merely begins with "ok" is something a test printed.
  return results.some((result) => result.numbered)
    ? results.filter((result) => result.numbered)
    : results;
}

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

/** Node sums up by itself; what was cancelled did not pass. */
function countsOfNode(lines: readonly string[]): Counts | null {
  const sums = new Map<string, number>();
  for (const line of lines) {
    const [, word, number] = /^# (pass|fail|cancelled|skipped|todo) (\d+)$/.exec(line) ?? [];
    if (word) sums.set(word, (sums.get(word) ?? 0) + Number(number));
  }
  const sum = (word: string) => sums.get(word) ?? 0;
  // Other producers write "pass" and "fail" too; only node names what was cancelled.
  if (!sums.has("pass") || !sums.has("fail") || !sums.has("cancelled")) return null;
  return {
    passed: sum("pass"),
    failed: sum("fail") + sum("cancelled"),
    skipped: sum("skipped") + sum("todo"),
  };
}

/** A run that stopped early has fewer results than it planned. */
function missingOf(
  results: Result[],
  lines: readonly string[],
  bail: string | undefined,
): CheckFailure | null {
  if (bail !== undefined) return { message: bail };
  const planned = lines.reduce((sum, line) => sum + Number(/^1\.\.(\d+)/.exec(line)?.[1] ?? 0), 0);
  const ran = results.filter((result) => result.indent === 0).length;
  return planned > ran ? { message: `${planned} tests were planned, but only ${ran} ran` } : null;
}
