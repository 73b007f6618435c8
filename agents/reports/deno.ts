/** `deno test`. Type errors, after which no test runs, are the compilers' part. */
import type { CheckFailure } from "../../server/records.ts";
import {
  add,
  countOf,
  CUT,
  firstOwnFrame,
  namedLike,
  none,
  type Parser,
  report,
  type Span,
} from "./report.ts";

const summary = /^(?:ok|FAILED) \| (\d+ passed\b.*\))$/;
const header = /^(.+?) => (\S.*?):(\d+):(\d+)$/;
const uncaught = /^(\S.*) \(uncaught error\)$/;

export const deno: Parser = (all) => {
  const lines = withoutOutput(all);
  const runs = runsIn(lines);
  if (runs.length === 0) return null;
  const counts = runs.map(({ to }) => {
    const text = summary.exec(lines[to] ?? "")?.[1] ?? "";
    const tests = text.replace(/\([^()]*\)/g, ""); // steps are part of their tests
    return {
      passed: countOf(tests, "passed"),
      failed: countOf(tests, "failed"),
      skipped: countOf(tests, "ignored"),
    };
  }).reduce(add, none);
  return { report: report("deno test", counts, failuresIn(lines)), spans: runs };
};

/** A run begins with the first file, or with the dots of the short reporter. */
function runsIn(lines: readonly string[]): Span[] {
  const runs: Span[] = [];
  let from = -1;
  let missing = false; // a start may be in what is missing
  for (const [at, line] of lines.entries()) {
    if (line === CUT) missing = true;
    if (from < 0 && missing && /^\S.* \.\.\. (ok|FAILED|ignored) \(\d+/.test(line)) from = at;
    if (from < 0 && /^running \d+ tests? from |^[.,!]+$/.test(line)) from = at;
    if (from < 0 || !summary.test(line)) continue;
    const banner = /^running /.test(lines[from] ?? "") ? { banner: true as const } : {};
    runs.push({ from, to: at, ...banner });
    from = -1;
  }
  return runs;
}

const begins = /^-{5,} (post-test )?output -{5,}$/;
const ends = /^-{4,} (post-test )?output end -{4,}$/;

function endsFirst(lines: readonly string[], from: number): boolean {
  const next = lines.findIndex((line, at) => at > from && (ends.test(line) || begins.test(line)));
  return ends.test(lines[next] ?? "");
}

/** What tests print may look like anything: it is left out, with the places of all other lines kept. */
function withoutOutput(lines: readonly string[]): string[] {
  let output = false;
  return lines.map((line, at) => {
    if (begins.test(line)) output = true;
    if (line === CUT) output = endsFirst(lines, at); // where it began or ended may be missing
    const kept = !output || line === CUT;
    if (ends.test(line)) output = false;
    return kept ? line : "";
  });
}

function failuresIn(lines: readonly string[]): CheckFailure[] {
  const start = lines.findIndex((line) => line.trim() === "ERRORS");
  const end = lines.findIndex((line, at) => at > start && line.trim() === "FAILURES");
  if (start < 0) return [];
  const part = lines.slice(start + 1, end < 0 ? undefined : end);
  const heads = part.flatMap((line, at) => header.test(line) || uncaught.test(line) ? [at] : []);
  return heads.map((at, index) => failureOf(part[at] ?? "", part.slice(at + 1, heads[index + 1])));
}

function failureOf(head: string, body: readonly string[]): CheckFailure {
  const [, test, file = "", line] = header.exec(head) ?? [];
  const stack = body.findIndex((text) => /^ {4}at /.test(text));
  const message = body.slice(0, stack < 0 ? undefined : stack).join("\n").replace(/^error: /, "");
  const own = firstOwnFrame(stack < 0 ? [] : body.slice(stack));
  const spot = namedLike(own, {
    file: file || uncaught.exec(head)?.[1] || "",
    line: Number(line ?? 0),
  });
  return { file: spot.file, ...(spot.line && { line: spot.line }), ...(test && { test }), message };
}
