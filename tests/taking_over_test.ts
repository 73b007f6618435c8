/** The loop back: what the developer is told, what was tried, and the ways on when three rounds were not enough. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { buildPrompt } from "../agents/prompts/prompts.ts";
import {
  changeTicket,
  guideTicket,
  requestTicketChanges,
  retryTicket,
} from "../server/services/tickets.ts";
import { continueTicket, pickUpBranch } from "../server/services/taking_over.ts";
import { taskOf } from "../server/services/run_task.ts";
import { triedRounds } from "../server/services/tried.ts";
import { getProject } from "../server/store/projects.ts";
import { listTicketRuns } from "../server/store/runs.ts";
import { listSubtasks } from "../server/store/subtasks.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { exists, never, personGit } from "./git_support.ts";
import { pagesBench } from "./pages_support.ts";

/** A ticket whose tests still fail after three rounds. */
async function blocked(): Promise<EvidenceBench> {
  const bench = await EvidenceBench.make({ "results.txt": tap("adds", "greets") });
  bench.rules({ rerunFailed: false });
  await bench.develop({ "results.txt": tap("adds", "!greets"), "first.txt": "1\n" });
  for (const round of [1, 2, 3]) {
    bench.app.advance(1_000);
    await bench.work({ "round.txt": `${round}\n` }, `Tried it in way ${round}`);
  }
  deepEqual([bench.ticket.status, bench.ticket.failure, bench.ticket.round], [
    "blocked",
    "checks_failed",
    3,
  ]);
  return bench;
}

const continueWith = async (bench: EvidenceBench) =>
  continueTicket(bench.app, bench.id, await pickUpBranch(bench.app, bench.id, never));

const promptOf = async ({ app, run, ticket }: EvidenceBench): Promise<string> => {
  const project = getProject(app.db, ticket.projectId);
  const task = await taskOf(app, run, project, never);
  return buildPrompt({ purpose: run.purpose, round: run.round, project: "p", ...task });
};

Deno.test("the developer gets the failures, the end of the output, and what changed since the checks last passed", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds", "!old") });
  bench.rules({ rerunFailed: false });
  await bench.develop({ "results.txt": tap("!adds", "!old"), "big.txt": "x".repeat(100_000) });
  const first = await promptOf(bench);
  match(first, /<check_failures name="test" exit_code="1">\n2 failed, 0 passed/);
  match(first, /\(it failed so before any change\) old: not ok/);
  match(first, /- adds: not ok/);
  match(first, /not ok 2 - old/);
  match(first, /<changed_since_green base_commit="[0-9a-f]{12}">\nbig\.txt \+1 −0\nresults\.txt/);
  match(first, /\[cut: the diff goes on\]\n<\/changed_since_green>/);
  await bench.work({ "results.txt": tap("adds", "!old"), "big.txt": "y\n" });
  equal(bench.run.purpose, "review");
  const green = bench.ticket.headCommit!;
  const result = { summary: "Good", findings: [], criteria: [] };
  await bench.app.end(bench.run, { type: "succeeded", result });
  requestTicketChanges(bench.app, bench.id, "More");
  await bench.work({ "results.txt": tap("!adds", "!old"), "new.txt": "new\n" });
  const second = await promptOf(bench);
  match(
    second,
    new RegExp(`<changed_since_green green_commit="${green.slice(0, 12)}">\nnew\\.txt`),
  );
  ok(!/big\.txt/.test(second), "what had passed is not told again");
});

Deno.test("a ticket that is blocked after three rounds shows a line for each, the last error and the ways on", async () => {
  await using bench = await blocked();
  const { app, id } = bench;
  const tried = triedRounds(bench.ticket, listTicketRuns(app.db, id), bench.checks);
  deepEqual(tried.map(({ round, summary, failed }) => [round, summary, failed?.name]), [
    [1, "Tried it in way 1", "test"],
    [2, "Tried it in way 2", "test"],
    [3, "Tried it in way 3", "test"],
  ]);
  const html = await (await pagesBench(app).get(`/tickets/${id}`)).text();
  match(html, /Round 3 of 3<\/a>: Tried it in way 3/);
  match(html, /test still fails after 3 rounds: greets: not ok/);
  match(html, /not ok 2 - greets/);
  match(html, /<option value="develop">from the developer/);
  match(html, /<option value="test" selected>from the tests, which are run again/);
  ok(!html.includes('<option value="review"'));
  match(html, new RegExp(`cd ${bench.worktree}\ngit add --all`));
  match(html, /cd '.*person.*?repo'\ngit switch --ignore-other-worktrees gaffer\/1-/);
  match(html, new RegExp(`action="/tickets/${id}/continue"`));
  // Refused beside the commands that mend it.
  const refused = await pagesBench(app).post(`/tickets/${id}/continue`);
  deepEqual([refused.status, refused.headers.get("location")], [303, `/tickets/${id}`]);
  match(decodeURIComponent(refused.headers.get("set-cookie")!), /there is nothing new on it/);
});

Deno.test("whoever guides the developer out of failing checks spares it finding out what fails; a flaky test is no failure", async () => {
  await using bench = await blocked();
  guideTicket(bench.app, bench.id, "Greet in words");
  equal(bench.run.purpose, "change");
  match(
    await promptOf(bench),
    /<check_failures name="test" exit_code="1">[^]*- greets: not ok[^]*<changed_since_green[^]*<requested_changes>\nGreet in words/,
  );

  const flaky =
    'echo x >> seen; if [ "$(wc -l < seen)" -eq 2 ]; then printf "not ok 1 - adds\\n1..1\\n"; exit 1; fi; ' +
    'printf "ok 1 - adds\\n1..1\\n"';
  await using other = await EvidenceBench.make({ ".gitignore": "seen\n" }, { test: flaky });
  await other.develop({ "new.txt": "new\n" });
  const result = { summary: "Good", findings: [], criteria: [] };
  await other.app.end(other.run, { type: "succeeded", result });
  deepEqual(other.checks.map(({ name, status }) => [name, status]).slice(-2), [
    ["test", "failed"],
    ["test", "passed"],
  ]);
  requestTicketChanges(other.app, other.id, "More");
  const prompt = await promptOf(other);
  match(prompt, /<requested_changes>\nMore/);
  ok(!/check_failures|changed_since_green/.test(prompt), prompt);
});

Deno.test("a retry from the tests runs them again, as one from where it stopped does not", async () => {
  await using bench = await blocked();
  const before = bench.checks.length;
  const pages = pagesBench(bench.app);
  const answer = await pages.post(`/tickets/${bench.id}/retry`, { step: "test" });
  equal(answer.status, 303);
  await bench.goOn();
  equal(bench.checks.length, before + 1);
  equal(bench.run.purpose, "fix");
  equal((await pages.post(`/tickets/${bench.id}/retry`, { step: "lunch" })).status, 422);
});

Deno.test("continue picks up what a person committed in the ticket's folder: evidence is due for it", async () => {
  await using bench = await blocked();
  await bench.repo.write("results.txt", tap("adds", "greets"), bench.worktree);
  await personGit(bench.worktree, "commit", "-qam", "By hand");
  const commit = await personGit(bench.worktree, "rev-parse", "HEAD");
  const ticket = await continueWith(bench);
  deepEqual([ticket.status, ticket.step, ticket.round, ticket.headCommit], [
    "in_progress",
    "build",
    0,
    commit,
  ]);
  await bench.goOn();
  equal(bench.run.purpose, "review");
  deepEqual(bench.checks.slice(-2).map(({ commit: at, status }) => [at, status]), [
    [commit, "skipped"],
    [commit, "passed"],
  ]);
});

Deno.test("continue takes a person's clone: its folder must have left the branch, and the ticket's follows it", async () => {
  await using bench = await blocked();
  const { repo, worktree } = bench;
  const branch = bench.ticket.branch!;
  await repo.git("switch", "-q", "--ignore-other-worktrees", branch);
  await repo.commit("By hand", { "results.txt": tap("adds", "greets"), "mine.txt": "mine\n" });
  await rejects(continueWith(bench), {
    code: "conflict",
    message: /checked out in ".*person's repo".* run: git -C .* switch -$/,
  });
  await repo.git("switch", "-q", "main");
  await bench.repo.write("stray.txt", "stray\n", worktree);
  await rejects(continueWith(bench), { message: /edits beside your commits \("stray\.txt"\)/ });
  await Deno.remove(`${worktree}/stray.txt`);
  await continueWith(bench);
  equal(await bench.repo.read("mine.txt", worktree), "mine\n");
  await bench.goOn();
  equal(bench.run.purpose, "review", bench.ticket.reason);
  equal(await repo.git("show", `${branch}:mine.txt`), "mine");
});

Deno.test("whoever retries or guides instead loses nothing of what was committed elsewhere", async () => {
  await using bench = await blocked();
  const { repo, app, id } = bench;
  const branch = bench.ticket.branch!;
  await repo.git("switch", "-q", "--ignore-other-worktrees", branch);
  await repo.commit("By hand", { "results.txt": tap("adds", "greets"), "mine.txt": "mine\n" });
  await repo.git("switch", "-q", "main");
  retryTicket(app, id);
  await bench.goOn();
  equal(bench.run.purpose, "review", bench.ticket.reason);
  equal(await repo.git("show", `${branch}:mine.txt`), "mine");
  ok(await exists(`${bench.worktree}/mine.txt`));
});

Deno.test("a ticket whose folder is gone says so, whatever was committed on its branch", async () => {
  await using bench = await blocked();
  await Deno.remove(bench.worktree, { recursive: true });
  retryTicket(bench.app, bench.id);
  await bench.goOn();
  equal(bench.ticket.failure, "repository");
  match(bench.ticket.reason, /is not a worktree of .* Retry the ticket to make it again/);
});

Deno.test("continue is refused with the reason: nothing new, not blocked, moved on meanwhile", async () => {
  await using bench = await blocked();
  const { app, id } = bench;
  await rejects(continueWith(bench), {
    code: "conflict",
    message: /there is nothing new on it\. Commit your change there first, or retry/,
  });
  equal(bench.ticket.status, "blocked");
  await bench.repo.write("mine.txt", "mine\n", bench.worktree);
  const picked = await pickUpBranch(app, id, never);
  guideTicket(app, id, "Do it");
  throws(() => continueTicket(app, id, picked), { code: "conflict" });
  await rejects(pickUpBranch(app, id, never), { message: /it is "in_progress"/ });
});

Deno.test("what stood still counts as done by hand, and what nobody began is the agents' again", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  await bench.goOn();
  const { app, id } = bench;
  changeTicket(app, id, { title: "It's greeted" });
  await app.end(bench.run, {
    type: "succeeded",
    result: { status: "blocked", summary: "I can't" },
  });
  equal(bench.ticket.failure, "demo_limit", "it runs on the demo model here");
  await bench.repo.write("mine.txt", "mine\n", bench.worktree);
  await continueWith(bench);
  deepEqual(listSubtasks(app.db, id).map(({ status, summary }) => [status, summary]), [
    ["done", "By hand, by owner"],
  ]);
  await bench.goOn();
  equal(bench.run.purpose, "review", "what was not committed yet is a checkpoint now");
  const html = await (await pagesBench(app).get(`/tickets/${id}`)).text();
  match(html, /Taken over by owner, at commit/);
});

Deno.test("a branch that took newer commits of its base in starts from those, and one with no base is refused", async () => {
  await using bench = await blocked();
  const { repo, worktree } = bench;
  const tip = await repo.commit("Meanwhile", { "other.txt": "other\n" });
  await bench.repo.write("results.txt", tap("adds", "greets"), worktree);
  await personGit(worktree, "-c", "user.name=P", "-c", "user.email=p@x", "commit", "-qam", "Mine");
  await personGit(worktree, "merge", "-q", "main", "-m", "Take main in");
  equal((await continueWith(bench)).baseCommit, tip);

  await using other = await blocked();
  const orphan = await personGit(other.worktree, "commit-tree", "HEAD^{tree}", "-m", "Alone");
  await personGit(other.worktree, "reset", "-q", "--hard", orphan);
  await rejects(continueWith(other), { message: /does not come from the base branch any more/ });
});
