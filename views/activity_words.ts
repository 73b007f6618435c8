/** A tool call in one line: what was done to what, and how it ended. */
import type { ToolCall, ToolResult } from "../agents/protocol.ts";
import { duration, firstLine, plural } from "./format.ts";
import type { CallStep } from "./activity_fold.ts";
import type { Tone } from "./words.ts";

/** Longest object of a sentence: a path, a pattern, a command. */
const OBJECT_MAX_CHARS = 120;

/** Verb, object (shown in monospace) and what came of it. */
export interface CallLine {
  verb: string;
  object: string;
  outcome: string;
  tone: Tone | null;
}

/** The line of one call. */
export function describeCall(step: CallStep): CallLine {
  const { call, result } = step;
  const { verb, object } = action(call);
  return { verb, object: firstLine(object, OBJECT_MAX_CHARS), ...outcome(step, result) };
}

function action({ name, input }: ToolCall): { verb: string; object: string } {
  const text = (key: string) => typeof input[key] === "string" ? input[key] : "";
  switch (name) {
    case "Read":
      return { verb: "Read", object: text("file_path") };
    case "Edit":
      return { verb: "Edit", object: text("file_path") };
    case "Write":
      return { verb: "Write", object: text("file_path") };
    case "Glob":
      return { verb: "List", object: text("pattern") };
    case "Grep":
      return { verb: "Search", object: text("pattern") };
    case "GitDiff":
      return { verb: "Compare", object: text("path") };
    case "Bash":
      return { verb: "Run", object: text("command") };
    case "run_checks":
      return { verb: "Check", object: text("name") };
    case "memory":
      return { verb: `Memory: ${text("command")}`, object: text("path") || text("old_path") };
    case "ask_questions": {
      const asked = Array.isArray(input.questions) ? input.questions.length : 0;
      return { verb: `Ask ${plural(asked, "question")}`, object: "" };
    }
    case "submit_result":
      return { verb: "Hand in the result", object: "" };
    default:
      return { verb: name, object: "" };
  }
}

function outcome(
  { approval, call }: CallStep,
  result: ToolResult | null,
): { outcome: string; tone: Tone | null } {
  if (result === null) {
    return approval?.state === "pending"
      ? { outcome: "waits for you", tone: "waiting" }
      : { outcome: "running", tone: "running" };
  }
  if (result.interrupted) return { outcome: "interrupted", tone: "waiting" };
  const time = duration(result.durationMs);
  if (approval?.state === "denied") return { outcome: "denied", tone: "failed" };
  if (result.exitCode !== undefined) {
    const passed = result.exitCode === 0;
    const word = call.name === "run_checks"
      ? (passed ? "passed" : "failed")
      : `exit ${result.exitCode}`;
    return { outcome: `${word} · ${time}`, tone: passed ? "done" : "failed" };
  }
  if (result.isError) return { outcome: "refused", tone: "failed" };
  if (result.diff) {
    const { added, removed } = countDiff(result.diff);
    return { outcome: `+${added} −${removed}`, tone: null };
  }
  return { outcome: "", tone: null };
}

/** Lines a unified diff adds and removes. */
export function countDiff(diff: string): { added: number; removed: number } {
  let added = 0;
  let removed = 0;
  let inHunk = false;
  for (const line of diff.split("\n")) {
    if (line.startsWith("@@")) inHunk = true;
    else if (inHunk && line.startsWith("+")) added++;
    else if (inHunk && line.startsWith("-")) removed++;
  }
  return { added, removed };
}

const LOOKING = new Set(["Read", "Glob", "Grep", "GitDiff"]);
/** Fewer looks in a row are shown one by one. */
const GROUP_MIN = 3;

/** Calls of a turn, with three and more looks in a row as a group of their own. */
export function groupCalls(calls: CallStep[]): (CallStep | CallStep[])[] {
  const groups: (CallStep | CallStep[])[] = [];
  for (let start = 0; start < calls.length;) {
    let end = start;
    while (end < calls.length && LOOKING.has(calls[end]!.call.name)) end++;
    if (end - start >= GROUP_MIN) {
      groups.push(calls.slice(start, end));
      start = end;
    } else {
      groups.push(calls[start]!);
      start++;
    }
  }
  return groups;
}

/** "Read 4 files, searched 2 times". */
export function describeGroup(steps: CallStep[]): string {
  const times = (name: string) => steps.filter(({ call }) => call.name === name).length;
  const parts = [
    times("Read") > 0 && `read ${plural(times("Read"), "file")}`,
    times("Grep") > 0 && `searched ${plural(times("Grep"), "time")}`,
    times("GitDiff") > 0 && `compared ${plural(times("GitDiff"), "time")}`,
    times("Glob") > 0 && `listed ${plural(times("Glob"), "pattern")}`,
  ].filter((part) => part !== false).join(", ");
  return parts.charAt(0).toUpperCase() + parts.slice(1);
}
