import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { fold } from "../agents/loop/fold.ts";
import { FIRST_OUTPUT_TOKENS } from "../agents/loop/limits.ts";
import { newState } from "../agents/loop/loop_state.ts";
import { resolveModel } from "../agents/models.ts";
import { MAX_NUDGES, nudgeText } from "../agents/loop/notes.ts";
import { noUsage, type RunEventBody } from "../agents/protocol.ts";
import {
  answer,
  broken,
  call,
  failuresOf,
  finished,
  play,
  roles,
  runSpec,
  stopped,
  submit,
  text,
  typesOf,
  usage,
} from "./loop_support.ts";

// ---------------------------------------------------------------- the plain way

Deno.test("a run ends with the input of the submit_result call that was accepted", async () => {
  const { outcome, log } = await play({
    script: [answer(text("I look."), call("a", "Read", { file_path: "x" })), submit({ n: 1 })],
  });
  deepEqual(outcome, { type: "succeeded", result: { n: 1 } });
  deepEqual(typesOf(log), [
    "turn_started",
    "turn_finished",
    "tool_started",
    "tool_finished",
    "turn_started",
    "turn_finished",
    "tool_started",
    "tool_finished",
  ]);
});

Deno.test("each turn is on disk before its request goes out and before its calls begin", async () => {
  const steps: string[] = [];
  await play({
    script: [() => (steps.push("request"), answer(call("a", "Read"))), submit()],
    onAppend: (event) => steps.push(event.type),
    tools: ({ name }) => (steps.push(`call ${name}`), {}),
  });
  deepEqual(steps.slice(0, 5), [
    "turn_started",
    "request",
    "turn_finished",
    "tool_started",
    "call Read",
  ]);
});

Deno.test("results go back in one user message, in the order of the calls, whichever ended first", async () => {
  const { sent } = await play({
    script: [answer(call("a", "Read"), call("b", "Read"), call("c", "Edit")), submit()],
    tools: ({ id, name }) => name === "Edit" ? { isError: true, content: "no" } : { content: id },
  });
  deepEqual(sent[1]!.messages.at(-1), {
    role: "user",
    content: [
      { type: "tool_result", tool_use_id: "a", content: "a" },
      { type: "tool_result", tool_use_id: "b", content: "b" },
      { type: "tool_result", tool_use_id: "c", content: "no", is_error: true },
    ],
  });
});

Deno.test("an answer is sent back with the blocks that came, unknown kinds and empty thinking among them", async () => {
  const content = [
    { type: "thinking", thinking: "", signature: "s" },
    { type: "redacted_thinking", data: "d" },
    { type: "container_upload", file_id: "f" },
    { type: "text", text: "Hm", citations: null },
    call("a", "Read", { nested: { list: [1, null] } }),
  ];
  const { sent } = await play({ script: [answer(...content), submit()] });
  deepEqual(sent[1]!.messages[1], { role: "assistant", content });
});

Deno.test("an empty text block, which the API sends but refuses, is not sent back", async () => {
  const { sent } = await play({ script: [answer(text(""), call("a", "Read")), submit()] });
  deepEqual(sent[1]!.messages[1], { role: "assistant", content: [call("a", "Read")] });
});

Deno.test("system, tools and model stay the same bytes, and the history only grows", async () => {
  const { sent } = await play({
    script: [answer(call("a", "Read")), answer(text("done?")), answer(call("b", "Edit")), submit()],
  });
  for (const [index, request] of sent.entries()) {
    const { messages, ...frozen } = request;
    const earlier = sent[index - 1];
    if (!earlier) continue;
    const { messages: before, ...frozenBefore } = earlier;
    equal(JSON.stringify(frozen), JSON.stringify(frozenBefore));
    equal(JSON.stringify(messages.slice(0, before.length)), JSON.stringify(before));
  }
});

Deno.test("turn_finished carries what the turn cost at the rates that applied", async () => {
  const spec = runSpec({ model: resolveModel("haiku", null) });
  const long = { ...noUsage, inputTokens: 60_000, cacheReadTokens: 40_001, outputTokens: 3 };
  const { log } = await play({ spec, script: [{ ...submit(), usage: long }] });
  const finished = log.find((event) => event.type === "turn_finished")!;
  deepEqual(finished.price, spec.model.longPrompt!.price);
  equal(finished.costMicroUsd, Math.ceil(60_000 * 0.5 + 40_001 * 0.05 + 3 * 2.5));
});

// ---------------------------------------------------------------- reasons to stop

Deno.test("end_turn without a result: reminded as a user turn, twice, then no_result", async () => {
  const { outcome, log, sent } = await play({
    script: [answer(text("1")), answer(text("2")), answer(text("3"))],
  });
  equal(outcome.type === "failed" && outcome.reason, "no_result");
  equal(log.filter(({ type }) => type === "nudge").length, MAX_NUDGES);
  equal(roles(sent[2]!.messages), "uauau");
  deepEqual(sent[1]!.messages.at(-1), {
    role: "user",
    content: [{ type: "text", text: nudgeText.unsubmitted }],
  });
});

Deno.test("reminders are counted anew once the agent works again", async () => {
  const { outcome } = await play({
    script: [
      answer(text("1")),
      answer(text("2")),
      answer(call("a", "Read")),
      answer(text("3")),
      answer(text("4")),
      submit(),
    ],
  });
  equal(outcome.type, "succeeded");
});

Deno.test("stop_sequence without a result is reminded like end_turn", async () => {
  const { outcome, log } = await play({ script: [stopped("stop_sequence", text("x")), submit()] });
  equal(outcome.type, "succeeded");
  equal(log.filter(({ type }) => type === "nudge").length, 1);
});

Deno.test("an empty answer is not added; the reminder never makes two user turns in a row", async () => {
  const { outcome, sent } = await play({
    script: [answer(call("a", "Read")), answer(), answer(text("")), submit()],
  });
  equal(outcome.type, "succeeded");
  equal(roles(sent[2]!.messages), "uaus");
  deepEqual(sent[2]!.messages.at(-1), {
    role: "system",
    content: [{ type: "text", text: nudgeText.empty }],
  });
  equal(roles(sent[3]!.messages), "uaus");
  equal(sent[3]!.messages.at(-1)!.content.length, 2);
});

Deno.test("a model that refuses system messages gets notes as text of the user turn", async () => {
  const spec = runSpec({ model: { ...resolveModel("sonnet", null), systemMessages: false } });
  const { sent } = await play({ spec, script: [answer(call("a", "Read")), answer(), submit()] });
  equal(roles(sent[2]!.messages), "uau");
  deepEqual(sent[2]!.messages.at(-1)!.content.at(-1), { type: "text", text: nudgeText.empty });
});

Deno.test("max_tokens: the cut call never runs, the same history goes out once more with the model's maximum", async () => {
  const spec = runSpec();
  const { outcome, sent, asked, log, waitsMs } = await play({
    spec,
    script: [stopped("max_tokens", call("cut", "Edit", { file_path: "x" })), submit()],
  });
  equal(outcome.type, "succeeded");
  deepEqual(asked, [["submit"]]);
  deepEqual(sent[1]!.messages, sent[0]!.messages);
  deepEqual(sent.map((request) => request.maxOutputTokens), [
    FIRST_OUTPUT_TOKENS,
    spec.model.maxOutputTokens,
  ]);
  deepEqual(waitsMs, []);
  const [failed] = failuresOf(log);
  equal(failed!.reason, "output_limit");
  equal(failed!.costMicroUsd, 1_000 * 2 + 100 * 10);
});

Deno.test("max_tokens twice in one turn ends the run; the next turn has its own second chance", async () => {
  const cut = stopped("max_tokens", text("so long"));
  const twice = await play({ script: [cut, cut] });
  equal(twice.outcome.type === "failed" && twice.outcome.reason, "output_limit");
  const later = await play({ script: [cut, answer(call("a", "Read")), cut, submit()] });
  equal(later.outcome.type, "succeeded");
});

Deno.test("max_tokens at the model's maximum is not tried again", async () => {
  const spec = runSpec();
  spec.model = { ...spec.model, maxOutputTokens: FIRST_OUTPUT_TOKENS };
  const { outcome, sent } = await play({ spec, script: [stopped("max_tokens")] });
  equal(outcome.type === "failed" && outcome.reason, "output_limit");
  equal(sent.length, 1);
});

Deno.test("pause_turn: the answer is added and sent again without a word; it counts as a turn", async () => {
  const search = { type: "server_tool_use", id: "s", name: "web_search", input: {} };
  const { outcome, sent, log } = await play({
    script: [stopped("pause_turn", search), answer(text("found"), call("a", "Read")), submit()],
  });
  equal(outcome.type, "succeeded");
  equal(roles(sent[1]!.messages), "ua");
  deepEqual(sent[1]!.messages.at(-1)!.content, [search]);
  // Continued, it is one answer: neighbours of one role are not legal.
  equal(roles(sent[2]!.messages), "uau");
  deepEqual(sent[2]!.messages[1]!.content, [search, text("found"), call("a", "Read")]);
  equal(log.findLast((event) => event.type === "turn_finished")!.turn, 3);
});

Deno.test("a refusal fails the run with its category, is paid, and is not added", async () => {
  const { outcome, log } = await play({
    script: [{ ...stopped("refusal", text("no")), refusal: "cyber" }],
  });
  equal(outcome.type === "failed" && outcome.reason, "refusal");
  match(outcome.type === "failed" ? outcome.message : "", /cyber/);
  const [failed] = failuresOf(log);
  deepEqual([failed!.retryInMs, failed!.usage], [null, usage(1_000, 100)]);
});

Deno.test("an answer cut off at the end of the window fails the run with context_full", async () => {
  const { outcome } = await play({
    script: [stopped("model_context_window_exceeded", text("…"))],
  });
  equal(outcome.type === "failed" && outcome.reason, "context_full");
});

Deno.test("a stop reason that nobody knows yet fails the run instead of running its calls", async () => {
  const { outcome, asked } = await play({ script: [stopped("compaction", call("a", "Edit"))] });
  equal(outcome.type === "failed" && outcome.reason, "internal");
  deepEqual(asked, []);
});

// ---------------------------------------------------------------- waiting and stopping

Deno.test("a call that waits for a person suspends the run; later only the open calls are asked for", async () => {
  const waits = await play({
    script: [answer(call("a", "Read"), call("b", "Edit"), call("c", "Edit"))],
    tools: ({ id }) => id === "a" ? {} : null,
  });
  deepEqual(waits.outcome, { type: "suspended" });
  const resumed = await play({ log: waits.log, script: [submit()] });
  deepEqual(resumed.asked, [["b", "c"], ["submit"]]);
  equal(resumed.outcome.type, "succeeded");
});

Deno.test("a result handed in beside a call that waits for a person counts when that is decided", async () => {
  const waits = await play({
    script: [answer(call("a", "Edit"), call("done", "submit_result", { n: 2 }))],
    tools: ({ id }) => id === "a" ? null : {},
  });
  deepEqual(waits.outcome, { type: "suspended" });
  const resumed = await play({ log: waits.log, script: [] });
  deepEqual(resumed.outcome, { type: "succeeded", result: { n: 2 } });
});

Deno.test("a call without a result is a fault, not an endless loop", async () => {
  const spec = runSpec();
  await rejects(
    async () => {
      const { runLoop } = await import("../agents/loop/loop.ts");
      await runLoop({
        spec,
        log: [finished(1, answer(call("a", "Read")))],
        model: { turn: () => Promise.reject(new Error("not asked")) },
        append: () => Promise.resolve(),
        tools: () => Promise.resolve({ results: [], suspended: false }),
        delta: () => {},
        nowMs: () => 0,
        delay: () => Promise.resolve(),
        random: () => 0,
        signal: new AbortController().signal,
        elapsedMs: 0,
      });
    },
    /the call "a" brought no result/,
  );
});

Deno.test("a run that is told to stop ends as stopped, and saves the answer it has just paid for", async () => {
  const stop = new AbortController();
  const { outcome, log } = await play({
    script: [() => (stop.abort(), answer(call("a", "Read")))],
    signal: stop.signal,
  });
  deepEqual(outcome, { type: "stopped" });
  deepEqual(typesOf(log), ["turn_started", "turn_finished"]);
});

Deno.test("a log that says how the run ended is not added to", async () => {
  const ended = async (event: RunEventBody) =>
    (await play({ log: [{ type: "started", spec: runSpec() }, event], script: [] })).outcome;
  deepEqual(await ended({ type: "succeeded", result: 1 }), { type: "succeeded", result: 1 });
  deepEqual(await ended({ type: "failed", reason: "stuck", message: "m" }), {
    type: "failed",
    reason: "stuck",
    message: "m",
  });
  deepEqual(await ended({ type: "cancelled", by: "owner" }), { type: "stopped" });
});

Deno.test("a request that was cut off gets its end in the log, with the most it may have cost, and is sent again", async () => {
  const { outcome, log, requests } = await play({
    log: [
      { type: "started", spec: runSpec() },
      { type: "turn_started", turn: 1, maxOutputTokens: FIRST_OUTPUT_TOKENS, elapsedMs: 700 },
    ],
    script: [submit()],
  });
  equal(outcome.type, "succeeded");
  equal(requests.length, 1);
  const end = log[2]!;
  deepEqual(end.type === "turn_failed" && [end.turn, end.reason, end.costMicroUsd, end.retryInMs], [
    1,
    "worker_lost",
    0,
    0,
  ]);
  match(
    end.type === "turn_failed" ? end.message : "",
    /it may have cost up to \$0\.1\d+, and is sent again/,
  );
  const again = log[3]!;
  if (again.type !== "turn_started") throw new Error(`not ${again.type}`);
  const { worstTokens, worstCostMicroUsd, ...rest } = again;
  deepEqual(rest, {
    type: "turn_started",
    turn: 1,
    maxOutputTokens: FIRST_OUTPUT_TOKENS,
    elapsedMs: 700,
  });
  ok(worstTokens! > FIRST_OUTPUT_TOKENS && worstCostMicroUsd! >= FIRST_OUTPUT_TOKENS * 10);
  const state = fold(runSpec(), log);
  equal(state.doubt.requests, 1);
  ok(state.doubt.costMicroUsd >= FIRST_OUTPUT_TOKENS * 10);
});

Deno.test("restarts are not the service's failures: they use up no tries", async () => {
  let log: RunEventBody[] = [];
  for (let life = 0; life < 10; life++) {
    const stop = new AbortController();
    ({ log } = await play({
      log,
      signal: stop.signal,
      script: [() => (stop.abort(), broken("worker_lost", { usage: usage(100, 1) }))],
    }));
  }
  equal(failuresOf(log).length, 10);
  const { outcome, waitsMs } = await play({ log, script: [broken("overloaded"), submit()] });
  equal(outcome.type, "succeeded");
  deepEqual(waitsMs, [500]);
  equal(fold(runSpec(), log).costMicroUsd, 10 * (100 * 2 + 10));
});

Deno.test("a run that has ended while a request was on its way gets nothing added", async () => {
  const { outcome, log } = await play({
    log: [
      { type: "started", spec: runSpec() },
      { type: "turn_started", turn: 1, maxOutputTokens: 1 },
      { type: "cancelled", by: "owner" },
    ],
    script: [],
  });
  deepEqual([outcome, log.length], [{ type: "stopped" }, 3]);
});

Deno.test("a log that a newer version wrote is refused, naming the run and the event", () => {
  const newer = { type: "teleported" } as unknown as RunEventBody;
  throws(() => fold(runSpec(), [{ type: "started", spec: runSpec() }, newer]), {
    code: "conflict",
    message: /run "run_1": its event 2 is of the type "teleported".*the run is as it was/,
  });
});

Deno.test("events that only people need change nothing", () => {
  const others: RunEventBody[] = [
    { type: "waiting", reason: "approval", failure: null },
    { type: "resumed", reason: "granted" },
    { type: "checkpoint", turn: 1, commit: "c", files: [] },
    { type: "approval_requested", callId: "a", approvalId: "b", detail: "c" },
    { type: "approval_decided", callId: "a", granted: true, reason: "", by: "owner" },
    { type: "tool_started", turn: 1, call: { id: "a", name: "Read", input: {} } },
  ];
  deepEqual(fold(runSpec(), others), newState(runSpec()));
});
