/** Maven's Surefire and Failsafe, also with -q. Files are named below their source folder, as Java names them. */
import type { CheckFailure } from "../../server/records.ts";
import { javaSpot } from "./java_stack.ts";
import {
  add,
  type Counts,
  CUT,
  linesLike,
  none,
  type Parser,
  report,
  REPORT_FAILURES,
  type Span,
} from "./report.ts";

const sums =
  /^(?:\[\w+\] )?Tests run: (\d{1,9}), Failures: (\d{1,9}), Errors: (\d{1,9}), Skipped: (\d{1,9})(.*)$/;
/** A test that failed: its name, and how long it took. */
const head =
  /^(?:\[ERROR\] )?(\S.*?)(?: -- Time elapsed: |  +Time elapsed: )[\d.,]+ s(?:ec)? +<<< (?:FAILURE|ERROR)!$/;

const title = /^(?:\[INFO\] )? ?T E S T S$/;

interface SurefireRun {
  counts: Counts;
  span: Span;
}

export const surefire: Parser = (lines) => {
  const runs = runsIn(lines);
  if (runs.length === 0) return null;
  const counts = runs.map(({ counts }) => counts).reduce(add, none);
  const failures = runs.flatMap(({ span }) => failuresIn(lines.slice(span.from, span.to)));
  return { report: report("surefire", counts, failures), spans: runs.map(({ span }) => span) };
};

/** Each class has a line with its sums, and the run one without a time: it counts when it is their sum. */
function runsIn(lines: readonly string[]): SurefireRun[] {
  const runs: SurefireRun[] = [];
  let classes = none;
  let from = -1;
  let whole = true; // no class can be missing
  for (const [at, line] of lines.entries()) {
    if (title.test(line)) [classes, from, whole] = [none, at, true];
    if (line === CUT) whole = false;
    const [, tests, failed, errors, skipped, rest = ""] = sums.exec(line) ?? [];
    if (tests === undefined) continue;
    const counts = {
      passed: Math.max(0, Number(tests) - Number(failed) - Number(errors) - Number(skipped)),
      failed: Number(failed) + Number(errors),
      skipped: Number(skipped),
    };
    if (/^, Time elapsed: /.test(rest)) {
      if (from < 0) from = at;
      classes = add(classes, counts);
    } else if (from >= 0 && (!whole || isSum(counts, classes) || hasResults(lines, at))) {
      const banner = title.test(lines[from] ?? "") ? { banner: true as const } : {};
      if (runs.at(-1)?.span.from === from) runs.pop();
      runs.push({ counts, span: { from, to: at, ...banner } });
      if (whole) [classes, from] = [none, -1]; // else a later sum may be the runner's own
    }
  }
  return runs;
}

const isSum = (counts: Counts, classes: Counts): boolean =>
  counts.passed === classes.passed && counts.failed === classes.failed &&
  counts.skipped === classes.skipped;

/** Longest list of failures that is looked through. */
const LIST_LINES = 500;

/** With -q only classes with failures are named; above the sum stand all failures, in a list. */
function hasResults(lines: readonly string[], at: number): boolean {
  const above = lines.slice(Math.max(0, at - LIST_LINES), at);
  const title = above.findLast((line) => !/^(\[\w+\] *( {2}\S.*)?)?$/.test(line));
  return /^\[(ERROR|WARNING)\] (Failures|Errors|Flakes):/.test(title ?? "");
}

function failuresIn(lines: readonly string[]): CheckFailure[] {
  const heads = linesLike(lines, head).filter((at) => !sums.test(lines[at] ?? ""));
  return heads.slice(0, REPORT_FAILURES).map((at) => {
    const name = head.exec(lines[at] ?? "")?.[1] ?? "";
    const rest = lines.slice(at + 1);
    const end = rest.findIndex((line) => line === "" || /^\[\w+\]/.test(line));
    const body = rest.slice(0, end < 0 ? undefined : end);
    const stack = body.findIndex((line) => /^\s+at /.test(line));
    const message = body.slice(0, stack < 0 ? undefined : stack).join("\n");
    // "demo.CalcTest.adds", and before version 3 "adds(demo.CalcTest)".
    const [, method, old] = /^(\w+)\(([\w.$]+)\)$/.exec(name) ?? [];
    const test = old ? `${old}.${method}` : name;
    return { ...javaSpot(body, test.replace(/\.[^.]*$/, "")), test, message };
  });
}
