/** Where in a diff the reviewer's words lead. */
import type { CriterionVerdict, DiffFile, ReviewFinding } from "../server/records.ts";
import { fileId, lineId, type Place } from "./diff_place.ts";
import type { Evidence } from "./diff_remarks.tsx";
import { withQuery } from "./links.ts";

/** The lines of the diff that verdicts name: "src/a.ts:12". */
export function evidenceOf(
  { verdicts, files }: { verdicts: CriterionVerdict[]; files: DiffFile[] },
): Evidence[] {
  const paths = new Set(files.map(({ path }) => path));
  return verdicts.flatMap(({ criterion, met, evidence }) =>
    [...evidence.matchAll(/(?:\.\/)?([\w@.+/-]*[\w])`?:(\d{1,7})\b/g)].slice(0, EVIDENCE_MAX)
      .flatMap(([, path, line]) =>
        paths.has(path!) ? [{ criterion, met, path: path!, line: Number(line) }] : []
      )
  );
}
/** Places that one verdict leads to. */
const EVIDENCE_MAX = 5;

/** Whether the diff has that line. */
export const showsLine = (files: DiffFile[], { path, line, side }: Place): boolean =>
  files.some((file) =>
    file.path === path &&
    file.hunks.some(({ lines }) => lines.some(({ newLine }) => side === "new" && newLine === line))
  );

/**
 * The line of a finding; where the page does not have it, the finding itself: at the file's head or, where the file is
 * none of those shown, on the page of all that the ticket changes.
 */
export function jumpTo(
  { id, path, line }: ReviewFinding,
  { shown, changed, review }: {
    /** Ids of the lines that the page has. */
    shown: ReadonlySet<string>;
    /** Paths of the files that it shows. */
    changed: ReadonlySet<string | null>;
    /** Address of the whole review. */
    review: string;
  },
): string {
  if (!changed.has(path)) return `${review}#finding-${id}`;
  if (line === null) return `#${fileId(path!)}`;
  const at = lineId({ path: path!, line, side: "new" });
  return `#${shown.has(at) ? at : `finding-${id}`}`;
}

/** The line that shows it; where it is none of the diff's, the page with the lines around it. */
export function evidenceHref(
  review: string,
  files: DiffFile[],
  { path, line }: Evidence,
): string {
  const place = { path, line, side: "new" } as const;
  const around = `${path}:${Math.max(1, line - EVIDENCE_LINES)}-${line + EVIDENCE_LINES}`;
  const page = showsLine(files, place) ? "" : withQuery(review, { expand: around });
  return `${page}#${lineId(place)}`;
}
const EVIDENCE_LINES = 3;
