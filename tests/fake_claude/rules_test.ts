/** Every rule of sections 3 and 4 of CLAUDE-API.md: refused with 400, naming the position. */
import { match, strictEqual as equal } from "node:assert";
import { answer, startFakeClaude, stopped } from "./mod.ts";
import { assistant, body, note, post, user } from "./support.ts";

const call = (id: string) => ({ type: "tool_use", id, name: "Read", input: {} });
const result = (id: string, more = {}) => ({
  type: "tool_result",
  tool_use_id: id,
  content: "ok",
  ...more,
});
const said = (text: string) => ({ type: "text", text });
const tool = (changes = {}) => ({
  name: "Read",
  description: "Reads",
  input_schema: { type: "object", properties: { path: { type: "string" } } },
  ...changes,
});
const strict = (schema: Record<string, unknown> = {}, name = "Read") =>
  tool({
    name,
    strict: true,
    input_schema: { type: "object", additionalProperties: false, properties: {}, ...schema },
  });
const marked = (text: string, ttl?: string) => ({
  ...said(text),
  cache_control: { type: "ephemeral", ...(ttl && { ttl }) },
});
const parameters = (count: number, schema: unknown) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`p${i}`, schema]));

/** What is refused, with the start of its message. */
const refused: [rule: string, changes: Record<string, unknown>, message: RegExp][] = [
  // body
  ["no model", { model: undefined }, /^model: Field required$/],
  ["no messages", { messages: undefined }, /^messages: Field required$/],
  ["empty messages", { messages: [] }, /^messages: at least one message is required$/],
  ["no max_tokens", { max_tokens: undefined }, /^max_tokens: Field required$/],
  ["max_tokens that is no integer", { max_tokens: 1.5 }, /^max_tokens: /],
  ["max_tokens below 0", { max_tokens: -1 }, /^max_tokens: /],
  ["max_tokens over the model's", { max_tokens: 128_001 }, /^max_tokens: 128001 > 128000/],
  ["temperature", { temperature: 1 }, /^temperature: /],
  ["top_p", { top_p: 1 }, /^top_p: /],
  ["top_k", { top_k: 1 }, /^top_k: /],
  ["an unknown field", { foo: 1 }, /^foo: Extra inputs are not permitted$/],
  ["an unknown metadata field", { metadata: { who: "me" } }, /^metadata\.who: Extra/],
  ["an empty stop sequence", { stop_sequences: ["ok", " "] }, /^stop_sequences\.1: /],
  ["a stream that is no boolean", { stream: 1 }, /^stream: /],
  ["an unknown service tier", { service_tier: "fast" }, /^service_tier: /],
  // 1, 2
  ["an assistant message first", { messages: [assistant("a"), user("b")] }, /^messages\.0\.role: /],
  [
    "two user messages in a row",
    { messages: [user("a"), user("b")] },
    /^messages\.1\.role: roles must alternate/,
  ],
  [
    "two assistant messages in a row",
    { messages: [user("a"), assistant("b"), assistant("c"), user("d")] },
    /^messages\.2\.role: roles must alternate/,
  ],
  [
    "prefill",
    { messages: [user("a"), assistant("b")] },
    /^messages\.1: This model does not support assistant message prefill\. The conversation must end with a user message\.$/,
  ],
  ["an unknown role", { messages: [{ role: "tool", content: "a" }] }, /^messages\.0\.role: /],
  [
    "a whole response as a message",
    { messages: [user("a"), { ...assistant("b"), id: "msg_1" }, user("c")] },
    /^messages\.1\.id: Extra inputs are not permitted$/,
  ],
  // 3
  [
    "a call without a result",
    { messages: [user("a"), assistant([call("x"), call("y")]), user([result("x")])] },
    /^messages\.1: `tool_use` ids were found without `tool_result` blocks immediately after: y$/,
  ],
  [
    "a call with text instead of a result",
    { messages: [user("a"), assistant([call("x")]), user("and?")] },
    /^messages\.1: `tool_use` ids were found without .*: x$/,
  ],
  [
    "a result without a call",
    { messages: [user("a"), assistant([call("x")]), user([result("x"), result("z")])] },
    /^messages\.2\.content\.1: unexpected `tool_use_id`.*: z\./,
  ],
  [
    "a result in the first message",
    { messages: [user([result("x")])] },
    /^messages\.0\.content\.0: unexpected/,
  ],
  [
    "two results for one call",
    { messages: [user("a"), assistant([call("x")]), user([result("x"), result("x")])] },
    /^messages\.2\.content\.1: each tool_use must have a single result/,
  ],
  [
    "text before results",
    { messages: [user("a"), assistant([call("x")]), user([said("see"), result("x")])] },
    /^messages\.2\.content\.1: `tool_result` blocks must come first/,
  ],
  [
    "the same call id twice",
    {
      messages: [
        user("a"),
        assistant([call("x")]),
        user([result("x")]),
        assistant([call("x")]),
        user([result("x")]),
      ],
    },
    /^messages\.3\.content: `tool_use` ids must be unique: x$/,
  ],
  // 5
  [
    "a result of an unknown kind",
    {
      messages: [user("a"), assistant([call("x")]), user([result("x", { content: [call("y")] })])],
    },
    /^messages\.2\.content\.0\.content\.0: /,
  ],
  [
    "is_error that is no boolean",
    { messages: [user("a"), assistant([call("x")]), user([result("x", { is_error: "yes" })])] },
    /^messages\.2\.content\.0\.is_error: /,
  ],
  // 6
  ["a system message first", { messages: [note("a"), user("b")] }, /^messages\.0\.role: /],
  [
    "a system message after an assistant message",
    { messages: [user("a"), assistant("b"), note("c")] },
    /^messages\.2\.role: a "system" message must come directly after a "user" message$/,
  ],
  [
    "a user message after a system message",
    { messages: [user("a"), note("b"), user("c")] },
    /^messages\.2\.role: a "system" message must be last/,
  ],
  [
    "a system message between a call and its result",
    { messages: [user("a"), assistant([call("x")]), note("b"), user([result("x")])] },
    /^messages\.2\.role: /,
  ],
  [
    "a system message with an image",
    { messages: [user("a"), note([{ type: "image", source: {} }])] },
    /^messages\.1\.content\.0: blocks of type "image" are not permitted in "system" content$/,
  ],
  [
    "a system message for sonnet-5",
    { model: "claude-sonnet-5", messages: [user("a"), note("b")] },
    /^messages\.1\.role: role "system" is not supported for this model$/,
  ],
  // 7, 8, 9
  [
    "thinking without a signature",
    {
      messages: [user("a"), assistant([{ type: "thinking", thinking: "" }, said("b")]), user("c")],
    },
    /^messages\.1\.content\.0\.signature: Field required$/,
  ],
  [
    "a call without an input",
    { messages: [user("a"), assistant([{ ...call("x"), input: "" }]), user([result("x")])] },
    /^messages\.1\.content\.0\.input: /,
  ],
  [
    "a document of the assistant",
    { messages: [user("a"), assistant([{ type: "document", source: {} }]), user("c")] },
    /^messages\.1\.content\.0: blocks of type "document" are not permitted in "assistant" content$/,
  ],
  [
    "citations on a user's text",
    { messages: [user([{ ...said("a"), citations: [{ type: "char_location" }] }])] },
    /^messages\.0\.content\.0\.citations: /,
  ],
  ["an empty text", { messages: [user([said("")])] }, /^messages\.0\.content\.0\.text: /],
  [
    "a blank text",
    { messages: [user([said(" \n")])] },
    /^messages\.0\.content\.0\.text: .*non-whitespace/,
  ],
  ["an empty content", { messages: [user("")] }, /^messages\.0\.content: /],
  ["no blocks at all", { messages: [user([])] }, /^messages\.0\.content: /],
  ["an empty system block", { system: [said("")] }, /^system\.0\.text: /],
  [
    "an unknown key of a block",
    { messages: [user([{ ...said("a"), note: 1 }])] },
    /^messages\.0\.content\.0\.note: Extra/,
  ],
  [
    "a fifth cache marker",
    {
      cache_control: { type: "ephemeral" },
      system: [marked("a"), marked("b")],
      messages: [user([marked("c"), marked("d")])],
    },
    /^cache_control: A maximum of 4 blocks with cache_control may be provided\. Found 5$/,
  ],
  [
    "an hour after five minutes",
    { system: [marked("a")], cache_control: { type: "ephemeral", ttl: "1h" } },
    /^cache_control: a ttl='1h' cache_control block must not come after a ttl='5m'/,
  ],
  [
    "a marker on thinking",
    {
      messages: [
        user("a"),
        assistant([
          { type: "thinking", thinking: "", signature: "s", cache_control: { type: "ephemeral" } },
        ]),
        user("b"),
      ],
    },
    /^messages\.1\.content\.0\.cache_control: cache_control cannot be set for thinking blocks$/,
  ],
  ["an unknown lifetime", { system: [marked("a", "1d")] }, /^system\.0\.cache_control\.ttl: /],
  // 10
  ["a bad tool name", { tools: [tool({ name: "read file" })] }, /^tools\.0\.name: /],
  [
    "a tool name of 65 characters",
    { tools: [tool({ name: "a".repeat(65) })] },
    /^tools\.0\.name: /,
  ],
  [
    "two tools of one name",
    { tools: [tool(), tool()] },
    /^tools\.1\.name: Tool names must be unique: Read$/,
  ],
  [
    "a tool without a schema",
    { tools: [tool({ input_schema: undefined })] },
    /^tools\.0\.input_schema: Field required$/,
  ],
  [
    "a schema that is no object",
    { tools: [tool({ input_schema: { type: "string" } })] },
    /^tools\.0\.input_schema\.type: /,
  ],
  [
    "a strict tool that is open",
    { tools: [tool({ strict: true })] },
    /^tools\.0\.input_schema\.additionalProperties: /,
  ],
  [
    "a strict tool that is open inside",
    { tools: [strict({ properties: { a: { type: "object" } }, required: ["a"] })] },
    /^tools\.0\.input_schema\.properties\.a\.additionalProperties: /,
  ],
  [
    "a strict tool with a length limit",
    { tools: [strict({ properties: { a: { type: "string", maxLength: 3 } }, required: ["a"] })] },
    /^tools\.0\.input_schema\.properties\.a\.maxLength: /,
  ],
  [
    "a strict tool that recurses",
    {
      tools: [strict({
        properties: { node: { $ref: "#/$defs/node" } },
        required: ["node"],
        $defs: {
          node: {
            type: "object",
            additionalProperties: false,
            properties: { next: { $ref: "#/$defs/node" } },
            required: ["next"],
          },
        },
      })],
    },
    /\.\$ref: strict tools must not recurse$/,
  ],
  [
    "21 strict tools",
    { tools: Array.from({ length: 21 }, (_, i) => strict({}, `t${i}`)) },
    /^tools: at most 20 strict tools are allowed, found 21$/,
  ],
  [
    "25 optional parameters of strict tools",
    { tools: [strict({ properties: parameters(25, { type: "string" }) })] },
    /^tools: strict tools have 25 optional parameters/,
  ],
  [
    "17 union-typed parameters of strict tools",
    {
      tools: [strict({
        properties: parameters(17, { type: ["string", "null"] }),
        required: Object.keys(parameters(17, 0)),
      })],
    },
    /^tools: strict tools have 17 parameters with union types/,
  ],
  [
    "a wrong example",
    { tools: [tool({ input_examples: [{ path: 1 }] })] },
    /^tools\.0\.input_examples\.0\.path: /,
  ],
  [
    "an example that misses a key",
    {
      tools: [tool({ input_schema: { type: "object", required: ["path"] }, input_examples: [{}] })],
    },
    /^tools\.0\.input_examples\.0: .*'path' is a required property/,
  ],
  // 11
  [
    'tool_choice "any" on opus-5-5',
    { tools: [tool()], tool_choice: { type: "any" } },
    /^tool_choice: type "tool" and "any" are not supported for this model\.$/,
  ],
  [
    'tool_choice "tool" on sonnet-5-5',
    { model: "claude-sonnet-5-5", tools: [tool()], tool_choice: { type: "tool", name: "Read" } },
    /^tool_choice: type "tool" and "any"/,
  ],
  [
    "a chosen tool that is not there",
    { model: "claude-haiku-5-5", tools: [tool()], tool_choice: { type: "tool", name: "Write" } },
    /^tool_choice\.name: Tool 'Write' not found/,
  ],
  [
    "a choice without tools",
    { tool_choice: { type: "auto" } },
    /^tool_choice: may only be specified/,
  ],
  [
    "no parallel calls beside none",
    { tools: [tool()], tool_choice: { type: "none", disable_parallel_tool_use: true } },
    /^tool_choice\.disable_parallel_tool_use: /,
  ],
  // 12
  [
    "a prompt over the window",
    { model: "claude-haiku-4-5", messages: [user("x".repeat(800_001))] },
    /^prompt is too long: \d+ tokens > 200000 maximum$/,
  ],
  // section 4
  ["thinking off on opus-5-5", { thinking: { type: "disabled" } }, /^thinking\.type: "disabled"/],
  [
    "a budget on opus-5-5",
    { thinking: { type: "enabled", budget_tokens: 2_000 } },
    /^thinking\.type: "enabled"/,
  ],
  [
    "thinking off on sonnet-5-5",
    { model: "claude-sonnet-5-5", thinking: { type: "disabled" } },
    /^thinking\.type: /,
  ],
  [
    "between_tools at effort xhigh",
    {
      model: "claude-sonnet-5-5",
      thinking: { type: "between_tools" },
      output_config: { effort: "xhigh" },
    },
    /^thinking\.type: "between_tools" is not supported at effort "xhigh"$/,
  ],
  [
    "between_tools with a display",
    { model: "claude-sonnet-5-5", thinking: { type: "between_tools", display: "omitted" } },
    /^thinking\.display: Extra/,
  ],
  [
    "thinking off at effort max on haiku-5-5",
    { model: "claude-haiku-5-5", thinking: { type: "disabled" }, output_config: { effort: "max" } },
    /^thinking\.type: /,
  ],
  [
    "adaptive on haiku-4-5",
    { model: "claude-haiku-4-5", thinking: { type: "adaptive" } },
    /^thinking\.type: /,
  ],
  [
    "a budget below 1024",
    {
      model: "claude-haiku-4-5",
      thinking: { type: "enabled", budget_tokens: 1_023 },
      max_tokens: 9_000,
    },
    /^thinking\.enabled\.budget_tokens: /,
  ],
  [
    "a budget of all the tokens",
    {
      model: "claude-haiku-4-5",
      thinking: { type: "enabled", budget_tokens: 2_000 },
      max_tokens: 2_000,
    },
    /^max_tokens: /,
  ],
  [
    "an unknown display",
    { thinking: { type: "adaptive", display: "full" } },
    /^thinking\.display: /,
  ],
  ["an unknown effort", { output_config: { effort: "huge" } }, /^output_config\.effort: /],
  [
    "an effort on haiku-4-5",
    { model: "claude-haiku-4-5", output_config: { effort: "low" } },
    /^output_config\.effort: /,
  ],
  [
    "a format without a schema",
    { output_config: { format: { type: "json_schema" } } },
    /^output_config\.format: /,
  ],
];

for (const [rule, changes, message] of refused) {
  Deno.test(`refuses ${rule}`, async () => {
    await using fake = startFakeClaude();
    const { status, json } = await post(fake, body(changes));
    equal(status, 400, JSON.stringify(json));
    equal(json.error.type, "invalid_request_error");
    match(json.error.message, message);
    equal(fake.paidTurns, 0);
  });
}

/** What looks unusual and is allowed. */
const accepted: [what: string, changes: Record<string, unknown>][] = [
  ["an empty, a plain and a structured result", {
    messages: [
      user("a"),
      assistant([said("Three"), call("x"), call("y"), call("z")]),
      user([
        result("z", { content: undefined }),
        result("x", { is_error: true }),
        result("y", { content: [said("text"), { type: "image", source: { type: "url" } }] }),
      ]),
    ],
  }],
  ["text after the results", {
    messages: [user("a"), assistant([call("x")]), user([result("x"), said("now stop")])],
  }],
  ["an operator's note after the results", {
    messages: [user("a"), assistant([call("x")]), user([result("x")]), note("Finish now.")],
  }],
  ["a note in the midst", { messages: [user("a"), note("b"), assistant("c"), user("d")] }],
  ["citations that are null, as the API sends them", {
    messages: [user("a"), assistant([{ ...said("b"), citations: null }]), user("c")],
  }],
  ["four markers, the long-lived one first", {
    cache_control: { type: "ephemeral" },
    system: [marked("a", "1h"), marked("b", "1h")],
    messages: [user([marked("c")])],
  }],
  ["one call at a time", {
    tools: [tool()],
    tool_choice: { type: "auto", disable_parallel_tool_use: true },
  }],
  ['tool_choice "any" on haiku-5-5', {
    model: "claude-haiku-5-5",
    tools: [tool()],
    tool_choice: { type: "any" },
  }],
  ["thinking off on haiku-5-5", { model: "claude-haiku-5-5", thinking: { type: "disabled" } }],
  ["between_tools on sonnet-5-5", {
    model: "claude-sonnet-5-5",
    thinking: { type: "between_tools" },
  }],
  ["a budget on haiku-4-5", {
    model: "claude-haiku-4-5",
    thinking: { type: "enabled", budget_tokens: 1_024 },
    max_tokens: 2_000,
  }],
  ["a strict tool within its limits", {
    tools: [strict({ properties: parameters(24, { type: "string" }) })],
  }],
  ["limits in a tool that is not strict", {
    tools: [tool({ input_schema: { type: "object", properties: { a: { maxLength: 3 } } } })],
  }],
  ["a tool of the server", {
    tools: [{ type: "web_search_20260209", name: "web_search", max_uses: 3 }],
  }],
  ["every usual field", {
    stop_sequences: ["END"],
    metadata: { user_id: "u" },
    service_tier: "auto",
    speed: "standard",
    output_config: { effort: "max", format: { type: "json_schema", schema: { type: "object" } } },
  }],
];

for (const [what, changes] of accepted) {
  Deno.test(`accepts ${what}`, async () => {
    await using fake = startFakeClaude({ reply: () => answer("Fine") });
    const { status, json } = await post(fake, body(changes));
    equal(status, 200, JSON.stringify(json));
  });
}

Deno.test("a body that is no object is refused, and an unknown model is not found", async () => {
  await using fake = startFakeClaude();
  for (const json of ["[]", "null", '"text"']) equal((await post(fake, json)).status, 400);
  const { status, json } = await post(fake, body({ model: "claude-none" }));
  equal(status, 404);
  equal(json.error.type, "not_found_error");
});

Deno.test("a request may end with an answer that was paused, and go on after it either way", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(
    stopped("pause_turn", "Still searching"),
    answer("Found it"),
    answer("Yes"),
    answer("Yes"),
  );
  const { json: paused } = await post(fake, body());
  const history = [user("hello"), assistant(paused.content)];
  const { status, json: found } = await post(fake, body({ messages: history }));
  equal(status, 200, "resent unchanged, without a user message");
  const apart = [...history, assistant(found.content), user("Sure?")];
  equal((await post(fake, body({ messages: apart }))).status, 200, "as two messages");
  const merged = [
    user("hello"),
    assistant([...paused.content, ...found.content]),
    user("Sure?"),
  ];
  equal((await post(fake, body({ messages: merged }))).status, 200, "as one");
  const edited = [user("hello"), assistant("Still looking")];
  match((await post(fake, body({ messages: edited }))).json.error.message, /prefill/);
});
