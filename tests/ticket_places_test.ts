/** A person says which queued ticket comes before which; what starts next follows, and nothing else moves. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal, throws } from "node:assert";
import { jobKeys } from "../queue/job.ts";
import { arrange } from "../queue/arrange.ts";
import { claim } from "../queue/claim.ts";

import { migrate, openDb } from "../server/db.ts";
import { createHttp } from "../server/http.ts";
import { migrations } from "../server/migrations/mod.ts";
import type { Ticket } from "../server/records.ts";
import { ticketPlacesApi } from "../server/routes/ticket_places.tsx";
import { ticketsApi } from "../server/routes/tickets.tsx";
import { describePlaced, placeTicket, putBack } from "../server/services/ticket_places.ts";
import { changeTicket, createTicket } from "../server/services/tickets.ts";
import { listHistory } from "../server/store/events.ts";
import { listReadyTickets } from "../server/store/starts.ts";
import { getTicket, listTickets, moveTicket, placeByAge } from "../server/store/tickets.ts";
import { describeChange } from "../views/history.tsx";
import { noAssets } from "./http_support.ts";
import { order, tickets } from "./order_support.ts";
import { pagesBench } from "./pages_support.ts";
import { type TestApp, testApp } from "./support.ts";

/** The tickets whose first step would be taken next, one after the other. */
function claimed(app: TestApp): number[] {
  const limits = {
    queues: { agents: 0, steps: 100, merges: 0, forges: 0, upkeep: 0 },
    crashes: 3,
  };
  const jobs = app.tx((tx) => claim(tx, { limits, owner: "o", leaseMs: 1_000 }));
  return jobs.filter(({ kind }) => kind === "advance_ticket")
    .map(({ args }) => getTicket(app.db, String((args as { ticketId: string }).ticketId)).number);
}

Deno.test("placeTicket() puts a ticket between two others, and both the list and the job queue follow", () => {
  using app = testApp();
  const [a, b, , d] = tickets(app, 4) as [Ticket, Ticket, Ticket, Ticket];
  const placed = placeTicket(app, d.id, { after: a.id, before: b.id }, null);
  equal(describePlaced(placed), "Ticket #4 comes before #2");
  deepEqual(order(app), [1, 4, 2, 3]);
  deepEqual(listReadyTickets(app.db, 9).map((id) => getTicket(app.db, id).number), [1, 4, 2, 3]);
  equal(getTicket(app.db, d.id).placedBy, "owner");
  equal(getTicket(app.db, a.id).placedBy, null);
  deepEqual(claimed(app), [1, 4, 2, 3]);
});

Deno.test("up, down, top and bottom move past one or all, and past nobody is refused", () => {
  using app = testApp();
  const [a, b, c] = tickets(app, 3) as [Ticket, Ticket, Ticket];
  placeTicket(app, c.id, { to: "up" }, null);
  deepEqual(order(app), [1, 3, 2]);
  placeTicket(app, c.id, { to: "top" }, null);
  deepEqual(order(app), [3, 1, 2]);
  throws(
    () => placeTicket(app, c.id, { to: "up" }, null),
    /#3 in the queue: it comes first already/,
  );
  throws(() => placeTicket(app, c.id, { to: "top" }, null), { code: "conflict" });
  placeTicket(app, c.id, { to: "down" }, null);
  deepEqual(order(app), [1, 3, 2]);
  placeTicket(app, a.id, { to: "bottom" }, null);
  deepEqual(order(app), [3, 2, 1]);
  throws(() => placeTicket(app, a.id, { to: "down" }, null), /it comes last already/);
  // What is made later comes after all of them.
  app.advance(2);
  const [d] = tickets(app, 1, { id: b.projectId } as never) as [Ticket];
  deepEqual(order(app), [3, 2, 1, d.number]);
});

Deno.test("among more or less urgent ones a ticket takes their priority and says so; with the same it keeps its own", () => {
  using app = testApp();
  const [a, b, c, d] = tickets(app, 4) as [Ticket, Ticket, Ticket, Ticket];
  changeTicket(app, a.id, { priority: 0 });
  changeTicket(app, c.id, { priority: 3 });
  deepEqual(order(app), [1, 2, 4, 3]);
  const first = placeTicket(app, d.id, { after: null, before: a.id }, null);
  equal(describePlaced(first), "Ticket #4 comes before #1; its priority is urgent now");
  deepEqual(order(app), [4, 1, 2, 3]);
  const last = placeTicket(app, d.id, { after: c.id, before: null }, null);
  equal(describePlaced(last), "Ticket #4 comes after #3; its priority is low now");
  deepEqual(order(app), [1, 2, 3, 4]);
  placeTicket(app, d.id, { after: a.id, before: b.id }, null);
  deepEqual([order(app), getTicket(app.db, d.id).priority], [[1, 4, 2, 3], 2]);
  // Between an urgent and a low one a normal one stands by its priority alone.
  changeTicket(app, b.id, { priority: 3 });
  const alone = placeTicket(app, d.id, { after: a.id, before: b.id }, null);
  equal(alone.ticket.place, alone.was.place);
  deepEqual(order(app), [1, 4, 2, 3]);
});

Deno.test("room is made between two that were made at the same time, and the order of all others stays", () => {
  using app = testApp();
  const project = app.project();
  const input = { projectId: project.id, title: "t", description: "", acceptance: [] };
  const made = Array.from({ length: 5 }, () => createTicket(app, { ...input, type: "feature" }));
  const before = order(app);
  const [, , third, fourth, fifth] = before;
  const at = (number?: number) => made.find((ticket) => ticket.number === number)!.id;
  for (let n = 0; n < 30; n++) {
    placeTicket(app, at(fifth), { after: at(third), before: at(fourth) }, null);
    placeTicket(app, at(fourth), { after: at(third), before: at(fifth) }, null);
  }
  deepEqual(order(app), before);
  placeTicket(app, at(fifth), { to: "top" }, null);
  deepEqual(order(app), [fifth, ...before.slice(0, 4)]);
});

Deno.test("a neighbour that has left the queue, an order that has changed, and itself are refused and change nothing", () => {
  using app = testApp();
  const [a, b, c, d] = tickets(app, 4) as [Ticket, Ticket, Ticket, Ticket];
  app.tx((tx) => moveTicket(tx, b.id, "in_progress", { step: "prepare" }));
  const put = (id: string, after: string | null, before: string | null) => () =>
    placeTicket(app, id, { after, before }, null);
  throws(
    put(c.id, a.id, b.id),
    /Cannot move ticket #3 in the queue: #2 beside it is in progress by now/,
  );
  throws(put(b.id, a.id, null), /Cannot move ticket #2 in the queue: it is in progress/);
  throws(put(c.id, c.id, null), { code: "invalid" });
  throws(put(c.id, "none", null), { code: "not_found" });
  throws(put(c.id, null, null), { code: "conflict" });
  throws(put(a.id, d.id, c.id), /#4 comes after #3 by now/);
  deepEqual(order(app), [1, 3, 4]);
  equal(
    listHistory(app.db, { ticketId: c.id }, 9).some(({ type }) => type === "ticket_placed"),
    false,
  );
});

Deno.test("seen among those of one project a ticket moves past that project's alone, whatever stands between", () => {
  using app = testApp();
  const [one, other] = [app.project(), app.project({ slug: "other" })];
  const [a] = tickets(app, 1, one) as [Ticket];
  const [x] = tickets(app, 1, other) as [Ticket];
  const [b] = tickets(app, 1, one) as [Ticket];
  placeTicket(app, b.id, { to: "up" }, one.id);
  const ids = listTickets(app.db, { limit: 9 }).map(({ id }) => id);
  deepEqual(ids, [b.id, a.id, x.id]);
});

Deno.test("putBack() brings back priority, place and whether a person had put it there", () => {
  using app = testApp();
  const [a, , c] = tickets(app, 3) as [Ticket, Ticket, Ticket];
  changeTicket(app, a.id, { priority: 1 });
  const { was } = placeTicket(app, c.id, { to: "top" }, null);
  putBack(app, c.id, { priority: was.priority, place: was.place, byHand: false });
  deepEqual(order(app), [1, 2, 3]);
  const { priority, place, placedBy } = getTicket(app.db, c.id);
  deepEqual([priority, place, placedBy], [2, placeByAge(c.createdAt), null]);
  const said = listHistory(app.db, { ticketId: c.id }, 9)
    .filter(({ type }) => type === "ticket_placed").map(describeChange);
  deepEqual(said, [
    "Put back in the queue where it stood by owner",
    "Put before #1 in the queue, with priority high, by owner",
  ]);
  app.tx((tx) => moveTicket(tx, c.id, "cancelled"));
  throws(() => putBack(app, c.id, { priority, place, byHand: false }), { code: "conflict" });
});

Deno.test("another priority makes a ticket stand by its age again", () => {
  using app = testApp();
  const [, b, c] = tickets(app, 3) as [Ticket, Ticket, Ticket];
  placeTicket(app, c.id, { to: "top" }, null);
  changeTicket(app, c.id, { title: "Still first" });
  deepEqual(order(app), [3, 1, 2]);
  changeTicket(app, c.id, { priority: 1 });
  changeTicket(app, b.id, { priority: 1 });
  deepEqual([order(app), getTicket(app.db, c.id).placedBy], [[2, 3, 1], null]);
});

Deno.test("a ticket that comes among others of its new priority is also begun where it stands", () => {
  using app = testApp();
  const [, b, c] = tickets(app, 3) as [Ticket, Ticket, Ticket];
  changeTicket(app, b.id, { priority: 3 });
  // The two others change their turns.
  placeTicket(app, c.id, { to: "top" }, null);
  changeTicket(app, b.id, { priority: c.priority });
  deepEqual(order(app), [3, 1, 2]);
  deepEqual(claimed(app), [3, 1, 2]);
});

Deno.test("arrange() changes turns among the given keys alone, also where all are due at the same moment", () => {
  using app = testApp();
  const project = app.project();
  const input = { projectId: project.id, title: "t", description: "", acceptance: [] };
  const made = Array.from({ length: 4 }, () => createTicket(app, { ...input, type: "feature" }));
  const keys = [made[3]!, made[0]!, made[2]!].map(({ id }) => jobKeys.advanceTicket(id));
  equal(app.tx((tx) => arrange(tx, "advance_ticket", keys)), 2);
  equal(app.tx((tx) => arrange(tx, "advance_ticket", keys)), 0, "they come in that order now");
  equal(app.tx((tx) => arrange(tx, "advance_ticket", ["nobody's"])), 0);
  const came = claimed(app);
  deepEqual(came.filter((number) => number !== 2), [4, 1, 3]);
});

Deno.test("a ticket is moved over the API and by its form, which offers to take it back", async () => {
  using app = testApp();
  const [a, b, c] = tickets(app, 3) as [Ticket, Ticket, Ticket];
  const http = createHttp(app, {
    assets: noAssets,
    mountApi(api) {
      ticketPlacesApi(api);
      ticketsApi(api);
    },
    mountPages: () => {},
    renderError: ({ title }) => title,
  });
  const call = async (body: unknown) => {
    const answer = await http.request(`/api/v1/tickets/${c.id}/place`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    return { status: answer.status, json: await answer.json() };
  };
  const { status, json } = await call({ before: a.id });
  deepEqual([status, json.number, json.placed_by, order(app)], [200, 3, "owner", [3, 1, 2]]);
  equal((await call({ to: "top" })).status, 409);
  for (const wrong of [{}, { to: "sideways" }, { to: "up", after: a.id }]) {
    equal((await call(wrong)).status, 422);
  }
  equal((await call({ to: "down", project_id: "none" })).status, 404);

  const pages = pagesBench(app);
  const from = { referer: "http://127.0.0.1:4242/development?view=board" };
  const post = (path: string, fields: Record<string, string>) =>
    Promise.resolve(pages.http.request(path, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: from,
    }));
  const moved = await post(`/tickets/${b.id}/place`, { to: "", after: "", before: c.id });
  equal(moved.headers.get("location"), "/development?view=board");
  const flash = JSON.parse(decodeURIComponent(
    /gaffer_flash=([^;]+)/.exec(moved.headers.get("set-cookie") ?? "")![1]!,
  ));
  match(flash.text, /Ticket #2 comes before #3/);
  deepEqual(order(app), [2, 3, 1]);
  equal((await post(flash.undo.action, {})).status, 303);
  deepEqual(order(app), [3, 1, 2]);
  const refused = await post(`/tickets/${c.id}/place`, { to: "up" });
  match(decodeURIComponent(refused.headers.get("set-cookie")!), /it comes first already.*failed/);
});

Deno.test("a page of tickets goes on after the last one by priority and place; an older cursor is refused", () => {
  using app = testApp();
  const [, b, c] = tickets(app, 3) as [Ticket, Ticket, Ticket];
  const moved = placeTicket(app, c.id, { to: "top" }, null).ticket;
  const after = { key: `${moved.priority} ${moved.place}`, id: moved.id };
  deepEqual(listTickets(app.db, { limit: 9, after }).map(({ number }) => number), [1, 2]);
  const old = { key: `2${b.createdAt}`, id: b.id };
  throws(() => listTickets(app.db, { limit: 9, after: old }), { code: "invalid" });
});

Deno.test("tickets of an earlier version stand by their age, and since when they are in their state is known", () => {
  const at = migrations.findIndex(({ name }) => name.endsWith("_ticket_places"));
  const db = openDb(":memory:");
  const [made, later, moved] = ["04.001", "04.002", "09.500"].map((s) => `2026-01-31T03:04:${s}Z`);
  migrate(db, moved!, migrations.slice(0, at));
  db.exec(`
    INSERT INTO projects (id, slug, name, path, base_branch, created_at, updated_at)
    VALUES ('p', 'p', 'P', '/p', 'main', '${made}', '${made}');
    INSERT INTO tickets (id, project_id, number, type, title, status, priority, created_at, updated_at, done_at)
    VALUES ('b', 'p', 1, 'feature', 'One', 'cancelled', 2, '${made}', '${moved}', '${moved}'),
      ('a', 'p', 2, 'feature', 'Two', 'queued', 2, '${later}', '${later}', NULL),
      ('c', 'p', 3, 'feature', 'Three', 'queued', 0, '${later}', '${later}', NULL);
    INSERT INTO events (at, actor, type, project_id, ticket_id, data)
    VALUES ('${later}', 'o', 'ticket_moved', 'p', 'b', '{}'), ('${moved}', 'o', 'ticket_moved', 'p', 'b', '{}');
  `);
  migrate(db, moved!);
  const facts = listTickets(db, { limit: 9 }).map(({ id, place, movedAt }) => [id, place, movedAt]);
  deepEqual(facts, [
    ["c", placeByAge(later!), later],
    ["b", placeByAge(made!), moved],
    ["a", placeByAge(later!), later],
  ]);
  db.close();
});
