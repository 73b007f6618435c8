/** Tools of the web that the model's service carries out: what goes out, what is kept, what is paid, who is asked. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
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
import type { Model } from "../agents/loop/turn.ts";
import { resolveModel } from "../agents/models.ts";
import type { RunEventBody, RunSpec, ToolSpec } from "../agents/protocol.ts";
import {
  domainsOf,
  MAX_FETCHES,
  MAX_SEARCHES,
  WEB_CALL_ID,
  webToolSpec,
} from "../agents/web/web_tools.ts";
import {
  answer,
  cited,
  compaction,
  type FakeClaude,
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
import { notesOf, play, roles, runSpec, seeded } from "./loop_support.ts";

const page = { url: "https://docs.example.com/greet", title: "Greetings" };
const handIn = answer(toolUse("submit_result", { status: "done" }));
const tool = (name: "WebSearch" | "WebFetch", hosts: string[] = []): ToolSpec =>
  webToolSpec(name, hosts)!;

/** A run with both tools beside its own. */
function webSpec(hosts: string[] = [], changes: Partial<RunSpec> = {}): RunSpec {
  const spec = runSpec(changes);
  return { ...spec, tools: [...spec.tools, tool("WebSearch", hosts), tool("WebFetch", hosts)] };
}

const claudeFor = (fake: FakeClaude, onQuirk?: (quirk: Quirk) => void): Model => {
  const endpoint = { baseUrl: fake.url, apiKey: fake.apiKey, idleTimeoutMs: 10_000 };
  return createClaude({ kind: "endpoint", ...endpoint }, onQuirk);
};

/** A run of the loop with the real client, against the strict fake. */
const run = (
  fake: FakeClaude,
  { spec = webSpec(), log, model = claudeFor(fake) }: {
    spec?: RunSpec;
    log?: RunEventBody[];
    model?: Model;
  } = {},
) => play({ spec, log: log ?? [{ type: "started", spec }], script: [], model });

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
    const learned: Quirk[] = [];
    const model = claudeFor(fake, (quirk) => learned.push(quirk));
    const { outcome, log } = await run(fake, { model });
    equal(outcome.type, "succeeded");
    deepEqual(learned, lacks);
    const names = lacks.map((lack) => lack === "web_search" ? "WebSearch" : "WebFetch");
    deepEqual(finishedIn(log).map((event) => event.withoutTools), [names, undefined]);
    match(notesOf(log).join(), new RegExp(`does not have ${names.join(" and ")}\\.`));
    deepEqual(fake.accepted[1]!.notes.length, 1, "the model is told, once");
    equal((await replay(log)).firstDifference, null);
    // The refusals were not paid, and the next run does not ask for them.
    equal(costOf(log), chargedBy(fake));
    const before = fake.requests.length;
    const next = await run(fake, { model });
    equal(next.outcome.type, "succeeded");
    ok(fake.requests.slice(before).every(({ status }) => status === 200));
    match(notesOf(next.log).join(), /does not have/);
    // Another model may have them.
    const opus = webSpec([], { model: resolveModel("opus", null) });
    deepEqual((await run(fake, { spec: opus, model })).outcome.type, "succeeded");
    equal(fake.requests.filter(({ status }) => status === 400).length, 2 * lacks.length);
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

// ---------------------------------------------------------------- a person's no

const denied: RunEventBody = {
  type: "approval_decided",
  callId: WEB_CALL_ID,
  granted: false,
  reason: "not on this one",
  by: "owner",
};

Deno.test("denied, the run goes without from its first request on, and the model is told why", async () => {
  await using fake = startFakeClaude({
    reply: ({ turn }) =>
      turn === 1
        ? answer(thinking("From memory then"), toolUse("Read", { file_path: "a" }))
        : handIn,
  });
  const spec = webSpec();
  const { outcome, log } = await run(fake, { log: [{ type: "started", spec }, denied] });
  equal(outcome.type, "succeeded");
  deepEqual(sentTools(fake, 0).map(({ name }) => name), ["Read", "Edit", "submit_result"]);
  match(fake.accepted[0]!.notes[0]!, /a person denied WebSearch and WebFetch \(not on this one\)/);
  ok(log.every((event) => event.type !== "turn_started" || event.webTools === undefined));
  equal((await replay(log)).firstDifference, null);
});
