/** Tickets edited, split and taken together by a person; and what is known of how long they take. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal, throws } from "node:assert";
import { MINUTE_MS } from "../server/clock.ts";
import type { Run, Ticket } from "../server/records.ts";
import { startRun } from "../server/services/runs.ts";
import { addNeed } from "../server/services/needs.ts";
import { doWithTickets } from "../server/services/ticket_bulk.ts";
import { editTicket, splitTicket, type TicketSplit } from "../server/services/ticket_edits.ts";
import { makeTicket } from "../server/services/ticket_making.ts";
import { moveTicket } from "../server/services/ticket_moves.ts";
import { expectedOf, progressOf, summaryOf } from "../server/services/ticket_progress.ts";
import {
  cancelTicket,
  pauseTicket,
  resumeTicket,
  startTicket,
} from "../server/services/tickets.ts";
import { planTicket } from "../server/services/start_rules.ts";
import { getProject } from "../server/store/projects.ts";
import { insertMemoryChange } from "../server/store/memory.ts";
import { listNeeds } from "../server/store/needs.ts";
import { addWorkedMs, moveRun } from "../server/store/runs.ts";
import { getTicketStart, listSplitOff } from "../server/store/starts.ts";
import { insertSubtasks, listSubtasks, moveSubtask } from "../server/store/subtasks.ts";
import { getTicket } from "../server/store/tickets.ts";
import { describeChange } from "../views/history.tsx";
import { askedFor, forgetJobs, HEAD, tickets, toReview, tryToStart } from "./order_support.ts";
import { type TestApp, testApp } from "./support.ts";

const titles = (app: TestApp, { id }: Ticket) =>
  listSubtasks(app.db, id).map(({ position, title }) => `${position} ${title}`);
const run = (app: TestApp, ticket: Ticket, purpose: Run["purpose"], subtaskId?: string): Run =>
  app.tx((tx) => startRun(app, tx, { ticket, purpose, agent: "feature-dev", subtaskId }));
const blocked = (app: TestApp, { id }: Ticket): Ticket =>
  app.tx((tx) => moveTicket(tx, id, "blocked", { failure: "stuck", reason: "Went in circles" }));

/** One more, which nobody has begun; its id. */
const addSubtask = (app: TestApp, { id }: Ticket): string =>
  app.tx((tx) =>
    insertSubtasks(tx, id, [{ title: "Four", description: "", complexity: "small" }])[0]!
  );

Deno.test("editTicket() changes what a queued ticket asks for: words, criteria, subtasks in a new order", () => {
  using app = testApp();
  const [a] = tickets(app, 1) as [Ticket];
  const [one, two] = listSubtasks(app.db, a.id);
  const wanted = (title: string, id?: string) =>
    ({ title, description: "How", complexity: "small", ...(id ? { id } : {}) }) as const;
  const edited = editTicket(app, a.id, {
    title: "Better",
    type: "bugfix",
    priority: 0,
    acceptance: ["It holds"],
    subtasks: [wanted("Two, reworded", two!.id), wanted("New"), wanted("One", one!.id)],
  });
  deepEqual([edited.title, edited.type, edited.priority, edited.acceptance], [
    "Better",
    "bugfix",
    0,
    ["It holds"],
  ]);
  deepEqual(titles(app, a), ["1 Two, reworded", "2 New", "3 One"]);
  equal(listSubtasks(app.db, a.id)[0]!.id, two!.id, "it is the same subtask");
});

Deno.test("what an agent has been at is kept when a blocked ticket is edited: done stays, begun is skipped", () => {
  using app = testApp();
  const [a] = tickets(app, 1) as [Ticket];
  tryToStart(app, a);
  const [one, two, three] = listSubtasks(app.db, a.id);
  app.tx((tx) => {
    moveSubtask(tx, one!.id, "in_progress");
    moveSubtask(tx, one!.id, "done", "Did it");
    moveSubtask(tx, two!.id, "in_progress");
  });
  const begun = run(app, getTicket(app.db, a.id), "develop", two!.id);
  app.tx((tx) => moveRun(tx, begun.id, "cancelled"));
  blocked(app, a);
  const kept = { id: three!.id, title: "Three", description: "", complexity: "small" } as const;
  editTicket(app, a.id, { subtasks: [kept] });
  deepEqual(
    listSubtasks(app.db, a.id).map(({ title, status }) => [title, status]),
    [["One", "done"], ["Two", "skipped"], ["Three", "pending"]],
  );
  const again = { ...kept, id: one!.id };
  throws(() => editTicket(app, a.id, { subtasks: [again] }), {
    code: "invalid",
    message: /not an open one/,
  });
});

Deno.test("editTicket() refuses what a ticket asks for while somebody works on it or when it is over, and changes nothing", () => {
  using app = testApp();
  const [a] = tickets(app, 1) as [Ticket];
  throws(() => editTicket(app, a.id, { subtasks: [] }), {
    code: "invalid",
    message: /at least one/,
  });
  tryToStart(app, a);
  throws(() => editTicket(app, a.id, { title: "Better", acceptance: [] }), {
    code: "conflict",
    message: 'Cannot change what it asks for of ticket #1: it is "in_progress", and it must be ' +
      "queued or blocked",
  });
  equal(getTicket(app.db, a.id).title, "Ticket 1");
  equal(editTicket(app, a.id, { priority: 0 }).priority, 0, "its priority can be changed");
  cancelTicket(app, a.id);
  throws(() => editTicket(app, a.id, { priority: 1 }), { code: "conflict" });
});

const splitOf = (
  app: TestApp,
  ticket: Ticket,
  changes: Partial<TicketSplit> = {},
): TicketSplit => ({
  title: "The rest",
  subtaskIds: listSubtasks(app.db, ticket.id).slice(1).map(({ id }) => id),
  needs: "none",
  ...changes,
});

Deno.test("splitTicket() makes a ticket of chosen subtasks and criteria; both histories say so", () => {
  using app = testApp();
  const [a] = tickets(app, 1) as [Ticket];
  forgetJobs(app);
  const acceptance = ["It is tested"];
  const split = splitTicket(app, a.id, splitOf(app, a, { acceptance, needs: "new" }));
  deepEqual([titles(app, split.old), titles(app, split.new)], [["1 One"], ["1 Two", "2 Three"]]);
  deepEqual([split.old.acceptance, split.new.acceptance], [["It works"], acceptance]);
  deepEqual([split.new.type, split.new.priority, split.new.status], ["feature", 2, "queued"]);
  deepEqual(listNeeds(app.db, split.new.id).map(({ number }) => number), [1]);
  deepEqual([getTicketStart(app.db, split.new.id).splitFrom, listSplitOff(app.db, a.id)], [
    a.id,
    [split.new.id],
  ]);
  deepEqual(askedFor(app), [2]);
  const said = app.events.map((event) =>
    describeChange(event as Parameters<typeof describeChange>[0])
  );
  deepEqual(said.filter((words) => words.includes("plit")), [
    "Ticket #2 split off by owner",
    "Split off ticket #1 by owner",
  ]);
});

Deno.test("the old one may need the new one; a blocked one can't wait, and then nothing is split", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  const split = splitTicket(app, a.id, splitOf(app, a, { needs: "old" }));
  deepEqual(listNeeds(app.db, a.id).map(({ id }) => id), [split.new.id]);
  tryToStart(app, b);
  blocked(app, b);
  throws(() => splitTicket(app, b.id, splitOf(app, b, { needs: "old" })), { code: "conflict" });
  deepEqual(titles(app, b), ["1 One", "2 Two", "3 Three"]);
  equal(splitTicket(app, b.id, splitOf(app, b)).new.number, 4, "its number was taken back, too");
});

Deno.test("splitTicket() refuses to take all, nothing, what was begun, what is not there, and tickets at work", () => {
  using app = testApp();
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  const ids = listSubtasks(app.db, a.id).map(({ id }) => id);
  const refused: [Partial<TicketSplit>, RegExp][] = [
    [{ subtaskIds: ids }, /leave at least one/],
    [{ subtaskIds: [] }, /choose what goes/],
    [{ subtaskIds: ["subtask_none"] }, /is no subtask of ticket #1/],
    [{ subtaskIds: listSubtasks(app.db, b.id).map(({ id }) => id) }, /is no subtask/],
    [{ acceptance: ["It flies"] }, /"It flies" is no criterion/],
  ];
  for (const [changes, message] of refused) {
    throws(() => splitTicket(app, a.id, splitOf(app, a, changes)), { code: "invalid", message });
  }
  app.tx((tx) => moveSubtask(tx, ids[1]!, "in_progress"));
  throws(() => splitTicket(app, a.id, splitOf(app, a)), /subtask 2 has been begun/);
  tryToStart(app, a);
  throws(() => splitTicket(app, a.id, splitOf(app, a)), {
    code: "conflict",
    message: /in_progress/,
  });
  equal(app.events.filter(({ type }) => type === "ticket_split").length, 0);
});

Deno.test("what holds a ticket up holds up what is split off it: needs, its time, a start by hand, a pause", () => {
  using app = testApp();
  const [first, gone, a, after, more] = tickets(app, 5) as Ticket[];
  addNeed(app, a!.id, first!.id);
  addNeed(app, after!.id, a!.id);
  planTicket(app, a!.id, { starts: "hand", notBefore: "2027-01-01T00:00:00.000Z" });
  pauseTicket(app, a!.id);
  const { new: part } = splitTicket(app, a!.id, splitOf(app, a!));
  const needs = ({ id }: Ticket) => listNeeds(app.db, id).map(({ number }) => number);
  deepEqual([needs(a!), needs(part), needs(after!)], [[1], [1], [3, 6]]);
  deepEqual(getTicketStart(app.db, part.id), {
    starts: "hand",
    notBefore: "2027-01-01T00:00:00.000Z",
    splitFrom: a!.id,
  });
  deepEqual([part.pausedBy, tryToStart(app, part)], ["owner", "queued"]);
  resumeTicket(app, part.id);
  equal(tryToStart(app, part), "queued");

  // Beside its order to the other one, too; a start by hand that is over is none of the part's.
  const second = splitTicket(app, a!.id, {
    ...{ title: "Before", needs: "old" },
    subtaskIds: [addSubtask(app, a!)],
  }).new;
  deepEqual([needs(second), needs(a!), needs(after!)], [[1], [1, 7], [3, 6, 7]]);
  startTicket(app, more!.id);
  equal(
    getTicketStart(app.db, splitTicket(app, more!.id, splitOf(app, more!)).new.id).starts,
    null,
  );

  // What it needs was cancelled: the part is blocked for that as it is.
  const [b] = tickets(app, 1, getProject(app.db, a!.projectId)) as [Ticket];
  addNeed(app, b.id, gone!.id);
  cancelTicket(app, gone!.id);
  const { new: stuck } = splitTicket(app, b.id, splitOf(app, b));
  deepEqual([tryToStart(app, stuck), getTicket(app.db, stuck.id).failure], [
    "blocked",
    "dependency_cancelled",
  ]);
});

Deno.test("several tickets at once: each for itself, with an honest word on each", () => {
  using app = testApp();
  const [a, b, c, d] = tickets(app, 4) as [Ticket, Ticket, Ticket, Ticket];
  addNeed(app, b.id, a.id);
  pauseTicket(app, c.id);
  cancelTicket(app, d.id);
  const said = (action: Parameters<typeof doWithTickets>[2], ids: string[]) =>
    doWithTickets(app, ids, action, 0).map(({ ticket, refused }) =>
      `${ticket?.number ?? "none"} ${refused?.message ?? "done"}`
    );
  deepEqual(said("start", [a.id, b.id, d.id, "ticket_none", a.id]), [
    "1 done",
    "2 Cannot start ticket #2: it needs #1 (queued). It starts by itself when that is done",
    '4 Cannot start ticket #4: it is "cancelled"',
    'none No ticket with the id "ticket_none"',
  ]);
  deepEqual(said("pause", [a.id, c.id]), [
    "1 done",
    "3 Cannot pause ticket #3: it is paused already",
  ]);
  deepEqual(said("resume", [c.id]), ["3 done"]);
  match(said("priority", [a.id, d.id]).join(), /^1 done,4 Cannot change/);
  equal(getTicket(app.db, a.id).priority, 0);
  deepEqual(said("cancel", [a.id, b.id]), ["1 done", "2 done"]);
});

Deno.test("makeTicket() makes a ticket with all that was said about its start, or none", () => {
  using app = testApp();
  const project = app.project();
  const [a] = tickets(app, 1, project) as [Ticket];
  const input = {
    projectId: project.id,
    title: "By hand",
    description: "",
    type: "docs" as const,
    acceptance: [],
  };
  const made = makeTicket(app, { ...input, needs: [a.id], starts: "hand" });
  deepEqual(listNeeds(app.db, made.id).map(({ number }) => number), [1]);
  throws(() => makeTicket(app, { ...input, needs: ["ticket_none"] }), { code: "not_found" });
  throws(() => makeTicket(app, { ...input, notBefore: "soon" }), { code: "invalid" });
  equal(app.events.filter(({ type }) => type === "ticket_created").length, 2);
});

/** A ticket that took so long until its review and cost so much, and is merged. */
function finished(app: TestApp, ticket: Ticket, minutes: number, microUsd: number): void {
  if (ticket.status === "queued") tryToStart(app, ticket);
  const reviewer = run(app, getTicket(app.db, ticket.id), "review");
  app.tx((tx) => moveRun(tx, reviewer.id, "running"));
  app.advance(minutes * MINUTE_MS);
  app.tx((tx) => {
    addWorkedMs(tx, reviewer.id, 1_000);
    moveRun(tx, reviewer.id, "succeeded");
    tx.db.prepare("UPDATE tickets SET cost_micro_usd = :microUsd WHERE id = :id")
      .run({ microUsd, id: ticket.id });
  });
  toReview(app, ticket);
  app.advance(60 * MINUTE_MS);
  app.tx((tx) => moveTicket(tx, ticket.id, "done", { step: null, mergeCommit: HEAD }));
}

Deno.test("what is expected is the median of the project's like tickets, until their review; without any, nothing is", () => {
  using app = testApp();
  const project = app.project();
  const [a, b, c, d] = tickets(app, 4, project) as [Ticket, Ticket, Ticket, Ticket];
  equal(expectedOf(app, d), null);
  for (const [ticket, minutes] of [[a, 10], [b, 30], [c, 20]] as const) {
    finished(app, ticket, minutes, minutes * 1_000);
  }
  deepEqual(expectedOf(app, d), {
    ms: 20 * MINUTE_MS,
    costMicroUsd: 20_000,
    of: 3,
    type: "feature",
  });
  equal(expectedOf(app, editTicket(app, d.id, { type: "docs" }))?.type, null, "of any type");
  equal(expectedOf(app, tickets(app, 1)[0]!), null, "another project's are not like it");
});

Deno.test("what is expected is known, too, where no agent reviews, and where one sent its findings back", () => {
  using app = testApp();
  const [a, b, c] = tickets(app, 3) as [Ticket, Ticket, Ticket];
  for (const [ticket, reviews] of [[a, 0], [b, 2]] as const) {
    tryToStart(app, ticket);
    for (const purpose of ["develop", ...Array(reviews).fill("review")] as Run["purpose"][]) {
      const { id } = run(app, getTicket(app.db, ticket.id), purpose);
      app.tx((tx) => moveRun(tx, id, "running"));
      app.advance(10 * MINUTE_MS);
      app.tx((tx) => moveRun(tx, id, "succeeded"));
    }
    toReview(app, ticket);
    app.tx((tx) => moveTicket(tx, ticket.id, "done", { step: null, mergeCommit: HEAD }));
    // The lower one of two: that of the ticket which nobody but a person has read.
    equal(expectedOf(app, c)?.ms, 10 * MINUTE_MS);
  }
  equal(expectedOf(app, c)?.of, 2);
  app.db.exec(`UPDATE tickets SET status = 'cancelled' WHERE id = '${a.id}'`);
  equal(expectedOf(app, c)?.ms, 30 * MINUTE_MS, "not the end of its first review");
});

Deno.test("progress: which subtask, and what its run has used of its limits", () => {
  using app = testApp();
  const [a] = tickets(app, 1) as [Ticket];
  equal(progressOf(app, a).elapsedMs, null);
  tryToStart(app, a);
  const [one, two] = listSubtasks(app.db, a.id);
  app.tx((tx) => {
    moveSubtask(tx, one!.id, "in_progress");
    moveSubtask(tx, one!.id, "done");
    moveSubtask(tx, two!.id, "in_progress");
  });
  const now = getTicket(app.db, a.id);
  const { maxTurns, maxCostMicroUsd } = run(app, now, "develop", two!.id);
  app.advance(MINUTE_MS);
  const { subtask, subtasks, run: used, elapsedMs, expected } = progressOf(app, now);
  deepEqual([subtask?.position, subtasks, elapsedMs, expected], [
    2,
    { done: 1, total: 3 },
    MINUTE_MS,
    null,
  ]);
  deepEqual([used?.turns, used?.maxTurns, used?.maxTokens, used?.maxCostMicroUsd], [
    0,
    maxTurns,
    null,
    maxCostMicroUsd,
  ]);
});

Deno.test("the summary: what each step took and cost, and what the agents learned", () => {
  using app = testApp();
  const [a] = tickets(app, 1) as [Ticket];
  tryToStart(app, a);
  const developer = run(app, getTicket(app.db, a.id), "develop");
  app.tx((tx) => {
    addWorkedMs(tx, developer.id, 5_000);
    insertMemoryChange(tx, {
      memory: "feature-dev.global",
      path: "checks.md",
      diff: "+Run them twice",
      run: { id: developer.id, callId: "call_1" },
    });
    moveRun(tx, developer.id, "cancelled");
  });
  app.advance(1);
  finished(app, getTicket(app.db, a.id), 1, 500);
  const summary = summaryOf(app, getTicket(app.db, a.id));
  deepEqual(
    summary.steps.map(({ step, times, ms }) => [step, times, ms]),
    [["develop", 1, 5_000], ["review", 1, 1_000], ["build", 1, 5], ["test", 1, 5]],
  );
  deepEqual([summary.workedMs, summary.costMicroUsd, summary.elapsedMs], [
    6_010,
    500,
    61 * MINUTE_MS + 1,
  ]);
  deepEqual(summary.learned.map(({ path, diff }) => [path, diff]), [
    ["checks.md", "+Run them twice"],
  ]);
});
