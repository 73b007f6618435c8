/** One look at a pull request: what it says is kept, and where the forge merged it, its ticket is done. */
import { jobKeys, type Outcome } from "../../queue/job.ts";
import { enqueue } from "../../queue/queue.ts";
import { MINUTE_MS, SECOND_MS } from "../clock.ts";
import type { Tx } from "../db.ts";
import type { ForgeCheck, PullRequest, Ticket } from "../records.ts";
import {
  addForgeRemarks,
  findPullRequest,
  listForgeChecks,
  movePullRequest,
  type NewRemark,
  type PullChanges,
  replaceForgeChecks,
  settleVerdicts,
  updatePullRequest,
} from "../store/pull_requests.ts";
import { getTicket } from "../store/tickets.ts";
import {
  CHECKS_MAX,
  type Forge,
  type ForgePull,
  type Listed,
  REMARKS_MAX,
  type Said,
} from "./forges/forge.ts";
import { isOver } from "./pull_requests.ts";
import { moveTicket } from "./ticket_moves.ts";

/** When a ticket is being merged here, what became of it is known soon. */
const MERGING_HERE_MS = 30 * SECOND_MS;

/** Of a pull request with which nothing is wrong. */
export const WELL = { error: "", failures: 0 } as const;

interface LookedAt {
  ticket: Ticket;
  pull: PullRequest;
  forge: Forge;
}

/** What the forge says. */
export interface Look {
  pull: ForgePull;
  /** Null: they can't be read there; what is known of them stays. */
  checks: Listed<ForgeCheck> | null;
  said: Said | null;
  /** Why not, and how to mend it; "" else. */
  unread: string;
}

/** The job of a pull request ends for good, with the reason. */
export const over = (reason: string): Outcome => ({ type: "cancel", reason });

/** Records all of one look, and says when the next one is due. A pull request that has ended meanwhile stays as it is. */
export function recordLook(
  tx: Tx,
  { ticket: { id }, pull: { id: pullId }, forge }: LookedAt,
  { pull: seen, checks, said, unread }: Look,
): Outcome {
  const ticket = getTicket(tx.db, id);
  const pull = findPullRequest(tx.db, id);
  if (!pull || pull.id !== pullId || pull.endedAt !== null) return over("It has ended meanwhile");
  const head = headOf(pull, seen);
  const remarks = said?.remarks ?? [];
  const added = addForgeRemarks(tx, pullId, head, keptRemarks(remarks));
  const withdrawn = said === null ? [] : settleVerdicts(tx, pullId, remarks, said.whole);
  const verdict = checks && recordChecks(tx, pullId, checks);
  const changes: PullChanges = {
    url: seen.url,
    head,
    lookedAt: tx.now,
    ...WELL,
    error: seen.state === "open" ? unread : "",
    ...added + withdrawn.length > 0 || verdict !== null ? { changedAt: tx.now } : {},
  };
  const news = { forge: forge.name, number: seen.number };
  if (verdict !== null) tell(tx, ticket, "pull_request_checked", { ...news, ...verdict });
  if (added > 0) tell(tx, ticket, "pull_request_remarks", { ...news, count: added });
  for (const { author, verdict } of withdrawn) {
    // Whoever gave it once more since has not taken it back.
    const again = remarks.some((one) => one.author === author && one.verdict === verdict);
    if (!again) tell(tx, ticket, "pull_request_withdrawn", { ...news, author, verdict });
  }
  const againMs = Math.max(
    lookAgainMs(tx.nowMs - Date.parse(changes.changedAt ?? pull.changedAt)),
    forge.restMs(),
  );
  if (seen.state === "open") {
    updatePullRequest(tx, pullId, changes);
    return { type: "snooze", ms: againMs, reason: `The pull request is open on ${forge.name}` };
  }
  if (seen.state === "closed") {
    movePullRequest(tx, pullId, { status: "closed" }, { ...changes, number: seen.number });
    const by = pull.closeAskedBy;
    tell(tx, ticket, "pull_request_closed", { ...news, ...by === null ? {} : { by } });
    if (isOver(ticket)) return { type: "done" };
    return { type: "snooze", ms: againMs, reason: `The pull request is closed on ${forge.name}` };
  }
  if (ticket.step === "merge" && ticket.status === "review" && !ticket.mergeWait) {
    return { type: "snooze", ms: MERGING_HERE_MS, reason: "The ticket is being merged here, too" };
  }
  const mergeCommit = seen.mergeCommit ?? seen.headCommit;
  const isWhole = ticket.headCommit === pull.pushed && hasAllOf(pull, seen);
  if (isWhole && ticket.status !== "review" && !isOver(ticket)) {
    const error = `Merged on ${forge.name} as ${mergeCommit}: the ticket is "${ticket.status}", ` +
      "and is done when it comes to its review as it is";
    updatePullRequest(tx, pullId, { ...changes, error });
    return { type: "snooze", ms: againMs, reason: error };
  }
  const { number } = seen;
  movePullRequest(tx, pullId, { status: "merged", mergeCommit }, { ...changes, number });
  tell(tx, ticket, "pull_request_merged", { ...news, commit: mergeCommit });
  // What came onto the branch since was not merged: a person decides.
  if (isWhole && ticket.status === "review") finish(tx, ticket, mergeCommit);
  return { type: "done" };
}

/** Commit at the branch there. Just after a push a forge may still tell of what was there before. */
export const headOf = (pull: PullRequest, { state, headCommit }: ForgePull): string =>
  headCommit === "" || state === "open" && isEarlier(pull, headCommit) ? pull.pushed! : headCommit;

/** It was pushed, and newer work since. */
const isEarlier = ({ sent, pushed }: PullRequest, commit: string): boolean =>
  commit !== pushed && sent.includes(commit);

/**
 * Whether what was merged has all that was pushed: it may have been merged while that was sent. Gitea says of a merged
 * one where its branch is now, so that there it must have been seen open since; `head` is null until then.
 */
function hasAllOf(pull: PullRequest, { headCommit }: ForgePull): boolean {
  if (isEarlier(pull, headCommit)) return false;
  const isFrozen = pull.kind !== "gitea" && headCommit === pull.pushed;
  return isFrozen || pull.head !== null || pull.sent.every((commit) => commit === pull.pushed);
}

/** As many as are kept, in the forge's order: verdicts before what else was said, which waits for nobody. */
function keptRemarks(remarks: readonly NewRemark[]): NewRemark[] {
  if (remarks.length <= REMARKS_MAX) return [...remarks];
  const isVerdict = ({ verdict }: NewRemark) => verdict !== null;
  const verdicts = remarks.filter(isVerdict).slice(-REMARKS_MAX);
  const others = remarks.filter((one) => !isVerdict(one));
  return [...verdicts, ...others.slice(0, REMARKS_MAX - verdicts.length)];
}

/** How they stand now, where that is another way than at the last look. */
function recordChecks(
  tx: Tx,
  pullId: string,
  read: Listed<ForgeCheck>,
): { passed: number; failed: number; running: number } | null {
  const before = listForgeChecks(tx.db, pullId);
  const checks = keptChecks(read, before);
  if (JSON.stringify(before) !== JSON.stringify(checks)) replaceForgeChecks(tx, pullId, checks);
  const counts = countChecks(checks);
  return JSON.stringify(counts) === JSON.stringify(countChecks(before)) ? null : counts;
}

/** Of what a cut list leaves out, what is known of the same commit stands. Where there are too many, failures are kept. */
function keptChecks(
  { items, cut }: Listed<ForgeCheck>,
  before: readonly ForgeCheck[],
): ForgeCheck[] {
  const read = new Set(items.map(({ key }) => key));
  const commits = new Set(items.map(({ commit }) => commit));
  const left = cut ? before.filter(({ key, commit }) => commits.has(commit) && !read.has(key)) : [];
  const all = [...items, ...left];
  if (all.length <= CHECKS_MAX) return all;
  const weight = { failed: 0, running: 1, passed: 2, skipped: 2 } as const;
  return all.toSorted((a, b) => weight[a.status] - weight[b.status]).slice(0, CHECKS_MAX);
}

function countChecks(checks: readonly ForgeCheck[]) {
  const count = (status: ForgeCheck["status"]) =>
    checks.filter((check) => check.status === status).length;
  return { passed: count("passed"), failed: count("failed"), running: count("running") };
}

function finish(tx: Tx, { id, projectId }: Ticket, mergeCommit: string): void {
  moveTicket(tx, id, "done", { step: null, mergeCommit });
  enqueue(tx, {
    kind: "remove_worktree",
    args: { ticketId: id },
    uniqueKey: jobKeys.removeWorktree(id),
    projectId,
  });
}

/** Of a ticket's history. */
export function tell(tx: Tx, { id, projectId }: Ticket, type: string, data: unknown): void {
  tx.emit({ type, projectId, ticketId: id, data });
}

/**
 * How long after a look the next one is due: a tenth of the time for which nothing has changed there, between one
 * minute and a quarter of an hour.
 */
export const lookAgainMs = (unchangedMs: number): number =>
  Math.min(Math.max(Math.floor(unchangedMs / 10), MINUTE_MS), 15 * MINUTE_MS);
