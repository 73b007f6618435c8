/** Faults and refusals of the fake server, as the vendor's own SDK sees them. */
import Anthropic, { type APIError } from "@anthropic-ai/sdk";
import { deepStrictEqual as deepEqual, ok, rejects, strictEqual as equal } from "node:assert";
import {
  answer,
  broken,
  brokenToolUse,
  failure,
  overloaded,
  rateLimited,
  type Reply,
  serverError,
  slow,
  spendLimitReached,
  startFakeClaude,
  unauthorized,
} from "./mod.ts";
import { clientFor, MODEL } from "./support.ts";

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
