/** A merge is taken back by a commit that reverts it, and only where that is safe. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  notStrictEqual as notEqual,
  ok,
  strictEqual as equal,
  throws,
} from "node:assert";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { cancelJob, giveUpJob, pauseJobs, resumeJobs } from "../server/services/jobs.ts";
import { whyNotAgain } from "../server/services/dead_letters.ts";
import { removeMergedWorktree } from "../server/services/merging.ts";
import { retryTicket } from "../server/services/tickets.ts";
import { askForUndo } from "../server/services/undoing.ts";
import { addNeed } from "../server/services/needs.ts";
import { createTicket } from "../server/services/tickets.ts";
import { listChecks } from "../server/store/checks.ts";
import { listSubtasks } from "../server/store/subtasks.ts";
import { getTicket, updateTicket } from "../server/store/tickets.ts";
import { findWorktree } from "../server/store/worktrees.ts";
import { jobOf } from "./jobs_support.ts";
import { never } from "./git_support.ts";
import { MergeScene } from "./merge_scene.ts";

Deno.test("an undo puts one checked commit on the base branch that takes the merge back", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  const before = await repo.git("rev-parse", "main^{tree}");
  const merge = await it.merged();
  await repo.write("b.txt", "edited\n");
  it.ask("It greets\nSigned-off-by: nobody");
  deepEqual(await it.undoIt(), { type: "done" });

  const revert = await repo.git("rev-parse", "main");
  equal(await repo.git("rev-parse", "main^{tree}"), before);
  equal(await repo.git("rev-parse", `${revert}^@`), merge);
  equal(
    await repo.git("log", "-1", "--format=%B", "main"),
    `revert: feat: Greet

This reverts commit ${merge}.

  It greets
  Signed-off-by: nobody

Reverts: ${merge}
Approved-by: owner
Gaffer-Ticket: 1
`,
  );
  equal(await repo.git("symbolic-ref", "HEAD"), "refs/heads/main");
  equal(await repo.git("status", "--porcelain"), " M b.txt", "the person's folder moved along");
  equal(await repo.git("worktree", "list").then((text) => text.split("\n").length), 1);
  deepEqual([it.undo.status, it.undo.commit, it.undo.mergeCommit], ["done", revert, merge]);
  const checks = listChecks(it.app.db, it.ticket.id).filter(({ commit }) => commit === revert);
  deepEqual(checks.map(({ name, status }) => [name, status]), [["test", "passed"]]);
  equal(it.ticket.status, "cancelled");
  equal(
    it.ticket.reason,
    `Its merge was undone by commit ${revert}: It greets\nSigned-off-by: nobody`,
  );
});

Deno.test("a merge whose message names another ticket as its own trailer does is undone all the same", async () => {
  await using it = await MergeScene.make();
  const message = "feat: greet\n\n# Not a comment\n- first\nGaffer-Ticket: 99\n\nAnd so it ends";
  it.approve(message);
  await it.merge();
  match(await it.repo.git("log", "-1", "--format=%B", "main"), /# Not a comment\n- first/);
  it.ask();
  await it.undoIt();
  deepEqual([it.ticket.status, it.undo.status, it.undo.reason], ["cancelled", "done", ""]);
});

Deno.test("an undo reverts no commit that says nothing of the ticket", async () => {
  await using it = await MergeScene.make();
  await it.merged();
  const other = await it.repo.commit("By hand", { "b.txt": "by hand\n" });
  it.app.tx((tx) => updateTicket(tx, it.ticket.id, { mergeCommit: other }));
  it.ask();
  await it.undoIt();
  equal(await it.repo.git("rev-parse", "main"), other);
  deepEqual([it.ticket.status, it.undo.status], ["done", "refused"]);
  match(it.undo.reason, /is none that merged this ticket[^]*Revert it there yourself$/);
});

Deno.test("an undone ticket that is queued again begins anew, on the base as it is then", async () => {
  await using it = await MergeScene.make();
  const merge = await it.merged();
  const [first] = listSubtasks(it.app.db, it.ticket.id);
  it.app.db.exec(`UPDATE subtasks SET status = 'done' WHERE id = '${first!.id}'`);
  it.ask("Too loud");
  await it.undoIt();
  const again = retryTicket(it.app, it.ticket.id, "test");
  deepEqual(
    [again.status, again.step, again.branch, again.baseCommit, again.headCommit, again.mergeCommit],
    ["queued", "prepare", null, null, null, null],
  );
  equal(
    again.guidance,
    `An earlier attempt was merged as ${merge} and undone by ${it.undo.commit}.\nToo loud`,
  );
  deepEqual(listSubtasks(it.app.db, again.id).map(({ status }) => status), ["pending", "pending"]);
  // Cancelled in this attempt, it goes on from its branch as any other does, in a folder that is made again.
  it.app.tx((tx) => updateTicket(tx, again.id, { step: "develop", branch: "gaffer/1-greet" }));
  it.app.db.exec("UPDATE tickets SET status = 'cancelled'");
  const later = retryTicket(it.app, again.id);
  deepEqual([later.step, later.branch], ["prepare", "gaffer/1-greet"]);
});

Deno.test("an undo keeps what came after the merge, checks the two together, and refuses what fails", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  await it.merged();
  const later = await repo.commit("Later", { "b.txt": "later\n" });
  it.checks = { ...it.checks, exitCode: 1, output: "not ok: b needs new.txt\n" };
  it.ask();
  await it.undoIt();
  equal(await repo.git("rev-parse", "main"), later);
  deepEqual([it.ticket.status, it.undo.status], ["done", "refused"]);
  match(
    it.undo.reason,
    /^test fails on the base branch without ticket #1, and on .* as it is, too:\nnot ok: b needs new/,
  );
  ok(it.app.events.some(({ type }) => type === "undo_refused"));

  it.checks = { ...it.checks, exitCode: 0 };
  it.ask("Other words: another commit");
  await it.undoIt();
  equal(it.ticket.status, "cancelled");
  equal(await repo.git("show", "main:b.txt"), "later");
  equal(await repo.git("ls-tree", "--name-only", "main"), "a.txt\nb.txt");
  equal(await repo.git("rev-parse", "main^"), later);
});

Deno.test("an undo that meets a conflict is refused with the lines, and changes nothing", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  await it.merged();
  await repo.commit("Later", { "a.txt": "1\n2\nTHREE\n" });
  const before = await repo.snapshot();
  it.ask();
  await it.undoIt();
  deepEqual([it.ticket.status, it.undo.status], ["done", "refused"]);
  match(it.undo.reason, /changed the same lines in: a\.txt\n[^]*THREE/);
  deepEqual(await repo.snapshot(), before);
});

Deno.test("what is undone already, or not on the base branch, is refused by name", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  const merge = await it.merged();
  await repo.git("revert", "--no-edit", merge);
  const byHand = await repo.git("rev-parse", "main");
  it.ask();
  await it.undoIt();
  equal(it.undo.reason, `It is undone already: commit ${byHand} reverts it`);
  await repo.commit("Later", { "a.txt": "1\n2\n4\n" });
  it.ask();
  await it.undoIt();
  match(it.undo.reason, RegExp(`^Commit ${byHand} says that it reverts it.\nThe base branch`));
  await repo.git("reset", "-q", "--hard", `${merge}^`);
  it.ask();
  await it.undoIt();
  equal(it.undo.reason, `Commit ${merge} is not on the base branch "main"`);
  equal(it.ticket.status, "done");
  await repo.git("branch", "-m", "main", "other");
  it.ask();
  await it.undoIt();
  match(it.undo.reason, /"main": it is gone/);
});

Deno.test("an undo waits for a person's edit that it would overwrite, without a second check", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  const merge = await it.merged();
  await repo.write("a.txt", "my own\n");
  it.ask();
  const outcome = await it.undoIt();
  equal(outcome.type, "snooze");
  match(it.undo.wait, /would overwrite what is not committed in ".*": "a\.txt"/);
  equal(await repo.git("rev-parse", "main"), merge);
  const checked = it.checkedIn.length;
  for (let looks = 0; looks < 3; looks++) {
    await it.undoIt();
    match(it.undo.wait, /would overwrite/, "it can be called off for as long as it waits");
  }
  equal(it.app.events.filter(({ type }) => type === "undo_waits").length, 1);
  await repo.git("checkout", "-q", "a.txt");
  deepEqual(await it.undoIt(), { type: "done" });
  equal(it.checkedIn.length, checked);
  equal(await repo.read("a.txt"), "1\n2\n3\n");
  equal(it.undo.wait, "");
});

Deno.test("an undo whose base moves while it is checked is prepared again", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  await it.merged();
  let moved = "";
  it.checks.during = async () => void (moved ||= await repo.commit("Meanwhile", { "c.txt": "c" }));
  it.ask();
  deepEqual((await it.undoIt()).type, "snooze");
  equal(await repo.git("rev-parse", "main"), moved);
  equal(it.undo.commit, null);
  await it.undoIt();
  equal(await repo.git("rev-parse", "main^"), moved);
  equal(await repo.git("ls-tree", "--name-only", "main"), "a.txt\nb.txt\nc.txt");
});

Deno.test("an undo that was cut off before or after it landed is done once", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  await it.merged();
  const crash = new Error("The process ends here");
  it.checks.during = () => {
    throw crash;
  };
  it.ask();
  await it.undoIt().then(() => ok(false), (error) => equal(error, crash));
  it.checks.during = () => null;
  await it.undoIt();
  const revert = await repo.git("rev-parse", "main");
  // It landed, and nothing of that was recorded.
  it.app.db.exec(`UPDATE ticket_undos SET status = 'pending', ended_at = NULL;
    UPDATE tickets SET status = 'done'`);
  deepEqual(await it.undoIt(), { type: "done" });
  equal(await repo.git("rev-parse", "main"), revert);
  deepEqual([it.ticket.status, it.undo.commit], ["cancelled", revert]);
  deepEqual(await it.undoIt(), { type: "cancel", reason: "The undo has ended" });
});

Deno.test("an undo first removes the merged ticket's worktree, which nobody had removed yet", async () => {
  await using it = await MergeScene.make();
  it.approve();
  await it.merge();
  it.ask();
  // Nor does the job that is for it come in its way, or it in the job's.
  const [removed] = await Promise.all([
    removeMergedWorktree(it.app, it.ticket.id, never),
    it.undoIt(),
  ]);
  deepEqual([removed.type, it.undo.status], ["done", "done"]);
  equal(findWorktree(it.app.db, it.ticket.id)!.status, "removed");
  equal(await it.repo.git("branch", "--list", "gaffer/*"), "");
  notEqual(await it.repo.git("rev-parse", "refs/gaffer/tickets/1"), "");
});

Deno.test("askForUndo() refuses what is not merged, and a second time while one is under way", async () => {
  await using it = await MergeScene.make();
  throws(() => it.ask(), {
    code: "conflict",
    message: 'Cannot undo the merge of ticket #1: it is "review"',
  });
  await it.merged();
  it.ask();
  throws(() => it.ask(), { code: "conflict", message: /that is under way/ });
  throws(() => askForUndo(it.app, "ticket_none"), { code: "not_found" });
  equal(it.app.jobs().filter(({ kind }) => kind === "undo_merge").length, 1);
});

Deno.test("an undo can be called off until it lands; one that was given up is asked for anew", async () => {
  await using it = await MergeScene.make();
  await it.merged();
  it.ask();
  const job = jobOf(it.app, "undo_merge");
  it.app.db.prepare("UPDATE ticket_undos SET commit_id = :commit").run({ commit: "c".repeat(40) });
  throws(() => cancelJob(it.app, job.id), { code: "conflict", message: /landing right now/ });
  it.app.db.exec("UPDATE ticket_undos SET commit_id = NULL");
  cancelJob(it.app, job.id);
  equal(it.undo.reason, "The undo did not end: a person cancelled its job");
  it.ask();
  const next = jobOf(it.app, "undo_merge");
  it.app.tx((tx) => giveUpJob(it.app, tx, next, "Timed out"));
  equal(it.undo.reason, "The undo did not end: Timed out");
  match(whyNotAgain(it.app.db, { ...next, uniqueKey: null })!, /Ask for it again/);
  equal(it.ticket.status, "done");
});

Deno.test("a ticket that waits for one whose merge is undone does not start", async () => {
  await using it = await MergeScene.make();
  const { app, ticket } = it;
  const next = createTicket(app, {
    projectId: ticket.projectId,
    title: "Next",
    description: "",
    type: "chore",
    acceptance: [],
  });
  addNeed(app, next.id, ticket.id);
  await it.merged();
  it.ask();
  await it.undoIt();
  equal(getTicket(app.db, next.id).failure, "dependency_cancelled");
});

Deno.test("a merge commit is taken back as a whole", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  const before = await repo.git("rev-parse", "main^{tree}");
  const later = await repo.commit("Meanwhile", { "c.txt": "c\n" });
  const merge = await it.merged({ style: "merge" });
  equal(await repo.git("rev-parse", `${merge}^@`), `${later}\n${it.ticket.headCommit}`);
  equal(await repo.git("log", "-1", "--format=%s", merge), "feat: Greet");
  it.ask();
  await it.undoIt();
  equal(it.ticket.status, "cancelled");
  equal(await repo.git("diff", "--name-only", before, "main"), "c.txt");
});

Deno.test("the ticket's page undoes a merge with one click, and says how that stands", async () => {
  await using it = await MergeScene.make();
  const { pages } = it.scene;
  const href = `/tickets/${it.ticket.id}`;
  const page = async () => await (await pages.get(href)).text();
  await it.merged();
  match(await page(), /<button[^>]*>Undo the merge<\/button>/);
  const posted = await pages.post(`${href}/undo`, { why: "Too loud" });
  deepEqual([posted.status, posted.headers.get("location")], [303, href]);
  const asked = await page();
  match(asked, /The merge is being undone/);
  match(asked, /Undo of the merge asked for by owner: Too loud/);
  equal(/Undo the merge</.test(asked), false);
  await it.undoIt();
  const undone = await page();
  match(undone, /Its merge was undone by commit/);
  match(undone, /Begins anew, from the base branch as it is now/);
  match(undone, /Merge undone/);
  // Refused, it says so on the same page.
  equal((await pages.post(`${href}/undo`, {})).status, 303);
});

Deno.test("a merge that has landed is done, also where the folder of the merge can't be removed", async () => {
  await using it = await MergeScene.make();
  const { repo, app } = it;
  await repo.commit("Elsewhere", { "b.txt": "moved\n" });
  it.approve();
  // Git finds no repository any more from the moment at which the ticket is done.
  app.hub.subscribe(() => {
    if (it.ticket.status === "done" && existsSync(join(repo.dir, ".git"))) {
      Deno.renameSync(join(repo.dir, ".git"), join(repo.dir, "gone.git"));
    }
  });
  deepEqual(await it.merge(), { type: "done" });
  equal(it.ticket.status, "done");
});

Deno.test("an undo that a paused queue holds is told on the ticket, and goes on with it", async () => {
  await using it = await MergeScene.make();
  await it.merged();
  const text = async (path: string) => await (await it.scene.pages.get(path)).text();
  const page = () => text(`/tickets/${it.ticket.id}`);
  pauseJobs(it.app, "merges");
  it.ask();
  match(await page(), /The undo waits[^]*Its queue was paused by owner/);
  match(await text("/development"), /Its queue was paused by owner/);
  resumeJobs(it.app, "merges");
  doesNotMatch(await page(), /was paused/);
  match(await page(), /The merge is being undone/);
});
