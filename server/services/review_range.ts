/** Which part of a ticket's work a person looks at, and what it changes. Commits never change, so diffs are kept. */
import { generatedBy } from "../../agents/git/attributes.ts";
import { diffOf } from "../../agents/git/changes.ts";
import { fileAt, hasCommit, originsOf, parentOf, readBlob } from "../../agents/git/contents.ts";
import { type ParsedDiff, parseDiff } from "../../agents/git/diff.ts";
import { combinedTree } from "../../agents/git/merge_look.ts";
import { isAncestor } from "../../agents/git/repository.ts";
import type { App } from "../app.ts";
import { type Db, transact } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import type { DiffFile, Ticket } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { findLook, listCheckpoints, setLook, setTick } from "../store/review_marks.ts";
import { getTicket } from "../store/tickets.ts";

/** All that the ticket changes, what came since the person's last look, or what the last turn did. */
export const reviewRanges = ["all", "look", "turn"] as const;
export type ReviewRange = typeof reviewRanges[number];

/** What changed in a range. */
export interface ReviewDiff extends ParsedDiff {
  /** A commit, or the tree that stands for one; null: nothing is changed yet. */
  from: string | null;
  to: string | null;
  /** What is shown; "all" where what was asked for is not there. */
  range: ReviewRange;
  /** The ranges that there are. */
  ranges: readonly ReviewRange[];
  /** The commit that removed lines are of; null: of none. Absent: of the base, where the work began. */
  oldCommit?: string | null;
}

/** Diffs that are kept, the newest ones; and the most lines that each of them may have for that. */
const KEPT_DIFFS = 4;
const KEPT_LINES = 20_000;
const kept = new WeakMap<Db, Map<string, ParsedDiff>>();

/** What a ticket changes in a range. Throws `GitError` where the repository can't be read. */
export async function reviewDiff(
  app: App,
  ticket: Ticket,
  { range, ignoreSpace, before }: {
    range: ReviewRange;
    ignoreSpace: boolean;
    /** The commit of the last look, from `lookAt`. */
    before: string | null;
  },
  signal: AbortSignal,
): Promise<ReviewDiff> {
  const { baseCommit: base, headCommit: head } = ticket;
  if (!base || !head || base === head) {
    return { files: [], truncated: false, from: base, to: head, range: "all", ranges: ["all"] };
  }
  const repo = getProject(app.db, ticket.projectId).path;
  const looked = before !== null && before !== head && await hasCommit(repo, before, signal);
  const starts: Record<ReviewRange, Start | null> = {
    all: { from: base },
    look: looked
      ? range === "look" ? await lookStart(repo, { before, base, signal }) : { from: before }
      : null,
    turn: range === "turn" ? await turnStart(app, repo, ticket, signal) : { from: head },
  };
  const shown = starts[range] === null ? "all" : range;
  const start = starts[shown]!;
  const diff = await keptDiff(app, { repo, from: start.from, to: head, ignoreSpace, signal });
  const ranges = reviewRanges.filter((name) =>
    starts[name] !== null && (name !== "turn" || listCheckpoints(app.db, ticket.id, 1).length > 0)
  );
  return { ...diff, ...start, to: head, range: shown, ranges };
}

/** What the newest commit is compared with. */
type Start = { from: string; oldCommit?: string | null };

/**
 * What a person saw last. Where the work has taken in newer commits of the base since, what they brought is nothing
 * that the ticket changes: the start is then what was seen combined with them, conflicts marked. Null: this git can't
 * combine without a worktree.
 */
async function lookStart(
  repo: string,
  { before, base, signal }: { before: string; base: string; signal: AbortSignal },
): Promise<Start | null> {
  if (before === base) return { from: base };
  if (await isAncestor(repo, base, before, signal)) return { from: before, oldCommit: before };
  const combined = await combinedTree({ repo, head: before, base, signal });
  return combined && { from: combined.tree, oldCommit: null };
}

async function turnStart(
  app: App,
  repo: string,
  ticket: Ticket,
  signal: AbortSignal,
): Promise<Start | null> {
  const from = await lastTurn(app, repo, ticket, signal);
  if (from === null || from === ticket.baseCommit) return from === null ? null : { from };
  return { from, oldCommit: from };
}

async function keptDiff(
  app: App,
  spec: { repo: string; from: string; to: string; ignoreSpace: boolean; signal: AbortSignal },
): Promise<ParsedDiff> {
  const mine = kept.get(app.db) ?? new Map<string, ParsedDiff>();
  kept.set(app.db, mine);
  const key = JSON.stringify([spec.repo, spec.from, spec.to, spec.ignoreSpace]);
  const diff = mine.get(key) ?? await readDiff(spec);
  mine.delete(key);
  if (linesOf(diff) <= KEPT_LINES) mine.set(key, diff); // last in the order: the newest
  for (const old of [...mine.keys()].slice(0, -KEPT_DIFFS)) mine.delete(old);
  return diff;
}

const linesOf = ({ files }: ParsedDiff): number =>
  files.reduce((sum, { hunks }) => sum + hunks.reduce((n, { lines }) => n + lines.length, 0), 0);

async function readDiff(
  spec: { repo: string; from: string; to: string; ignoreSpace: boolean; signal: AbortSignal },
): Promise<ParsedDiff> {
  const { text, truncated } = await diffOf(spec);
  const diff = parseDiff(text);
  const attributes = await fileAt(spec.repo, spec.to, ".gitattributes", spec.signal);
  const isGenerated = attributes?.mode.startsWith("100")
    ? await generatedBy(await readBlob(spec.repo, attributes.blob, spec.signal) ?? "")
    : () => null;
  for (const file of diff.files) file.generated = isGenerated(file.path) ?? undefined;
  return { files: diff.files, truncated: diff.truncated || truncated };
}

/** Throws `invalid` where somebody comments on a line of a commit that the repository has not; absent: the newest. */
export async function requireCommented(
  app: App,
  ticketId: string,
  commit: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { headCommit, projectId } = getTicket(app.db, ticketId);
  if (commit === undefined || commit === headCommit) return;
  if (await hasCommit(getProject(app.db, projectId).path, commit, signal)) return;
  const message = `The repository has no commit ${commit}: load the page again`;
  throw new AppError("invalid", `Cannot add the comment: ${message}`, [{
    field: "commit",
    message,
  }]);
}

/** The commit before the newest turn's; null: no turn of this work has changed anything. */
async function lastTurn(
  app: App,
  repo: string,
  { id, headCommit, baseCommit }: Ticket,
  signal: AbortSignal,
): Promise<string | null> {
  // A run that was put back has newer ones that are no part of the branch any more.
  for (const { commit } of listCheckpoints(app.db, id, TURNS_TRIED)) {
    if (!await hasCommit(repo, commit, signal)) continue;
    if (await isAncestor(repo, commit, headCommit!, signal)) {
      return await parentOf(repo, commit, signal) ?? baseCommit;
    }
  }
  return null;
}
const TURNS_TRIED = 5;

/**
 * Whoever acts looks at the ticket's newest commit; gives the one of the look before, null at the first. A look that
 * can't be saved is no reason to show nothing.
 */
export function lookAt(app: App, ticket: Ticket): string | null {
  const { id, headCommit } = ticket;
  const look = findLook(app.db, app.actor, id);
  if (headCommit === null || look?.commit === headCommit) return look?.before ?? null;
  if (app.db.fault === null) {
    try {
      transact(app, (tx) => setLook(tx, id, headCommit));
    } catch (error) {
      app.log.warn("a look at a review is not saved", { ticket: id, error: messageOf(error) });
    }
  }
  return look?.commit ?? null;
}

/** What a tick is about: with other content or mode, the file is to be viewed again. */
export const contentOf = ({ kind, newBlob, newMode }: DiffFile): string =>
  [kind === "deleted" ? "deleted" : newBlob ?? "same", newMode ?? ""].join(":");

/** What a tick on a changed file is about now. Throws `not_found` where the ticket changes no such file. */
export async function contentNow(
  app: App,
  ticket: Ticket,
  path: string,
  signal: AbortSignal,
): Promise<string> {
  const all = { range: "all", ignoreSpace: false, before: null } as const;
  const { files } = await reviewDiff(app, ticket, all, signal);
  const file = files.find((file) => file.path === path);
  if (file) return contentOf(file);
  throw new AppError("not_found", `Cannot mark "${path}" as viewed: the ticket does not change it`);
}

/** Says that whoever acts has viewed a file in this content, or has not. Throws `not_found` without such a ticket. */
export function tickFile(
  app: App,
  ticketId: string,
  { path, content, viewed }: { path: string; content: string; viewed: boolean },
): void {
  transact(app, (tx) => {
    getTicket(tx.db, ticketId);
    setTick(tx, ticketId, path, viewed ? content : null);
  });
}

/**
 * The lines of a changed file as they are now. Throws `not_found` where the ticket has no such file, `invalid` for
 * one that is too large.
 */
export async function fileLines(
  app: App,
  ticket: Ticket,
  path: string,
  signal: AbortSignal,
): Promise<string[]> {
  const repo = getProject(app.db, ticket.projectId).path;
  const file = ticket.headCommit && await fileAt(repo, ticket.headCommit, path, signal);
  if (!file) throw new AppError("not_found", `Cannot show "${path}": the branch has no such file`);
  const text = await readBlob(repo, file.blob, signal);
  if (text === null) {
    throw new AppError("invalid", `Cannot show more of "${path}": it is too large`);
  }
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}

/** The ticket's commits that lines of a file came with. */
export async function lineOrigins(
  app: App,
  ticket: Ticket,
  { path, first, last }: { path: string; first: number; last: number },
  signal: AbortSignal,
): Promise<string[]> {
  const { baseCommit: base, headCommit: head } = ticket;
  if (!base || !head) return [];
  const repo = getProject(app.db, ticket.projectId).path;
  return await originsOf({ repo, base, head, path, first, last, signal });
}
