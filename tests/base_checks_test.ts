/** What fails on a base branch that has moved is found out there, and held against no ticket that did not do it. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import { existsSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { removeAllBaseLeft } from "../server/services/base_leftovers.ts";
import { resolveConflict } from "../server/services/conflicts.ts";
import { baselineOf } from "../server/services/checks.ts";
import { readyChecks, takeKnownBases } from "../server/services/run_checks.ts";
import { mergeTicket, removeMergedWorktree } from "../server/services/merging.ts";
import { continueTicket, pickUpBranch, takeOverTicket } from "../server/services/taking_over.ts";
import { approveTicket, cancelTicket } from "../server/services/tickets.ts";
import { askForUndo, undoMerge } from "../server/services/undoing.ts";
import { getProject } from "../server/store/projects.ts";
import { getTicket } from "../server/store/tickets.ts";
import { findUndo } from "../server/store/undos.ts";
import { Turnstile } from "../server/turnstile.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { never, personGit } from "./git_support.ts";

const good = { summary: "Good", findings: [], criteria: [] };
const once = { attempt: 1, maxAttempts: 5 };

/** Prints results that say that "old" fails, unless `fine` holds in the folder. */
const oldFailsUnless = (fine: string): string =>
  `if ${fine}; then cat <<'END'\n${tap("adds", "old")}END\nelse cat <<'END'\n${
    tap("adds", "!old")
  }END\nexit 1; fi`;

/** In review, having added a.txt. */
async function inReview(
  files: Record<string, string>,
  options: Parameters<typeof EvidenceBench.make>[1] = {},
): Promise<EvidenceBench> {
  const bench = await EvidenceBench.make(files, options);
  await bench.develop({ "a.txt": "a" });
  await bench.app.end(bench.run, { type: "succeeded", result: good });
  equal(bench.ticket.status, "review");
  return bench;
}

async function merge({ app, id }: EvidenceBench): Promise<void> {
  approveTicket(app, id);
  await mergeTicket(app, id, once, never);
}

/** What the test command said of the base branch as it is now. */
const baseRows = async (bench: EvidenceBench): Promise<string[]> => {
  const tip = await bench.repo.git("rev-parse", "main");
  return bench.checks.filter(({ baseline, commit }) => baseline && commit === tip)
    .map(({ name, status }) => `${name} ${status}`);
};

Deno.test("a test that failed at first, was mended on the base since, and fails with the ticket is no known failure", async () => {
  await using bench = await inReview({ "x.txt": "x" }, {
    test: oldFailsUnless("[ -e mended ] && ! [ -e a.txt ]"),
  });
  const tip = await bench.repo.commit("Mend it", { mended: "y" });
  await merge(bench);
  deepEqual([bench.ticket.status, bench.ticket.failure], ["blocked", "merge_checks_failed"]);
  match(
    bench.ticket.reason,
    /^test fails on the result of the merge .*, and not on the base branch as it is:/,
  );
  equal(await bench.repo.git("rev-parse", "main"), tip);
  deepEqual(await baseRows(bench), ["build skipped", "test passed"]);
  const failed = bench.checks.findLast(({ baseline }) => !baseline)!;
  deepEqual([failed.status, failed.knownFailures], ["failed", false]);
});

Deno.test("what somebody else broke on the base holds up no merge, and is asked of the base once", async () => {
  await using bench = await inReview({ "results.txt": tap("adds", "old") });
  await bench.repo.commit("Break it", { "results.txt": tap("adds", "!old") });
  const before = bench.ran.length;
  await merge(bench);
  equal(bench.ticket.status, "done", bench.ticket.reason);
  const [row, more] = bench.checks.filter(({ baseline, name, commit }) =>
    baseline && name === "test" && commit !== bench.ticket.baseCommit
  );
  // Twice each: tests may be flaky, on the base as well.
  deepEqual([row!.status, more!.rerunOf], ["failed", row!.id]);
  equal(bench.ran.length - before, 4);
  const judged = bench.checks.findLast(({ commit }) => commit === bench.ticket.mergeCommit)!;
  deepEqual(judged.report!.failures.map(({ test, before }) => [test, before]), [["old", true]]);

  const { dataDir } = bench.app.config;
  const { slug } = getProject(bench.app.db, bench.ticket.projectId);
  ok(!existsSync(join(dataDir, "projects", slug, "base", "1")), "its folder is gone");
  equal((await bench.repo.git("worktree", "list")).split("\n").length, 2);
});

Deno.test("what one ticket's merge found out of the base, and of its own commit, is not run again for the next", async () => {
  await using first = await inReview({ "results.txt": tap("adds", "old") });
  const second = first.beside();
  await second.develop({ "b.txt": "b" });
  await first.app.end(second.run, { type: "succeeded", result: good });
  const third = first.beside();
  await third.develop({ "c.txt": "c" });
  await first.app.end(third.run, { type: "succeeded", result: good });
  const broken = await first.repo.commit("Break it", { "results.txt": tap("adds", "!old") });

  await merge(first);
  third.ran.length = 0;
  await merge(second);
  equal(second.ticket.status, "done", second.ticket.reason);
  deepEqual(third.ran.map(({ place }) => basename(place.dir)), ["merge"], "once, where it lands");
  const base = second.checks.find(({ baseline, commit }) =>
    baseline && commit === first.ticket.mergeCommit
  )!;
  deepEqual([base.name, base.status, base.durationMs], ["test", "failed", 0]);
  match(base.tail, /^\(Not run again: so it ended for ticket #1 on this commit at 2026-.*\)\nTAP/);
  deepEqual(base.report!.failures.map(({ before }) => before), [undefined]);
  equal(baselineOf(first.app, second.ticket, "test", base.commit)?.id, base.id);
  const judged = second.checks.findLast(({ baseline }) => !baseline)!;
  deepEqual([judged.knownFailures, judged.report!.failures[0]!.before], [true, true]);

  // Under other settings it may say something else.
  first.testRules({ env: { MODE: "strict" } });
  equal(baselineOf(first.app, second.ticket, "test", base.commit), null, "nor is it held against");
  third.ran.length = 0;
  await merge(third);
  equal(third.ticket.status, "done", third.ticket.reason);
  deepEqual(third.ran.map(({ place }) => basename(place.dir)), ["merge", "merge", "3", "3"]);
  equal(await first.repo.git("rev-parse", "main~3"), broken);
});

Deno.test("what is known of the base is not taken from a day ago, from a folder in which an agent worked, nor from before the project had other files or tools", async () => {
  for (const how of ["old", "worked in", "local_files", "toolchains"] as const) {
    await using first = await inReview({ "results.txt": tap("adds", "old") });
    const second = first.beside();
    await second.develop({ "b.txt": "b" });
    await first.app.end(second.run, { type: "succeeded", result: good });
    await first.repo.commit("Break it", { "results.txt": tap("adds", "!old") });
    await merge(first);
    if (how === "old") first.app.advance(24 * 3_600_000 + 1);
    else if (how !== "worked in") {
      first.app.db.prepare(`UPDATE projects SET ${how} = :value`)
        .run({ value: JSON.stringify([how === "toolchains" ? "/opt/tools" : ".env"]) });
    } else {
      // As a person does who moves the base branch to a ticket's own work.
      first.app.db.prepare("UPDATE tickets SET merge_commit = 'other' WHERE id = :id")
        .run({ id: first.id });
    }
    second.ran.length = 0;
    await merge(second);
    equal(second.ticket.status, "done", second.ticket.reason);
    equal(second.ran.length, 4, how);
  }
});

Deno.test("once the base was brought in, an agent's own checks still tell what failed before, of the new base where that is known", async () => {
  await using first = await inReview({ "results.txt": tap("adds", "!old"), "a.txt": "1" });
  const { app, repo, id } = first;
  await repo.commit("Meanwhile", { "a.txt": "2", "results.txt": tap("!adds") });
  await merge(first);
  equal(first.ticket.failure, "merge_conflict", first.ticket.reason);
  resolveConflict(app, id);
  await mergeTicket(app, id, once, never);
  equal(first.ticket.baseCommit, await repo.git("rev-parse", "main"));
  const project = getProject(app.db, first.ticket.projectId);
  const told = () =>
    readyChecks(app, first.run, project)[0]!.base?.failures.map(({ test }) => test);
  deepEqual(told(), ["old"], "nobody has asked the new one");

  const second = first.beside();
  await second.develop({ "b.txt": "b" });
  deepEqual(told(), ["old"], "to ask what an agent is told changes nothing");
  takeKnownBases(app, first.run, project);
  takeKnownBases(app, first.run, project);
  deepEqual(told(), ["adds"], "the other ticket began there");
  const rows = first.checks.filter(({ baseline, commit }) =>
    baseline && commit === first.ticket.baseCommit
  );
  equal(rows.length, 1, "taken over once");
});

Deno.test("a base that was broken is no cover for more: what the ticket breaks besides it blocks the merge", async () => {
  await using bench = await inReview({ "results.txt": tap("adds", "old", "new") }, {
    test: `if [ -e other ] && [ -e a.txt ]; then sed -i 's/^ok 3/not ok 3/' results.txt; fi; ` +
      "cat results.txt; ! grep -q '^not ok' results.txt",
  });
  await bench.repo.commit("Break it", { "results.txt": tap("adds", "!old", "new"), other: "y" });
  await merge(bench);
  equal(bench.ticket.failure, "merge_checks_failed");
  match(
    bench.ticket.reason,
    /^test fails on .*, and on the base branch as it is, too:[^]*not ok 3/,
  );
});

Deno.test("where the project says that what failed before blocks, a broken base does, and the reason says so", async () => {
  await using bench = await inReview({ "results.txt": tap("adds") });
  bench.rules({ baselineBlocks: true });
  await bench.repo.commit("Break it", { "results.txt": tap("!adds") });
  await merge(bench);
  equal(bench.ticket.failure, "merge_checks_failed");
  match(bench.ticket.reason, /and on the base branch as it is, too:/);
});

Deno.test("the base is set up and built before it is tested; where that fails, it says nothing", async () => {
  const others = [
    { name: "setup", command: "[ ! -e broken ]", timeoutMs: 60_000 },
    { name: "build", command: "true", timeoutMs: 60_000 },
  ] as const;
  for (const isBroken of [false, true]) {
    await using bench = await inReview({ "results.txt": tap("adds") }, { others: [...others] });
    await bench.repo.commit("Break it", {
      "results.txt": tap("!adds"),
      ...isBroken && { broken: "y" },
    });
    bench.ran.length = 0;
    await merge(bench);
    const base = bench.ran.filter(({ place }) => /\/base\/1$/.test(place.dir))
      .map(({ spec }) => spec.command);
    if (isBroken) {
      equal(bench.ticket.failure, "merge_checks_failed", "the setup of the merge's own folder");
      deepEqual(base, []);
      continue;
    }
    equal(bench.ticket.status, "done", bench.ticket.reason);
    deepEqual(base.slice(0, 2), ["[ ! -e broken ]", "true"]);
  }
});

Deno.test("an undo is judged by the base as it is: others' failures do not hold it up, its own do", async () => {
  for (const needed of [false, true]) {
    await using bench = await inReview({ "results.txt": tap("adds", "old", "new") }, {
      test: `if [ -e needs ] && ! [ -e a.txt ]; then sed -i 's/^ok 3/not ok 3/' results.txt; fi; ` +
        "cat results.txt; ! grep -q '^not ok' results.txt",
    });
    const { app, id } = bench;
    await merge(bench);
    await removeMergedWorktree(app, id, never);
    await bench.repo.commit("Break it", {
      "results.txt": tap("adds", "!old", "new"),
      ...needed && { needs: "y" },
    });
    askForUndo(app, id);
    await undoMerge(app, id, once, never);
    equal(findUndo(app.db, id)!.status, needed ? "refused" : "done");
    if (needed) match(findUndo(app.db, id)!.reason, /^test fails on .* without ticket #1/);
  }
});

Deno.test("a ticket whose base moved with a person's merge is held against the newer base, whose failures it did not do", async () => {
  await using bench = await inReview({ "results.txt": tap("adds", "!old"), "z.txt": "z" });
  const { app, id } = bench;
  const tip = await bench.repo.commit("Meanwhile", { "z.txt": "zz" });
  takeOverTicket(app, id);
  await personGit(bench.worktree, "merge", "-q", "--no-edit", "main");
  continueTicket(app, id, await pickUpBranch(app, id, never));
  await bench.goOn();
  equal(bench.ticket.baseCommit, tip);
  deepEqual([bench.run.purpose, bench.ticket.round], ["review", 0], bench.ticket.reason);
  const last = bench.checks.findLast(({ baseline }) => !baseline)!;
  deepEqual([last.knownFailures, last.report!.failures[0]!.before], [true, true]);
  await app.end(bench.run, { type: "succeeded", result: good });
  equal(bench.ticket.status, "review", "the database takes it for evidence");
});

Deno.test("a check of the base that was cut off is made again", async () => {
  await using bench = await inReview({ "results.txt": tap("adds") });
  const { app, id } = bench;
  await bench.repo.commit("Break it", { "results.txt": tap("!adds") });
  const command = app.agents.command;
  app.agents.command = (place, ...rest) =>
    place.dir.endsWith("/base/1")
      ? Promise.reject(new Error("The process ends here"))
      : command(place, ...rest);
  approveTicket(app, id);
  await mergeTicket(app, id, once, never).then(
    () => ok(false),
    (error) => match(String(error), /ends here/),
  );
  equal(bench.ticket.status, "review");
  app.agents.command = command;
  await mergeTicket(app, id, { ...once, attempt: 2 }, never);
  equal(bench.ticket.status, "done", bench.ticket.reason);
});

/** A check of the base was cut off by the end of the process: its folder is there, with what was copied into it. */
async function cutOffAtBase(bench: EvidenceBench): Promise<string> {
  const { app, id, repo } = bench;
  const { slug } = getProject(app.db, bench.ticket.projectId);
  const base = join(app.config.dataDir, "projects", slug, "base");
  await repo.git("worktree", "add", "-q", "--detach", join(base, "1"), "main");
  for (const name of ["1/.env", "1.home/cache", "1.home.filling/cache", "1.removing/.env"]) {
    await Deno.mkdir(dirname(join(base, name)), { recursive: true });
    await Deno.writeTextFile(join(base, name), "TOKEN=secret\n");
  }
  equal(getTicket(app.db, id).number, 1);
  return base;
}

const namesIn = async (dir: string): Promise<string[]> =>
  (await Array.fromAsync(Deno.readDir(dir), ({ name }) => name)).sort();

Deno.test("what a crash left of a base's folder goes when its ticket is cancelled, and nothing of another ticket's", async () => {
  await using bench = await inReview({ "results.txt": tap("adds") });
  const base = await cutOffAtBase(bench);
  await Deno.mkdir(join(base, "12"));
  cancelTicket(bench.app, bench.id);
  // Behind it in the same line.
  await bench.app.turnstile.through(join(base, "1"), () => Promise.resolve());
  deepEqual(await namesIn(base), ["12"]);
  doesNotMatch(await bench.repo.git("worktree", "list"), /base/);
  ok(existsSync(bench.worktree), "the ticket's own folder stays until a person lets it go");
});

Deno.test("what a crash left of bases' folders goes at the next start, also where the repository is gone", async () => {
  await using bench = await inReview({ "results.txt": tap("adds") });
  const { app } = bench;
  const base = await cutOffAtBase(bench);
  await Deno.mkdir(join(base, "12.home"));
  cancelTicket({ ...app, turnstile: stuck() }, bench.id);
  ok(existsSync(join(base, "1", ".env")), "the process ended before it was removed");
  await removeAllBaseLeft(app);
  deepEqual(await namesIn(base), []);
  doesNotMatch(await bench.repo.git("worktree", "list"), /base/);

  await cutOffAtBase(bench);
  await Deno.rename(bench.repo.dir, `${bench.repo.dir}.moved`);
  await removeAllBaseLeft(app);
  await Deno.rename(`${bench.repo.dir}.moved`, bench.repo.dir);
  deepEqual(await namesIn(base), []);
});

Deno.test("a base's folder in which a check is at work is removed by that alone, when it has ended", async () => {
  await using bench = await inReview({ "results.txt": tap("adds") });
  const { app, id } = bench;
  await bench.repo.commit("Break it", { "results.txt": tap("!adds") });
  const command = app.agents.command;
  const seen: boolean[] = [];
  app.agents.command = async (place, ...rest) => {
    if (!place.dir.endsWith("/base/1")) return await command(place, ...rest);
    void removeAllBaseLeft(app);
    const result = await command(place, ...rest);
    seen.push(existsSync(place.dir));
    return result;
  };
  approveTicket(app, id);
  await mergeTicket(app, id, once, never);
  equal(bench.ticket.status, "done", bench.ticket.reason);
  deepEqual(seen, [true, true]);
});

/** Lets nothing through any more, as a process that has ended. */
function stuck(): Turnstile {
  const turnstile = new Turnstile();
  turnstile.through = () => new Promise(() => {});
  return turnstile;
}
