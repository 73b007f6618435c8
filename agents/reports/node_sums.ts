/** How `node --test` sums up, in each of its reporters: tests, suites, pass, fail, cancelled, skipped, todo. */
import type { Counts } from "./report.ts";

/** Lines that a block of sums takes at most: older versions of node name fewer. */
export const SUM_LINES = 8;

/** The sums in `lines`, of which each is to match `pattern` up to the end; null when they don't add up. */
export function sumsIn(
  lines: readonly string[],
  pattern: RegExp,
): { tests: number; counts: Counts } | null {
  const sums = new Map<string, number>();
  for (const line of lines) {
    const [, word, number] = pattern.exec(line) ?? [];
    if (!word) break;
    sums.set(word, Number(number));
  }
  // Other producers write "pass" and "fail" too; only node names what was cancelled.
  if (!["tests", "pass", "fail", "cancelled"].every((word) => sums.has(word))) return null;
  const sum = (word: string) => sums.get(word) ?? 0;
  const counts = {
    passed: sum("pass"),
    failed: sum("fail") + sum("cancelled"),
    skipped: sum("skipped") + sum("todo"),
  };
  const tests = sum("tests");
  return tests === counts.passed + counts.failed + counts.skipped ? { tests, counts } : null;
}
