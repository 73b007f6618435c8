/** In which order tickets start: what they need, rules and times, limits; who is woken, and that nothing is lost. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal, throws } from "node:assert";
import { HOUR_MS, timeText } from "../server/clock.ts";
import { advanceTicket } from "../server/services/development.ts";
import { addNeed, NEEDS_MAX, removeNeed } from "../server/services/needs.ts";
import { archiveProject } from "../server/services/projects.ts";
import { planTicket, setStartRule } from "../server/services/start_rules.ts";
import { describeWait, startWaitOf } from "../server/services/start_waits.ts";
import { standingOf } from "../server/pages/standing.ts";
import { moveTicket } from "../server/services/ticket_moves.ts";
import {
  cancelTicket,
  guideTicket,
  pauseTicket,
  rejectTicket,
  resumeTicket,
  retryTicket,
  startTicket,
} from "../server/services/tickets.ts";
import type { StartRule, Ticket } from "../server/records.ts";
import { listNeeds } from "../server/store/needs.ts";
import { ALL, FREE_RULE, getTicketStart } from "../server/store/starts.ts";
import { getTicket, updateTicket } from "../server/store/tickets.ts";
import { describeChange } from "../views/history.tsx";
import { askedFor, forgetJobs, tickets, toReview, tryToStart } from "./order_support.ts";
import { type TestApp, testApp } from "./support.ts";

const waitOf = (app: TestApp, { id }: Ticket) =>
  startWaitOf(app.db, app.clock.nowMs(), getTicket(app.db, id));
const now = (app: TestApp, { id }: Ticket) => getTicket(app.db, id);
const merged = (app: TestApp, ticket: Ticket) =>
  app.tx((tx) => moveTicket(tx, ticket.id, "done", { step: null, mergeCommit: "c".repeat(40) }));
const block = (app: TestApp, { id }: Ticket) =>
  app.tx((tx) => moveTicket(tx, id, "blocked", { failure: "stuck", reason: "Went in circles" }));
const rule = (changes: Partial<StartRule>): StartRule => ({ ...FREE_RULE, ...changes });

Deno.test("a ticket starts by itself when the last of what it needs is done, and not before", () => {
  using app = testApp();
  const [a, b, c] = tickets(app, 3) as [Ticket, Ticket, Ticket];
  addNeed(app, c.id, a.id);
  addNeed(app, c.id, b.id);
  addNeed(app, c.id, b.id);
  equal(listNeeds(app.db, c.id).length, 2, "saying it twice says it once");
  forgetJobs(app);
  equal(tryToStart(app, c), "queued");
  match(describeWait(waitOf(app, c)!).why, /^Needs #1 \(queued\) and #2 \(queued\)$/);
  for (const ticket of [a, b]) {
    equal(tryToStart(app, ticket), "in_progress");
    toReview(app, ticket);
    equal(tryToStart(app, c), "queued");
    forgetJobs(app);
    merged(app, ticket);
    deepEqual(askedFor(app), [3], "in the transaction of the merge, so no crash can lose it");
  }
  equal(tryToStart(app, c), "in_progress");
});

Deno.test("the queue's own job leaves a ticket queued that waits", async () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  addNeed(app, b.id, a.id);
  const attempt = { attempt: 1, maxAttempts: 5 };
  const outcome = await advanceTicket(app, b.id, attempt, new AbortController().signal);
  deepEqual(outcome, { type: "cancel", reason: "Ticket #2 is queued" });
  equal(now(app, b).status, "queued");
});

Deno.test("addNeed() refuses what would wait for itself, with the circle named", () => {
  using app = testApp();
  const [a, b, c] = tickets(app, 3) as [Ticket, Ticket, Ticket];
  addNeed(app, b.id, a.id);
  addNeed(app, c.id, b.id);
  throws(() => addNeed(app, a.id, c.id), {
    code: "conflict",
    message: "Cannot let ticket #1 need #3: they would wait for each other: " +
      "#1 needs #3, #3 needs #2, #2 needs #1",
  });
  throws(() => addNeed(app, a.id, a.id), { code: "conflict", message: /that is itself/ });
  deepEqual(listNeeds(app.db, a.id), []);
});

Deno.test("addNeed() refuses other projects, tickets that have started, cancelled ones and too many", () => {
  using app = testApp();
  const project = app.project();
  const [a, b, c] = tickets(app, 3, project) as [Ticket, Ticket, Ticket];
  const [other] = tickets(app, 1) as [Ticket];
  throws(() => addNeed(app, a.id, other.id), { code: "invalid", message: /of another project/ });
  throws(() => addNeed(app, a.id, "ticket_none"), { code: "not_found" });
  tryToStart(app, a);
  throws(() => addNeed(app, a.id, b.id), { code: "conflict", message: /"in_progress"/ });
  cancelTicket(app, b.id);
  throws(() => addNeed(app, c.id, b.id), { code: "conflict", message: /#2 is cancelled/ });
  throws(() => removeNeed(app, c.id, b.id), { code: "not_found" });
  for (const needed of tickets(app, NEEDS_MAX, project)) addNeed(app, c.id, needed.id);
  throws(() => addNeed(app, c.id, a.id), { code: "conflict", message: /needs 50 already/ });
});

Deno.test("what needs a cancelled ticket blocks and says what to do; queued again, it goes on by itself", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  addNeed(app, b.id, a.id);
  cancelTicket(app, a.id);
  const blocked = now(app, b);
  deepEqual([blocked.status, blocked.failure], ["blocked", "dependency_cancelled"]);
  equal(blocked.reason, "It needs #1 (cancelled), which will not be done");
  match(standingOf(app, blocked)!.more, /will not be done\. Take that ticket.*or queue it again/);
  throws(() => retryTicket(app, b.id), { code: "conflict", message: /it needs #1 \(cancelled\)/ });
  throws(() => guideTicket(app, b.id, "Go on"), { code: "conflict", message: /cannot guide/i });
  forgetJobs(app);
  retryTicket(app, a.id);
  equal(now(app, b).status, "queued");
  deepEqual(askedFor(app), [1, 2]);
  equal(tryToStart(app, b), "queued", "it still needs the other");
});

Deno.test("what needs a rejected ticket blocks, and starts once it needs it no more", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  addNeed(app, b.id, a.id);
  tryToStart(app, a);
  toReview(app, a);
  rejectTicket(app, a.id, "Not wanted");
  equal(now(app, b).failure, "dependency_cancelled");
  forgetJobs(app);
  removeNeed(app, b.id, a.id);
  deepEqual(askedFor(app), [2]);
  equal(tryToStart(app, b), "in_progress");
});

Deno.test("a ticket that was queued again finds out itself that what it needs was cancelled meanwhile", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  addNeed(app, b.id, a.id);
  cancelTicket(app, b.id);
  cancelTicket(app, a.id);
  retryTicket(app, b.id);
  equal(tryToStart(app, b), "blocked");
});

Deno.test("one that was blocked before it started goes back into the queue, not past what it needs", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  addNeed(app, b.id, a.id);
  app.tx((tx) => moveTicket(tx, b.id, "blocked", { failure: "quarantined", reason: "Died" }));
  equal(retryTicket(app, b.id).status, "queued");
  throws(() => startTicket(app, b.id), {
    code: "conflict",
    message: "Cannot start ticket #2: it needs #1 (queued). It starts by itself when that is done",
  });
});

Deno.test("a rule lets tickets wait for a person's word; one ticket may have another", () => {
  using app = testApp();
  const project = app.project();
  const [a, b] = tickets(app, 2, project) as [Ticket, Ticket];
  setStartRule(app, project.id, rule({ starts: "hand" }));
  equal(tryToStart(app, a), "queued");
  equal(describeWait(waitOf(app, a)!).why, "Waits for you to start it");
  planTicket(app, b.id, { starts: "auto" });
  equal(tryToStart(app, b), "in_progress");
  startTicket(app, a.id);
  equal(tryToStart(app, a), "in_progress");
  equal(getTicketStart(app.db, a.id).starts, null, "that word was for this one start");
  const [c] = tickets(app, 1) as [Ticket];
  planTicket(app, c.id, { starts: "hand" });
  equal(tryToStart(app, c), "queued");
  forgetJobs(app);
  setStartRule(app, project.id, FREE_RULE);
  setStartRule(app, ALL, rule({ starts: "hand" }));
  planTicket(app, c.id, { starts: null });
  equal(tryToStart(app, c), "queued", "the rule for all holds too");
});

Deno.test("a ticket does not start before its time: its job is there for then, and a person can start it sooner", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  const at = timeText(app.clock.nowMs() + 5 * HOUR_MS);
  for (const ticket of [a, b]) planTicket(app, ticket.id, { notBefore: at });
  forgetJobs(app);
  equal(tryToStart(app, a), "queued");
  deepEqual(describeWait(waitOf(app, a)!).until, at);
  const job = app.db.prepare("SELECT status, scheduled_at FROM jobs").get()!;
  deepEqual([job.status, job.scheduled_at], ["scheduled", at]);
  startTicket(app, b.id);
  equal(tryToStart(app, b), "in_progress");
  app.advance(5 * HOUR_MS);
  equal(tryToStart(app, a), "in_progress");
  throws(() => planTicket(app, a.id, { notBefore: null }), { code: "conflict" });
});

Deno.test("planTicket() takes any time with a zone, and refuses what is none", () => {
  using app = testApp();
  const [a] = tickets(app, 1) as [Ticket];
  planTicket(app, a.id, { notBefore: "2026-01-03T09:00:00+01:00" });
  equal(getTicketStart(app.db, a.id).notBefore, "2026-01-03T08:00:00.000Z");
  for (const notBefore of ["tomorrow", "2026-01-03T09:00:00", "2026-13-01T00:00:00Z"]) {
    throws(() => planTicket(app, a.id, { notBefore }), {
      code: "invalid",
      message: /with its zone/,
    });
  }
});

Deno.test("working hours: outside of them nothing starts, and it is known when they open", () => {
  using app = testApp({ now: "2026-01-02T19:00:00.000Z" }); // a Friday evening
  const project = app.project();
  const [a] = tickets(app, 1, project) as [Ticket];
  const hours = { opens: "0 9 * * 1-5", openMinutes: 480, timeZone: "Europe/Berlin" };
  setStartRule(app, project.id, rule({ hours }));
  forgetJobs(app);
  equal(tryToStart(app, a), "queued");
  deepEqual(describeWait(waitOf(app, a)!), {
    why: "Outside of the working hours",
    until: "2026-01-05T08:00:00.000Z",
    then: "starts",
    more: "",
  });
  equal(
    app.db.prepare("SELECT scheduled_at AS at FROM jobs").get()!.at,
    "2026-01-05T08:00:00.000Z",
  );
  app.advance(61 * HOUR_MS);
  equal(waitOf(app, a), null, "Monday, nine o'clock in Berlin");
  app.advance(8 * HOUR_MS);
  equal(waitOf(app, a)?.why, "hours", "five in the afternoon: they are over");
});

Deno.test("setStartRule() refuses hours that there are not and projects that there are not", () => {
  using app = testApp();
  const hours = { opens: "never", openMinutes: 60, timeZone: "UTC" };
  throws(() => setStartRule(app, ALL, rule({ hours })), { code: "invalid" });
  const zone = { opens: "0 9 * * *", openMinutes: 60, timeZone: "Mars/Base" };
  throws(() => setStartRule(app, ALL, rule({ hours: zone })), { code: "invalid", message: /zone/ });
  throws(() => setStartRule(app, "project_none", FREE_RULE), { code: "not_found" });
});

Deno.test("no more tickets of a project are in progress than its rule says; each that leaves lets the next one start", () => {
  using app = testApp();
  const project = app.project();
  const [a, b, c, d] = tickets(app, 4, project) as [Ticket, Ticket, Ticket, Ticket];
  setStartRule(app, project.id, rule({ atOnce: 2 }));
  deepEqual([a, b, c].map((ticket) => tryToStart(app, ticket)), [
    "in_progress",
    "in_progress",
    "queued",
  ]);
  equal(
    describeWait(waitOf(app, c)!).why,
    "Its project has 2 in progress, which is all that it may",
  );
  app.tx((tx) => updateTicket(tx, d.id, { priority: 0 }));
  const leave: [() => void, number][] = [
    [() => block(app, a), 4],
    [() => cancelTicket(app, b.id), 3],
  ];
  for (const [go, next] of leave) {
    forgetJobs(app);
    go();
    deepEqual(askedFor(app), [next], "the most urgent, then the oldest");
    equal(tryToStart(app, [a, b, c, d][next - 1]!), "in_progress");
  }
});

Deno.test("the one that was to start next is paused, cancelled, put off or made to wait: the place goes to another", () => {
  for (
    const lose of [
      (app: TestApp, b: Ticket) => pauseTicket(app, b.id),
      (app: TestApp, b: Ticket) => cancelTicket(app, b.id),
      (app: TestApp, b: Ticket) => planTicket(app, b.id, { starts: "hand" }),
      (app: TestApp, b: Ticket, d: Ticket) => addNeed(app, b.id, d.id),
    ]
  ) {
    using app = testApp();
    const [a, b, , d] = tickets(app, 4) as [Ticket, Ticket, Ticket, Ticket];
    setStartRule(app, ALL, rule({ atOnce: 1 }));
    tryToStart(app, a);
    forgetJobs(app);
    cancelTicket(app, a.id);
    deepEqual(askedFor(app), [2]);
    forgetJobs(app);
    lose(app, b, d);
    equal(askedFor(app).includes(3), true);
  }
});

Deno.test("a limit for all holds over projects, and a higher one lets as many start as it has room for", () => {
  using app = testApp();
  const [a] = tickets(app, 1) as [Ticket];
  const others = tickets(app, 3);
  setStartRule(app, ALL, rule({ atOnce: 1 }));
  equal(tryToStart(app, a), "in_progress");
  equal(tryToStart(app, others[0]!), "queued");
  match(describeWait(waitOf(app, others[0]!)!).why, /^1 is in progress, which is all that may be$/);
  forgetJobs(app);
  setStartRule(app, ALL, rule({ atOnce: 3 }));
  deepEqual(askedFor(app), [1, 2]);
  forgetJobs(app);
  setStartRule(app, ALL, FREE_RULE);
  deepEqual(askedFor(app), [1, 2, 3]);
});

Deno.test("a paused ticket says so before anything else, and resumed it finds out what it waits for", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  addNeed(app, b.id, a.id);
  pauseTicket(app, b.id);
  equal(waitOf(app, b)?.why, "paused");
  resumeTicket(app, b.id);
  equal(waitOf(app, b)?.why, "needs");
});

Deno.test("nothing of an archived project begins, and its tickets say so; another project's do", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  const [other] = tickets(app, 1, app.project()) as [Ticket];
  equal(tryToStart(app, a), "in_progress");
  archiveProject(app, a.projectId);
  equal(tryToStart(app, b), "queued");
  startTicket(app, b.id);
  equal(tryToStart(app, b), "queued");
  equal(standingOf(app, getTicket(app.db, b.id))?.why, "Its project is archived");
  equal(standingOf(app, getTicket(app.db, a.id)), null, "what has begun goes on to its review");
  equal(tryToStart(app, other), "in_progress");
});

Deno.test("a move that is refused leaves nothing of what it would have meant for others", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  addNeed(app, b.id, a.id);
  forgetJobs(app);
  throws(() => merged(app, a), { code: "conflict", message: /Cannot move ticket #1 to "done"/ });
  deepEqual([askedFor(app), now(app, b).status], [[], "queued"]);
  throws(() =>
    app.tx((tx) => {
      moveTicket(tx, a.id, "cancelled");
      throw new Error("the process dies before the commit");
    })
  );
  equal(now(app, b).status, "queued");
});

Deno.test("the history says what was made to wait for what, by whom", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  addNeed(app, b.id, a.id);
  removeNeed(app, b.id, a.id);
  planTicket(app, b.id, { starts: "hand" });
  startTicket(app, b.id);
  const said = app.events.filter(({ ticketId, type }) =>
    ticketId === b.id && /need|start/.test(type)
  ).map((event) => describeChange(event as Parameters<typeof describeChange>[0]));
  deepEqual(said, [
    "Needs #1, by owner",
    "Needs #1 no more, by owner",
    "Starts by hand, by owner",
    "Started by owner",
  ]);
});
