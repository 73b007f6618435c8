/** A ticket's pipeline: one step is one job, and the end of each is one transaction that asks for the next. */
import { join } from "node:path";
import type { Outcome } from "../../queue/job.ts";
import { routeByType } from "../../agents/catalog.ts";
import { beginWorktree } from "../../agents/git/beginning.ts";
import { branchName } from "../../agents/git/branches.ts";
import { changedFiles } from "../../agents/git/changes.ts";
import { checkpoint } from "../../agents/git/checkpoints.ts";
import { settleIndex } from "../../agents/git/settling.ts";
import { createWorktree } from "../../agents/git/worktrees.ts";
import type { App } from "../app.ts";
import { transact, type Tx } from "../db.ts";
import { messageOf } from "../errors.ts";
import type { Check, CriterionVerdict, Project, Ticket, Worktree } from "../records.ts";
import {
  CHECK_ROUNDS_MAX,
  type FailureReason,
  failureReasons,
  type TicketStep,
} from "../states.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { listChecks } from "../store/checks.ts";
import { getProject } from "../store/projects.ts";
import { deleteReturned } from "../store/returned_findings.ts";
import { replaceFindings } from "../store/reviews.ts";
import { findActiveRun, listTicketRuns } from "../store/runs.ts";
import { listSubtasks, moveSubtask } from "../store/subtasks.ts";
import { getTicket, type TicketChanges, updateTicket } from "../store/tickets.ts";
import {
  allocateWorktree,
  markSetUp,
  markSetUpBegun,
  moveWorktree,
  SETUP_BEGUN,
} from "../store/worktrees.ts";
import { listAttemptRuns } from "./attempts.ts";
import { commandsMayRun, lacksNetwork, runCheck, settingsOf } from "./checks.ts";
import { type Attempt, failureOf } from "./faults.ts";
import { fillHome, keepHome } from "./caches.ts";
import { gatherEvidence, isProven, isReviewable, whyNotReviewable } from "./evidence.ts";
import { giveGuidedBase } from "./guided_base.ts";
import { removeHome } from "./homes.ts";
import { baseTip, followBranch, placeOf, ticketTip, worktreeOf } from "./places.ts";
import { startRun } from "./runs.ts";
import { fillWorktree } from "./worktree_files.ts";
import { needsWait } from "./start_waits.ts";
import { enqueueAdvanceTicket } from "./ticket_jobs.ts";
import { moveTicket, startIfMay } from "./ticket_moves.ts";

/** What a step works with. */
interface Work {
  app: App;
  ticket: Ticket;
  project: Project;
  signal: AbortSignal;
}

const steps: Record<Exclude<TicketStep, "merge">, (work: Work) => Promise<void>> = {
  prepare,
  baseline,
  develop: async (work) => {
    if (!await giveGuidedBase(work.app, work)) develop(work);
  },
  build: (work) => check(work, "build", "test"),
  test: (work) => check(work, "test", "review"),
  review: (work) => Promise.resolve(review(work)),
};

/** Takes the ticket's present step. A step that a person's action overtook changes nothing. */
export async function advanceTicket(
  app: App,
  ticketId: string,
  job: Attempt,
  signal: AbortSignal,
): Promise<Outcome> {
  const ticket = startTicket(app, ticketId);
  if (ticket.status === "queued" && ticket.pausedBy === null) {
    if (needsWait(app.db, ticket)?.why === "needs_merge") {
      // Loaded with the first that waits for one.
      const { awaitMerges } = await import("./pull_arrivals.ts");
      return await awaitMerges(app, ticket, signal);
    }
  }
  if (ticket.pausedBy !== null) {
    return { type: "cancel", reason: `Ticket #${ticket.number} is paused` };
  }
  if (ticket.status !== "in_progress" || ticket.step === null || ticket.step === "merge") {
    return { type: "cancel", reason: `Ticket #${ticket.number} is ${ticket.status}` };
  }
  if (findActiveRun(app.db, ticketId)) return { type: "done" };
  const project = getProject(app.db, ticket.projectId);
  try {
    await steps[ticket.step]({ app, ticket, project, signal });
  } catch (error) {
    const failure = failureOf(error, job, signal);
    if (failure === null) throw error;
    proceed(app, ticket, (tx) => block(tx, ticket, failure, messageOf(error)));
  }
  return { type: "done" };
}

function startTicket(app: App, ticketId: string): Ticket {
  return transact(app, (tx) => {
    const ticket = getTicket(tx.db, ticketId);
    return ticket.status === "queued" ? startIfMay(tx, ticket) : ticket;
  });
}

/** One transaction at the end of a step; does nothing when the ticket has moved on meanwhile. */
function proceed(app: App, seen: Ticket, work: (tx: Tx, now: Ticket) => void): void {
  transact(app, (tx) => {
    const now = getTicket(tx.db, seen.id);
    if (now.status === seen.status && now.step === seen.step) work(tx, now);
  });
}

/** Asks for a step of the ticket. */
export function goTo(tx: Tx, ticket: Ticket, step: TicketStep, changes: TicketChanges = {}): void {
  enqueueAdvanceTicket(tx, updateTicket(tx, ticket.id, { ...changes, step }));
}

/** Blocks a ticket with its reason; subtasks that were being worked on are blocked with it. */
export function block(tx: Tx, ticket: Ticket, failure: FailureReason, reason: string): void {
  for (const subtask of listSubtasks(tx.db, ticket.id)) {
    if (subtask.status === "in_progress") moveSubtask(tx, subtask.id, "blocked");
  }
  moveTicket(tx, ticket.id, "blocked", { failure, reason: reason || failureReasons[failure].mend });
}

/** Nothing takes the ticket's present step any more: it blocks, unless an agent is at work. */
export function abandonStep(
  tx: Tx,
  ticketId: string,
  failure: FailureReason,
  message: string,
): void {
  const ticket = getTicket(tx.db, ticketId);
  const { status, step } = ticket;
  if (status !== "queued" && status !== "in_progress" || step === "merge") return;
  if (findActiveRun(tx.db, ticketId)) return;
  block(tx, ticket, failure, `The step "${step ?? "prepare"}" did not end: ${message}`);
}

// ------------------------------------------------------------------ steps

async function prepare({ app, ticket, project, signal }: Work): Promise<void> {
  if (!commandsMayRun(app, project)) {
    return proceed(app, ticket, (tx) =>
      block(
        tx,
        ticket,
        "commands_not_allowed",
        "There is no sandbox (bubblewrap) on this machine, and the project's commands may not run without one",
      ));
  }
  const why = whyNotReviewable(app.db, project);
  if (why !== null) {
    return proceed(app, ticket, (tx) => block(tx, ticket, "checks_misconfigured", why));
  }
  const base = ticket.baseCommit ?? await baseTip(project, signal);
  const row = transact(app, (tx) =>
    allocateWorktree(tx, {
      projectId: project.id,
      ticketId: ticket.id,
      path: join(
        app.config.dataDir,
        "projects",
        project.slug,
        "worktrees",
        String(ticket.number),
      ),
      branch: ticket.branch ?? branchName(ticket.number, ticket.title),
    }));
  const first = row.status === "allocated" && ticket.branch === null;
  // What was left there by an attempt that was cancelled may just be being removed.
  const made = await app.turnstile.through(row.path, async () => {
    if (first) {
      // The home that another ticket of this number left, whose agents wrote in it.
      await app.agents.release(row.path);
      await removeHome(row.path);
    }
    const { path, branch } = row;
    const spec = { repo: project.path, path, branch, base, first, signal };
    if (ticket.baseCommit !== null) return { ...await createWorktree(spec), start: base };
    if (!first) await app.agents.release(path);
    return await beginWorktree(spec);
  });
  const baseCommit = made.start;
  const kept = await keepByHand(app, { ticket, project, signal }, { ...row, branch: made.branch });
  const commit = kept?.commit ?? made.commit;
  if (made.movedAside !== null) {
    app.log.warn("a folder stood in the place of a ticket's worktree, and is kept", {
      ticket: ticket.number,
      kept: made.movedAside,
    });
  }
  if (row.status === "allocated") {
    transact(app, (tx) => moveWorktree(tx, row.id, "ready", { branch: made.branch }));
  }
  // Also of a folder that is prepared once more: what its project's settings name since is brought.
  await fillWorktree(app, { project, ticket, worktree: row.path, commit, signal });
  const settings = settingsOf(app, project, "setup");
  if (isSetupDue(project, row, settings)) {
    const place = await placeOf(project, row, signal);
    // A ticket that is prepared once more may have an agent's work in its folder.
    const baseline = commit === baseCommit && listAttemptRuns(app.db, ticket).length === 0;
    const request = { name: "setup", commit, baseline, place } as const;
    if (baseline) await fillHome(app, project, place.homeDir!, signal);
    transact(app, (tx) => markSetUpBegun(tx, row.id));
    const result = await runCheck(app, { project, ticket, request, signal });
    // Once set up, the work goes on with what is there: what the new command lacks now (the network, say) the merge has.
    if (result.status !== "passed" && (baseline || !row.setUp)) {
      const failure = lacksNetwork(app, project, result) ? "setup_offline" : "setup_failed";
      return proceed(
        app,
        ticket,
        (tx) => block(tx, ticket, failure, `The setup command failed:\n${result.tail}`),
      );
    }
    if (baseline) await keepHome(app, project, place.homeDir!, signal);
  }
  proceed(app, ticket, (tx) => {
    markSetUp(tx, row.id, settings);
    goTo(tx, ticket, "baseline", {
      branch: made.branch,
      baseCommit,
      headCommit: commit,
    });
  });
}

/**
 * Commits what a person, or an agent that was stopped, left in the folder, since setup, and a check of the base, end with
 * it as it was committed. Of a setup that was cut off, what is there is its own, and goes; before one that failed nobody
 * has worked there. Null: there is nothing.
 */
async function keepByHand(
  app: App,
  { ticket, project, signal }: Pick<Work, "ticket" | "project" | "signal">,
  { path, branch, setUp, setUpAs }: Worktree,
): Promise<{ commit: string } | null> {
  const hasWork = setUp || listChecks(app.db, ticket.id).at(-1)?.name === "setup";
  if (!hasWork || setUpAs === SETUP_BEGUN) return null;
  const message = `Ticket #${ticket.number}, what was left in its folder`;
  return await checkpoint({ repo: project.path, worktree: path, branch, message, signal });
}

/** Whether the setup command has to run: it has not in this folder, or it was named or changed since. */
const isSetupDue = ({ commands }: Project, { setUp, setUpAs }: Worktree, settings: string) =>
  commands.some(({ name }) => name === "setup") &&
  (!setUp || setUpAs !== "" && setUpAs !== settings);

/** What fails before anyone touched it is known and shown. */
async function baseline({ app, ticket, project, signal }: Work): Promise<void> {
  const worktree = worktreeOf(app, ticket);
  const { baselineFirst } = getCheckRules(app.db, project.id);
  if (baselineFirst && ticket.headCommit === ticket.baseCommit) {
    const place = await placeOf(project, worktree, signal);
    for (const name of ["build", "test"] as const) {
      const request = { name, commit: ticket.baseCommit!, baseline: true, place };
      await gatherEvidence(app, { project, ticket, request, signal });
    }
  }
  await settleIndex({ repo: project.path, worktree: worktree.path, signal });
  proceed(app, ticket, (tx) => goTo(tx, ticket, "develop"));
}

function develop({ app, ticket }: Work): void {
  proceed(app, ticket, (tx, now) => {
    const next = listSubtasks(tx.db, ticket.id).find((s) =>
      s.status !== "done" && s.status !== "skipped"
    );
    if (!next && changesAreDue(tx, now)) {
      startRun(app, tx, { ticket: now, purpose: "change", agent: routeByType(now.type) });
      return;
    }
    if (!next) return goTo(tx, now, "build");
    if (next.status !== "in_progress") moveSubtask(tx, next.id, "in_progress");
    const agent = routeByType(now.type);
    startRun(app, tx, { ticket: now, purpose: "develop", agent, subtaskId: next.id });
  });
}

/** What a person asked for is still to be made when the run for it did not end well. */
function changesAreDue(tx: Tx, ticket: Ticket): boolean {
  const last = listTicketRuns(tx.db, ticket.id).at(-1);
  return last?.purpose === "change" && (last.status === "failed" || last.status === "cancelled");
}

async function check(
  { app, ticket, project, signal }: Work,
  name: "build" | "test",
  next: TicketStep,
): Promise<void> {
  const worktree = worktreeOf(app, ticket);
  await followBranch(project, ticket, worktree, signal);
  const saved = await checkpoint({
    repo: project.path,
    worktree: worktree.path,
    branch: worktree.branch,
    message: `Ticket #${ticket.number}, what the last step left`,
    signal,
  });
  const commit = saved?.commit ?? await ticketTip(project, worktree, signal);
  const changed = await changedFiles({
    repo: project.path,
    from: ticket.baseCommit!,
    to: commit,
    signal,
  });
  if (changed.length === 0) {
    return proceed(
      app,
      ticket,
      (tx) => block(tx, ticket, "no_changes", "The developer finished without changing any file"),
    );
  }
  const why = whyNotReviewable(app.db, project);
  if (why !== null) {
    return proceed(app, ticket, (tx) => block(tx, ticket, "checks_misconfigured", why));
  }
  if (name === "test" && !isProven(app.db, ticket, "build", commit)) {
    return proceed(app, ticket, (tx) => goTo(tx, ticket, "build", { headCommit: commit }));
  }
  const place = await placeOf(project, worktree, signal);
  const { check: result, passes } = await gatherEvidence(app, {
    project,
    ticket,
    request: { name, commit, baseline: false, place },
    signal,
  });
  proceed(app, ticket, (tx, now) => {
    const current = updateTicket(tx, now.id, { headCommit: commit });
    if (passes) return goTo(tx, current, next);
    if (!result.report && result.tail.trim() !== "") {
      startRun(app, tx, { ticket: current, purpose: "explain", agent: explainers[name] });
      return;
    }
    sendBack(app, tx, current, result);
  });
}

/** Who explains a failure that no parser understands. */
const explainers = { build: "builder", test: "tester" } as const;

/** Gives a failed check back to the developer, three times at most. */
export function sendBack(app: App, tx: Tx, ticket: Ticket, failed: Check): void {
  if (ticket.round >= CHECK_ROUNDS_MAX) {
    const first = failed.report?.failures[0];
    const detail = first ? `: ${first.test ? `${first.test}: ` : ""}${first.message}` : "";
    return block(
      tx,
      ticket,
      "checks_failed",
      `${failed.name} still fails after ${CHECK_ROUNDS_MAX} rounds${detail}`,
    );
  }
  const next = updateTicket(tx, ticket.id, { round: ticket.round + 1 });
  startRun(app, tx, { ticket: next, purpose: "fix", agent: routeByType(next.type) });
}

function review({ app, ticket }: Work): void {
  proceed(app, ticket, (tx, now) => {
    if (!isReviewable(tx.db, now)) return goTo(tx, now, "build");
    if (getCheckRules(tx.db, now.projectId).agentReviews) {
      startRun(app, tx, { ticket: now, purpose: "review", agent: "reviewer" });
    } else {
      replaceFindings(tx, now.id, []); // what an agent found before was of other work
      toReview(tx, now, { summary: "", criteria: [] });
    }
  });
}

/** A person is to read it: with what the reviewer says of the whole, where it has read it. */
export function toReview(
  tx: Tx,
  { id }: Ticket,
  { summary, criteria }: { summary: string; criteria: CriterionVerdict[] },
): void {
  deleteReturned(tx, id);
  moveTicket(tx, id, "review", {
    step: null,
    round: 0,
    reviewSummary: summary,
    reviewVerdicts: criteria,
  });
}
