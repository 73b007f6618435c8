/** Whole pages as text: nothing hostile gets through, live parts fit their pages, states have their words. */
import { deepStrictEqual as deepEqual, doesNotMatch, equal, match, ok } from "node:assert/strict";
import type { VNode } from "preact";
import { renderToString } from "preact-render-to-string";
import {
  checkStatuses,
  failureReasons,
  ideaStatuses,
  runStatuses,
  type TicketStatus,
  ticketStatuses,
} from "../server/states.ts";
import { type MachineFault, machineFaults } from "../server/machine_fault.ts";
import { type AgentFileRow, AgentFilesPage } from "../views/agent_files.tsx";
import { activityPartial } from "../views/activity.tsx";
import { renderPlainError } from "../views/errors.tsx";
import type { Idea } from "../server/records.ts";
import { homePartials } from "../views/home.tsx";
import { ideaPartials } from "../views/idea.tsx";
import { IdeaActions } from "../views/idea_decision.tsx";
import { IdeaRow, ideasPartials } from "../views/ideas.tsx";
import { jobsPartials } from "../views/jobs.tsx";
import { renderPage } from "../views/layout.tsx";
import { ReviewBar } from "../views/review_decision.tsx";
import { projectsPartials } from "../views/projects.tsx";
import { reviewPartials } from "../views/review.tsx";
import { runPartials } from "../views/run.tsx";
import { settingsPartials } from "../views/settings.tsx";
import { ticketPartials } from "../views/ticket.tsx";
import { TicketRow } from "../views/ticket_card.tsx";
import { TicketActions } from "../views/ticket_moves.tsx";
import { developmentPartials } from "../views/tickets.tsx";
import { failureWords, ideaWords, runWords, ticketWords } from "../views/words.ts";
import { agentFile } from "./agents_fixture.ts";
import * as a from "./pages_fixture.ts";
import { noPull } from "./pull_fixture.ts";
import { samplePages } from "./sample_pages.tsx";

const none = new URLSearchParams();
const sample = (path: string, changes = {}, query = none): VNode =>
  samplePages[path]!(a.shell(changes), query);
const all = (expression: RegExp, text: string): string[] =>
  [...text.matchAll(expression)].map((found) => found[1]!);

// ------------------------------------------------------------------ safety

/** Where a person is asked to trust this file. */
const trusting = (changes: Partial<AgentFileRow>): string =>
  renderPage(
    <AgentFilesPage
      shell={a.shell({})}
      project={{ id: "prj_space", name: "Space game", baseBranch: "main" }}
      names={[]}
      files={[agentFile(changes)]}
    />,
  );

Deno.test("a person who is asked to trust a changed file sees all of the change", () => {
  const diff = `@@ -1,0 +1,400 @@\n${"+a line\n".repeat(399)}+the last line\n`;
  const page = trusting({ state: "changed", diff });
  match(page, /\+the last line/);
  doesNotMatch(page, /more lines/);
});

Deno.test("a file that a person is asked to trust holds nothing that is not seen", () => {
  const text = "Look.\u200b\u{e0041}\r\nDone.";
  const page = trusting({ text, description: text, diff: `@@ -0,0 +1,2 @@\n+${text}\n` });
  equal(page.match(/Look\.\\u\{200b\}\\u\{e0041\}/g)?.length, 3);
  doesNotMatch(page, /[\u200b\u{e0041}]|\\u\{d\}/u);
});

const HOSTILE =
  `"'><script>alert(1)</script><img src=x onerror="alert(1)"></textarea></pre></title>` +
  `<a href="javascript:alert(1)" style="color:red" hx-get="/x" hx-on:click="x">&amp;` +
  `[link](javascript:alert(1)) ![image](https://e.com/x.png) [data](data:text/html,x)`;

/** Names of what people, models and repositories write. */
const TEXTS = new Set(
  ("title description text why answer options name reason message suggestion body summary error detail " +
    "command tail path file test tags feedback guidance branch label waitReason liveText author createdBy " +
    "actor content thinking evidence criterion output header prompt system baseUrl dataDir version " +
    "projectName reviewSummary mergeWait acceptance complexityReason priorityReason baseBranch refused hint " +
    "diff tool agent requestId by setup build q words commentText").split(" "),
);

/** Values of closed sets that stand under such a name. */
const CLOSED = new Set<string>([...Object.keys(failureReasons), ...checkStatuses]);

/** The same props with every free text replaced. */
function poison(value: unknown, key = ""): unknown {
  if (typeof value === "string") return TEXTS.has(key) && !CLOSED.has(value) ? HOSTILE : value;
  if (Array.isArray(value)) return value.map((item) => poison(item, key));
  if (value === null || typeof value !== "object" || value instanceof Set) return value;
  if (value instanceof Map) return new Map([...value].map(([name, item]) => [name, poison(item)]));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, poison(item, name)]),
  );
}

/** A picture in a document, which is its own or comes from a route of this server. */
const PICTURE =
  /<img src="(?:data:image\/png;base64,[\w+/=]*|\/planning\/[^"]*)" alt="[^"]*" loading="lazy">/g;

function assertHarmless(page: string): void {
  const html = page.replace(PICTURE, "");
  doesNotMatch(html, /<(?:img|iframe|object|embed|base|style)[\s>]/i, "no foreign element");
  deepEqual(all(/<script([^>]*)>/g, html).filter((rest) => !/^ src="\/static\//.test(rest)), []);
  doesNotMatch(html, /\sstyle="/i, "the content policy forbids style attributes");
  doesNotMatch(html, /\son[a-z]+="/i, "no inline handler");
  doesNotMatch(html, /\shx-on[^\s=]*="|\shx-[a-z:]+="js:/i, "no code in htmx attributes");
  for (const href of all(/(?:href|action|src)="([^"]*)"/g, html)) {
    match(href, /^(?:\/|#|\?|https?:|mailto:|$)/, `an address that is safe: ${href}`);
  }
}

for (const [path, page] of Object.entries(samplePages)) {
  Deno.test(`the page ${path} keeps hostile texts as texts`, () => {
    const { type, props } = page(a.shell({ demo: true }), none);
    const html = renderPage({ ...page(a.shell(), none), type, props: poison(props) } as VNode);
    assertHarmless(html);
    ok(html.includes("&lt;script>") || html.includes("&lt;script&gt;"), "the text itself is shown");
  });

  Deno.test(`the page ${path} has one heading, one main part and no id twice`, () => {
    const html = renderPage(page(a.shell(), none));
    equal(all(/<(h1)[\s>]/g, html).length, 1);
    equal(all(/<(main)[\s>]/g, html).length, 1);
    const ids = all(/\sid="([^"]*)"/g, html);
    deepEqual(ids.filter((id, index) => ids.indexOf(id) !== index), []);
    for (const target of all(/\s(?:for|aria-labelledby|form)="([^"]*)"/g, html)) {
      ok(ids.includes(target), `#${target} is there`);
    }
    assertHarmless(html);
  });
}

Deno.test("renderPlainError() needs no data and shows the request", () => {
  const html = renderPlainError({ asset: (path) => `/static/${path}`, requestId: "<req>" });
  match(html, /^<!doctype html>/);
  match(html, /&lt;req/);
  assertHarmless(html);
});

// ------------------------------------------------------------------ live parts

// deno-lint-ignore no-explicit-any
type Partials = (props: any, status?: string) => VNode;
const partialsOf: [path: string, partials: Partials][] = [
  ["/", homePartials],
  ["/ideas", ideasPartials],
  ["/ideas/idea_q", ideaPartials],
  ["/development", developmentPartials],
  ["/tickets/tkt_save", ticketPartials],
  ["/tickets/tkt_blocked", ticketPartials],
  ["/tickets/tkt_save/review", reviewPartials],
  ["/runs/run_dev", runPartials],
  ["/jobs", jobsPartials],
  ["/projects", projectsPartials],
  ["/settings", settingsPartials],
];

/** Props of the page component itself, whichever function of the sample wraps it. */
// deno-lint-ignore no-explicit-any
const propsOf = (path: string): any => sample(path).props;

for (const [path, partials] of partialsOf) {
  Deno.test(`the live parts of ${path} are exactly what the page shows under their ids`, () => {
    const page = renderPage(sample(path));
    const message = renderToString(partials(propsOf(path), "Tests passed"));
    const parts = [...message.matchAll(
      /<hx-partial hx-target="#([^"]+)" hx-swap="outerMorph">(.*?)<\/hx-partial>/gs,
    )];
    ok(parts.length >= 3, "the frame and a part of the page");
    for (const [, target, html] of parts) {
      match(html!, new RegExp(`^<[a-z]+[^>]*\\sid="${target}"`), `#${target} replaces itself`);
      ok(page.includes(html!), `#${target} is on the page, word for word`);
    }
    match(message, /<title>\(4\) .* · Gaffer<\/title>/);
    match(message, /hx-target="#status" hx-swap="textContent">Tests passed</);
  });
}

Deno.test("what the agents make of an idea arrives by itself: summary, criteria, subtasks, findings", () => {
  const { plan } = a.idea();
  const before = a.idea({ plan: { acceptance: [], subtasks: [], findings: [] } });
  const message = (idea: Idea) =>
    renderToString(ideaPartials({ ...propsOf("/ideas/idea_save"), idea }));
  for (
    const text of [
      plan.summary!,
      ...plan.acceptance,
      plan.subtasks[0]!.title,
      plan.findings[0]!.text,
    ]
  ) {
    doesNotMatch(message(before), new RegExp(text));
    match(message(a.idea()), new RegExp(text));
  }
});

Deno.test("activityPartial() is what the ticket's page shows", () => {
  const { activity } = propsOf("/tickets/tkt_save");
  const html = renderToString(activityPartial({ ...activity, nowMs: a.NOW_MS }))
    .replace(/^<hx-partial[^>]*>|<\/hx-partial>$/g, "");
  ok(renderPage(sample("/tickets/tkt_save")).includes(html));
});

Deno.test("a page connects to one stream, with the newest event it was rendered with", () => {
  const html = renderPage(sample("/tickets/tkt_save"));
  deepEqual(all(/hx-sse:connect="([^"]*)"/g, html), ["/live/ticket/tkt_save?after=100"]);
});

// ------------------------------------------------------------------ words

Deno.test("every state and every failure has words of its own", () => {
  for (const words of [ideaWords, ticketWords, runWords]) {
    const texts = Object.values(words).map(({ word }) => word);
    equal(new Set(texts).size, texts.length);
  }
  deepEqual(Object.keys(failureWords).sort(), Object.keys(failureReasons).sort());
  doesNotMatch(Object.values(failureWords).join(""), /[!.]/);
});

for (const status of ideaStatuses) {
  Deno.test(`an idea that is ${status} says so, and what it waits for`, () => {
    const idea = a.idea({ status, reason: "Out of scope" });
    const html = renderToString(
      <IdeaRow
        idea={idea}
        projectName="Game"
        delay={null}
        openQuestions={1}
        nowMs={a.NOW_MS}
        showProject={false}
      />,
    );
    ok(html.includes(ideaWords[status].word));
    match(html, /<p class="row-note">[A-Z0-9]/);
  });
}

for (const status of ticketStatuses) {
  Deno.test(`a ticket that is ${status} says so, and why it is there`, () => {
    const card = {
      ticket: a.ticket({ status, failure: status === "blocked" ? "stuck" : null }),
      projectName: "Game",
      agent: null,
      purpose: null,
      delay: null,
      demo: false,
      subtasks: { done: 1, total: 2 },
      needs: false,
      place: null,
      withForge: false,
      build: null,
      test: null,
    };
    const html = renderToString(<TicketRow card={card} nowMs={a.NOW_MS} showProject={false} />);
    ok(html.includes(ticketWords[status].word));
    match(html, /<p class="row-note">[A-Z]/);
  });
}

Deno.test("a run's page names its state, and a failed one what happened and what to do", () => {
  for (const status of runStatuses) {
    const props = propsOf("/runs/run_dev");
    const run = a.run({
      status,
      failure: status === "failed" ? "billing" : null,
      error: "No credit",
    });
    const html = renderPage(
      { ...sample("/runs/run_dev"), props: { ...props, run, delay: null } } as VNode,
    );
    ok(html.includes(runWords[status].word));
    equal(html.includes(failureReasons.billing.mend), status === "failed");
  }
});

// ------------------------------------------------------------------ only legal moves

const actionsOf = (html: string) =>
  all(/action="[^"]*\/([a-z-]+)"/g, html).filter((verb, index, verbs) =>
    verbs.indexOf(verb) === index
  );

Deno.test("IdeaActions offers the moves of the state and no others", () => {
  const moves = Object.fromEntries(
    ideaStatuses.map((status) => [
      status,
      actionsOf(renderToString(<IdeaActions idea={a.idea({ status })} refused={null} />)).sort(),
    ]),
  );
  deepEqual(moves, {
    submitted: ["reject"],
    refining: ["reject"],
    questions: ["reject"],
    ready: ["approve", "reject", "request-changes"],
    converted: [],
    rejected: ["refine"],
    stuck: ["refine", "reject"],
  });
});

Deno.test("Approve sends the edited subtasks along", () => {
  const html = renderPage(sample("/ideas/idea_save"));
  match(
    html,
    /<button[^>]*form="plan"[^>]*>Approve|<button[^>]*formaction="[^"]*approve"[^>]*form="plan"/,
  );
  const form = html.slice(html.indexOf('id="plan"'));
  for (
    const name of ["title_1", "description_1", "complexity_1", "include_1", "order_1", "title_2"]
  ) {
    ok(form.includes(`name="${name}"`), name);
  }
});

Deno.test("TicketActions offers the moves of the state and no others", () => {
  const moves = Object.fromEntries(
    ticketStatuses.map((status) => [
      status,
      actionsOf(
        renderToString(
          <TicketActions
            ticket={a.ticket({ status, mergeCommit: "c".repeat(40) })}
            refused={null}
          />,
        ),
      ).sort(),
    ]),
  );
  const expected: Record<TicketStatus, string[]> = {
    queued: ["cancel", "pause", "start"],
    in_progress: ["cancel", "pause", "take-over"],
    review: ["cancel", "take-over"],
    blocked: ["cancel", "guide", "retry"],
    done: ["deploy", "undo"],
    cancelled: ["retry"],
  };
  deepEqual(moves, expected);
  const paused = a.ticket({ pausedBy: "owner" });
  for (const [ticket, runPaused] of [[paused, false], [a.ticket(), true]] as const) {
    const bar = <TicketActions ticket={ticket} runPaused={runPaused} refused={null} />;
    deepEqual(actionsOf(renderToString(bar)).sort(), ["cancel", "resume", "take-over"]);
  }
});

Deno.test("ReviewBar counts the drafts, warns of blocking findings, and is empty once it is merging", () => {
  const bar = (changes: Partial<Parameters<typeof ReviewBar>[0]>) =>
    renderToString(
      <ReviewBar
        ticket={a.ticket({ status: "review", step: "review" })}
        baseBranch="main"
        drafts={2}
        blocking={1}
        message="fix: save"
        style="squash"
        pull={noPull}
        shown={null}
        refused={null}
        {...changes}
      />,
    );
  match(bar({}), /Request changes \(2\)/);
  match(bar({}), /1 blocking finding by the reviewer would be merged/);
  match(bar({}), /2 draft comments would not be sent/);
  deepEqual(actionsOf(bar({})), ["approve", "request-changes", "reject"]);
  const merging = a.ticket({ status: "review", step: "merge" });
  deepEqual(actionsOf(bar({ ticket: merging })), []);
  match(bar({ ticket: merging }), /In the merge queue/);
  const waiting = { ...merging, mergeWait: "It would overwrite save.sh" };
  deepEqual(actionsOf(bar({ ticket: waiting })), ["request-changes", "reject"]);
  deepEqual(actionsOf(bar({ ticket: a.ticket({ status: "done" }) })), []);
});

// ------------------------------------------------------------------ the frame

Deno.test("every page says that the demo model answers, and how to add a key", () => {
  for (const path of Object.keys(samplePages)) {
    match(renderPage(sample(path, { demo: true })), /Demo model:.*Add a key/s, path);
  }
  doesNotMatch(renderPage(sample("/ideas", { demo: false })), /Demo model/);
});

Deno.test("what a limit counts although nobody told its cost is explained, where there is any", () => {
  match(renderPage(sample("/usage")), /id="in-doubt">In doubt is the most that requests may have/);
});

Deno.test("held or refused agents are named on every page, with what to do", () => {
  const held = renderPage(sample("/ideas", { held: { reason: "billing", message: "No credit." } }));
  match(held, /The agents are held: billing problem/);
  match(held, /action="\/settings\/resume-agents"/);
  const message = "invalid x-api-key";
  const sentences = renderPage(sample("/ideas", { held: { reason: "authentication", message } }));
  match(
    sentences,
    /invalid x-api-key\. Set a valid ANTHROPIC_API_KEY and start Gaffer again\. Nothing/,
  );
  const refused = "Agents do not run: their confinement has a hole (it could read outside)";
  const page = renderPage(sample("/ideas", { refused }));
  match(page, /No agent runs:<\/strong> their confinement has a hole \(it could read outside\)\. /);
  match(
    renderPage(sample("/ideas", { exposedAt: "0.0.0.0" })),
    /Other machines can reach this without a password.*0\.0\.0\.0.*--host 127\.0\.0\.1/s,
  );
  const process = { kind: "process", hint: "" } as const;
  match(renderPage(sample("/ideas", { confinement: process })), /No sandbox:.*bubblewrap/s);
});

Deno.test("a queue that is paused is named on every page, with who did it and a way on", () => {
  for (const path of Object.keys(samplePages)) {
    if (path === "/troubled") continue; // has banners of its own
    const page = renderPage(sample(path, { paused: [{ queue: "agents", by: "ana" }] }));
    match(page, /id="paused-agents".*Queue agents is paused by ana\./s, path);
    match(page, /action="\/queues\/agents\/resume"/, path);
  }
  doesNotMatch(renderPage(sample("/ideas", {})), /is paused by/);
});

Deno.test("that nothing can be saved is said on every page, with what to do and that nothing is lost", () => {
  for (const kind of Object.keys(machineFaults) as MachineFault[]) {
    const { what, mend } = machineFaults[kind];
    const html = renderPage(sample("/ideas", { storage: { kind, since: a.ago(1) } }));
    ok(html.includes(`Nothing can be saved: ${what}.</strong> ${mend}.`), kind);
    equal(html.includes("Nothing that was saved is lost"), kind !== "damaged");
  }
  doesNotMatch(renderPage(sample("/ideas")), /Nothing can be saved/);
});

Deno.test("pages of later issues are not linked", () => {
  const html = renderPage(sample("/"));
  doesNotMatch(html, /href="\/(?:users)/);
});
