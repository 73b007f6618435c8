/** What a loop does next: decided by its log and the time alone. */
import type { RunEventBody, RunOutcome, ToolCall } from "../protocol.ts";
import type { LoopState } from "./loop_state.ts";
import { mustCompact, roomFor } from "./limits.ts";
import { limitNote, lostToolsNote, MAX_NUDGES, nudgeText, stuckNote } from "./notes.ts";
import { repeats, STUCK_AFTER, STUCK_HINT_AFTER } from "./circles.ts";

export type Step =
  | { type: "end"; outcome: RunOutcome }
  | { type: "append"; event: RunEventBody }
  | { type: "tools"; turn: number; calls: ToolCall[] }
  | { type: "send"; maxOutputTokens: number; elapsedMs: number; compacts?: true };

/** `elapsedMs`: whole milliseconds that the loop has worked, in all its lives. */
export function nextStep(state: LoopState, elapsedMs: number): Step {
  const { open } = state;
  if (state.ended) return { type: "end", outcome: state.ended };
  if (open) {
    const calls = open.calls.filter(({ id }) => !open.results.has(id));
    return { type: "tools", turn: open.turn, calls };
  }
  if (state.result) {
    return { type: "end", outcome: { type: "succeeded", result: state.result.value } };
  }
  if (state.nudge) {
    if (state.nudges < MAX_NUDGES) {
      return { type: "append", event: { type: "nudge", text: nudgeText[state.nudge] } };
    }
    return fail("no_result", `the agent stopped ${MAX_NUDGES + 1} times without a result`);
  }
  const circles = repeats(state.signatures);
  if (circles >= STUCK_AFTER) {
    return fail("stuck", `the same calls, or the same errors, came ${circles} times in a row`);
  }
  if (circles >= STUCK_HINT_AFTER && !state.stuckNoted) {
    return { type: "append", event: { type: "note", text: stuckNote(circles), elapsedMs } };
  }
  if (state.toolsLost.length > 0) {
    const text = lostToolsNote(state.toolsLost.join(" and "));
    return { type: "append", event: { type: "note", text, elapsedMs } };
  }
  const compacts = mustCompact(state);
  const room = roomFor(state, elapsedMs, compacts);
  if (room.type === "none") return { type: "end", outcome: { ...room, type: "failed" } };
  if (room.type === "in_doubt") return { type: "end", outcome: room };
  const { maxOutputTokens } = room;
  // What is said before a summary is only summed up with the rest.
  if (compacts) return { type: "send", maxOutputTokens, elapsedMs, compacts };
  if (room.near && !state.limitNoted) {
    return { type: "append", event: { type: "note", text: limitNote(room.near), elapsedMs } };
  }
  return { type: "send", maxOutputTokens, elapsedMs };
}

const fail = (reason: "no_result" | "stuck", why: string): Step => ({
  type: "end",
  outcome: { type: "failed", reason, message: `Cannot go on: ${why}` },
});
