/** A merge that meets a conflict blocks with it, or gives it to the developer, by the project's rule. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { describeConflict, resolveConflict } from "../server/services/conflicts.ts";
import { listConflictRounds } from "../server/store/conflict_rounds.ts";
import { findActiveRun, moveRun } from "../server/store/runs.ts";
import { renderMarkdown } from "../views/markdown.ts";
import { personGit } from "./git_support.ts";
import { MergeScene } from "./merge_scene.ts";

/** Approved while the base has changed the same line; gives the base's tip. */
async function conflicting(it: MergeScene, onConflict: "resolve" | "block"): Promise<string> {
  await it.rule({ onConflict });
  const tip = await it.repo.commit("Meanwhile", { "a.txt": "1\n2\nTHREE\n", "c.txt": "c\n" });
  it.approve();
  return tip;
}

/** What the developer makes of it, through its checks to the review. */
async function developed(it: MergeScene, files: Record<string, string>): Promise<string> {
  it.app.tx((tx) => {
    const run = findActiveRun(tx.db, it.ticket.id)!;
    moveRun(tx, run.id, "running");
    moveRun(tx, run.id, "succeeded", { result: {} });
  });
  const commit = await it.scene.turn(files);
  it.scene.toReview();
  return commit;
}

Deno.test("by default a conflict blocks the ticket, with its lines, and nothing else changes", async () => {
  await using it = await MergeScene.make();
  const { headCommit } = it.ticket;
  const tip = await conflicting(it, "block");
  await it.merge();
  deepEqual([it.ticket.status, it.ticket.failure, it.ticket.headCommit], [
    "blocked",
    "merge_conflict",
    headCommit,
  ]);
  match(it.ticket.reason, /changed the same lines in: a\.txt\n[^]*THREE[^]*three/);
  equal(await it.repo.git("rev-parse", "main"), tip);
  const page = await (await it.scene.pages.get(`/tickets/${it.ticket.id}`)).text();
  match(page, /<pre><code>1\n2\n&lt;&lt;&lt;&lt;&lt;&lt;&lt; HEAD\nTHREE\n/);
});

Deno.test("describeConflict() shows texts as code, whatever fences they have themselves", () => {
  const text = "# Greets.\n```sh\n<<<<<<< HEAD\n=======\n>>>>>>> x\n```\n";
  const html = renderMarkdown(describeConflict("main", [
    { path: "src/__init__.md", text },
    { path: "gone.txt", text: null },
  ]));
  match(
    html,
    /in: src[^]*gone\.txt<\/p>\n<p><code>src\/__init__\.md<\/code>:<\/p>\n<pre><code># Greets/,
  );
  match(html, /=======\n&gt;&gt;&gt;&gt;&gt;&gt;&gt; x\n```\n<\/code><\/pre>\n$/);
});

Deno.test("the developer gets the conflict in its worktree, and what it makes of it is merged", async () => {
  await using it = await MergeScene.make();
  const { repo, scene, ticket: { headCommit } } = it;
  const tip = await conflicting(it, "resolve");
  deepEqual(await it.merge(), { type: "done" });
  const back = it.ticket;
  deepEqual([back.status, back.step, back.baseCommit], ["in_progress", "develop", tip]);
  equal(await repo.git("rev-parse", `${back.headCommit}^@`), `${headCommit}\n${tip}`);
  equal(await repo.git("rev-parse", back.branch!), back.headCommit);
  match(
    await repo.read("a.txt", scene.worktree),
    /^1\n2\n<<<<<<< HEAD\nTHREE\n\|{7} .*\n3\n=======\nthree\n>>>>>>> .*\n$/,
  );
  equal(await repo.read("c.txt", scene.worktree), "c\n");
  equal(await personGit(scene.worktree, "status", "--porcelain"), "");
  const run = findActiveRun(it.app.db, back.id)!;
  deepEqual([run.purpose, run.agent], ["change", "feature-dev"]);
  match(back.guidance, /these files hold the conflicts:\n- a\.txt\nResolve each/);
  equal(await repo.git("rev-parse", "main"), tip);

  await developed(it, { "a.txt": "1\n2\nthree of both\n" });
  it.approve();
  await it.merge();
  equal(it.ticket.status, "done");
  equal(await repo.git("rev-parse", "main^@"), tip, "one commit, on what was there");
  equal(await repo.git("diff", "--name-only", tip, "main"), "a.txt\nnew.txt");
  equal(await repo.read("a.txt"), "1\n2\nthree of both\n");
});

Deno.test("marks that the developer left are not merged", async () => {
  await using it = await MergeScene.make();
  const tip = await conflicting(it, "resolve");
  await it.merge();
  await developed(it, { "c.txt": "<<<<<<< HEAD\n", "new.txt": "newer\n" });
  it.approve();
  await it.merge();
  deepEqual([it.ticket.status, it.ticket.failure], ["blocked", "merge_conflict"]);
  equal(it.ticket.reason, 'Marks of the conflict with "main" are still in: a.txt');
  equal(await it.repo.git("rev-parse", "main"), tip);
});

Deno.test("each state of the base branch is given once: a newer one again, the same one blocks", async () => {
  await using it = await MergeScene.make();
  const { repo } = it;
  const before = it.ticket.headCommit!;
  const tip = await conflicting(it, "resolve");
  await it.merge();
  await developed(it, { "a.txt": "1\n2\nboth\n" });
  const newer = await repo.commit("Again", { "a.txt": "1\n2\nTHREE!\n" });
  it.approve();
  await it.merge();
  deepEqual([it.ticket.status, it.ticket.baseCommit], ["in_progress", newer]);
  await developed(it, { "a.txt": "1\n2\nboth!\n" });
  deepEqual(
    new Set(listConflictRounds(it.app.db, it.ticket.id).map(({ baseTip }) => baseTip)),
    new Set([tip, newer]),
  );
  // The branch is put back to what it was before: the same conflict.
  await personGit(it.scene.worktree, "reset", "-q", "--hard", before);
  it.app.db.prepare("UPDATE tickets SET head_commit = :before").run({ before });
  it.approve();
  await it.merge();
  equal(it.ticket.status, "blocked");
  match(it.ticket.reason, /^The developer had this conflict before/);

  resolveConflict(it.app, it.ticket.id);
  await it.merge().then(() => ok(true));
  equal(it.ticket.status, "in_progress", "a person asked for it again");
});

Deno.test("a conflict whose handing over was cut off is handed over once", async () => {
  await using it = await MergeScene.make();
  const { repo, scene } = it;
  const tip = await conflicting(it, "resolve");
  const release = it.app.agents.release;
  it.app.agents.release = () => Promise.reject(new Error("The process ends here"));
  await it.merge().then(() => ok(false), (error) => match(String(error), /ends here/));
  const [round] = listConflictRounds(it.app.db, it.ticket.id);
  deepEqual([round!.given, it.ticket.status], [false, "review"]);
  it.app.agents.release = release;
  // Or after its branch had it already, with a file half written.
  await personGit(scene.worktree, "reset", "-q", "--hard", round!.commit);
  await repo.write("a.txt", "half", scene.worktree);
  await it.merge();
  deepEqual([it.ticket.status, it.ticket.headCommit], ["in_progress", round!.commit]);
  equal(await personGit(scene.worktree, "status", "--porcelain"), "");
  equal(listConflictRounds(it.app.db, it.ticket.id).length, 1);
  equal(await repo.git("rev-parse", "main"), tip);
});

Deno.test("a conflict that was on record when other work came onto the branch is looked at anew", async () => {
  await using it = await MergeScene.make();
  await conflicting(it, "resolve");
  const release = it.app.agents.release;
  it.app.agents.release = () => Promise.reject(new Error("The process ends here"));
  await it.merge().then(() => ok(false), () => {});
  it.app.agents.release = release;
  const [old] = listConflictRounds(it.app.db, it.ticket.id);
  const head = await it.scene.round({ "new.txt": "newer\n" });
  it.approve();
  await it.merge();
  const [round, more] = listConflictRounds(it.app.db, it.ticket.id);
  deepEqual([round!.given, more], [true, undefined]);
  ok(round!.commit !== old!.commit);
  equal(await it.repo.git("rev-parse", `${round!.commit}^1`), head);
});

Deno.test("a conflict is not brought into a worktree in which something is not committed", async () => {
  await using it = await MergeScene.make();
  await conflicting(it, "resolve");
  await it.repo.write("a.txt", "not committed\n", it.scene.worktree);
  await it.merge();
  match(it.ticket.reason, /something in it is not committed/);
  equal(await it.repo.read("a.txt", it.scene.worktree), "not committed\n");
});

Deno.test("files that one side deleted or that are no text are given too", async () => {
  await using it = await MergeScene.make();
  const { repo, scene } = it;
  await scene.round({ "b.txt": "changed\n", "bin": "x\0y" });
  await it.rule({ onConflict: "resolve" });
  await Deno.remove(`${repo.dir}/b.txt`);
  await repo.commit("Meanwhile", { "bin": "z\0y", "-odd name.txt": "odd\n" });
  it.approve();
  await it.merge();
  match(it.ticket.guidance, /conflicts:\n- b\.txt\n- bin\nResolve/);
  equal(await repo.read("b.txt", scene.worktree), "changed\n");
  equal(await repo.read("-odd name.txt", scene.worktree), "odd\n");
});

Deno.test("a blocked ticket's page lets its developer resolve the conflict; no other ticket may", async () => {
  await using it = await MergeScene.make();
  const { pages } = it.scene;
  const href = `/tickets/${it.ticket.id}`;
  throws(() => resolveConflict(it.app, it.ticket.id), { code: "conflict" });
  await conflicting(it, "block");
  await it.merge();
  match(await (await pages.get(href)).text(), /Let the developer resolve it/);
  equal((await pages.post(`${href}/resolve-conflict`)).headers.get("location"), href);
  await it.merge();
  equal(it.ticket.status, "in_progress");
  equal((await pages.post(`${href}/resolve-conflict`)).status, 303);
  match(await (await pages.get(href)).text(), /Sent back by owner/);
});
