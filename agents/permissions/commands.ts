/** Command patterns: which of the commands in a line a list of them covers. */
import { baseName } from "../paths.ts";
import { whyOpaque } from "./launchers.ts";
import { parseShell, type SimpleCommand } from "./shell_parse.ts";

/** A line as far as it can be judged. */
export type ReadLine =
  | { type: "known"; commands: SimpleCommand[] }
  /** What it would run is not to be told from its words. `reason` completes "it has …" or "it is …". */
  | { type: "unknown"; reason: string };

export function readLine(line: string): ReadLine {
  const parsed = parseShell(line);
  if (parsed.type === "not_simple") return { type: "unknown", reason: `it has ${parsed.reason}` };
  for (const command of parsed.commands) {
    const why = whyOpaque(command);
    if (why) return { type: "unknown", reason: `it uses ${why}` };
  }
  return { type: "known", commands: parsed.commands };
}

/**
 * Whether a pattern such as `git status` or `npm run *` covers a command. Each of its words stands for one word,
 * in which `*` is any text; a `*` alone at the end stands for any number of words, also none.
 */
export function coversCommand(pattern: string, { argv }: SimpleCommand): boolean {
  const words = patternWords(pattern);
  if (words.length === 0) return false;
  const open = words.at(-1) === "*";
  if (open) words.pop();
  if (open ? argv.length < words.length : argv.length !== words.length) return false;
  return words.every((word, i) => wordMatcher(word)(argv[i]!));
}

/**
 * The same for a pattern that holds a command back: the program counts by its name, from whichever folder, and
 * words may stand between those of the pattern.
 */
export function touchesCommand(pattern: string, { argv }: SimpleCommand): boolean {
  const words = patternWords(pattern);
  const program = baseName(argv[0]!);
  let next = 0;
  for (const [i, word] of argv.entries()) {
    const wanted = words[next];
    if (wanted === undefined || (wanted === "*" && next === words.length - 1)) return true;
    const fits = wordMatcher(wanted);
    if (fits(word) || (i === 0 && fits(program))) next++;
    else if (i === 0) return false;
  }
  const left = words.slice(next);
  return left.length === 0 || (left.length === 1 && left[0] === "*");
}

/** Also the spelling of other tools, `npm run:*`. */
const patternWords = (pattern: string): string[] =>
  pattern.trim().replace(/:\*$/, " *").split(/\s+/).filter((word) => word !== "");

/** `*` is any text, all else stands for itself. Not a regular expression of many stars: that can take ages. */
function wordMatcher(pattern: string): (word: string) => boolean {
  const [first = "", ...rest] = pattern.split("*");
  if (rest.length === 0) return (word) => word === pattern;
  const last = rest.pop()!;
  return (word) => {
    if (word.length < first.length + last.length) return false;
    if (!word.startsWith(first) || !word.endsWith(last)) return false;
    let at = first.length;
    const end = word.length - last.length;
    for (const part of rest) {
      const found = word.indexOf(part, at);
      if (found < 0 || found + part.length > end) return false;
      at = found + part.length;
    }
    return true;
  };
}
