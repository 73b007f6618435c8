/** What the server does for runs at work: their events are on disk before they go on, and share commits. */
import { deepStrictEqual as deepEqual, rejects, strictEqual as equal, throws } from "node:assert";
import { Recorder } from "../agents/recorder.ts";
import { Paused } from "../agents/runtime.ts";
import type { RunEventBody } from "../agents/protocol.ts";
import type { Run } from "../server/records.ts";
import { transact } from "../server/db.ts";
import { cancelRun } from "../server/services/cancelling.ts";
import { submitIdea } from "../server/services/ideas.ts";
import { advanceIdea } from "../server/services/refinement.ts";
import { messageRun, pauseRun } from "../server/services/run_control.ts";
import { createRunHost } from "../server/services/run_host.ts";
import { beginRun } from "../server/services/runs.ts";
import { listRunApprovals } from "../server/store/approvals.ts";
import { listQuestions } from "../server/store/questions.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { getRun, listIdeaRuns, workedMs } from "../server/store/runs.ts";
import { tempDir } from "./gaffer.ts";
import { TestRepo } from "./git_support.ts";
import { clarifying } from "./runs_support.ts";
import { type TestApp, testApp } from "./support.ts";

const request: RunEventBody = { type: "turn_started", turn: 3, maxOutputTokens: 1_000 };
const nudge = (text: string): RunEventBody => ({ type: "nudge", text });

const newest = (app: TestApp, { id }: Run, count: number) =>
  readRunLog(app.db, id).slice(-count).map(({ body }) => body);

/** The texts of all commits from now on. */
function countCommits(app: TestApp): () => number {
  let commits = 0;
  const { exec } = app.db;
  app.db.exec = (sql) => {
    if (sql === "COMMIT") commits++;
    exec(sql);
  };
  return () => commits;
}

Deno.test("runs that get on in the same moment share a commit, each in its own order and name", async () => {
  using app = testApp();
  const runs = [await clarifying(app), await clarifying(app)] as const;
  const host = createRunHost(() => app);
  const commits = countCommits(app);
  await Promise.all(
    runs.flatMap((run) => [host.append(run.id, nudge("one")), host.append(run.id, nudge("two"))]),
  );
  equal(commits(), 1);
  for (const run of runs) deepEqual(newest(app, run, 2), [nudge("one"), nudge("two")]);
  deepEqual(app.events.slice(-4).map(({ actor }) => actor), Array(4).fill("clarifier"));
});

Deno.test("what a call only looked at shares the commit of the next request, and no message overtakes it", async () => {
  using app = testApp();
  const run = await clarifying(app);
  const host = createRunHost(() => app);
  const commits = countCommits(app);
  const looked = host.append(run.id, nudge("looked"), { mayWait: true });
  await host.append(run.id, request);
  await looked;
  equal(commits(), 1);
  const again = host.append(run.id, nudge("looked again"), { mayWait: true });
  messageRun(app, run.id, "Look elsewhere");
  await again;
  const log = newest(app, run, 4);
  deepEqual(log.map(({ type }) => type), ["nudge", "turn_started", "nudge", "note"]);
  const last = host.append(run.id, nudge("at the end"), { mayWait: true });
  host.hurry!();
  deepEqual(newest(app, run, 1), [nudge("at the end")]);
  await last;
});

Deno.test("what a commit of others failed to take is written before what is asked for in the same breath, and once", async () => {
  using app = testApp();
  const run = await clarifying(app);
  const host = createRunHost(() => app);
  const recorder = new Recorder({
    write: (event, how) => host.append(run.id, event, how),
    hurry: () => host.hurry!(),
  });
  await recorder.later(nudge("looked"));
  const { exec } = app.db;
  app.db.exec = (sql) => {
    if (sql === "COMMIT") throw new Error("database is locked");
    exec(sql);
  };
  throws(() => transact(app, () => {}), { code: "unavailable" });
  app.db.exec = exec;
  await recorder.append(request);
  deepEqual(newest(app, run, 3).slice(1), [nudge("looked"), request]);
  equal(newest(app, run, 3)[0]!.type, "tool_finished");
  await recorder.settle();
});

Deno.test("a run that has ended asks nobody anything, and leaves no question and nothing in its log", async () => {
  using app = testApp({ config: { notifyUrl: "http://127.0.0.1:9/" } });
  const run = await clarifying(app);
  const host = createRunHost(() => app);
  cancelRun(app, run.id);
  const before = [app.events.length, app.jobs().length];
  const call = { id: "call_1", name: "Bash", input: { command: "make" } };
  throws(() => host.approval(run.id, call, { detail: "make" }), {
    code: "conflict",
    message: /its run is "cancelled"/,
  });
  throws(() => host.questions(run.id, { questions: [{ question: "Which?", why: "It matters" }] }), {
    code: "conflict",
    message: /its run is "cancelled"/,
  });
  deepEqual([app.events.length, app.jobs().length], before);
  deepEqual(listRunApprovals(app.db, run.id), []);
  deepEqual(listQuestions(app.db, run.ideaId!), []);
});

Deno.test("an event of a run that has ended is refused, and the others of its commit are kept", async () => {
  using app = testApp();
  const [ended, run] = [await clarifying(app), await clarifying(app)];
  const host = createRunHost(() => app);
  const late = host.append(ended.id, nudge("late"));
  const kept = host.append(run.id, nudge("in time"));
  cancelRun(app, ended.id);
  await rejects(async () => await late, { code: "conflict" });
  await kept;
  deepEqual(newest(app, run, 1), [nudge("in time")]);
  deepEqual(newest(app, ended, 1).map(({ type }) => type), ["cancelled"]);
});

Deno.test("a run that is cancelled while it is prepared does not begin, and its log ends with that", async () => {
  await using data = await tempDir();
  await using repo = await TestRepo.make();
  using app = testApp({ config: { dataDir: data.path } });
  const project = app.project({ path: repo.dir });
  const idea = submitIdea(app, { projectId: project.id, title: "Greet people" });
  advanceIdea(app, idea.id);
  const { id } = listIdeaRuns(app.db, idea.id)[0]!;
  app.tx((tx) => beginRun(tx, id));
  const prepared = createRunHost(() => app).prepare(id, new AbortController().signal);
  cancelRun(app, id);
  await rejects(prepared, { code: "conflict" });
  deepEqual(readRunLog(app.db, id).map(({ body }) => body.type), ["cancelled"]);
});

Deno.test("a request does not begin when its run is paused before that is on disk", async () => {
  using app = testApp();
  const run = await clarifying(app);
  const host = createRunHost(() => app);
  const begun = host.append(run.id, request);
  pauseRun(app, run.id);
  await rejects(async () => await begun, Paused);
  const types = readRunLog(app.db, run.id).map(({ body }) => body.type);
  equal(types.at(-1), "tool_finished", "nothing was begun");
  equal(getRun(app.db, run.id).pausedBy, "owner");
});

Deno.test("the time that a run has worked is saved with what becomes of it", async () => {
  using app = testApp();
  const run = await clarifying(app);
  const host = createRunHost(() => app);
  const commits = countCommits(app);
  host.worked(run.id, 40);
  await app.end(run, { type: "failed", reason: "stuck", message: "In circles" });
  equal(workedMs(app.db, run.id), 40);
  equal(commits(), 2, "one for its begin, one for its end with the time");
});
