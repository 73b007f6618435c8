/**
 * Counts and failures read from what a project's build or test command printed.
 *
 * A test may print anything, also a summary that says all is well. So: a summary counts only in its runner's whole
 * form, with sums that add up and as many results above it as it counts; of several in one run the last is the
 * runner's own, since it comes after the tests; and what looks like another runner's run inside a run is what a test
 * printed. Whoever forges all of that is met by the exit code: a report of a command that failed never says that all
 * passed.
 */
import type { CheckReport } from "../../server/records.ts";
import { cargo } from "./cargo.ts";
import { compilers } from "./compilers.ts";
import { ctest } from "./ctest.ts";
import { deno } from "./deno.ts";
import { eslint } from "./eslint.ts";
import { goTest } from "./go.ts";
import { jest } from "./jest.ts";
import { mocha } from "./mocha.ts";
import { nodeSpec } from "./node_spec.ts";
import { prove } from "./prove.ts";
import { pytest } from "./pytest.ts";
import {
  add,
  CUT,
  none,
  type Parsed,
  type Parser,
  relativeTo,
  report,
  spanAround,
} from "./report.ts";
import { surefire } from "./surefire.ts";
import { tap } from "./tap.ts";
import { withoutControls } from "./terminal.ts";
import { unittest } from "./unittest.ts";
import { vitest } from "./vitest.ts";

export { parseJUnit } from "./junit.ts";

/** Most characters that are read, from the end, where runners put their summaries. */
export const REPORT_CHARS = 1024 * 1024;
/** Most lines, from the end, and most characters of each. The patterns look at each line a few times. */
const REPORT_LINES = 50_000;
const LINE_CHARS = 2_000;
/** Lines after the summary that are quoted when the command failed for a reason that no parser knows. */
const LAST_LINES = 20;

const runners: Parser[] = [
  ...[prove, tap, nodeSpec, deno, pytest, unittest, goTest, cargo],
  ...[jest, vitest, mocha, surefire, ctest],
];

export interface ReportOptions {
  /** Folder in which the command ran: failures name files relative to it. */
  root?: string;
  /** Null: a signal or its time limit ended the command. Left out: not known. */
  exitCode?: number | null;
}

/**
 * What runners and compilers said; null when none of them is recognised. Several runners in one output are
 * added up. Compilers' errors count where the command did not succeed and no test runner told of a failure.
 */
export function parseReport(output: string, options: ReportOptions = {}): CheckReport | null {
  const lines = plainLines(output);
  const found = ownOf(lines);
  const failing = found.some(({ report }) => report.failed > 0);
  if (!failing && options.exitCode !== 0) {
    const rest = found.reduce(outside, lines);
    found.push(...[compilers, eslint].flatMap((parse) => parse(rest) ?? []));
  }
  if (found.length === 0) return null;
  const merged = mergeReports(found.map(({ report }) => report));
  const failed = options.exitCode !== undefined && options.exitCode !== 0;
  const all = failed && merged.failed === 0 ? withExit(merged, options, found, lines) : merged;
  return { ...all, failures: all.failures.map((failure) => relativeTo(failure, options.root)) };
}

/** Several reports of one check as one, such as those of many JUnit files. Throws when there is none. */
export function mergeReports(reports: readonly CheckReport[]): CheckReport {
  if (reports.length === 0) throw new Error("Cannot merge reports: there is none");
  const formats = [...new Set(reports.map(({ format }) => format))];
  return report(
    formats.join(" + "),
    reports.reduce(add, none),
    reports.flatMap(({ failures }) => failures),
  );
}

/** Without what a test of another runner printed: a summary that stands inside another's run is none. */
function ownOf(lines: readonly string[]): Parsed[] {
  const found = runners.flatMap((parse) => {
    const parsed = parse(lines);
    return parsed ? [{ parse, parsed }] : [];
  });
  const sure = found.filter(({ parsed }) => !parsed.weak).flatMap(
    ({ parse, parsed }, index, all) => {
      const around = all.filter((other, at) =>
        at !== index && parsed.spans.some(({ to }) => {
          const outer = spanAround(other.parsed.spans, to);
          return outer !== undefined && (outer.to > to || at < index);
        })
      );
      if (around.length === 0) return [parsed];
      const again = parse(around.reduce((rest, { parsed }) => outside(rest, parsed), lines));
      return again && !again.weak ? [again] : [];
    },
  );
  const free = found.map(({ parsed }) => parsed).filter((one) => one.weak && isFree(one, sure));
  const last = free.toSorted((one, other) => endOf(one) - endOf(other)).slice(-1);
  return [...sure, ...last];
}

const endOf = ({ spans }: Parsed): number => spans.at(-1)?.to ?? 0;

/** Whether no test of these runners can have printed it: it stands in no run, and above one only with a banner. */
function isFree({ spans }: Parsed, sure: readonly Parsed[]): boolean {
  const runs = sure.flatMap(({ spans }) => spans);
  return spans.every(({ from, to }) => {
    const next = runs.filter((run) =>
      run.to >= from
    ).toSorted((one, other) => one.from - other.from)[0];
    return !next || next.from > to && next.banner === true;
  });
}

/** The same lines, without those of a run: a compiler's error in it was printed by a test. */
const outside = (lines: readonly string[], { spans }: Parsed): readonly string[] =>
  lines.map((line, at) => spanAround(spans, at) ? "" : line);

/** All tests passed, and the command failed: for a limit on coverage, say, or a crash after the last test. */
function withExit(
  merged: CheckReport,
  { exitCode }: ReportOptions,
  found: readonly Parsed[],
  lines: readonly string[],
): CheckReport {
  const end = Math.max(...found.flatMap(({ spans }) => spans.map(({ to }) => to)));
  const after = lines.slice(end + 1).filter((line) => line.trim() !== "").slice(0, LAST_LINES);
  const how = exitCode === null ? "was ended before it was done" : `failed with code ${exitCode}`;
  const message = [`The command ${how}, though no test is reported as failed`, ...after].join("\n");
  return report(merged.format, { ...merged, failed: 1 }, [{ message }]);
}

/** What stands for the middle of an output that was too long to be kept. */
const leftOut = /^\[\d+ bytes left out\]$/;
/** Fewest characters that are kept on each side of it; so a test can't print it into a short output. */
const KEPT_CHARS = 30_000;

function gapIn(output: string): boolean {
  const at = output.lastIndexOf(" bytes left out]\n");
  return at >= KEPT_CHARS && output.length - at >= KEPT_CHARS;
}

function plainLines(output: string): string[] {
  const lines = withoutControls(output.slice(-REPORT_CHARS)).split(/\r\n|\n|\r/);
  const cut = output.length > REPORT_CHARS || lines.length > REPORT_LINES;
  const last = lines.slice(-REPORT_LINES).map((line) => line.slice(0, LINE_CHARS));
  const shown = last.map((line) => line === CUT ? "" : line);
  const gap = gapIn(output) ? shown.findLastIndex((line) => leftOut.test(line)) : -1;
  if (gap >= 0) shown[gap] = CUT;
  return cut ? [CUT, ...shown] : shown;
}
