/** Vitest. */
import type { CheckFailure } from "../../server/records.ts";
import { countOf, type Parser, report, REPORT_FAILURES, type Spot } from "./report.ts";

/** Heading of a failure: `FAIL  file > suite > test`, with a project's name in between where there is one. */
const head = /^ FAIL {1,2}(?:\|[^|]+\| )?(.+)$/;
const place = /^ ❯ (?:.* )?([^\s():]+):(\d+):\d+$/;

export const vitest: Parser = (lines) => {
  if (!lines.some((line) => /^ *Test Files {2}/.test(line))) return null;
  const tests = lines.findLast((line) => /^ *Tests {2}/.test(line)) ?? "";
  const broken = lines.filter((line) => head.test(line) && !line.includes(" > ")).length;
  return report("vitest", {
    passed: countOf(tests, "passed"),
    failed: countOf(tests, "failed") + broken,
    skipped: countOf(tests, "skipped", "todo"),
  }, failuresIn(lines));
};

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
