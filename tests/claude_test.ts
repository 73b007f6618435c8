/** The client against the strict fake server: what it sends, what comes back, and what each fault becomes. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { createClaude } from "../agents/loop/claude.ts";
import { costMicroUsd } from "../agents/loop/cost.ts";
import { isInDoubt } from "../agents/loop/doubt.ts";
import type { WireBlock } from "../agents/demo/wire.ts";
import { resolveModel } from "../agents/models.ts";
import { noUsage } from "../agents/protocol.ts";
import { retryAfterMs } from "../agents/loop/retry_after.ts";
import { type DeltaKind, TurnError, type TurnRequest } from "../agents/loop/turn.ts";
import type { FailureReason } from "../server/states.ts";
import {
  answer,
  broken,
  brokenToolUse,
  failure,
  type FakeClaude,
  type FakeClaudeOptions,
  overloaded,
  rateLimited,
  redactedThinking,
  refusal,
  type Reply,
  serverError,
  spendLimitReached,
  startFakeClaude,
  stopped,
  text,
  thinking,
  toolUse,
  truncatedToolUse,
} from "./fake_claude/mod.ts";
import { play, runSpec } from "./loop_support.ts";

const IDLE_MS = 1_000;
const never = new AbortController().signal;

const claudeFor = (fake: FakeClaude, apiKey = fake.apiKey, idleTimeoutMs = 10_000) =>
  createClaude({ kind: "endpoint", baseUrl: fake.url, apiKey, idleTimeoutMs });

function turnRequest(changes: Partial<TurnRequest> = {}): TurnRequest {
  const { model, system, tools, prompt } = runSpec();
  const messages: TurnRequest["messages"] = [
    { role: "user", content: [{ type: "text", text: prompt }] },
  ];
  return { model, system, tools, messages, maxOutputTokens: 4_000, ...changes };
}

/** One turn with one scripted reply. */
async function ask(reply: Reply, options: { server?: FakeClaudeOptions; idleMs?: number } = {}) {
  await using fake = startFakeClaude(options.server);
  fake.enqueue(reply);
  const deltas: [DeltaKind, string][] = [];
  const turn = claudeFor(fake, fake.apiKey, options.idleMs).turn(turnRequest(), {
    signal: never,
    onDelta: (kind, text) => deltas.push([kind, text]),
  });
  const result = await turn.then(
    (answer) => ({ answer, error: null }),
    (error: unknown) => {
      ok(error instanceof TurnError, String(error));
      return { answer: null, error };
    },
  );
  return { ...result, deltas, fake };
}

const joined = (deltas: [DeltaKind, string][], kind: DeltaKind) =>
  deltas.filter(([k]) => k === kind).map(([, text]) => text).join("");

// ---------------------------------------------------------------- answers

Deno.test("a turn brings blocks, stop reason, usage and request id, and streams on the way", async () => {
  const { answer: got, deltas } = await ask(
    answer(
      thinking("Let me see."),
      redactedThinking(),
      text("I read it."),
      toolUse("Read", { file_path: "a.txt" }),
      toolUse("Read", {}),
    ),
  );
  deepEqual(got!.content.map(({ type }) => type), [
    "thinking",
    "redacted_thinking",
    "text",
    "tool_use",
    "tool_use",
  ]);
  deepEqual(got!.content.slice(3).map((block) => (block as { input: unknown }).input), [
    { file_path: "a.txt" },
    {},
  ]);
  equal(got!.stopReason, "tool_use");
  match(got!.requestId!, /^req_/);
  ok(got!.usage.inputTokens > 0 && got!.usage.outputTokens > 0);
  equal(joined(deltas, "thinking"), "Let me see.");
  equal(joined(deltas, "text"), "I read it.");
  match(joined(deltas, "tool"), /^Read \{"file_path":"a.txt"\}\nRead /);
});

Deno.test("system and the end of the history are cached; thinking is summarized; effort is explicit", async () => {
  const { fake } = await ask(answer("ok"));
  const body = fake.accepted[0]!.body;
  deepEqual((body.system as WireBlock[])[0]!.cache_control, { type: "ephemeral" });
  deepEqual(body.cache_control, { type: "ephemeral" });
  deepEqual(body.thinking, { type: "adaptive", display: "summarized" });
  deepEqual(body.output_config, { effort: "high" });
  deepEqual(body.tools!.map((tool) => Object.keys(tool)), [
    ["name", "description", "input_schema"],
    ["name", "description", "input_schema"],
    ["name", "description", "input_schema"],
  ]);
});

Deno.test("a model without thinking and effort is not sent either", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(answer("ok"));
  const model = resolveModel("claude-haiku-4-5", null);
  await claudeFor(fake).turn(turnRequest({ model }), { signal: never, onDelta: () => {} });
  const body = fake.accepted[0]!.body;
  deepEqual([body.thinking, body.output_config], [undefined, undefined]);
});

Deno.test("a whole run is legal for a strict server, reads its cache, and adds up to the same cost", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(
    answer(thinking("One."), toolUse("Read", { file_path: "a" }), toolUse("Read", {})),
    answer("I think that is all."),
    stopped("max_tokens", truncatedToolUse("Edit", { file_path: "a", old_string: "bcd" }, 20)),
    answer(thinking("Two."), toolUse("Edit", { file_path: "a" })),
    answer(toolUse("submit_result", { status: "done" })),
  );
  const spec = runSpec({
    system: "You are the feature-dev agent of Gaffer.\n" + "Care. ".repeat(2_000),
  });
  const { outcome, log } = await play({ spec, model: claudeFor(fake), script: [] });
  deepEqual(outcome, { type: "succeeded", result: { status: "done" } });
  equal(fake.requests.filter(({ status }) => status !== 200).length, 0);
  const turns = log.filter((event) => event.type === "turn_finished");
  ok(turns.slice(1).every(({ usage }) => usage.cacheReadTokens > 0));
  const paid = log.reduce(
    (sum, event) => sum + ("costMicroUsd" in event ? event.costMicroUsd : 0),
    0,
  );
  ok(
    paid - fake.costMicroUsd >= 0 && paid - fake.costMicroUsd < 5,
    `${paid}, ${fake.costMicroUsd}`,
  );
});

Deno.test("a refusal brings its category and no content", async () => {
  const { answer: got } = await ask(refusal("cyber"));
  deepEqual([got!.stopReason, got!.refusal, got!.content], ["refusal", "cyber", []]);
});

Deno.test("a tool call that was cut at max_tokens is not handed on", async () => {
  const { answer: got } = await ask(
    stopped("max_tokens", truncatedToolUse("Edit", { file_path: "a", old_string: "b" }, 20)),
  );
  deepEqual([got!.stopReason, got!.content], ["max_tokens", []]);
});

// ---------------------------------------------------------------- refusals

const refused: [string, Reply, FailureReason, number | null][] = [
  ["400", failure("invalid_request_error", "messages.1: wrong"), "invalid_request", null],
  ["401", failure("authentication_error", "invalid API key"), "authentication", null],
  ["402", failure("billing_error", "no credit"), "billing", null],
  ["403", failure("permission_error", "not yours"), "permission", null],
  ["404", failure("not_found_error", "model: x"), "model_not_found", null],
  ["409", failure("conflict_error", "twice"), "server_error", null],
  ["413", failure("request_too_large", "32 MB"), "invalid_request", null],
  ["429", rateLimited(7), "rate_limited", 7_000],
  ["429 without retry-after", rateLimited(), "rate_limited", null],
  ["429 at the spending limit", spendLimitReached(), "spend_limit", null],
  ["500", serverError(), "server_error", null],
  ["504", failure("timeout_error", "late"), "server_error", null],
  ["529", overloaded(), "overloaded", null],
];
for (const [name, reply, reason, retryAfterMs] of refused) {
  Deno.test(`${name} becomes ${reason}, after one request`, async () => {
    const { error, fake } = await ask(reply);
    equal(error!.reason, reason);
    deepEqual(error!.details, { retryAfterMs, usage: noUsage });
    match(error!.message, /^Cannot get an answer from the model: \d{3} .*\(request req_/);
    equal(fake.requests.length, 1);
  });
}

Deno.test("retryAfterMs() reads milliseconds, seconds, a date, or the reset of the used-up limit", () => {
  const nowMs = Date.parse("2026-01-02T03:04:05Z");
  const read = (headers: Record<string, string>) => retryAfterMs(new Headers(headers), nowMs);
  equal(read({ "retry-after-ms": "1500.2", "retry-after": "9" }), 1_501);
  equal(read({ "retry-after": "9" }), 9_000);
  equal(read({ "retry-after": "Fri, 02 Jan 2026 03:05:05 GMT" }), 60_000);
  equal(read({ "retry-after": "Fri, 02 Jan 2026 03:00:00 GMT" }), 0);
  equal(read({ "retry-after": "soon" }), null);
  equal(read({ "retry-after": "Infinity" }), 86_400_000);
  const limits = {
    "anthropic-ratelimit-input-tokens-remaining": "0",
    "anthropic-ratelimit-input-tokens-reset": "2026-01-02T03:04:35Z",
    "anthropic-ratelimit-requests-remaining": "12",
    "anthropic-ratelimit-requests-reset": "2026-01-02T04:04:05Z",
  };
  equal(read(limits), 30_000);
  equal(read({ ...limits, "retry-after": "2" }), 2_000);
  equal(read({}), null);
});

Deno.test("a server that echoes the key does not bring it into the error", async () => {
  const { error, fake } = await ask(failure("authentication_error", "no such key: test-key"));
  equal(fake.apiKey, "test-key");
  match(error!.message, /no such key: \[key\]/);
});

Deno.test("a refusal that is not JSON, as an edge server sends it, is read by its status", async () => {
  const html = `<html>${"too large ".repeat(10_000)}</html>`;
  await using server = lenientServer(new Response(html, { status: 413 }));
  await rejects(
    server.claude.turn(turnRequest(), { signal: never, onDelta: () => {} }),
    (error: TurnError) => error.reason === "invalid_request" && error.message.length < 700,
  );
});

Deno.test("an endpoint that counts in nulls and fractions still gives whole numbers", async () => {
  const events = [
    {
      type: "message_start",
      message: { type: "message", role: "assistant", content: [], usage: { input_tokens: 7.5 } },
    },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hi" } },
    { type: "content_block_stop", index: 0 },
    {
      type: "message_delta",
      delta: { stop_reason: "end_turn" },
      usage: { output_tokens: null, input_tokens: null },
    },
    { type: "message_stop" },
  ];
  const body = events.map((e) => `event: ${e.type}\ndata: ${JSON.stringify(e)}\n\n`).join("");
  await using server = lenientServer(
    new Response(body, { headers: { "content-type": "text/event-stream" } }),
  );
  const got = await server.claude.turn(turnRequest(), { signal: never, onDelta: () => {} });
  deepEqual(got, {
    content: [{ type: "text", text: "Hi" }],
    stopReason: "end_turn",
    refusal: null,
    usage: { ...noUsage, inputTokens: 8 },
    requestId: null,
  });
});

/** Gives one answer, whatever it is asked. */
function lenientServer(response: Response) {
  const http = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    () => response,
  );
  const baseUrl = `http://127.0.0.1:${http.addr.port}`;
  return {
    claude: createClaude({ kind: "endpoint", baseUrl, apiKey: "k-1", idleTimeoutMs: 10_000 }),
    [Symbol.asyncDispose]: () => http.shutdown(),
  };
}

// ---------------------------------------------------------------- broken streams

const spoken = answer(text("Half of a sentence"), toolUse("Read", { file_path: "a" }));
const brokenStreams: [string, Reply, FailureReason][] = [
  ["the end before any event", broken(spoken, { type: "eof", after: "headers" }), "stream_broken"],
  [
    "the end in a block",
    broken(spoken, { type: "eof", after: "content_block_delta" }),
    "stream_broken",
  ],
  [
    "the end before message_stop",
    broken(spoken, { type: "eof", after: "message_delta" }),
    "stream_broken",
  ],
  ["a reset", broken(spoken, { type: "reset", after: "content_block_delta" }), "stream_broken"],
  [
    "an overloaded_error in the stream",
    broken(spoken, { type: "error", after: 3, error: "overloaded_error", message: "busy" }),
    "overloaded",
  ],
  [
    "an api_error in the stream",
    broken(spoken, { type: "error", after: 3, error: "api_error", message: "oops" }),
    "server_error",
  ],
  [
    "tool input that is not JSON",
    answer(brokenToolUse("Read", '{"file_path": nope}')),
    "stream_broken",
  ],
  [
    "tool input that is cut off",
    answer(brokenToolUse("Read", '{"file_path": "a", "off')),
    "stream_broken",
  ],
  ["tool input that is no object", answer(brokenToolUse("Read", '["a"]')), "stream_broken"],
];
for (const [name, reply, reason] of brokenStreams) {
  Deno.test(`${name} becomes ${reason}, after one request`, async () => {
    const { error, fake } = await ask(reply);
    equal(error?.reason, reason);
    equal(fake.requests.length, 1);
  });
}

Deno.test("a run gets over every fault of the way, and its log tells of each", async () => {
  await using fake = startFakeClaude();
  const half = answer(thinking("Hm."), "Half a sentence");
  fake.enqueue(
    broken(half, { type: "eof", after: "message_delta" }),
    broken(half, { type: "reset", after: "content_block_delta" }),
    broken(half, { type: "hold", after: "message_start" }),
    answer(thinking("Go."), toolUse("Read", { file_path: "a" })),
    overloaded(),
    rateLimited(2),
    answer(brokenToolUse("Edit", "{")),
    answer(toolUse("submit_result", { status: "done" })),
  );
  const { outcome, log, waitsMs } = await play({
    model: claudeFor(fake, fake.apiKey, IDLE_MS),
    script: [],
  });
  equal(outcome.type, "succeeded");
  deepEqual(log.flatMap((event) => event.type === "turn_failed" ? event.reason : []), [
    "stream_broken",
    "stream_broken",
    "stalled",
    "overloaded",
    "rate_limited",
    "stream_broken",
  ]);
  deepEqual(waitsMs, [500, 1_000, 2_000, 500, 2_000, 2_000]);
});

Deno.test("a fault of our own is not taken for a broken stream", async () => {
  await using fake = startFakeClaude();
  const request = turnRequest({ tools: null as unknown as [] });
  await rejects(claudeFor(fake).turn(request, { signal: never, onDelta: () => {} }), TypeError);
});

Deno.test("what message_start told of the usage is kept when the stream breaks", async () => {
  const { error, fake } = await ask(
    broken(spoken, { type: "reset", after: "content_block_delta" }),
  );
  ok(error!.details.usage.inputTokens > 0);
  const model = runSpec().model;
  equal(costMicroUsd(model, error!.details.usage), Math.ceil(fake.costMicroUsd));
});

Deno.test("silence ends the request as stalled, before the headers as well as in the stream", async () => {
  const inStream = await ask(broken(spoken, { type: "hold", after: "content_block_delta" }), {
    idleMs: IDLE_MS,
  });
  equal(inStream.error!.reason, "stalled");
  ok(inStream.error!.details.usage.inputTokens > 0);
  const gate = Promise.withResolvers<Reply>();
  await using fake = startFakeClaude({ reply: () => gate.promise });
  await rejects(
    claudeFor(fake, fake.apiKey, IDLE_MS).turn(turnRequest(), { signal: never, onDelta: () => {} }),
    (error: TurnError) => error.reason === "stalled",
  );
  gate.resolve(answer("too late"));
});

Deno.test("nobody listens: network, with what the system says, and nothing can have been paid", async () => {
  const fake = startFakeClaude();
  await fake.close();
  await rejects(
    claudeFor(fake).turn(turnRequest(), { signal: never, onDelta: () => {} }),
    ({ reason, message, details: { usage } }: TurnError) => {
      match(message, /no connection to it: tcp connect error: Connection refused/);
      equal(message.includes("http"), false, message);
      return reason === "network" && !isInDoubt(reason, usage);
    },
  );
});

Deno.test("a connection that breaks before the answer has begun leaves in doubt what the request cost", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const hangUp = (async () => {
    const connection = await listener.accept();
    await connection.read(new Uint8Array(64 * 1024));
    connection.close();
  })();
  const { port } = listener.addr as Deno.NetAddr;
  const claude = createClaude({
    kind: "endpoint",
    baseUrl: `http://127.0.0.1:${port}`,
    apiKey: "a-key-of-the-test",
    idleTimeoutMs: 10_000,
  });
  await rejects(
    claude.turn(turnRequest(), { signal: never, onDelta: () => {} }),
    ({ reason, message, details: { usage } }: TurnError) => {
      match(message, /the connection broke: connection closed before message completed/);
      return reason === "stream_broken" && isInDoubt(reason, usage);
    },
  );
  await hangUp;
});

Deno.test("a stop ends the request at once, and says what it is known to have cost", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(broken(spoken, { type: "hold", after: "content_block_delta" }));
  const stop = new AbortController();
  await rejects(
    claudeFor(fake).turn(turnRequest(), {
      signal: stop.signal,
      onDelta: () => stop.abort(),
    }),
    (error: TurnError) => {
      equal(error.reason, "worker_lost");
      equal(costMicroUsd(runSpec().model, error.details.usage), Math.ceil(fake.costMicroUsd));
      return fake.costMicroUsd > 0;
    },
  );
});

Deno.test("half of a character in what tools, people or servers said is sent as U+FFFD, what the model said as it came", async () => {
  await using fake = startFakeClaude();
  const half = "\ud83d";
  const spec = runSpec({ system: `You ${half}` });
  spec.tools[0] = {
    ...spec.tools[0]!,
    description: `Reads ${half}`,
    inputSchema: { type: "object", properties: { [`a${half}`]: { enum: [half] } } },
  };
  const whole = text("A smile: \u{1f600}");
  fake.enqueue(answer(whole, toolUse("Read")), answer(toolUse("submit_result")));
  const claude = claudeFor(fake);
  const { outcome, log } = await play({
    spec,
    script: [],
    model: claude,
    tools: ({ name }) => ({ content: name === "Read" ? `${half} cut here` : "taken" }),
  });
  equal(outcome.type, "succeeded");
  const sent = JSON.stringify(fake.requests[1]!.body);
  ok(sent.includes("\ufffd cut here") && sent.includes("A smile: \u{1f600}"));
  ok(sent.includes('"a\ufffd":{"enum":["\ufffd"]}'));
  const results = log.flatMap((event) =>
    event.type === "tool_finished" ? event.result.content : []
  );
  equal(results[0], `${half} cut here`, "the log keeps what was said");
});
