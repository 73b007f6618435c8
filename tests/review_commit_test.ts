/** A decision about a review is one about the commit that was on the page, and no other. */
import { doesNotMatch, match, ok, strictEqual as equal, throws } from "node:assert";
import { approveTicket, requestTicketChanges } from "../server/services/tickets.ts";
import { lastSeq } from "../server/store/events.ts";
import { followPage, pagesBench } from "./pages_support.ts";
import { PullScene } from "./pull_scene.ts";
import { ReviewScene } from "./review_support.ts";

const commitsIn = (html: string): string[] =>
  [...html.matchAll(/<input type="hidden" name="commit" value="([0-9a-f]{40})"/g)].map((
    [, commit],
  ) => commit!);

Deno.test("what was looked at in one tab is not merged or sent back when another tab has changed it", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n" });
  const seen = await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  const shown = commitsIn(await scene.page());
  ok(shown.length >= 2 && shown.every((commit) => commit === seen), String(shown));
  const newest = await scene.round({ "a.txt": "aaa\n" });

  const fields = { message: "Greet", style: "squash", remark: "Say more", commit: seen };
  for (const verb of ["approve", "request-changes"]) {
    const answer = await scene.pages.post(`/tickets/${scene.id}/${verb}`, fields);
    equal(answer.status, 409);
    const html = await answer.text();
    match(html, /it has changed since you looked, its branch is at .* Look at what is new/);
    // The page shows the newest work, and what was typed; its forms are about that.
    match(html, verb === "approve" ? /Greet<\/textarea>/ : /Say more<\/textarea>/);
    ok(commitsIn(html).every((commit) => commit === newest));
    equal(scene.ticket.step, null);
    equal(scene.ticket.status, "review");
  }
  const again = await scene.pages.post(`/tickets/${scene.id}/approve`, {
    ...fields,
    commit: newest,
  });
  equal(again.status, 303);
  equal(scene.ticket.step, "merge");
});

Deno.test("the bar that comes by itself is about the diff that is shown, and says that there is newer work", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n" });
  const seen = await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  const path = /hx-sse:connect="([^"]+)&amp;after=/.exec(await scene.page())![1]!;
  equal(path, `/live/review/${scene.id}?commit=${seen}`);
  const after = lastSeq(scene.app.db);
  await scene.round({ "a.txt": "aaa\n" });
  await using told = await followPage(scene.pages, `${path}&after=${after}`);
  const message = await told.next();
  match(
    message,
    /It has changed since you looked: <a href="\/tickets\/\w+\/review">see what is new/,
  );
  ok(commitsIn(message).length >= 2 && commitsIn(message).every((commit) => commit === seen));
  doesNotMatch(await scene.page(), /It has changed since you looked/);
});

Deno.test("approveTicket() and requestTicketChanges() take a commit or none, and refuse what is none", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n" });
  const seen = await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  const newest = await scene.round({ "a.txt": "aaa\n" });
  throws(() => approveTicket(scene.app, scene.id, "", { commit: seen }), { code: "conflict" });
  throws(() => requestTicketChanges(scene.app, scene.id, "x", { commit: seen }), {
    code: "conflict",
    message: /^Cannot send back ticket #1: it has changed since you looked/,
  });
  const form = { message: "x", commit: "main" };
  equal((await scene.pages.post(`/tickets/${scene.id}/approve`, form)).status, 422);
  requestTicketChanges(scene.app, scene.id, "x", { commit: newest });
  equal(scene.ticket.status, "in_progress");
});

Deno.test("a pull request is opened of what was looked at", async () => {
  await using it = await PullScene.make("gitea");
  const pages = pagesBench(it.app);
  const post = (commit: string) =>
    pages.post(`/tickets/${it.ticket.id}/pull-request`, { message: "Greet all", commit });
  const refused = await post("1".repeat(40));
  equal(refused.status, 409);
  match(await refused.text(), /Cannot open a pull request of ticket #1: it has changed since/);
  equal((await post(it.ticket.headCommit!)).status, 303);
});
