/** Vitest. */
import type { CheckFailure } from "../../server/records.ts";
import {
  add,
  banneredSpans,
  countOf,
  linesLike,
  none,
  type Parser,
  report,
  REPORT_FAILURES,
  type Spot,
} from "./report.ts";

const result = /^ [✓❯×] \S/;
/** Heading of a failure: `FAIL  file > suite > test`, with a project's name in between where there is one. */
const head = /^ FAIL {1,2}(?:\|[^|]+\| )?(.+)$/;
const place = /^ ❯ (?:.* )?([^\s():]+):(\d+):\d+$/;

export const vitest: Parser = (lines) => {
  const banners = linesLike(lines, /^ (?:RUN|DEV) {2}v\d/);
  const sums = linesLike(lines, /^ *Tests {2}/)
    .filter((at) => /^ *Test Files {2}/.test(lines[at - 1] ?? "") && isTimed(lines, at));
  const spans = banneredSpans(lines, { banners, summaries: sums, sign: result });
  if (spans.length === 0) return null;
  const parts = spans.map(({ from, to }) => lines.slice(from, to));
  const broken = parts.flat().filter((line) => head.test(line) && !line.includes(" > ")).length;
  const counts = spans.map(({ to }) => lines[to] ?? "").map((tests) => ({
    passed: countOf(tests, "passed"),
    failed: countOf(tests, "failed"),
    skipped: countOf(tests, "skipped", "todo"),
  })).reduce(add, none);
  return {
    report: report(
      "vitest",
      { ...counts, failed: counts.failed + broken },
      parts.flatMap(failuresIn),
    ),
    spans,
  };
};

/** Below the sums stands when the run began, sometimes after errors that belong to no test. */
const isTimed = (lines: readonly string[], at: number): boolean =>
  lines.slice(at + 1, at + 5).some((line) => /^ +(Start at|Duration) {2}/.test(line));

function failuresIn(lines: readonly string[]): CheckFailure[] {
  const heads = lines.flatMap((line, at) => head.test(line) ? [at] : []).slice(0, REPORT_FAILURES);
  return heads.map((at) => {
    const name = head.exec(lines[at] ?? "")?.[1] ?? "";
    const [file = "", ...parts] = name.replace(/ \[ .* \]$/, "").split(" > ");
    const length = lines.slice(at + 1).findIndex((line) => head.test(line) || /^⎯{5,}/.test(line));
    const body = lines.slice(at + 1, length < 0 ? undefined : at + 1 + length);
    const end = body.findIndex((line) => place.test(line));
    const message = body.slice(0, end < 0 ? undefined : end).join("\n");
    return {
      file,
      ...ownPlace(body),
      ...(parts.length > 0 && { test: parts.join(" > ") }),
      message,
    };
  });
}

function ownPlace(body: readonly string[]): Spot | undefined {
  for (const line of body) {
    const [, file, number] = place.exec(line) ?? [];
    if (file && !file.includes("node_modules/")) return { file, line: Number(number) };
  }
  return undefined;
}
