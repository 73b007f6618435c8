/** The pages on which tickets are made, edited, split, put in order and taken together, without scripts. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import type { Ticket } from "../server/records.ts";
import { cancelTicket } from "../server/services/tickets.ts";
import { listNeeds } from "../server/store/needs.ts";
import { getStartRule, getTicketStart } from "../server/store/starts.ts";
import { listSubtasks } from "../server/store/subtasks.ts";
import { findTicketByNumber, getTicket } from "../server/store/tickets.ts";
import { tickets, tryToStart } from "./order_support.ts";
import { type PagesBench, pagesBench } from "./pages_support.ts";
import { testApp } from "./support.ts";

const textOf = async (answer: Response | Promise<Response>) => await (await answer).text();
const flashOf = (response: Response) =>
  decodeURIComponent(/gaffer_flash=([^;]+)/.exec(response.headers.get("set-cookie") ?? "")![1]!);

/** A form in which a name comes several times. */
const sendAll = (pages: PagesBench, path: string, fields: [string, string][], from = "") =>
  Promise.resolve(pages.http.request(path, {
    method: "POST",
    body: new URLSearchParams(fields),
    headers: from === "" ? {} : { referer: `http://127.0.0.1:4242${from}` },
  }));

Deno.test("without a project the page of a new ticket says what is needed first", async () => {
  using app = testApp();
  const html = await textOf(pagesBench(app).get("/tickets/new"));
  match(html, /there is none yet/);
  doesNotMatch(html, /Make the ticket/);
});

Deno.test("a ticket is made by hand with type, criteria, subtasks, what it needs and when it starts", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const project = app.project();
  const [a] = tickets(app, 1, project) as [Ticket];
  match(await textOf(pages.get(`/tickets/new?project=${project.id}`)), /<h1[^>]*>New ticket/);
  const fields = {
    project_id: project.id,
    title: "Say goodbye",
    description: "Politely",
    type: "docs",
    priority: "1",
    acceptance: "It says goodbye\n\n It is kind ",
    subtasks: "Write it\nTest it",
    needs: "#1",
    starts: "hand",
    not_before: "2026-02-01 09:00",
  };
  const answer = await pages.post("/tickets", fields);
  equal(answer.status, 303);
  const made = findTicketByNumber(app.db, project.id, 2)!;
  deepEqual([made.title, made.type, made.priority, made.acceptance], [
    "Say goodbye",
    "docs",
    1,
    ["It says goodbye", "It is kind"],
  ]);
  deepEqual(listSubtasks(app.db, made.id).map(({ title }) => title), ["Write it", "Test it"]);
  deepEqual(listNeeds(app.db, made.id).map(({ id }) => id), [a.id]);
  deepEqual(getTicketStart(app.db, made.id), {
    starts: "hand",
    notBefore: "2026-02-01T09:00:00.000Z",
    splitFrom: null,
  });
  const refused = await pages.post("/tickets", { ...fields, needs: "#9 five" });
  equal(refused.status, 422);
  const html = await refused.text();
  match(html, /This project has no ticket #9/);
  match(html, /It says goodbye/, "what was typed is kept");
  equal(findTicketByNumber(app.db, project.id, 3), null);
});

Deno.test("a ticket is edited on a page of its own: rows are reworded, reordered, left out and added", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [a] = tickets(app, 1) as [Ticket];
  const html = await textOf(pages.get(`/tickets/${a.id}/edit`));
  match(html, /value="Two"/);
  const [one, two, three] = listSubtasks(app.db, a.id);
  const row = (n: number, id: string | null, title: string, order: number, keep = true) => ({
    ...(id === null ? {} : { [`id_${n}`]: id }),
    [`title_${n}`]: title,
    [`description_${n}`]: "",
    [`complexity_${n}`]: "small",
    [`order_${n}`]: String(order),
    ...(keep ? { [`include_${n}`]: "1" } : {}),
  });
  const fields = {
    ...{ title: "Better", description: "", type: "chore", priority: "0", acceptance: "It holds" },
    ...row(1, one!.id, "One", 3),
    ...row(2, two!.id, "Two", 2, false),
    ...row(3, three!.id, "Third", 1),
    ...row(4, null, "New", 4),
    ...row(5, null, "", 5),
  };
  equal((await pages.post(`/tickets/${a.id}/edit`, fields)).status, 303);
  deepEqual(listSubtasks(app.db, a.id).map(({ title }) => title), ["Third", "One", "New"]);
  equal(getTicket(app.db, a.id).type, "chore");
  const refused = await pages.post(`/tickets/${a.id}/edit`, { ...fields, title: "" });
  equal(refused.status, 422);
  match(await refused.text(), /Write a title/);
  const row3 = await pages.post(`/tickets/${a.id}/edit`, { ...fields, [`title_3`]: "" });
  match(await row3.text(), /id="edit-ticket-title_3-error"/, "it stands in the row");
  const first = { ...row(1, one!.id, "One", 1), ...{ id_1: two!.id } };
  const { title, description, type, priority, acceptance } = fields;
  const gone = { title, description, type, priority, acceptance, ...first };
  match(await textOf(pages.post(`/tickets/${a.id}/edit`, gone)), /not an open one of ticket #1/);
});

Deno.test("while a ticket is at work only its words and priority can be edited, and when it is over nothing", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [a] = tickets(app, 1) as [Ticket];
  tryToStart(app, a);
  const html = await textOf(pages.get(`/tickets/${a.id}/edit`));
  match(html, /It is at work now/);
  doesNotMatch(html, /Subtasks still to be done/);
  const words = { title: "Better", description: "", priority: "1" };
  equal((await pages.post(`/tickets/${a.id}/edit`, words)).status, 303);
  const all = { ...words, type: "docs", acceptance: "" };
  equal((await pages.post(`/tickets/${a.id}/edit`, all)).status, 409);
  cancelTicket(app, a.id);
  equal((await pages.get(`/tickets/${a.id}/edit`)).status, 409);
});

Deno.test("a ticket is split on a page of its own, and a refused split keeps the ticks", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [a] = tickets(app, 1) as [Ticket];
  const [, two] = listSubtasks(app.db, a.id);
  const fields: [string, string][] = [["subtasks", two!.id], ["acceptance", "It is tested"]];
  const path = `/tickets/${a.id}/split`;
  const refused = await sendAll(pages, path, [["title", ""], ["needs", "new"], ...fields]);
  equal(refused.status, 422);
  match(
    await textOf(sendAll(pages, path, [["title", "Rest"], ["needs", "new"]])),
    /class="error">Choose what goes/,
  );
  match(await refused.text(), new RegExp(`value="${two!.id}" checked|checked[^>]*"${two!.id}"`));
  const made = await sendAll(pages, path, [["title", "Rest"], ["needs", "new"], ...fields]);
  equal(made.status, 303);
  const html = await textOf(pages.get(made.headers.get("location")!));
  match(html, /Split from.*#1 Ticket 1/s);
  match(html, /Needs #1 \(queued\)/);
});

Deno.test("a ticket's page says what it needs, takes more and less of it, and refuses a circle with its name", async () => {
  using app = testApp({ config: { timeZone: "Europe/Berlin" } });
  const pages = pagesBench(app);
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  const own = `/tickets/${b.id}`;
  const added = await pages.post(`${own}/needs`, { number: "1" });
  deepEqual([added.status, added.headers.get("location")], [303, own]);
  const html = await textOf(pages.get(own));
  match(html, /It waits.*Needs #1 \(queued\)/s);
  match(html, /no history yet/);
  // It can't be started, so that is offered nowhere.
  const start = new RegExp(`action="${own}/start"`);
  doesNotMatch(html, start);
  doesNotMatch(await textOf(pages.get("/development?view=board")), start);
  const circle = await pages.post(`/tickets/${a.id}/needs`, { number: "#2" });
  match(flashOf(circle), /#1 needs #2, #2 needs #1.*failed/);
  match(flashOf(await pages.post(`${own}/needs`, { number: "x" })), /is no number of a ticket/);
  match(flashOf(await pages.post(`${own}/plan`, { starts: "hand", not_before: "x" })), /zone/);
  const typed = { starts: "hand", not_before: "2026-12-01T09:00" };
  equal((await pages.post(`${own}/plan`, typed)).status, 303);
  equal(getTicketStart(app.db, b.id).notBefore, "2026-12-01T08:00:00.000Z");
  match(await textOf(pages.get(own)), /Not before \(Europe\/Berlin\).*value="2026-12-01T09:00"/s);
  equal((await pages.post(`${own}/plan`, { starts: "hand", not_before: "" })).status, 303);
  equal(getTicketStart(app.db, b.id).starts, "hand");
  await pages.post(`${own}/needs/${a.id}/remove`);
  const free = await textOf(pages.get(own));
  match(free, /Waits for you to start it/);
  match(free, start);
});

Deno.test("what a cancelled need blocks says so on its page, with the way on, and no guidance that would not help", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  await pages.post(`/tickets/${b.id}/needs`, { number: "1" });
  cancelTicket(app, a.id);
  const html = await textOf(pages.get(`/tickets/${b.id}`));
  match(html, /Blocked: what it needs was cancelled/);
  match(html, /Under <a href="#ticket-order">Order/);
  doesNotMatch(html, /Guide and go on/);
  match(await textOf(pages.get("/")), /What it needs was cancelled/, "it is among what needs me");
});

Deno.test("several tickets of the list: all done leads back, some refused says which and why", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [a, b] = tickets(app, 2) as [Ticket, Ticket];
  tryToStart(app, b);
  const list = "/development?view=list";
  match(await textOf(pages.get(list)), /form="bulk"/);
  const ids: [string, string][] = [["id", a.id], ["id", b.id]];
  const urgent: [string, string][] = [...ids, ["action", "priority"], ["priority", "0"]];
  const done = await sendAll(pages, "/tickets/bulk", urgent, list);
  deepEqual([done.status, done.headers.get("location")], [303, list]);
  match(flashOf(done), /Done for 2 of 2 tickets/);
  const some = await sendAll(pages, "/tickets/bulk", [...ids, ["action", "start"]], list);
  equal(some.status, 422);
  const html = await some.text();
  match(html, /Done for 1 of 2 tickets.*Cannot start ticket #2: it is &quot;in_progress&quot;/s);
  match(
    flashOf(await sendAll(pages, "/tickets/bulk", [["action", "start"]], list)),
    /at least one/,
  );
  equal((await pages.get("/tickets/bulk")).status, 303);
});

Deno.test("a card's menu makes it more urgent and pauses it, and the person stays on the board", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [a] = tickets(app, 1) as [Ticket];
  const board = "/development?view=board";
  match(await textOf(pages.get(board)), /More urgent/);
  for (const [verb, field] of [["priority", ["priority", "1"]], ["pause", ["x", ""]]] as const) {
    const path = `/tickets/${a.id}/${verb}`;
    const answer = await sendAll(pages, path, [[field[0], field[1]]], board);
    deepEqual([answer.status, answer.headers.get("location")], [303, board]);
  }
  const { priority, pausedBy } = getTicket(app.db, a.id);
  deepEqual([priority, pausedBy], [1, "owner"]);
  const path = `/tickets/${a.id}/pause`;
  match(flashOf(await sendAll(pages, path, [["x", ""]], board)), /paused already.*failed/);
});

Deno.test("rules of all and of a project are set on a page, and refused hours stand at their field", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const { id } = app.project();
  const fields = { scope: id, starts: "hand", at_once: "2", opens: "0 9 * * 1-5" };
  const hours = { open_minutes: "480", time_zone: "Europe/Berlin" };
  equal((await pages.post("/development/rules", { ...fields, ...hours })).status, 303);
  deepEqual(getStartRule(app.db, id), {
    starts: "hand",
    atOnce: 2,
    hours: { opens: "0 9 * * 1-5", openMinutes: 480, timeZone: "Europe/Berlin" },
  });
  match(await textOf(pages.get(`/development/rules?project=${id}`)), /value="0 9 \* \* 1-5"/);
  const refused = await pages.post("/development/rules", { ...fields, ...hours, opens: "often" });
  equal(refused.status, 422);
  match(await refused.text(), /id="rule-project-opens-error"/);
  const lost = { ...fields, opens: "", open_minutes: "480" };
  match(await textOf(pages.post("/development/rules", lost)), /Write when they begin/);
  const endless = { ...fields, open_minutes: "" };
  match(
    await textOf(pages.post("/development/rules", endless)),
    /Write how many minutes they last/,
  );
  const free = { ...fields, opens: "", open_minutes: "", time_zone: "" };
  equal((await pages.post("/development/rules", free)).status, 303);
  equal(getStartRule(app.db, id).hours, null);
  const none = { scope: "", starts: "auto", at_once: "many", opens: "" };
  equal((await pages.post("/development/rules", none)).status, 422);
});
