/** `deno test`. Type errors, after which no test runs, are the compilers' part. */
import type { CheckFailure } from "../../server/records.ts";
import { add, countOf, firstOwnFrame, namedLike, none, type Parser, report } from "./report.ts";

const summary = /^(?:ok|FAILED) \| (\d+ passed\b.*\))$/;
const header = /^(.+?) => (\S.*?):(\d+):(\d+)$/;
const uncaught = /^(\S.*) \(uncaught error\)$/;

export const deno: Parser = (all) => {
  const lines = withoutOutput(all);
  const summaries = lines.flatMap((line) => summary.exec(line)?.[1] ?? []);
  if (summaries.length === 0) return null;
  const counts = summaries.map((text) => {
    const tests = text.replace(/\([^()]*\)/g, ""); // steps are part of their tests
    return {
      passed: countOf(tests, "passed"),
      failed: countOf(tests, "failed"),
      skipped: countOf(tests, "ignored"),
    };
  }).reduce(add, none);
  return report("deno test", counts, failuresIn(lines));
};

/** What tests print may look like anything: it is left out. */
function withoutOutput(lines: readonly string[]): string[] {
  let output = false;
  return lines.filter((line) => {
    if (/^-{5,} (post-test )?output -{5,}$/.test(line)) output = true;
    const kept = !output;
    if (/^-{4,} (post-test )?output end -{4,}$/.test(line)) output = false;
    return kept;
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
