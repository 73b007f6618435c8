/** Mocha, with its reporters for people: spec, dot, min, list, nyan. */
import type { CheckFailure } from "../../server/records.ts";
import {
  add,
  type Counts,
  cutIn,
  dedent,
  firstOwnFrame,
  linesLike,
  none,
  ownSpans,
  type Parser,
  report,
  REPORT_FAILURES,
  type Span,
} from "./report.ts";

const passing = /^ {2}(\d{1,9}) passing \(\d+\w+\)$/;
const result = /^ +(?:[✔✓√] |\d+\) |- )\S/;

interface Sum {
  at: number;
  results: number;
  counts: Counts;
}

export const mocha: Parser = (lines) => {
  const sums = linesLike(lines, passing).flatMap((at) => sumAt(lines, at) ?? []);
  const last = sums.at(-1);
  if (!last) return null;
  const own = ownSpans(lines, sums, (line) => result.test(line) ? 1 : 0);
  // Other reporters than "spec" list no results: then there is only the last summary to go by.
  const runs = own.at(-1)?.at === last.at
    ? own
    : [{ ...last, span: { from: last.at, to: last.at } }];
  const counts = runs.map(({ counts }) => counts).reduce(add, none);
  const ends = runs.map((_, index) => runs[index + 1]?.span.from ?? lines.length);
  const failures = runs.flatMap(({ at }, index) => failuresIn(lines.slice(at, ends[index])));
  const spans: Span[] = runs.map(({ span }) => span);
  return {
    report: report("mocha", counts, failures),
    spans,
    weak: own.length === 0 && cutIn(lines) < 0,
  };
};

/** Empty lines stand around the sums; what is pending or failing is named below what passes. */
function sumAt(lines: readonly string[], at: number): Sum | null {
  const number = (word: string) => {
    const line = lines.slice(at + 1, at + 3).find((text) =>
      new RegExp(`^ {2}\\d+ ${word}$`).test(text)
    );
    return Number(line?.trim().split(" ")[0] ?? 0);
  };
  const counts = {
    passed: Number(passing.exec(lines[at] ?? "")?.[1]),
    failed: number("failing"),
    skipped: number("pending"),
  };
  const below = lines[at + 1 + Number(counts.failed > 0) + Number(counts.skipped > 0)] ?? "";
  if (lines[at - 1] !== "" || below !== "") return null;
  return { at, results: counts.passed + counts.failed + counts.skipped, counts };
}

const head = /^ {2}\d+\) (\S.*)$/;

/** "1) suite", below it deeper suites and the test with a colon, then the error with its stack. */
function failuresIn(lines: readonly string[]): CheckFailure[] {
  const heads = linesLike(lines, head);
  return heads.slice(0, REPORT_FAILURES).map((at, index) => {
    const body = lines.slice(at, heads[index + 1]);
    const named = body.findIndex((line) => line.endsWith(":") && !/^ {6}at /.test(line));
    const names = body.slice(0, named + 1).map((line) => line.trim());
    const test = names.join(" > ").replace(/^\d+\) /, "").replace(/:$/, "");
    const rest = body.slice(named + 1);
    const stack = rest.findIndex((line) => /^ {6}at /.test(line));
    const message = dedent(stack < 0 ? rest : rest.slice(0, stack));
    const own = stack < 0 ? undefined : firstOwnFrame(rest.slice(stack));
    return { ...own, ...(test && { test }), message };
  });
}
