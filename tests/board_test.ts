/** What the menus of the board and the list send: the person stays there, whether it is done or refused. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { getTicket, moveTicket } from "../server/store/tickets.ts";
import { type PagesBench, pagesBench } from "./pages_support.ts";
import { testApp } from "./support.ts";

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
