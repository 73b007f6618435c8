/** Lines of a markdown text, those of code apart: there no sign means anything. */

export interface MarkdownLine {
  text: string;
  /** Of a fenced block, or one of its fences. */
  isCode: boolean;
  /** 1 to 6 for a heading that begins with "#", else 0. */
  level: number;
}

export function markdownLines(text: string): MarkdownLine[] {
  let fence = "";
  return text.split(/\r?\n/).map((text) => {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(text)?.[1] ?? "";
    if (fence) {
      if (mark.startsWith(fence) && text.trim() === mark) fence = "";
      return { text, isCode: true, level: 0 };
    }
    // A fence of backticks has none in what follows it.
    if (
      mark && !(mark.startsWith("`") && text.slice(text.indexOf(mark) + mark.length).includes("`"))
    ) {
      fence = mark;
      return { text, isCode: true, level: 0 };
    }
    return {
      text,
      isCode: false,
      level: /^ {0,3}(#{1,6})(?:[ \t]|$)/.exec(text)?.[1]?.length ?? 0,
    };
  });
}

/** A heading's words. */
export const headingWords = ({ text }: MarkdownLine): string =>
  text.trim().replace(/^#+/, "").replace(/(?:^|[ \t])#+$/, "").trim();

/** What stands under the first heading with one of these names, without it; null: there is none. */
export function sectionNamed(
  lines: readonly MarkdownLine[],
  names: readonly string[],
): MarkdownLine[] | null {
  const from = lines.findIndex((line) =>
    line.level > 0 && names.includes(headingWords(line).toLowerCase())
  );
  if (from < 0) return null;
  const rest = lines.slice(from + 1);
  const end = rest.findIndex(({ level }) => level > 0 && level <= lines[from]!.level);
  return end < 0 ? rest : rest.slice(0, end);
}
