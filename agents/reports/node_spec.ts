/** What `node --test` prints for people: the "spec" reporter, its default since Node 23 and on terminals. */
import type { CheckFailure } from "../../server/records.ts";
import { errorBefore } from "./node_errors.ts";
import {
  dedent,
  firstOwnFrame,
  namedLike,
  type Parser,
  report,
  REPORT_FAILURES,
} from "./report.ts";

export const nodeSpec: Parser = (lines) => {
  const sums = new Map<string, number>();
  for (const line of lines) {
    const [, word, number] = /^ℹ ([a-z]+) (\d+)$/.exec(line) ?? [];
    if (word) sums.set(word, (sums.get(word) ?? 0) + Number(number));
  }
  if (!sums.has("tests")) return null;
  const sum = (word: string) => sums.get(word) ?? 0;
  const counts = {
    passed: sum("pass"),
    failed: sum("fail") + sum("cancelled"),
    skipped: sum("skipped") + sum("todo"),
  };
  return report("node --test", counts, failuresIn(lines));
};

/** The list under "failing tests": "test at file:line:column", "✖ name (ms)", and the indented error. */
function failuresIn(lines: readonly string[]): CheckFailure[] {
  const failures: CheckFailure[] = [];
  for (let at = 0; at < lines.length && failures.length < REPORT_FAILURES; at++) {
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
