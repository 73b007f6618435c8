/** What Gaffer asks of a forge, whichever it is. Every answer has been checked, and every list has an end. */
import type { ForgeCheck } from "../../records.ts";
import type { NewRemark } from "../../store/pull_requests.ts";

/** A pull request as the forge has it now. */
export interface ForgePull {
  number: number;
  /** Of its page. */
  url: string;
  state: "open" | "merged" | "closed";
  branch: string;
  /** Commit at the branch. */
  headCommit: string;
  /** What its merge put onto the target branch; null: it is not merged, or the forge does not say. */
  mergeCommit: string | null;
  /** Its text below the title. */
  body: string;
}

/** As much of a list as is read. */
export interface Listed<Item> {
  items: Item[];
  /** The forge has more of them. */
  cut: boolean;
}

export type Verdict = NonNullable<NewRemark["verdict"]>;

/** What was said of a pull request, as far as it could be read. */
export interface Said {
  remarks: NewRemark[];
  /** The kinds of verdicts of which all that stand are among the remarks: what is missing of these was withdrawn. */
  whole: readonly Verdict[];
  /** What could not be read, and why: sentences without a full stop. */
  unread: readonly string[];
}

export interface NewPull {
  branch: string;
  target: string;
  title: string;
  body: string;
}

/** Each throws `ForgeError`, and what the signal asks for. */
export interface Forge {
  /** "GitHub", as people call it. */
  readonly name: string;
  /** Name with which the token is given to git over HTTPS. */
  readonly gitUser: string;
  /** The branch that pull requests go to unless another is named: that token and address are right. */
  defaultBranch(signal: AbortSignal): Promise<string>;
  /** Those of a branch of the repository itself, open ones first, then the newest. */
  find(branch: string, signal: AbortSignal): Promise<ForgePull[]>;
  /** Null: there is an open one of that branch already. */
  open(pull: NewPull, signal: AbortSignal): Promise<ForgePull | null>;
  look(number: number, signal: AbortSignal): Promise<ForgePull>;
  /** Closes one without a merge; one that has ended stays as it is, or is refused. */
  close(number: number, signal: AbortSignal): Promise<ForgePull>;
  /** Replaces its text below the title. */
  reword(number: number, body: string, signal: AbortSignal): Promise<ForgePull>;
  checks(commit: string, signal: AbortSignal): Promise<Listed<ForgeCheck>>;
  remarks(number: number, signal: AbortSignal): Promise<Said>;
  /** How long the forge asked to be left alone with its last answer; 0: it did not. */
  restMs(): number;
}

/** Most of each that is kept of one pull request. */
export const CHECKS_MAX = 200;
export const REMARKS_MAX = 500;
/** Longest of what somebody said, and of a name or a summary. */
export const REMARK_CHARS = 20_000;
export const LABEL_CHARS = 300;

export const VERDICTS: readonly Verdict[] = ["approved", "changes_requested"];

/** `what`: "checks of this commit". */
export const tooMany = (forge: string, what: string): string =>
  `${forge} has more ${what} than are read: see its page for the rest`;

/** What of such lists was cut, in words. */
export const cutWords = (
  forge: string,
  lists: readonly { of: string; list: Listed<unknown> }[],
): string[] => lists.filter(({ list }) => list.cut).map(({ of }) => tooMany(forge, of));

/** Of text that people or programs wrote there. */
export const cut = (text: string | null | undefined, chars: number): string =>
  text && text.length > chars ? `${text.slice(0, chars - 1)}…` : text ?? "";

/** The address where it is one of the web; "" else. */
export const webUrl = (text: string | null | undefined): string =>
  text && /^https?:\/\//i.test(text) && URL.canParse(text) && text.length <= 2_000 ? text : "";

/** UTC text of fixed width; null where the forge gave none that can be read. */
export function timeOf(text: string | null | undefined): string | null {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? null : new Date(ms).toISOString();
}

/** Open ones first; else as given. */
export const openFirst = (pulls: readonly ForgePull[]): ForgePull[] =>
  pulls.toSorted((a, b) => Number(b.state === "open") - Number(a.state === "open"));

/** Those of a branch of this very repository: another one may have a branch of that name. One whose own is gone counts. */
export function ofBranch<P extends { head: { ref: string; repo?: { full_name: string } | null } }>(
  pulls: readonly P[],
  branch: string,
  repository: string,
): P[] {
  const here = repository.toLowerCase();
  return pulls.filter(({ head }) =>
    head.ref === branch && (head.repo?.full_name ?? here).toLowerCase() === here
  );
}
