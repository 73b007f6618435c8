/** Draft comments on a ticket in review: added, taken back, sent; by the API and on the page. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import type { Comment, Ticket } from "../server/records.ts";
import { createHttp } from "../server/http.ts";
import { ticketsApi } from "../server/routes/tickets.tsx";
import { addComment, requestTicketChanges } from "../server/services/tickets.ts";
import { listComments } from "../server/store/reviews.ts";
import { moveTicket, updateTicket } from "../server/store/tickets.ts";
import { fileId, lineId } from "../views/diff_place.ts";
import { noAssets } from "./http_support.ts";
import { pagesBench } from "./pages_support.ts";
import { passChecks, type TestApp, testApp } from "./support.ts";

const head = "b".repeat(40);

/** A ticket in review; its diff is empty, so that its page needs no repository. */
async function inReview(app: TestApp): Promise<Ticket> {
  const { id } = await app.ticket();
  passChecks(app, id, head);
  return app.tx((tx) => {
    const commits = { baseCommit: "a".repeat(40), headCommit: head };
    moveTicket(tx, id, "in_progress", { step: "develop", ...commits });
    moveTicket(tx, id, "review", { step: null });
    return updateTicket(tx, id, { baseCommit: head });
  });
}

const line = { path: "src/greet.sh", line: 3, side: "old" } as const;
const add = (app: TestApp, { id }: Ticket, at: Partial<Comment> = line) =>
  addComment(app, { ticketId: id, path: null, line: null, side: "new", body: "Why?", ...at });

const bodies = (app: TestApp, { id }: Ticket) => listComments(app.db, id).map(({ body }) => body);

Deno.test("DELETE on a draft comment takes it back and answers with it; a sent one stays", async () => {
  using app = testApp();
  const http = createHttp(app, {
    assets: noAssets,
    mountApi: ticketsApi,
    mountPages: () => {},
    renderError: ({ title }) => title,
  });
  const ticket = await inReview(app);
  const remove = async (ticketId: string, id: string) => {
    const path = `/api/v1/tickets/${ticketId}/comments/${id}`;
    const response = await http.request(path, { method: "DELETE" });
    return { status: response.status, body: await response.json() };
  };
  const [gone, kept] = [add(app, ticket), add(app, ticket, { body: "Quote it" })];
  const removed = await remove(ticket.id, gone.id);
  deepEqual([removed.status, removed.body.id, removed.body.body], [200, gone.id, "Why?"]);
  deepEqual(bodies(app, ticket), ["Quote it"]);
  equal((await remove(ticket.id, gone.id)).status, 404);
  equal((await remove("tkt_none", kept.id)).status, 404);
  equal((await remove((await inReview(app)).id, kept.id)).status, 404, "another ticket's comment");

  requestTicketChanges(app, ticket.id, "");
  const refused = await remove(ticket.id, kept.id);
  deepEqual([refused.status, refused.body.code], [409, "conflict"]);
  match(refused.body.detail, /Cannot remove comment ".*": it was sent/);
  deepEqual(bodies(app, ticket), ["Quote it"]);
});

Deno.test("the review offers to remove a draft, not a sent comment", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  const { id } = add(app, ticket, { path: null, line: null });
  const pages = pagesBench(app);
  const action = `/tickets/${ticket.id}/comments/${id}/remove`;
  const page = async () => await (await pages.get(`/tickets/${ticket.id}/review`)).text();
  match(await page(), new RegExp(`action="${action}"`));
  requestTicketChanges(app, ticket.id, "");
  doesNotMatch(await page(), /\/remove"/);
});

Deno.test("removing a draft on the page leads back to where it stood", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  const pages = pagesBench(app);
  const cases: [Partial<Comment>, string][] = [
    [line, lineId(line)],
    [{ path: "src/greet.sh" }, fileId("src/greet.sh")],
    [{}, "review-notes"],
  ];
  for (const [place, part] of cases) {
    const { id } = add(app, ticket, place);
    const answer = await pages.post(`/tickets/${ticket.id}/comments/${id}/remove`);
    const location = answer.headers.get("location");
    deepEqual([answer.status, location], [303, `/tickets/${ticket.id}/review#${part}`]);
  }
  deepEqual(bodies(app, ticket), []);
});

Deno.test("a comment added on the page leads to it, and its message names it for the scripts", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  const pages = pagesBench(app);
  const review = `/tickets/${ticket.id}/review`;
  const answer = await pages.post(`/tickets/${ticket.id}/comments`, { body: "Why not mktemp?" });
  const part = `comment-${listComments(app.db, ticket.id)[0]!.id}`;
  deepEqual([answer.status, answer.headers.get("location")], [303, `${review}#${part}`]);
  const cookie = answer.headers.get("set-cookie")!.split(";")[0]!;
  const html = await (await pages.get(review, { cookie })).text();
  match(html, new RegExp(`data-at="${part}"`));
  match(html, new RegExp(`<article[^>]*id="${part}"`));
});
