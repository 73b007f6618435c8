/** Addresses inside a diff, and which of its files are shown at once. */
import type { DiffFile } from "../server/records.ts";
import { idPart, withQuery } from "./links.ts";

/** A line of a file, in the old or the new version. */
export interface Place {
  path: string;
  line: number;
  side: "old" | "new";
}

/** Lines of all files together that one page shows unasked; further files open by a link. */
export const DIFF_MAX_LINES = 1_500;
/** Lines of a single file that was asked for. */
export const FILE_MAX_LINES = 5_000;

/** `src/a.ts:12`, and `src/a.ts:-12` for a line of the old version: the value of `?comment=`. */
export const placeText = ({ path, line, side }: Place): string =>
  `${path}:${side === "old" ? "-" : ""}${line}`;

/** Reads `placeText` back; null when it is none. */
export function parsePlace(text: string | null | undefined): Place | null {
  const match = /^(.+):(-?)([1-9]\d{0,8})$/s.exec(text ?? "");
  if (!match) return null;
  return { path: match[1]!, line: Number(match[3]), side: match[2] ? "old" : "new" };
}

/** Element id of a line. */
export const lineId = ({ path, line, side }: Place): string =>
  `L-${idPart(path)}-${side === "old" ? "o" : "n"}${line}`;

/** Element id of a file. */
export const fileId = (path: string): string => `file-${idPart(path)}`;

/** Opens the comment form under a line; works without scripts. */
export const commentHref = (page: string, place: Place): string =>
  `${withQuery(page, { comment: placeText(place) })}#${lineId(place)}`;

/** The same form, beginning with the line itself for a person to change. */
export const suggestHref = (page: string, place: Place): string =>
  `${withQuery(page, { comment: placeText(place), suggest: "1" })}#${lineId(place)}`;

/** Shows a file that is folded because the diff is long or the file generated. */
export const openFileHref = (page: string, path: string): string =>
  `${withQuery(page, { file: path })}#${fileId(path)}`;

const GENERATED =
  /(?:^|\/)(?:package-lock\.json|npm-shrinkwrap\.json|go\.sum|[^/]*\.lock|[^/]*-lock\.ya?ml|[^/]*\.min\.(?:js|css)|[^/]*\.map|[^/]*\.snap)$/;

/** Made by a tool, by its name. */
export const isGenerated = (path: string): boolean => GENERATED.test(path);

/** Why a file is folded until it is asked for; null: it is not, unless the page has no room for it. */
export function foldReason(file: DiffFile): string | null {
  if (file.generated === true) return "Generated, by .gitattributes";
  if (file.generated === undefined && isGenerated(file.path)) return "Written by a tool";
  if (file.kind === "deleted" && lineCount(file) > DELETED_MAX_LINES) return "The file is deleted";
  return null;
}

/** A longer file that is deleted as a whole is folded. */
const DELETED_MAX_LINES = 100;

export const lineCount = (file: DiffFile): number =>
  file.hunks.reduce((sum, hunk) => sum + hunk.lines.length, 0);

/** How many lines of each file the page shows; 0 folds it. Files in `wanted` come first. */
export function planFiles(files: DiffFile[], wanted: ReadonlySet<string>): Map<string, number> {
  const plan = new Map<string, number>();
  let left = DIFF_MAX_LINES;
  for (const file of files) {
    const lines = lineCount(file);
    const shown = wanted.has(file.path)
      ? Math.min(lines, FILE_MAX_LINES)
      : foldReason(file) === null && lines <= left
      ? lines
      : 0;
    plan.set(file.path, shown);
    left -= shown;
  }
  return plan;
}
