/** An item's page knows the list that the person came from: what stands beside the item there, and the way back. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { pauseTicket } from "../server/services/tickets.ts";
import { submitIdea } from "../server/services/ideas.ts";
import { moveTicket } from "../server/store/tickets.ts";
import { tickets } from "./order_support.ts";
import { type PagesBench, pagesBench } from "./pages_support.ts";
import { testApp } from "./support.ts";

const at = (path: string) => `http://127.0.0.1:4242${path}`;
const cookieOf = (answer: Response) => answer.headers.get("set-cookie")?.split(";")[0] ?? "";

/** The neighbours' numbers and the list that a page leads to; null: none. */
async function beside(pages: PagesBench, path: string, headers: Record<string, string>) {
  const html = await (await pages.get(path, headers)).text();
  const nav = /<nav class="beside".*?<\/nav>/s.exec(html)?.[0];
  if (!nav) return null;
  return [
    /aria-label="Previous: #(\d+)/.exec(nav)?.[1] ?? null,
    /aria-label="Next: #(\d+)/.exec(nav)?.[1] ?? null,
    /<a href="([^"]+)" data-up/.exec(nav)![1]!.replaceAll("&amp;", "&"),
  ];
}

Deno.test("a ticket's page leads to its neighbours on the board or the list that the person came from, and back", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [a, b, c] = tickets(app, 3);
  app.tx((tx) => moveTicket(tx, a!.id, "in_progress", { step: "develop" }));
  const page = `/tickets/${b!.id}`;
  const board = "/development?view=board&column=queued";
  deepEqual(await beside(pages, page, { referer: at(board) }), [null, "3", board]);
  // The list has what is at work before what waits; a script tells of the page in a header of its own.
  const list = "/development?view=list";
  const headers = { "hx-current-url": at(list) };
  deepEqual(await beside(pages, page, headers), ["1", "3", list]);
  const last = `/tickets/${c!.id}`;
  deepEqual(await beside(pages, last, headers), ["2", null, list]);
  // Its place is looked up anew each time.
  pauseTicket(app, b!.id);
  app.tx((tx) => moveTicket(tx, c!.id, "cancelled"));
  deepEqual(await beside(pages, page, { referer: at(board) }), [null, "1", board]);
  deepEqual(await beside(pages, last, { referer: at(board) }), null, "the board does not show it");
});

Deno.test("from neighbour to neighbour and after a form the list stays known, of each kind its own", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [a, b] = tickets(app, 2);
  const list = "/development?only=queued";
  const first = await pages.get(`/tickets/${a!.id}`, { referer: at(list) });
  const cookie = cookieOf(first);
  match(first.headers.get("set-cookie")!, /HttpOnly.*SameSite=Strict/i);
  const from = { cookie, referer: at(`/tickets/${a!.id}`) };
  const second = await pages.get(`/tickets/${b!.id}`, from);
  equal(second.headers.get("set-cookie"), null);
  deepEqual(await beside(pages, `/tickets/${b!.id}`, from), ["1", null, list]);
  const idea = submitIdea(app, { projectId: a!.projectId, title: "One" });
  equal(await beside(pages, `/ideas/${idea.id}`, { cookie }), null);
});

Deno.test("ideas and runs have the same, within the page of the list", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const { projectId, id } = await app.idea("submitted");
  const other = submitIdea(app, { projectId, title: "Two" });
  const list = `/ideas?project=${projectId}&sort=oldest`;
  const found = await beside(pages, `/ideas/${other.id}`, { referer: at(list) });
  equal(found?.[2], list);
  deepEqual([found![0], found![1]].filter(Boolean), ["1"]);
  const closed = { referer: at("/ideas?status=closed") };
  equal(await beside(pages, `/ideas/${id}`, closed), null);
  await app.idea("ready");
  const runs = app.db.prepare("SELECT id FROM runs ORDER BY created_at DESC").all();
  const html = await (await pages.get(`/runs/${runs[0]!.id}`, { referer: at("/runs") })).text();
  match(html, /<nav class="beside"/);
  match(html, /<a href="\/runs" data-up/);
});

Deno.test("a list that is none, is another page's or too long to keep leaves the item's page as it is", async () => {
  using app = testApp();
  const pages = pagesBench(app);
  const [a] = tickets(app, 1);
  const page = `/tickets/${a!.id}`;
  for (
    const list of [
      "//elsewhere/development",
      "https://x/development",
      "/ideas",
      "",
      "%zz",
      "/runs?cursor=x",
    ]
  ) {
    const cookie = `gaffer_list_development=${encodeURIComponent(list)}`;
    equal(await beside(pages, page, { cookie }), null, list);
  }
  const idea = submitIdea(app, { projectId: a!.projectId, title: "One" });
  const cookie = `gaffer_list_ideas=${encodeURIComponent("/ideas?cursor=none")}`;
  const answer = await pages.get(`/ideas/${idea.id}`, { cookie });
  equal(answer.status, 200);
  doesNotMatch(await answer.text(), /class="beside"/);
  const long = await pages.get(page, { referer: at(`/development?x=${"x".repeat(2_000)}`) });
  equal(long.headers.get("set-cookie"), null);
});
