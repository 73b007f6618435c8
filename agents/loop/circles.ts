/** Notices a run that goes in circles: the same calls with the same results, alone or in a short cycle. */
import { createHash } from "node:crypto";
import type { ToolCall, ToolResult } from "../protocol.ts";

/** The same again this often: the model is told. */
export const STUCK_HINT_AFTER = 3;
/** The same again this often: the run is stopped. */
export const STUCK_AFTER = 5;
/** Longest cycle that is looked for: A-B-C-D-A-B-C-D. */
const MAX_PERIOD = 4;
/** How many calls have to be remembered for that. */
export const MAX_SIGNATURES = MAX_PERIOD * STUCK_AFTER;

/** Equal for calls that ask the same and get the same. */
export function callSignature(call: ToolCall, result: ToolResult): string {
  const text = JSON.stringify([call.name, call.input, result.content, result.isError]);
  return createHash("sha256").update(text).digest("base64");
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
