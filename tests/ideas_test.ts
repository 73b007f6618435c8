import {
  deepStrictEqual as deepEqual,
  match,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { AppError } from "../server/errors.ts";
import type { Run } from "../server/records.ts";
import {
  answerQuestion,
  approveIdea,
  editIdea,
  refineIdea,
  rejectIdea,
  requestIdeaChanges,
  skipQuestion,
  submitIdea,
} from "../server/services/ideas.ts";
import { advanceIdea, recordQuestions } from "../server/services/refinement.ts";
import { archiveProject } from "../server/services/projects.ts";
import { listHistory } from "../server/store/events.ts";
import { getIdea } from "../server/store/ideas.ts";
import { listQuestions } from "../server/store/questions.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { listSubtasks } from "../server/store/subtasks.ts";
import { describeChange } from "../views/history.tsx";
import { executeRun, results, type TestApp, testApp } from "./support.ts";

const waitingJobs = (app: TestApp, kind: string) =>
  app.jobs().filter((job) => job.kind === kind && job.status === "available");

const ask = (app: TestApp, ideaId: string, questions: string[]) => {
  const run = listIdeaRuns(app.db, ideaId).find((r) => r.purpose === "clarify")!;
  app.tx((tx) =>
    recordQuestions(tx, run, {
      questions: questions.map((question) => ({ question, why: "It matters", options: ["a"] })),
    })
  );
  return listQuestions(app.db, ideaId);
};

Deno.test("submitIdea() takes the idea in and asks the queue to refine it, in one transaction", () => {
  using app = testApp();
  const project = app.project();
  const idea = submitIdea(app, { projectId: project.id, title: "Greet people" });
  equal(idea.number, 1);
  equal(idea.status, "submitted");
  equal(idea.createdBy, "owner");
  deepEqual(app.jobs().map(({ kind, args }) => ({ kind, args })), [
    { kind: "advance_idea", args: { ideaId: idea.id } },
  ]);
  equal(submitIdea(app, { projectId: project.id, title: "Another" }).number, 2);
});

Deno.test("submitIdea() refuses an unknown and an archived project and leaves nothing behind", () => {
  using app = testApp();
  throws(() => submitIdea(app, { projectId: "project_x", title: "A" }), { code: "not_found" });
  const project = app.project();
  archiveProject(app, project.id);
  throws(() => submitIdea(app, { projectId: project.id, title: "A" }), { code: "conflict" });
  equal(app.jobs().length, 0);
});

Deno.test("clarifier and researcher start side by side, estimator and prioritizer follow", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const purposes = () => listIdeaRuns(app.db, idea.id).map((run) => run.purpose).toSorted();
  deepEqual(purposes(), ["clarify", "research"]);
  advanceIdea(app, idea.id);
  equal(purposes().length, 2, "asking again starts nothing twice");
  await app.succeed(idea, "clarify", results.clarify);
  advanceIdea(app, idea.id);
  equal(purposes().length, 2, "the estimator waits for the researcher");
  await app.succeed(idea, "research", results.research);
  advanceIdea(app, idea.id);
  deepEqual(purposes(), ["clarify", "estimate", "research"]);
  await app.succeed(idea, "estimate", results.estimate);
  advanceIdea(app, idea.id);
  await app.succeed(idea, "prioritize", results.prioritize);
  advanceIdea(app, idea.id);
  const ready = getIdea(app.db, idea.id);
  equal(ready.status, "ready");
  equal(ready.priority, 1);
  equal(ready.plan.complexity, "small");
  deepEqual(ready.plan.acceptance, results.estimate.acceptance);
  deepEqual(ready.plan.findings.map((f) => f.kind), ["note", "related"]);
});

Deno.test("an idea with questions waits for a person and goes on by itself after the last", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [first, second] = ask(app, idea.id, ["Which greeting?", "Which language?"]);
  equal(getIdea(app.db, idea.id).status, "questions");
  await app.succeed(idea, "clarify", results.clarify);
  await app.succeed(idea, "research", results.research);
  equal(advanceIdea(app, idea.id), false, "nothing goes on while a question is open");
  answerQuestion(app, first!.id, "Hello");
  equal(getIdea(app.db, idea.id).status, "questions");
  skipQuestion(app, second!.id);
  equal(getIdea(app.db, idea.id).status, "refining");
  equal(waitingJobs(app, "advance_idea").length, 1);
  advanceIdea(app, idea.id);
  equal(listIdeaRuns(app.db, idea.id).at(-1)!.purpose, "estimate");
});

Deno.test("answers that come before the agents are done are kept and wait for them", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [question] = ask(app, idea.id, ["Which greeting?"]);
  answerQuestion(app, question!.id, "Hello");
  advanceIdea(app, idea.id);
  equal(listIdeaRuns(app.db, idea.id).length, 2);
  equal(getIdea(app.db, idea.id).status, "refining");
});

Deno.test("a question that an agent asks again after a restart is kept once", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  ask(app, idea.id, ["Which greeting?"]);
  equal(ask(app, idea.id, ["Which greeting?", "Which language?"]).length, 2);
});

Deno.test("a question is decided once, with a text, and only while its idea is open", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [first, second] = ask(app, idea.id, ["A?", "B?"]);
  throws(() => answerQuestion(app, first!.id, "  "), { code: "invalid" });
  answerQuestion(app, first!.id, "Yes");
  throws(() => answerQuestion(app, first!.id, "No"), { code: "conflict" });
  throws(() => skipQuestion(app, first!.id), { code: "conflict" });
  equal(listQuestions(app.db, idea.id)[0]!.answer, "Yes");
  rejectIdea(app, idea.id, "Not now");
  throws(() => answerQuestion(app, second!.id, "Yes"), { code: "conflict" });
});

Deno.test("approveIdea() makes one ticket with its subtasks, and refuses a second time", async () => {
  using app = testApp();
  const idea = await app.idea("ready");
  const ticket = approveIdea(app, idea.id);
  equal(ticket.type, "feature");
  equal(ticket.priority, 1);
  deepEqual(listSubtasks(app.db, ticket.id).map((s) => s.title), [
    "Change the script",
    "Add a test",
  ]);
  const converted = getIdea(app.db, idea.id);
  equal(converted.status, "converted");
  equal(converted.ticketId, ticket.id);
  throws(() => approveIdea(app, idea.id), { code: "conflict" });
  equal(waitingJobs(app, "advance_ticket").length, 1, "the refused call left nothing behind");
});

Deno.test("approveIdea() takes the subtasks as the person edited them", async () => {
  using app = testApp();
  const idea = await app.idea("ready");
  const ticket = approveIdea(app, idea.id, [
    { title: "Only this", description: "", complexity: "small" },
  ]);
  deepEqual(listSubtasks(app.db, ticket.id).map((s) => s.title), ["Only this"]);
});

Deno.test("an idea that is not ready can't be approved or sent back", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  throws(() => approveIdea(app, idea.id), { code: "conflict" });
  throws(() => requestIdeaChanges(app, idea.id, "Smaller"), { code: "conflict" });
  equal(getIdea(app.db, idea.id).status, "refining");
});

Deno.test("requestIdeaChanges() refines again with the feedback", async () => {
  using app = testApp();
  const idea = await app.idea("ready");
  throws(() => requestIdeaChanges(app, idea.id, " "), { code: "invalid" });
  const again = requestIdeaChanges(app, idea.id, "Make it smaller");
  deepEqual([again.status, again.round, again.feedback], ["refining", 2, "Make it smaller"]);
  const [newest] = listHistory(app.db, { ideaId: idea.id }, 1);
  equal(describeChange(newest!), "Sent back by owner: Make it smaller");
  advanceIdea(app, idea.id);
  deepEqual(
    listIdeaRuns(app.db, idea.id, 2).map((run) => run.purpose).toSorted(),
    ["clarify", "research"],
  );
});

Deno.test("rejectIdea() asks for a reason and stops the agents at work", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  throws(() => rejectIdea(app, idea.id, ""), { code: "invalid" });
  const rejected = rejectIdea(app, idea.id, "Out of scope");
  deepEqual([rejected.status, rejected.reason], ["rejected", "Out of scope"]);
  deepEqual(listIdeaRuns(app.db, idea.id).map((run) => run.status), ["cancelled", "cancelled"]);
  equal(app.agents.stopped.length, 2);
});

Deno.test("a failed agent makes the idea stuck; refining again runs only what failed", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  await app.succeed(idea, "clarify", results.clarify);
  const research = listIdeaRuns(app.db, idea.id).find((run) => run.purpose === "research")!;
  await app.end(research, { type: "failed", reason: "max_turns", message: "15 turns" });
  const stuck = getIdea(app.db, idea.id);
  deepEqual([stuck.status, stuck.failure], ["stuck", "max_turns"]);
  match(stuck.reason, /researcher failed: 15 turns/);
  refineIdea(app, idea.id);
  equal(getIdea(app.db, idea.id).reason, "");
  deepEqual(listIdeaRuns(app.db, idea.id).map((run) => [run.purpose, run.status]).toSorted(), [
    ["clarify", "succeeded"],
    ["research", "failed"],
    ["research", "queued"],
  ]);
});

Deno.test("a run whose place is gone makes the idea stuck; a fault is tried again first", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [clarify, research] = listIdeaRuns(app.db, idea.id);
  const { signal } = new AbortController();
  const execute = (run: Run, attempt: number) =>
    executeRun(app, run.id, { attempt, maxAttempts: 100 }, signal);

  app.agents.run = () => Promise.reject(new Error("a fault"));
  await rejects(execute(clarify!, 1), /a fault/);
  equal(getIdea(app.db, idea.id).status, "refining");
  await execute(clarify!, 5);
  const stuck = getIdea(app.db, idea.id);
  deepEqual([stuck.status, stuck.failure], ["stuck", "internal"]);

  app.agents.run = () => Promise.reject(new AppError("conflict", "The branch is gone"));
  await execute(research!, 1);
  const { status, failure, error } = getRun(app.db, research!.id);
  deepEqual([status, failure, error], ["failed", "repository", "The branch is gone"]);
});

Deno.test("refineIdea() is only for stuck and rejected ideas", async () => {
  using app = testApp();
  const idea = await app.idea("ready");
  throws(() => refineIdea(app, idea.id), { code: "conflict" });
});

Deno.test("editIdea() changes an open idea and refuses a closed one", async () => {
  using app = testApp();
  const idea = await app.idea("ready");
  equal(editIdea(app, idea.id, { title: "Greet all", priority: 0 }).title, "Greet all");
  approveIdea(app, idea.id);
  throws(() => editIdea(app, idea.id, { title: "No" }), { code: "conflict" });
});

Deno.test("editIdea() makes what waits in the queue for the idea as urgent as the idea", async () => {
  using app = testApp();
  const { id } = await app.idea("refining");
  const other = await app.idea("refining");
  const priorities = (ideaId: string) =>
    app.db.prepare(`
      SELECT priority FROM jobs WHERE args LIKE '%' || :ideaId || '%'
        OR unique_key IN (SELECT 'run:' || id FROM runs WHERE idea_id = :ideaId) ORDER BY id
    `).all({ ideaId }).map((row) => row.priority);
  for (const priority of [0, 3]) {
    editIdea(app, id, { priority });
    deepEqual(priorities(id), [priority, priority, priority], "its step, and its two agents");
  }
  editIdea(app, id, { title: "Greet all" });
  deepEqual(priorities(id), [3, 3, 3]);
  deepEqual(priorities(other.id), [2, 2, 2]);
});
