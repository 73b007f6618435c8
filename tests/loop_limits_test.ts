/** What a run may use, and how it is stopped when it goes in circles. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { callSignature, STUCK_AFTER, STUCK_HINT_AFTER } from "../agents/loop/circles.ts";
import { affordableOutputTokens, worstCostMicroUsd } from "../agents/loop/cost.ts";
import { apply, fold } from "../agents/loop/fold.ts";
import { promptBound } from "../agents/loop/history.ts";
import { FIRST_OUTPUT_TOKENS, MIN_OUTPUT_TOKENS } from "../agents/loop/limits.ts";
import { models, resolveModel } from "../agents/models.ts";
import { isLimitNote, isStuckNote } from "../agents/loop/notes.ts";
import { replay } from "../agents/loop/replay.ts";
import { noUsage, type RunEventBody } from "../agents/protocol.ts";
import type { Message } from "../agents/loop/turn.ts";
import {
  answer,
  broken,
  call,
  finished,
  notesOf,
  play,
  roles,
  runSpec,
  type Scripted,
  seeded,
  stopped,
  submit,
  usage,
} from "./loop_support.ts";

// ---------------------------------------------------------------- limits

Deno.test("max_turns: the turn after the last one is not sent", async () => {
  const spec = runSpec();
  spec.limits.maxTurns = 2;
  const { outcome, sent } = await play({
    spec,
    script: [answer(call("a", "Read")), answer(call("b", "Read"))],
  });
  equal(outcome.type === "failed" && outcome.reason, "max_turns");
  equal(sent.length, 2);
});

Deno.test("timed_out counts the time of earlier lives and of answers", async () => {
  const spec = runSpec();
  spec.limits.timeoutMs = 10_000;
  const worked = await play({ spec, script: [], elapsedMs: 10_000 });
  equal(worked.outcome.type === "failed" && worked.outcome.reason, "timed_out");
  const slow = await play({
    spec,
    script: [answer(call("a", "Read")), answer(call("b", "Read"))],
    requestMs: 5_000,
  });
  equal(slow.outcome.type === "failed" && slow.outcome.reason, "timed_out");
});

Deno.test("what a failing service takes, and the wait for it, is no time of the run's, in no life of it", async () => {
  const spec = runSpec();
  spec.limits.timeoutMs = 10_000;
  const log: RunEventBody[] = [{ type: "started", spec }];
  const failing = [
    broken("rate_limited", { retryAfterMs: 30_000 }),
    broken("stalled"),
    broken("overloaded", { retryAfterMs: 60_000 }),
  ];
  const first = await play({
    spec,
    log,
    requestMs: 4_000,
    script: [...failing, answer(call("a", "Read")), submit()],
  });
  equal(first.outcome.type, "succeeded");
  ok(first.waitsMs.reduce((sum, ms) => sum + ms, 0) >= 90_000);
  // The two answers, and the calls of a millisecond each.
  equal(fold(spec, first.log).elapsedMs, 2 * 4_000 + 2);
  const { firstDifference } = await replay(first.log);
  equal(firstDifference, null);
  const failed = first.log.findLastIndex(({ type }) => type === "turn_failed");
  const later = await play({
    spec,
    log: first.log.slice(0, failed + 1),
    requestMs: 4_000,
    script: [answer(call("b", "Read")), submit()],
  });
  equal(later.outcome.type, "succeeded");
  const refused = await play({
    spec,
    requestMs: 4_000,
    script: [stopped("max_tokens"), stopped("max_tokens")],
  });
  equal(fold(spec, refused.log).elapsedMs, 2 * 4_000, "an answer that is of no use took its time");
});

Deno.test("max_cost: the answer is cut to what is left, and below the floor nothing is sent", async () => {
  const spec = runSpec();
  const prompt = fold(spec, []).promptTokens;
  spec.limits.maxCostMicroUsd = worstCostMicroUsd(spec.model, prompt, 5_000);
  const cut = await play({ spec, script: [submit()] });
  const { messages, maxOutputTokens } = cut.sent[0]!;
  const withNote = promptBound(spec.system, spec.tools, messages);
  ok(worstCostMicroUsd(spec.model, withNote, maxOutputTokens) <= spec.limits.maxCostMicroUsd);
  ok(worstCostMicroUsd(spec.model, withNote, maxOutputTokens + 1) > spec.limits.maxCostMicroUsd);
  spec.limits.maxCostMicroUsd = worstCostMicroUsd(spec.model, prompt, MIN_OUTPUT_TOKENS) - 1;
  const none = await play({ spec, script: [] });
  equal(none.outcome.type === "failed" && none.outcome.reason, "max_cost");
  match(none.outcome.type === "failed" ? none.outcome.message : "", /may cost up to \$0\.\d+/);
});

Deno.test("max_tokens counts cache reads, and is checked against the most the request can use", async () => {
  const spec = runSpec();
  const reads = { ...noUsage, cacheReadTokens: 90_000, outputTokens: 100 };
  spec.limits.maxTokens = 180_000;
  const { outcome, sent } = await play({
    spec,
    script: [{ ...answer(call("a", "Read")), usage: reads }],
  });
  equal(outcome.type === "failed" && outcome.reason, "max_tokens");
  equal(sent.length, 1);
});

Deno.test("a request that was cut off counts at the most it may have cost", async () => {
  const spec = runSpec();
  const prompt = fold(spec, []).promptTokens;
  const worst = worstCostMicroUsd(spec.model, prompt, FIRST_OUTPUT_TOKENS);
  spec.limits.maxCostMicroUsd = 2 * worst - 1;
  const log: RunEventBody[] = [
    { type: "started", spec },
    { type: "turn_started", turn: 1, maxOutputTokens: FIRST_OUTPUT_TOKENS },
  ];
  const cutOff = await play({ spec, log, script: [submit()] });
  ok(cutOff.sent[0]!.maxOutputTokens < FIRST_OUTPUT_TOKENS);
  const twice = await play({ spec, log: [...log, log[1]!], script: [] });
  equal(twice.outcome.type === "in_doubt" && twice.outcome.reason, "max_cost");
  match(twice.outcome.type === "in_doubt" ? twice.outcome.message : "", /broke off.*: 2\)/);
});

Deno.test("a refused request costs nothing, so it takes nothing from the limit", async () => {
  const spec = runSpec();
  const prompt = fold(spec, []).promptTokens;
  spec.limits.maxCostMicroUsd = worstCostMicroUsd(spec.model, prompt, FIRST_OUTPUT_TOKENS);
  const { sent } = await play({
    spec,
    script: [broken("overloaded"), broken("network"), broken("rate_limited"), submit()],
  });
  deepEqual(sent.map((request) => request.maxOutputTokens), Array(4).fill(FIRST_OUTPUT_TOKENS));
});

Deno.test("a history as long as the window is not sent", async () => {
  const spec = runSpec();
  spec.model = { ...spec.model, contextTokens: 1_100 };
  const { outcome, sent } = await play({ spec, script: [answer(call("a", "Read"))] });
  equal(outcome.type === "failed" && outcome.reason, "context_full");
  equal(sent.length, 1);
});

Deno.test("near a limit the agent is told once, as a system message after the results", async () => {
  const spec = runSpec();
  spec.limits.maxTurns = 5;
  const { log, sent } = await play({
    spec,
    script: ["a", "b", "c", "d", "e"].map((id) => answer(call(id, "Read"))),
  });
  equal(notesOf(log).length, 1);
  match(notesOf(log)[0]!, /4 of 5 turns/);
  equal(roles(sent[4]!.messages), "uauauauaus");
  ok(isLimitNote((sent[4]!.messages.at(-1)!.content[0] as { text: string }).text));
  equal(roles(sent[3]!.messages), "uauauau");
});

for (
  const [limit, limits, expected] of [
    ["cost", { maxCostMicroUsd: 420_000 }, /near a limit of this run \(\$0\.3\d+ of \$0\.4200\)/],
    ["tokens", { maxTokens: 120_000 }, /near a limit of this run \(\d+ of 120000 tokens\)/],
    ["time", { timeoutMs: 100_000 }, /near a limit of this run \(8\d s of 100 s\)/],
  ] as const
) {
  Deno.test(`near the limit of ${limit} the agent is told once to finish and hand in`, async () => {
    const spec = runSpec();
    Object.assign(spec.limits, limits);
    const { log, outcome } = await play({
      spec,
      requestMs: 2_900,
      script: Array.from({ length: 60 }, (_, i) => ({
        ...answer(call(`c${i}`, "Read", { i })),
        usage: usage(5_000, 500),
      })),
    });
    equal(notesOf(log).length, 1);
    match(notesOf(log)[0]!, expected);
    match(notesOf(log)[0]!, /finish what you are at, and hand in with submit_result what you have/);
    const turns = log.filter(({ type }) => type === "turn_finished").length;
    const told = log.findIndex(({ type }) => type === "note");
    const before = log.slice(0, told).filter(({ type }) => type === "turn_finished").length;
    ok(turns > before, "there are turns left to finish in");
    equal(outcome.type, "failed");
  });
}

Deno.test("the time of a life that was killed counts, as far as its log tells of it", async () => {
  const spec = runSpec();
  spec.limits.timeoutMs = 100_000;
  const script = Array.from({ length: 9 }, (_, i) => answer(call(`c${i}`, "Read", { i })));
  const { log } = await play({ spec, script: [...script, submit()], requestMs: 10_000 });
  const state = fold(spec, log.slice(0, -8));
  equal(state.turns, 8);
  equal(state.elapsedMs, 80_008);
  // Nobody wrote down how long the killed life had worked: `elapsedMs` is 0.
  const later = await play({
    spec,
    log: log.slice(0, -8),
    script: script.slice(8),
    requestMs: 30_000,
  });
  equal(later.outcome.type === "failed" && later.outcome.reason, "timed_out");
});

Deno.test("a note that arrives while calls are open waits for their results", () => {
  const spec = runSpec();
  const state = fold(spec, [
    { type: "turn_started", turn: 1, maxOutputTokens: 1 },
    finished(1, answer(call("a", "Read"))),
    { type: "note", text: "Look at the tests too" },
  ]);
  equal(roles(state.messages), "ua");
  apply(state, {
    type: "tool_finished",
    turn: 1,
    result: { callId: "a", content: "x", isError: false, durationMs: 1 },
  });
  equal(roles(state.messages), "uaus");
});

// ---------------------------------------------------------------- circles

Deno.test("the same call with the same result: a hint after three, stopped as stuck after five", async () => {
  const again = (request: { messages: Message[] }) =>
    answer(call(`c${request.messages.length}`, "Read", { file_path: "x" }));
  const { outcome, log, sent } = await play({
    script: Array<Scripted>(STUCK_AFTER).fill(again),
    tools: () => ({ content: "the same" }),
  });
  equal(outcome.type === "failed" && outcome.reason, "stuck");
  equal(sent.length, STUCK_AFTER);
  deepEqual(notesOf(log).map(isStuckNote), [true]);
  equal(sent[STUCK_HINT_AFTER]!.messages.at(-1)!.role, "system");
});

Deno.test("A-B-A-B is a circle too, and calls side by side are one round of it", async () => {
  const { outcome, sent } = await play({
    script: Array.from(
      { length: 2 * STUCK_AFTER },
      (_, i) => answer(call(`c${i}`, i % 2 ? "Read" : "Edit", {})),
    ),
    tools: ({ name }) => ({ content: name }),
  });
  equal(outcome.type === "failed" && outcome.reason, "stuck");
  equal(sent.length, 2 * STUCK_AFTER);
  const sideBySide = await play({
    script: [answer(...["a", "b", "c", "d", "e"].map((id) => call(id, "Read"))), submit()],
    tools: ({ name }) => name === "submit_result" ? {} : { content: "same" },
  });
  equal(sideBySide.outcome.type, "succeeded");
});

Deno.test("a check that fails the same way after different edits is no circle; nor are new results", async () => {
  const edits = Array.from({ length: 6 }, (_, i) => [
    answer(call(`e${i}`, "Edit", { new_string: `try ${i}` })),
    answer(call(`t${i}`, "Read", { file_path: "log" })),
  ]).flat();
  const { outcome } = await play({
    script: [...edits, submit()],
    tools: ({ name }) => name === "submit_result" ? {} : { content: "1 failed" },
  });
  equal(outcome.type, "succeeded");
  let count = 0;
  const polled = await play({
    script: [
      ...Array.from({ length: 6 }, (_, i) => answer(call(`p${i}`, "Read"))),
      submit(),
    ],
    tools: ({ name }) => name === "submit_result" ? {} : { content: `line ${count++}` },
  });
  equal(polled.outcome.type, "succeeded");
});

Deno.test("calls that differ in one character, or only in what is whose, are told apart", () => {
  const signature = (path: string, content: string) =>
    callSignature(
      { id: "c", name: "Read", input: { file_path: path } },
      { callId: "c", content, isError: false, durationMs: 1 },
    );
  const near = Array.from({ length: 200 }, (_, n) => "line of a file\n".repeat(n));
  const texts = [...near, ...near.map((text) => text.replace("f", "g")), "é", "è", "\u{1F600}"];
  const all = texts.flatMap((text) => [signature("x", text), signature("y", text)]);
  // The empty text has no character to change.
  equal(new Set(all).size, all.length - 2);
  equal(signature("x", near[7]!), signature("x", near[7]!));
  ok(signature("x", near[199]!).length < 50);
});

/** Plays calls one after the other, each with its result, and says how it ended. */
async function playCalls(
  calls: { name: string; input?: Record<string, unknown>; content: string; isError?: boolean }[],
) {
  const results = new Map(calls.map(({ content, isError }, i) => [`c${i}`, { content, isError }]));
  const { outcome, log, sent } = await play({
    script: [
      ...calls.map(({ name, input }, i) => answer(call(`c${i}`, name, input))),
      submit(),
    ],
    tools: ({ id }) => {
      const { content, isError = false } = results.get(id) ?? { content: "Accepted." };
      return { content, isError };
    },
  });
  return {
    reason: outcome.type === "failed" ? outcome.reason : outcome.type,
    hints: notesOf(log).filter(isStuckNote).length,
    turns: sent.length,
  };
}
const times = <T>(n: number, make: (i: number) => T): T[] =>
  Array.from({ length: n }, (_, i) => make(i));

Deno.test("repeated errors are a circle, whatever is asked: a hint after three, stuck after five", async () => {
  const miss = (i: number) => ({
    ...{ name: "Edit", input: { old_string: `try ${i}` }, isError: true },
    content: "Cannot edit a.ts: old_string is not in the file",
  });
  deepEqual(await playCalls(times(2, miss)), { reason: "succeeded", hints: 0, turns: 3 });
  deepEqual(await playCalls(times(4, miss)), { reason: "succeeded", hints: 1, turns: 5 });
  deepEqual(await playCalls(times(6, miss)), { reason: "stuck", hints: 1, turns: 5 });
});

Deno.test("the same error again after reading the file each time is a circle too", async () => {
  const pair = (i: number) => [
    { name: "Read", input: { file_path: "a.ts" }, content: "1\tone" },
    {
      ...{ name: "Edit", input: { old_string: `${i}` }, isError: true },
      content: "not in the file",
    },
  ];
  deepEqual(await playCalls(times(6, pair).flat()), { reason: "stuck", hints: 1, turns: 10 });
});

Deno.test("errors that differ, and commands that fail without a word, are no circle", async () => {
  const differs = (i: number) => ({ name: "Bash", content: `Exit code 1\nno ${i}`, isError: true });
  equal((await playCalls(times(8, differs))).reason, "succeeded");
  const silent = (i: number) => ({
    ...{ name: "Bash", input: { command: `grep ${i}` }, isError: true },
    content: "Exit code 1",
  });
  deepEqual(await playCalls(times(8, silent)), { reason: "succeeded", hints: 0, turns: 9 });
  const same = () => ({ ...silent(0) });
  equal((await playCalls(times(8, same))).reason, "stuck");
});

Deno.test("how long a command took is no new result, but what a file says is", async () => {
  const check = (i: number) => ({
    ...{ name: "run_checks", input: { name: "test" }, isError: true },
    content: `test failed (exit code 1)\n1 failed (${i + 3}ms) in ${i}.5 s at 12:00:0${i}`,
  });
  equal((await playCalls(times(8, check))).reason, "stuck");
  const file = (i: number) => ({ name: "Read", input: { file_path: "a" }, content: `wait ${i}ms` });
  equal((await playCalls(times(8, file))).reason, "succeeded");
});

for (const period of [2, 3, 4]) {
  Deno.test(`a cycle of ${period} calls: a hint after three rounds, stuck after five`, async () => {
    const one = (i: number) => ({
      ...{ name: "Read", input: { file_path: `${i % period}` } },
      content: `${i % period}`,
    });
    const played = await playCalls(times(6 * period, one));
    deepEqual(played, { reason: "stuck", hints: 1, turns: 5 * period });
    const thrice = await playCalls([...times(3 * period, one), { name: "Glob", content: "new" }]);
    deepEqual(thrice, { reason: "succeeded", hints: 1, turns: 3 * period + 2 });
  });
}

Deno.test("calls side by side are one round of a circle in whatever order they stand", async () => {
  const { outcome } = await play({
    script: times(5, (i) => {
      const both = [call(`a${i}`, "Read", { path: "x" }), call(`b${i}`, "Read", { path: "y" })];
      return answer(...(i % 2 ? both : both.reverse()));
    }),
    tools: ({ input }) => ({ content: String(input.path) }),
  });
  equal(outcome.type === "failed" && outcome.reason, "stuck");
});

Deno.test("what restarts cut off again and again is not the agent's circle", async () => {
  const { outcome, log } = await play({
    script: [...times(8, (i) => answer(call(`c${i}`, "Edit", {}))), submit()],
    tools: ({ name }) =>
      name === "submit_result" ? {} : { content: "interrupted", isError: true, interrupted: true },
  });
  equal(outcome.type, "succeeded");
  deepEqual(notesOf(log), []);
});

Deno.test("out of the circle and into another one: hinted again", async () => {
  const read = (id: string, path: string) => answer(call(id, "Read", { path }));
  const { log, outcome } = await play({
    script: [
      ...["a", "b", "c"].map((id) => read(id, "x")),
      ...["d", "e", "f"].map((id) => read(id, "y")),
      submit(),
    ],
    tools: ({ name }) => name === "submit_result" ? {} : { content: "same" },
  });
  equal(outcome.type, "succeeded");
  equal(notesOf(log).length, 2);
});

Deno.test("affordableOutputTokens() is the longest answer whose worst cost fits the budget", () => {
  const random = seeded(1);
  for (const { id } of models) {
    const model = resolveModel(id, null);
    for (let i = 0; i < 200; i++) {
      const prompt = Math.floor(random() * 300_000);
      const budget = Math.floor(random() * 3_000_000);
      const output = affordableOutputTokens(model, prompt, budget);
      const where = `${id}, prompt ${prompt}, budget ${budget}`;
      if (output < 0) ok(worstCostMicroUsd(model, prompt, 0) > budget, where);
      else ok(worstCostMicroUsd(model, prompt, output) <= budget, where);
      // Rounding the prompt's share up may cost one micro-USD of room, never more.
      const slack = Math.ceil(1 / model.price.output) + 1;
      ok(worstCostMicroUsd(model, prompt, Math.max(output, 0) + slack) > budget, where);
    }
  }
});
