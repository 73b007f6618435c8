/** Python's unittest. */
import type { CheckFailure } from "../../server/records.ts";
import { type Parser, report, REPORT_FAILURES, type Span } from "./report.ts";

const RULE = /^={70}$/;
const THIN_RULE = /^-{70}$/;

export const unittest: Parser = (lines) => {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const spans: Span[] = [];
  for (let at = 0; at < lines.length; at++) {
    const ran = /^Ran (\d{1,9}) tests? in [\d.]+s$/.exec(lines[at] ?? "")?.[1];
    if (ran === undefined || !THIN_RULE.test(lines[at - 1] ?? "")) continue;
    spans.push({ from: (spans.at(-1)?.to ?? -1) + 1, to: at });
    const result = lines.slice(at + 1, at + 4).find((line) =>
      /^(OK|FAILED|NO TESTS RAN)\b/.test(line)
    ) ?? "";
    const count = (word: string) => Number(new RegExp(`\\b${word}=(\\d+)`).exec(result)?.[1] ?? 0);
    const failed = count("failures") + count("errors") + count("unexpected successes");
    const skipped = count("skipped") + count("expected failures");
    counts.failed += failed;
    counts.skipped += skipped;
    counts.passed += Math.max(0, Number(ran) - failed - skipped);
  }
  if (spans.length === 0) return null;
  const first = lines.findIndex((line) => /^[.FEsxu]+$|^={70}$|^test.* \.\.\. /.test(line));
  const [run] = spans;
  if (run) run.from = first < 0 ? run.to : Math.min(first, run.to);
  return { report: report("unittest", counts, failuresIn(lines)), spans };
};

function failuresIn(lines: readonly string[]): CheckFailure[] {
  const heads = lines.flatMap((line, at) =>
    RULE.test(line) && THIN_RULE.test(lines[at + 2] ?? "") ? [at] : []
  );
  return heads.slice(0, REPORT_FAILURES).map((at) => {
    const [, test] = /^(?:FAIL|ERROR): (.+)$/.exec(lines[at + 1] ?? "") ?? [];
    const end = lines.findIndex((line, below) =>
      below > at + 2 && (RULE.test(line) || THIN_RULE.test(line))
    );
    const body = lines.slice(at + 3, end < 0 ? undefined : end);
    const places = body.flatMap((line, index) => {
      const [, file, number] = /^ {2}File "(.+?)", line (\d+)/.exec(line) ?? [];
      return file && !/\/(site-packages|lib\/python[\d.]+)\//.test(file)
        ? [{ file, line: Number(number), index }]
        : [];
    });
    const last = places.at(-1);
    // After the frames, which are indented, comes the exception with its message.
    const message = body.slice((last?.index ?? 0) + 1).filter((line) => !/^ {2,}/.test(line)).join(
      "\n",
    );
    return { ...(last && { file: last.file, line: last.line }), ...(test && { test }), message };
  });
}
