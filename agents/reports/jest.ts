/** Jest. */
import type { CheckFailure } from "../../server/records.ts";
import { countOf, dedent, firstOwnFrame, type Parser, report, REPORT_FAILURES } from "./report.ts";

const BROKEN = "Test suite failed to run";
/** Long runs list all failures a second time, below this. */
const SUMMARY = "Summary of all failing tests";

export const jest: Parser = (lines) => {
  const tests = lines.findLast((line) => /^Tests: .* total$/.test(line));
  if (!tests) return null;
  const all = lines.indexOf(SUMMARY);
  const own = all < 0 ? lines : lines.slice(0, all);
  const broken = own.filter((line) => line === `  ● ${BROKEN}`).length;
  return report("jest", {
    passed: countOf(tests, "passed"),
    failed: countOf(tests, "failed") + broken,
    skipped: countOf(tests, "skipped", "todo"),
  }, failuresIn(own));
};

/** "FAIL file", then "● name" for each failure. */
function failuresIn(lines: readonly string[]): CheckFailure[] {
  const failures: CheckFailure[] = [];
  let file = "";
  for (let at = 0; at < lines.length && failures.length < REPORT_FAILURES; at++) {
    const [, state, path] = /^ ?(FAIL|PASS) +(\S+)/.exec(lines[at] ?? "") ?? [];
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
