/** Jobs that end without having done their work: cancelled by a person, or given up after their last attempt. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal, throws } from "node:assert";
import type { Hono } from "hono";
import { advanceIdeaHandler } from "../queue/handlers/advance_idea.ts";
import { enqueue, getJob } from "../queue/queue.ts";
import type { Env } from "../server/api.ts";
import { createHttp } from "../server/http.ts";
import type { Run, Ticket } from "../server/records.ts";
import { jobsApi } from "../server/routes/jobs.tsx";
import { refineIdea } from "../server/services/ideas.ts";
import { cancelJob, giveUpJob } from "../server/services/jobs.ts";
import { retryTicket } from "../server/services/tickets.ts";
import { getIdea } from "../server/store/ideas.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { getTicket, updateTicket } from "../server/store/tickets.ts";
import { noAssets } from "./http_support.ts";
import { jobOf, merging, runnerOf } from "./jobs_support.ts";
import { type TestApp, testApp } from "./support.ts";

const reason = "a person cancelled its job";

const endOf = (
  { status, failure, reason }: Pick<Ticket, "failure" | "reason"> & { status: string },
) => [status, failure, reason];
const endOfRun = ({ status, failure, error }: Run) => [status, failure, error];

// ---------------------------------------------------------------- cancelled by a person

Deno.test("cancelJob() of an idea's next step makes the idea stuck, and it can be refined again", async () => {
  using app = testApp();
  const { id } = await app.idea("submitted");
  const cancelled = cancelJob(app, jobOf(app, "advance_idea").id);
  equal(cancelled.status, "cancelled");
  equal(cancelled.errors.at(-1)?.message, "A person cancelled it");
  deepEqual(endOf(getIdea(app.db, id)), [
    "stuck",
    "cancelled",
    `The refinement did not go on: ${reason}`,
  ]);
  equal(refineIdea(app, id).status, "refining");
  equal(jobOf(app, "advance_idea").status, "available");
});

Deno.test("cancelJob() leaves an idea alone whose agents are at work: they go on with it", async () => {
  using app = testApp();
  const { id } = await app.idea("refining");
  cancelJob(app, jobOf(app, "advance_idea").id);
  equal(getIdea(app.db, id).status, "refining");
});

Deno.test("cancelJob() of a run cancels the run and stops its loop", async () => {
  using app = testApp();
  const { id } = await app.idea("refining");
  const [run] = listIdeaRuns(app.db, id);
  cancelJob(app, jobOf(app, "run_agent", { runId: run!.id }).id);
  equal(getRun(app.db, run!.id).status, "cancelled");
  deepEqual(readRunLog(app.db, run!.id).at(-1)?.body, { type: "cancelled", by: "owner" });
  deepEqual(app.agents.stopped, [run!.id]);
  deepEqual(getIdea(app.db, id).failure, "cancelled");
});

Deno.test("cancelJob() of a ticket's step blocks the ticket, and it can be retried", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  cancelJob(app, jobOf(app, "advance_ticket").id);
  deepEqual(endOf(getTicket(app.db, id)), [
    "blocked",
    "cancelled",
    `The step "prepare" did not end: ${reason}`,
  ]);
  equal(retryTicket(app, id).status, "in_progress");
});

Deno.test("cancelJob() of a merge blocks the ticket, unless the merge is past its point of no return", async () => {
  using app = testApp();
  const { id } = await merging(app);
  const job = jobOf(app, "merge_ticket");
  app.tx((tx) => updateTicket(tx, id, { mergeCommit: "c".repeat(40) }));
  throws(() => cancelJob(app, job.id), { code: "conflict", message: /being merged right now/ });
  equal(jobOf(app, "merge_ticket").status, "available", "the refused call left nothing behind");
  app.tx((tx) => updateTicket(tx, id, { mergeWait: "An edit is in its way" }));
  cancelJob(app, job.id);
  const ticket = getTicket(app.db, id);
  deepEqual(endOf(ticket), ["blocked", "cancelled", `The merge did not end: ${reason}`]);
  equal(ticket.mergeCommit, null);
});

Deno.test("cancelJob() ends a job that executes at once, and refuses one that has ended", async () => {
  using app = testApp();
  const begun = Promise.withResolvers<void>();
  const runner = runnerOf(app, {
    kind: "prune",
    run: (_args, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        begun.resolve();
      }),
  });
  runner.start();
  const id = app.tx((tx) => enqueue(tx, { kind: "prune", args: {} }))!;
  await begun.promise;
  equal(getJob(app.db, id).status, "executing");
  equal(cancelJob(app, id).status, "cancelled");
  await runner.idle();
  equal(getJob(app.db, id).status, "cancelled");
  throws(() => cancelJob(app, id), {
    code: "conflict",
    message: `Cannot cancel job "${id}": it is "cancelled"`,
  });
  await runner.stop(0);
});

Deno.test("giveUpJob() changes nothing of an idea that has moved on", async () => {
  using app = testApp();
  const { id } = await app.idea("ready");
  app.tx((tx) => giveUpJob(app, tx, jobOf(app, "advance_idea"), "late"));
  equal(getIdea(app.db, id).status, "ready");
});

Deno.test("POST /jobs/:id/cancel answers with the job, 404 for none and 409 for one that has ended", async () => {
  using app = testApp();
  await app.idea("submitted");
  const { id } = jobOf(app, "advance_idea");
  const http: Hono<Env> = createHttp(app, {
    assets: noAssets,
    mountApi: jobsApi,
    mountPages: () => {},
    renderError: () => "",
  });
  const cancel = (id: string) => http.request(`/api/v1/jobs/${id}/cancel`, { method: "POST" });
  const done = await cancel(id);
  deepEqual([done.status, (await done.json()).status], [200, "cancelled"]);
  const again = await cancel(id);
  deepEqual([again.status, (await again.json()).code], [409, "conflict"]);
  const missing = await cancel("4711");
  deepEqual([missing.status, (await missing.json()).code], [404, "not_found"]);
});

// ---------------------------------------------------------------- given up after the last attempt

/** The next attempt at every job is its last one. */
const lastAttempt = (app: TestApp) =>
  app.db.prepare("UPDATE jobs SET attempt = max_attempts - 1 WHERE status = 'available'").run({});

const breakInserts = (table: string) =>
  `CREATE TRIGGER broken BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'out of order'); END`;

Deno.test("a fault at the last attempt makes the idea stuck, and mended it can be refined again", async () => {
  using app = testApp();
  const { id } = await app.idea("submitted");
  app.db.exec(breakInserts("runs"));
  lastAttempt(app);
  const runner = runnerOf(app, advanceIdeaHandler);
  runner.start();
  await runner.idle();
  equal(jobOf(app, "advance_idea").status, "discarded");
  deepEqual(endOf(getIdea(app.db, id)), [
    "stuck",
    "internal",
    "The refinement did not go on: out of order",
  ]);
  equal(app.events.findLast((event) => event.ideaId === id)?.actor, "gaffer");

  app.db.exec("DROP TRIGGER broken");
  refineIdea(app, id);
  await runner.idle();
  equal(listIdeaRuns(app.db, id).length, 2);
  await runner.stop(0);
});

Deno.test("a fault before the last attempt leaves the idea to the next one", async () => {
  using app = testApp();
  const { id } = await app.idea("submitted");
  app.db.exec(breakInserts("runs"));
  const runner = runnerOf(app, advanceIdeaHandler);
  runner.start();
  await runner.idle();
  equal(jobOf(app, "advance_idea").status, "retryable");
  equal(getIdea(app.db, id).status, "submitted");
  await runner.stop(0);
});

Deno.test("a database that can't record the end either: job and idea end together, once it can", async () => {
  using app = testApp();
  const { id } = await app.idea("submitted");
  app.db.exec(breakInserts("events"));
  lastAttempt(app);
  const runner = runnerOf(app, advanceIdeaHandler);
  const errors = Promise.withResolvers<void>();
  app.log.error = () => errors.resolve();
  runner.start();
  await errors.promise;
  deepEqual([jobOf(app, "advance_idea").status, getIdea(app.db, id).status], [
    "executing",
    "submitted",
  ]);
  app.db.exec("DROP TRIGGER broken");
  runner.fire();
  await runner.idle();
  deepEqual([jobOf(app, "advance_idea").status, getIdea(app.db, id).status], [
    "discarded",
    "stuck",
  ]);
  await runner.stop(0);
});

Deno.test("a ticket's step that is given up blocks the ticket; so does its merge", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  app.tx((tx) => giveUpJob(app, tx, jobOf(app, "advance_ticket"), "Timed out after 14400 s"));
  deepEqual(endOf(getTicket(app.db, id)), [
    "blocked",
    "internal",
    'The step "prepare" did not end: Timed out after 14400 s',
  ]);
  const approved = await merging(app);
  app.tx((tx) => updateTicket(tx, approved.id, { mergeCommit: "c".repeat(40) }));
  app.tx((tx) => giveUpJob(app, tx, jobOf(app, "merge_ticket"), "Timed out after 14400 s"));
  const blocked = getTicket(app.db, approved.id);
  deepEqual([blocked.status, blocked.failure], ["blocked", "internal"]);
  match(blocked.reason, /^The merge did not end: Timed out/);
});

Deno.test("a run whose job is given up fails, and its idea with it", async () => {
  using app = testApp();
  const { id } = await app.idea("refining");
  const [run] = listIdeaRuns(app.db, id);
  app.tx((tx) => giveUpJob(app, tx, jobOf(app, "run_agent", { runId: run!.id }), "a fault"));
  deepEqual(endOfRun(getRun(app.db, run!.id)), ["failed", "internal", "a fault"]);
  equal(getIdea(app.db, id).status, "stuck");
  app.tx((tx) => giveUpJob(app, tx, jobOf(app, "run_agent", { runId: run!.id }), "again"));
  equal(getRun(app.db, run!.id).error, "a fault", "what has ended stays as it is");
});
