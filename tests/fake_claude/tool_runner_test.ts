/** The SDK's own tool runner against the fake server, with and without threads. */
import Anthropic from "@anthropic-ai/sdk";
import { deepStrictEqual as deepEqual, rejects, strictEqual as equal } from "node:assert";
import { answer, broken, type Reply, startFakeClaude, text, thinking, toolUse } from "./mod.ts";
import { body, clientFor, MODEL, post } from "./support.ts";

const params = {
  model: MODEL,
  max_tokens: 1_000,
  messages: [{ role: "user" as const, content: "hi" }],
};

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
