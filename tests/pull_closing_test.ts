/** A pull request is closed on its forge at a person's word alone, and what others close or reopen there is shown. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal, throws } from "node:assert";
import { DAY_MS } from "../server/clock.ts";
import { pauseJobs, resumeJobs } from "../server/services/jobs.ts";
import { archiveProject } from "../server/services/projects.ts";
import type { ChangeEvent } from "../server/records.ts";
import { closePullRequest, lookAtPullRequest } from "../server/services/pull_requests.ts";
import { cancelTicket } from "../server/services/tickets.ts";
import { forgeKinds } from "../server/states.ts";
import { isWithForge } from "../server/store/pull_requests.ts";
import { describePull } from "../views/pull_history.ts";
import { PullScene } from "./pull_scene.ts";

const close = (it: PullScene) => closePullRequest(it.app, it.ticket.id);
/** The last that was told of it, in words. */
const lastWords = (it: PullScene) =>
  describePull(
    it.app.events.findLast(({ type }) => type.startsWith("pull_")) as unknown as ChangeEvent,
    "",
  );
const methods = (it: PullScene) => it.fake.requests.map(({ method }) => method);

for (const kind of forgeKinds) {
  Deno.test(`${kind}: of a cancelled ticket it stays open until a person closes it`, async () => {
    await using it = await PullScene.make(kind);
    await it.opened();
    cancelTicket(it.app, it.ticket.id);
    equal((await it.follow()).type, "cancel", "nothing happens by itself");
    deepEqual([it.fake.state.pulls[0]!.state, it.pull.status], ["open", "open"]);
    close(it);
    close(it);
    equal(it.told.filter((type) => type === "pull_request_close_asked").length, 1);
    deepEqual(await it.follow(), { type: "done" });
    deepEqual([it.fake.state.pulls[0]!.state, it.pull.status], ["closed", "closed"]);
    deepEqual([it.pull.closeAskedBy, it.ticket.status], ["owner", "cancelled"]);
    match(lastWords(it)!, /^Closed on \w+ without a merge, as owner asked$/);
    equal(await it.tip(), it.ticket.headCommit, "its branch stays there");
    throws(() => close(it), { code: "conflict", message: /none is open/ });
    throws(() => lookAtPullRequest(it.app, it.ticket.id), { code: "conflict" });
  });

  Deno.test(`${kind}: what others close and reopen there is noticed, with what was pushed`, async () => {
    await using it = await PullScene.make(kind);
    await it.opened();
    const pushed = it.pull.pushed;
    it.fake.state.pulls[0]!.state = "closed";
    equal((await it.follow()).type, "snooze");
    equal(it.pull.status, "closed");
    match(lastWords(it)!, /^Closed on \w+ without a merge$/);
    equal(isWithForge(it.app.db, it.ticket.id), false, "a person decides");
    equal((await it.follow()).type, "snooze");
    await it.it.scene.round({ "a.txt": "newer\n" });
    it.fake.state.pulls[0]!.state = "open";
    lookAtPullRequest(it.app, it.ticket.id);
    equal((await it.follow()).type, "snooze");
    deepEqual([it.pull.status, it.pull.endedAt, it.pull.commit], ["open", null, pushed]);
    equal(await it.tip(), pushed, "newer work waits for a person");
    match(it.told.join(), /pull_request_closed,pull_request_reopened/);
  });
}

Deno.test("closed here it may be reopened there, and is merged there in the end", async () => {
  await using it = await PullScene.make();
  await it.opened();
  close(it);
  equal((await it.follow()).type, "snooze");
  deepEqual([it.pull.status, it.ticket.status], ["closed", "review"]);
  Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  deepEqual(await it.follow(), { type: "done" });
  deepEqual([it.pull.status, it.pull.closeAskedBy, it.ticket.status], ["merged", null, "done"]);
});

Deno.test("one that was merged before it could be closed is recorded so, and nothing is asked of the forge", async () => {
  await using it = await PullScene.make();
  await it.opened();
  cancelTicket(it.app, it.ticket.id);
  Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  close(it);
  deepEqual(await it.follow(), { type: "done" });
  deepEqual([it.pull.status, it.ticket.status], ["merged", "cancelled"]);
  equal(methods(it).includes("PATCH"), false);
});

Deno.test("cut off at any request, closing goes on from there; refused, it waits for a person", async () => {
  await using it = await PullScene.make();
  await it.opened();
  close(it);
  for (let before = 0; it.pull.endedAt === null; before++) {
    it.fake.next.splice(0, Infinity, ...Array<"plain">(before).fill("plain"), "cut");
    equal((await it.follow()).type, "snooze");
  }
  equal(methods(it).filter((method) => method === "PATCH").length, 1);
  it.fake.next.length = 0;
  await it.opened();
  close(it);
  it.fake.next.push("plain", Response.json({ message: "Forbidden" }, { status: 403 }));
  equal((await it.follow()).type, "cancel");
  match(
    it.pull.error,
    /^Cannot close the pull request at GitHub: the token in \$FORGE_TOKEN may no/,
  );
  cancelTicket(it.app, it.ticket.id);
  lookAtPullRequest(it.app, it.ticket.id);
  deepEqual(await it.follow(), { type: "done" });
  equal(it.pull.status, "closed");
});

Deno.test("called off before it is open, nothing is opened; asked for again, it is", async () => {
  await using it = await PullScene.make();
  it.ask();
  close(it);
  deepEqual(await it.follow(), { type: "done" });
  deepEqual([it.pull.status, it.fake.state.pulls.length, await it.tip()], ["closed", 0, null]);
  equal(lastWords(it), "Pull request on GitHub called off before it was open");
  it.ask();
  close(it);
  it.ask();
  await it.follow();
  deepEqual([it.pull.status, it.pull.closeAskedBy], ["open", null], "the newer word counts");
});

Deno.test("a person's word closes also where the project is archived, and a closed one is not asked about for ever", async () => {
  await using it = await PullScene.make();
  await it.opened();
  it.fake.state.pulls[0]!.state = "closed";
  await it.follow();
  it.app.advance(15 * DAY_MS);
  deepEqual(await it.follow(), { type: "cancel", reason: "It is closed on GitHub" });
  it.fake.next.push(new Response("no", { status: 503 }));
  equal((await it.follow() as { ms: number }).ms, 3_600_000);
  it.token = "wrong";
  equal((await it.follow()).type, "cancel");
  it.token = it.fake.state.token;
  await it.opened();
  archiveProject(it.app, it.it.scene.project.id);
  close(it);
  await it.follow();
  deepEqual([it.pull.number, it.pull.status], [8, "closed"]);
});

Deno.test("the ticket's page names plainly what is open there, and closes it with one click", async () => {
  await using it = await PullScene.make("gitea");
  const { pages } = it.it.scene;
  const path = `/tickets/${it.ticket.id}`;
  const text = async () => await (await pages.get(path)).text();
  await it.opened();
  match(await text(), /Close #7 on Gitea/);
  cancelTicket(it.app, it.ticket.id);
  match(await text(), /Its pull request is still open on Gitea/);
  equal((await pages.post(`${path}/pull-request/close`)).status, 303);
  match(await text(), /owner wants it closed there/);
  await it.follow();
  equal(/still open|Close #7|Look now/.test(await text()), false);
});

Deno.test("where the forges' queue is paused, the ticket's page says what its pull request waits for", async () => {
  await using it = await PullScene.make();
  const page = async () => await (await it.it.scene.pages.get(`/tickets/${it.ticket.id}`)).text();
  pauseJobs(it.app, "forges");
  it.ask();
  match(await page(), /Pull request[^]*Its queue was paused by owner/);
  resumeJobs(it.app, "forges");
  equal(/was paused/.test(await page()), false);
});
