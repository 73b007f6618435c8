/** `cargo test`: unit tests, integration tests and doc tests added up. */
import type { CheckFailure } from "../../server/records.ts";
import { add, countOf, none, type Parser, report, REPORT_FAILURES } from "./report.ts";

const result = /^test result: (?:ok|FAILED)\. (.*)$/;
const head = /^---- (.+) stdout ----$/;

export const cargo: Parser = (lines) => {
  const results = lines.flatMap((line) => result.exec(line)?.[1] ?? []);
  if (results.length === 0) return null;
  const counts = results.map((text) => ({
    passed: countOf(text, "passed"),
    failed: countOf(text, "failed"),
    skipped: countOf(text, "ignored"),
  })).reduce(add, none);
  return report("cargo test", counts, failuresIn(lines));
};

function failuresIn(lines: readonly string[]): CheckFailure[] {
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
