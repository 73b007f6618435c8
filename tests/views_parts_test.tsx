/** The parts that pages are made of: numbers, links, markdown, diff, activity, event stream. */
import { deepStrictEqual as deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import { renderToString } from "preact-render-to-string";
import type { FieldError } from "../server/errors.ts";
import type { DiffFile } from "../server/records.ts";
import { Activity, itemsPartial } from "../views/activity.tsx";
import { foldActivity, itemsSince, type TurnItem } from "../views/activity_fold.ts";
import { describeFact } from "../views/activity_fact.tsx";
import { countDiff, describeCall, describeGroup, groupCalls } from "../views/activity_words.ts";
import { Diff } from "../views/diff.tsx";
import type { DiffProps } from "../views/diff_props.ts";
import {
  DIFF_MAX_LINES,
  FILE_MAX_LINES,
  lineId,
  parsePlace,
  type Place,
  placeText,
  planFiles,
} from "../views/diff_place.ts";
import { loadMarks } from "../views/diff_words.ts";
import { count, duration, firstLine, money, relative, tokens } from "../views/format.ts";
import { ErrorPage } from "../views/errors.tsx";
import { ErrorSummary, Field } from "../views/forms.tsx";
import { describeChange } from "../views/history.tsx";
import { History } from "../views/history_panel.tsx";
import { idPart, isSafeHref, withQuery } from "../views/links.ts";
import { liveMessage, LiveStream, partial } from "../views/live.tsx";
import { renderMarkdown } from "../views/markdown.ts";
import { Inline } from "../views/inline.tsx";
import { doingNow, shownRun } from "../views/words.ts";
import * as a from "./pages_fixture.ts";

// ------------------------------------------------------------------ numbers and times

Deno.test("money() shows cents, and what costs less than one", () => {
  const shown = [0, 1, 49, 4_200, 9_999, 10_000, 1_284_000, 1_234_567_890_000].map(money);
  deepEqual(shown, [
    "$0.00",
    "< $0.0001",
    "< $0.0001",
    "$0.0042",
    "$0.0100",
    "$0.01",
    "$1.28",
    "$1,234,567.89",
  ]);
});

/** What static/time.js writes into this element when the browser's clock says `nowMs`. */
function tick(kind: "elapsed" | "relative", atMs: number, nowMs: number): string {
  const dateTime = new Date(atMs).toISOString();
  const time = { dateTime, dataset: { [kind]: "" }, textContent: "as the server said" };
  let refresh = () => {};
  const page = { hidden: false, querySelectorAll: () => [time], addEventListener: () => {} };
  const script = Deno.readTextFileSync(new URL("../static/time.js", import.meta.url));
  new Function("document", "Date", "setInterval", script)(
    page,
    { now: () => nowMs, parse: Date.parse },
    (callback: () => void) => void (refresh = callback),
  );
  refresh();
  return time.textContent;
}

Deno.test("the browser says a time as the server did, so that none changes its words when it ticks", () => {
  const spans = [0, 1, 999, 1_000, 4_400, 9_999, 10_000, 59_999, 60_000, 252_400, 3_600_000];
  for (const ms of [...spans, -5_000, 7_500_000, 90_000_000]) {
    equal(tick("elapsed", a.NOW_MS - ms, a.NOW_MS), duration(ms), `${ms} ms`);
    equal(tick("relative", a.NOW_MS - ms, a.NOW_MS), relative(a.NOW_MS - ms, a.NOW_MS), `${ms} ms`);
  }
});

Deno.test("tokens(), count() and duration() are short and exact enough", () => {
  deepEqual([0, 840, 1_000, 12_420, 99_960, 1_250_000].map(tokens), [
    "0",
    "840",
    "1k",
    "12.4k",
    "100k",
    "1.3M",
  ]);
  deepEqual([0, 999, 5_340, 1_000_000].map(count), ["0", "999", "5,340", "1,000,000"]);
  deepEqual([0, 40, 900, 12_000, 59_999, 252_000, 3_600_000, 7_500_000].map(duration), [
    "< 1 s",
    "< 1 s",
    "< 1 s",
    "12 s",
    "59 s",
    "4 min 12 s",
    "1 h",
    "2 h 5 min",
  ]);
});

Deno.test("relative() counts up to a week, then says the day", () => {
  const minutes = [0, 0.1, 0.7, 12, 180, 60 * 24, 60 * 24 * 3, 60 * 24 * 8, -2];
  deepEqual(minutes.map((n) => relative(Date.parse(a.ago(n)), a.NOW_MS)), [
    "now",
    "now",
    "42 s ago",
    "12 min ago",
    "3 h ago",
    "1 day ago",
    "3 days ago",
    "6 Mar 2026",
    "in 2 min",
  ]);
});

Deno.test("firstLine() cuts at a line's end or at the limit", () => {
  equal(firstLine("\n  one\ntwo", 10), "one");
  equal(firstLine("0123456789", 5), "0123…");
});

// ------------------------------------------------------------------ links

Deno.test("isSafeHref() lets web, mail and relative addresses through, and nothing that runs", () => {
  const safe = [
    "https://e.com",
    "HTTP://e.com",
    "mailto:a@b.c",
    "/ideas/1",
    "#e12",
    "?q=a",
    "a/b:c",
  ];
  const unsafe = ["javascript:alert(1)", " java\nscript:x", "JaVaScRiPt:x", "\u0001javascript:x"];
  unsafe.push("data:text/html,x", "vbscript:x", "file:///etc/passwd", "blob:x");
  deepEqual(safe.filter((href) => !isSafeHref(href)), []);
  deepEqual(unsafe.filter(isSafeHref), []);
});

Deno.test("idPart() needs no escaping in a selector and keeps different texts apart", () => {
  const texts = ["a/b.ts", "a-2f-b.ts", "a b", "a.b", "a_b", "ü", "run_12ab"];
  const parts = texts.map(idPart);
  equal(new Set(parts).size, texts.length);
  for (const part of parts) match(part, /^[A-Za-z0-9_-]+$/);
  equal(idPart("run_12ab"), "run_12ab");
});

Deno.test("withQuery() leaves out what is not set", () => {
  equal(withQuery("/ideas", { project: null, q: "a&b", status: "" }), "/ideas?q=a%26b");
  equal(withQuery("/ideas", { project: undefined }), "/ideas");
});

// ------------------------------------------------------------------ markdown

const known = (kind: string, number: number) => number < 100 ? `/${kind}s/${number}` : null;

Deno.test("renderMarkdown() links ideas and tickets that exist, and only whole words", () => {
  match(renderMarkdown("see #idea-12.", known), /<a href="\/ideas\/12">#idea-12<\/a>\./);
  match(renderMarkdown("**#ticket-7**", known), /<a href="\/tickets\/7">/);
  for (const text of ["#idea-100", "a#idea-1", "#idea-1x", "#idea-1-2", "`#idea-1`"]) {
    doesNotMatch(renderMarkdown(text, known), /<a /, text);
  }
});

Deno.test("renderMarkdown() shows HTML, images and dangerous links as text", () => {
  const html = renderMarkdown(
    "<b onclick=x>b</b> ![i](https://e.com/i.png) [x](javascript:alert(1)) [y](data:text/html,x)\n\n" +
      "<https://e.com> [z](https://e.com)\n\n| a |\n|--:|\n| 1 |\n\n# Title",
  );
  doesNotMatch(html, /<b[ >]|<img|href="(?:javascript|data)|style=/);
  match(html, /&lt;b onclick=x&gt;/);
  match(html, /<td class="align-right">1<\/td>/);
  match(html, /<h3>Title<\/h3>/, "below the page's own headings");
  equal(html.match(/rel="noopener noreferrer nofollow"/g)?.length, 3);
});

Deno.test("Inline shows code between backticks, and everything else as the text that it is", () => {
  const html = (text: string) => renderToString(<Inline text={text} />);
  equal(html("Print `todo count` and `x`?"), "Print <code>todo count</code> and <code>x</code>?");
  equal(html("`` a `b` c ``"), "<code>a `b` c</code>");
  equal(html("`<b>` <i>*no*</i>"), "<code>&lt;b></code> &lt;i>*no*&lt;/i>");
  for (
    const plain of ["one ` alone", "two `` together", "`over\ntwo lines`", "", "**bold** #idea-1"]
  ) {
    equal(html(plain), plain);
  }
});

Deno.test("a request that a restart cut off costs no words where it cost nothing", () => {
  const cutOff = {
    type: "turn_failed" as const,
    turn: 1,
    reason: "worker_lost" as const,
    message: "A restart cut the request off: it may have cost up to $0.0000, and is sent again",
    usage: a.usage,
    costMicroUsd: 0,
    retryInMs: 0,
  };
  const html = renderToString(
    <Activity
      run={a.run({ demo: true })}
      events={a.eventsOf([{ type: "turn_started", turn: 1, maxOutputTokens: 1 }, cutOff])}
      liveText=""
      allHref={null}
      nowMs={a.NOW_MS}
    />,
  );
  match(
    html,
    /tone-waiting">The worker was lost: A restart cut the request off and is sent again\. Asked again at once\./,
  );
});

Deno.test("a run that reported to be blocked is no success to look at", () => {
  const result = { status: "blocked", summary: "No such API" };
  deepEqual(shownRun(a.run({ status: "succeeded", result })), {
    tone: "failed",
    word: "Reported blocked",
  });
  equal(describeFact({ type: "succeeded", result }).text, "Reported blocked");
  equal(shownRun(a.run({ status: "succeeded", result: { status: "done" } })).word, "Succeeded");
});

Deno.test("doingNow() says that the developer mends, whatever step failed", () => {
  const ticket = { step: "test" as const, round: 1 };
  equal(doingNow(ticket, null), "Testing");
  equal(doingNow(ticket, "fix"), "Mending, round 1 of 3");
  equal(doingNow({ step: "develop", round: 0 }, "change"), "Changing as requested");
  equal(doingNow({ step: null, round: 0 }, null), "Starting");
});

Deno.test("renderMarkdown() cuts what is too long for a page and says so", () => {
  const html = renderMarkdown("a ".repeat(50_000));
  ok(html.length < 60_000);
  match(html, /50000 more characters are not shown/);
});

// ------------------------------------------------------------------ diff

const fileOf = (path: string, lines: number): DiffFile => ({
  path,
  oldPath: null,
  kind: "modified",
  binary: false,
  additions: lines,
  deletions: 0,
  hunks: [{ header: "@@", lines: a.lines(1, 1, Array.from({ length: lines }, (_, i) => `+${i}`)) }],
});

const diffOf = (changes: Partial<DiffProps> = {}): string =>
  renderToString(
    <Diff
      files={a.files}
      findings={[]}
      comments={[]}
      commit={null}
      openFile={null}
      commentAt={null}
      page="/tickets/t/review"
      commentAction="/tickets/t/comments"
      nowMs={a.NOW_MS}
      {...changes}
    />,
  );

Deno.test("parsePlace() reads what placeText() wrote, and refuses everything else", () => {
  const places: Place[] = [
    { path: "src/a.ts", line: 12, side: "new" },
    { path: "a:b-3:c", line: 1, side: "old" },
  ];
  deepEqual(places.map((place) => parsePlace(placeText(place))), places);
  for (const text of [null, undefined, "", "a", "a:", "a:0", "a:x", ":4", "a:-"]) {
    equal(parsePlace(text), null);
  }
});

Deno.test("planFiles() shows 1,500 lines, folds generated files, and opens what was asked for", () => {
  const files = [fileOf("a", 1_000), fileOf("b", 600), fileOf("deno.lock", 5), fileOf("c", 400)];
  deepEqual([...planFiles(files, new Set()).values()], [1_000, 0, 0, 400]);
  deepEqual([...planFiles(files, new Set(["b", "deno.lock"])).values()], [1_000, 600, 5, 0]);
  const huge = fileOf("huge", FILE_MAX_LINES + 1);
  equal(planFiles([huge], new Set(["huge"])).get("huge"), FILE_MAX_LINES);
  equal(planFiles([fileOf("d", DIFF_MAX_LINES + 1)], new Set()).get("d"), 0);
});

Deno.test("Diff gives each line its sign and address, and each hunk its tbody", () => {
  const html = diffOf();
  equal(html.match(/<tbody>/g)?.length, 3);
  const added = lineId({ path: "src/save.sh", line: 14, side: "new" });
  const removed = lineId({ path: "src/save.sh", line: 14, side: "old" });
  match(html, new RegExp(`<tr class="added" id="${added}">`));
  match(html, new RegExp(`<tr class="removed" id="${removed}">`));
  match(html, /href="\/tickets\/t\/review\?comment=src%2Fsave\.sh%3A-14#L-/);
  match(html, /slot<span class="word">\.tmp<\/span>/);
  match(html, /Written by a tool: <a[^>]*>show 2 lines/, "a generated file is folded");
  match(html, /A binary file/);
});

Deno.test("Diff opens the comment form under its line only, and never when commenting is over", () => {
  const commentAt: Place = { path: "src/save.sh", line: 15, side: "new" };
  const html = diffOf({ commentAt });
  equal(html.match(/id="comment-form"/g)?.length, 1);
  ok(html.indexOf('id="comment-form"') > html.indexOf(lineId(commentAt)));
  ok(html.indexOf('id="comment-form"') < html.indexOf(lineId({ ...commentAt, line: 16 })));
  for (const [name, value] of [["path", "src/save.sh"], ["line", "15"], ["side", "new"]]) {
    ok(html.includes(`name="${name}" value="${value}"`));
  }
  const closed = diffOf({ commentAt, commentAction: null });
  doesNotMatch(closed, /comment-form|\?comment=/);
});

Deno.test("Diff shows remarks at their lines, and those outside of the hunks at the file's head", () => {
  const html = diffOf({
    findings: [a.finding({ line: 16 }), a.finding({ id: "far", line: 900, message: "Far away" })],
    comments: [a.comment()],
  });
  const table = html.indexOf("<table");
  ok(html.indexOf("Far away") < table);
  ok(
    html.indexOf("not removed when") >
      html.indexOf(lineId({ path: "src/save.sh", line: 16, side: "new" })),
  );
  ok(html.indexOf("Name it after the slot") > table);
  match(html, /draft/);
});

Deno.test("Diff shows remarks on an earlier version at the file's head, with the line that they were about", () => {
  const [newest, earlier] = ["a".repeat(40), "b".repeat(40)];
  const html = diffOf({
    commit: newest,
    findings: [a.finding({ line: 16, commit: earlier, message: "Then wrong" })],
    comments: [
      a.comment({ id: "then", line: 15, side: "old", commit: earlier, body: "Said then" }),
      a.comment({ id: "now", line: 15, side: "new", commit: newest, body: "Said now" }),
    ],
  });
  const table = html.indexOf("<table");
  ok(html.indexOf("Then wrong") < table && html.indexOf("Said then") < table);
  ok(html.indexOf("Said now") > table);
  match(html, /reviewer, line 16 of an earlier version, b{7,12}</);
  match(html, /line 15 \(removed\) of an earlier version, b{7,12}, /);
});

/** The marked parts of a pair of lines, as text; null: neither has any. */
async function markedIn(before: string, after: string, budgetMs?: number) {
  const lines = a.lines(1, 1, [`-${before}`, `+${after}`]);
  const marks = (await loadMarks(budgetMs))({ header: "@@", lines });
  if (marks.size === 0) return null;
  return lines.map(({ text }, i) =>
    (marks.get(i) ?? []).map(({ from, to }) => text.slice(from, to))
  );
}

Deno.test("loadMarks() marks every word that changed, in lines that have enough in common", async () => {
  deepEqual(await markedIn("let a = 1;", "let b = 1;"), [["a"], ["b"]]);
  deepEqual(
    await markedIn("  save(slot, level, false);", "  load(slot, level, true);"),
    [["save", "false"], ["load", "true"]],
  );
  deepEqual(await markedIn("f(a, b)", "f(a, b, c)"), [[], [", c"]]);
  deepEqual(await markedIn("value1 = x", "value12 = x"), [["value1"], ["value12"]], "whole words");
  deepEqual(
    await markedIn("the red fox ran over there again", "the blue cow ran over here again"),
    [["red fox", "there"], ["blue cow", "here"]],
    "what only a space is between is one",
  );
  deepEqual(await markedIn("x = '🙂' + y", "x = '🙃' + y"), [["🙂"], ["🙃"]], "whole characters");
  equal(await markedIn("one", "completely other"), null);
  equal(await markedIn("if (a) return b;", "for (const x of y) { go(x); }"), null);
  equal(await markedIn(`${"x ".repeat(600)}a`, `${"x ".repeat(600)}b`), null, "too long");
});

Deno.test("loadMarks() keeps to its time, and to lines that can be compared: then the middle is one part", async () => {
  const [before, after] = ["save(slot, level, false);", "load(slot, level, true);"];
  deepEqual(await markedIn(`keep these words: ${before}`, `keep these words: ${after}`, 0), [
    ["save(slot, level, false"],
    ["load(slot, level, true"],
  ]);
  const many = (word: string) => `${"same ".repeat(80)}${`${word}. `.repeat(110)}`;
  equal((await markedIn(many("a"), many("b")))!.map(({ length }) => length).join(), "1,1");
  const hunk = { header: "@@", lines: a.lines(1, 1, [`-${before}`, `+${after}`]) };
  const marks = (await loadMarks())(hunk);
  equal((await loadMarks(0))(hunk), marks, "kept with the hunk");
});

// ------------------------------------------------------------------ activity

Deno.test("foldActivity() makes one item per turn with its calls, and one per other fact", () => {
  const items = foldActivity(a.eventsOf(a.runBodies));
  deepEqual(items.map((item) => item.kind), ["fact", "turn", "turn", "turn", "fact"]);
  const [, first, second, third] = items as TurnItem[];
  deepEqual(first!.calls.map(({ call }) => call.name), ["Read", "Read", "Grep"]);
  equal(second!.checkpoints.length, 1);
  equal(third!.failure?.reason, "overloaded");
  ok(second!.calls.every(({ result }) => result !== null));
  deepEqual(itemsSince(items, second!.last).map(({ first }) => first), [
    third!.first,
    third!.last + 1,
  ]);
});

Deno.test("foldActivity() keeps a call that waits for approval, and what was decided", () => {
  const call = { id: "c1", name: "Bash", input: { command: "rm -r build" } };
  const bodies = [
    { type: "turn_started", turn: 1, maxOutputTokens: 1 },
    { type: "tool_started", turn: 1, call },
    { type: "approval_requested", callId: "c1", approvalId: "a1", detail: "rm -r build" },
  ] as const;
  const [waiting] = foldActivity(a.eventsOf([...bodies])) as TurnItem[];
  equal(describeCall(waiting!.calls[0]!).outcome, "waits for you");
  const [denied] = foldActivity(a.eventsOf([
    ...bodies,
    { type: "approval_decided", callId: "c1", granted: false, reason: "Keep it", by: "owner" },
    {
      type: "tool_finished",
      turn: 1,
      result: { callId: "c1", content: "Denied", isError: true, durationMs: 1 },
    },
  ])) as TurnItem[];
  deepEqual(describeCall(denied!.calls[0]!), {
    verb: "Run",
    object: "rm -r build",
    outcome: "denied",
    tone: "failed",
  });
});

Deno.test("a call that a restart cut off is said to be interrupted, not refused", () => {
  const call = { id: "c1", name: "Bash", input: { command: "sleep 60" } };
  const result = { callId: "c1", content: "Cut off", isError: true, durationMs: 4 };
  const shown = (more: { interrupted?: true }) => {
    const [turn] = foldActivity(a.eventsOf([
      { type: "turn_started", turn: 1, maxOutputTokens: 1 },
      { type: "tool_started", turn: 1, call },
      { type: "tool_finished", turn: 1, result: { ...result, ...more } },
    ])) as TurnItem[];
    const { outcome, tone } = describeCall(turn!.calls[0]!);
    return [outcome, tone];
  };
  deepEqual(shown({ interrupted: true }), ["interrupted", "waiting"]);
  deepEqual(shown({}), ["refused", "failed"]);
});

Deno.test("foldActivity() of a part that begins within a turn loses only what began before", () => {
  const events = a.eventsOf(a.runBodies);
  const from = events.findIndex(({ body }) => body.type === "tool_started");
  const items = foldActivity(events.slice(from));
  deepEqual((items[0] as TurnItem).calls.length, 3);
});

Deno.test("describeCall() says what came of each kind of call", () => {
  const [, first, second] = foldActivity(a.eventsOf(a.runBodies)) as TurnItem[];
  deepEqual(second!.calls.map((step) => Object.values(describeCall(step)).join("|")), [
    "Edit|src/save.sh|+2 −1|",
    "Check|test|failed · 4 s|failed",
    "Run|sh tools/regenerate.sh --all|exit 0 · < 1 s|done",
  ]);
  equal(describeGroup(first!.calls), "Read 2 files, searched 1 time");
  deepEqual(groupCalls(first!.calls).map((group) => Array.isArray(group)), [true]);
  deepEqual(groupCalls(second!.calls).map((group) => Array.isArray(group)), [false, false, false]);
});

Deno.test("countDiff() counts lines, not the file's own header", () => {
  deepEqual(countDiff("--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n++z\n"), { added: 2, removed: 1 });
});

Deno.test("Activity shows the newest part of a long run, with a link to all of it", () => {
  const bodies = Array.from({ length: 250 }, (_, n) => a.turn(n + 1, { text: `turn ${n + 1}.` }))
    .flat();
  const render = (allHref: string | null) =>
    renderToString(
      <Activity
        run={a.run()}
        events={a.eventsOf(bodies)}
        liveText=""
        allHref={allHref}
        nowMs={a.NOW_MS}
      />,
    );
  match(render("/runs/run_dev?all=1"), /Showing 200 of 250 steps/);
  doesNotMatch(render("/runs/run_dev?all=1"), /turn 50\./);
  match(render(null), /turn 50\./);
});

Deno.test("itemsPartial() appends the items and empties the streamed text", () => {
  const items = foldActivity(a.eventsOf(a.turn(1, { text: "Done." })));
  const html = renderToString(itemsPartial({ run: a.run(), items, liveText: "", nowMs: a.NOW_MS }));
  match(
    html,
    /^<hx-partial hx-target="#activity-run_dev" hx-swap="beforeend"><li class="turn" id="e1"/,
  );
  match(html, /<hx-partial hx-target="#live-run_dev" hx-swap="textContent"><\/hx-partial>$/);
});

// ------------------------------------------------------------------ the stream and the history

Deno.test("liveMessage() is one event however its lines end, without an id for streamed text", () => {
  const content = partial("#x", "textContent", "a\nb\r\nc\rd");
  equal(
    liveMessage(12, content),
    'id: 12\ndata: <hx-partial hx-target="#x" hx-swap="textContent">a\ndata: b\ndata: c\ndata: d</hx-partial>\n\n',
  );
  doesNotMatch(liveMessage(null, content), /^id:/m);
});

Deno.test("LiveStream keeps its id while only the newest event changes", () => {
  const id = (path: string, after: number) =>
    /id="([^"]*)"/.exec(renderToString(<LiveStream path={path} after={after} />))?.[1];
  equal(id("/live/home", 1), id("/live/home", 2));
  ok(id("/live/ideas?q=a", 1) !== id("/live/ideas?q=b", 1));
  match(
    renderToString(<LiveStream path="/live/ideas?q=a" after={7} />),
    /hx-sse:connect="\/live\/ideas\?q=a&amp;after=7"/,
  );
});

Deno.test("the error page of a wrong method says what the address takes, and is no fault", () => {
  const message = "Cannot GET /echo: this address takes POST";
  const page = renderToString(
    <ErrorPage
      shell={a.shell()}
      status={405}
      message={message}
      requestId="req_1"
      backHref="/ideas"
    />,
  );
  match(page, /<h1[^>]*>Not possible here/);
  ok(page.includes(`<p>${message}.</p>`));
  ok(!page.includes("req_1"));
});

Deno.test("describeChange() is a sentence for every kind of change, also for one it does not know", () => {
  const sentences = [
    a.change("idea_submitted"),
    a.change("idea_moved", { to: "rejected", reason: "Too big" }),
    a.change("question_answered", { number: 2 }),
    a.change("ticket_moved", { from: "review", to: "done" }),
    a.change("ticket_changed", { step: "build" }),
    a.change("check_finished", { name: "build", status: "passed", baseline: true }),
    a.change("agents_held", { reason: "billing", message: "x" }),
    a.change("something_new"),
    a.change("idea_moved", { to: "another" }),
    a.change("idea_moved", { to: "refining" }),
    a.change("idea_moved", { to: "refining", words: "Smaller, please" }),
    a.change("idea_moved", { to: "refining", again: true }),
    a.change("idea_moved", { to: "converted" }),
    a.change("ticket_changed", { step: "merge" }),
    a.change("ticket_moved", { from: "review", to: "in_progress", words: "Rename it" }),
    a.change("ticket_moved", { from: "blocked", to: "in_progress", words: "Use `mv`\nas before" }),
    a.change("ticket_moved", { from: "blocked", to: "in_progress" }),
    a.change("ticket_moved", { from: "blocked", to: "review" }),
    a.change("ticket_moved", { from: "review", to: "cancelled", reason: "Not now" }),
    a.change("ticket_moved", { from: "in_progress", to: "cancelled" }),
    a.change("ticket_moved", { from: "cancelled", to: "queued" }),
  ].map(describeChange);
  deepEqual(sentences, [
    "Submitted by owner",
    "Rejected by owner: Too big",
    "Question 2 answered by owner",
    "Done",
    "Building",
    "Baseline build passed",
    "The agents were held: billing problem",
    "Something new",
    "Another",
    "Refining",
    "Sent back by owner: Smaller, please",
    "Taken up again by owner",
    "Approved by owner",
    "Approved by owner",
    "Sent back by owner: Rename it",
    "Guided by owner: Use `mv`",
    "Taken up again by owner",
    "Merge retried by owner",
    "Rejected by owner: Not now",
    "Cancelled by owner",
    "Queued again by owner",
  ]);
});

Deno.test("History cuts long words in the line, and has them whole where it unfolds", () => {
  const reason = `The developer failed: ${"very ".repeat(40)}long\n\nsecond paragraph`;
  const html = renderToString(
    <History
      id="h"
      changes={[
        a.change("ticket_moved", { from: "in_progress", to: "blocked", reason }),
        a.change("ticket_moved", { from: "review", to: "cancelled", reason: "Not now" }),
      ]}
      nowMs={a.NOW_MS}
    />,
  );
  const [folded, short] = html.split("</li>");
  match(
    folded!,
    /<details id="change-\d+"><summary>Blocked: The developer failed: [^<]*…<\/summary>/,
  );
  match(folded!, /<p>second paragraph<\/p>/);
  equal(folded!.match(/second paragraph/g)!.length, 1);
  match(short!, /<span>Rejected by owner: Not now<\/span>/);
  doesNotMatch(short!, /<details/);
});

// ------------------------------------------------------------------ refused forms

const path = (errors: FieldError[], message: string) =>
  renderToString(
    <>
      <ErrorSummary form="project" message={message} errors={errors} />
      <Field form="project" name="path" label="Folder" errors={errors} />
    </>,
  );

Deno.test("a single error is said once, at its field, with its command apart; the summary leads there", () => {
  const message = 'Cannot use "/a b": not a repository. Make it one: git -C "/a b" init && git add';
  const html = path([{ field: "path", message }], message);
  equal(html.match(/not a repository/g)!.length, 1);
  match(html, /<a href="#project-path">One field needs another look<\/a>/);
  match(
    html,
    /id="project-path-error".*Make it one: <code class="command">git -C .* git add<\/code>/,
  );
  // The frame of a refused form repeats its first error.
  match(
    path([{ field: "path", message: "Too short" }], 'Cannot read it: "path": Too short'),
    /One f/,
  );
});

Deno.test("a summary keeps what no field of its form can show, and every one of several errors", () => {
  const nested = path([{ field: "tags.0", message: "Too long" }], "Cannot read the form: Too long");
  match(nested, /Cannot read the form: Too long/);
  const more = { field: "name", message: "Write a name" };
  const both = path([{ field: "path", message: "Wrong" }, more], "Cannot add it: Wrong");
  match(both, /Cannot add it: Wrong/);
  match(both, /href="#project-name">Write a name/);
  match(path([{ field: "path", message: "Wrong" }], "Changed meanwhile"), /Changed meanwhile/);
  const clause = 'Cannot keep it: git says "no"; run: git -C /a gc; or wait';
  doesNotMatch(path([], clause), /<code/);
});
