/** What a diff is made of. */
import type { Comment, DiffFile, ReviewFinding } from "../server/records.ts";
import type { Colours } from "./code_colours.ts";
import type { MarksOf } from "./diff_words.ts";
import type { Gap, LineRange } from "./diff_gaps.ts";
import type { Origin } from "./diff_origin.tsx";
import type { Place } from "./diff_place.ts";
import type { Evidence } from "./diff_remarks.tsx";

/** All that a diff shows; what is optional is left out where it is not given. */
export interface DiffProps {
  files: DiffFile[];
  findings: ReviewFinding[];
  comments: Comment[];
  /** The newest of what is shown: remarks on other commits have no line in it. Null: nobody knows. */
  commit: string | null;
  /** The commit that removed lines are of; null: they are of none. Absent: of the base, where the work began. */
  oldCommit?: string | null;
  /** Path given by `?file=`: shown however long or generated it is. */
  openFile: string | null;
  /** Line given by `?comment=` (`parsePlace`): its form is open. */
  commentAt: Place | null;
  /** The form begins with this text. */
  commentText?: string;
  /** Address of the page the diff is on. */
  page: string;
  /** Where comments are posted; null when it is too late to comment. */
  commentAction: string | null;
  nowMs: number;
  /** Where the reviewer saw that a criterion is met, or not. */
  evidence?: Evidence[];
  /** Old and new side by side. */
  split?: boolean;
  /** Long lines are not broken: each file scrolls in its own box. */
  nowrap?: boolean;
  /** Null: without colours. */
  colours?: Colours | null;
  /** Null: the changed middle of each line is marked. */
  marks?: MarksOf | null;
  /** By path, the gaps between the hunks; none: no more lines can be shown. */
  gaps?: ReadonlyMap<string, (Gap | null)[]>;
  /** By path, what `?expand=` names of it. */
  expanded?: ReadonlyMap<string, LineRange[]>;
  /** Viewed files by path, with the content that a tick is about; null: nobody can tick. */
  ticks?:
    | { viewed: ReadonlySet<string>; contents: ReadonlyMap<string, string>; action: string }
    | null;
  /** What each file's changes were made for. */
  origins?: ReadonlyMap<string, Origin[]>;
  /** `?why=`: a hunk, by a line of it, and what its lines were made for. */
  why?: { at: Place; origins: Origin[] } | null;
}

/** Files that are shown whatever room there is. */
export const wantedOf = (
  { openFile, commentAt, expanded, why }: Pick<
    DiffProps,
    "openFile" | "commentAt" | "expanded" | "why"
  >,
): Set<string> =>
  new Set(
    [openFile, commentAt?.path, why?.at.path, ...expanded?.keys() ?? []]
      .filter((path) => path != null),
  );

/** One file of it, with how many of its lines are shown; 0 folds it. */
export type FileDiffProps = DiffProps & { file: DiffFile; shownLines: number };
