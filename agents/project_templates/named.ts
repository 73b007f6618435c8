/** A project's own text for projects of other names. */
import { filterThatKeeps, hasPlaceholders } from "./placeholders.ts";

/** A code block, or code within a line. */
const CODE = /^ {0,3}(`{3,}|~{3,})[^]*?(?:^ {0,3}\1[^\n]*$|$(?![^]))|`+[^`\n]+`+/gm;

/** A text in which the project's name became a place. */
export interface NamedText {
  /** What it is: a path, or "the agent x". */
  what: string;
  /** Its lines with a place, as they are now. */
  lines: string[];
}

/** Lines of one text that a person is shown. */
const LINES_SHOWN = 50;

/** Null: it has no place. */
export function namedText(what: string, text: string): NamedText | null {
  const lines = text.split("\n").filter(hasPlaceholders).slice(0, LINES_SHOWN);
  return lines.length === 0 ? null : { what, lines };
}

/**
 * With `{{name}}` in place of the project's name, wherever it stands as a word; in code as the name of a program, or
 * left alone where it is none. A text that has places of that form already, whatever they are for, stays as it is.
 */
export function withName(text: string, name: string): { text: string; fill: boolean } {
  if (hasPlaceholders(text)) return { text, fill: false };
  const escaped = name.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const word = new RegExp(`(?<![\\p{L}\\p{N}_])${escaped}(?![\\p{L}\\p{N}_])`, "gu");
  const filter = filterThatKeeps(name);
  const inCode = filter === null ? null : `{{name|${filter}}}`;
  let result = "";
  let from = 0;
  for (const { index, 0: code } of text.matchAll(CODE)) {
    result += text.slice(from, index).replace(word, () => "{{name}}");
    result += inCode === null ? code : code.replace(word, () => inCode);
    from = index + code.length;
  }
  return { text: result + text.slice(from).replace(word, () => "{{name}}"), fill: true };
}
