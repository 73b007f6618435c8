/** ESLint, in its default ("stylish") and its "unix" form. Warnings are no failures. */
import type { CheckFailure } from "../../server/records.ts";
import { countOf, type Parser, report, type Span } from "./report.ts";

const summary = /^✖ \d+ problems? \((.*)\)$/;
const problem = /^ {2}(\d+):\d+ +(error|warning) {2,}(\S.*)$/;
const unix = /^(\S.*?):(\d+):\d+: (.+) \[Error(?:\/(\S+))?\]$/;

export const eslint: Parser = (lines) => stylish(lines) ?? unixStyle(lines);

/** The path of a file, its problems below it, and at the end their number. */
function stylish(lines: readonly string[]) {
  const failures: CheckFailure[] = [];
  const spans: Span[] = [];
  let file = "";
  let first = -1;
  let failed = 0;
  for (const [at, line] of lines.entries()) {
    const [, number, severity, text = ""] = problem.exec(line) ?? [];
    if (/^(\/|[A-Z]:\\)\S/.test(line)) file = line;
    else if (line === "") file = "";
    else if (file && number) {
      if (first < 0) first = at;
      if (severity === "error") {
        failures.push({ file, line: Number(number), message: ruleLast(text) });
      }
    }
    const counts = summary.exec(line)?.[1];
    if (counts === undefined || first < 0) continue;
    failed += countOf(counts, "error", "errors");
    spans.push({ from: first, to: at });
    first = -1;
  }
  if (spans.length === 0 || failed === 0) return null;
  return { report: report("eslint", { passed: 0, failed, skipped: 0 }, failures), spans };
}

/** "message   rule" as "message (rule)"; a parsing error has no rule. */
function ruleLast(text: string): string {
  const [, message, rule] = /^(.*\S) {2,}(\S+)$/.exec(text.trimEnd()) ?? [];
  return message ? `${message} (${rule})` : text.trim();
}

function unixStyle(lines: readonly string[]) {
  const to = lines.findLastIndex((line) => /^\d+ problems?$/.test(line));
  if (to < 0) return null;
  const failures = lines.slice(0, to).flatMap((line) => {
    const [, file, number, message, rule] = unix.exec(line) ?? [];
    return file
      ? [{ file, line: Number(number), message: rule ? `${message} (${rule})` : message ?? "" }]
      : [];
  });
  if (failures.length === 0) return null;
  const counts = { passed: 0, failed: failures.length, skipped: 0 };
  return { report: report("eslint", counts, failures), spans: [{ from: 0, to }] };
}
