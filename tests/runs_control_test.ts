import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import type { RunEventBody, RunOutcome } from "../agents/protocol.ts";
import { NOTE_MAX_CHARS } from "../server/inputs.ts";
import type { Run, Ticket } from "../server/records.ts";
import { resumeAgents } from "../server/services/agents.ts";
import { askApproval, decide } from "../server/services/approvals.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { advanceTicket } from "../server/services/development.ts";
import {
  messageRun,
  MESSAGES_MAX,
  outlookOf,
  pauseRun,
  resumeRun,
} from "../server/services/run_control.ts";
import { recordRunEvent, startRun } from "../server/services/runs.ts";
import {
  cancelTicket,
  pauseTicket,
  resumeTicket,
  retryTicket,
  startTicket,
} from "../server/services/tickets.ts";
import { type RunStatus, runStatuses } from "../server/states.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { findActiveRun, getRun, listIdeaRuns } from "../server/store/runs.ts";
import { getTicket, moveTicket } from "../server/store/tickets.ts";
import { answer, call, finished, runSpec } from "./loop_support.ts";
import { begun } from "./runs_support.ts";
import { executeRun, type TestApp, testApp } from "./support.ts";

const never = new AbortController().signal;
const once = { attempt: 1, maxAttempts: 5 };

/** The clarifier of a new idea, queued. */
async function queued(app: TestApp): Promise<Run> {
  const idea = await app.idea("refining");
  return listIdeaRuns(app.db, idea.id).find((run) => run.purpose === "clarify")!;
}

async function running(app: TestApp): Promise<Run> {
  const run = await queued(app);
  app.db.prepare("DELETE FROM jobs").run(); // the runner has taken its job
  return begun(app, run.id);
}

const now = (app: TestApp, { id }: Run): Run => getRun(app.db, id);
const log = (app: TestApp, { id }: Run): RunEventBody[] =>
  readRunLog(app.db, id).map(({ body }) => body);
const jobsOf = (app: TestApp, { id }: Run): string[] =>
  app.jobs().filter((job) => job.args.runId === id).map((job) => job.status);
const lastChange = (app: TestApp) => {
  const { type, actor, data } = app.events.findLast(({ runId }) => runId === null)!;
  return { type, actor, agent: (data as { agent: string }).agent };
};
const execute = (app: TestApp, run: Run) => executeRun(app, run.id, once, never);

/** Executes a run whose loop ends like this after `during`. */
function work(app: TestApp, run: Run, outcome: RunOutcome, during: () => void) {
  app.agents.run = () => {
    during();
    return Promise.resolve(outcome);
  };
  return execute(app, run);
}

// ------------------------------------------------------------------ pause and resume

Deno.test("a run that is paused before it began waits, and does not begin", async () => {
  using app = testApp();
  const run = await queued(app);
  const paused = pauseRun(app, run.id);
  deepEqual([paused.status, paused.pausedBy, paused.waitReason], [
    "waiting",
    "owner",
    "Paused by owner",
  ]);
  deepEqual(jobsOf(app, run), ["cancelled"]);
  deepEqual(lastChange(app), { type: "run_paused", actor: "owner", agent: "clarifier" });
  // Whatever wakes it (a job of an earlier life), it stays as it is.
  equal((await execute(app, run)).type, "cancel");
  equal(now(app, run).status, "waiting");
});

Deno.test("a running run lets go at its next event, and waits with who paused it", async () => {
  using app = testApp();
  const run = await running(app);
  const outcome = await work(app, run, { type: "stopped" }, () => {
    const pausing = pauseRun(app, run.id);
    deepEqual([pausing.status, pausing.pausedBy], ["running", "owner"]);
    deepEqual(app.agents.paused, [{ runId: run.id, killTools: false }]);
    pauseRun(app, run.id, { killTools: true });
    deepEqual(app.agents.paused.at(-1), { runId: run.id, killTools: true });
  });
  deepEqual(outcome, { type: "done" });
  const { status, pausedBy, waitReason } = now(app, run);
  deepEqual([status, pausedBy, waitReason], ["waiting", "owner", "Paused by owner"]);
  deepEqual(log(app, run).at(-1), { type: "waiting", reason: "Paused by owner", failure: null });
});

Deno.test("a pause outlives the process, also when the run had not let go yet", async () => {
  using app = testApp();
  const run = await running(app);
  pauseRun(app, run.id);
  // The process was killed; its job is taken up by the next one.
  app.agents.run = () => Promise.reject(new Error("a paused run does not work"));
  equal((await execute(app, run)).type, "cancel");
  deepEqual([now(app, run).status, now(app, run).waitReason], ["waiting", "Paused by owner"]);
});

Deno.test("a paused run goes on from its log when it is resumed", async () => {
  using app = testApp();
  const run = await running(app);
  await work(app, run, { type: "stopped" }, () => void pauseRun(app, run.id));
  const resumed = resumeRun(app, run.id);
  deepEqual([resumed.status, resumed.pausedBy], ["waiting", null]);
  equal(jobsOf(app, run).at(-1), "available");
  deepEqual(lastChange(app), { type: "run_resumed", actor: "owner", agent: "clarifier" });
  equal(begun(app, run.id).status, "running");
  deepEqual(log(app, run).at(-1), { type: "resumed", reason: "Resumed by owner" });
});

Deno.test("a pause can be taken back before the run has let go, also when it just did", async () => {
  using app = testApp();
  const run = await running(app);
  const outcome = await work(app, run, { type: "stopped" }, () => {
    pauseRun(app, run.id);
    equal(resumeRun(app, run.id).status, "running");
  });
  equal(outcome.type, "snooze"); // the loop had stopped already: its job brings it back
  deepEqual([now(app, run).status, now(app, run).pausedBy], ["running", null]);
});

Deno.test("a run that ends while it pauses has ended", async () => {
  using app = testApp();
  for (
    const outcome of [
      { type: "failed", reason: "stuck", message: "In circles" },
      { type: "succeeded", result: { summary: "s", type: "feature", acceptance: ["a"] } },
    ] as const
  ) {
    const run = await running(app);
    await work(app, run, outcome, () => void pauseRun(app, run.id));
    deepEqual([now(app, run).status, now(app, run).pausedBy], [outcome.type, null]);
  }
});

Deno.test("whatever else a pausing run would wait for, it waits for the person", async () => {
  using app = testApp();
  const outcomes: RunOutcome[] = [
    { type: "suspended" },
    { type: "retry", reason: "network", message: "No connection", afterMs: null },
    { type: "retry", reason: "worker_lost", message: "Lost", afterMs: 0 },
    { type: "hold", reason: "billing", message: "No credit" },
  ];
  for (const outcome of outcomes) {
    const run = await running(app);
    deepEqual(await work(app, run, outcome, () => void pauseRun(app, run.id)), { type: "done" });
    const { waitReason, failure } = now(app, run);
    deepEqual([waitReason, failure], ["Paused by owner", null], outcome.type);
    // The others are held all the same, and letting them go does not wake this one.
    resumeAgents(app);
    deepEqual(jobsOf(app, run), [], outcome.type);
  }
  ok(app.events.some(({ type }) => type === "agents_held"));
});

Deno.test("a run that waits for its next try stops trying once it is paused", async () => {
  using app = testApp();
  const run = await running(app);
  app.agents.outcomes.push({ type: "retry", reason: "network", message: "Gone", afterMs: null });
  await execute(app, run);
  equal(now(app, run).failure, "network");
  const paused = pauseRun(app, run.id);
  deepEqual([paused.waitReason, paused.failure], ["Paused by owner", null]);
  ok(!jobsOf(app, run).includes("available"));
});

Deno.test("an approval that is decided while the run is paused does not wake it", async () => {
  using app = testApp();
  const run = await running(app);
  const [first, second] = ["c1", "c2"].map((id) =>
    askApproval(app, run.id, { id, name: "Bash" }, { detail: "make" })
  );
  app.agents.outcomes.push({ type: "suspended" });
  await execute(app, run);
  pauseRun(app, run.id);
  decide(app, first!.id, true, "");
  // One is still open: resuming only takes the pause off.
  const waiting = resumeRun(app, run.id);
  deepEqual([waiting.waitReason, waiting.pausedBy], ["Waits for your approval", null]);
  ok(!jobsOf(app, run).includes("available"));
  pauseRun(app, run.id);
  decide(app, second!.id, true, "");
  ok(!jobsOf(app, run).includes("available"));
  resumeRun(app, run.id);
  equal(jobsOf(app, run).at(-1), "available");
});

Deno.test("a paused run can be cancelled", async () => {
  using app = testApp();
  const run = await queued(app);
  pauseRun(app, run.id);
  cancelRun(app, run.id);
  deepEqual([now(app, run).status, now(app, run).pausedBy], ["cancelled", null]);
});

Deno.test("what a run's status does not allow is refused, and nothing changes", async (t) => {
  using app = testApp();
  const verbs: Record<string, [(run: Run) => unknown, RunStatus[]]> = {
    pause: [(run) => pauseRun(app, run.id), ["queued", "running", "waiting"]],
    resume: [(run) => resumeRun(app, run.id), []],
    cancel: [(run) => cancelRun(app, run.id), ["queued", "running", "waiting"]],
    message: [(run) => messageRun(app, run.id, "Look"), ["queued", "running", "waiting"]],
  };
  for (const [verb, [act, legal]] of Object.entries(verbs)) {
    for (const status of runStatuses.filter((status) => !legal.includes(status))) {
      await t.step(`${verb} when it is ${status}`, async () => {
        const run = await queued(app);
        app.db.prepare(`
          UPDATE runs SET status = :status, failure = iif(:status = 'failed', 'stuck', NULL)
          WHERE id = :id
        `).run({ id: run.id, status });
        const before = [now(app, run), log(app, run), jobsOf(app, run), app.events.length];
        throws(() => act(run), { code: "conflict", message: /^Cannot (pause|resume|cancel|send)/ });
        deepEqual([now(app, run), log(app, run), jobsOf(app, run), app.events.length], before);
      });
    }
  }
  await t.step("pause it a second time", async () => {
    const run = await queued(app);
    pauseRun(app, run.id);
    throws(() => pauseRun(app, run.id), { code: "conflict", message: /paused already/ });
    throws(() => pauseRun(app, run.id, { killTools: true }), { code: "conflict" });
  });
});

// ------------------------------------------------------------------ messages

Deno.test("a message stands in the log with who wrote it, and the loop is told", async () => {
  using app = testApp();
  const run = await running(app);
  const event = messageRun(app, run.id, "  Look at autosave, too.\n");
  const note = { type: "note", text: "Look at autosave, too.", by: "owner" } as const;
  deepEqual(event.body, note);
  deepEqual(log(app, run), [note]);
  deepEqual(app.agents.told, [{ runId: run.id, note }]);
  deepEqual(lastChange(app), { type: "run_messaged", actor: "owner", agent: "clarifier" });
});

Deno.test("a run takes messages while it is queued, waits or is paused", async () => {
  using app = testApp();
  const run = await queued(app);
  messageRun(app, run.id, "one");
  pauseRun(app, run.id);
  messageRun(app, run.id, "two");
  deepEqual(log(app, run).map(({ type }) => type), ["note", "waiting", "note"]);
});

Deno.test("a message that says nothing, is too long or is one too many is refused", async () => {
  using app = testApp();
  const run = await running(app);
  for (const text of ["", " \n\t ", "x".repeat(NOTE_MAX_CHARS + 1)]) {
    throws(() => messageRun(app, run.id, text), (error: { code: string; fields: unknown[] }) => {
      equal(error.code, "invalid");
      match(JSON.stringify(error.fields), /"field":"message"/);
      return true;
    });
  }
  messageRun(app, run.id, "x".repeat(NOTE_MAX_CHARS));
  for (let n = 1; n < MESSAGES_MAX; n++) messageRun(app, run.id, `message ${n}`);
  throws(() => messageRun(app, run.id, "one more"), { code: "conflict" });
  equal(log(app, run).length, MESSAGES_MAX);
});

// ------------------------------------------------------------------ what it goes on from

Deno.test("the outlook of a paused run tells its last event, its open calls and what is left", async () => {
  using app = testApp();
  const run = await running(app);
  deepEqual(outlookOf(app.db, run), {
    lastEvent: null,
    openCalls: [],
    turnsLeft: run.maxTurns,
    tokensLeft: null,
    costLeftMicroUsd: run.maxCostMicroUsd,
  });
  const spec = runSpec({ limits: { ...runSpec().limits, maxTurns: 40, maxTokens: 1_000_000 } });
  const turn = answer(call("a", "Read", { file_path: "a.ts" }), call("b", "Edit"));
  app.tx((tx) => {
    for (
      const body of [
        { type: "started", spec },
        { type: "turn_started", turn: 1, maxOutputTokens: 1_000 },
        finished(1, turn),
        { type: "tool_started", turn: 1, call: { id: "a", name: "Read", input: {} } },
        {
          type: "tool_finished",
          turn: 1,
          result: { callId: "a", content: "", isError: false, durationMs: 1 },
        },
      ] satisfies RunEventBody[]
    ) recordRunEvent(tx, run, body);
  });
  const { lastEvent, openCalls, ...left } = outlookOf(app.db, now(app, run));
  equal(lastEvent?.body.type, "tool_finished");
  deepEqual(openCalls, [{ id: "b", name: "Edit", input: {} }]);
  deepEqual(left, {
    turnsLeft: 39,
    tokensLeft: 1_000_000 - 1_100,
    costLeftMicroUsd: spec.limits.maxCostMicroUsd - 1,
  });
});

// ------------------------------------------------------------------ tickets

async function inDevelopment(app: TestApp): Promise<{ ticket: Ticket; run: Run }> {
  const { id } = await app.ticket();
  const ticket = app.tx((tx) => moveTicket(tx, id, "in_progress", { step: "develop" }));
  await advanceTicket(app, id, once, never);
  return { ticket, run: begun(app, findActiveRun(app.db, id)!.id) };
}

Deno.test("a paused ticket pauses its run; resumed, both go on", async () => {
  using app = testApp();
  const { ticket: { id }, run } = await inDevelopment(app);
  equal(pauseTicket(app, id).pausedBy, "owner");
  deepEqual(app.agents.paused, [{ runId: run.id, killTools: false }]);
  await work(app, run, { type: "stopped" }, () => {});
  equal(now(app, run).waitReason, "Paused by owner");
  throws(() => pauseTicket(app, id), { code: "conflict", message: /paused already/ });
  equal(resumeTicket(app, id).pausedBy, null);
  equal(jobsOf(app, run).at(-1), "available");
  throws(() => resumeTicket(app, id), { code: "conflict", message: /not paused/ });
});

Deno.test("resuming the run resumes its paused ticket, and the other way round", async () => {
  using app = testApp();
  const { ticket: { id }, run } = await inDevelopment(app);
  pauseTicket(app, id);
  resumeRun(app, run.id);
  equal(getTicket(app.db, id).pausedBy, null);
  pauseRun(app, run.id);
  resumeTicket(app, id);
  equal(now(app, run).pausedBy, null);
});

Deno.test("no step of a paused ticket begins, and a run that was due waits with it", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  pauseTicket(app, id);
  equal((await advanceTicket(app, id, once, never)).type, "cancel");
  equal(getTicket(app.db, id).status, "queued");
  app.tx((tx) => moveTicket(tx, id, "in_progress", { step: "develop" }));
  pauseTicket(app, id);
  equal((await advanceTicket(app, id, once, never)).type, "cancel");
  equal(findActiveRun(app.db, id), null);
  // A step that was at work when the pause came ends with a run that is due.
  const run = app.tx((tx) =>
    startRun(app, tx, { ticket: getTicket(tx.db, id), purpose: "fix", agent: "feature-dev" })
  );
  deepEqual([now(app, run).status, now(app, run).pausedBy], ["waiting", "owner"]);
  deepEqual(jobsOf(app, run), []);
  resumeTicket(app, id);
  deepEqual(jobsOf(app, run), ["available"]);
});

Deno.test("pausing a ticket at once ends what its step runs; it is done again later", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  const stepJobs = () =>
    app.jobs().filter(({ args }) => args.ticketId === id).map(({ status }) => status);
  deepEqual(stepJobs(), ["available"]);
  pauseTicket(app, id, { killTools: true });
  deepEqual(stepJobs(), ["cancelled"]);
  resumeTicket(app, id);
  deepEqual(stepJobs(), ["cancelled", "available"]);
});

Deno.test("a ticket that is started, cancelled or blocked is not paused any more", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  pauseTicket(app, id);
  equal(startTicket(app, id).pausedBy, null);
  pauseTicket(app, id);
  equal(cancelTicket(app, id).pausedBy, null);
  for (const verb of [pauseTicket, resumeTicket]) {
    throws(() => verb(app, id), { code: "conflict", message: /Cannot (pause|resume) ticket/ });
  }
});

Deno.test("requested changes whose run failed are made by the retry, not forgotten", async () => {
  using app = testApp();
  const { ticket: { id }, run } = await inDevelopment(app);
  app.db.prepare("UPDATE subtasks SET status = 'done' WHERE ticket_id = :id").run({ id });
  app.db.prepare("UPDATE runs SET purpose = 'change' WHERE id = :id").run({ id: run.id });
  await app.end(run, { type: "failed", reason: "stuck", message: "In circles" });
  retryTicket(app, id);
  await advanceTicket(app, id, once, never);
  deepEqual(findActiveRun(app.db, id)?.purpose, "change");
});
