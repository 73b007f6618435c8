/** The strict fake Claude server as the vendor's own SDK sees it: answers, and the record of what they cost. */
import Anthropic from "@anthropic-ai/sdk";
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import {
  answer,
  broken,
  costMicroUsd,
  type Fault,
  redactedThinking,
  refusal,
  type Reply,
  startFakeClaude,
  stopped,
  thinking,
  toolUse,
  truncatedToolUse,
} from "./fake_claude/mod.ts";
import { body, clientFor, MODEL, post } from "./fake_claude/support.ts";

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
