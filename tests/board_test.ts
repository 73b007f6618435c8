/** What the menus of the board and the list send: the person stays there, whether it is done or refused. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { getTicket, insertTicket, moveTicket } from "../server/store/tickets.ts";
import { type PagesBench, pagesBench } from "./pages_support.ts";
import { passChecks, testApp } from "./support.ts";

const board = "/development?view=board&column=queued";

function send(pages: PagesBench, path: string, header: string, from: string): Promise<Response> {
  const headers = { [header]: `http://127.0.0.1:4242${from}` };
  return Promise.resolve(pages.http.request(path, { method: "POST", headers }));
}

const flashOf = (response: Response) =>
  decodeURIComponent(/gaffer_flash=([^;]+)/.exec(response.headers.get("set-cookie") ?? "")![1]!);

Deno.test("a ticket moved on the board leaves the person on the board, with scripts and without", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const { id } = await app.ticket();
  for (const header of ["hx-current-url", "referer"]) {
    const response = await send(pages, `/tickets/${id}/start`, header, board);
    deepEqual([response.status, response.headers.get("location")], [303, board]);
    match(flashOf(response), /starts when a slot is free.*"done"/);
  }
});

Deno.test("a refused move returns to the board with its reason", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const { id } = await app.ticket();
  const response = await send(pages, `/tickets/${id}/retry`, "hx-current-url", board);
  deepEqual([response.status, response.headers.get("location")], [303, board]);
  match(flashOf(response), /Cannot retry.*"failed"/);
  equal(getTicket(app.db, id).status, "queued");
});

Deno.test("from every other page a move leads to the ticket, and its refusal to the error page", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const { id } = await app.ticket();
  const moved = await send(pages, `/tickets/${id}/start`, "referer", "/elsewhere?view=board");
  equal(moved.headers.get("location"), `/tickets/${id}`);
  const refused = await send(pages, `/tickets/${id}/retry`, "referer", `/tickets/${id}`);
  equal(refused.status, 409);
});

Deno.test("a phone's board opens on what needs a person, else on what works or waits, unless a column is asked for", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const chosen = async (query = "") => {
    const html = await (await pages.get(`/development?view=board${query}`)).text();
    return /class="board-column is-chosen"[^>]*data-column="(\w+)"/.exec(html)![1];
  };
  const [waiting, working] = [await app.ticket(), await app.ticket()];
  equal(await chosen(), "queued");
  app.tx((tx) => moveTicket(tx, working.id, "in_progress", { step: "develop" }));
  equal(await chosen(), "in_progress");
  const why = { failure: "commands_not_allowed", reason: "May they?" } as const;
  app.tx((tx) => moveTicket(tx, waiting.id, "blocked", why));
  equal(await chosen(), "blocked");
  equal(await chosen("&column=done"), "done");
});

Deno.test("no long queue keeps what waits for a person off the page, and the rest is a click away", async () => {
  using app = testApp();
  const review = await app.ticket();
  passChecks(app, review.id, "b".repeat(40));
  app.tx((tx) => {
    moveTicket(tx, review.id, "in_progress", {
      ...{ step: "develop", baseCommit: "a".repeat(40), headCommit: "b".repeat(40) },
    });
    moveTicket(tx, review.id, "review", { step: null });
    for (let n = 0; n < 130; n++) {
      insertTicket(tx, {
        projectId: review.projectId,
        ideaId: null,
        ...{ type: "feature", title: `Waits ${n}`, description: "", acceptance: [], priority: 0 },
      });
    }
  });
  const pages = pagesBench(app);
  const page = async (query = "") => await (await pages.get(`/development${query}`)).text();
  const list = await page();
  match(list, /In review <span class="num muted">1<\/span>/);
  match(list, /Queued <span class="num muted">130<\/span>/);
  equal(list.match(/<li\b[^>]*data-row/g)?.length, 101);
  match(list, /href="\/development\?only=queued">100 are shown, all 130</);
  const all = await page("?only=queued");
  equal(all.match(/<li\b[^>]*data-row/g)?.length, 130);
  doesNotMatch(all, /are shown/);
  match(all, /href="\/development">Show all states</);
});

Deno.test("list or board stays as somebody chose it last", async () => {
  using app = testApp();
  await app.ticket();
  const pages = pagesBench(app);
  const chosen = await pages.get("/development?view=board");
  const cookie = chosen.headers.get("set-cookie")!.split(";")[0]!;
  const later = await (await pages.get("/development", { cookie })).text();
  match(later, /class="board"/);
  equal((await pages.get("/development", { cookie })).headers.get("set-cookie"), null);
  doesNotMatch(
    await (await pages.get("/development?view=list", { cookie })).text(),
    /class="board"/,
  );
});

Deno.test("where nothing is open and all was closed long ago, the page leads to what is done and cancelled", async () => {
  using app = testApp();
  const { id } = await app.ticket();
  app.tx((tx) => moveTicket(tx, id, "cancelled"));
  app.advance(8 * 24 * 60 * 60_000);
  const html = await (await pagesBench(app).get("/development")).text();
  match(html, /No open tickets.*href="\/development\?only=cancelled">1 cancelled before</);
  doesNotMatch(html, /only=done/);
  const all = await (await pagesBench(app).get("/development?only=cancelled")).text();
  match(all, new RegExp(`id="ticket-${id}"`));
});
