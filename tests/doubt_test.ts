/** What broken requests may have cost, against the run's own limits: a bad network ends no run, and passes none. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { readFromBrain } from "../agents/brain_messages.ts";
import { costMicroUsd, totalTokensOf, worstCostMicroUsd } from "../agents/loop/cost.ts";
import { DOUBT_NAME, DOUBT_RULE, doubtQuestion } from "../agents/loop/doubt.ts";
import { fold, worstOf } from "../agents/loop/fold.ts";
import { FIRST_OUTPUT_TOKENS } from "../agents/loop/limits.ts";
import { isLimitNote } from "../agents/loop/notes.ts";
import { replay } from "../agents/loop/replay.ts";
import {
  noUsage,
  type RunEventBody,
  type RunOutcome,
  type RunSpec,
  type ToolSpec,
  type Usage,
} from "../agents/protocol.ts";
import type { Run } from "../server/records.ts";
import { decide } from "../server/services/approvals.ts";
import { changeLimits } from "../server/services/limits.ts";
import { pauseRun, resumeRun } from "../server/services/run_control.ts";
import { listRunApprovals } from "../server/store/approvals.ts";
import { listLimits } from "../server/store/limits.ts";
import { readRunLog } from "../server/store/run_log.ts";
import { getRun } from "../server/store/runs.ts";
import { never, poolFor, recorder } from "./brain_support.ts";
import { broken as brokenOff, paidApp, request, says, workingRun } from "./budgets_support.ts";
import {
  answer as fakeAnswer,
  broken as brokenStream,
  startFakeClaude,
} from "./fake_claude/mod.ts";
import { answer, broken, call, failuresOf, play, runSpec, submit } from "./loop_support.ts";
import { executeRun, type TestApp } from "./support.ts";

const daily = { scope: "all", scopeId: "", period: "day", unit: "micro_usd" } as const;

/** A run whose own limit has room for one request at its worst, and not for two. */
function tightSpec() {
  const spec = runSpec();
  const { promptTokens } = fold(spec, []);
  const worst = worstCostMicroUsd(spec.model, promptTokens, FIRST_OUTPUT_TOKENS);
  spec.limits.maxCostMicroUsd = worst + worst / 10;
  return { spec, worst };
}

const decided = (granted: boolean, callId = "doubt_1"): RunEventBody => ({
  type: "approval_decided",
  callId,
  granted,
  reason: "",
  by: "ada",
});
const waiting: RunEventBody = { type: "waiting", reason: "Waits for your approval", failure: null };

async function brokenOnce() {
  const { spec, worst } = tightSpec();
  const first = await play({
    spec,
    log: [{ type: "started", spec }],
    script: [broken("stream_broken")],
  });
  return { spec, worst, ...first };
}

Deno.test("where only what is in doubt takes up a run's own limit, a person is asked, and told the most it may come to", async () => {
  const { outcome, log, spec, worst } = await brokenOnce();
  ok(outcome.type === "in_doubt");
  equal(outcome.reason, "max_cost");
  const { rule, detail } = doubtQuestion(fold(spec, log));
  equal(rule, DOUBT_RULE);
  const most = spec.limits.maxCostMicroUsd + worst;
  match(detail, /broke off.*: 1\./);
  ok(detail.includes(`at most $${(most / 1_000_000).toFixed(4)} and `), detail);
});

Deno.test("a person's yes lets the run go on as if that had cost nothing, and is asked for again when more is in doubt", async () => {
  const { log, spec } = await brokenOnce();
  const before = [...log, waiting, decided(true)];
  const gone = await play({ spec, log: before, script: [submit()] });
  equal(gone.outcome.type, "succeeded");
  equal(gone.sent[0]!.maxOutputTokens, FIRST_OUTPUT_TOKENS);
  const again = await play({ spec, log: before, script: [broken("stalled")] });
  ok(again.outcome.type === "in_doubt");
  const { detail } = doubtQuestion(fold(spec, again.log));
  match(detail, /broke off.*: 2\./);
  match(detail, /somebody said yes before/);
  const { equal: same, firstDifference } = await replay(gone.log);
  ok(same, JSON.stringify(firstDifference));
});

Deno.test("a person's no ends the run at its own limit, however much is in doubt later", async () => {
  const { log, spec } = await brokenOnce();
  const { outcome, sent } = await play({
    spec,
    log: [...log, waiting, decided(false)],
    script: [],
  });
  ok(outcome.type === "failed");
  equal(outcome.reason, "max_cost");
  match(outcome.message, /broke off/);
  equal(sent.length, 0);
});

Deno.test("a fork that a person gives limits of its own may ask again, whatever was said of the run before it", async () => {
  const { log, spec } = await brokenOnce();
  const { limits } = spec;
  const denied = [...log, waiting, decided(false)];
  const forked: RunEventBody = { type: "forked", from: "run_0", turn: 0, limits };
  const { outcome } = await play({ spec, log: [...denied, forked], script: [] });
  equal(outcome.type, "in_doubt");
});

Deno.test("where nobody was asked, the run's end is the same once more", async () => {
  const { log, outcome } = await brokenOnce();
  ok(outcome.type === "in_doubt");
  const { reason, message } = outcome;
  const { equal: same, firstDifference } = await replay([
    ...log,
    { type: "failed", reason, message },
  ]);
  ok(same, JSON.stringify(firstDifference));
});

Deno.test("what is surely used up ends the run without a question, whatever is in doubt beside", async () => {
  const { spec } = tightSpec();
  const used = { ...answer(call("a", "Read")), usage: { ...answer().usage, outputTokens: 16_000 } };
  const { outcome } = await play({ spec, script: [used] });
  equal(outcome.type === "failed" && outcome.reason, "max_cost");
});

Deno.test("an answer to a call of the model's lifts nothing, whatever the call is named", async () => {
  const { log, spec } = await brokenOnce();
  const state = fold(spec, [
    ...log,
    { type: "turn_started", turn: 1, maxOutputTokens: 100 },
    {
      type: "turn_finished",
      turn: 1,
      content: [call("doubt_1", "Bash")],
      stopReason: "tool_use",
      usage: answer().usage,
      costMicroUsd: 1,
      price: spec.model.price,
      requestId: null,
      durationMs: 1,
    },
    decided(true),
  ]);
  deepEqual(state.allowed, { costMicroUsd: 0, tokens: 0 });
});

Deno.test("a run is not hurried to its end by what is only in doubt", async () => {
  const { spec, worst } = tightSpec();
  spec.limits.maxCostMicroUsd = 2 * worst + worst / 20;
  const { log } = await play({ spec, script: [broken("stream_broken"), submit()] });
  equal(log.some((event) => event.type === "note" && isLimitNote(event.text)), false);
});

Deno.test("a brain may say so, with no words of its own for a person to read", () => {
  const said = (outcome: unknown) => readFromBrain({ type: "outcome", loop: 1, outcome });
  const message = "Cannot go on";
  ok(said({ type: "in_doubt", reason: "max_cost", message }));
  equal(said({ type: "in_doubt", reason: "refusal", message }), null);
  equal(said({ type: "in_doubt", reason: "max_cost", message, question: {} }), null);
});

// ------------------------------------------------------------------ what the server does about it

const inDoubt: RunOutcome = {
  type: "in_doubt",
  reason: "max_cost",
  message: "Cannot go on: nothing is left",
};

const asksOf = (app: TestApp, run: Run) => listRunApprovals(app.db, run.id);

async function asks(app: TestApp, run: Run): Promise<Run> {
  app.agents.outcomes.push(inDoubt);
  await executeRun(app, run.id, { attempt: 1, maxAttempts: 5 }, new AbortController().signal);
  return getRun(app.db, run.id);
}

Deno.test("such a run waits for an approval, which lets it go on once", async () => {
  using app = paidApp();
  const run = workingRun(app, app.project().id);
  says(app, run, request(1, 100_000));
  says(app, run, brokenOff(1, "stream_broken"));
  app.db.prepare("DELETE FROM jobs").run();
  const held = await asks(app, run);
  equal(held.status, "waiting");
  equal(held.failure, null, "it has failed in nothing");
  const [approval, ...more] = asksOf(app, run);
  deepEqual(more, []);
  equal(approval!.tool, DOUBT_NAME);
  equal(approval!.status, "pending");
  match(approval!.detail, /broke off.*: 1\.\nThey may have cost up to \$0\.\d+ and /);
  equal(app.jobs().filter(({ kind }) => kind === "run_agent").length, 0);
  decide(app, approval!.id, true, "");
  equal(app.jobs().filter(({ kind }) => kind === "run_agent").length, 1);
  const events = readRunLog(app.db, run.id).map(({ body }) => body.type);
  deepEqual(events.slice(-3), ["approval_requested", "waiting", "approval_decided"]);
});

Deno.test("it is asked once, however often the run is taken up before somebody decides", async () => {
  using app = paidApp();
  const run = workingRun(app, app.project().id);
  await asks(app, run);
  pauseRun(app, run.id);
  resumeRun(app, run.id);
  await asks(app, run);
  equal(asksOf(app, run).length, 1);
});

Deno.test("an explanation asks nobody, and ends at its limit", async () => {
  using app = paidApp();
  const run = workingRun(app, app.project().id);
  app.db.prepare("UPDATE runs SET purpose = 'explain' WHERE id = :id").run({ id: run.id });
  const { status, failure } = await asks(app, run);
  deepEqual({ status, failure }, { status: "failed", failure: "max_cost" });
  deepEqual(asksOf(app, run), []);
});

// ------------------------------------------------------------------ what an answer that broke off had told

/** Doubt after one request that broke off, having told of so much. */
async function doubtAfter(told: Usage, changes: Partial<RunSpec> = {}) {
  const spec = runSpec(changes);
  const { log } = await play({
    spec,
    log: [{ type: "started", spec }],
    script: [broken("stream_broken", { usage: told }), submit()],
  });
  const [failed] = failuresOf(log);
  return { spec, failed: failed!, state: fold(spec, log), ...await replay(log) };
}

Deno.test("once the prompt was told, only the rest of the answer is in doubt", async () => {
  const told = { ...noUsage, cacheReadTokens: 400, inputTokens: 200, outputTokens: 3 };
  const { spec, failed, state, equal: same } = await doubtAfter(told);
  const most = { ...told, outputTokens: FIRST_OUTPUT_TOKENS };
  const { mostCostMicroUsd, mostTokens } = failed;
  deepEqual({ mostCostMicroUsd, mostTokens }, {
    mostCostMicroUsd: costMicroUsd(spec.model, most),
    mostTokens: totalTokensOf(most),
  });
  equal(state.doubt.costMicroUsd, mostCostMicroUsd! - costMicroUsd(spec.model, told));
  equal(state.doubt.tokens, FIRST_OUTPUT_TOKENS - 3);
  ok(same);
});

const webSearch: ToolSpec = {
  ...{ name: "WebSearch", description: "", inputSchema: {}, readOnly: true },
  web: { kind: "search", maxUses: 3 },
};

for (
  const [name, told, changes] of [
    ["nothing of it was told", noUsage, {}],
    ["an endpoint tells a token or two of it at first", { ...noUsage, inputTokens: 2 }, {}],
    [
      "the service may read it again for its tools of the web",
      { ...noUsage, inputTokens: 4_000 },
      { tools: [webSearch, ...runSpec().tools] },
    ],
  ] as [string, Usage, Partial<RunSpec>][]
) {
  Deno.test(`a request's worst case stays in doubt where ${name}`, async () => {
    const { spec, failed, state } = await doubtAfter(told, changes);
    deepEqual([failed.mostCostMicroUsd, failed.mostTokens], [undefined, undefined]);
    const { worstCostMicroUsd } = worstOf(fold(spec, []), FIRST_OUTPUT_TOKENS);
    equal(state.doubt.costMicroUsd, worstCostMicroUsd - costMicroUsd(spec.model, told));
  });
}

Deno.test("limits of a day count of it what the run itself does, and never more than was reserved", () => {
  using app = paidApp();
  const run = workingRun(app, app.project().id);
  changeLimits(app, [{ ...daily, amount: 1_000_000 }]);
  const doubt = () => listLimits(app.db, "2026-11-27")[0]!.doubt;
  says(app, run, request(1, 300_000));
  const ends = (paid: number, most: number) =>
    says(app, run, { ...brokenOff(1, "stalled", paid), mostCostMicroUsd: most } as RunEventBody);
  ends(20_000, 50_000);
  equal(doubt(), 30_000);
  says(app, run, request(1, 300_000));
  ends(0, 900_000);
  equal(doubt(), 330_000);
});

Deno.test("a brain whose request breaks off says what is known of it, and that only this is in the way", async () => {
  await using fake = startFakeClaude();
  using brains = poolFor(fake);
  const spec = runSpec({ system: "Work with care. ".repeat(500) });
  const output = costMicroUsd(spec.model, { ...noUsage, outputTokens: FIRST_OUTPUT_TOKENS });
  spec.limits.maxCostMicroUsd = Math.round(1.16 * output);
  fake.enqueue(
    brokenStream(fakeAnswer("So it begins"), { type: "eof", after: "content_block_delta" }),
  );
  const { host, log } = recorder();
  const outcome = await brains.run(spec, [], 0, host, never);
  equal(outcome.type, "in_doubt");
  const [first] = failuresOf(log);
  ok(first!.mostCostMicroUsd! < 1.05 * output, "next to nothing but the answer");
});
