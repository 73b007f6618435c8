/** What a person does with tickets. */
import { jobKeys } from "../../queue/job.ts";
import { enqueue, reprioritize } from "../../queue/queue.ts";
import { routeByType } from "../../agents/catalog.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { existsSync } from "../disk.ts";
import { AppError } from "../errors.ts";
import type { Comment, ProposedSubtask, Run, Ticket } from "../records.ts";
import { DEFAULT_PRIORITY, type MergeStyle, type TicketStep, type TicketType } from "../states.ts";
import { outdateChecks } from "../store/checks.ts";
import { findForge } from "../store/forges.ts";
import { putTicketMergeRule } from "../store/merge_rules.ts";
import { getProject } from "../store/projects.ts";
import {
  deleteDraft,
  insertComment,
  type NewComment,
  sendComments,
  updateDraft,
} from "../store/reviews.ts";
import { findActiveRun } from "../store/runs.ts";
import { putTicketStart } from "../store/starts.ts";
import { insertSubtasks, listSubtasks } from "../store/subtasks.ts";
import {
  getMergeDetails,
  getTicket,
  insertTicket,
  placeByAge,
  type TicketChanges,
  updateTicket,
} from "../store/tickets.ts";
import { findWorktree } from "../store/worktrees.ts";
import { baseDirOf, removeBaseLeft } from "./base_leftovers.ts";
import { tidyMergeDirAfter } from "./merge_folder.ts";
import { isReviewable } from "./evidence.ts";
import { type GuidedBase, recordGuidedBase } from "./guided_base.ts";
import type { Quotes } from "./remark_quotes.ts";
import { requestOf } from "./change_requests.ts";
import { requireLookedAt } from "./looked_at.ts";
import { cancelTicketJobs, enqueueAdvanceTicket } from "./ticket_jobs.ts";
import { beginAnew } from "./attempts.ts";
import { changeProjectIn } from "./projects.ts";
import { askForPullRequestIn } from "./pull_requests.ts";
import { cancelRunIn, pauseRunIn, resumeRunIn, startRun } from "./runs.ts";
import { settleTicketJobs } from "./settling.ts";
import { describeWait, needsWait } from "./start_waits.ts";
import { moveTicket, wakeForRoom } from "./ticket_moves.ts";
import { arrangeQueue } from "./ticket_places.ts";

/** Makes a ticket by hand; it starts when a slot is free. */
export function createTicket(
  app: App,
  input: {
    projectId: string;
    title: string;
    description: string;
    type: TicketType;
    priority?: number;
    acceptance: string[];
    subtasks?: ProposedSubtask[];
  },
): Ticket {
  return transact(app, (tx) => {
    const { name, status } = getProject(tx.db, input.projectId);
    if (status !== "active") {
      throw new AppError("conflict", `Cannot add a ticket to "${name}": the project is archived`);
    }
    const { title, description, priority = DEFAULT_PRIORITY } = input;
    const ticket = insertTicket(tx, { ...input, ideaId: null, priority });
    const whole: ProposedSubtask = { title, description, complexity: "medium" };
    insertSubtasks(tx, ticket.id, input.subtasks ?? [whole]);
    tx.emit({
      type: "ticket_created",
      projectId: ticket.projectId,
      ticketId: ticket.id,
      data: { title },
    });
    enqueueAdvanceTicket(tx, ticket);
    return ticket;
  });
}

/**
 * Changes the words or the priority of a ticket that is still open; what waits in the queue for it follows. With
 * another priority it stands by its age, wherever it was put before.
 */
export function changeTicket(
  app: App,
  id: string,
  changes: Pick<TicketChanges, "title" | "description" | "priority">,
): Ticket {
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    if (before.status === "done" || before.status === "cancelled") refuse(before, "change");
    const { priority = before.priority } = changes;
    // Among those of another priority nobody has put it anywhere yet.
    const byAge = { place: placeByAge(before.createdAt), placedBy: null };
    const ticket = updateTicket(tx, id, {
      ...changes,
      ...(priority === before.priority ? {} : byAge),
    });
    const keys = [jobKeys.advanceTicket(id), jobKeys.mergeTicket(id)];
    const run = findActiveRun(tx.db, id);
    if (run) keys.push(jobKeys.runAgent(run.id));
    reprioritize(tx, keys, { from: before.priority, to: ticket.priority });
    if (ticket.status === "queued" && priority !== before.priority) arrangeQueue(tx, priority);
    return ticket;
  });
}

/**
 * Starts a queued ticket now instead of when its turn comes: neither its time nor a rule by which tickets start by
 * hand holds it up any more; limits do. Throws `conflict` while something that it needs is not done.
 */
export function startTicket(app: App, id: string): Ticket {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, id);
    if (ticket.status !== "queued") refuse(ticket, "start");
    requireNeeds(tx, ticket, "start");
    putTicketStart(tx, id, { starts: "now", notBefore: null });
    tx.emit({ type: "ticket_start_asked", projectId: ticket.projectId, ticketId: id });
    enqueueAdvanceTicket(tx, ticket);
    return ticket.pausedBy === null ? ticket : updateTicket(tx, id, { pausedBy: null });
  });
}

/** Lets no further step of a ticket begin; its run lets go at its next event. `killTools`: what runs is ended. */
export function pauseTicket(app: App, id: string, { killTools = false } = {}): Ticket {
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    if (before.status !== "queued" && before.status !== "in_progress") refuse(before, "pause");
    if (before.pausedBy !== null) refuse(before, "pause", "it is paused already");
    const ticket = updateTicket(tx, id, { pausedBy: tx.actor });
    tx.emit({ type: "ticket_paused", projectId: ticket.projectId, ticketId: id });
    const run = findActiveRun(tx.db, id);
    if (run && run.pausedBy === null) pauseRunIn(app, tx, run, killTools);
    if (killTools) cancelTicketJobs(tx, id, "The ticket was paused");
    if (ticket.status === "queued") wakeForRoom(tx);
    return ticket;
  });
}

/** Lets a paused ticket go on, and its paused run. */
export function resumeTicket(app: App, id: string): Ticket {
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    const run = findActiveRun(tx.db, id);
    if (before.pausedBy === null && !run?.pausedBy) refuse(before, "resume", "it is not paused");
    return resumeTicketIn(app, tx, before, run);
  });
}

/** The same for whoever is in a transaction. `run`: the ticket's active one. */
export function resumeTicketIn(app: App, tx: Tx, before: Ticket, run: Run | null): Ticket {
  let ticket = before;
  if (before.pausedBy !== null) {
    ticket = updateTicket(tx, before.id, { pausedBy: null });
    tx.emit({ type: "ticket_resumed", projectId: ticket.projectId, ticketId: ticket.id });
  }
  if (run?.pausedBy) resumeRunIn(app, tx, run);
  enqueueAdvanceTicket(tx, ticket);
  return ticket;
}

/** Stops everything that runs for a ticket, at once. Its branch and worktree stay. */
export function cancelTicket(app: App, id: string, reason = ""): Ticket {
  return transact(app, (tx) => {
    const run = findActiveRun(tx.db, id);
    if (run) cancelRunIn(app, tx, run);
    const before = getTicket(tx.db, id);
    // The merge may be past its point of no return; only one that still waits can be called off.
    if (before.step === "merge" && before.mergeCommit && !before.mergeWait) {
      refuse(before, "cancel", "it is being merged right now");
    }
    const ticket = moveTicket(tx, id, "cancelled", { reason });
    cancelTicketJobs(tx, id);
    settleTicketJobs(tx, id, "The ticket was cancelled");
    const worktree = findWorktree(tx.db, id);
    if (worktree) {
      tx.afterCommit(() => {
        app.agents.release(worktree.path).catch((error) =>
          app.log.error("hands were not released", { error: String(error) })
        );
      });
    }
    const project = getProject(tx.db, ticket.projectId);
    // Of a check that was cut off: nothing comes back to it.
    if (existsSync(baseDirOf(app, project, ticket.number))) {
      tx.afterCommit(() => void removeBaseLeft(app, project, ticket.number));
    }
    if (before.step === "merge") tidyMergeDirAfter(app, tx, project.id);
    return ticket;
  });
}

/** Goes on from where a blocked ticket was, or from an earlier step; a cancelled one is queued again. */
export const retryTicket = (app: App, id: string, from?: TicketStep): Ticket =>
  transact(app, (tx) => retryTicketIn(tx, id, from));

/** The same for whoever is in a transaction. */
export function retryTicketIn(tx: Tx, id: string, from?: TicketStep): Ticket {
  const before = getTicket(tx.db, id);
  const again = () => {
    // Its folder was removed: it is made again first, from the branch.
    const isGone = findWorktree(tx.db, id)?.status === "removed";
    // Its approval is over: it comes to its merge by way of a review.
    const last = from ?? before.step;
    const step = isGone ? "prepare" as const : last === "merge" ? "build" as const : last;
    const on = { step, round: 0 };
    const ticket = moveTicket(tx, id, "queued", beginAnew(tx, before) ?? on);
    enqueueAdvanceTicket(tx, ticket);
    return ticket;
  };
  if (before.status === "cancelled") return again();
  if (before.status !== "blocked") refuse(before, "retry");
  const wait = needsWait(tx.db, before);
  if (wait?.why === "need_cancelled") requireNeeds(tx, before, "retry");
  settleTicketJobs(tx, id);
  // It was blocked before it ever started.
  if (wait !== null) return again();
  const step = from ?? stepAgain(before);
  outdateFrom(tx, before, from);
  // Its project may ask for more than when it was reviewed.
  if (step === "merge" && isReviewable(tx.db, before)) {
    return enqueueMerge(tx, moveTicket(tx, id, "review", { step }));
  }
  const ticket = moveTicket(tx, id, "in_progress", {
    step: step === "merge" ? "build" : step,
    round: 0,
  });
  enqueueAdvanceTicket(tx, ticket);
  return ticket;
}

/** What a person left in the folder of one that they took over is no base to look at: it is committed first. */
const stepAgain = ({ step, failure }: Ticket): TicketStep =>
  step === null || step === "baseline" && failure === "taken_over" ? "prepare" : step;

/** Whoever chooses a check's step wants it taken, not what it said before. */
function outdateFrom(tx: Tx, { id, headCommit }: Ticket, from: TicketStep | undefined): void {
  if (headCommit === null || from !== "build" && from !== "test") return;
  const names = from === "build" ? ["build", "test"] as const : ["test"] as const;
  outdateChecks(tx, { ticketId: id, commit: headCommit, names });
}

/**
 * Lets the project's own commands run without a sandbox, which the ticket waits for, and goes on with it. Throws
 * `conflict` when the ticket waits for something else.
 */
export function allowCommands(app: App, id: string): Ticket {
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    if (before.failure !== "commands_not_allowed") refuse(before, "allow the commands of");
    changeProjectIn(tx, before.projectId, { commandsAllowed: true });
    return retryTicketIn(tx, id);
  });
}

/**
 * Gives a blocked ticket's developer guidance in words; the work goes on with it. `base`: from `combineForGuide`; the
 * developer gets it in its worktree.
 */
export function guideTicket(
  app: App,
  id: string,
  guidance: string,
  base: GuidedBase | null = null,
): Ticket {
  requireText(guidance, "guidance", "Cannot guide the developer: say what to do");
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    if (before.status !== "blocked") refuse(before, "guide");
    requireNeeds(tx, before, "guide");
    settleTicketJobs(tx, id);
    const withBase = recordGuidedBase(tx, before, base);
    const ticket = moveTicket(tx, id, "in_progress", { step: "develop", round: 0, guidance });
    const open = listSubtasks(tx.db, id).some((s) => s.status !== "done" && s.status !== "skipped");
    if (withBase || open || !findWorktree(tx.db, id)) {
      const step = ticket.headCommit ? "develop" : "prepare";
      enqueueAdvanceTicket(tx, updateTicket(tx, id, { step }));
    } else {
      startRun(app, tx, { ticket, purpose: "change", agent: routeByType(ticket.type) });
    }
    return ticket;
  });
}

/**
 * Puts a reviewed ticket into the merge queue of its project; where that leaves merging to its forge, has a pull
 * request opened in its place. `message` replaces the proposed one, `style` what the project's rule says (null: that
 * holds again). `commit`: what the person looked at; throws `conflict` when the work is another by now, and when it is
 * being merged already.
 */
export function approveTicket(
  app: App,
  id: string,
  message = "",
  { style, commit }: { style?: MergeStyle | null; commit?: string } = {},
): Ticket {
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    if (before.status !== "review") refuse(before, "merge");
    requireLookedAt(before, commit, "merge");
    // Its commit may have landed by now: it is the one that is on record.
    if (before.step === "merge" && before.mergeCommit && !before.mergeWait) {
      refuse(before, "merge", "it is being merged right now");
    }
    const details = getMergeDetails(tx.db, id);
    if (style !== undefined) putTicketMergeRule(tx, id, { style });
    if (findForge(tx.db, before.projectId)?.takesMerge) {
      return askForPullRequestIn(tx, updateTicket(tx, id, { approvedBy: tx.actor }), message);
    }
    const ticket = updateTicket(tx, id, {
      step: "merge",
      approvedBy: tx.actor,
      mergeMessage: message || details.message,
      // A commit prepared with other words is not the one to land; one that waited is looked at again now.
      mergeCommit: null,
      mergeWait: "",
    });
    return enqueueMerge(tx, ticket);
  });
}

function enqueueMerge(tx: Tx, ticket: Ticket): Ticket {
  enqueue(tx, {
    kind: "merge_ticket",
    args: { ticketId: ticket.id },
    priority: ticket.priority,
    uniqueKey: jobKeys.mergeTicket(ticket.id),
    onClash: "sooner",
    concurrencyKey: `merge:${ticket.projectId}`,
    projectId: ticket.projectId,
  });
  return ticket;
}

/**
 * Sends a reviewed ticket back to its developer, with the collected comments and a remark. `commit`: what the person
 * looked at; throws `conflict` when the work is another by now. `quotes`: from `quoteDrafts`.
 */
export function requestTicketChanges(
  app: App,
  id: string,
  remark: string,
  { commit, quotes }: { commit?: string; quotes?: Quotes } = {},
): Ticket {
  return transact(app, (tx) => {
    const before = getTicket(tx.db, id);
    if (before.status !== "review") refuse(before, "send back");
    requireLookedAt(before, commit, "send back");
    if (before.step === "merge" && !before.mergeWait) {
      refuse(before, "send back", "it is in the merge queue");
    }
    const comments = sendComments(tx, id);
    if (comments.length === 0) {
      requireText(
        remark,
        "remark",
        "Cannot send the ticket back: comment on a line or say what to change",
      );
    }
    cancelTicketJobs(tx, id);
    const ticket = moveTicket(tx, id, "in_progress", {
      step: "develop",
      round: 0,
      guidance: requestOf(before, comments, remark, quotes),
      mergeCommit: null,
    });
    startRun(app, tx, { ticket, purpose: "change", agent: routeByType(ticket.type) });
    return ticket;
  });
}

/** Lets a reviewed ticket go, with the reason. Its branch stays. */
export function rejectTicket(app: App, id: string, reason: string): Ticket {
  requireText(reason, "reason", "Cannot reject the ticket: say why");
  const before = getTicket(app.db, id);
  if (before.status !== "review") refuse(before, "reject");
  return cancelTicket(app, id, reason);
}

/** Adds a remark on a line or on the whole; it is a draft until the ticket is sent back. */
export function addComment(app: App, comment: NewComment): Comment {
  requireText(comment.body, "body", "Cannot add the comment: it is empty");
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, comment.ticketId);
    if (ticket.status !== "review") refuse(ticket, "comment on");
    const added = insertComment(tx, comment);
    tx.emit({
      type: "comment_added",
      projectId: ticket.projectId,
      ticketId: ticket.id,
      data: { commentId: added.id },
    });
    return added;
  });
}

/**
 * Says a draft otherwise and answers with it. Throws `not_found`, and `conflict` when it was sent or the ticket is not
 * in review any more.
 */
export function changeComment(
  app: App,
  { ticketId, commentId, body }: { ticketId: string; commentId: string; body: string },
): Comment {
  requireText(body, "body", "Cannot change the comment: it is empty");
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, ticketId);
    const changed = updateDraft(tx, ticketId, commentId, body);
    if (ticket.status !== "review") refuse(ticket, "comment on");
    tx.emit({
      type: "comment_changed",
      projectId: ticket.projectId,
      ticketId,
      data: { commentId },
    });
    return changed;
  });
}

/** Takes a draft back and answers with it. Throws `not_found`, and `conflict` when it was sent. */
export function removeComment(app: App, ticketId: string, commentId: string): Comment {
  return transact(app, (tx) => {
    const { projectId } = getTicket(tx.db, ticketId);
    const removed = deleteDraft(tx, ticketId, commentId);
    tx.emit({ type: "comment_removed", projectId, ticketId, data: { commentId } });
    return removed;
  });
}

/** Throws `conflict` while something that the ticket needs is not done, naming it. */
function requireNeeds(tx: Tx, ticket: Ticket, verb: string): void {
  const wait = needsWait(tx.db, ticket);
  if (wait === null) return;
  const { why, more } = describeWait(wait);
  refuse(ticket, verb, `it ${why.replace("Needs", "needs")}. ${more}`.replace(/\.$/, ""));
}

function refuse(ticket: Ticket, verb: string, why = `it is "${ticket.status}"`): never {
  throw new AppError("conflict", `Cannot ${verb} ticket #${ticket.number}: ${why}`);
}

function requireText(text: string, field: string, message: string): void {
  if (text.trim() === "") throw new AppError("invalid", message, [{ field, message }]);
}
