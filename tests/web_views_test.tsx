/** What pages show of the web: searches and pages as calls, sources of a text, links that lead nowhere dangerous. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import type { ContentBlock, RunEventBody } from "../agents/protocol.ts";
import { renderToString } from "preact-render-to-string";
import { Activity } from "../views/activity.tsx";
import { foldActivity, type TurnItem } from "../views/activity_fold.ts";
import { webOutcome, webVerb } from "../views/activity_web.tsx";
import { runMarkdown } from "../views/run_transcript.ts";
import { citedText, webHref, webUsesIn } from "../views/web_uses.ts";
import * as a from "./pages_fixture.ts";
import { noUsage } from "../agents/protocol.ts";
import { price } from "./budgets_support.ts";

const use = (id: string, query: string): ContentBlock => ({
  type: "server_tool_use",
  id,
  name: "web_search",
  input: { query },
});
const result = (id: string, content: unknown): ContentBlock => ({
  type: "web_search_tool_result",
  tool_use_id: id,
  content,
});
const page = (url: string, title = "A page") => ({ type: "web_search_result", url, title });
const error = (error_code: string) => ({ type: "web_search_tool_result_error", error_code });
const cited = (text: string, ...urls: string[]): ContentBlock => ({
  type: "text",
  text,
  citations: urls.map((url) => ({ type: "web_search_result_location", url, title: `<${url}>` })),
});

const turn = (n: number, content: ContentBlock[], stopReason = "end_turn"): RunEventBody[] => [
  { type: "turn_started", turn: n, maxOutputTokens: 1, webTools: ["WebSearch"] },
  {
    type: "turn_finished",
    turn: n,
    content,
    stopReason,
    usage: { ...noUsage, webSearches: 1 },
    costMicroUsd: 10_000,
    price,
    requestId: null,
    durationMs: 1,
  },
];

const shown = (bodies: RunEventBody[]): string =>
  renderToString(
    <Activity
      run={a.run()}
      events={a.eventsOf(bodies)}
      liveText=""
      allHref={null}
      nowMs={a.NOW_MS}
    />,
  );

Deno.test("only http and https become links", () => {
  equal(webHref("https://example.com/a b<c>"), "https://example.com/a%20b%3Cc%3E");
  equal(webHref("http://example.com"), "http://example.com/");
  for (
    const url of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "/x", "x", ""]
  ) {
    equal(webHref(url), null, url);
  }
});

Deno.test("each search and each fetched page is a call with what it was asked and what came of it", () => {
  const fetched: ContentBlock[] = [
    { type: "server_tool_use", id: "f1", name: "web_fetch", input: { url: "https://docs.rs/x" } },
    {
      type: "web_fetch_tool_result",
      tool_use_id: "f1",
      content: {
        type: "web_fetch_result",
        url: "https://docs.rs/x",
        content: { type: "document", title: "x", source: { data: "secret text" } },
      },
    },
  ];
  const content = [
    use("s1", "greet"),
    result("s1", [page("https://example.com/1"), page("https://example.com/2")]),
    use("s2", "again"),
    result("s2", error("max_uses_exceeded")),
    ...fetched,
    use("s3", "open"),
  ];
  const uses = webUsesIn(content, new Map());
  deepEqual(uses.map((one) => [webVerb(one), one.asked, webOutcome(one)]), [
    ["Search the web for", "greet", "2 pages"],
    ["Search the web for", "again", "failed"],
    ["Fetch", "https://docs.rs/x", "fetched"],
    ["Search the web for", "open", "goes on"],
  ]);
  const html = shown(turn(1, content));
  match(html, /<a href="https:\/\/example\.com\/1" rel="noopener noreferrer nofollow">A page<\/a>/);
  match(html, />failed<[^]*Error, as the agent got it[^]*max_uses_exceeded/);
  match(html, / · 1 web search\b/);
});

Deno.test("a search that a pause cut in two shows its pages in the turn that brought them", () => {
  const bodies = [
    ...turn(1, [use("s1", "greet")], "pause_turn"),
    ...turn(2, [result("s1", [page("https://example.com")])]),
  ];
  const [first, second] = foldActivity(a.eventsOf(bodies)) as TurnItem[];
  equal(webOutcome(first!.web[0]!), "goes on");
  deepEqual([second!.web[0]!.asked, webOutcome(second!.web[0]!)], ["greet", "1 page"]);
  // Of a part of a log that begins behind it, what was asked is not known.
  const [part] = foldActivity(a.eventsOf(bodies).slice(2)) as TurnItem[];
  deepEqual([part!.web[0]!.asked, part!.web[0]!.state], ["", "done"]);
});

Deno.test("a text says behind each part what it cites, in one piece, and lists the sources", () => {
  const { text, sources } = citedText([
    { type: "text", text: "It says " },
    cited("hello", "https://example.com/(a)", "https://example.com/b"),
    { type: "text", text: " and " },
    cited("bye", "https://example.com/b"),
    { type: "text", text: "." },
  ]);
  equal(
    text,
    "It says hello [\\[1\\]](<https://example.com/(a)>) [\\[2\\]](<https://example.com/b>) and " +
      "bye [\\[2\\]](<https://example.com/b>).",
  );
  deepEqual(sources.map(({ url }) => url), ["https://example.com/(a)", "https://example.com/b"]);
  const plain = citedText([{ type: "text", text: "One" }, { type: "text", text: "Two" }]);
  deepEqual(plain, { text: "One\n\nTwo", sources: [] });
});

Deno.test("what pages are called and where they lie can't do anything on our page", () => {
  const evil = "javascript:alert(1)";
  const html = shown(turn(1, [
    use("s1", "<script>alert(1)</script>"),
    result("s1", [
      page(evil, "<img src=x onerror=alert(1)>"),
      page('https://a.example/"><b>', "b"),
    ]),
    cited("See", evil, "https://a.example/>)[x](javascript:alert(2))"),
  ]));
  doesNotMatch(html, /<script|<img|href="javascript:|<b>/);
  match(html, /&lt;script>alert\(1\)&lt;\/script>/);
  for (const href of html.matchAll(/href="([^"]*)"/g)) match(href[1]!, /^(https?:|#|\/|$)/);
});

Deno.test("blocks of a shape that nobody has seen yet break no page", () => {
  const odd = [
    { type: "server_tool_use" },
    { type: "web_search_tool_result", content: null },
    { type: "web_search_tool_result", tool_use_id: "s9", content: [null, 7, {}] },
    { type: "text", text: "x", citations: [null, "a", {}, { url: 7 }] },
    { type: "text", text: 7 },
  ] as ContentBlock[];
  match(shown(turn(1, odd)), /Search the web for/);
});

Deno.test("the transcript tells of searches, pages and sources", () => {
  const events = a.eventsOf(turn(1, [
    use("s1", "greet"),
    result("s1", [page("https://example.com/1", "One")]),
    cited("hello", "https://example.com/1"),
  ]));
  const text = runMarkdown(
    a.run(),
    { kind: "idea", id: "idea_1", number: 1, title: "Greet", projectName: "Shop" },
    events,
  );
  match(text, /### Search the web for greet\n\n1 page\n\n- One \(https:\/\/example\.com\/1\)/);
  match(text, /Source: .*https:\/\/example\.com\/1/);
});
