/** Tools that the fake carries out itself: what it refuses, what it makes of a script, and what it bills. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import type { WireBlock } from "../../agents/demo/wire.ts";
import { answer, found, searching, startFakeClaude, stopped, webFetch, webSearch } from "./mod.ts";
import { assistant, body, post, user } from "./support.ts";

const search = { type: "web_search_20260209", name: "web_search", max_uses: 3 };
const fetches = { type: "web_fetch_20260209", name: "web_fetch" };
const page = { url: "https://docs.example.com/greet", title: "Greetings" };
const other = { url: "https://example.org/x", title: "Other" };

/** What came of each use: the addresses, or the error. */
const outcomesIn = (content: WireBlock[]) =>
  content.filter(({ type }) => type.endsWith("_tool_result")).map((block) => {
    const { content } = block as WireBlock & {
      content: { url: string }[] | { error_code?: string; url?: string };
    };
    return Array.isArray(content)
      ? content.map(({ url }) => url)
      : content.error_code ?? content.url;
  });

Deno.test("it keeps to the bounds of the tools that a request declares, and bills what it did", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(
    answer(
      ...webSearch("1", [page, other]),
      ...webSearch("2", { error_code: "unavailable" }),
      ...webSearch("3", []),
      ...webSearch("4", [page]),
      ...webFetch(other.url, "text"),
      ...webFetch(page.url, "text"),
      "Done",
    ),
  );
  const allowed_domains = ["example.com"];
  const tools = [{ ...search, allowed_domains }, { ...fetches, allowed_domains }];
  const { json } = await post(fake, body({ tools }));
  deepEqual(outcomesIn(json.content), [
    [page.url],
    "unavailable",
    [],
    "max_uses_exceeded",
    "url_not_allowed",
    page.url,
  ]);
  deepEqual(json.usage.server_tool_use, { web_search_requests: 2, web_fetch_requests: 1 });
  const { input_tokens, cache_read_input_tokens, output_tokens } = json.usage;
  ok(cache_read_input_tokens > 5 * input_tokens / 2, "each use reads all again");
  equal(
    fake.costMicroUsd,
    20_000 + input_tokens * 4 + cache_read_input_tokens * 0.2 + output_tokens * 20,
  );
});

Deno.test("a paused search goes on with its result, which belongs to it", async () => {
  await using fake = startFakeClaude();
  fake.enqueue(stopped("pause_turn", searching("greet")), answer(found([page]), "Hello"));
  const { json: paused } = await post(fake, body({ tools: [search] }));
  const history = [user("hello"), assistant(paused.content)];
  const { json } = await post(fake, body({ tools: [search], messages: history }));
  equal(json.content[0].tool_use_id, paused.content[0].id);
  fake.enqueue(answer("Yes"));
  const merged = [
    user("hello"),
    assistant([...paused.content, ...json.content]),
    user("Sure?"),
  ];
  equal((await post(fake, body({ tools: [search], messages: merged }))).status, 200);
  const edited = structuredClone(merged);
  (edited[1]!.content as WireBlock[])[1]!.content = [];
  const { json: refused } = await post(fake, body({ tools: [search], messages: edited }));
  match(refused.error.message, /differs from the one that was received/);
});

const use = { type: "server_tool_use", id: "s1", name: "web_search", input: { query: "x" } };
const result = { type: "web_search_tool_result", tool_use_id: "s1", content: [] as unknown };
const last = { type: "text", text: "ok" };
const histories: [string, WireBlock[], RegExp | null][] = [
  ["a search with its result", [use, result, last], null],
  ["a search without one", [use, last], /ids were found without a corresponding result: s1/],
  ["a result alone", [result, last], /unexpected `tool_use_id`/],
  ["a result before its search", [result, use, last], /unexpected `tool_use_id`/],
  ["a result of another tool", [{ ...use, name: "web_fetch" }, result], /unexpected `tool_use_id`/],
  ["a page without its text", [
    use,
    { ...result, content: [{ type: "web_search_result", url: "u", title: "t" }] },
  ], /encrypted_content/],
  ["a text for a result", [use, { ...result, content: "text" }], /content/],
  ["an error without a code", [
    use,
    { ...result, content: { type: "web_search_tool_result_error" } },
  ], /error_code/],
];
for (const [what, content, refused] of histories) {
  Deno.test(`it ${refused ? "refuses" : "accepts"} a history with ${what}`, async () => {
    await using fake = startFakeClaude({ reply: () => answer("Fine") });
    const messages = [user("hello"), assistant(content), user("go on")];
    const { status, json } = await post(fake, body({ messages }));
    if (refused) match(json.error.message, refused);
    else equal(status, 200, JSON.stringify(json));
  });
}

const wrong: [Record<string, unknown>, RegExp][] = [
  [{ name: "search" }, /name/],
  [{ max_uses: 0 }, /max_uses: Input should be greater than 0/],
  [{ allowed_domains: ["https://docs.rs"] }, /Invalid domain/],
  [{ allowed_domains: ["*.docs.rs"] }, /Invalid domain/],
  [{ allowed_domains: [] }, /at least 1 item/],
  [{ allowed_domains: ["a.b"], blocked_domains: ["c.d"] }, /only one of/],
  [{ allowed_callers: ["me"] }, /allowed_callers/],
  [{ description: "mine" }, /Extra inputs/],
  [{ type: "web_search_19990101" }, /does not match any of the expected tags/],
];
for (const [change, refused] of wrong) {
  Deno.test(`it refuses a web tool with ${JSON.stringify(change)}`, async () => {
    await using fake = startFakeClaude({ reply: () => answer("Fine") });
    const { status, json } = await post(fake, body({ tools: [{ ...search, ...change }] }));
    equal(status, 400);
    match(json.error.message, refused);
  });
}

Deno.test("a script that uses a tool which the request has not fails the test that wrote it", async () => {
  await using fake = startFakeClaude({ reply: () => answer(...webSearch("x", []), "ok") });
  const { json } = await post(fake, body());
  match(json.error.message, /uses web_search, which the request does not have/);
});
