/** The strict fake Claude server as the vendor's own SDK sees it: streams, faults, the tool runner. */
import Anthropic, { type APIError } from "@anthropic-ai/sdk";
import { deepStrictEqual as deepEqual, equal, match, ok, rejects } from "node:assert";
import {
  answer,
  broken,
  brokenToolUse,
  costMicroUsd,
  failure,
  type Fault,
  overloaded,
  rateLimited,
  redactedThinking,
  refusal,
  type Reply,
  serverError,
  slow,
  spendLimitReached,
  startFakeClaude,
  stopped,
  text,
  thinking,
  toolUse,
  truncatedToolUse,
  unauthorized,
} from "./fake_claude/mod.ts";
import { body, clientFor, MODEL, post, send } from "./fake_claude/support.ts";

const params = {
  model: MODEL,
  max_tokens: 1_000,
  messages: [{ role: "user" as const, content: "hi" }],
};

/** What the SDK makes of one scripted reply. */
async function streamed(reply: Reply): Promise<{ message?: Anthropic.Message; error?: Error }> {
  await using fake = startFakeClaude();
  fake.enqueue(reply);
  return await clientFor(fake).messages.stream(params).finalMessage()
    .then((message) => ({ message }), (error) => ({ error }));
}

// ---------------------------------------------------------------- answers

Deno.test("the SDK folds a stream into the same message as the plain reply", async () => {
  await using fake = startFakeClaude();
  const client = clientFor(fake);
  const reply = answer(
    thinking("What is in the file?"),
    redactedThinking(),
    "I read it. 🙂 Ünïcödé that is longer than one chunk",
    toolUse("Read", { file_path: "a.txt", limit: 3, nested: { list: [1, "two", null] } }, "call_a"),
    toolUse("Glob", {}, "call_b"),
  );
  fake.enqueue(reply, reply);
  const request = {
    ...params,
    thinking: { type: "adaptive" as const, display: "summarized" as const },
  };
  const plain = await client.messages.create(request);
  const stream = await client.messages.stream(request).finalMessage();
  // The SDK's stream helper adds `parsed_output`; the ids differ since there were two requests.
  const comparable = (message: Anthropic.Message) => {
    const { id: _, parsed_output: __, ...rest } = JSON.parse(JSON.stringify(message));
    return rest;
  };
  deepEqual(comparable(stream), comparable(plain));
  deepEqual(plain.content.map((block) => block.type), [
    "thinking",
    "redacted_thinking",
    "text",
    "tool_use",
    "tool_use",
  ]);
  equal(plain.stop_reason, "tool_use");
  ok(plain.usage.output_tokens_details!.thinking_tokens > 0);
});

Deno.test("thinking is empty unless it is to be summarised, and costs the same", async () => {
  await using fake = startFakeClaude();
  const reply = answer(thinking("A long thought about many things"), "Done");
  fake.enqueue(reply, reply);
  const hidden = await clientFor(fake).messages.stream(params).finalMessage();
  const shown = await clientFor(fake).messages.stream({
    ...params,
    thinking: { type: "adaptive", display: "summarized" },
  }).finalMessage();
  const textOf = (m: Anthropic.Message) =>
    m.content[0]!.type === "thinking" && m.content[0].thinking;
  equal(textOf(hidden), "");
  equal(textOf(shown), "A long thought about many things");
  equal(hidden.usage.output_tokens, shown.usage.output_tokens);
});

Deno.test("every event is named by its type, and a ping may come anywhere", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(answer("Hello", toolUse("Read", { a: 1 })));
  const response = await fetch(fake.url + "/v1/messages", {
    method: "POST",
    headers: {
      "x-api-key": fake.apiKey,
      "anthropic-version": "2023-06-01",
      "content-type": "application/json",
    },
    body: JSON.stringify(body({ stream: true })),
  });
  match(response.headers.get("content-type")!, /^text\/event-stream/);
  equal(response.headers.get("request-id"), "req_000001");
  const events = (await response.text()).trimEnd().split("\n\n").map((event) => {
    const [, name, data] = event.match(/^event: (\w+)\ndata: (.*)$/)!;
    const json = JSON.parse(data!);
    equal(json.type, name);
    return json;
  });
  deepEqual(events.map((event) => event.type), [
    "message_start",
    "ping",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
    "content_block_start",
    "content_block_delta",
    "content_block_delta",
    "content_block_stop",
    "message_delta",
    "message_stop",
  ]);
  deepEqual(events[0].message.content, []);
  equal(events[0].message.stop_reason, null);
  equal(events[6].delta.partial_json, "", "the first fragment of an input is empty");
});

Deno.test("an answer longer than max_tokens is cut, and a cut tool call keeps its complete keys", async () => {
  await using fake = startFakeClaude();
  const long = "x".repeat(400);
  fake.enqueue(
    answer(long),
    answer("Short", toolUse("Write", { file_path: "a.txt", content: long })),
  );
  const ask = () => clientFor(fake).messages.stream({ ...params, max_tokens: 30 }).finalMessage();
  const cutText = await ask();
  equal(cutText.stop_reason, "max_tokens");
  equal(cutText.usage.output_tokens, 30);
  const cutCall = await ask();
  equal(cutCall.stop_reason, "max_tokens");
  const call = cutCall.content.find((block) => block.type === "tool_use");
  deepEqual(call?.input, { file_path: "a.txt" });
});

Deno.test("max_tokens 0 warms the cache and asks no script", async () => {
  await using fake = startFakeClaude({ reply: () => answer("never asked for") });
  const { json } = await post(fake, body({ max_tokens: 0 }));
  deepEqual([json.content, json.stop_reason, json.usage.output_tokens], [[], "max_tokens", 0]);
});

Deno.test("stop reasons arrive as they were scripted", async () => {
  equal((await streamed(refusal("cyber", "No."))).message?.stop_details?.category, "cyber");
  equal((await streamed(stopped("pause_turn", "Wait"))).message?.stop_reason, "pause_turn");
  equal((await streamed(stopped("end_turn"))).message?.content.length, 0);
  const { message } = await streamed(
    stopped("max_tokens", truncatedToolUse("Write", { file_path: "a.txt", content: "long" }, 30)),
  );
  equal(message?.stop_reason, "max_tokens");
  deepEqual(message?.content[0]?.type === "tool_use" && message.content[0].input, {
    file_path: "a.txt",
  });
});

// ---------------------------------------------------------------- faults, as the SDK sees them

for (const after of ["headers", "message_start", "content_block_delta", "message_delta"] as const) {
  Deno.test(`a stream that ends after ${after} without message_stop throws and is not retried`, async () => {
    await using fake = startFakeClaude();
    fake.enqueue(broken(answer("Hello there"), { type: "eof", after }));
    const error = await clientFor(fake, 2).messages.stream(params).finalMessage().catch((e) => e);
    ok(error instanceof Anthropic.AnthropicError && !(error instanceof Anthropic.APIError));
    equal(fake.requests.length, 1);
    equal(fake.requests[0]!.ending, "cut");
  });
}

Deno.test("a connection that breaks in mid-stream throws and is not retried", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(broken(answer("Hello there"), { type: "reset", after: "content_block_delta" }));
  const error = await clientFor(fake, 2).messages.stream(params).finalMessage().catch((e) => e);
  ok(error instanceof Anthropic.AnthropicError && !(error instanceof Anthropic.APIError));
  equal(fake.requests.length, 1);
});

Deno.test("an error event in mid-stream throws APIError with a type and no status", async () => {
  const { error } = await streamed(broken(answer("Hello there"), {
    type: "error",
    after: "content_block_delta",
    error: "overloaded_error",
    message: "Overloaded",
  }));
  ok(error instanceof Anthropic.APIError);
  equal(error.status, undefined);
  equal(error.type, "overloaded_error");
});

Deno.test("invalid JSON of a tool call throws", async () => {
  const { error } = await streamed(answer(brokenToolUse("Read", '{"file_path": nope}')));
  ok(error instanceof Anthropic.AnthropicError);
});

Deno.test("a stall after the headers lasts until the client gives up", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(broken(answer("Hello"), { type: "hold", after: "headers" }));
  const stream = clientFor(fake).messages.stream(params);
  const failed = rejects(stream.finalMessage(), Anthropic.APIUserAbortError);
  await stream.withResponse();
  equal(fake.requests[0]!.ending, null);
  stream.abort();
  await failed;
  const { billed } = await fake.waitFor((request) => request.ending === "disconnected");
  equal(billed, null, "nothing was said, so nothing is to be paid");
});

Deno.test("a held answer goes on when the test lets it", async () => {
  await using fake = startFakeClaude();
  const { promise: until, resolve: release } = Promise.withResolvers<void>();
  fake.enqueue(broken(answer("Hello"), { type: "hold", after: "message_start", until }));
  const message = clientFor(fake).messages.stream(params).finalMessage();
  await fake.waitFor((request) => request.billed !== null && request.ending === null);
  release();
  equal((await message).stop_reason, "end_turn");
});

Deno.test("slow tokens wait before each event by the server's own delay", async () => {
  const waits: number[] = [];
  await using fake = startFakeClaude({
    delay: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
  });
  fake.enqueue(slow(answer("Hello"), 250));
  await clientFor(fake).messages.stream(params).finalMessage();
  deepEqual(waits, Array(7).fill(250));
});

Deno.test("refusals arrive as the SDK's own error classes, each with its request id", async () => {
  const cases = [
    [unauthorized(), Anthropic.AuthenticationError, 401],
    [failure("billing_error", "Pay first"), Anthropic.PaymentRequiredError, 402],
    [failure("permission_error", "Not you"), Anthropic.PermissionDeniedError, 403],
    [failure("not_found_error", "model: x"), Anthropic.NotFoundError, 404],
    [failure("conflict_error", "Twice"), Anthropic.ConflictError, 409],
    [failure("request_too_large", "Too much"), Anthropic.ContentTooLargeError, 413],
    [rateLimited(), Anthropic.RateLimitError, 429],
    [serverError(), Anthropic.InternalServerError, 500],
    [failure("timeout_error", "Too slow"), Anthropic.GatewayTimeoutError, 504],
    [overloaded(), Anthropic.OverloadedError, 529],
  ] as const;
  for (const [reply, type, status] of cases) {
    const { error } = await streamed(reply);
    ok(error instanceof type, `${status}: ${error}`);
    equal(error.status, status);
    equal(error.requestID, "req_000001");
    equal(error.type, reply.error);
  }
});

Deno.test("429 has retry-after only when it was given, and the spending limit has its own code", async () => {
  const waiting = (await streamed(rateLimited(7))).error as APIError;
  equal(waiting.headers?.get("retry-after"), "7");
  const silent = (await streamed(rateLimited())).error as APIError;
  equal(silent.headers?.get("retry-after"), null);
  const limit = (await streamed(spendLimitReached())).error as APIError;
  equal(limit.errorCode, "enforced_spend_limit_reached");
  equal(limit.headers?.get("retry-after"), null);
});

Deno.test("the SDK retries an overloaded server, and each try is recorded", async () => {
  await using fake = startFakeClaude({ headers: { "retry-after-ms": "1" } });
  fake.enqueue(overloaded(), rateLimited(), answer("At last"));
  const message = await clientFor(fake, 2).messages.stream(params).finalMessage();
  equal(message.stop_reason, "end_turn");
  deepEqual(fake.requests.map((request) => request.status), [529, 429, 200]);
  equal(fake.paidTurns, 1);
});

Deno.test("a request that no script answers fails loudly and is not retried", async () => {
  await using fake = startFakeClaude();
  await rejects(clientFor(fake, 2).messages.stream(params).finalMessage(), /no reply is scripted/);
  equal(fake.requests.length, 1);
});

// ---------------------------------------------------------------- the record

Deno.test("a scripted reply sees the request, and the record says what each answer cost", async () => {
  await using fake = startFakeClaude({
    reply: ({ agent, turn, results }) =>
      turn === 1
        ? answer(toolUse("Read", { file_path: "a" }))
        : answer(`${agent} saw ${results[0]!.name}: ${results[0]!.content}`),
  });
  const client = clientFor(fake);
  const system = "You are the clarifier agent of Gaffer.\nAsk well.";
  const first = await client.messages.stream({ ...params, system }).finalMessage();
  const call = first.content[0]! as Anthropic.ToolUseBlock;
  const second = await client.messages.stream({
    ...params,
    system,
    messages: [
      ...params.messages,
      { role: "assistant", content: first.content },
      { role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "text" }] },
    ],
  }).finalMessage();
  deepEqual(second.content.map((b) => b.type === "text" && b.text), ["clarifier saw Read: text"]);
  deepEqual(
    fake.accepted.map(({ number, agent, turn, prompt }) => ({ number, agent, turn, prompt })),
    [
      { number: 1, agent: "clarifier", turn: 1, prompt: "hi" },
      { number: 2, agent: "clarifier", turn: 2, prompt: "hi" },
    ],
  );
  equal(fake.paidTurns, 2);
  const price = ({ usage }: Anthropic.Message) => usage.input_tokens * 4 + usage.output_tokens * 20;
  equal(fake.costMicroUsd, price(first) + price(second));
});

Deno.test("what was said before a break is to be paid, and no more", async () => {
  const billed = async (fault: Fault) => {
    await using fake = startFakeClaude();
    fake.enqueue(broken(answer("Hello there, this is a long answer"), fault));
    await clientFor(fake).messages.stream(params).finalMessage().catch(() => {});
    const { billed } = await fake.waitFor((request) => request.ending === "cut");
    return billed?.output_tokens ?? null;
  };
  equal(await billed({ type: "eof", after: "headers" }), null);
  equal(await billed({ type: "eof", after: "content_block_delta" }), 1);
  equal(await billed({ type: "eof", after: "message_delta" }), 12);
});

Deno.test("costMicroUsd() prices every counter, and a long Haiku prompt by its own band", () => {
  const usage = (input_tokens: number, read = 0) => ({
    input_tokens,
    output_tokens: 10,
    cache_creation_input_tokens: 300,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: 100, ephemeral_1h_input_tokens: 200 },
    output_tokens_details: { thinking_tokens: 0 },
    server_tool_use: null,
    service_tier: "standard" as const,
    speed: "standard" as const,
    inference_geo: null,
  });
  equal(costMicroUsd("claude-opus-5-5", usage(50, 1_000)), 200 + 500 + 1_600 + 200 + 200);
  const close = (a: number, b: number) => ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);
  close(costMicroUsd("claude-haiku-5-5", usage(99_700)), 9_970 + 12.5 + 40 + 5);
  close(costMicroUsd("claude-haiku-5-5", usage(99_700, 1)), 49_850 + 62.5 + 200 + 0.05 + 25);
});

// ---------------------------------------------------------------- the SDK's own tool runner

const adder = {
  type: "custom" as const,
  name: "add",
  description: "Adds numbers",
  input_schema: {
    type: "object" as const,
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
  },
  parse: (input: unknown) => input as { a: number; b: number },
  run: ({ a, b }: { a: number; b: number }) => String(a + b),
};

/** Adds twice, thinking as it goes, then says the sum. */
const adding = (request: { turn: number; results: { content: string }[] }): Reply => {
  switch (request.turn) {
    case 1:
      return answer(
        thinking("First these"),
        toolUse("add", { a: 1, b: 2 }),
        toolUse("add", { a: 3, b: 4 }),
      );
    case 2:
      return answer(
        thinking("Then those"),
        toolUse("add", {
          a: Number(request.results[0]!.content),
          b: Number(request.results[1]!.content),
        }),
      );
    default:
      return answer(text(`The sum is ${request.results[0]!.content}`));
  }
};

for (
  const [how, server, runner] of [
    ["with threads", { threads: true }, {}],
    ["where threads are not available", { threads: false }, {}],
    ["without threads", { threads: false }, { thread: false as const }],
  ] as const
) {
  for (const stream of [true, false]) {
    Deno.test(`toolRunner ${how} works ${stream ? "streaming" : "plain"}, signatures and all`, async () => {
      await using fake = startFakeClaude({ ...server, reply: adding });
      const final = await clientFor(fake).beta.messages.toolRunner({
        model: MODEL,
        max_tokens: 1_000,
        messages: [{ role: "user", content: "Add 1, 2, 3 and 4" }],
        tools: [adder],
        stream,
        ...runner,
      });
      deepEqual(final.content.map((b) => b.type === "text" && b.text), ["The sum is 10"]);
      equal(fake.paidTurns, 3);
      const sent = fake.requests.filter(({ status }) => status === 200)
        .map(({ body }) => (body as { messages: unknown[] }).messages.length);
      deepEqual(sent, server.threads ? [1, 1, 1] : [1, 3, 5], "a thread sends only what is new");
      deepEqual(fake.accepted.map(({ body }) => body.messages.length), [1, 3, 5]);
    });
  }
}

Deno.test("a thread that can't go on is refused as the API does it", async () => {
  await using fake = startFakeClaude({ threads: true, reply: () => answer("Yes") });
  const beta = { "anthropic-beta": "message-threads-2026-08-12" };
  const create = body({ thread: { type: "create" }, system: "Be brief." });
  equal((await post(fake, create)).status, 400, "without the beta it is an unknown field");
  const { json: first } = await post(fake, create, beta);
  const next = (changes = {}) =>
    post(
      fake,
      body({ thread: { type: "continue", previous_message_id: first.id }, ...changes }),
      beta,
    );
  const changed = await next({ system: "Be long." });
  equal(changed.json.error.details.error_code, "thread_fingerprint_mismatch");
  equal((await next()).status, 200);
  const again = await next();
  deepEqual([again.status, again.json.error.details.error_code], [400, "thread_already_continued"]);
  const lost = await next({ thread: { type: "continue", previous_message_id: "msg_none" } });
  deepEqual([lost.status, lost.json.error.details.error_code], [404, "thread_not_found"]);
});

Deno.test("a thread whose answer broke off can be continued again, but not while one is on its way", async () => {
  await using fake = startFakeClaude({ threads: true });
  const beta = { "anthropic-beta": "message-threads-2026-08-12" };
  fake.enqueue(answer("One"));
  const { json: first } = await post(fake, body({ thread: { type: "create" } }), beta);
  const thread = { type: "continue", previous_message_id: first.id };
  const client = clientFor(fake);
  fake.enqueue(broken(answer("Two"), { type: "hold", after: "message_start" }));
  const stream = client.messages.stream(
    { ...params, thread } as Anthropic.MessageCreateParams,
    { headers: beta },
  );
  const failed = rejects(stream.finalMessage());
  await fake.waitFor((request) => request.number === 2 && request.billed !== null);
  const meanwhile = await post(fake, body({ thread }), beta);
  equal(meanwhile.json.error.details.error_code, "thread_continue_in_flight");
  stream.abort();
  await failed;
  await fake.waitFor((request) => request.number === 2 && request.ending === "disconnected");
  fake.enqueue(answer("Two"));
  equal((await post(fake, body({ thread }), beta)).status, 200);
});

// ---------------------------------------------------------------- headers and other endpoints

Deno.test("both ways to send a key and both versions are accepted, anything else is refused", async () => {
  await using fake = startFakeClaude({ reply: () => answer("Hello") });
  const status = async (headers: Record<string, string>) =>
    (await post(fake, body(), headers)).status;
  equal(await status({}), 200);
  equal(await status({ "authorization": "", "x-api-key": fake.apiKey }), 200);
  equal(await status({ "anthropic-version": "2023-06-01" }), 200);
  equal(await status({ "anthropic-beta": "files-api-2025-04-14, context-1m-2025-08-07" }), 200);
  equal(await status({ "authorization": "" }), 401);
  equal(await status({ "authorization": "Bearer wrong" }), 401);
  equal(await status({ "anthropic-version": "" }), 400);
  equal(await status({ "anthropic-version": "2025-01-01" }), 400);
  equal(await status({ "anthropic-beta": "no-such-beta" }), 400);
  equal(await status({ "content-type": "text/plain" }), 400);
});

Deno.test("every reply has a request id, refusals too, and they agree with the body", async () => {
  await using fake = startFakeClaude();
  const replies = [
    await post(fake, "{not json"),
    await send(fake, "/v1/nothing", { method: "GET" }),
    await send(fake, "/v1/models", { method: "GET" }),
    await post(fake, body(), { authorization: "" }),
  ];
  deepEqual(replies.map(({ status }) => status), [400, 404, 200, 401]);
  deepEqual(
    replies.map(({ headers }) => headers.get("request-id")),
    ["req_000001", "req_000002", "req_000003", "req_000004"],
  );
  equal(replies[0]!.json.request_id, "req_000001");
  equal(replies[0]!.json.type, "error");
});

Deno.test("a body over 32 MB is too large", async () => {
  await using fake = startFakeClaude();
  const { status, json } = await post(fake, " ".repeat(32 * 1024 * 1024 + 1));
  deepEqual([status, json.error.type], [413, "request_too_large"]);
});

Deno.test("headers given at the start are on every reply, in whatever form it comes", async () => {
  await using fake = startFakeClaude({
    headers: { "anthropic-ratelimit-requests-remaining": "3" },
    reply: () => answer("Hello"),
  });
  const { response } = await clientFor(fake).messages.stream(params).withResponse();
  equal(response.headers.get("anthropic-ratelimit-requests-remaining"), "3");
  const { headers } = await post(fake, "{");
  equal(headers.get("anthropic-ratelimit-requests-remaining"), "3");
});

Deno.test("count_tokens counts what an answer then reports, and validates the same", async () => {
  await using fake = startFakeClaude({ reply: () => answer("Hello") });
  const client = clientFor(fake);
  const prompt = { model: MODEL, system: "Be brief.", messages: params.messages, tools: [] };
  const { input_tokens } = await client.messages.countTokens(prompt);
  const { usage } = await client.messages.create({ ...prompt, max_tokens: 10 });
  equal(usage.input_tokens, input_tokens);
  const refused = await send(fake, "/v1/messages/count_tokens", { json: body() });
  deepEqual([refused.status, refused.json.error.message], [
    400,
    "max_tokens: Extra inputs are not permitted",
  ]);
});

Deno.test("models are listed and looked up by the SDK, and an unknown one is not found", async () => {
  await using fake = startFakeClaude();
  const client = clientFor(fake);
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  deepEqual(ids.slice(0, 4), [
    "claude-fable-5-2",
    "claude-opus-5-5",
    "claude-sonnet-5-5",
    "claude-haiku-5-5",
  ]);
  const haiku = await client.models.retrieve("claude-haiku-5-5");
  deepEqual([haiku.max_input_tokens, haiku.max_tokens], [1_000_000, 128_000]);
  await rejects(client.models.retrieve("claude-none"), Anthropic.NotFoundError);
});
