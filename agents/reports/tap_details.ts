/** What TAP says about one failed result: a diagnostic block, or the comments below it. */
import { parse as parseYaml } from "yaml";
import type { CheckFailure } from "../../server/records.ts";
import { errorBefore } from "./node_errors.ts";
import { dedent, firstOwnFrame, type Spot } from "./report.ts";

/** Longest diagnostic block and longest run of comments after a result that are read. */
export const BLOCK_LINES = 400;

export interface Result {
  ok: boolean;
  /** Null: it has none. */
  number: number | null;
  name: string;
  directive: "skip" | "todo" | null;
  indent: number;
  /** It only sums up the results before it that are indented more. */
  parent: boolean;
  /** Where it stands in the output. */
  at: number;
}

export const resultLine = /^( *)(not )?ok(?: +(\d+))?(?: +-)?(?: +(\S.*))?$/;
export const blockStart = /^ *---\s*$/;

/** Line that ends the block which begins at `start`; `start` itself when its end was cut off. */
export function endOfBlock(lines: readonly string[], start: number): number {
  for (let at = start + 1; at < Math.min(lines.length, start + BLOCK_LINES); at++) {
    if (/^ *\.\.\.\s*$/.test(lines[at] ?? "")) return at;
  }
  return start;
}

/** The failure of a result that is not ok. */
export function failureOf(result: Result, lines: readonly string[]): CheckFailure {
  const next = result.at + 1;
  const test = result.name || undefined;
  if (blockStart.test(lines[next] ?? "")) {
    const end = endOfBlock(lines, next);
    if (end === next) return { test, message: untilNextResult(lines, next + 1) };
    const block = lines.slice(next + 1, end);
    const found = fromBlock(block);
    if (found.message === "test failed") {
      const start = lines.lastIndexOf(`# Subtest: ${result.name}`, result.at);
      return { test, ...found, ...errorBefore(lines, start < 0 ? result.at : start) };
    }
    return { test, ...found };
  }
  return { test, ...fromComments(lines.slice(next, next + BLOCK_LINES)) };
}

/** What there is of a block whose end was cut off. */
function untilNextResult(lines: readonly string[], start: number): string {
  const part = lines.slice(start, start + BLOCK_LINES);
  const end = part.findIndex((line) => resultLine.test(line));
  return dedent(part.slice(0, end < 0 ? undefined : end));
}

/** A diagnostic block, of whichever producer; unreadable YAML is shown as it is. */
function fromBlock(block: readonly string[]): CheckFailure {
  const text = block.join("\n");
  const read = (key: string) => {
    const value = fields?.[key];
    return typeof value === "string"
      ? value.trim()
      : typeof value === "number"
      ? String(value)
      : "";
  };
  let fields: Record<string, unknown> | null;
  try {
    const value: unknown = parseYaml(text, { logLevel: "silent", uniqueKeys: false });
    fields = typeof value === "object" ? value as Record<string, unknown> : null;
  } catch {
    return { message: text }; // not YAML: the reader sees all of it
  }
  const spot = firstOwnFrame(read("stack").split("\n")) ?? spotIn(read("location") || read("at")) ??
    spotIn(`${read("file")}:${read("line") || 0}`) ?? nested(fields?.at);
  const message = read("error") || [
    read("message"),
    ...["expected", "actual", "found", "wanted", "got"].flatMap((key) =>
      read(key) ? [`${key}: ${read(key)}`] : []
    ),
  ].filter(Boolean).join("\n");
  return {
    ...(spot && { file: spot.file, line: spot.line || undefined }),
    message: message || read("diff") || text,
  };
}

function spotIn(text: string): Spot | undefined {
  const [, file, line] = /^(.+?):(\d+)(?::\d+)?$/.exec(text) ?? [];
  return file ? { file, line: Number(line) } : undefined;
}

/** `at: {file, line}`, as tape and tap write it. */
function nested(value: unknown): Spot | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { file, fileName, line, lineNumber } = value as Record<string, unknown>;
  const [path, number] = [fileName ?? file, lineNumber ?? line];
  return typeof path === "string" ? { file: path, line: Number(number) || 0 } : undefined;
}

/** The comments after a result: what Perl's, shell's and C's TAP libraries have to say about it. */
function fromComments(lines: readonly string[]): CheckFailure {
  const end = lines.findIndex((line) => !/^ *#(?! Subtest:)/.test(line));
  const comments = lines.slice(0, end < 0 ? undefined : end).map((line) =>
    line.replace(/^ *# ?/, "")
  );
  const text = comments.join("\n");
  const [, file, line] = /(?:\bat|in test file|in file) (\S+?),? line (\d+)/.exec(text) ?? [];
  return { ...(file && { file, line: Number(line) }), message: text || "not ok" };
}
