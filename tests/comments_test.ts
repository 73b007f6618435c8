/** Draft comments on a ticket in review: added, taken back, sent; by the API and on the page. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
  throws,
} from "node:assert";
import { buildPrompt } from "../agents/prompts/task_prompt.ts";
import type { Comment, Ticket } from "../server/records.ts";
import { createHttp } from "../server/http.ts";
import { ticketsApi } from "../server/routes/tickets.tsx";
import { addComment, changeComment, requestTicketChanges } from "../server/services/tickets.ts";
import { listComments } from "../server/store/reviews.ts";
import { moveRemark } from "../server/store/review_marks.ts";
import { getTicket, moveTicket, updateTicket } from "../server/store/tickets.ts";
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

Deno.test("a draft comment can be said otherwise until it is sent, and keeps its place", async () => {
  using app = testApp();
  const http = createHttp(app, {
    assets: noAssets,
    mountApi: ticketsApi,
    mountPages: () => {},
    renderError: ({ title }) => title,
  });
  const ticket = await inReview(app);
  const edit = async (ticketId: string, id: string, change: unknown) => {
    const path = `/api/v1/tickets/${ticketId}/comments/${id}/edit`;
    const headers = { "content-type": "application/json" };
    const response = await http.request(path, {
      method: "POST",
      headers,
      body: JSON.stringify(change),
    });
    return { status: response.status, body: await response.json() };
  };
  const [first, { id }] = [add(app, ticket, { body: "First" }), add(app, ticket)];
  const changed = await edit(ticket.id, id, { body: "  Why not mktemp?\n" });
  deepEqual([changed.status, changed.body.body], [200, "Why not mktemp?"]);
  deepEqual([changed.body.path, changed.body.line, changed.body.side], [
    line.path,
    line.line,
    line.side,
  ]);
  deepEqual(bodies(app, ticket), [first.body, "Why not mktemp?"]);
  for (const change of [{ body: " " }, {}, { body: "x", line: 7 }, { body: 7 }]) {
    equal((await edit(ticket.id, id, change)).status, 422, JSON.stringify(change));
  }
  equal((await edit(ticket.id, "cmt_none", { body: "x" })).status, 404);
  equal((await edit((await inReview(app)).id, id, { body: "x" })).status, 404);

  requestTicketChanges(app, ticket.id, "");
  const refused = await edit(ticket.id, id, { body: "Too late" });
  equal(refused.status, 409);
  match(refused.body.detail, /Cannot change comment ".*": it was sent to the developer/);
  deepEqual(bodies(app, ticket), ["First", "Why not mktemp?"]);
});

Deno.test("all remarks reach the developer whole, each with its line and which side and commit that is of", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  add(app, ticket, { ...line, body: "Why?\nReally?" });
  const { id } = add(app, ticket, { ...line, side: "new", body: "Quote it" });
  app.tx((tx) => moveRemark(tx, { id, kind: "comment" }, { commit: "c".repeat(40), line: 4 }));
  add(app, ticket, { path: "a.md", body: "Whole file" });
  for (let n = 0; n < 60; n++) add(app, ticket, { body: `${n} ${"x".repeat(260)}` });
  const { guidance } = requestTicketChanges(app, ticket.id, " Nearly. ");
  deepEqual(guidance.split("\n").slice(0, 5), [
    "Nearly.",
    "- src/greet.sh:3 (a line that was removed): Why?",
    "  Really?",
    `- src/greet.sh:4 (as of ${"c".repeat(12)}): Quote it`,
    "- a.md: Whole file",
  ]);
  equal(guidance.match(/x{260}/g)?.length, 60);
  const task = buildPrompt({
    purpose: "change",
    round: 1,
    project: "lanterns",
    requestedChanges: guidance,
  });
  ok(task.includes(guidance), "the task has all of it");
});

Deno.test("remarks that are more than one task takes are refused, and stay drafts", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  for (let n = 0; n < 7; n++) add(app, ticket, { body: "x".repeat(9_000) });
  throws(() => requestTicketChanges(app, ticket.id, ""), {
    code: "invalid",
    message: /come to 6\d{4} characters, and one task takes 60000\. Send some of them now/,
  });
  equal(getTicket(app.db, ticket.id).status, "review");
  deepEqual(listComments(app.db, ticket.id).filter(({ sent }) => sent), []);
});

Deno.test("a draft is not changed when its ticket has left review", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  const { id } = add(app, ticket);
  app.tx((tx) => moveTicket(tx, ticket.id, "cancelled", {}));
  throws(() => changeComment(app, { ticketId: ticket.id, commentId: id, body: "Other" }), {
    code: "conflict",
  });
  deepEqual(bodies(app, ticket), ["Why?"]);
});

Deno.test("the review has a form with a draft's text, which leads back to the comment", async () => {
  using app = testApp();
  const ticket = await inReview(app);
  const { id } = add(app, ticket, { path: null, line: null, body: "Why <so>?" });
  const pages = pagesBench(app);
  const review = `/tickets/${ticket.id}/review`;
  const action = `/tickets/${ticket.id}/comments/${id}/edit`;
  const html = await (await pages.get(review)).text();
  match(html, new RegExp(`<form[^>]*action="${action}"[^]*?<textarea[^>]*>\\n?Why &lt;so>\\?<`));
  const answer = await pages.post(action, { body: "Because?" });
  deepEqual([answer.status, answer.headers.get("location")], [303, `${review}#comment-${id}`]);
  deepEqual(bodies(app, ticket), ["Because?"]);
  equal((await pages.post(action, { body: " " })).status, 422);
  requestTicketChanges(app, ticket.id, "");
  doesNotMatch(await (await pages.get(review)).text(), /\/edit"/);
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
