/** What a person does about a ticket's pull request: asks for it, has it looked at, takes up what was said there. */
import { jobKeys } from "../../queue/job.ts";
import { cancelJobs, enqueue, findWaiting } from "../../queue/queue.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError } from "../errors.ts";
import type { Comment, ForgeCheck, ForgeRemark, PullRequest, Ticket } from "../records.ts";
import { forgeNames } from "../states.ts";
import { findForge } from "../store/forges.ts";
import {
  findPullRequest,
  insertPullRequest,
  listForgeChecks,
  listForgeRemarks,
  markRemarkTaken,
  movePullRequest,
  updatePullRequest,
} from "../store/pull_requests.ts";
import { insertComment, listComments } from "../store/reviews.ts";
import { getTicket, updateTicket } from "../store/tickets.ts";
import { requireLookedAt } from "./looked_at.ts";

/**
 * Has a reviewed ticket's branch pushed, and a pull request of it opened, unless it has one: then the newer work goes
 * to that. `message` replaces the proposed one of the merge. Throws `conflict` when the ticket is not in review, is
 * being merged, or its project names no forge; and when its work is not that of `commit`, which the person looked at.
 */
export const askForPullRequest = (
  app: App,
  ticketId: string,
  message = "",
  { commit }: { commit?: string } = {},
): Ticket =>
  transact(app, (tx) => {
    const ticket = getTicket(tx.db, ticketId);
    requireLookedAt(ticket, commit, "open a pull request of");
    return askForPullRequestIn(tx, ticket, message);
  });

/** The same for whoever is in a transaction. */
export function askForPullRequestIn(tx: Tx, before: Ticket, message: string): Ticket {
  const refuse = (why: string): never => {
    throw new AppError(
      "conflict",
      `Cannot open a pull request of ticket #${before.number}: ${why}`,
    );
  };
  const { id: ticketId, projectId, branch, headCommit } = before;
  if (before.status !== "review" || !branch || !headCommit) {
    return refuse(`it is "${before.status}"`);
  }
  if (before.step === "merge" && !before.mergeWait) refuse("it is in the merge queue");
  const forge = findForge(tx.db, projectId);
  if (!forge) return refuse("its project names no forge. Set one on its page Pull requests");
  // Nothing merges it here any more.
  cancelJobs(tx, { uniqueKey: jobKeys.mergeTicket(ticketId) }, "A pull request took its place");
  const ticket = updateTicket(tx, ticketId, {
    step: null,
    mergeCommit: null,
    mergeWait: "",
    ...message.trim() ? { mergeMessage: message.trim() } : {},
  });
  const { kind, repository } = forge;
  const open = activePull(tx, ticketId);
  const same = open?.kind === kind && open.repository === repository && open.branch === branch;
  if (open && same) {
    updatePullRequest(tx, open.id, {
      commit: headCommit,
      error: "",
      stopped: false,
      failures: 0,
      closeAskedBy: null,
      changedAt: tx.now,
    });
  } else {
    if (open) movePullRequest(tx, open.id, { status: "closed" }, { error: LEFT });
    insertPullRequest(tx, { ticketId, kind, repository, branch, commit: headCommit });
  }
  tx.emit({
    type: "pull_request_asked",
    projectId,
    ticketId,
    data: { forge: forgeNames[kind], commit: headCommit },
  });
  enqueueFollowing(tx, ticket);
  return ticket;
}

const LEFT = "It is followed no more: the project names another repository now";

/** The newest one, where it has not ended. */
function activePull(tx: Tx, ticketId: string): PullRequest | null {
  const pull = findPullRequest(tx.db, ticketId);
  return pull?.endedAt === null ? pull : null;
}

function enqueueFollowing(tx: Tx, ticket: Ticket): void {
  enqueue(tx, {
    kind: "follow_pull_request",
    args: { ticketId: ticket.id },
    priority: ticket.priority,
    uniqueKey: jobKeys.followPull(ticket.id),
    onClash: "sooner",
    // A forge that is slow, or has had enough of us, is asked by one at a time.
    concurrencyKey: `forge:${ticket.projectId}`,
    projectId: ticket.projectId,
  });
}

/**
 * Has it looked at now, also where it was stopped, or closed: it may have been reopened. Throws `conflict` when there is
 * none of either, or nobody needs it.
 */
export function lookAtPullRequest(app: App, ticketId: string): Ticket {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, ticketId);
    const newest = findPullRequest(tx.db, ticketId);
    const pull = newest && (newest.endedAt === null || mayReopen(newest)) ? newest : null;
    const isClosing = pull?.endedAt === null && pull.closeAskedBy !== null;
    if (!pull || isOver(ticket) && !isClosing) {
      throw new AppError(
        "conflict",
        `Cannot look at the pull request of ticket #${ticket.number}: ${
          pull ? `it is "${ticket.status}"` : "none is open"
        }`,
      );
    }
    updatePullRequest(tx, pull.id, { stopped: false, failures: 0, changedAt: tx.now });
    enqueueFollowing(tx, ticket);
    return ticket;
  });
}

/** Nobody needs its pull request any more. */
export const isOver = ({ status }: Ticket): boolean => status === "done" || status === "cancelled";

/** It was closed there with what was pushed, and may be reopened there. */
export const mayReopen = ({ status, number, pushed }: PullRequest): boolean =>
  status === "closed" && number !== null && pushed !== null;

/**
 * Has a ticket's pull request closed on its forge, without a merge; its branch stays there. Asking twice is the same as
 * once. Throws `conflict` when none is open.
 */
export function closePullRequest(app: App, ticketId: string): Ticket {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, ticketId);
    const pull = activePull(tx, ticketId);
    if (!pull) {
      throw new AppError(
        "conflict",
        `Cannot close the pull request of ticket #${ticket.number}: none is open`,
      );
    }
    if (pull.closeAskedBy === null) {
      const { projectId } = ticket;
      const data = { forge: forgeNames[pull.kind], number: pull.number };
      tx.emit({ type: "pull_request_close_asked", projectId, ticketId, data });
    }
    updatePullRequest(tx, pull.id, {
      closeAskedBy: pull.closeAskedBy ?? tx.actor,
      error: "",
      stopped: false,
      failures: 0,
      changedAt: tx.now,
    });
    enqueueFollowing(tx, ticket);
    return ticket;
  });
}

/** What a person takes up of what the forge says: remarks by their ids, failed checks by their keys. */
export interface TakenUp {
  remarks?: readonly string[];
  checks?: readonly string[];
}

/**
 * Makes draft comments of what was said on the forge, or failed there: they go to the developer when changes are
 * requested, like a person's own. What was taken up before is left alone. Throws `conflict` when the ticket is not in
 * review, `not_found` for what its newest pull request does not have, and `invalid` for a remark without words.
 */
export function takeUp(
  app: App,
  ticketId: string,
  { remarks = [], checks = [] }: TakenUp,
): Comment[] {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, ticketId);
    if (ticket.status !== "review" || ticket.step === "merge") {
      const now = ticket.status === "review" ? "in the merge queue" : `"${ticket.status}"`;
      throw new AppError("conflict", `Cannot comment on ticket #${ticket.number}: it is ${now}`);
    }
    const pull = findPullRequest(tx.db, ticketId);
    const said = pull ? listForgeRemarks(tx.db, pull.id) : [];
    const failed = (pull ? listForgeChecks(tx.db, pull.id) : [])
      .filter(({ status }) => status === "failed");
    const missing = (what: string): never => {
      throw new AppError("not_found", `The pull request has no ${what}`);
    };
    const drafts = new Set(listComments(tx.db, ticketId).map(({ body }) => body));
    return [
      ...[...new Set(remarks)].flatMap((id) => {
        const remark = said.find((one) => one.id === id) ?? missing(`remark with the id "${id}"`);
        return remark.commentId === null ? [takeUpRemark(tx, ticket, pull!, remark)] : [];
      }),
      ...[...new Set(checks)].flatMap((key) => {
        const check = failed.find((one) => one.key === key) ?? missing(`failed check "${key}"`);
        const body = wordsOfCheck(pull!, check);
        return drafts.has(body) ? [] : [comment(tx, ticket, { ...NOWHERE, body })];
      }),
    ];
  });
}

const NOWHERE = { path: null, line: null, side: "new" } as const;

function wordsOfCheck({ kind }: PullRequest, { name, summary, url, commit }: ForgeCheck): string {
  const words = [
    `The check "${name}" fails on ${forgeNames[kind]} at ${commit.slice(0, 7)}`,
    summary,
    url,
  ];
  return words.filter(Boolean).join("\n");
}

function takeUpRemark(tx: Tx, ticket: Ticket, pull: PullRequest, remark: ForgeRemark): Comment {
  const { author, body, path, line, side } = remark;
  if (body.trim() === "") {
    throw new AppError("invalid", `Cannot take up what ${author} said: it has no words`);
  }
  // A line of what was pushed is none of what the ticket has by now.
  const stands = remark.commit === ticket.headCommit;
  const where = !stands && line ? `, on what was line ${line}` : "";
  const made = comment(tx, ticket, {
    path,
    line: stands ? line : null,
    side,
    body: `${author} on ${forgeNames[pull.kind]}${where}:\n${body}`,
  });
  markRemarkTaken(tx, remark.id, made.id);
  return made;
}

function comment(
  tx: Tx,
  { id: ticketId, projectId }: Ticket,
  words: Pick<Comment, "path" | "line" | "side" | "body">,
): Comment {
  const made = insertComment(tx, { ticketId, ...words });
  tx.emit({ type: "comment_added", projectId, ticketId, data: { commentId: made.id } });
  return made;
}

/** Nothing looks at it any more, until a person says so: unless one has, for whom another job than this waits. */
export function abandonFollowing(tx: Tx, ticketId: string, jobId: string, reason: string): void {
  const next = findWaiting(tx.db, "follow_pull_request", jobKeys.followPull(ticketId));
  if (next !== null && next.id !== jobId) return;
  const pull = activePull(tx, ticketId);
  if (pull) stopFollowing(tx, pull, `Nothing looks at it any more: ${reason}`);
}

/**
 * The same at the end of an attempt that began with `pull`; false: a person has asked for something newer meanwhile,
 * which stays as it is.
 */
export function stopAttempt(tx: Tx, pull: PullRequest, error: string): boolean {
  const now = activePull(tx, pull.ticketId);
  const isSame = now?.id === pull.id && now.commit === pull.commit &&
    now.changedAt === pull.changedAt;
  if (isSame) stopFollowing(tx, pull, error);
  return isSame;
}

/** Says what is in the way; nothing happens until a person says so. */
function stopFollowing(tx: Tx, { id, ticketId }: PullRequest, error: string): void {
  updatePullRequest(tx, id, { error, stopped: true, lookedAt: tx.now });
  const { projectId } = getTicket(tx.db, ticketId);
  tx.emit({ type: "pull_request_stopped", projectId, ticketId, data: { reason: error } });
}
