/** What a remark proposes to put in place of its line: a fenced block in its text. */

/** Lines `first` to `last` of the new version become `lines`; none: they are deleted. */
export interface Suggestion {
  path: string;
  first: number;
  last: number;
  lines: string[];
}

interface Remark {
  path: string | null;
  line: number | null;
  side?: "old" | "new";
  /** A comment's words. */
  body?: string;
  /** A finding's. */
  suggestion?: string;
  message?: string;
}

/** Most lines beside its own that a suggestion takes in. */
const REACH_MAX = 100;

/** "```suggestion", or "```suggestion:-2+1" for one that takes in the two lines above and the one below. */
const FENCE = /^(`{3,})suggestion(?::-(\d{1,3})\+(\d{1,3}))?[ \t]*\r?\n([^]*?)^\1[ \t]*$/m;

/** The first suggestion in a remark on a line of the new version; null: it has none. */
export function suggestionIn(remark: Remark): Suggestion | null {
  const { path, line, side = "new" } = remark;
  if (path === null || line === null || side === "old") return null;
  for (const text of [remark.body, remark.suggestion, remark.message]) {
    const [, , above = "0", below = "0", code] = FENCE.exec(text ?? "") ?? [];
    if (code === undefined) continue;
    const first = line - Math.min(Number(above), REACH_MAX);
    const last = line + Math.min(Number(below), REACH_MAX);
    if (first < 1) return null;
    const lines = code.replaceAll("\r\n", "\n").split("\n").slice(0, -1);
    return { path, first, last, lines };
  }
  return null;
}

/** A fence around `lines`, for a person to change; it reaches `above` lines up from where the comment stands. */
export function suggestionText(lines: readonly string[]): string {
  const ticks = lines.some((line) => line.startsWith("```")) ? "````" : "```";
  const reach = lines.length > 1 ? `:-${lines.length - 1}+0` : "";
  return `${ticks}suggestion${reach}\n${lines.map((line) => `${line}\n`).join("")}${ticks}\n`;
}
