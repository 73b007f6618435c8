/** Small things about words, lines and paths. */

const STOP_WORDS = new Set(
  ("about after again also been before being both could does each from have here into just left like long many " +
    "more most need only other over same should some something such tell tells than that their them " +
    "then there these they this those through under very want wants were what when where which while " +
    "will with without would your").split(" "),
);
const MIN_WORD_CHARS = 4;

/** The first words of a text that say what it is about, in lower case. */
export function keyWords(text: string, max: number): string[] {
  const words = text.toLowerCase().match(/[a-z][a-z0-9_]+/g) ?? [];
  const telling = words.filter((word) => word.length >= MIN_WORD_CHARS && !STOP_WORDS.has(word));
  return [...new Set(telling)].slice(0, max);
}

/** At most `max` characters, with an ellipsis where something was left out. */
export function clip(text: string, max: number): string {
  const trimmed = text.trim();
  return trimmed.length <= max ? trimmed : trimmed.slice(0, max - 1).trimEnd() + "…";
}

/** One line without control characters, for quoting. */
export function oneLine(text: string, max: number): string {
  // deno-lint-ignore no-control-regex -- they are what is to be removed
  return clip(text.replace(/[\u0000-\u001f\u007f]+/g, " ").replace(/\s+/g, " "), max);
}

export interface NumberedLine {
  line: number;
  text: string;
}

/** The lines that Read answers with: `N⇥text`. Notes around them are left out. */
export function linesOf(content: string): NumberedLine[] {
  return content.split("\n").flatMap((row) => {
    const match = row.match(/^\s*(\d+)\t(.*)$/s);
    return match ? [{ line: Number(match[1]), text: match[2]! }] : [];
  });
}

/** The text that Read showed, without the numbers. */
export function fileText(content: string): string {
  return linesOf(content).map(({ text }) => text).join("\n");
}

/** The tracked path that a tool's (absolute) path means; null when there is none. */
export function trackedPath(path: string, files: readonly string[]): string | null {
  const clean = path.trim().replace(/^\.\//, "");
  const fits = files.filter((file) => clean === file || clean.endsWith(`/${file}`));
  return fits.sort((a, b) => b.length - a.length)[0] ?? null;
}

export const isTest = (path: string): boolean => /(^|[/._-])tests?([/._-]|$)/i.test(path);
export const isProse = (path: string): boolean => /\.(md|txt|rst)$/i.test(path);

/** Occurrences of a text in another. */
export function countOf(text: string, part: string): number {
  return text.split(part).length - 1;
}
