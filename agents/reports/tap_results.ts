/** The results of a TAP output, in their streams: one for each program that wrote TAP. */
import { BLOCK_LINES, blockStart, endOfBlock, type Result, resultLine } from "./tap_details.ts";

const directiveIn = /(?:^|\s)#\s*(skip|todo)\b.*$/i;
export const versionLine = /^TAP version \d+/;
const planLine = /^1\.\.(\d{1,9})\b/;

export interface Stream {
  results: Result[];
  /** Tests that are planned; null when the plan is missing. */
  planned: number | null;
  /** Index of its first and last line. */
  from: number;
  to: number;
}

/** The streams of an output, without results that a test only printed as far as their numbers show it. */
export function streamsIn(lines: readonly string[]): Stream[] {
  const parts = partsOf(lines, resultsIn(lines));
  return parts.filter(({ results, plans }) => results.length > 0 || plans.length > 0)
    .map(({ from, to, results, plans }) => {
      const own = withoutRepeats(results);
      const ran = own.filter(({ indent }) => indent === 0).length;
      const planned = plans.includes(ran) || plans.length === 0 ? ran : Math.max(...plans);
      return { results: own, planned: plans.length > 0 ? planned : null, from, to };
    });
}

interface Part {
  from: number;
  to: number;
  results: Result[];
  plans: number[];
}

/** A new stream begins with its version, or with result 1 when all that was planned is there. */
function partsOf(lines: readonly string[], results: readonly Result[]): Part[] {
  const versions = lines.some((line) => versionLine.test(line));
  const parts: Part[] = [];
  let next = 0;
  for (const [at, line] of lines.entries()) {
    const plan = planLine.exec(line)?.[1];
    const result = results[next]?.at === at ? results[next++] : undefined;
    const last = parts.at(-1);
    const starts = versions
      ? versionLine.test(line)
      : (plan !== undefined || result?.number === 1 && result.indent === 0) && isComplete(last);
    if (!last || starts) parts.push({ from: at, to: at, results: [], plans: [] });
    const part = parts.at(-1);
    if (!part) continue;
    if (result) part.results.push(result);
    if (plan !== undefined) part.plans.push(Number(plan));
    if (result || plan !== undefined) part.to = at;
  }
  for (const part of parts) {
    part.from = Math.min(part.results[0]?.at ?? part.to, part.to);
  }
  return parts;
}

function isComplete(part: Part | undefined): boolean {
  const [planned] = part?.plans ?? [];
  if (!part || planned === undefined) return false;
  const last = part.results.findLast(({ indent }) => indent === 0);
  return last !== undefined && (last.number ?? 0) >= planned;
}

/** Of two results with one number one was printed by a test: what failed stays failed, else the later counts. */
function withoutRepeats(results: Result[]): Result[] {
  const byNumber = new Map<number, Result>();
  const dropped = new Set<Result>();
  for (const result of results) {
    if (result.indent > 0 || result.number === null) continue;
    const earlier = byNumber.get(result.number);
    const keepsEarlier = earlier && !earlier.ok && earlier.directive === null;
    if (earlier) dropped.add(keepsEarlier ? result : earlier);
    if (!keepsEarlier) byNumber.set(result.number, result);
  }
  return results.filter((result) => !dropped.has(result));
}

function resultsIn(lines: readonly string[]): Result[] {
  const results: Result[] = [];
  let unended = 0; // a block that begins before this line has no end
  for (let at = 0; at < lines.length; at++) {
    if (results.length > 0 && at >= unended && blockStart.test(lines[at] ?? "")) {
      const end = endOfBlock(lines, at);
      if (end === at) unended = at + BLOCK_LINES;
      at = end;
    }
    const match = resultLine.exec(lines[at] ?? "");
    if (!match) continue;
    const [, spaces = "", not, number, text = ""] = match;
    const directive = directiveIn.exec(text)?.[1]?.toLowerCase();
    const name = text.replace(directiveIn, "").replace(/\\#/g, "#");
    const indent = spaces.length;
    results.push({
      ok: !not,
      number: number === undefined ? null : Number(number),
      name,
      directive: directive === "skip" || directive === "todo" ? directive : null,
      indent,
      parent: (results.at(-1)?.indent ?? 0) > indent,
      at,
    });
  }
  // Where results are numbered, a line that merely begins with "ok" is something a test printed.
  return results.some(({ number }) => number !== null)
    ? results.filter(({ number }) => number !== null)
    : results;
}
