/** A person's yes or no: asked for once, decided once, and never lost with the process that took it. */
import { deepStrictEqual as deepEqual, strictEqual as equal, throws } from "node:assert";
import type { RunOutcome } from "../agents/protocol.ts";
import type { Approval, Run } from "../server/records.ts";
import { askApproval, decide } from "../server/services/approvals.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { getApproval } from "../server/store/approvals.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { begun } from "./runs_support.ts";
import { executeRun, type TestApp, testApp } from "./support.ts";

const never = new AbortController().signal;
const once = { attempt: 1, maxAttempts: 5 };
const suspended: RunOutcome = { type: "suspended" };

/** A run at work, whose job the runner has taken. */
async function running(app: TestApp): Promise<Run> {
  const idea = await app.idea("refining");
  const run = listIdeaRuns(app.db, idea.id).find(({ purpose }) => purpose === "clarify")!;
  app.db.prepare("DELETE FROM jobs").run();
  return begun(app, run.id);
}

const ask = (app: TestApp, run: Run, id = "call_1"): Approval =>
  askApproval(app, run.id, { id, name: "Bash" }, { detail: "make" });
const logged = (app: TestApp, { id }: Run): string[] =>
  readRunLog(app.db, id).map(({ body }) => body.type);
const jobs = (app: TestApp, { id }: Run): number =>
  app.jobs().filter(({ args, status }) => args.runId === id && status === "available").length;

/** The run's loop lets go: it waits for a person. */
async function suspend(app: TestApp, run: Run) {
  app.agents.outcomes.push(suspended);
  return await executeRun(app, run.id, once, never);
}

Deno.test("a call is asked about once, however often its run is taken up again", async () => {
  using app = testApp();
  const run = await running(app);
  const first = ask(app, run);
  deepEqual(ask(app, run), first);
  deepEqual(logged(app, run), ["approval_requested"]);
});

Deno.test("a decision, its event and the job that goes on stand or fall together", async () => {
  using app = testApp();
  const run = await running(app);
  const approval = ask(app, run);
  await suspend(app, run);
  app.db.exec("CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'full'); END");
  throws(() => decide(app, approval.id, true, ""), /full/);
  equal(getApproval(app.db, approval.id).status, "pending");
  deepEqual(logged(app, run), ["approval_requested", "waiting"]);
  app.db.exec("DROP TRIGGER full");
  decide(app, approval.id, true, "");
  deepEqual(logged(app, run), ["approval_requested", "waiting", "approval_decided"]);
  equal(jobs(app, run), 1);
});

Deno.test("a decision that came before the run had let go makes it go right on", async () => {
  using app = testApp();
  const run = await running(app);
  decide(app, ask(app, run).id, true, "");
  equal(jobs(app, run), 0, "its job is still at work");
  const outcome = await suspend(app, run);
  deepEqual(outcome, { type: "snooze", ms: 0, reason: "The approval is decided" });
  equal(getRun(app.db, run.id).status, "running");
});

Deno.test("a decision for a run whose process died before it let go is there when it goes on", async () => {
  using app = testApp();
  const run = await running(app);
  const approval = ask(app, run);
  // Killed: no outcome was ever recorded. The person decides while the job is on its way back.
  decide(app, approval.id, false, "Not here");
  const known = ask(app, getRun(app.db, run.id));
  deepEqual([known.status, known.reason], ["denied", "Not here"]);
  equal((await suspend(app, run)).type, "snooze");
});

Deno.test("the last of several decisions lets the run go on", async () => {
  using app = testApp();
  const run = await running(app);
  const [first, second] = [ask(app, run, "call_1"), ask(app, run, "call_2")];
  await suspend(app, run);
  decide(app, first.id, true, "");
  equal(jobs(app, run), 0);
  decide(app, second.id, false, "No");
  equal(jobs(app, run), 1);
});

Deno.test("a later answer to a decided approval changes nothing", async () => {
  using app = testApp();
  const run = await running(app);
  const approval = ask(app, run);
  await suspend(app, run);
  const decided = decide(app, approval.id, true, "Go");
  const before = [logged(app, run).length, jobs(app, run), app.events.length];
  for (const granted of [false, true]) {
    throws(() => decide(app, approval.id, granted, "Later"), {
      code: "conflict",
      message: /owner has already granted it/,
    });
  }
  deepEqual(getApproval(app.db, approval.id), decided);
  deepEqual([logged(app, run).length, jobs(app, run), app.events.length], before);
});

Deno.test("an approval of a run that is over can't be decided any more", async () => {
  using app = testApp();
  const run = await running(app);
  const approval = ask(app, run);
  await suspend(app, run);
  cancelRun(app, run.id);
  const before = logged(app, run);
  throws(() => decide(app, approval.id, true, ""), {
    code: "conflict",
    message: /its run is "cancelled"/,
  });
  equal(getApproval(app.db, approval.id).status, "pending");
  deepEqual(logged(app, run), before, "nothing follows a run's end");
});
