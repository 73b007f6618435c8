/** Before a merge the dialog says what it would meet now; after it, what to review next. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  strictEqual as equal,
} from "node:assert";
import { changeProjectIn } from "../server/services/projects.ts";
import { lookAtMerge } from "../server/services/merge_look.ts";
import { createTicket } from "../server/services/tickets.ts";
import { moveTicket } from "../server/store/tickets.ts";
import { mergeTicketHandler } from "../queue/handlers/merge_ticket.ts";
import { runnerOf } from "./jobs_support.ts";
import { never } from "./git_support.ts";
import { MergeScene } from "./merge_scene.ts";
import { passChecks } from "./support.ts";

const part = { "hx-target": "div#merge-look" };

Deno.test("lookAtMerge() tells a base that stands still, one that combines, and one that conflicts, and changes nothing", async () => {
  await using it = await MergeScene.make();
  const { app, repo, ticket } = it;
  const look = async () => {
    const { newer, conflicts } = (await lookAtMerge(app, ticket, never))!;
    return [newer, conflicts];
  };
  deepEqual(await look(), [0, []]);
  await repo.commit("Elsewhere", { "b.txt": "elsewhere\n" });
  const before = await repo.snapshot();
  deepEqual(await look(), [1, []]);
  deepEqual(await repo.snapshot(), before);
  await repo.commit("The same lines", { "a.txt": "1\n2\nTHREE\n" });
  deepEqual(await look(), [2, ["a.txt"]]);
  await repo.git("branch", "-m", "main", "gone");
  await lookAtMerge(app, ticket, never).then(
    () => equal(1, 2),
    ({ code }) => equal(code, "conflict"),
  );
});

Deno.test("the merge dialog asks for it when it is opened, and links to it without scripts", async () => {
  await using it = await MergeScene.make();
  const { app, repo, scene } = it;
  const href = `/tickets/${it.ticket.id}/merge-look`;
  const page = await scene.page();
  match(page, new RegExp(`hx-get="${href}" hx-trigger="toggle once from:#approve"`));
  match(page, new RegExp(`<a href="${href}">`));
  doesNotMatch(page, /Puts one commit/);
  await repo.git(
    "update-ref",
    "refs/heads/main",
    await repo.commitOn("main", {
      "a.txt": "1\n2\n<b>\n",
      "<i>.txt": "x",
    }),
  );
  await repo.git("config", "commit.gpgSign", "true");
  const html = await (await scene.pages.get(href, part)).text();
  match(html, /<code>main<\/code> has 1 newer commit, and would conflict with them now in:/);
  match(html, /<code class="path">a\.txt<\/code>/);
  match(html, /On the result run test \(<code>[^<]+<\/code>\); it lands when they pass/);
  match(html, /Your own commits here are signed; what Gaffer lands is not/);
  doesNotMatch(html, /<html/);
  match(await (await scene.pages.get(href)).text(), /<h1[^>]*>[^]*If it were merged now/);
  app.tx((tx) => changeProjectIn(tx, scene.project.id, { commands: [] }));
  match(await (await scene.pages.get(href, part)).text(), /has no checks that could run/);
  equal((await scene.pages.get("/tickets/none/merge-look")).status, 404);
});

Deno.test("a ticket that is merged or about to be leads to the next review", async () => {
  await using it = await MergeScene.make();
  const { app, scene } = it;
  const other = createTicket(app, {
    ...{ projectId: scene.project.id, title: "The <next>", description: "", type: "feature" },
    acceptance: [],
  });
  const page = async () => await (await scene.pages.get(`/tickets/${it.ticket.id}`)).text();
  it.approve();
  doesNotMatch(await page(), /Next review/);
  const commits = { baseCommit: "a".repeat(40), headCommit: "b".repeat(40) };
  app.tx((tx) => moveTicket(tx, other.id, "in_progress", { step: "develop", ...commits }));
  passChecks(app, other.id, commits.headCommit);
  app.tx((tx) => moveTicket(tx, other.id, "review", { step: null }));
  const link = new RegExp(`Next review: <a href="/tickets/${other.id}/review">#2 The &lt;next>`);
  match(await page(), link);
  await it.merged();
  match(await page(), link);
});

Deno.test("while a merge waits for a person, its page says why, once, and names no commit as merged", async () => {
  await using it = await MergeScene.make();
  it.approve();
  await it.repo.write("a.txt", "my own\n");
  const runner = runnerOf(it.app, mergeTicketHandler);
  runner.start();
  await runner.idle();
  await runner.stop(0);
  match(it.ticket.mergeWait, /^The merge would overwrite/);
  const page = await (await it.scene.pages.get(`/tickets/${it.ticket.id}`)).text();
  equal(page.match(/The merge would overwrite what is not committed/g)?.length, 1);
  match(page, /The merge waits/);
  doesNotMatch(page, /Merged as/);
});

Deno.test("a merge that waits for days tells it once, is looked at ever more seldom, and can be called off all the time", async () => {
  await using it = await MergeScene.make();
  await it.repo.write("a.txt", "my own\n");
  it.approve();
  const waits: number[] = [];
  let told = 0;
  for (let look = 0; look < 6; look++) {
    const outcome = await it.merge();
    if (outcome.type !== "snooze") throw new Error(outcome.type);
    match(it.ticket.mergeWait, /^The merge would overwrite/);
    if (look === 0) told = it.app.events.length;
    waits.push(outcome.ms / 1_000);
    it.app.advance(look === 0 ? 5_000 : 100_000);
  }
  deepEqual(waits, [5, 5, 10.5, 20.5, 30.5, 40.5]);
  equal(it.app.events.length, told, "nothing is new");
  it.app.advance(86_400_000);
  equal((await it.merge() as { ms: number }).ms, 60_000, "at most");
  await it.repo.write("a.txt", "1\n2\n3\n");
  equal((await it.merge()).type, "done");
});

Deno.test("a merge whose wait is over since the edit was committed says so while it is checked anew", async () => {
  await using it = await MergeScene.make();
  await it.repo.write("a.txt", "my own\n2\n3\n");
  it.approve();
  await it.merge();
  match(it.ticket.mergeWait, /^The merge would overwrite/);
  await it.repo.commit("Mine");
  deepEqual([(await it.merge()).type, it.ticket.mergeWait], ["snooze", ""]);
  it.checks.during = () => equal(it.ticket.mergeWait, "");
  equal((await it.merge()).type, "done");
  equal(await it.repo.read("a.txt"), "my own\n2\nthree\n");
});
