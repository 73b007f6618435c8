/** A merge that is approved once more while it is at work: the last word counts, until there is no way back. */
import { doesNotMatch, match, rejects, strictEqual as equal, throws } from "node:assert";
import { setImmediate } from "node:timers/promises";
import { mergeOfTicket } from "../agents/git/history.ts";
import { abandonMerge } from "../server/services/merging.ts";
import { cancelTicket, retryTicket } from "../server/services/tickets.ts";
import { updateTicket } from "../server/store/tickets.ts";
import { never } from "./git_support.ts";
import { MergeScene } from "./merge_scene.ts";

/** Approved, its base moved, so that its checks run; does this while they do, once. */
async function meanwhile(work: (it: MergeScene) => void): Promise<MergeScene> {
  const it = await MergeScene.make();
  await it.repo.commit("Elsewhere", { "b.txt": "moved\n" });
  it.approve("First words");
  let left = 1;
  it.checks.during = () => {
    if (left-- > 0) work(it);
  };
  return it;
}

Deno.test("other words that come while the checks run are those that land", async () => {
  await using it = await meanwhile((it) => it.approve("Second words", { style: "merge" }));
  const first = await it.merge();
  equal(first.type, "snooze");
  equal(it.ticket.mergeCommit, null, "what was prepared with the first ones is not planned");
  equal((await it.merge()).type, "done");
  const message = await it.repo.git("log", "-1", "--format=%B%P", "main");
  match(message, /^Second words/);
  doesNotMatch(message, /First words/);
  equal(message.trim().split("\n").at(-1)!.split(" ").length, 2, "as a merge commit");
});

Deno.test("the same words once more change nothing", async () => {
  await using it = await meanwhile((it) => it.approve("First words"));
  equal((await it.merge()).type, "done");
  match(await it.repo.git("log", "-1", "--format=%B", "main"), /^First words/);
});

Deno.test("a ticket that is cancelled while the checks run has no commit planned", async () => {
  await using it = await meanwhile((it) => void cancelTicket(it.app, it.ticket.id));
  await it.merge();
  equal(it.ticket.status, "cancelled");
  equal(it.ticket.mergeCommit, null);
  doesNotMatch(await it.repo.git("log", "--format=%B", "main"), /First words/);
});

Deno.test("once its commit is planned and nothing holds it up, it is not approved anew: it may have landed", async () => {
  await using it = await MergeScene.make();
  it.approve("First words");
  const plan = (mergeWait: string) =>
    it.app.tx((tx) => updateTicket(tx, it.ticket.id, { mergeCommit: "1".repeat(40), mergeWait }));
  plan("");
  throws(() => it.approve("Second words"), {
    code: "conflict",
    message: "Cannot merge ticket #1: it is being merged right now",
  });
  plan("Your edits are in the way");
  it.approve("Second words");
  equal(it.ticket.mergeCommit, null);
  await it.merge();
  match(await it.repo.git("log", "-1", "--format=%B", "main"), /^Second words/);
});

Deno.test("other words that come while a merge that waited is looked at again are those that land", async () => {
  await using it = await MergeScene.make();
  it.approve("First words");
  await it.repo.write("a.txt", "edited by hand\n");
  equal((await it.merge()).type, "snooze");
  match(it.ticket.mergeWait, /a\.txt/);
  await it.repo.git("checkout", "--", "a.txt");
  const look = it.merge();
  await setImmediate(); // it has read what is to be done, and asks git
  it.approve("Second words");
  equal((await look).type, "snooze");
  equal((await it.merge()).type, "done");
  match(await it.repo.git("log", "-1", "--format=%B", "main"), /^Second words/);
});

Deno.test("a merge that was given up when it had landed, before that was on record, has its commit when it is tried again", async () => {
  await using it = await MergeScene.make();
  const { app, repo } = it;
  app.db.exec(`CREATE TRIGGER held BEFORE UPDATE OF status ON tickets WHEN NEW.status = 'done'
    BEGIN SELECT RAISE(ABORT, 'the database is ill'); END`);
  it.approve();
  await rejects(it.merge(), /the database is ill/);
  app.tx((tx) => abandonMerge(tx, it.ticket.id, "internal", "the database is ill"));
  equal(it.ticket.status, "blocked");
  app.db.exec("DROP TRIGGER held");
  const landed = await repo.git("rev-parse", "main");
  retryTicket(app, it.ticket.id);
  equal((await it.merge()).type, "done");
  equal(await repo.git("rev-parse", "main"), landed, "it landed once");
  equal(it.ticket.status, "done");
  equal(it.ticket.mergeCommit, landed);
});

Deno.test("work that is on the base branch by others' hands has no commit, also where one was taken back", async () => {
  await using it = await MergeScene.make();
  const { app, repo } = it;
  const merged = async () => {
    const { baseCommit: from, number: ticketNumber } = it.ticket;
    const to = await repo.git("rev-parse", "main");
    return await mergeOfTicket({ repo: repo.dir, from: from!, to, ticketNumber, signal: never });
  };
  equal(await merged(), null);
  const first = await it.merged();
  equal(await merged(), first);
  await repo.commit("It names Gaffer-Ticket: 1 in its words", { "b.txt": "else\n" });
  equal(await merged(), first);
  it.ask();
  await it.undoIt();
  equal(app.db.prepare("SELECT count(*) AS n FROM tickets WHERE status = 'done'").get()!.n, 0);
  equal(await merged(), null, "it was taken back");
});
