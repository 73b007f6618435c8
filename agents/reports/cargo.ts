/** `cargo test`: unit tests, integration tests and doc tests added up. */
import type { CheckFailure } from "../../server/records.ts";
import {
  add,
  countOf,
  type Counts,
  CUT,
  linesLike,
  none,
  type Parser,
  report,
  REPORT_FAILURES,
  type Span,
} from "./report.ts";

const start = /^running (\d{1,9}) tests?$/;
const result = /^test result: (?:ok|FAILED)\. (.*)$/;
const head = /^---- (.+) stdout ----$/;

export const cargo: Parser = (lines) => {
  const runs = runsIn(lines);
  if (runs.length === 0) return null;
  const counts = runs.map(({ counts }) => counts).reduce(add, none);
  return {
    report: report("cargo test", counts, failuresIn(lines)),
    spans: runs.map(({ span }) => span),
  };
};

interface CargoRun {
  span: Span;
  counts: Counts;
}

/** Most starts without a result that are remembered: each killed test binary leaves one. */
const OPEN_STARTS = 1_000;

/** A result closes the outermost start that announced as many tests; what lies between is a test's output. */
function runsIn(lines: readonly string[]): CargoRun[] {
  let open: { at: number; tests: number }[] = [];
  const runs: CargoRun[] = [];
  let cut = false;
  let missing = -1; // first result of a run whose start may be in what is missing
  for (const [at, line] of lines.entries()) {
    if (line === CUT) cut = true;
    if (cut && missing < 0 && /^test \S+ \.\.\. (ok|FAILED|ignored)$/.test(line)) missing = at;
    const tests = start.exec(line)?.[1];
    if (tests !== undefined && open.length < OPEN_STARTS) open.push({ at, tests: Number(tests) });
    const text = result.exec(line)?.[1];
    if (text === undefined) continue;
    const counts = {
      passed: countOf(text, "passed"),
      failed: countOf(text, "failed"),
      skipped: countOf(text, "ignored"),
    };
    const told = counts.passed + counts.failed + counts.skipped + countOf(text, "measured");
    const opened = open.findIndex(({ tests }) => tests === told);
    const before = runs.at(-1)?.span;
    const mayBeMissing = open.length === 0 &&
      (!before || missing > before.to || missing === before.from);
    const from = open[opened]?.at ?? (mayBeMissing ? missing : -1);
    if (from < 0) continue;
    open = open.slice(0, Math.max(0, opened));
    while ((runs.at(-1)?.span.from ?? -1) >= from) runs.pop();
    runs.push({ span: { from, to: at, banner: true }, counts });
  }
  return runs;
}

/** With --nocapture nothing is quoted: the list of names is left, and what the panics said where they happened. */
function failuresIn(lines: readonly string[]): CheckFailure[] {
  const quoted = quotedIn(lines);
  if (quoted.length > 0) return quoted;
  const names = linesLike(lines, /^failures:$/).flatMap((at) => {
    const end = lines.slice(at + 1).findIndex((line) => !/^ {4}\S/.test(line));
    return lines.slice(at + 1, end < 0 ? undefined : at + 1 + end).map((line) => line.trim());
  });
  return [...new Set(names)].slice(0, REPORT_FAILURES).map((test) => {
    const at = lines.findIndex((line) =>
      line.startsWith(`thread '${test}' `) && panicked.test(line)
    );
    return { test, ...(at < 0 ? { message: "" } : panicIn(lines.slice(at, at + PANIC_LINES))) };
  });
}

/** Lines of a panic that are read, where nothing says where it ends. */
const PANIC_LINES = 40;

function quotedIn(lines: readonly string[]): CheckFailure[] {
  const heads = lines.flatMap((line, at) => head.test(line) ? [at] : []).slice(0, REPORT_FAILURES);
  return heads.map((at) => {
    const test = head.exec(lines[at] ?? "")?.[1] ?? "";
    const length = lines.slice(at + 1).findIndex((line) => head.test(line) || line === "failures:");
    const body = lines.slice(at + 1, length < 0 ? undefined : at + 1 + length);
    return { test: test.replace(/ - .* \(line \d+\)$/, ""), ...panicIn(body) };
  });
}

const panicked = /^thread '.*' (?:\(\d+\) )?panicked at (?:'(.*)', )?(\S.*?):(\d+):\d+:?$/;

function panicIn(body: readonly string[]): CheckFailure {
  const at = body.findIndex((line) => panicked.test(line));
  const [, old, file, line] = panicked.exec(body[at] ?? "") ?? []; // before Rust 1.73 the text came first
  const rest = body.slice(at + 1);
  const end = rest.findIndex((text) => /^(stack backtrace:|note: )/.test(text));
  const message = old ?? rest.slice(0, end < 0 ? undefined : end).join("\n");
  return { ...(file && { file, line: Number(line) }), message };
}
