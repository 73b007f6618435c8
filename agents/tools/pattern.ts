/** Patterns of Grep: written as for ripgrep, matched by JavaScript. */
import { messageOf } from "../../server/errors.ts";
import { ToolError } from "./tool.ts";

/** Finds in one file's text. */
export interface TextPattern {
  /** False without a closer look for most files that have no match. */
  mayMatch(text: string): boolean;
  /** Numbers of the matching lines, counted from 0, in order. */
  matchingLines(lines: readonly string[]): number[];
}

/** Throws `ToolError` when it is not a regular expression. */
export function compilePattern(
  pattern: string,
  { ignoreCase, multiline }: { ignoreCase: boolean; multiline: boolean },
): TextPattern {
  const { source, flags } = withInlineFlags(pattern);
  const all = new Set([...flags, ...(ignoreCase ? "i" : ""), ...(multiline ? "ms" : "")]);
  const regex = compile(source, [...all].join(""));
  const literal = /^[\w \-/:;,'"<>=&%#@!~`]+$/.test(source) && !all.has("i") ? source : null;
  return {
    mayMatch: (text) => literal === null || text.includes(literal),
    matchingLines: (lines) =>
      multiline ? acrossLines(regex, lines.join("\n")) : lineByLine(regex, lines),
  };
}

/** `(?i)` and its like at the start, which JavaScript knows only around a group. */
function withInlineFlags(pattern: string): { source: string; flags: string } {
  const [whole, flags = ""] = /^\(\?([ims]+)\)/.exec(pattern) ?? [""];
  return { source: pattern.slice(whole.length), flags };
}

function compile(source: string, flags: string): RegExp {
  try {
    return new RegExp(source, flags + "u");
  } catch {
    // Without `u` the rules are looser, closer to what people write: `\-`, `foo{`, `interface{}`.
  }
  try {
    return new RegExp(source, flags);
  } catch (error) {
    throw new ToolError(
      `Cannot search for ${JSON.stringify(source)}: it is not a valid regular expression ` +
        `(${messageOf(error)}). Escape characters such as ( [ { with \\ to find them as they are`,
      { cause: error },
    );
  }
}

function lineByLine(regex: RegExp, lines: readonly string[]): number[] {
  const found = [];
  for (const [i, line] of lines.entries()) if (regex.test(line)) found.push(i);
  return found;
}

function acrossLines(regex: RegExp, text: string): number[] {
  const found = new Set<number>();
  const starts = [0];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  let line = 0;
  for (const match of text.matchAll(new RegExp(regex.source, regex.flags + "g"))) {
    const end = Math.max(match.index + match[0].length - 1, match.index);
    while (line + 1 < starts.length && starts[line + 1]! <= match.index) line++;
    for (let i = line; i < starts.length && starts[i]! <= end; i++) found.add(i);
  }
  return [...found].sort((a, b) => a - b);
}
