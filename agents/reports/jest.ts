/** Jest. */
import type { CheckFailure } from "../../server/records.ts";
import {
  add,
  countOf,
  dedent,
  firstOwnFrame,
  linesLike,
  none,
  ownSpans,
  type Parser,
  report,
  REPORT_FAILURES,
} from "./report.ts";

const BROKEN = "Test suite failed to run";
/** One suite's result, below which its failures stand; a project's name may come before the file. */
const suite = /^ ?(FAIL|PASS) +(?:[\w-]+ +)?(\S+)/;
/** Long runs list all failures a second time, below this. */
const SUMMARY = "Summary of all failing tests";

export const jest: Parser = (lines) => {
  const sums = linesLike(lines, /^Tests: .* total$/).flatMap((at) => sumAt(lines, at) ?? []);
  const own = ownSpans(lines, sums, (line) => suite.test(line) ? 1 : 0);
  if (own.length === 0) return null;
  const parts = own.map(({ span }) => withoutRepeats(lines.slice(span.from, span.to)));
  const broken = parts.flat().filter((line) => line === `  ● ${BROKEN}`).length;
  const counts = own.map(({ counts }) => counts).reduce(add, none);
  return {
    report: report(
      "jest",
      { ...counts, failed: counts.failed + broken },
      parts.flatMap(failuresIn),
    ),
    spans: own.map(({ span }) => span),
  };
};

/** The suites stand right above the tests, and the parts of each add up. */
function sumAt(lines: readonly string[], at: number) {
  const suites = lines[at - 1] ?? "";
  const tests = lines[at] ?? "";
  if (!suites.startsWith("Test Suites: ")) return null;
  const counts = {
    passed: countOf(tests, "passed"),
    failed: countOf(tests, "failed"),
    skipped: countOf(tests, "skipped", "todo"),
  };
  if (counts.passed + counts.failed + counts.skipped !== countOf(tests, "total")) return null;
  return { at, results: countOf(suites, "passed", "failed"), counts };
}

function withoutRepeats(lines: readonly string[]): readonly string[] {
  const repeats = lines.indexOf(SUMMARY);
  return repeats < 0 ? lines : lines.slice(0, repeats);
}

/** "FAIL file", then "● name" for each failure. */
function failuresIn(lines: readonly string[]): CheckFailure[] {
  const failures: CheckFailure[] = [];
  let file = "";
  for (let at = 0; at < lines.length && failures.length < REPORT_FAILURES; at++) {
    const [, state, path] = suite.exec(lines[at] ?? "") ?? [];
    if (path) file = state === "FAIL" ? path : "";
    const name = /^ {2}● (.+)$/.exec(lines[at] ?? "")?.[1];
    if (file && name && name !== "Console") {
      failures.push(failureOf(file, name, bodyFrom(lines, at + 1)));
    }
  }
  return failures;
}

function bodyFrom(lines: readonly string[], start: number): readonly string[] {
  const length = lines.slice(start).findIndex((line) => /^( {2}● | ?(FAIL|PASS) |\S)/.test(line));
  return lines.slice(start, length < 0 ? undefined : start + length);
}

function failureOf(file: string, name: string, body: readonly string[]): CheckFailure {
  const end = body.findIndex((line) => /^ {4}(?: *>? *\d+ \|| {2}at )/.test(line));
  const message = dedent(body.slice(0, end < 0 ? undefined : end));
  const own = firstOwnFrame(body.filter((line) => /^ {6}at /.test(line)));
  // Frames are relative to Jest's root, the heading to the folder where it was started.
  const same = own && (file === own.file || file.endsWith(`/${own.file}`));
  const spot = own ? { file: same ? file : own.file, line: own.line } : { file };
  return name === BROKEN ? { ...spot, message } : { ...spot, test: name, message };
}
