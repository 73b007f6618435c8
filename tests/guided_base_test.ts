/** Guiding a ticket that its merge is blocked with: the developer works on the base as it is, not on what it began with. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { takeConflict } from "../agents/git/resolving.ts";
import { combineForGuide } from "../server/services/guided_base.ts";
import { mergeTicket } from "../server/services/merging.ts";
import { takeOverTicket } from "../server/services/taking_over.ts";
import { approveTicket, guideTicket, pauseTicket } from "../server/services/tickets.ts";
import { listConflictRounds } from "../server/store/conflict_rounds.ts";
import { findActiveRun } from "../server/store/runs.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { never, personGit } from "./git_support.ts";
import { pagesBench } from "./pages_support.ts";

const good = { summary: "Good", findings: [], criteria: [] };

async function merge({ app, id }: EvidenceBench): Promise<void> {
  approveTicket(app, id);
  await mergeTicket(app, id, { attempt: 1, maxAttempts: 5 }, never);
}

/** Blocked in its merge: both have changed a.txt. */
async function conflicting(): Promise<EvidenceBench> {
  const bench = await EvidenceBench.make({ "results.txt": tap("adds"), "a.txt": "1\n" });
  await bench.develop({ "a.txt": "ours\n" });
  await bench.app.end(bench.run, { type: "succeeded", result: good });
  await bench.repo.commit("Meanwhile", { "a.txt": "theirs\n", "new.txt": "n" });
  await merge(bench);
  equal(bench.ticket.failure, "merge_conflict", bench.ticket.reason);
  return bench;
}

const guide = async ({ app, id }: EvidenceBench, words: string) =>
  guideTicket(app, id, words, await combineForGuide(app, id, never));

Deno.test("guided out of a conflict, the developer has the base branch with the conflict marked, and the person's words", async () => {
  await using bench = await conflicting();
  const { app, id, repo } = bench;
  const head = bench.ticket.headCommit!;
  // The base has moved once more since.
  const tip = await repo.commit("Later", { "later.txt": "l" });
  const pages = pagesBench(app);
  match(
    await (await pages.get(`/tickets/${id}`)).text(),
    /Its branch gets the base branch as it is now/,
  );
  equal((await pages.post(`/tickets/${id}/guide`, { guidance: "Keep both lines" })).status, 303);
  await bench.step();
  equal(await repo.git("rev-parse", `${bench.ticket.branch}^@`), `${head}\n${tip}`);
  equal(bench.ticket.baseCommit, tip);
  match(
    await repo.read("a.txt", bench.worktree),
    /^<<<<<<< .*\ntheirs\n\|{7} .*\n1\n=======\nours\n>>>>>>> .*\n$/,
  );
  equal(await repo.read("later.txt", bench.worktree), "l");
  equal(await personGit(bench.worktree, "status", "--porcelain"), "");
  match(
    bench.ticket.guidance,
    /^Keep both lines\n\nThe base branch "main"[^]*:\n- a\.txt\nResolve/,
  );
  equal(bench.run.purpose, "change");

  await bench.work({ "a.txt": "theirs\nours\n" });
  await app.end(bench.run, { type: "succeeded", result: good });
  await merge(bench);
  equal(bench.ticket.status, "done", bench.ticket.reason);
  equal(await repo.read("a.txt"), "theirs\nours\n");
});

Deno.test("marks that a guided developer leaves are not merged", async () => {
  await using bench = await conflicting();
  await guide(bench, "Keep both lines");
  await bench.step();
  await bench.work({ "b.txt": "elsewhere" });
  await bench.app.end(bench.run, { type: "succeeded", result: good });
  await merge(bench);
  match(bench.ticket.reason, /^Marks of the conflict with "main" are still in: a\.txt$/);
});

Deno.test("guided out of checks that fail with the moved base, the developer works on both together", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds", "together") }, {
    test: "if [ -e other.txt ] && [ -e a.txt ] && ! [ -e mended ]; then " +
      "sed -i 's/^ok 2/not ok 2/' results.txt; fi; cat results.txt; ! grep -q '^not ok' results.txt",
  });
  await bench.develop({ "a.txt": "a" });
  await bench.app.end(bench.run, { type: "succeeded", result: good });
  await bench.repo.commit("Meanwhile", { "other.txt": "y" });
  await merge(bench);
  equal(bench.ticket.failure, "merge_checks_failed", bench.ticket.reason);
  await guide(bench, "Add mended");
  await bench.step();
  equal(await bench.repo.read("other.txt", bench.worktree), "y");
  match(bench.ticket.guidance, /^Add mended\n\nThe base branch "main" has moved on/);
  await bench.work({ mended: "y" });
  await bench.app.end(bench.run, { type: "succeeded", result: good });
  await merge(bench);
  equal(bench.ticket.status, "done", bench.ticket.reason);
});

Deno.test("cut off while the base is brought in, guiding goes on from there, once", async () => {
  await using bench = await conflicting();
  const { app, id, repo } = bench;
  await guide(bench, "Keep both lines");
  const [round] = listConflictRounds(app.db, id);
  await takeConflict({
    repo: repo.dir,
    worktree: await Deno.realPath(bench.worktree),
    branch: bench.ticket.branch!,
    commit: round!.commit,
    signal: never,
  });
  await bench.step();
  await bench.step();
  deepEqual(listConflictRounds(app.db, id).map(({ given }) => given), [true]);
  equal(bench.ticket.headCommit, round!.commit);
  equal(bench.ticket.guidance.match(/Resolve each/g)?.length, 1);
});

Deno.test("where work came onto the branch since, the developer goes on from that with the words alone", async () => {
  await using bench = await conflicting();
  await guide(bench, "Keep both lines");
  await bench.repo.write("c.txt", "c", bench.worktree);
  await personGit(bench.worktree, "add", "--all");
  await personGit(bench.worktree, "commit", "-q", "-m", "By hand");
  const own = await personGit(bench.worktree, "rev-parse", "HEAD");
  await bench.step();
  equal(await bench.repo.git("rev-parse", bench.ticket.branch!), own);
  deepEqual([bench.ticket.guidance, bench.run.purpose], ["Keep both lines", "change"]);
  deepEqual(listConflictRounds(bench.app.db, bench.id), []);
});

Deno.test("paused or taken over before the base is brought in, nothing is brought in", async () => {
  for (const call of [pauseTicket, takeOverTicket]) {
    await using bench = await conflicting();
    const head = bench.ticket.headCommit!;
    await guide(bench, "Keep both lines");
    call(bench.app, bench.id);
    await bench.step();
    equal(await bench.repo.git("rev-parse", bench.ticket.branch!), head);
    equal(findActiveRun(bench.app.db, bench.id), null);
  }
});

Deno.test("nothing is combined for a ticket that is blocked with something else, has the base, or whose base was set back", async () => {
  await using bench = await conflicting();
  const { app, id, repo } = bench;
  const look = () => combineForGuide(app, id, never);
  const set = (sql: string, to: string) =>
    app.db.prepare(`UPDATE tickets SET ${sql} WHERE id = :id`).run({ id, to });
  const older = (await look())!;
  set("failure = :to", "stuck");
  equal(await look(), null);
  set("failure = :to", "merge_conflict");
  await repo.git("reset", "-q", "--hard", bench.ticket.baseCommit!);
  equal(await look(), null, "the base is what it began with");
  await repo.git("checkout", "-q", "--orphan", "other");
  const other = await repo.commit("Anew", { "z.txt": "z" });
  await repo.git("branch", "-f", "main", other);
  equal(await look(), null, "the base was set back");
  // Looked at before the work changed.
  set("head_commit = :to", other);
  guideTicket(app, id, "Go on", older);
  deepEqual(listConflictRounds(app.db, id), []);
  equal(bench.run.purpose, "change");
});
