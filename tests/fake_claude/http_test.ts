/** Headers, limits and the other endpoints of the fake server. */
import Anthropic from "@anthropic-ai/sdk";
import { deepStrictEqual as deepEqual, match, rejects, strictEqual as equal } from "node:assert";
import { answer, startFakeClaude } from "./mod.ts";
import { body, clientFor, MODEL, post, send } from "./support.ts";

const params = {
  model: MODEL,
  max_tokens: 1_000,
  messages: [{ role: "user" as const, content: "hi" }],
};

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

Deno.test("half of a character is no valid JSON, wherever it stands", async () => {
  await using fake = startFakeClaude({ reply: () => answer("Hello") });
  const refused = await post(fake, body({ system: "half \ud83d" }));
  equal(refused.status, 400);
  match(JSON.stringify(refused.json), /not valid JSON.*no low surrogate/);
  equal((await post(fake, body({ system: "whole \ud83d\ude00" }))).status, 200);
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
    ["req_000001", "req_000002", "req_models_000001", "req_000003"],
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
