/** A ticket that is not set up yet begins with the base branch as it is when it is, or as it was: with one of the two. */
import { deepStrictEqual as deepEqual, match, strictEqual as equal } from "node:assert";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { changedFiles } from "../agents/git/changes.ts";
import { letGo, removeLeftFolder } from "../server/services/letting_go.ts";
import { cancelTicket, retryTicket } from "../server/services/tickets.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { never, personGit, type TestRepo } from "./git_support.ts";

const files = { "results.txt": tap("adds"), ".gitignore": "cache\n" };

const WANTED = "gaffer/1-greet-the-world";

/** Its setup leaves something ignored, and fails until the base has a file "ready". */
async function unready(
  setup = "touch cache; [ -e ready ]",
  before: (repo: TestRepo) => Promise<unknown> = () => Promise.resolve(),
): Promise<EvidenceBench> {
  const bench = await EvidenceBench.make(files, {
    others: [{ name: "setup", command: setup, timeoutMs: 60_000 }],
  });
  await before(bench.repo);
  await bench.step();
  equal(bench.ticket.failure, "setup_failed", bench.ticket.reason);
  return bench;
}

const tipOf = ({ repo }: EvidenceBench): Promise<string> => repo.git("rev-parse", "main");

/** Paths that the review would show. */
async function changes({ repo, ticket }: EvidenceBench): Promise<string[]> {
  const range = { from: ticket.baseCommit!, to: ticket.headCommit!, signal: never };
  return (await changedFiles({ repo: repo.dir, ...range })).map((file) =>
    typeof file === "string" ? file : file.path
  );
}

Deno.test("whoever mends the base branch has mended the setup of a ticket that failed on it", async () => {
  await using bench = await unready();
  await bench.repo.commit("Mend", { ready: "", "elsewhere.txt": "x" });
  retryTicket(bench.app, bench.id);
  await bench.develop({ "a.txt": "a" });
  equal(bench.ticket.baseCommit, await tipOf(bench));
  equal(bench.run.purpose, "review", bench.ticket.reason);
  deepEqual(await changes(bench), ["a.txt"]);
  equal(bench.checks.filter(({ name, baseline }) => name === "setup" && baseline).length, 2);
  equal(
    await bench.repo.git("rev-parse", `refs/gaffer/branches/${bench.ticket.branch}`),
    await tipOf(bench),
  );
});

Deno.test("a setup that a crash cut off is done on the base as it is by then", async () => {
  await using bench = await EvidenceBench.make(files, {
    others: [{ name: "setup", command: "true", timeoutMs: 60_000 }],
  });
  const { app, repo } = bench;
  const { command } = app.agents;
  app.agents.command = () => Promise.reject(new Error("the process ends"));
  await bench.step().catch(() => null);
  equal(bench.ticket.baseCommit, null);
  app.agents.command = command;
  await repo.commit("Meanwhile", { "elsewhere.txt": "x", "results.txt": tap("adds", "more") });
  await bench.develop({ "a.txt": "a" });
  equal(bench.ticket.baseCommit, await tipOf(bench));
  deepEqual(await changes(bench), ["a.txt"]);
  equal(await repo.read("elsewhere.txt", bench.worktree), "x");
});

Deno.test("where a person has committed on its branch, it goes on from there, and is held against what it began with", async () => {
  await using bench = await unready();
  const began = await tipOf(bench);
  await Deno.writeTextFile(join(bench.worktree, "ready"), "");
  await personGit(bench.worktree, "add", "ready");
  await personGit(bench.worktree, "commit", "-q", "-m", "By hand");
  await bench.repo.commit("Meanwhile", { "elsewhere.txt": "x" });
  retryTicket(bench.app, bench.id);
  await bench.develop({ "a.txt": "a" });
  equal(bench.ticket.baseCommit, began);
  deepEqual(await changes(bench), ["a.txt", "ready"]);
  equal(existsSync(join(bench.worktree, "elsewhere.txt")), false);
});

Deno.test("what a person left in its folder, not committed, is kept as one more commit, and with it what it began with", async () => {
  await using bench = await unready();
  const began = await tipOf(bench);
  await Deno.writeTextFile(join(bench.worktree, "ready"), "tried by hand");
  await bench.repo.commit("Meanwhile", { "elsewhere.txt": "x" });
  retryTicket(bench.app, bench.id);
  await bench.goOn();
  equal(bench.ticket.status, "in_progress", bench.ticket.reason);
  equal(bench.ticket.baseCommit, began);
  deepEqual(await changes(bench), ["ready"]);
  equal(await bench.repo.read("ready", bench.worktree), "tried by hand");
});

Deno.test("a ticket whose branch has another name than was wanted is set up again once its folder was let go", async () => {
  await using bench = await unready("[ -e ready ]", (repo) => repo.git("branch", WANTED));
  const { app, id } = bench;
  await bench.repo.commit("Mend", { ready: "" });
  cancelTicket(app, id);
  letGo(app, id);
  deepEqual(await removeLeftFolder(app, id, never), { type: "done" });
  retryTicket(app, id);
  await bench.goOn();
  deepEqual([bench.ticket.status, bench.ticket.branch], ["in_progress", `${WANTED}-2`]);
  equal(bench.ticket.headCommit, await tipOf(bench));
});

Deno.test("what a setup that failed left in its folder is no work", async () => {
  await using bench = await unready("echo x >> results.txt; touch made; [ -e ready ]");
  await bench.repo.commit("Mend", { ready: "" });
  retryTicket(bench.app, bench.id);
  await bench.goOn();
  equal(bench.ticket.headCommit, await tipOf(bench));
  equal(existsSync(join(bench.worktree, "made")), false);
});

Deno.test("nor is what one left that a crash cut off after another had failed", async () => {
  await using bench = await unready();
  const { app, repo } = bench;
  await repo.commit("Mend", { ready: "" });
  retryTicket(app, bench.id);
  await bench.cutOff();
  await bench.goOn();
  equal(bench.ticket.status, "in_progress", bench.ticket.reason);
  equal(await repo.git("ls-tree", "--name-only", bench.ticket.headCommit!, "cut off"), "");
  equal(existsSync(join(bench.worktree, "cut off")), false);
});

Deno.test("a base branch that was set back meanwhile is begun with as it is, without what was dropped", async () => {
  await using bench = await unready();
  await bench.repo.git("commit", "-q", "--amend", "-m", "Another root");
  await bench.repo.commit("Mend", { ready: "" });
  retryTicket(bench.app, bench.id);
  await bench.develop({ "a.txt": "a" });
  equal(bench.ticket.baseCommit, await tipOf(bench));
  match(await bench.repo.git("log", "--format=%s", bench.ticket.branch!), /Mend\nAnother root$/);
});
