/** Append-only history: signatures bind a thinking block to all that came before it. */
import { match, strictEqual as equal } from "node:assert";
import type { WireBlock, WireMessage } from "../../agents/demo/wire.ts";
import {
  answer,
  type FakeClaude,
  redactedThinking,
  startFakeClaude,
  stopped,
  thinking,
  toolUse,
} from "./mod.ts";
import { assistant, body, post, user } from "./support.ts";

const tools = [
  { name: "Read", description: "Reads", input_schema: { type: "object" } },
  { name: "Write", description: "Writes", input_schema: { type: "object" } },
];
const base = {
  system: "Be careful.",
  tools,
  thinking: { type: "adaptive", display: "summarized" },
};

/** A conversation of two turns with thinking, ready for a third. */
async function conversation(fake: FakeClaude): Promise<WireMessage[]> {
  fake.enqueue(
    answer(thinking("First"), "I read.", toolUse("Read", { path: "a" })),
    answer(thinking("Second"), redactedThinking(), toolUse("Read", { path: "b" })),
    answer("Done"),
  );
  const messages = [user("hello")];
  for (let turn = 0; turn < 2; turn++) {
    const { json } = await post(fake, body({ ...base, messages }));
    const call = json.content.find((block: WireBlock) => block.type === "tool_use");
    messages.push(
      assistant(json.content),
      user([{ type: "tool_result", tool_use_id: call.id, content: "text" }]),
    );
  }
  return messages;
}

const blocks = (message: WireMessage) => message.content as WireBlock[];
const BOUND =
  /Invalid `(signature|data)` in `(redacted_)?thinking` block\. The block is bound to a different conversation/;

const changes: [
  what: string,
  change: (messages: WireMessage[]) => Record<string, unknown>,
  message: RegExp,
][] = [
  ["an earlier user message", (m) => ({ messages: [user("Hello"), ...m.slice(1)] }), BOUND],
  ["the system prompt", () => ({ system: "Be quick." }), BOUND],
  [
    "a tool's description",
    () => ({ tools: [{ ...tools[0], description: "Reads!" }, tools[1]] }),
    BOUND,
  ],
  ["the set of tools", () => ({ tools: tools.slice(0, 1) }), BOUND],
  ["the model", () => ({ model: "claude-fable-5-2" }), BOUND],
  [
    "an earlier tool result",
    (m) => ({
      messages: m.with(2, user([{ ...blocks(m[2]!)[0]!, content: "[trimmed]" }])),
    }),
    /^messages\.3\.content\.0: .*bound to a different conversation/,
  ],
  ["the head, by dropping it", (m) => ({ messages: [user("hello"), ...m.slice(3)] }), BOUND],
  [
    "the thinking text",
    (m) => ({
      messages: m.with(
        1,
        assistant(blocks(m[1]!).with(0, { ...blocks(m[1]!)[0]!, thinking: "Else" })),
      ),
    }),
    /^messages\.1\.content\.0: Invalid `signature` in `thinking` block\.$/,
  ],
  [
    "a signature",
    (m) => ({
      messages: m.with(
        1,
        assistant(blocks(m[1]!).with(0, { ...blocks(m[1]!)[0]!, signature: "made.up" })),
      ),
    }),
    /^messages\.1\.content\.0: Invalid `signature` in `thinking` block\.$/,
  ],
  [
    "redacted data",
    (m) => ({
      messages: m.with(
        3,
        assistant(blocks(m[3]!).with(1, { type: "redacted_thinking", data: "x.y" })),
      ),
    }),
    /^messages\.3\.content\.1: Invalid `data` in `redacted_thinking` block\.$/,
  ],
  [
    "an answer, by dropping its thinking",
    (m) => ({ messages: m.with(1, assistant(blocks(m[1]!).slice(1))) }),
    /^messages\.1\.content\.1: the assistant message differs from the one that was received/,
  ],
  [
    "the text of an answer",
    (m) => ({
      messages: m.with(1, assistant(blocks(m[1]!).with(1, { type: "text", text: "I wrote." }))),
    }),
    /^messages\.1\.content\.0: the assistant message differs/,
  ],
  [
    "the input of a call",
    (m) => ({
      messages: m.with(
        1,
        assistant(blocks(m[1]!).with(2, { ...blocks(m[1]!)[2]!, input: { path: "c" } })),
      ),
    }),
    /^messages\.1\.content\.0: the assistant message differs/,
  ],
  [
    "the order of an answer's blocks",
    (m) => ({ messages: m.with(1, assistant(blocks(m[1]!).toReversed())) }),
    /^messages\.1\.content\./,
  ],
];

for (const [what, change, message] of changes) {
  Deno.test(`a history in which somebody changed ${what} is refused`, async () => {
    await using fake = startFakeClaude();
    const messages = await conversation(fake);
    const { status, json } = await post(fake, body({ ...base, messages, ...change(messages) }));
    equal(status, 400, JSON.stringify(json));
    match(json.error.message, message);
  });
}

const same: [
  what: string,
  change: (messages: WireMessage[]) => Record<string, unknown>,
][] = [
  ["nothing", () => ({})],
  ["the order of the tools", () => ({ tools: tools.toReversed() })],
  ["where the cache markers are", (m) => ({
    system: [{ type: "text", text: "Be careful.", cache_control: { type: "ephemeral" } }],
    cache_control: { type: "ephemeral" },
    messages: m.with(2, user([{ ...blocks(m[2]!)[0]!, cache_control: { type: "ephemeral" } }])),
  })],
  [
    "how a text is written",
    (m) => ({ messages: [user([{ type: "text", text: "hello" }]), ...m.slice(1)] }),
  ],
  ["the order of keys", (m) => ({
    messages: m.with(
      1,
      assistant(
        blocks(m[1]!).map((block) =>
          Object.fromEntries(Object.entries(block).toReversed()) as WireBlock
        ),
      ),
    ),
  })],
  ["that a call no longer says that it was direct", (m) => ({
    messages: m.map((message) =>
      message.role === "assistant"
        ? assistant(blocks(message).map(({ caller: _, ...block }) => block as WireBlock))
        : message
    ),
  })],
  ["the effort", () => ({ output_config: { effort: "low" } })],
];

for (const [what, change] of same) {
  Deno.test(`a history in which only ${what} changed is accepted`, async () => {
    await using fake = startFakeClaude();
    const messages = await conversation(fake);
    const { status, json } = await post(fake, body({ ...base, messages, ...change(messages) }));
    equal(status, 200, JSON.stringify(json));
  });
}

Deno.test("branching from an earlier point is accepted", async () => {
  await using fake = startFakeClaude({ reply: () => answer("Another way") });
  const messages = await conversation(fake);
  const branch = [
    ...messages.slice(0, 2),
    user([{ ...blocks(messages[2]!)[0]!, content: "other" }]),
  ];
  equal((await post(fake, body({ ...base, messages: branch }))).status, 200);
});

Deno.test("thinking after a pause is bound to what came before the pause, merged or not", async () => {
  await using fake = startFakeClaude({ reply: () => answer("Yes") });
  fake.enqueue(
    stopped("pause_turn", thinking("One"), "Wait"),
    answer(thinking("Two"), "There"),
  );
  const { json: paused } = await post(fake, body());
  const { json: rest } = await post(
    fake,
    body({ messages: [user("hello"), assistant(paused.content)] }),
  );
  const ask = (...turns: WireMessage[]) =>
    post(fake, body({ messages: [user("hello"), ...turns, user("?")] }));
  const merged = assistant([...paused.content, ...rest.content]);
  equal((await ask(merged)).status, 200);
  equal((await ask(assistant(paused.content), assistant(rest.content))).status, 200);
  match((await ask(assistant(rest.content))).json.error.message, BOUND);
});

Deno.test("an empty text that was answered need not come back, since it could not", async () => {
  await using fake = startFakeClaude({ reply: () => answer("Yes") });
  fake.enqueue(answer("", thinking("Hm"), toolUse("Read", { path: "a" })));
  const { json } = await post(fake, body({ tools }));
  const kept = json.content.filter((block: WireBlock) => block.text !== "");
  const call = kept.at(-1);
  const messages = [
    user("hello"),
    assistant(kept),
    user([{ type: "tool_result", tool_use_id: call.id, content: "text" }]),
  ];
  equal((await post(fake, body({ tools, messages }))).status, 200);
});
