/** CTest: one result for each registered program. */
import type { CheckFailure } from "../../server/records.ts";
import {
  add,
  banneredSpans,
  linesLike,
  none,
  type Parser,
  report,
  REPORT_FAILURES,
  type Span,
} from "./report.ts";

const summary = /^(\d+)% tests passed, (\d{1,9}) tests? failed out of (\d{1,9})$/;
const result = /^ *(\d+)\/(\d+) +Test +#(\d+): (\S.*?) \.{3,} *(.*?) +[\d.]+ sec$/;
const listed = /^\t *(\d+) - (\S.*) \(([^()]+)\)/;

/** Lines of a failed test's output that are quoted. */
const OUTPUT_LINES = 40;

export const ctest: Parser = (lines) => {
  const banners = linesLike(lines, /^Test project \S/);
  const spans = banneredSpans(lines, {
    banners,
    summaries: linesLike(lines, summary),
    sign: result,
  })
    .filter(({ from, to }) => countResults(lines.slice(from, to)) > 0);
  if (spans.length === 0) return null;
  const runs = spans.map((span, index) => runIn(lines, span, spans[index + 1]?.from));
  return {
    report: report(
      "ctest",
      runs.map(({ counts }) => counts).reduce(add, none),
      runs.flatMap(({ failures }) => failures),
    ),
    spans,
  };
};

const countResults = (lines: readonly string[]): number => linesLike(lines, result).length;

function runIn(lines: readonly string[], { from, to }: Span, end: number | undefined) {
  const [, , failed, all] = (summary.exec(lines[to] ?? "") ?? []).map(Number);
  const below = lines.slice(to + 1, end);
  const [ranNot, failedAt] = ["The following tests did not run:", "The following tests FAILED:"]
    .map((title) => below.indexOf(title));
  const skipped = listFrom(below, ranNot ?? -1);
  // Disabled tests are not part of the number, skipped ones are, as if they had passed.
  const passed = (all ?? 0) - (failed ?? 0) -
    skipped.filter(({ why }) => why !== "Disabled").length;
  const counts = { passed: Math.max(0, passed), failed: failed ?? 0, skipped: skipped.length };
  const run = lines.slice(from, to);
  const failures = listFrom(below, failedAt ?? -1).slice(0, REPORT_FAILURES)
    .map(({ test, number, why }): CheckFailure => ({ test, ...saidBy(run, number, why) }));
  return { counts, failures };
}

function listFrom(lines: readonly string[], start: number) {
  if (start < 0) return [];
  const list = lines.slice(start + 1);
  const end = list.findIndex((line) => !listed.test(line));
  return list.slice(0, end < 0 ? undefined : end).map((line) => {
    const [, number = "", test = "", why = ""] = listed.exec(line) ?? [];
    return { number, test, why };
  });
}

/** What a test printed: below its result (--output-on-failure), or with its number before each line (-V). */
function saidBy(run: readonly string[], number: string, why: string): Omit<CheckFailure, "test"> {
  const at = run.findLastIndex((line) => result.exec(line)?.[3] === number);
  const after = at < 0 ? [] : run.slice(at + 1, at + 1 + OUTPUT_LINES);
  const end = after.findIndex((line) =>
    result.test(line) || /^ *(Start +\d+: |test \d+$)/.test(line)
  );
  const own = after.slice(0, end < 0 ? undefined : end).filter((line) => line.trim() !== "");
  const numbered = run.filter((line) => line.startsWith(`${number}: `))
    .map((line) => line.slice(number.length + 2))
    .filter((line) =>
      !/^(Test command|Working Directory|Test timeout computed to be|Environment variables): ?/
        .test(line)
    );
  const said = own.length > 0 ? own : numbered.slice(-OUTPUT_LINES);
  const spot = said.flatMap((line) => {
    const [, file, row] = /(?:^|: )([^\s:()]+\.\w+):(\d+): /.exec(line) ?? [];
    return file ? [{ file, line: Number(row) }] : [];
  })[0];
  return { ...spot, message: [why, ...said].join("\n") };
}
