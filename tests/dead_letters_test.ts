/** Jobs that were given up, and how their work is taken up again: by the idea's or the ticket's own verb. */
import {
  deepStrictEqual as deepEqual,
  notStrictEqual as notEqual,
  strictEqual as equal,
  throws,
} from "node:assert";
import { advanceIdeaHandler } from "../queue/handlers/advance_idea.ts";
import { advanceTicketHandler } from "../queue/handlers/advance_ticket.ts";
import { mergeTicketHandler } from "../queue/handlers/merge_ticket.ts";
import { runAgentHandler } from "../queue/handlers/run_agent.ts";
import { jobKeys } from "../queue/job.ts";
import { pauseQueue } from "../queue/pauses.ts";
import { enqueue, findWaiting, getJob } from "../queue/queue.ts";
import type { Job } from "../server/records.ts";
import { forkRun } from "../server/services/forking.ts";
import { refineIdea, rejectIdea } from "../server/services/ideas.ts";
import { giveUpJob, retryDiscarded, retryJob } from "../server/services/jobs.ts";
import { cancelTicket, guideTicket, retryTicket } from "../server/services/tickets.ts";
import { getIdea } from "../server/store/ideas.ts";
import { getRun, listIdeaRuns, listTicketRuns } from "../server/store/runs.ts";
import { getTicket, moveTicket, updateTicket } from "../server/store/tickets.ts";
import { TestRepo } from "./git_support.ts";
import { jobOf, merging, runnerOf } from "./jobs_support.ts";
import { failedClarifier } from "./runs_support.ts";
import { results, type TestApp, testApp } from "./support.ts";

/** Gaffer has died with the job for the third time: the next runner to start puts it aside. */
const diedWith = (app: TestApp, { id }: Job) =>
  app.db.prepare(`
    UPDATE jobs SET status = 'executing', attempt = 1, started_at = created_at, crashes = 2,
      lease_token = 'token', lease_expires_at = created_at, leased_by = 'another boot'
    WHERE id = CAST(:id AS INTEGER)
  `).run({ id });

/** The job fails for good, and what it was for with it. */
function giveUp(app: TestApp, { id }: Job): void {
  app.db.prepare(`
    UPDATE jobs SET status = 'discarded', finished_at = created_at, attempt = max_attempts
    WHERE id = CAST(:id AS INTEGER)
  `).run({ id });
  app.tx((tx) => giveUpJob(app, tx, getJob(tx.db, id), "out of order"));
}

const stateOf = (app: TestApp, { id }: Job) => {
  const { status, errors } = getJob(app.db, id);
  return [status, errors.at(-1)?.message];
};

/** A ticket whose next step needs no repository. */
async function developing(app: TestApp): Promise<{ id: string; job: Job }> {
  const { id } = await app.ticket();
  app.tx((tx) => updateTicket(tx, id, { step: "develop" }));
  return { id, job: jobOf(app, "advance_ticket") };
}

/** An idea whose clarifier's job was given up; its researcher has handed in its result. */
async function stuckIdea(app: TestApp): Promise<{ id: string; job: Job }> {
  const idea = await app.idea("refining");
  const clarifier = listIdeaRuns(app.db, idea.id).find((run) => run.purpose === "clarify")!;
  const job = jobOf(app, "run_agent", { runId: clarifier.id });
  giveUp(app, job);
  return { id: idea.id, job };
}

// ---------------------------------------------------------------- taken up again

Deno.test("a quarantined run's job is taken up by a new run, with which its idea becomes ready", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [clarifier] = listIdeaRuns(app.db, idea.id);
  const dead = jobOf(app, "run_agent", { runId: clarifier!.id });
  diedWith(app, dead);
  const { clarify, research, estimate, prioritize } = results;
  app.agents.outcomes.push({ type: "succeeded", result: research });
  const runner = runnerOf(app, advanceIdeaHandler, runAgentHandler);
  runner.start();
  await runner.idle();
  deepEqual([getRun(app.db, clarifier!.id).failure, getIdea(app.db, idea.id).status], [
    "quarantined",
    "stuck",
  ]);
  equal(getJob(app.db, dead.id).status, "discarded");

  for (const result of [clarify, estimate, prioritize]) {
    app.agents.outcomes.push({ type: "succeeded", result });
  }
  const again = retryJob(app, dead.id);
  notEqual(again.id, dead.id);
  deepEqual([again.kind, again.status, again.crashes], ["run_agent", "available", 0]);
  deepEqual(stateOf(app, dead), ["cancelled", "Its work was taken up again"]);
  equal(getIdea(app.db, idea.id).status, "refining");
  await runner.idle();
  equal(getJob(app.db, again.id).status, "completed");
  equal(getIdea(app.db, idea.id).status, "ready");
  await runner.stop(0);
});

Deno.test("a quarantined run of a ticket is taken up by the ticket's step, which starts a new run", async () => {
  using app = testApp();
  const { id } = await developing(app);
  app.tx((tx) => pauseQueue(tx, "agents"));
  const runner = runnerOf(app, advanceTicketHandler, runAgentHandler);
  runner.start();
  await runner.idle();
  await runner.stop(0);
  const [run] = listTicketRuns(app.db, id);
  const dead = jobOf(app, "run_agent", { runId: run!.id });
  diedWith(app, dead);

  const next = runnerOf(app, advanceTicketHandler, runAgentHandler);
  next.start();
  await next.idle();
  const blocked = getTicket(app.db, id);
  deepEqual([blocked.status, blocked.failure], ["blocked", "quarantined"]);
  const again = retryJob(app, dead.id);
  deepEqual([again.kind, again.args, again.status], [
    "advance_ticket",
    { ticketId: id },
    "available",
  ]);
  equal(getJob(app.db, dead.id).status, "cancelled");
  await next.idle();
  const [, successor] = listTicketRuns(app.db, id);
  deepEqual([getTicket(app.db, id).status, successor!.status], ["in_progress", "queued"]);
  equal(jobOf(app, "run_agent", { runId: successor!.id }).status, "available");
  await next.stop(0);
});

Deno.test("an idea's next step that was given up goes on with the same job once the fault is mended", async () => {
  using app = testApp();
  const { id } = await app.idea("submitted");
  app.db.exec(`
    CREATE TRIGGER broken BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'out of order'); END`);
  app.db.exec("UPDATE jobs SET attempt = max_attempts - 1");
  const runner = runnerOf(app, advanceIdeaHandler);
  runner.start();
  await runner.idle();
  const dead = jobOf(app, "advance_idea");
  deepEqual([dead.status, getIdea(app.db, id).status], ["discarded", "stuck"]);

  app.db.exec("DROP TRIGGER broken");
  app.tx((tx) => pauseQueue(tx, "agents"));
  const again = retryJob(app, dead.id);
  deepEqual([again.id, again.status, again.attempt], [dead.id, "available", 0]);
  equal(getIdea(app.db, id).status, "refining");
  await runner.idle();
  equal(getJob(app.db, dead.id).status, "completed");
  deepEqual(listIdeaRuns(app.db, id).map((run) => run.status), ["queued", "queued"]);
  equal(app.jobs().filter((job) => job.kind === "advance_idea").length, 1);
  await runner.stop(0);
});

Deno.test("a ticket's step that was given up goes on with the same job once the fault is mended", async () => {
  using app = testApp();
  const { id } = await developing(app);
  app.db.exec(`
    CREATE TRIGGER broken BEFORE UPDATE ON tickets WHEN NEW.status = 'in_progress'
    BEGIN SELECT RAISE(ABORT, 'out of order'); END`);
  app.db.exec("UPDATE jobs SET attempt = max_attempts - 1 WHERE kind = 'advance_ticket'");
  app.tx((tx) => pauseQueue(tx, "agents"));
  const runner = runnerOf(app, advanceIdeaHandler, advanceTicketHandler);
  runner.start();
  await runner.idle();
  const dead = jobOf(app, "advance_ticket");
  deepEqual([dead.status, getTicket(app.db, id).status], ["discarded", "blocked"]);

  app.db.exec("DROP TRIGGER broken");
  const again = retryJob(app, dead.id);
  deepEqual([again.id, again.status], [dead.id, "available"]);
  equal(getTicket(app.db, id).status, "in_progress");
  await runner.idle();
  equal(getJob(app.db, dead.id).status, "completed");
  deepEqual(listTicketRuns(app.db, id).map((run) => run.purpose), ["develop"]);
  await runner.stop(0);
});

Deno.test("a quarantined merge is asked for again with the same job, and lands", async () => {
  await using repo = await TestRepo.make();
  const baseCommit = await repo.git("rev-parse", "main");
  await repo.git("branch", "gaffer/1-work");
  const headCommit = await repo.commitOn("gaffer/1-work", { "new.txt": "new\n" });
  using app = testApp({ config: { dataDir: repo.beside("data") } });
  const { id } = await merging(app, { branch: "gaffer/1-work", baseCommit, headCommit });
  app.db.prepare("UPDATE projects SET path = :path").run({ path: repo.dir });
  const dead = jobOf(app, "merge_ticket");
  diedWith(app, dead);
  app.tx((tx) => {
    for (const queue of ["agents", "steps", "upkeep"] as const) pauseQueue(tx, queue);
  });
  const runner = runnerOf(app, mergeTicketHandler);
  runner.start();
  await runner.idle();
  deepEqual([getTicket(app.db, id).status, getTicket(app.db, id).failure], [
    "blocked",
    "quarantined",
  ]);

  equal(retryJob(app, dead.id).id, dead.id);
  await runner.idle();
  equal(getJob(app.db, dead.id).status, "completed");
  equal(getTicket(app.db, id).status, "done");
  equal(await repo.git("show", "main:new.txt"), "new");
  await runner.stop(0);
});

Deno.test("a job that is for nobody in particular just runs again", () => {
  using app = testApp();
  const id = app.tx((tx) => enqueue(tx, { kind: "prune", args: {} }))!;
  giveUp(app, getJob(app.db, id));
  const again = retryJob(app, id);
  deepEqual([again.id, again.status, again.attempt], [id, "available", 0]);
});

// ---------------------------------------------------------------- refused

Deno.test("retryJob() refuses what has moved on, says why, and leaves everything as it was", async () => {
  const refused = (app: TestApp, job: Job, why: string) => {
    const before = getJob(app.db, job.id);
    throws(() => retryJob(app, job.id), {
      code: "conflict",
      message: `Cannot run job "${job.id}" again: ${why}`,
    });
    deepEqual(getJob(app.db, job.id), before);
  };
  {
    using app = testApp();
    await app.idea("submitted");
    const job = jobOf(app, "advance_idea");
    giveUp(app, job);
    app.db.exec("UPDATE ideas SET status = 'ready'");
    refused(app, job, 'idea #1 is "ready"');
  }
  {
    using app = testApp();
    const { id, job } = await developing(app);
    giveUp(app, job);
    app.tx((tx) => updateTicket(tx, id, { step: "merge" }));
    refused(app, job, 'ticket #1 goes on with the step "merge"');
    app.tx((tx) => moveTicket(tx, id, "in_progress", { step: "develop" }));
    refused(app, job, 'ticket #1 is "in_progress"');
    const newer = { kind: "advance_ticket", args: { ticketId: id } } as const;
    app.tx((tx) => enqueue(tx, { ...newer, uniqueKey: jobKeys.advanceTicket(id) }));
    refused(app, job, "a newer one for the same work waits already");
  }
  {
    using app = testApp();
    const { id } = await merging(app);
    const job = jobOf(app, "merge_ticket");
    giveUp(app, job);
    app.tx((tx) => updateTicket(tx, id, { step: "develop" }));
    refused(app, job, 'ticket #1 goes on with the step "develop"');
  }
  {
    using app = testApp();
    const { id, job } = await stuckIdea(app);
    refineIdea(app, id);
    app.db.prepare("UPDATE jobs SET status = 'discarded' WHERE id = CAST(:id AS INTEGER)")
      .run({ id: job.id });
    refused(app, job, "a newer run of the clarifier took its place");
  }
  {
    using app = testApp();
    await app.idea("submitted");
    const job = jobOf(app, "advance_idea");
    refused(app, job, 'it is "available"');
  }
});

// ---------------------------------------------------------------- no dead letter stays

Deno.test("what an idea's own verbs take up, or call off, is no dead letter any more", async () => {
  {
    using app = testApp();
    const { id, job } = await stuckIdea(app);
    refineIdea(app, id);
    deepEqual(stateOf(app, job), ["cancelled", "Its work was taken up again"]);
  }
  {
    using app = testApp();
    const { id, job } = await stuckIdea(app);
    rejectIdea(app, id, "No");
    deepEqual(stateOf(app, job), ["cancelled", "The idea was rejected"]);
  }
});

Deno.test("what a ticket's own verbs take up, or call off, is no dead letter any more", async () => {
  const verbs: [(app: TestApp, id: string) => unknown, string][] = [
    [(app, id) => retryTicket(app, id), "Its work was taken up again"],
    [(app, id) => guideTicket(app, id, "Mind the gap"), "Its work was taken up again"],
    [(app, id) => cancelTicket(app, id), "The ticket was cancelled"],
  ];
  for (const [verb, note] of verbs) {
    using app = testApp();
    const { id, job } = await developing(app);
    giveUp(app, job);
    verb(app, id);
    deepEqual(stateOf(app, job), ["cancelled", note]);
  }
});

Deno.test("a fork takes up the work of the run that was given up", async () => {
  using app = testApp();
  const run = await failedClarifier(app);
  const job = jobOf(app, "run_agent", { runId: run.id });
  app.db.prepare("UPDATE jobs SET status = 'discarded' WHERE id = CAST(:id AS INTEGER)")
    .run({ id: job.id });
  forkRun(app, run.id, 1, "Ask about locks");
  deepEqual(stateOf(app, job), ["cancelled", "Its work was taken up again"]);
});

Deno.test("another idea's dead letters stay", async () => {
  using app = testApp();
  const [one, other] = [await stuckIdea(app), await stuckIdea(app)];
  refineIdea(app, one.id);
  equal(getJob(app.db, other.job.id).status, "discarded");
});

// ---------------------------------------------------------------- all at once

Deno.test("retryDiscarded() takes up what it can, each work once, and counts what stays", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  for (const { id } of listIdeaRuns(app.db, idea.id)) {
    giveUp(app, jobOf(app, "run_agent", { runId: id })); // side by side: the idea is stuck with the first
  }
  const { job: stays } = await developing(app);
  giveUp(app, stays);
  app.db.exec("UPDATE tickets SET status = 'cancelled'");
  const prune = app.tx((tx) => enqueue(tx, { kind: "prune", args: {} }))!;
  giveUp(app, getJob(app.db, prune));

  deepEqual(retryDiscarded(app), { again: 3, left: 1 });
  equal(getIdea(app.db, idea.id).status, "refining");
  const runs = listIdeaRuns(app.db, idea.id);
  deepEqual(runs.map((run) => run.status), ["failed", "failed", "queued", "queued"]);
  for (const { id } of runs.slice(2)) {
    equal(findWaiting(app.db, "run_agent", jobKeys.runAgent(id))?.status, "available");
  }
  equal(getJob(app.db, prune).status, "available");
  equal(getJob(app.db, stays.id).status, "discarded");
  deepEqual(retryDiscarded(app), { again: 0, left: 1 });
});
