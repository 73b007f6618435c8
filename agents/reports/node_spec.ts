/** What `node --test` prints for people: the "spec" reporter, its default since Node 23 and on terminals. */
import type { CheckFailure } from "../../server/records.ts";
import { errorBefore } from "./node_errors.ts";
import { SUM_LINES, sumsIn } from "./node_sums.ts";
import {
  add,
  dedent,
  firstOwnFrame,
  linesLike,
  namedLike,
  none,
  ownSpans,
  type Parser,
  report,
  REPORT_FAILURES,
} from "./report.ts";

export const nodeSpec: Parser = (lines) => {
  const sums = linesLike(lines, /^ℹ tests \d+$/).flatMap((at) => sumAt(lines, at) ?? []);
  const own = ownSpans(lines, sums, (line) => result.test(line) ? 1 : 0);
  if (own.length === 0) return null;
  const counts = own.map(({ counts }) => counts).reduce(add, none);
  // The failures stand below their summary.
  return {
    report: report("node --test", counts, failuresIn(lines, own[0]?.at ?? 0)),
    spans: own.map(({ span }) => span),
  };
};

const result = /^ *[✔✖﹣⚠] .*\([\d.]+ms\)/;

/** The sums stand below each other, and add up. */
function sumAt(lines: readonly string[], at: number) {
  const sums = sumsIn(lines.slice(at, at + SUM_LINES), /^ℹ ([a-z]+) (\d{1,9})$/);
  return sums && { at, results: sums.tests, counts: sums.counts };
}

/** The list under "failing tests": "test at file:line:column", "✖ name (ms)", and the indented error. */
function failuresIn(lines: readonly string[], start: number): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (let at = start; at < lines.length && failures.length < REPORT_FAILURES; at++) {
    const [, file, line] = /^test at (.+?):(\d+):\d+$/.exec(lines[at] ?? "") ?? [];
    const [, name] = /^✖ (.+?)(?: \([\d.]+ms\))?$/.exec(lines[at + 1] ?? "") ?? [];
    if (!file || !name) continue;
    const body = indentedFrom(lines, at + 2);
    const stack = body.findIndex((text) => /^\s+at /.test(text));
    const message = dedent(stack < 0 ? body : body.slice(0, stack));
    const spot = namedLike(firstOwnFrame(body.slice(stack < 0 ? body.length : stack)), {
      file,
      line: Number(line),
    });
    const whole = message === "'test failed'" ? errorBefore(lines, firstLineOf(lines, name)) : {};
    failures.push({ ...spot, test: name, message, ...whole });
  }
  return failures;
}

function indentedFrom(lines: readonly string[], start: number): readonly string[] {
  const length = lines.slice(start).findIndex((line) => line !== "" && !/^\s/.test(line));
  return lines.slice(start, length < 0 ? undefined : start + length);
}

const firstLineOf = (lines: readonly string[], name: string): number =>
  lines.findIndex((line) => line.startsWith(`✖ ${name}`));
