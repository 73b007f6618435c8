import { deepStrictEqual as deepEqual, match, strictEqual as equal, throws } from "node:assert";
import { fold } from "../agents/loop/fold.ts";
import { replay } from "../agents/loop/replay.ts";
import type { RunEventBody, RunSpec } from "../agents/protocol.ts";
import type { Run } from "../server/records.ts";
import { forkPoints, forkRun, whyNotFork } from "../server/services/forking.ts";
import { beginRun, recordRunEvent, startRun } from "../server/services/runs.ts";
import { getIdea } from "../server/store/ideas.ts";
import { findStart, forkLimits, hasAsked, readRunLog } from "../server/store/run_log.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { listSubtasks, moveSubtask } from "../server/store/subtasks.ts";
import { getTicket, moveTicket } from "../server/store/tickets.ts";
import { allocateWorktree, moveWorktree } from "../server/store/worktrees.ts";
import {
  answer,
  broken,
  call,
  notesOf,
  play,
  runSpec,
  type Scripted,
  submit,
  text,
} from "./loop_support.ts";
import { results, type TestApp, testApp } from "./support.ts";

const [base, second, third] = ["a", "b", "c"].map((digit) => digit.repeat(40)) as [
  string,
  string,
  string,
];

/** A log as a loop and its tools write it, with a checkpoint after each edit. */
async function logOf(
  script: Scripted[],
  { spec = runSpec(), end }: { spec?: RunSpec; end?: RunEventBody } = {},
): Promise<RunEventBody[]> {
  const { log } = await play({ spec, script });
  const commits = [second, third];
  const checkpoints = log.flatMap((event): RunEventBody[] =>
    event.type === "tool_finished" && event.result.callId.startsWith("edit")
      ? [event, { type: "checkpoint", turn: event.turn, commit: commits.shift()!, files: ["a.ts"] }]
      : [event]
  );
  return [{ type: "started", spec, commit: base }, ...checkpoints, ...end ? [end] : []];
}

const cancelled: RunEventBody = { type: "cancelled", by: "owner" };
const editing = [
  answer(text("I look."), call("read1", "Read", { file_path: "a.ts" })),
  answer(call("edit1", "Edit", { file_path: "a.ts" })),
  answer(call("edit2", "Edit", { file_path: "b.ts" })),
];

// ------------------------------------------------------------------ where a log may be cut

Deno.test("a log may be cut after every turn that is whole, but not after the one that handed in", async () => {
  const log = await logOf([...editing, submit()], {
    end: { type: "succeeded", result: { status: "done" } },
  });
  const points = forkPoints(runSpec(), log);
  deepEqual(points.map(({ turn, commit }) => [turn, commit]), [
    [0, base],
    [1, base],
    [2, second],
    [3, third],
  ]);
  for (const { turn, events } of points) {
    const state = fold(runSpec(), log.slice(0, events));
    deepEqual([state.turns, state.open, state.result], [turn, null, null]);
    equal(log[events]!.type, "turn_started", "everything up to the next request belongs to it");
  }
  deepEqual(points[2]!.used, {
    maxTurns: 2,
    maxTokens: 2_200,
    maxCostMicroUsd: fold(runSpec(), log.slice(0, points[2]!.events)).costMicroUsd,
    timeoutMs: fold(runSpec(), log.slice(0, points[2]!.events)).elapsedMs,
  });
});

Deno.test("a turn that was cut off is no place to go on from; a failed try of the next one is left out", async () => {
  const whole = await logOf([editing[0]!, broken("overloaded"), ...editing.slice(1), submit()]);
  const finished = whole.findLastIndex((event) => event.type === "turn_finished");
  // Cancelled when the last turn's calls had begun.
  const cut = [...whole.slice(0, finished + 2), cancelled];
  deepEqual(forkPoints(runSpec(), cut).map(({ turn }) => turn), [0, 1, 2, 3]);
  const [, first] = forkPoints(runSpec(), cut);
  equal(cut.slice(0, first!.events).some(({ type }) => type === "turn_failed"), false);
});

Deno.test("a log that does not say where it began has no commit before its first checkpoint", async () => {
  const [, ...rest] = await logOf(editing.slice(0, 2).concat(submit()));
  const log: RunEventBody[] = [{ type: "started", spec: runSpec() }, ...rest];
  deepEqual(forkPoints(runSpec(), log).map(({ commit }) => commit), [null, null, second]);
});

// ------------------------------------------------------------------ an idea's run

function record(app: TestApp, run: Run, log: RunEventBody[]): void {
  app.tx((tx) => {
    for (const body of log) {
      recordRunEvent(
        tx,
        run,
        body.type === "started" ? { ...body, spec: { ...body.spec, runId: run.id } } : body,
      );
    }
  });
}

/** An idea whose clarifier has failed after three turns. */
async function stuckIdea(app: TestApp): Promise<Run> {
  const idea = await app.idea("refining");
  const [clarify, research] = listIdeaRuns(app.db, idea.id);
  await app.succeed(idea, "research", results.research);
  app.tx((tx) => beginRun(tx, clarify!.id));
  record(app, clarify!, await logOf([...editing, submit()]));
  await app.end(clarify!, { type: "failed", reason: "stuck", message: "In circles" });
  equal(getIdea(app.db, idea.id).status, "stuck");
  equal(getRun(app.db, research!.id).status, "succeeded");
  return getRun(app.db, clarify!.id);
}

const log = (app: TestApp, id: string) => readRunLog(app.db, id).map(({ body }) => body);

Deno.test("a fork begins with the same events, goes on with the person's words, and refines the idea", async () => {
  using app = testApp();
  const source = await stuckIdea(app);
  const before = log(app, source.id);
  const cost = getIdea(app.db, source.ideaId!).costMicroUsd;
  const fork = forkRun(app, source.id, 2, " Ask about locks. ");
  const copied = log(app, fork.id);
  const at = copied.findIndex(({ type }) => type === "forked");
  deepEqual(copied.slice(1, at), before.slice(1, at));
  deepEqual(findStart(app.db, fork.id)!.spec, {
    ...findStart(app.db, source.id)!.spec,
    runId: fork.id,
  });
  const { limits } = app.catalog.get(source.agent);
  const { used } = forkPoints(runSpec(), before)[2]!;
  deepEqual(copied.slice(at), [
    {
      type: "forked",
      from: source.id,
      turn: 2,
      limits: {
        maxTurns: limits.maxTurns + 2,
        maxTokens: limits.maxTokens + used.maxTokens,
        maxCostMicroUsd: limits.maxCostMicroUsd + used.maxCostMicroUsd,
        timeoutMs: limits.timeoutMs + used.timeoutMs,
      },
    },
    { type: "note", text: "Ask about locks.", by: "owner" },
  ]);
  deepEqual(forkLimits(app.db, fork.id), (copied[at] as { limits: unknown }).limits);
  deepEqual(fork.forkedFrom, { runId: source.id, turn: 2 });
  deepEqual([fork.status, fork.purpose, fork.turns, fork.costMicroUsd], [
    "queued",
    "clarify",
    0,
    0,
  ]);
  const idea = getIdea(app.db, source.ideaId!);
  deepEqual([idea.status, idea.costMicroUsd], ["refining", cost], "nothing is counted twice");
  equal(hasAsked(app.db, fork.id), false);
  deepEqual(app.jobs().at(-1), {
    kind: "run_agent",
    args: { runId: fork.id },
    status: "available",
  });
  const told = app.events.find(({ type }) => type === "run_forked")!;
  deepEqual([told.actor, (told.data as Run & { from: string }).from], ["owner", source.id]);

  await app.end(fork, { type: "succeeded", result: results.clarify });
  equal(getIdea(app.db, idea.id).plan.summary, results.clarify.summary);
});

Deno.test("a fork's loop sends the same history and its own limits hold, and a replay agrees", async () => {
  using app = testApp();
  const source = await stuckIdea(app);
  const fork = forkRun(app, source.id, 2, "Ask about locks.");
  const { spec } = findStart(app.db, fork.id)!;
  const kept = log(app, fork.id);
  const { sent, log: whole, outcome } = await play({ spec, log: kept, script: [submit()] });
  equal(outcome.type, "succeeded");
  const state = fold(spec, kept.slice(0, kept.findIndex(({ type }) => type === "forked")));
  deepEqual(sent[0]!.messages.slice(0, state.messages.length), state.messages);
  match(JSON.stringify(sent[0]!.messages.at(-1)), /Ask about locks\./);
  deepEqual(fold(spec, whole).spec.limits, forkLimits(app.db, fork.id));
  equal((await replay(whole)).firstDifference, null);
});

Deno.test("a fork near the end of its source's limits begins anew with them", async () => {
  const spec = runSpec({ limits: { ...runSpec().limits, maxTurns: 4 } });
  const script = [...editing, answer(call("read2", "Read")), answer(call("read3", "Read"))];
  const log = await logOf(script, {
    spec,
    end: { type: "failed", reason: "max_turns", message: "" },
  });
  equal(log.some((event) => event.type === "note"), true, "it was told to finish");
  const point = forkPoints(spec, log).at(-1)!;
  const limits = { ...spec.limits, maxTurns: spec.limits.maxTurns + point.used.maxTurns };
  const forked: RunEventBody[] = [
    ...log.slice(0, point.events),
    { type: "forked", from: "run_0", turn: point.turn, limits },
    { type: "note", text: "Go on", by: "owner" },
  ];
  const later = ["read4", "read5", "read6"].map((id) => answer(call(id, "Read")));
  const { log: whole, outcome } = await play({ spec, log: forked, script: [...later, submit()] });
  equal(outcome.type, "succeeded");
  deepEqual(notesOf(whole).map((note) => /\d+ of \d+ turns/.exec(note)?.[0]), [
    "3 of 4 turns",
    undefined, // the person's
    "6 of 8 turns",
  ]);
  equal((await replay(whole)).firstDifference, null);
});

Deno.test("a run is forked only while nothing else is at work on its idea", async (t) => {
  using app = testApp();
  const refused = async (what: string, why: RegExp, prepare: (run: Run) => unknown) => {
    await t.step(what, async () => {
      const run = await stuckIdea(app);
      await prepare(run);
      const before = [app.events.length, app.jobs().length, getIdea(app.db, run.ideaId!)];
      throws(() => forkRun(app, run.id, 1, "Look"), { code: "conflict", message: why });
      deepEqual([app.events.length, app.jobs().length, getIdea(app.db, run.ideaId!)], before);
    });
  };
  await refused(
    "not while the idea is refined",
    /is "refining"/,
    (run) => forkRun(app, run.id, 1, "First"),
  );
  await refused(
    "not when it was rejected",
    /is "rejected"/,
    ({ ideaId }) =>
      app.db.prepare("UPDATE ideas SET status = 'rejected', reason = 'x' WHERE id = :ideaId")
        .run({ ideaId }),
  );
  await refused(
    "not when the idea was sent back since",
    /sent back since/,
    ({ ideaId }) => app.db.prepare("UPDATE ideas SET round = 2 WHERE id = :ideaId").run({ ideaId }),
  );
  await refused(
    "not while another agent of it works",
    /other agents/,
    ({ ideaId }) =>
      app.db.prepare(
        "UPDATE runs SET status = 'queued' WHERE idea_id = :ideaId AND purpose = 'research'",
      )
        .run({ ideaId }),
  );
  await refused(
    "not while it is still at work itself",
    /not over/,
    ({ id }) => app.db.prepare("UPDATE runs SET status = 'waiting' WHERE id = :id").run({ id }),
  );
  await refused(
    "not when another kind of model made it",
    /works with the demo model/,
    ({ id }) => app.db.prepare("UPDATE runs SET demo = 0 WHERE id = :id").run({ id }),
  );
  await refused(
    "not before it began",
    /ended before it began/,
    ({ id }) => app.db.prepare("DELETE FROM events WHERE run_id = :id").run({ id }),
  );
});

Deno.test("a fork needs a turn that it can go on from, and something to change", async () => {
  using app = testApp();
  const run = await stuckIdea(app);
  for (const turn of [-1, 4, 99, 1.5, Number.NaN]) {
    throws(() => forkRun(app, run.id, turn, "Look"), {
      code: "conflict",
      message: /Choose one of: 0, 1, 2, 3$/,
    });
  }
  throws(() => forkRun(app, run.id, 1, "  "), { code: "invalid" });
  throws(() => forkRun(app, "run_none", 1, "Look"), { code: "not_found" });
});

// ------------------------------------------------------------------ a developer's run

/** A ticket whose developer has ended like this; its branch is at `third`. */
async function developed(app: TestApp, end: "failed" | "done"): Promise<Run> {
  const ticket = await app.ticket();
  const { projectId, id: ticketId } = ticket;
  const [subtask] = listSubtasks(app.db, ticketId);
  const run = app.tx((tx) => {
    const row = allocateWorktree(tx, { projectId, ticketId, path: `/w/${ticketId}`, branch: "b" });
    moveWorktree(tx, row.id, "ready");
    const moved = moveTicket(tx, ticketId, "in_progress", {
      step: "develop",
      branch: "b",
      baseCommit: base,
      headCommit: third,
    });
    moveSubtask(tx, subtask!.id, "in_progress");
    return startRun(app, tx, {
      ticket: moved,
      purpose: "develop",
      agent: "feature-dev",
      subtaskId: subtask!.id,
    });
  });
  app.tx((tx) => beginRun(tx, run.id));
  record(app, run, await logOf([...editing, submit()]));
  await app.end(
    run,
    end === "done"
      ? { type: "succeeded", result: { status: "done", summary: "Did it" } }
      : { type: "failed", reason: "stuck", message: "In circles" },
  );
  if (end === "done") {
    app.db.prepare("UPDATE tickets SET status = 'blocked', failure = 'internal', reason = 'x'")
      .run();
  }
  return getRun(app.db, run.id);
}

Deno.test("a developer's fork takes its subtask up again, and its ticket goes back to that turn's commit", async () => {
  using app = testApp();
  const source = await developed(app, "failed");
  equal(listSubtasks(app.db, source.ticketId!)[0]!.status, "blocked");
  const fork = forkRun(app, source.id, 2, "Use a lock");
  deepEqual([fork.subtaskId, fork.purpose], [source.subtaskId, "develop"]);
  equal(listSubtasks(app.db, source.ticketId!)[0]!.status, "in_progress");
  const ticket = getTicket(app.db, source.ticketId!);
  deepEqual([ticket.status, ticket.step, ticket.headCommit], ["in_progress", "develop", second]);
  await app.end(fork, { type: "succeeded", result: { status: "done", summary: "With a lock" } });
  deepEqual(listSubtasks(app.db, ticket.id)[0], {
    ...listSubtasks(app.db, ticket.id)[0]!,
    status: "done",
    summary: "With a lock",
  });
});

Deno.test("the fork of a run whose subtask is done leaves it done", async () => {
  using app = testApp();
  const source = await developed(app, "done");
  const fork = forkRun(app, source.id, 1, "Use a lock");
  equal(fork.subtaskId, null);
  equal(getTicket(app.db, source.ticketId!).headCommit, base);
  await app.end(fork, { type: "succeeded", result: { status: "done", summary: "With a lock" } });
  deepEqual(
    [listSubtasks(app.db, source.ticketId!)[0]!.status, getTicket(app.db, source.ticketId!).step],
    ["done", "develop"],
  );
});

Deno.test("a developer's run is forked only while its ticket waits for a person and nothing came after it", async (t) => {
  using app = testApp();
  const refused = async (what: string, why: RegExp, prepare: (run: Run) => unknown) => {
    await t.step(what, async () => {
      const run = await developed(app, "failed");
      await prepare(run);
      match(whyNotFork(app, getRun(app.db, run.id))!, why);
      const before = [app.events.length, getTicket(app.db, run.ticketId!)];
      throws(() => forkRun(app, run.id, 2, "Look"), { code: "conflict", message: why });
      deepEqual([app.events.length, getTicket(app.db, run.ticketId!)], before);
    });
  };
  const set = (columns: string) => ({ ticketId }: Run) =>
    app.db.prepare(`UPDATE tickets SET ${columns} WHERE id = :ticketId`).run({ ticketId });
  await refused("not while it is queued", /is "queued"/, set("status = 'queued'"));
  await refused("not while it is in progress", /is "in_progress"/, set("status = 'in_progress'"));
  await refused("not when it was cancelled", /is "cancelled"/, set("status = 'cancelled'"));
  await refused(
    "not when a developer worked on it since",
    /has worked on its ticket since/,
    (run) => {
      const later = app.tx((tx) =>
        startRun(app, tx, {
          ticket: getTicket(tx.db, run.ticketId!),
          purpose: "fix",
          agent: "feature-dev",
        })
      );
      app.db.prepare("UPDATE runs SET status = 'cancelled' WHERE id = :id").run({ id: later.id });
    },
  );
  await refused(
    "not without its worktree",
    /no worktree/,
    ({ ticketId }) =>
      app.db.prepare("UPDATE worktrees SET status = 'removed' WHERE ticket_id = :ticketId")
        .run({ ticketId }),
  );
  await refused(
    "not a reviewer's run",
    /nothing follows from a second "review"/,
    ({ id }) => app.db.prepare("UPDATE runs SET purpose = 'review' WHERE id = :id").run({ id }),
  );
});
