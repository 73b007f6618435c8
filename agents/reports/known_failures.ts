/** Which failures of a check its project had before any agent edited, and whether there are others. */
import type { CheckFailure, CheckReport } from "../../server/records.ts";

/** The report with those failures marked that the untouched base had too. */
export function markKnown(
  report: CheckReport | null,
  base: CheckReport | null,
): CheckReport | null {
  if (!report || !base) return report;
  return {
    ...report,
    failures: report.failures.map((failure) =>
      isIn(base, failure) ? { ...failure, before: true as const } : failure
    ),
  };
}

/**
 * Whether nothing failed but what the base had, as far as the reports can tell: each failure is listed and names its
 * test or file, and no fewer tests ran than before, so that a run that broke off does not pass for one.
 */
export function onlyKnown(report: CheckReport | null, base: CheckReport | null): boolean {
  if (!report || !base || report.failures.length === 0) return false;
  return report.failures.length >= report.failed && ran(report) >= ran(base) &&
    report.failures.every((failure) => isIn(base, failure));
}

const ran = ({ passed, failed, skipped }: CheckReport): number => passed + failed + skipped;

/** The same test, or where it is none the same message in the same file; lines move. */
function isIn(base: CheckReport, { test, file, message }: CheckFailure): boolean {
  return base.failures.some((known) =>
    test
      ? known.test === test && (!known.file || !file || known.file === file)
      : file !== undefined && !known.test && known.file === file && known.message === message
  );
}

/** Whether the report names the tests that failed and tells of nothing else, so that one more run can say more. */
export const namesItsTests = (report: CheckReport | null): boolean =>
  report !== null && report.failures.length > 0 && report.failures.length >= report.failed &&
  report.failures.every(({ test }) => test);

/** Tests that failed in the first of two runs on the same files and not in the second; each once. */
export function flakyTests(
  first: CheckReport | null,
  second: { passed: boolean; report: CheckReport | null },
): { file: string; test: string }[] {
  if (!first || !second.passed && !namesItsTests(second.report)) return [];
  const again = second.passed ? [] : second.report!.failures;
  const found = first.failures.filter(({ test, file }) =>
    test && !again.some((other) => other.test === test && other.file === file)
  );
  const byName = new Map(
    found.map(({ file = "", test }) => [`${file}\n${test}`, { file, test: test! }]),
  );
  return [...byName.values()];
}
