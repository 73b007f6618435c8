/** Notices a run that goes in circles: the same calls with the same results, alone or in a short cycle. */
import type { ToolCall, ToolResult } from "../protocol.ts";

/** The same again this often: the model is told. */
export const STUCK_HINT_AFTER = 3;
/** The same again this often: the run is stopped. */
export const STUCK_AFTER = 5;
/** Longest cycle that is looked for: A-B-C-D-A-B-C-D. */
const MAX_PERIOD = 4;
/** How many calls have to be remembered for that. */
export const MAX_SIGNATURES = MAX_PERIOD * STUCK_AFTER;

/** Tools that print how long things took, which differs each time and means nothing. */
const commands: ReadonlySet<string> = new Set(["Bash", "run_checks"]);
const TIMES =
  /\b\d+(?:[.,]\d+)?\s?(?:ns|[uµ]s|ms|s|secs?|seconds?|m|min|minutes?)\b|\b\d{1,2}:\d{2}:\d{2}(?:[.,]\d+)?/g;
/** A command that failed without a word: what was asked is all that tells it from others. */
const WORDLESS = /^Exit code \d+$/;

/**
 * Equal for calls that ask the same and get the same, and for those of one tool that fail in the same way,
 * whatever they ask.
 */
export function callSignature(call: ToolCall, { content, isError }: ToolResult): string {
  const text = commands.has(call.name) ? content.replace(TIMES, "TIME") : content;
  const asked = isError && !WORDLESS.test(text) ? null : call.input;
  return fingerprint(JSON.stringify([call.name, asked, text, isError]));
}

/**
 * 128 bits by which texts are told apart; who makes two that have the same only has its own run stopped. Node's modules
 * for better ones would take 2 MB of each brain.
 */
function fingerprint(text: string): string {
  let [a, b, c, d] = [1779033703, 3144134277, 1013904242, 2773480762];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = b ^ Math.imul(a ^ code, 597399067);
    b = c ^ Math.imul(b ^ code, 2869860233);
    c = d ^ Math.imul(c ^ code, 951274213);
    d = a ^ Math.imul(d ^ code, 2716044179);
  }
  return [text.length, a, b, c, d].map((part) => (part >>> 0).toString(36)).join(".");
}

/**
 * What one turn adds: calls side by side are one round of a circle, in whatever order they stand. What a restart
 * interrupted says nothing about the agent.
 */
export function signaturesOf(calls: readonly ToolCall[], results: readonly ToolResult[]): string[] {
  const all = calls.flatMap((call, index) => {
    const result = results[index]!;
    return result.interrupted ? [] : [callSignature(call, result)];
  });
  return [...new Set(all)].sort();
}

/** How often the newest calls repeat without a break, as one call or as a cycle of a few. 0 when there are none. */
export function repeats(signatures: readonly string[]): number {
  let most = 0;
  for (let period = 1; period <= MAX_PERIOD; period++) {
    let same = 0;
    for (let i = signatures.length - 1; i >= period; i--) {
      if (signatures[i] !== signatures[i - period]) break;
      same++;
    }
    if (signatures.length >= period) most = Math.max(most, Math.floor(same / period) + 1);
  }
  return most;
}
