import {
  deepStrictEqual as deepEqual,
  match,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { claim } from "../queue/claim.ts";
import { jobKeys } from "../queue/job.ts";
import { finish } from "../queue/lease.ts";
import { queueLimits } from "../queue/limits.ts";
import { findWaiting } from "../queue/queue.ts";
import {
  addComment,
  approveTicket,
  cancelTicket,
  changeTicket,
  guideTicket,
  pauseTicket,
  rejectTicket,
  removeComment,
  requestTicketChanges,
  resumeTicket,
  retryTicket,
  startTicket,
} from "../server/services/tickets.ts";
import { applyDevelopmentResult } from "../server/services/development_results.ts";
import { advanceTicket, block } from "../server/services/development.ts";
import { startRun } from "../server/services/runs.ts";
import { AppError } from "../server/errors.ts";
import type { Ticket } from "../server/records.ts";
import { listHistory } from "../server/store/events.ts";
import { listComments, listFindings } from "../server/store/reviews.ts";
import { findActiveRun, getRun, listTicketRuns } from "../server/store/runs.ts";
import { listSubtasks, moveSubtask } from "../server/store/subtasks.ts";
import { getMergeDetails, getTicket, moveTicket, updateTicket } from "../server/store/tickets.ts";
import { allocateWorktree, moveWorktree } from "../server/store/worktrees.ts";
import { describeChange } from "../views/history.tsx";
import { passChecks, type TestApp, testApp } from "./support.ts";

const base = "a".repeat(40);
const head = "b".repeat(40);

const review = {
  summary: "Good",
  findings: [{ severity: "minor", path: "greet.sh", line: 3, message: "Quote it" }],
  criteria: [{ criterion: "It says hello", met: true, evidence: "greet.sh:3" }],
};

/** A ticket in development whose worktree is at `head`. */
async function inProgress(app: TestApp): Promise<Ticket> {
  const ticket = await app.ticket();
  app.tx((tx) => {
    const { projectId, id: ticketId } = ticket;
    const row = allocateWorktree(tx, { projectId, ticketId, path: `/w/${ticketId}`, branch: "b" });
    moveWorktree(tx, row.id, "ready");
    moveTicket(tx, ticketId, "in_progress", {
      step: "develop",
      branch: "gaffer/1-a",
      baseCommit: base,
      headCommit: head,
    });
  });
  return getTicket(app.db, ticket.id);
}

async function inReview(app: TestApp): Promise<Ticket> {
  const ticket = await inProgress(app);
  app.tx((tx) => {
    for (const subtask of listSubtasks(tx.db, ticket.id)) {
      moveSubtask(tx, subtask.id, "in_progress");
      moveSubtask(tx, subtask.id, "done", "Did it");
    }
    updateTicket(tx, ticket.id, { step: "review" });
  });
  passChecks(app, ticket.id, head);
  const run = app.tx((tx) =>
    startRun(app, tx, { ticket: getTicket(tx.db, ticket.id), purpose: "review", agent: "reviewer" })
  );
  await app.end(run, { type: "succeeded", result: review });
  return getTicket(app.db, ticket.id);
}

const waiting = (app: TestApp, kind: string) =>
  app.jobs().filter((job) => job.kind === kind && job.status === "available").length;

Deno.test("a ticket reaches review with the reviewer's findings and verdicts", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  deepEqual([ticket.status, ticket.step, ticket.reviewSummary], ["review", null, "Good"]);
  deepEqual(listFindings(app.db, ticket.id).map((f) => [f.severity, f.path, f.line]), [
    ["minor", "greet.sh", 3],
  ]);
  equal(getMergeDetails(app.db, ticket.id).verdicts[0]!.met, true);
});

Deno.test("the database refuses review without a build and a test row for exactly that commit", async () => {
  using app = testApp();
  const ticket = await inProgress(app);
  const toReview = () => app.tx((tx) => moveTicket(tx, ticket.id, "review", { step: null }));
  throws(toReview, /review needs a changed commit/);
  passChecks(app, ticket.id, "c".repeat(40));
  throws(toReview, /review needs a changed commit/);
  passChecks(app, ticket.id, head);
  app.tx((tx) => updateTicket(tx, ticket.id, { headCommit: base }));
  throws(toReview, /review needs a changed commit/);
  app.tx((tx) => updateTicket(tx, ticket.id, { headCommit: head }));
  equal(toReview().status, "review");
});

Deno.test("one ticket never has two active runs: the database forbids it", async () => {
  using app = testApp();
  const ticket = await inProgress(app);
  const start = () =>
    app.tx((tx) => startRun(app, tx, { ticket, purpose: "develop", agent: "feature-dev" }));
  start();
  throws(start, { code: "conflict" });
  throws(() =>
    app.db.exec(
      `INSERT INTO runs (id, project_id, agent, purpose, ticket_id, round, model, demo, max_turns, max_cost_micro_usd, created_at)
       SELECT 'run_x', project_id, agent, purpose, ticket_id, round, model, demo, 1, 1, created_at FROM runs
       WHERE ticket_id IS NOT NULL`,
    ), /UNIQUE/);
  equal(listTicketRuns(app.db, ticket.id).length, 1);
});

Deno.test("startTicket() starts a queued ticket and no other", async () => {
  using app = testApp();
  const ticket = await app.ticket();
  startTicket(app, ticket.id);
  equal(waiting(app, "advance_ticket"), 1, "asking twice asks once");
  cancelTicket(app, ticket.id);
  throws(() => startTicket(app, ticket.id), { code: "conflict" });
});

Deno.test("cancelTicket() ends the run, the jobs and what the hands do", async () => {
  using app = testApp();
  const ticket = await inProgress(app);
  const run = app.tx((tx) =>
    startRun(app, tx, { ticket, purpose: "develop", agent: "feature-dev" })
  );
  const cancelled = cancelTicket(app, ticket.id);
  equal(cancelled.status, "cancelled");
  equal(getRun(app.db, run.id).status, "cancelled");
  deepEqual(app.agents.stopped, [run.id]);
  deepEqual(app.agents.released, [`/w/${ticket.id}`]);
  const left = app.jobs().filter((job) =>
    job.status === "available" && job.args.ticketId === ticket.id
  );
  deepEqual(left, []);
  throws(() => cancelTicket(app, ticket.id), { code: "conflict" });
});

Deno.test("a ticket that was cancelled at its merge comes back by way of its checks and its review", async () => {
  using app = testApp();
  const ticket = await inProgress(app);
  app.tx((tx) => {
    moveTicket(tx, ticket.id, "blocked", { failure: "merge_conflict", reason: "Both changed a" });
    updateTicket(tx, ticket.id, { step: "merge", headCommit: "b".repeat(40) });
  });
  cancelTicket(app, ticket.id);
  const again = retryTicket(app, ticket.id);
  deepEqual([again.status, again.step], ["queued", "build"]);
  equal(waiting(app, "advance_ticket"), 1);
  cancelTicket(app, ticket.id);
  equal(retryTicket(app, ticket.id, "merge").step, "build", "also where somebody names that step");
});

Deno.test("a cancelled ticket can be queued again and goes on from its step", async () => {
  using app = testApp();
  const ticket = await inProgress(app);
  cancelTicket(app, ticket.id);
  const again = retryTicket(app, ticket.id);
  deepEqual([again.status, again.step], ["queued", "develop"]);
  equal(waiting(app, "advance_ticket"), 1);
});

Deno.test("a failed run blocks its ticket with the reason, and retry goes on from there", async () => {
  using app = testApp();
  const ticket = await inProgress(app);
  const [subtask] = listSubtasks(app.db, ticket.id);
  app.tx((tx) => moveSubtask(tx, subtask!.id, "in_progress"));
  const run = app.tx((tx) =>
    startRun(app, tx, {
      ticket,
      purpose: "develop",
      agent: "feature-dev",
      subtaskId: subtask!.id,
    })
  );
  await app.end(run, { type: "failed", reason: "max_cost", message: "The limit is $5.00" });
  const blocked = getTicket(app.db, ticket.id);
  deepEqual([blocked.status, blocked.failure], ["blocked", "max_cost"]);
  match(blocked.reason, /feature-dev failed: The limit is \$5.00/);
  equal(listSubtasks(app.db, ticket.id)[0]!.status, "blocked");
  const retried = retryTicket(app, ticket.id);
  deepEqual([retried.status, retried.step, retried.reason], ["in_progress", "develop", ""]);
});

Deno.test("a developer that says it is blocked blocks the ticket with its words", async () => {
  using app = testApp({ config: { endpoint: { baseUrl: "http://127.0.0.1:1", apiKey: "k" } } });
  const ticket = await inProgress(app);
  const run = app.tx((tx) => startRun(app, tx, { ticket, purpose: "fix", agent: "feature-dev" }));
  await app.end(run, { type: "succeeded", result: { status: "blocked", summary: "No such API" } });
  const blocked = getTicket(app.db, ticket.id);
  deepEqual([blocked.failure, blocked.reason], ["agent_blocked", "No such API"]);
});

Deno.test("guideTicket() gives a blocked ticket's developer words to go on with", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  throws(() => guideTicket(app, ticket.id, "Use printf"), { code: "conflict" });
  app.tx((tx) => block(tx, ticket, "merge_conflict", "Both changed greet.sh"));
  throws(() => guideTicket(app, ticket.id, " "), { code: "invalid" });
  const guided = guideTicket(app, ticket.id, "Take theirs");
  deepEqual([guided.status, guided.guidance], ["in_progress", "Take theirs"]);
  equal(findActiveRun(app.db, ticket.id)!.purpose, "change");
});

Deno.test("the history says who moved a ticket on, and with which words", async () => {
  using app = testApp();
  const { id } = await inReview(app);
  requestTicketChanges(app, id, "Say it in the README");
  const run = findActiveRun(app.db, id)!;
  await app.end(run, { type: "failed", reason: "stuck", message: "In circles" });
  guideTicket(app, id, "Use printf");
  cancelTicket(app, id);
  const moves = listHistory(app.db, { ticketId: id }, 100)
    .filter(({ type }) => type === "ticket_moved").map(describeChange);
  deepEqual(moves.slice(0, 4), [
    "Cancelled by owner",
    "Guided by owner: Use printf",
    `Blocked: The ${run.agent} failed: In circles`,
    "Sent back by owner: Say it in the README",
  ]);
});

Deno.test("approveTicket() puts a reviewed ticket into its project's merge queue, once", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  const approved = approveTicket(app, ticket.id, "feat: greet");
  deepEqual([approved.status, approved.step], ["review", "merge"]);
  deepEqual(getMergeDetails(app.db, ticket.id).message, "feat: greet");
  equal(getMergeDetails(app.db, ticket.id).approvedBy, "owner");
  approveTicket(app, ticket.id);
  equal(waiting(app, "merge_ticket"), 1);
});

Deno.test("a ticket that is not in review can't be merged, sent back, rejected or commented", async () => {
  using app = testApp();
  const { id } = await inProgress(app);
  throws(() => approveTicket(app, id), { code: "conflict" });
  throws(() => requestTicketChanges(app, id, "More"), { code: "conflict" });
  throws(() => rejectTicket(app, id, "No"), { code: "conflict" });
  const comment = { ticketId: id, path: null, line: null, side: "new" as const, body: "Hm" };
  throws(() => addComment(app, comment), { code: "conflict" });
});

Deno.test("requestTicketChanges() sends the collected comments to the developer", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  throws(() => requestTicketChanges(app, ticket.id, ""), { code: "invalid" });
  const at = { ticketId: ticket.id, path: "greet.sh", line: 3, side: "new" as const };
  const gone = addComment(app, { ...at, body: "Never mind" });
  addComment(app, { ...at, body: "Quote this" });
  removeComment(app, ticket.id, gone.id);
  const back = requestTicketChanges(app, ticket.id, "Nearly");
  equal(back.guidance, "Nearly\n- greet.sh:3: Quote this");
  equal(findActiveRun(app.db, ticket.id)!.purpose, "change");
  deepEqual(listComments(app.db, ticket.id).map((c) => [c.body, c.sent]), [["Quote this", true]]);
  throws(() => removeComment(app, ticket.id, listComments(app.db, ticket.id)[0]!.id), {
    code: "conflict",
  });
});

Deno.test("rejectTicket() lets a reviewed ticket go, with the reason", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  throws(() => rejectTicket(app, ticket.id, ""), { code: "invalid" });
  const rejected = rejectTicket(app, ticket.id, "Not worth it");
  deepEqual([rejected.status, rejected.reason], ["cancelled", "Not worth it"]);
});

Deno.test("what a run hands in after its ticket was cancelled changes nothing", async () => {
  using app = testApp();
  const ticket = await inProgress(app);
  const run = app.tx((tx) => startRun(app, tx, { ticket, purpose: "fix", agent: "feature-dev" }));
  app.tx((tx) => moveTicket(tx, ticket.id, "cancelled"));
  app.tx((tx) => applyDevelopmentResult(app, tx, run, { status: "done", summary: "Did it" }));
  equal(getTicket(app.db, ticket.id).status, "cancelled");
});

Deno.test("a step that meets a fault is tried again, and blocks the ticket at the last attempt", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  app.agents.status = () => {
    throw new Error("the disk is full");
  };
  const { signal } = new AbortController();
  await rejects(advanceTicket(app, id, { attempt: 7, maxAttempts: 8 }, signal), /disk is full/);
  equal(getTicket(app.db, id).status, "in_progress");
  await advanceTicket(app, id, { attempt: 8, maxAttempts: 8 }, signal);
  const { status, failure, reason } = getTicket(app.db, id);
  deepEqual([status, failure, reason], ["blocked", "internal", "the disk is full"]);
});

Deno.test("a step whose hands were lost is tried again, and names that at the last attempt", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  app.agents.status = () => {
    throw new AppError("conflict", "Its process was lost", [], { failure: "worker_lost" });
  };
  const { signal } = new AbortController();
  await rejects(advanceTicket(app, id, { attempt: 7, maxAttempts: 8 }, signal), /was lost/);
  equal(getTicket(app.db, id).status, "in_progress");
  await advanceTicket(app, id, { attempt: 8, maxAttempts: 8 }, signal);
  const { status, failure } = getTicket(app.db, id);
  deepEqual([status, failure], ["blocked", "worker_lost"]);
});

Deno.test("a step that only a person can mend blocks the ticket at once, with its own reason", async () => {
  for (const failure of [undefined, "commands_not_allowed"] as const) {
    using app = testApp();
    const { id } = await app.ticket();
    app.agents.status = () => {
      throw new AppError("conflict", "Cannot run it", [], { failure });
    };
    const { signal } = new AbortController();
    await advanceTicket(app, id, { attempt: 1, maxAttempts: 8 }, signal);
    const ticket = getTicket(app.db, id);
    deepEqual([ticket.status, ticket.failure], ["blocked", failure ?? "repository"]);
  }
});

Deno.test("changeTicket() lets a ticket that became more urgent overtake one that was before it, and back", async () => {
  using app = testApp();
  const [first, second] = [await app.ticket(), await app.ticket()];
  app.db.exec("UPDATE jobs SET status = 'cancelled' WHERE kind <> 'advance_ticket'");
  const limits = { ...queueLimits(app.config), total: 1 };
  const nextTicket = () => {
    const [job] = app.tx((tx) => claim(tx, { limits, owner: "boot", leaseMs: 1 }));
    app.tx((tx) => finish(tx, job!, { type: "release", reason: "r" }));
    return job!.args.ticketId;
  };
  equal(nextTicket(), first.id);
  changeTicket(app, second.id, { priority: 0 });
  equal(nextTicket(), second.id);
  changeTicket(app, second.id, { priority: 3 });
  equal(nextTicket(), first.id);
});

Deno.test("changeTicket() reaches the ticket's run that waits, but not one that a person let go on", async () => {
  using app = testApp();
  const { id, priority } = await app.ticket();
  const ticket = app.tx((tx) => moveTicket(tx, id, "in_progress", { step: "develop" }));
  const run = app.tx((tx) =>
    startRun(app, tx, { ticket, purpose: "develop", agent: "feature-dev" })
  );
  const ofRun = () => findWaiting(app.db, "run_agent", jobKeys.runAgent(run.id))!.priority;
  equal(ofRun(), priority);
  changeTicket(app, id, { priority: 3 });
  equal(ofRun(), 3);
  pauseTicket(app, id);
  resumeTicket(app, id);
  equal(ofRun(), 0, "who resumes it waits for it");
  changeTicket(app, id, { priority: 2 });
  equal(ofRun(), 0);
});
