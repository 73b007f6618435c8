/** The merge queue: one approved ticket of a project after the other becomes one commit on its base branch. */
import { enqueue } from "../../queue/queue.ts";
import { jobKeys, type Outcome } from "../../queue/job.ts";
import { peopleIn } from "../../agents/git/authors.ts";
import { mergeOfTicket } from "../../agents/git/history.ts";
import { isLanded, keepHistory, landMerge } from "../../agents/git/landing.ts";
import { type MergeMessage, proposeMessage, withTrailers } from "../../agents/git/merge_message.ts";
import { moveWorkDir, prepareMerge } from "../../agents/git/merging.ts";
import { commonDirOf, readRef, tipOf } from "../../agents/git/repository.ts";
import type { Place } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import { MINUTE_MS, SECOND_MS } from "../clock.ts";
import { type Db, transact, type Tx } from "../db.ts";
import { AppError, messageOf } from "../errors.ts";
import type { CommandName, Project, Ticket } from "../records.ts";
import { type FailureReason, failureReasons } from "../states.ts";
import { findIdea } from "../store/ideas.ts";
import { mergeRuleOf } from "../store/merge_rules.ts";
import { getProject } from "../store/projects.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { getMergeDetails, getTicket, noteMergeWait, updateTicket } from "../store/tickets.ts";
import { findWorktree, moveWorktree } from "../store/worktrees.ts";
import { listAttemptRuns } from "./attempts.ts";
import { baselineOf, lacksNetwork } from "./checks.ts";
import { gatherEvidence } from "./evidence.ts";
import { type Attempt, failureOf } from "./faults.ts";
import { fillHome } from "./caches.ts";
import { homeOf, removeHome } from "./homes.ts";
import { goOnResolving, markersLeft, meetConflict } from "./conflicts.ts";
import { equipped } from "./equipment.ts";
import { signerOf } from "./merge_rules.ts";
import { inMergeDir, mergeDirOf } from "./merge_folder.ts";
import { moveTicket } from "./ticket_moves.ts";
import { fillWorktree } from "./worktree_files.ts";

/** How long a merge that would overwrite a person's edit waits before it looks again: the longer, the longer it has waited. */
export const lookAgainMs = (waitedMs: number): number =>
  Math.min(Math.max(Math.floor(waitedMs / 10), 5 * SECOND_MS), MINUTE_MS);

/** The words of the merge commit: what the person wrote, or the proposed ones. Its trailers are not in it. */
export function proposedMessage(app: App, ticket: Ticket): string {
  return getMergeDetails(app.db, ticket.id).message || proposeMessage(describeMerge(app, ticket));
}

/** What a developer is at work for. */
const WORKING: readonly string[] = ["develop", "fix", "change"];

/** What the trailers of a ticket's merge are made of. */
export function describeMerge(app: App, ticket: Ticket): MergeMessage {
  const runs = listAttemptRuns(app.db, ticket).filter((run) => run.status === "succeeded");
  const name = (run: { agent: string; model: string }) => `${run.agent} (${run.model})`;
  const developers = runs.filter((r) => WORKING.includes(r.purpose)).map(name);
  const newest = runs.findLast(({ purpose }) => [...WORKING, "review"].includes(purpose));
  // Who read what was changed since has not reviewed it.
  const reviewer = newest?.purpose === "review" ? newest : null;
  return {
    type: ticket.type,
    title: ticket.title,
    ticketNumber: ticket.number,
    ideaNumber: ticket.ideaId ? findIdea(app.db, ticket.ideaId)?.number ?? null : null,
    subtasks: listSubtasks(app.db, ticket.id).filter((s) => s.status === "done").map((s) =>
      s.title
    ),
    developedBy: [...new Set(developers)],
    reviewedBy: reviewer ? name(reviewer) : null,
    approvedBy: getMergeDetails(app.db, ticket.id).approvedBy || app.actor,
  };
}

/** Merges one approved ticket, waits, or blocks it with the reason. May run twice: it looks first. */
export async function mergeTicket(
  app: App,
  ticketId: string,
  job: Attempt,
  signal: AbortSignal,
): Promise<Outcome> {
  const project = getProject(app.db, getTicket(app.db, ticketId).projectId);
  return await inMergeDir(app, project, () => mergeOrBlock(app, ticketId, job, signal));
}

async function mergeOrBlock(
  app: App,
  ticketId: string,
  job: Attempt,
  signal: AbortSignal,
): Promise<Outcome> {
  const ticket = getTicket(app.db, ticketId);
  if (ticket.status !== "review" || ticket.step !== "merge") {
    return { type: "cancel", reason: `Ticket #${ticket.number} is ${ticket.status}` };
  }
  const project = getProject(app.db, ticket.projectId);
  try {
    return await merge(app, project, ticket, signal);
  } catch (error) {
    const failure = failureOf(error, job, signal);
    if (failure === null) throw error;
    return blockMerge(app, ticket, failure, messageOf(error));
  }
}

async function merge(
  app: App,
  project: Project,
  ticket: Ticket,
  signal: AbortSignal,
): Promise<Outcome> {
  const repo = project.path;
  const base = project.baseBranch;
  if (await goOnResolving(app, { project, ticket, signal })) return { type: "done" };
  const left = await markersLeft(app, { project, ticket, signal });
  if (left !== null) return blockMerge(app, ticket, "merge_conflict", left);
  // The planned commit is on record before it lands, so a crash in between can't merge twice; and one
  // that waits for a person's edits is not prepared and checked again each time.
  let { mergeCommit: commit } = ticket;
  if (commit && await isLanded({ repo, base, commit, signal })) return finish(app, ticket, commit);
  if (!commit || !await readRef(repo, commit, signal)) {
    const approved = approvalOf(app.db, ticket.id);
    const prepared = await prepare(app, project, ticket, signal);
    if ("outcome" in prepared) return prepared.outcome;
    const planned = commit = prepared.commit;
    const isStill = transact(app, (tx) => {
      // Approved once more meanwhile, with other words or to be merged in another way; or called off.
      if (approvalOf(tx.db, ticket.id) !== approved) return false;
      updateTicket(tx, ticket.id, { mergeCommit: planned });
      return true;
    });
    if (!isStill) return { type: "snooze", ms: 0, reason: ANEW };
  }
  const expectedTip = (await readRef(repo, `${commit}^`, signal))!;
  // From here on it can't be called off: what a person would do to it is refused while it does not wait.
  const begin = () =>
    transact(app, (tx) => {
      const { status, step, mergeWait, mergeCommit } = getTicket(tx.db, ticket.id);
      // Also where it was approved anew, while one that waited was looked at: then another commit is to be made.
      if (status !== "review" || step !== "merge" || mergeCommit !== commit) return false;
      if (mergeWait !== "") noteMergeWait(tx, ticket.id, "");
      return true;
    });
  const landed = await landMerge({ repo, base, commit, expectedTip, begin, signal });
  switch (landed.type) {
    case "landed":
      return finish(app, ticket, commit);
    case "called_off":
      return { type: "snooze", ms: 0, reason: ANEW };
    case "moved":
      transact(app, (tx) => updateTicket(tx, ticket.id, { mergeCommit: null, mergeWait: "" }));
      return { type: "snooze", ms: 0, reason: "The base branch moved while merging" };
    case "waiting":
      return waitToMerge(app, ticket, landed.reason);
  }
}

const ANEW = "It was approved anew, or called off";

/** All that a person's word for the merge says, to compare: other words make another commit. */
function approvalOf(db: Db, ticketId: string): string {
  const ticket = getTicket(db, ticketId);
  const { status, step, headCommit } = ticket;
  const { message, approvedBy } = getMergeDetails(db, ticketId);
  const { style } = mergeRuleOf(db, ticket);
  return JSON.stringify([status, step, headCommit, message, approvedBy, style]);
}

/** Makes the commit and checks it when the base has moved; or ends the merge, with the outcome. */
async function prepare(
  app: App,
  project: Project,
  ticket: Ticket,
  signal: AbortSignal,
): Promise<{ commit: string } | { outcome: Outcome }> {
  const repo = project.path;
  const base = project.baseBranch;
  const workDir = mergeDirOf(app, project);
  const prepared = await prepareMerge({
    repo,
    base,
    branch: ticket.branch!,
    headCommit: ticket.headCommit!,
    baseCommit: ticket.baseCommit!,
    workDir,
    style: mergeRuleOf(app.db, ticket).style,
    signer: await signerOf(app, project),
    message: withTrailers(proposedMessage(app, ticket), {
      ...describeMerge(app, ticket),
      byHand: await handsOn(project, ticket, signal),
    }),
    signal,
  });
  if (prepared.type === "conflict") {
    const blocked = await meetConflict(app, { project, ticket, conflict: prepared, signal });
    if (blocked === null) return { outcome: { type: "done" } };
    return { outcome: blockMerge(app, ticket, "merge_conflict", blocked) };
  }
  if (prepared.type === "empty") {
    // It may be there by a merge that was given up before its end was on record.
    const { number: ticketNumber, baseCommit: from } = ticket;
    const history = { repo, from: from!, to: prepared.baseTip, ticketNumber, signal };
    return { outcome: finish(app, ticket, await mergeOfTicket(history)) };
  }
  if (prepared.moved) {
    const what = "the result of the merge with the moved base branch";
    const failure = await checkResult(app, { project, ticket, ...prepared, workDir, what, signal });
    if (failure) return { outcome: blockMerge(app, ticket, "merge_checks_failed", failure) };
  }
  return { commit: prepared.commit };
}

/** Who took a part of the ticket over by hand, and committed it. */
async function handsOn(
  { path: repo, baseBranch }: Project,
  { headCommit, baseCommit }: Ticket,
  signal: AbortSignal,
): Promise<string[]> {
  const tip = await tipOf(repo, baseBranch, signal);
  return tip === null
    ? []
    : await peopleIn({ repo, head: headCommit!, without: [baseCommit!, tip], signal });
}

/**
 * Runs the project's commands on a commit that is to land, where it is checked out. Gives what fails, told of
 * `what`; null: nothing.
 */
export async function checkResult(
  app: App,
  spec: {
    project: Project;
    ticket: Ticket;
    commit: string;
    /** Its parent, on the base branch. */
    baseTip: string;
    workDir: string;
    what: string;
    signal: AbortSignal;
  },
): Promise<string | null> {
  const { project, ticket, commit, baseTip, workDir, what, signal } = spec;
  const dir = await Deno.realPath(workDir);
  const place: Place = equipped(project, {
    dir,
    access: "write",
    gitDir: await commonDirOf(project.path, signal),
    homeDir: await homeOf(dir),
  });
  await fillWorktree(app, { project, ticket, worktree: dir, commit, signal });
  await fillHome(app, project, place.homeDir!, signal);
  const goTo = (to: string) => moveWorkDir({ repo: project.path, workDir: dir, to, signal });
  try {
    for (const name of ["setup", "build", "test"] as const) {
      if (!project.commands.some((c) => c.name === name)) continue;
      // The network is for what people have merged, as it was for the ticket's own folder.
      const baseline = name === "setup" && project.setupNetwork;
      if (baseline) await goTo(baseTip);
      const request = {
        ...{ name, commit: baseline ? baseTip : commit, baseline, place },
        // Whatever the ticket began with: what counts is what it changes of the base as it is now.
        base: baseTip,
      };
      const work = { project, ticket, request, signal };
      const { check: { tail }, passes } = await gatherEvidence(app, work);
      if (baseline) await goTo(commit);
      if (!passes) {
        const where = baseline ? "the moved base branch" : what + besidesBase(app, ticket, request);
        const hint = name === "setup" && lacksNetwork(app, project, { tail })
          ? `\n${failureReasons.setup_offline.mend}`
          : "";
        return `${name} fails on ${where}:\n${tail}${hint}`;
      }
    }
    return null;
  } finally {
    await app.agents.release(dir);
    await removeHome(dir);
  }
}

/** Whether the base branch fails, too, so that whoever reads it knows where to look; "" where it was not asked. */
function besidesBase(
  app: App,
  ticket: Ticket,
  { name, base }: { name: CommandName; base: string },
): string {
  const status = name === "setup" ? undefined : baselineOf(app, ticket, name, base)?.status;
  if (status === "passed") return ", and not on the base branch as it is";
  return status === "failed" ? ", and on the base branch as it is, too" : "";
}

/** `before`: the ticket when this look began. What it waited for then is told once, however often it is looked at. */
function waitToMerge(app: App, before: Ticket, reason: string): Outcome {
  return transact(app, (tx) => {
    const { id, number } = before;
    const { status, step } = getTicket(tx.db, id);
    if (status !== "review" || step !== "merge") {
      return { type: "cancel", reason: `Ticket #${number} is not to be merged any more` };
    }
    const isKnown = before.mergeWait === reason;
    if (isKnown) noteMergeWait(tx, id, reason);
    else updateTicket(tx, id, { mergeWait: reason });
    const sinceMs = isKnown ? Date.parse(before.updatedAt) : tx.nowMs;
    return { type: "snooze", ms: lookAgainMs(tx.nowMs - sinceMs), reason };
  });
}

/** `commit`: null where the base branch had all of it already, so that nothing was merged. */
function finish(app: App, ticket: Ticket, commit: string | null): Outcome {
  transact(app, (tx) => {
    const now = getTicket(tx.db, ticket.id);
    if (now.status !== "review") return;
    moveTicket(tx, ticket.id, "done", { step: null, mergeCommit: commit });
    enqueue(tx, {
      kind: "remove_worktree",
      args: { ticketId: ticket.id },
      uniqueKey: jobKeys.removeWorktree(ticket.id),
      projectId: ticket.projectId,
    });
  });
  return { type: "done" };
}

function blockMerge(app: App, ticket: Ticket, failure: FailureReason, reason: string): Outcome {
  transact(app, (tx) => {
    const now = getTicket(tx.db, ticket.id);
    if (now.status === "review") {
      moveTicket(tx, ticket.id, "blocked", { failure, reason, mergeCommit: null });
    }
  });
  return { type: "done" };
}

/** Nothing merges the ticket any more: it blocks. Throws `conflict` when a person would call off too late. */
export function abandonMerge(
  tx: Tx,
  ticketId: string,
  failure: FailureReason,
  message: string,
): void {
  const { status, step, number, mergeCommit, mergeWait } = getTicket(tx.db, ticketId);
  if (status !== "review" || step !== "merge") return;
  if (failure === "cancelled" && mergeCommit && !mergeWait) {
    throw new AppError(
      "conflict",
      `Cannot cancel the merge of ticket #${number}: it is being merged right now`,
    );
  }
  const reason = `The merge did not end: ${message}`;
  moveTicket(tx, ticketId, "blocked", { failure, reason, mergeCommit: null });
}

/** Removes a merged ticket's worktree; its checkpoint commits stay reachable under refs/gaffer. */
export async function removeMergedWorktree(
  app: App,
  ticketId: string,
  signal: AbortSignal,
): Promise<Outcome> {
  const found = findWorktree(app.db, ticketId);
  if (!found) return NOTHING_TO_REMOVE;
  // The merge's undo may come here beside the job that is for it.
  return await app.turnstile.through(found.path, async () => {
    const ticket = getTicket(app.db, ticketId);
    const worktree = findWorktree(app.db, ticketId);
    if (ticket.status !== "done" || !worktree || worktree.status === "removed") {
      return NOTHING_TO_REMOVE;
    }
    const project = getProject(app.db, ticket.projectId);
    await app.agents.release(worktree.path);
    await keepHistory({
      repo: project.path,
      branch: worktree.branch,
      ticketNumber: ticket.number,
      headCommit: ticket.headCommit!,
      worktree: worktree.path,
      signal,
    });
    await removeHome(worktree.path);
    transact(app, (tx) => {
      moveWorktree(tx, worktree.id, "removed");
      tx.emit({ type: "worktree_removed", projectId: ticket.projectId, ticketId });
    });
    return { type: "done" };
  });
}

const NOTHING_TO_REMOVE: Outcome = { type: "cancel", reason: "There is nothing to remove" };
