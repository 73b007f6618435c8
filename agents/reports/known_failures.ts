/** Which failures of a check its project had before any agent edited, and whether there are others. */
import type { CheckFailure, CheckReport } from "../../server/records.ts";

/** The report with those failures marked that the untouched base had too. */
export function markKnown(
  report: CheckReport | null,
  base: CheckReport | null,
): CheckReport | null {
  if (!report || !base) return report;
  const known = knownOf(report, base);
  return {
    ...report,
    failures: report.failures.map((failure) =>
      known.has(failure) ? { ...failure, before: true as const } : failure
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
    knownOf(report, base).size === report.failures.length;
}

const ran = ({ passed, failed, skipped }: CheckReport): number => passed + failed + skipped;

/**
 * The failures that the base had, each of the base's taken once: where two tests have one name and one of them failed
 * before, the other is new. What says the same as well goes first.
 */
function knownOf(report: CheckReport, base: CheckReport): Set<CheckFailure> {
  const known = new Set<CheckFailure>();
  const left = [...base.failures];
  for (const asWell of [true, false]) {
    for (const failure of report.failures) {
      if (known.has(failure)) continue;
      const at = left.findIndex((one) =>
        isSame(one, failure) && (!asWell || one.message === failure.message)
      );
      if (at < 0) continue;
      left.splice(at, 1);
      known.add(failure);
    }
  }
  return known;
}

/** The same test, or where it is none the same message in the same file; lines move. */
const isSame = (known: CheckFailure, { test, file, message }: CheckFailure): boolean =>
  test
    ? known.test === test && (!known.file || !file || known.file === file)
    : file !== undefined && !known.test && known.file === file && known.message === message;

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
