/** Tools of the web that the model's service carries out: what goes out, what is kept, what is paid, who is asked. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { Executor } from "../agents/executor.ts";
import type { Hands } from "../agents/hands_client.ts";
import { createClaude } from "../agents/loop/claude.ts";
import {
  affordableOutputTokens,
  outputWithin,
  promptWithin,
  totalTokensOf,
  worstCostMicroUsd,
  worstTokens,
} from "../agents/loop/cost.ts";
import { fold } from "../agents/loop/fold.ts";
import type { Quirk } from "../agents/loop/quirks.ts";
import { refusedField } from "../agents/loop/quirks.ts";
import { replay } from "../agents/loop/replay.ts";
import { resolveModel } from "../agents/models.ts";
import { ALL_TAGS_RULE } from "../agents/permissions/tags.ts";
import type {
  ApprovalQuestion,
  Permissions,
  RunEventBody,
  RunSpec,
  ToolSpec,
} from "../agents/protocol.ts";
import type { RunHost } from "../agents/runtime.ts";
import { toolSpec } from "../agents/tools/registry.ts";
import {
  domainsOf,
  MAX_FETCHES,
  MAX_SEARCHES,
  WEB_CALL_ID,
  webTags,
  webToolSpec,
} from "../agents/web/web_tools.ts";
import {
  answer,
  cited,
  compaction,
  type FakeClaude,
  type FakeClaudeOptions,
  found,
  searching,
  startFakeClaude,
  stopped,
  text,
  thinking,
  toolUse,
  webFetch,
  webSearch,
} from "./fake_claude/mod.ts";
import { chargedBy } from "./journey_support.ts";
import {
  notesOf,
  permissionsFor,
  play,
  roles,
  runContext,
  runSpec,
  seeded,
} from "./loop_support.ts";

const page = { url: "https://docs.example.com/greet", title: "Greetings" };
const handIn = answer(toolUse("submit_result", { status: "done" }));
const tool = (name: "WebSearch" | "WebFetch", hosts: string[] = []): ToolSpec =>
  webToolSpec(name, hosts)!;

/** A run with both tools beside its own. */
function webSpec(hosts: string[] = [], changes: Partial<RunSpec> = {}): RunSpec {
  const spec = runSpec(changes);
  return { ...spec, tools: [...spec.tools, tool("WebSearch", hosts), tool("WebFetch", hosts)] };
}

/** A run of the loop with the real client, against the strict fake. */
async function run(
  fake: FakeClaude,
  { spec = webSpec(), log = [] as RunEventBody[], quirks = [] as Quirk[] } = {},
) {
  const learned: Quirk[] = [];
  const endpoint = { baseUrl: fake.url, apiKey: fake.apiKey, idleTimeoutMs: 10_000, quirks };
  const model = createClaude({ kind: "endpoint", ...endpoint }, (quirk) => learned.push(quirk));
  const started: RunEventBody = { type: "started", spec };
  const played = await play({
    spec,
    log: log.length > 0 ? log : [started],
    script: [],
    model,
  });
  return { ...played, learned };
}

const finishedIn = (log: RunEventBody[]) => log.filter((event) => event.type === "turn_finished");
const sentTools = (fake: FakeClaude, at: number) => fake.accepted[at]!.body.tools!;
const costOf = (log: RunEventBody[]) =>
  log.reduce((sum, event) => "costMicroUsd" in event ? sum + event.costMicroUsd : sum, 0);

// ---------------------------------------------------------------- what goes out

Deno.test("the tools go out as the service's own, with their bounds, used by the model itself", async () => {
  await using fake = startFakeClaude({ reply: () => handIn });
  await run(fake, { spec: webSpec(["*.Example.com", "docs.rs"]) });
  const allowed_domains = ["docs.rs", "example.com"];
  deepEqual(sentTools(fake, 0).slice(-2), [
    {
      type: "web_search_20260209",
      name: "web_search",
      max_uses: MAX_SEARCHES,
      allowed_callers: ["direct"],
      allowed_domains,
    },
    {
      type: "web_fetch_20260209",
      name: "web_fetch",
      max_uses: MAX_FETCHES,
      allowed_callers: ["direct"],
      allowed_domains,
      max_content_tokens: 10_000,
    },
  ]);
});

Deno.test("domainsOf() gives names as the service takes them, and never widens a list to any host", () => {
  deepEqual(domainsOf([]), null);
  deepEqual(domainsOf(["docs.rs", "*"]), null);
  deepEqual(domainsOf(["*.docs.rs", "Docs.rs.", "npmjs.com"]), ["docs.rs", "npmjs.com"]);
  deepEqual(domainsOf(["10.0.0.1", "::1", "localhost", "bad host.com"]), []);
  equal(webToolSpec("WebSearch", ["10.0.0.1"]), null);
});

// ---------------------------------------------------------------- what is kept

Deno.test("a search comes back whole, goes back as it came, and is paid by the piece", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(
    answer(
      thinking("Somebody must have done that."),
      ...webSearch("greet the world", [page]),
      text("It is done so: "),
      cited("say hello", page, "Say hello to the world."),
      toolUse("Read", { file_path: "a" }),
    ),
    handIn,
  );
  const { outcome, log } = await run(fake);
  equal(outcome.type, "succeeded");
  const [first] = finishedIn(log);
  // The fake has sent them so; that they went back so, it has checked.
  deepEqual(first!.content.map(({ type }) => type), [
    "thinking",
    "server_tool_use",
    "web_search_tool_result",
    "text",
    "text",
    "tool_use",
  ]);
  deepEqual(first!.content, fake.requests[0]!.message!.content);
  match(JSON.stringify(first!.content), /"encrypted_content":"\w+=*".*"encrypted_index"/);
  equal(first!.usage.webSearches, 1);
  equal(first!.price.webSearch, 10);
  deepEqual(costOf(log), chargedBy(fake));
  ok(first!.costMicroUsd >= 10_000, "a cent for the search");
  deepEqual((await replay(log)).firstDifference, null);
});

Deno.test("a pause in the midst of a search goes on with its result, in another life too", async () => {
  await using fake = startFakeClaude({ reply: () => handIn });
  fake.enqueue(
    stopped("pause_turn", "I look.", searching("greet")),
    answer(found([page]), cited("Hello", page, "hello"), toolUse("Read", { file_path: "a" })),
  );
  const { outcome, log } = await run(fake);
  equal(outcome.type, "succeeded");
  deepEqual(fake.accepted[1]!.body.messages.map(({ role }) => role), ["user", "assistant"]);
  deepEqual(finishedIn(log).map(({ usage }) => usage.webSearches), [undefined, 1, undefined]);
  equal((await replay(log)).equal, true);
  const until = log.findIndex((event) => event.type === "turn_finished") + 1;
  fake.enqueue(answer(found([page]), toolUse("submit_result", { status: "done" })));
  const again = await run(fake, { log: log.slice(0, until) });
  equal(again.outcome.type, "succeeded");
  equal(roles(fold(webSpec(), again.log).messages), "uau");
});

Deno.test("an error of a search is for the model to read: the run goes on, and nothing is paid for it", async () => {
  await using fake = startFakeClaude({ reply: () => handIn });
  fake.enqueue(
    answer(
      ...webSearch("one", { error_code: "too_many_requests" }),
      ...webFetch("https://example.com/a", { error_code: "url_not_accessible" }),
      ...webFetch("https://example.com/b", "The text of the page"),
      "Not found",
    ),
  );
  const { outcome, log } = await run(fake);
  equal(outcome.type, "succeeded");
  equal(finishedIn(log)[0]!.usage.webSearches, undefined);
  equal(costOf(log), chargedBy(fake));
});

Deno.test("what the model has found is summed up with the rest when the window fills", async () => {
  await using fake = startFakeClaude();
  const spec = webSpec();
  const small = { ...spec, model: { ...spec.model, contextTokens: 6_000 } };
  fake.enqueue(
    answer(...webSearch("greet", [page]), "x".repeat(14_000), toolUse("Read", { file_path: "a" })),
    compaction("Found https://docs.example.com/greet"),
    handIn,
  );
  const { outcome, log } = await run(fake, { spec: small });
  equal(outcome.type, "succeeded");
  ok(log.some(({ type }) => type === "compacted"));
  ok(!JSON.stringify(fake.accepted[2]!.body.messages).includes("web_search_tool_result"));
  ok(sentTools(fake, 2).some(({ name }) => name === "web_search"), "it may search on");
  equal((await replay(log)).firstDifference, null);
});

// ---------------------------------------------------------------- endpoints without

for (const lacks of [["web_search"], ["web_fetch"], ["web_search", "web_fetch"]] as const) {
  Deno.test(`an endpoint without ${lacks.join(" and ")}: learned, told, and the run goes on`, async () => {
    await using fake = startFakeClaude({
      lacks,
      reply: ({ turn }) =>
        turn === 1
          ? answer(thinking("Then from memory"), toolUse("Read", { file_path: "a" }))
          : handIn,
    });
    const { outcome, log, learned } = await run(fake);
    equal(outcome.type, "succeeded");
    deepEqual(learned, lacks);
    const names = lacks.map((lack) => lack === "web_search" ? "WebSearch" : "WebFetch");
    deepEqual(finishedIn(log).map((event) => event.withoutTools), [names, undefined]);
    match(notesOf(log).join(), new RegExp(`does not have ${names.join(" and ")}\\.`));
    deepEqual(fake.accepted[1]!.notes.length, 1, "the model is told, once");
    equal((await replay(log)).firstDifference, null);
    // The refusals were not paid, and the next run does not ask for them.
    const before = fake.requests.length;
    const next = await run(fake, { quirks: [...lacks] });
    equal(next.outcome.type, "succeeded");
    ok(fake.requests.slice(before).every(({ status }) => status === 200));
    match(notesOf(next.log).join(), /does not have/);
  });
}

Deno.test("refusedField() knows a refusal of the tools by their names, and takes no other for one", () => {
  const sent = new Set<Quirk>(["web_search", "web_fetch", "thinking"]);
  const expected: [string, Quirk | null][] = [
    ["'claude-x' does not support tool types: web_search_20260209", "web_search"],
    ["tools.1: Input tag 'web_fetch_20260209' found using 'type' does not match any", "web_fetch"],
    ["web_search is not enabled for your organization", "web_search"],
    ["messages.3: `web_search` results were found without a use", null],
    ["tools.2.input_schema: Field required", null],
  ];
  for (const [message, quirk] of expected) equal(refusedField(message, sent), quirk, message);
  equal(refusedField(expected[0]![0], new Set(["thinking"])), null, "it was not sent");
});

// ---------------------------------------------------------------- what it may cost

Deno.test("whatever it searches and however long it writes, no request costs or uses more than was put aside", async () => {
  const random = seeded(7);
  const below = (n: number) => Math.floor(random() * n);
  await using fake = startFakeClaude({
    reply({ turn }) {
      if (turn > 6) return handIn;
      const pages = Array.from({ length: below(6) }, (_, n) => ({
        url: `https://example.com/${turn}/${n}`,
        title: "x".repeat(below(2_000) + 1),
      }));
      const uses = Array.from(
        { length: below(5) },
        () =>
          random() < 0.6
            ? webSearch(
              "q".repeat(1 + below(100)),
              random() < 0.2 ? { error_code: "unavailable" } : pages,
            )
            : webFetch("https://example.com/p", "y".repeat(below(30_000))),
      ).flat();
      return answer(
        ...uses,
        "z".repeat(1 + below(4_000)),
        toolUse("Read", { file_path: String(turn) }),
      );
    },
  });
  for (const name of ["sonnet", "haiku", "opus"]) {
    const spec = webSpec([], { model: resolveModel(name, null) });
    const { outcome, log } = await run(fake, { spec });
    equal(outcome.type, "succeeded");
    let worst = { tokens: 0, microUsd: 0 };
    for (const event of log) {
      if (event.type === "turn_started") {
        deepEqual(event.webTools, ["WebSearch", "WebFetch"]);
        worst = { tokens: event.worstTokens!, microUsd: event.worstCostMicroUsd! };
      }
      if (event.type !== "turn_finished") continue;
      ok(event.costMicroUsd <= worst.microUsd, `${event.costMicroUsd} > ${worst.microUsd}`);
      ok(totalTokensOf(event.usage) <= worst.tokens);
    }
    equal((await replay(log)).firstDifference, null);
  }
  equal(
    fake.requests.filter(({ error }) => error !== null).length,
    0,
    "the strict fake took every request",
  );
});

Deno.test("a run whose budget is too small for a request with the tools ends, and was never asked for more", async () => {
  await using fake = startFakeClaude({
    reply: ({ turn }) =>
      answer(...webSearch("more", [page]), toolUse("Read", { file_path: String(turn) })),
  });
  const limits = { ...runSpec().limits, maxCostMicroUsd: 600_000 };
  const { outcome, log } = await run(fake, { spec: webSpec([], { limits }) });
  equal(outcome.type === "failed" && outcome.reason, "max_cost");
  ok(finishedIn(log).length > 1);
  ok(chargedBy(fake) <= 600_000);
});

Deno.test("the worst case counts each use as one more reading of all, and its inverses agree with it", () => {
  const model = resolveModel("haiku", null);
  const none: ToolSpec[] = [];
  const both = [tool("WebSearch"), tool("WebFetch")];
  equal(worstTokens(none, 1_000, 100), 1_100);
  equal(promptWithin(none, 1_100, 100), 1_000);
  for (const tools of [none, [tool("WebSearch")], both]) {
    for (const prompt of [500, 20_000, 150_000]) {
      for (const output of [0, 2_048, 16_384]) {
        const all = worstTokens(tools, prompt, output);
        equal(promptWithin(tools, all, output), prompt);
        equal(outputWithin(tools, prompt, all), output);
        const cost = worstCostMicroUsd(model, prompt, output, tools);
        const affordable = affordableOutputTokens(model, prompt, cost, tools);
        ok(worstCostMicroUsd(model, prompt, Math.max(0, affordable), tools) <= cost);
      }
    }
  }
  const searches = worstCostMicroUsd(model, 1_000, 100, both) -
    worstCostMicroUsd(
      model,
      1_000,
      100,
      both.map((one) => ({
        ...one,
        web: { ...one.web!, kind: "fetch" as const },
      })),
    );
  // One more than a request may begin: a paused answer may have begun it.
  equal(searches, (MAX_SEARCHES + 1) * 10_000);
});

// ---------------------------------------------------------------- who is asked

interface Asked {
  mayBegin: () => Promise<boolean>;
  executor: Executor;
  asked: Record<string, ApprovalQuestion>;
}

/** The server's side of a run with these tools, whose log has these events. */
function gate(
  names: string[],
  { log = [], permissions = {}, web = [tool("WebSearch")] }: {
    log?: RunEventBody[];
    permissions?: Partial<Permissions>;
    web?: ToolSpec[];
  } = {},
): Asked {
  const setup = { resultName: "researcher" } as const;
  const tools = [...names.map((name) => toolSpec(name, setup)), ...web];
  const asked: Record<string, ApprovalQuestion> = {};
  const host = {
    append: () => {},
    mayGoOn: () => true,
    checkpoint: () => Promise.resolve(null),
    approval(_runId: string, { id }: { id: string }, question: ApprovalQuestion) {
      asked[id] = question;
      return { status: "pending", reason: "" };
    },
  } as unknown as RunHost;
  const executor = new Executor({
    context: {
      ...runContext({
        spec: runSpec({ tools }),
        permissions: { ...permissionsFor("researcher"), ...permissions },
      }),
      log,
    },
    host,
    hands: {
      tool: (_place: unknown, { call, cwd }: { call: { id: string }; cwd: string }) =>
        Promise.resolve({
          result: { callId: call.id, content: "text", isError: false, durationMs: 0 },
          cwd,
        }),
    } as unknown as Hands,
    confinement: { kind: "bubblewrap", hint: "" },
    nowMs: () => 0,
    signal: new AbortController().signal,
  });
  return { mayBegin: () => executor.mayBegin(), executor, asked };
}

const decided = (granted: boolean): RunEventBody => ({
  type: "approval_decided",
  callId: WEB_CALL_ID,
  granted,
  reason: "not on this one",
  by: "owner",
});
const read = { id: "r", name: "Read", input: { file_path: "a" } };

Deno.test("a run that may read what is private waits before its first request, with what would leave", async () => {
  const { mayBegin, asked } = gate(["Read", "Grep", "submit_result"], {
    web: [tool("WebSearch", ["docs.rs"])],
  });
  equal(await mayBegin(), false);
  const { rule, detail } = asked[WEB_CALL_ID]!;
  equal(rule, ALL_TAGS_RULE);
  match(detail, /WebSearch \(3 a request\)/);
  match(detail, /private, with Read, Grep/);
  match(detail, /Domains: docs\.rs\./);
});

Deno.test("one that has nothing private, or has its word, asks nobody", async () => {
  const cases: [string, Asked][] = [
    ["no private tool", gate(["submit_result"])],
    ["no web tool", gate(["Read", "submit_result"], { web: [] })],
    ["allowed beforehand", gate(["Read"], { permissions: { web: "allowed" } })],
    ["granted", gate(["Read"], { log: [decided(true)] })],
    ["denied", gate(["Read"], { log: [decided(false)] })],
  ];
  for (const [what, { mayBegin, asked }] of cases) {
    equal(await mayBegin(), true, what);
    deepEqual(asked, {}, what);
  }
});

Deno.test("a rule about the tools asks before the first request too, whatever was allowed beforehand", async () => {
  for (const rule of ["WebSearch", "web*", "websearch(*)"]) {
    const { mayBegin, asked } = gate(["submit_result"], {
      permissions: { requireApproval: [rule], web: "allowed" },
    });
    equal(await mayBegin(), false, rule);
    equal(asked[WEB_CALL_ID]!.rule, rule);
  }
});

Deno.test("a yes covers what the run reads afterwards; without one, reading would be the third of the three", async () => {
  const granted = gate(["Read"], { log: [decided(true)] });
  equal((await granted.executor.tools(1, [read])).suspended, false);
  const denied = gate(["Read"], { log: [decided(false)] });
  equal((await denied.executor.tools(1, [read])).suspended, false, "there is no way out");
  // What came in by other means is still judged call by call.
  const mcp = { ...toolSpec("Glob"), tags: ["private"] as const };
  const alone = gate([], { web: [tool("WebSearch"), mcp], log: [] });
  equal(await alone.mayBegin(), false);
});

Deno.test("no call of the model's reaches the executor by these names", async () => {
  const { executor } = gate(["Read"], { permissions: { web: "allowed" } });
  for (const name of ["WebSearch", "web_search"]) {
    const { results } = await executor.tools(1, [{ id: name, name, input: { query: "x" } }]);
    match(results[0]!.content, new RegExp(`^No such tool available: ${name}\\.`));
    deepEqual(results[0]!.tags, undefined);
  }
});

Deno.test("denied, the run goes without from its first request on, and the model is told why", async () => {
  await using fake = startFakeClaude({
    reply: ({ turn }) =>
      turn === 1
        ? answer(thinking("From memory then"), toolUse("Read", { file_path: "a" }))
        : handIn,
  });
  const spec = webSpec();
  const { outcome, log } = await run(fake, { log: [{ type: "started", spec }, decided(false)] });
  equal(outcome.type, "succeeded");
  deepEqual(sentTools(fake, 0).map(({ name }) => name), ["Read", "Edit", "submit_result"]);
  match(fake.accepted[0]!.notes[0]!, /a person denied WebSearch and WebFetch \(not on this one\)/);
  ok(log.every((event) => event.type !== "turn_started" || event.webTools === undefined));
  equal((await replay(log)).firstDifference, null);
});

Deno.test("the tags of the web are those of a stranger's tool", () => {
  deepEqual([tool("WebSearch").tags, tool("WebFetch").tags], [webTags, webTags]);
});

// ---------------------------------------------------------------- the fake itself

Deno.test("the fake keeps to the bounds of the tools that a request declares", async () => {
  await using fake = startFakeClaude({ reply: () => handIn });
  const other = { url: "https://example.org/x", title: "Other" };
  fake.enqueue(
    answer(
      ...webSearch("1", [page, other]),
      ...webSearch("2", [other]),
      ...webSearch("3", []),
      ...webSearch("4", [page]),
      ...webFetch("https://example.org/x", "text"),
      "Done",
    ),
  );
  const { log } = await run(fake, { spec: webSpec(["example.com"]) });
  const blocks = finishedIn(log)[0]!.content.filter(({ type }) => type.endsWith("_tool_result"));
  const outcomes = blocks.map((block) => {
    const { content } = block as { content?: unknown };
    return Array.isArray(content)
      ? content.map(({ url }) => url)
      : (content as { error_code: string }).error_code;
  });
  deepEqual(outcomes, [[page.url], [], [], "max_uses_exceeded", "url_not_allowed"]);
  equal(finishedIn(log)[0]!.usage.webSearches, 3);
});

Deno.test("the fake refuses a history in which a search has no result, or a result no search", async () => {
  const options: FakeClaudeOptions = { reply: () => handIn };
  const use = { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "x" } };
  const result = { type: "web_search_tool_result", tool_use_id: "s1", content: [] };
  const histories: [Record<string, unknown>[], RegExp | null][] = [
    [[use, result, { type: "text", text: "ok" }], null],
    [[use, { type: "text", text: "ok" }], /ids were found without a corresponding result: s1/],
    [[result, { type: "text", text: "ok" }], /unexpected `tool_use_id`/],
    [[{ ...use, name: "web_fetch" }, result], /unexpected `tool_use_id`/],
    [
      [use, { ...result, content: [{ type: "web_search_result", url: "u", title: "t" }] }],
      /encrypted_content/,
    ],
    [[use, { ...result, content: "text" }], /content/],
  ];
  for (const [content, refused] of histories) {
    await using fake = startFakeClaude(options);
    const messages = [
      { role: "user", content: "hello" },
      { role: "assistant", content },
      { role: "user", content: "go on" },
    ];
    const response = await fetch(`${fake.url}/v1/messages`, {
      method: "POST",
      headers: {
        "x-api-key": fake.apiKey,
        "anthropic-version": "2026-10-21",
        "content-type": "application/json",
      },
      body: JSON.stringify({ model: "claude-opus-5-5", max_tokens: 100, messages }),
    });
    const { error } = await response.json();
    if (refused === null) equal(response.status, 200, error?.message);
    else match(error.message, refused);
  }
});

Deno.test("the fake refuses tools of the web that are declared wrongly", async () => {
  const search = { type: "web_search_20260209", name: "web_search" };
  const wrong: [Record<string, unknown>, RegExp][] = [
    [{ ...search, name: "search" }, /name/],
    [{ ...search, max_uses: 0 }, /max_uses: Input should be greater than 0/],
    [{ ...search, allowed_domains: ["https://docs.rs"] }, /Invalid domain/],
    [{ ...search, allowed_domains: ["*.docs.rs"] }, /Invalid domain/],
    [{ ...search, allowed_domains: [] }, /at least 1 item/],
    [{ ...search, allowed_domains: ["a.b"], blocked_domains: ["c.d"] }, /only one of/],
    [{ ...search, allowed_callers: ["me"] }, /allowed_callers/],
    [{ ...search, description: "mine" }, /Extra inputs/],
    [{ ...search, type: "web_search_19990101" }, /does not match any of the expected tags/],
  ];
  await using fake = startFakeClaude({ reply: () => answer("ok") });
  const post = async (tool: unknown) => {
    const response = await fetch(`${fake.url}/v1/messages`, {
      method: "POST",
      headers: {
        "x-api-key": fake.apiKey,
        "anthropic-version": "2026-10-21",
        "content-type": "application/json",
      },
      body: JSON.stringify({
        model: "claude-opus-5-5",
        max_tokens: 100,
        messages: [{ role: "user", content: "hello" }],
        tools: [tool],
      }),
    });
    return await response.json();
  };
  for (const [tool, refused] of wrong) match((await post(tool)).error.message, refused);
  equal((await post(search)).type, "message");
});

Deno.test("a script that uses a tool which the request has not fails the test that wrote it", async () => {
  await using fake = startFakeClaude({ reply: () => answer(...webSearch("x", []), "ok") });
  const { log } = await run(fake, { spec: runSpec() });
  match(JSON.stringify(log), /uses web_search, which the request does not have/);
});
