import { loadColours } from "../../views/code_colours.ts";
import { loadMarks } from "../../views/diff_words.ts";
import { expandHunks, type Gap, gapsOf } from "../../views/diff_gaps.ts";
import type { Place } from "../../views/diff_place.ts";
import { ticketHref, withQuery } from "../../views/links.ts";
import type { ReviewPageProps } from "../../views/review.tsx";
import type { RefusedReview } from "../../views/review_decision.tsx";
import { GitError } from "../../agents/git/git_error.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Check, DiffFile, Ticket } from "../records.ts";
import { proposedMessage } from "../services/merging.ts";
import { contentOf, fileLines, lineOrigins, lookAt, reviewDiff } from "../services/review_range.ts";
import { listChecks } from "../store/checks.ts";
import { lastSeq } from "../store/events.ts";
import { mergeRuleOf } from "../store/merge_rules.ts";
import { getProject } from "../store/projects.ts";
import { listTicks } from "../store/review_marks.ts";
import { listComments, listFindings } from "../store/reviews.ts";
import { getMergeDetails, getTicket } from "../store/tickets.ts";
import { suggestionText } from "../suggestion.ts";
import { pullProps } from "./pull_requests.ts";
import { originsOfTicket, type TicketOrigins } from "./review_origins.ts";
import type { ReviewQuery } from "./review_query.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** Files whose gaps one page fills. */
const EXPANDED_FILES = 5;

/**
 * The page, and with it a look of whoever acts. `refused`: a decision that comes back with what was typed. Throws
 * `not_found` without such a ticket, `GitError` where its repository can't be read.
 */
export async function reviewPage(
  request: PageRequest,
  id: string,
  query: ReviewQuery,
  signal: AbortSignal,
  refused: RefusedReview | null = null,
): Promise<ReviewPageProps> {
  const { app } = request;
  const { db } = app;
  const after = lastSeq(db);
  const ticket = getTicket(db, id);
  const { layout } = query;
  const before = lookAt(app, ticket);
  const choice = { range: query.range, ignoreSpace: layout.ignoreSpace, before };
  const diff = await reviewDiff(app, ticket, choice, signal);
  const wanted = query.only.toLowerCase();
  const some = diff.files.filter(({ path }) => path.toLowerCase().includes(wanted));
  const { files, gaps } = await expandedFiles(app, ticket, some, query, signal);
  const origins = originsOfTicket(app, ticket);
  return {
    shell: shellOf(request),
    live: refused
      ? null
      : { path: withQuery(`/live/review/${id}`, { commit: ticket.headCommit }), after },
    ...reviewFacts(app, id),
    shown: ticket.headCommit,
    files,
    truncated: diff.truncated,
    openFile: query.file,
    commentAt: query.comment,
    view: {
      ...layout,
      range: diff.range,
      ranges: diff.ranges,
      only: query.only,
      total: diff.files.length,
    },
    extras: {
      colours: await loadColours(),
      marks: await loadMarks(),
      gaps,
      expanded: query.expand,
      ticks: ticksOf(app, id, files),
      origins: origins.byPath,
      why: await whyOf(app, ticket, query.why, files, origins, signal),
      commentText: suggestedText(files, query),
      oldCommit: diff.oldCommit,
    },
    refused,
  };
}

/** The files with the lines between their hunks that the address names. */
async function expandedFiles(
  app: App,
  ticket: Ticket,
  all: DiffFile[],
  { expand }: ReviewQuery,
  signal: AbortSignal,
): Promise<{ files: DiffFile[]; gaps: Map<string, (Gap | null)[]> }> {
  const gaps = new Map<string, (Gap | null)[]>();
  const files: DiffFile[] = [];
  let left = EXPANDED_FILES;
  for (const file of all) {
    const ranges = expand.get(file.path);
    const partial = file.kind === "modified" || file.kind === "renamed";
    if (!partial || !ranges || left-- <= 0) {
      if (partial) gaps.set(file.path, gapsOf(file.hunks, null));
      files.push(file);
      continue;
    }
    const lines = await linesOf(app, ticket, file, signal);
    if (lines === null) {
      files.push(file);
      continue;
    }
    const hunks = expandHunks(file.hunks, ranges, lines);
    gaps.set(file.path, gapsOf(hunks, lines.length));
    files.push({ ...file, hunks });
  }
  return { files, gaps };
}

/** Null: none can be shown, of a submodule or a very large file; the rest of the review can. */
async function linesOf(
  app: App,
  ticket: Ticket,
  { path }: DiffFile,
  signal: AbortSignal,
): Promise<string[] | null> {
  try {
    return await fileLines(app, ticket, path, signal);
  } catch (error) {
    const known = error instanceof AppError &&
      (error.code === "invalid" || error.code === "not_found");
    if (!known) throw error;
    return null;
  }
}

function ticksOf({ db, actor }: App, ticketId: string, files: DiffFile[]) {
  const ticks = listTicks(db, actor, ticketId);
  const contents = new Map(files.map((file) => [file.path, contentOf(file)]));
  const viewed = new Set(
    files.flatMap(({ path }) => ticks.get(path) === contents.get(path) ? [path] : []),
  );
  return { viewed, contents, action: `${ticketHref(ticketId)}/viewed` };
}

async function whyOf(
  app: App,
  ticket: Ticket,
  at: Place | null,
  files: DiffFile[],
  origins: TicketOrigins,
  signal: AbortSignal,
) {
  const hunk = files.find(({ path }) => path === at?.path)?.hunks
    .find(({ lines }) => lines.some((line) => line.kind === "added" && line.newLine === at?.line));
  if (!at || !hunk) return null;
  const added = hunk.lines.flatMap(({ kind, newLine }) => kind === "added" ? [newLine!] : []);
  const range = { path: at.path, first: added[0]!, last: added.at(-1)! };
  const all = (await commitsBehind(app, ticket, range, signal)).map(origins.of);
  return {
    at,
    origins: all.filter(({ words }, i) => all.findIndex((o) => o.words === words) === i),
  };
}

/** None where git can't say: of a submodule, or of a history that takes too long. The log has why. */
async function commitsBehind(
  app: App,
  ticket: Ticket,
  range: { path: string; first: number; last: number },
  signal: AbortSignal,
): Promise<string[]> {
  try {
    return await lineOrigins(app, ticket, range, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof GitError)) throw error;
    app.log.warn("nobody knows where lines come from", {
      ticket: ticket.id,
      path: range.path,
      error: error.message,
    });
    return [];
  }
}

/** The new lines from `from` to where the comment stands, for a person to change; "" where one is not shown. */
function suggestedText(files: DiffFile[], { comment: at, from, suggest }: ReviewQuery): string {
  if (!suggest || at?.side !== "new") return "";
  const first = Math.max(from ?? at.line, at.line - SUGGESTED_LINES + 1);
  const shown = new Map(
    files.find(({ path }) => path === at.path)?.hunks.flatMap(({ lines }) => lines)
      .flatMap(({ newLine, text }) => newLine === null ? [] : [[newLine, text]]),
  );
  const numbers = Array.from({ length: at.line - first + 1 }, (_, i) => first + i);
  return numbers.every((line) => shown.has(line))
    ? suggestionText(numbers.map((line) => shown.get(line)!))
    : "";
}
const SUGGESTED_LINES = 50;

/** All but the diff: what can change while a person reads it. */
export function reviewFacts(app: App, id: string) {
  const ticket = getTicket(app.db, id);
  const checks = listChecks(app.db, id).toReversed();
  // A merge may have asked newer states of the base.
  const hasBase = checks.some(({ baseline, commit }) => baseline && commit === ticket.baseCommit);
  const counts = ({ commit, baseline }: Check) =>
    baseline ? !hasBase || commit === ticket.baseCommit : commit === ticket.headCommit;
  return {
    ticket,
    baseBranch: getProject(app.db, ticket.projectId).baseBranch,
    findings: listFindings(app.db, id),
    verdicts: getMergeDetails(app.db, id).verdicts,
    comments: listComments(app.db, id),
    // Of what is to be merged, and of what it began with: what the reviewer was told of, too.
    checks: checks.filter(counts),
    olderChecks: checks.filter((check) => !counts(check)),
    message: proposedMessage(app, ticket),
    style: mergeRuleOf(app.db, ticket).style,
    pull: pullProps(app, ticket),
  };
}
