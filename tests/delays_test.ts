/** Why work does not go on: what rows and pages say of it, and that they stop saying it when it does go on. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { SECOND_MS, timeText } from "../server/clock.ts";
import { delaysOf } from "../server/pages/delays.ts";
import type { Run } from "../server/records.ts";
import { pauseJobs, resumeJobs } from "../server/services/jobs.ts";
import { beginRun } from "../server/services/runs.ts";
import { getIdea } from "../server/store/ideas.ts";
import { getRun, listIdeaRuns } from "../server/store/runs.ts";
import { noUsage, type RunEventBody } from "../agents/protocol.ts";
import { followPage, pagesBench } from "./pages_support.ts";
import { begun, record } from "./runs_support.ts";
import { type TestApp, testApp } from "./support.ts";

const runsOf = (app: TestApp, ideaId: string) => listIdeaRuns(app.db, ideaId);
const delayOf = (app: TestApp, { id }: Run) => delaysOf(app).ofRun(getRun(app.db, id));
const text = (html: string): string => html.replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
/** What a page says beside its banners. */
const said = async (app: TestApp, path: string): Promise<string> => {
  const html = await (await pagesBench(app).get(path)).text();
  return text(html.slice(html.indexOf("<h1")));
};

const asking = (turn = 1): RunEventBody => ({ type: "turn_started", turn, maxOutputTokens: 1_000 });
const refused = (
  reason: "rate_limited" | "overloaded",
  retryInMs: number | null,
): RunEventBody => ({
  type: "turn_failed",
  turn: 1,
  reason,
  message: "Cannot get an answer from the model: 429 rate_limit_error",
  usage: noUsage,
  costMicroUsd: 0,
  retryInMs,
});

Deno.test("a run between two tries says what refused it and when it asks again, until it does", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [clarifier] = runsOf(app, idea.id);
  const run = begun(app, clarifier!.id);
  record(app, run, [asking()]);
  equal(delayOf(app, run), null);
  record(app, run, [refused("rate_limited", 20 * SECOND_MS)]);
  deepEqual(delayOf(app, run), {
    why: "Rate limited",
    until: timeText(app.clock.nowMs() + 20 * SECOND_MS),
    more: "Cannot get an answer from the model: 429 rate_limit_error. " +
      "It goes on by itself when the limit allows.",
  });
  for (const path of ["/", "/runs", `/ideas/${idea.id}`, `/runs/${run.id}`]) {
    match(await said(app, path), /Rate limited, tries again in 20 s/, path);
  }
  match(await said(app, "/runs"), /Waiting Clarifier: clarify/);
  record(app, run, [asking()]);
  equal(delayOf(app, run), null);
  doesNotMatch(await said(app, "/runs"), /Rate limited/);
});

Deno.test("the list of runs is told of a refused request at once, and when it is sent again", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const run = begun(app, runsOf(app, idea.id)[0]!.id);
  record(app, run, [asking()]);
  await using told = await followPage(pagesBench(app), "/live/runs");
  record(app, run, [refused("overloaded", 20 * SECOND_MS)]);
  match(
    text(await told.next()),
    /Waiting Clarifier: clarify .*Model overloaded, tries again in 20 s/,
  );
  record(app, run, [asking()]);
  const after = text(await told.next());
  match(after, /Running Clarifier: clarify/);
  doesNotMatch(after, /overloaded/);
});

Deno.test("a run that its job tries again later says when; one that is not tried again says nothing", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [clarifier, researcher] = runsOf(app, idea.id);
  await app.end(clarifier!, {
    type: "retry",
    reason: "overloaded",
    message: "529 overloaded_error",
    afterMs: null,
  });
  const waiting = getRun(app.db, clarifier!.id);
  equal(waiting.status, "waiting");
  const delay = delayOf(app, waiting)!;
  deepEqual([delay.why, delay.more], [
    "Model overloaded",
    "529 overloaded_error. It goes on by itself when the service has room.",
  ]);
  const run = begun(app, researcher!.id);
  record(app, run, [asking(), refused("overloaded", null)]);
  equal(delayOf(app, run), null);
});

Deno.test("a paused queue is named where its runs wait, and runs that wait do not count as working", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [clarifier, researcher] = runsOf(app, idea.id);
  app.tx((tx) => beginRun(tx, researcher!.id));
  pauseJobs(app, "agents");
  equal(delayOf(app, clarifier!)?.why, "Its queue was paused by owner");
  const home = await said(app, "/");
  match(home, /clarifier · Its queue was paused by owner demo model not begun/);
  match(home, /Working now 1 run Waiting 1 run/);
  match(await said(app, `/ideas/${idea.id}`), /Queued Clarifier .*?Its queue was paused by owner/);
  equal(delaysOf(app).ofIdea(getIdea(app.db, idea.id)), null, "one of its agents works");
  resumeJobs(app, "agents");
  doesNotMatch(await said(app, "/"), /paused/);
});

Deno.test("an idea and a ticket that wait for a paused queue say so in their lists", async () => {
  using app = testApp();
  pauseJobs(app, "steps");
  const ticket = await app.ticket();
  await app.idea("submitted");
  match(
    await said(app, "/ideas"),
    /Submitted #1 Greet people by name Its queue was paused by owner/,
  );
  match(await said(app, "/development"), /Queued #1 .*? Its queue was paused by owner/);
  match(await said(app, `/tickets/${ticket.id}`), /It waits Its queue was paused by owner/);
});

Deno.test("held agents are why a run waits, until they are resumed", async () => {
  using app = testApp();
  const idea = await app.idea("refining");
  const [clarifier] = runsOf(app, idea.id);
  await app.end(clarifier!, { type: "hold", reason: "billing", message: "402 billing_error" });
  deepEqual(delayOf(app, clarifier!), {
    why: "The agents are held: billing problem",
    until: null,
    more: "402 billing_error. Settle the account's billing, then resume the agents.",
  });
});

Deno.test("the banner's Resume leads back to where it was pressed, and only to pages of ours", async () => {
  using app = testApp();
  const { http } = pagesBench(app);
  const idea = await app.idea("refining");
  const resumedFrom = async (referer: string) => {
    pauseJobs(app, "agents");
    const answer = await http.request("/queues/agents/resume", {
      method: "POST",
      headers: { referer },
    });
    equal(answer.status, 303);
    return answer.headers.get("location");
  };
  const host = "http://localhost";
  equal(await resumedFrom(`${host}/ideas/${idea.id}?x=1`), `/ideas/${idea.id}?x=1`);
  equal(await resumedFrom(`${host}/`), "/");
  for (const elsewhere of ["//evil.example", "/queues/agents/resume", "/ideas/1/approve"]) {
    equal(await resumedFrom(host + elsewhere), "/jobs", elsewhere);
  }
});
