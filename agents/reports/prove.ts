/** `prove`, Perl's runner of TAP programs, also with -v. Its tests are those that ran, its skips those it names. */
import type { CheckFailure } from "../../server/records.ts";
import { cutIn, linesLike, type Parser, report, REPORT_FAILURES } from "./report.ts";

const sum = /^Files=(\d{1,9}), Tests=(\d{1,9}), +\d+ wallclock secs/;
const verdict = /^Result: (PASS|FAIL|NOTESTS)$/;
const program = /^(\S.*?) \.{2,} ?(.*)$/;
/** `t/a.t (Wstat: 512 (exited 2) Tests: 4 Failed: 2)`; older versions write the status without words. */
const failing = /^(\S.*?) +\(Wstat: (.+?) Tests: (\d+) Failed: (\d+)\)$/;

export const prove: Parser = (lines) => {
  const sums = linesLike(lines, sum).filter((at) => verdict.test(lines[at + 1] ?? ""));
  const at = sums.at(-1);
  if (at === undefined) return null;
  const [, files, tests] = (sum.exec(lines[at] ?? "") ?? []).map(Number);
  const programs = linesLike(lines.slice(0, at), program);
  if (programs.length === 0) return null;
  if (
    cutIn(lines) < 0 &&
    new Set(programs.map((line) => program.exec(lines[line] ?? "")?.[1])).size < (files ?? 0)
  ) {
    return null;
  }
  const summary = lines.findLastIndex((line, index) =>
    index < at && line === "Test Summary Report"
  );
  const failures = summary < 0 ? [] : failuresIn(lines, summary, at);
  const failed = failures.reduce((count, failure) => count + failure.count, 0);
  const skipped = programs.filter((line) =>
    /^skipped\b/.test(program.exec(lines[line] ?? "")?.[2] ?? "")
  );
  const counts = {
    passed: Math.max(0, (tests ?? 0) - failures.reduce((count, { ran }) => count + ran, 0)),
    failed,
    skipped: skipped.length,
  };
  const list = failures.flatMap(({ found }) => found).slice(0, REPORT_FAILURES);
  return {
    report: report("prove", counts, list),
    spans: [{ from: programs[0] ?? at, to: at + 1 }],
  };
};

interface Failing {
  /** Failures that count, of which `ran` are tests that ran. */
  count: number;
  ran: number;
  found: CheckFailure[];
}

/** Lines that are read of what the report says about one program. */
const DETAIL_LINES = 20;

function failuresIn(lines: readonly string[], from: number, to: number): Failing[] {
  return linesLike(lines.slice(0, to), failing).filter((at) => at > from).flatMap((at, index) => {
    const [, file = "", , tests, failed] = failing.exec(lines[at] ?? "") ?? [];
    const details = lines.slice(at + 1, Math.min(to, at + 1 + DETAIL_LINES));
    const end = details.findIndex((line) => !/^ {2}/.test(line));
    const said = details.slice(0, end < 0 ? undefined : end).map((line) => line.trim());
    const broken = said.filter((line) =>
      /^(Parse errors|Non-zero (exit|wait) status): /.test(line)
    );
    const ran = Number(failed);
    if (ran === 0 && broken.length === 0) return []; // it names what passed unexpectedly, too
    const found = index < REPORT_FAILURES ? failedTests(lines, file, from) : [];
    const died = ran === 0 || broken.some((line) => line.startsWith("Parse errors"));
    const message = [
      `${tests} tests ran`,
      ...said,
      ...(index < REPORT_FAILURES ? diedWith(lines, file, from) : []),
    ].join("\n");
    return [{
      count: ran + Number(died),
      ran,
      found: [...found.slice(0, ran), ...(died || found.length === 0 ? [{ file, message }] : [])],
    }];
  });
}

/** Programs write what failed on stderr: above the program's line, or nearby. */
function failedTests(lines: readonly string[], file: string, end: number): CheckFailure[] {
  return linesLike(lines.slice(0, end), /^# {3}Failed test/).flatMap((at) => {
    const [, name] = /^# {3}Failed test '(.*)'/.exec(lines[at] ?? "") ?? [];
    const [place, , path, line] =
      /^# {3}(in|at) (\S+) (?:at )?line (\d+)\.?$/.exec(lines[at + 1] ?? "") ?? [];
    if (!place || path !== file) return [];
    const more = lines.slice(at + 2, at + 2 + 10);
    const until = more.findIndex((text) => !/^# {4,}/.test(text));
    const message = more.slice(0, until < 0 ? undefined : until).map((text) =>
      text.replace(/^# +/, "")
    );
    return [{ file, line: Number(line), ...(name && { test: name }), message: message.join("\n") }];
  });
}

const diedWith = (lines: readonly string[], file: string, end: number): string[] =>
  lines.slice(0, end).filter((line) => line.includes(` at ${file} line `) && !line.startsWith("#"))
    .slice(-1);
