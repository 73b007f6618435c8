/** Suggestions beside lines of a diff: read from what a person or the reviewer wrote, applied as a commit. */
import { fileAt, readBlob } from "../../agents/git/contents.ts";
import { replaceFiles } from "../../agents/git/replacing.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Comment, Project, ReviewFinding, Ticket } from "../records.ts";
import { getProject } from "../store/projects.ts";
import { markApplied, moveRemark } from "../store/review_marks.ts";
import { listComments, listFindings } from "../store/reviews.ts";
import { type Suggestion, suggestionIn } from "../suggestion.ts";
import { getTicket } from "../store/tickets.ts";
import { moveTicket } from "./ticket_moves.ts";
import { enqueueAdvanceTicket } from "./ticket_jobs.ts";
import { worktreeOf } from "./places.ts";

/** Most suggestions of one commit. */
export const SUGGESTIONS_MAX = 50;

/** Ids of comments and findings whose suggestions are wanted. */
export interface Chosen {
  comments: readonly string[];
  findings: readonly string[];
}

interface Wish {
  id: string;
  kind: "comment" | "finding";
  path: string;
  first: number;
  last: number;
  /** Commit that its lines are of. */
  commit: string;
  lines: string[];
}

/** Suggestions that are a commit of the branch, which nobody has recorded yet. */
export interface Committed {
  seen: Ticket;
  wishes: Wish[];
  commit: string;
}

/**
 * Makes one commit of the suggestions on the ticket's branch; `recordSuggestions` is next, and may be left out by a
 * crash: doing all of it again finds the commit. Throws `not_found` for a remark that is not the ticket's, `conflict`
 * when the ticket is not in review, when a remark has no suggestion or it was applied, when its file changed since it
 * was written, or two of them meet; then nothing is changed.
 */
export async function commitSuggestions(
  app: App,
  ticketId: string,
  chosen: Chosen,
  signal: AbortSignal,
): Promise<Committed> {
  const { projectId } = openTicket(app, ticketId);
  const project = getProject(app.db, projectId);
  const worktree = worktreeOf(app, getTicket(app.db, ticketId));
  return await app.turnstile.through(worktree.path, async () => {
    const seen = openTicket(app, ticketId);
    const wishes = wishesOf(app, seen, chosen);
    const head = seen.headCommit!;
    const files = [];
    for (const path of new Set(wishes.map((wish) => wish.path))) {
      const own = wishes.filter((wish) => wish.path === path);
      files.push({ path, text: await changedText({ project, head, own, signal }) });
    }
    const commit = await replaceFiles({
      repo: project.path,
      worktree: await Deno.realPath(worktree.path),
      branch: worktree.branch,
      head,
      files,
      message: messageOf(seen, wishes, app.actor),
      signal,
    });
    return { seen, wishes, commit };
  });
}

/** The ticket goes on with the new commit: build, tests and review are due again. Throws `conflict` when it has moved. */
export function recordSuggestions(app: App, { seen, wishes, commit }: Committed): Ticket {
  return transact(app, (tx) => {
    const now = openTicket(app, seen.id);
    if (now.headCommit !== seen.headCommit) refuse("the branch has moved on. Load the page again");
    for (const wish of wishes) markApplied(tx, wish, commit);
    keepRemarks(tx, seen, wishes, commit);
    const ticket = moveTicket(tx, seen.id, "in_progress", {
      step: "build",
      round: 0,
      headCommit: commit,
    });
    tx.emit({
      type: "suggestions_applied",
      projectId: ticket.projectId,
      ticketId: ticket.id,
      data: { commit, count: wishes.length, paths: [...new Set(wishes.map(({ path }) => path))] },
    });
    enqueueAdvanceTicket(tx, ticket);
    return ticket;
  });
}

/**
 * What else is said is about the same lines of the new commit, but for lines that were replaced. Removed lines, and
 * those of other files, are where they were.
 */
function keepRemarks(tx: Tx, { id, headCommit }: Ticket, wishes: Wish[], commit: string): void {
  const remarks = [
    ...listComments(tx.db, id).map((comment) => ({ ...comment, kind: "comment" as const })),
    ...listFindings(tx.db, id).map((finding) => ({
      ...finding,
      kind: "finding" as const,
      side: "new" as const,
    })),
  ];
  for (const remark of remarks) {
    if (remark.commit !== headCommit) continue;
    const own = remark.side === "old" ? [] : wishes.filter(({ path }) => path === remark.path);
    const line = lineAfter(remark.line, own);
    if (line !== undefined) moveRemark(tx, remark, { commit, line });
  }
}

/** Where a line is once the suggestions are in; undefined: it is one of those that they replaced. */
function lineAfter(line: number | null, own: Wish[]): number | null | undefined {
  if (line === null) return null;
  if (own.some(({ first, last }) => line >= first && line <= last)) return undefined;
  return own.filter(({ last }) => last < line)
    .reduce((sum, { first, last, lines }) => sum + lines.length - (last - first + 1), line);
}

function openTicket(app: App, id: string): Ticket {
  const ticket = getTicket(app.db, id);
  if (ticket.status !== "review") refuse(`ticket #${ticket.number} is "${ticket.status}"`);
  if (ticket.step === "merge") refuse(`ticket #${ticket.number} is in the merge queue`);
  return ticket;
}

function wishesOf(app: App, ticket: Ticket, chosen: Chosen): Wish[] {
  const [comments, findings] = [listComments(app.db, ticket.id), listFindings(app.db, ticket.id)];
  const wishes = [
    ...chosen.comments.map((id) => wishOf("comment", id, comments.find((c) => c.id === id))),
    ...chosen.findings.map((id) => wishOf("finding", id, findings.find((f) => f.id === id))),
  ];
  if (wishes.length === 0) throw new AppError("invalid", "Cannot apply suggestions: none is named");
  if (wishes.length > SUGGESTIONS_MAX) {
    throw new AppError("invalid", `Cannot apply more than ${SUGGESTIONS_MAX} suggestions at once`);
  }
  const sorted = wishes.toSorted((a, b) =>
    a.path < b.path ? -1 : a.path > b.path ? 1 : a.first - b.first
  );
  const clash = sorted.find((wish, i) =>
    wish.path === sorted[i - 1]?.path && wish.first <= sorted[i - 1]!.last
  );
  if (clash) {
    refuse(`two suggestions change line ${clash.first} of "${clash.path}". Apply one of them`);
  }
  return sorted;
}

function wishOf(kind: Wish["kind"], id: string, remark: Comment | ReviewFinding | undefined): Wish {
  if (!remark) {
    throw new AppError("not_found", `Cannot apply "${id}": the ticket has no such remark`);
  }
  const suggestion: Suggestion | null = suggestionIn(remark);
  if (!suggestion) refuse("the remark has none, or stands on no line of the new version");
  if (remark.appliedCommit !== null) refuse("it was applied already");
  if (remark.commit === null) refuse("nobody knows which version of the file it is about");
  return { id, kind, commit: remark.commit, ...suggestion };
}

/** The file with all of its suggestions in it. Line ends stay as they are. */
async function changedText(
  { project, head, own, signal }: {
    project: Project;
    head: string;
    own: Wish[];
    signal: AbortSignal;
  },
): Promise<string> {
  const { path } = own[0]!;
  const file = await fileAt(project.path, head, path, signal);
  if (!file) refuse(`"${path}" is gone. Load the page again`);
  for (const commit of new Set(own.map((wish) => wish.commit))) {
    if (commit === head) continue;
    const then = await fileAt(project.path, commit, path, signal);
    if (then?.blob !== file!.blob) {
      refuse(`"${path}" changed since it was written. Look at the file as it is now`);
    }
  }
  const text = await readBlob(project.path, file!.blob, signal);
  if (text === null) refuse(`"${path}" is too large`);
  if (/[\0\ufffd]/.test(text!)) refuse(`"${path}" is not a text in UTF-8`);
  return replaceLines(text!, own, path);
}

/** `own`: in the order of their lines. */
function replaceLines(text: string, own: Wish[], path: string): string {
  const lines = text.split("\n");
  // As the line has it that goes, since a file may have both; the last one may have none.
  const endsWithCr = (line: number): boolean =>
    line < lines.length ? lines[line - 1]!.endsWith("\r") : text.includes("\r\n");
  const count = text.endsWith("\n") ? lines.length - 1 : lines.length;
  for (const { first, last, lines: now } of own.toReversed()) {
    if (last > count) refuse(`"${path}" has no line ${last}`);
    const atEnd = last === lines.length;
    const ended = now.map((line, i) =>
      !endsWithCr(first) || (atEnd && i === now.length - 1) ? line : `${line}\r`
    );
    lines.splice(first - 1, last - first + 1, ...ended);
  }
  return lines.join("\n");
}

const messageOf = ({ number }: Ticket, wishes: Wish[], actor: string): string => {
  const paths = [...new Set(wishes.map(({ path }) => path))];
  const where = paths.length === 1 ? paths[0]! : `${paths.length} files`;
  const what = wishes.length === 1 ? "a suggestion" : `${wishes.length} suggestions`;
  return `Ticket #${number}, ${what} for ${where}, applied by ${actor}`;
};

function refuse(why: string): never {
  throw new AppError("conflict", `Cannot apply the suggestion: ${why}`);
}
