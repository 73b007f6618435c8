/** A merge is taken back: by a commit that reverts it, through the same queue and the same checks as a merge. */
import { enqueue } from "../../queue/queue.ts";
import { jobKeys, type Outcome } from "../../queue/job.ts";
import { isLanded, landMerge } from "../../agents/git/landing.ts";
import { revertMessage, ticketOfMessage } from "../../agents/git/merge_message.ts";
import { messageOfCommit, readRef } from "../../agents/git/repository.ts";
import { broughtAll, type PreparedRevert, prepareRevert } from "../../agents/git/reverting.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import type { Project, Ticket, Undo } from "../records.ts";
import { type FailureReason, forgeNames } from "../states.ts";
import { getProject } from "../store/projects.ts";
import { findPullRequest } from "../store/pull_requests.ts";
import { findActiveRun } from "../store/runs.ts";
import { getTicket } from "../store/tickets.ts";
import { endUndo, findUndo, insertUndo, updateUndo } from "../store/undos.ts";
import { findWorktree } from "../store/worktrees.ts";
import { type Attempt, failureOf } from "./faults.ts";
import { checkResult, lookAgainMs, removeMergedWorktree } from "./merging.ts";
import { describeConflict } from "./conflicts.ts";
import { inMergeDir, mergeDirOf } from "./merge_folder.ts";
import { signerOf } from "./merge_rules.ts";
import { moveTicket } from "./ticket_moves.ts";

/**
 * Asks the project's merge queue to take a merged ticket back. `why` stands in the commit and is told to the next
 * attempt. Throws `conflict` when the ticket is not merged, nothing of it had to be, a run is at work on it, or its
 * undo is under way.
 */
export function askForUndo(app: App, id: string, why = ""): Ticket {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, id);
    const refuse = (because: string): never => {
      throw new AppError(
        "conflict",
        `Cannot undo the merge of ticket #${ticket.number}: ${because}`,
      );
    };
    if (ticket.status !== "done") refuse(`it is "${ticket.status}"`);
    if (findUndo(tx.db, id)?.status === "pending") refuse("that is under way");
    const active = findActiveRun(tx.db, id);
    if (active) {
      refuse(`the ${active.agent} is at work on it. Cancel run ${active.id}, or wait for it`);
    }
    const { mergeCommit } = ticket;
    if (mergeCommit === null) return refuse(NOTHING_MERGED);
    insertUndo(tx, { ticketId: id, mergeCommit, why: why.trim() });
    tx.emit({
      type: "undo_asked",
      projectId: ticket.projectId,
      ticketId: id,
      data: { commit: mergeCommit, ...(why.trim() ? { words: why.trim() } : {}) },
    });
    enqueue(tx, {
      kind: "undo_merge",
      args: { ticketId: id },
      priority: ticket.priority,
      uniqueKey: jobKeys.undoMerge(id),
      concurrencyKey: `merge:${ticket.projectId}`,
      projectId: ticket.projectId,
    });
    return ticket;
  });
}

const NOTHING_MERGED =
  "the base branch had all that it changes already, so that nothing of it was merged. " +
  "Revert that on the base branch yourself";

/** The work of one ticket's undo. */
interface Work {
  app: App;
  project: Project;
  ticket: Ticket;
  undo: Undo;
  signal: AbortSignal;
}

/** Reverts one merged ticket, waits, or refuses with the reason. May run twice: it looks first. */
export async function undoMerge(
  app: App,
  ticketId: string,
  job: Attempt,
  signal: AbortSignal,
): Promise<Outcome> {
  const ticket = getTicket(app.db, ticketId);
  const undo = findUndo(app.db, ticketId);
  if (undo?.status !== "pending") return { type: "cancel", reason: "The undo has ended" };
  const project = getProject(app.db, ticket.projectId);
  const work = { app, project, ticket, undo, signal };
  try {
    return await inMergeDir(app, project, () => revert(work));
  } catch (error) {
    const failure = failureOf(error, job, signal);
    if (failure === null) throw error;
    return refuse(work, messageOf(error));
  }
}

async function revert(work: Work): Promise<Outcome> {
  const { app, project, ticket, undo, signal } = work;
  const { path: repo, baseBranch: base } = project;
  // Its branch and folder go before its name is free for another attempt.
  const worktree = findWorktree(app.db, ticket.id);
  if (worktree && worktree.status !== "removed") {
    await removeMergedWorktree(app, ticket.id, signal);
  }
  // As with a merge: on record before it lands, so that a crash in between can't revert twice.
  let { commit } = undo;
  if (commit && await isLanded({ repo, base, commit, signal })) return finish(work, commit);
  if (!commit || !await readRef(repo, commit, signal)) {
    const prepared = await prepare(work);
    if ("refused" in prepared) return refuse(work, prepared.refused);
    commit = prepared.commit;
    const planned = commit;
    // A person called it off meanwhile.
    if (!transact(app, (tx) => updateUndo(tx, undo.id, { commit: planned }))) {
      return { type: "cancel", reason: "The undo has ended" };
    }
  }
  const expectedTip = (await readRef(repo, `${commit}^`, signal))!;
  // From here on it can't be called off.
  const begin = () => transact(app, (tx) => updateUndo(tx, undo.id, { wait: "" }));
  const landed = await landMerge({ repo, base, commit, expectedTip, begin, signal });
  switch (landed.type) {
    case "landed":
      return finish(work, commit);
    case "called_off":
      return { type: "cancel", reason: "The undo has ended" };
    case "moved":
      transact(app, (tx) => updateUndo(tx, undo.id, { commit: null, wait: "" }));
      return { type: "snooze", ms: 0, reason: "The base branch moved while undoing" };
    case "waiting":
      return wait(work, landed.reason);
  }
}

/** Makes the commit and checks it. */
async function prepare(work: Work): Promise<{ commit: string } | { refused: string }> {
  const { app, project, ticket, undo, signal } = work;
  const { path: repo, baseBranch: base } = project;
  const workDir = mergeDirOf(app, project);
  const { mergeCommit: commit, why, askedBy: approvedBy } = undo;
  const of = await messageOfCommit(repo, commit, signal);
  const there = findPullRequest(app.db, ticket.id);
  const forge = there?.mergeCommit === commit ? forgeNames[there.kind] : null;
  if (of === null) {
    const why = forge !== null
      ? `Commit ${commit} was merged on ${forge}: pull it into "${base}" first`
      : `The repository has lost commit ${commit}`;
    return { refused: why };
  }
  if (forge !== null) {
    // A forge's own words name no ticket.
    const branch = { base: ticket.baseCommit!, head: there!.pushed! };
    if (!await broughtAll({ repo, commit, ...branch, signal })) {
      return {
        refused:
          `Commit ${commit} is not all of the ticket: ${forge} put its commits onto "${base}" ` +
          "one by one. Revert each of them there yourself",
      };
    }
  } else if (ticketOfMessage(of) !== ticket.number) {
    return {
      refused:
        `Commit ${commit} is none that merged this ticket: what the ticket changes was on the base branch ` +
        "before it was merged. Revert it there yourself",
    };
  }
  const message = revertMessage({ of, commit, ticketNumber: ticket.number, why, approvedBy });
  const signer = await signerOf(app, project);
  const prepared = await prepareRevert({ repo, base, commit, workDir, message, signer, signal });
  if (prepared.type !== "prepared") return { refused: whyNot(prepared, base, commit) };
  const what = `the base branch without ticket #${ticket.number}`;
  const failure = await checkResult(app, { project, ticket, ...prepared, workDir, what, signal });
  return failure === null ? { commit: prepared.commit } : { refused: failure };
}

function whyNot(
  prepared: Exclude<PreparedRevert, { type: "prepared" }>,
  base: string,
  commit: string,
): string {
  switch (prepared.type) {
    case "absent":
      return `Commit ${commit} is not on the base branch "${base}"`;
    case "empty":
      return prepared.by === null
        ? `Nothing of commit ${commit} is on the base branch "${base}" any more`
        : `It is undone already: commit ${prepared.by} reverts it`;
    case "conflict": {
      const conflict = describeConflict(base, prepared.files);
      return prepared.by === null
        ? conflict
        : `Commit ${prepared.by} says that it reverts it.\n${conflict}`;
    }
  }
}

/** The ticket is not done any more; queued again, it begins anew. */
function finish({ app, ticket, undo }: Work, commit: string): Outcome {
  transact(app, (tx) => {
    if (!endUndo(tx, undo.id, { status: "done", commit })) return;
    moveTicket(tx, ticket.id, "cancelled", {
      reason: `Its merge was undone by commit ${commit}${undo.why ? `: ${undo.why}` : ""}`,
    });
  });
  return { type: "done" };
}

function refuse({ app, undo, ticket }: Work, reason: string): Outcome {
  transact(app, (tx) => end(tx, ticket, undo, reason));
  return { type: "done" };
}

function end(tx: Tx, ticket: Ticket, undo: Undo, reason: string): void {
  if (!endUndo(tx, undo.id, { status: "refused", reason })) return;
  const { projectId, id: ticketId } = ticket;
  tx.emit({ type: "undo_refused", projectId, ticketId, data: { reason } });
}

function wait({ app, ticket, undo }: Work, reason: string): Outcome {
  transact(app, (tx) => {
    // The look has taken it away; it is told once, however often it is looked at.
    if (!updateUndo(tx, undo.id, { wait: reason }) || undo.wait === reason) return;
    const { projectId, id: ticketId } = ticket;
    tx.emit({ type: "undo_waits", projectId, ticketId, data: { reason } });
  });
  return { type: "snooze", ms: lookAgainMs(app.clock.nowMs() - Date.parse(undo.askedAt)), reason };
}

/** Nothing undoes the merge any more: it stands. Throws `conflict` when a person would call off too late. */
export function abandonUndo(
  tx: Tx,
  ticketId: string,
  failure: FailureReason,
  message: string,
): void {
  const undo = findUndo(tx.db, ticketId);
  if (undo?.status !== "pending") return;
  const ticket = getTicket(tx.db, ticketId);
  if (failure === "cancelled" && undo.commit && !undo.wait) {
    throw new AppError(
      "conflict",
      `Cannot cancel the undo of ticket #${ticket.number}: it is landing right now`,
    );
  }
  end(tx, ticket, undo, `The undo did not end: ${message}`);
}
