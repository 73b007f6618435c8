/** What counts as evidence: required steps, one more try for tests, what failed before, how commands run. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
  throws,
} from "node:assert";
import { changeProjectIn } from "../server/services/projects.ts";
import { checkOutput } from "../server/services/check_outputs.ts";
import { describeMerge } from "../server/services/merging.ts";
import { takeOverTicket } from "../server/services/taking_over.ts";
import { requestTicketChanges, retryTicket } from "../server/services/tickets.ts";
import { insertCheck } from "../server/store/checks.ts";
import { listFlakyTests } from "../server/store/flaky_tests.ts";
import { listFindings } from "../server/store/reviews.ts";
import { listTicketRuns } from "../server/store/runs.ts";
import { getTicket, moveTicket, updateTicket } from "../server/store/tickets.ts";
import { EvidenceBench, tap, tapTest } from "./evidence_support.ts";
import { pagesBench } from "./pages_support.ts";
import { checkOf, passChecks, testApp } from "./support.ts";

const statuses = ({ checks }: EvidenceBench) =>
  checks.map(({ name, baseline, status }) => `${baseline ? "base " : ""}${name} ${status}`);

/** Fails the first time that it runs on a commit with `flaky.txt`, and passes from then on. */
const flakyTest = `
if [ -f flaky.txt ] && [ ! -f seen ]; then touch seen; cat flaky.txt; exit 1; fi
cat results.txt; ! grep -q '^not ok' results.txt`;

Deno.test("a test that fails and then passes on the same commit is flaky: it is counted, and the ticket goes on", async () => {
  const files = { "results.txt": tap("adds", "greets"), ".gitignore": "seen\n" };
  await using bench = await EvidenceBench.make(files, { test: flakyTest });
  await bench.develop({ "flaky.txt": tap("adds", "!greets") });
  equal(bench.run.purpose, "review", bench.ticket.reason);
  deepEqual(statuses(bench), [
    "base build skipped",
    "base test passed",
    "build skipped",
    "test failed",
    "test passed",
  ]);
  const [first, second] = bench.checks.slice(-2);
  equal(second!.rerunOf, first!.id);
  deepEqual(second!.flaky, [{ file: "", test: "greets" }]);
  const [flaky] = listFlakyTests(bench.app.db, bench.ticket.projectId, 10);
  deepEqual([flaky!.test, flaky!.times, flaky!.ticketId], ["greets", 1, bench.id]);
});

Deno.test("a check is never run more than twice on a commit: what fails again goes to the developer", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds", "greets") });
  await bench.develop({ "results.txt": tap("adds", "!greets") });
  deepEqual(statuses(bench).slice(3), ["test failed", "test failed"]);
  deepEqual([bench.run.purpose, bench.ticket.round], ["fix", 1]);
  deepEqual(listFlakyTests(bench.app.db, bench.ticket.projectId, 10), []);
});

Deno.test("a crash after the first try neither forgets the second nor makes a third", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  await bench.goOn();
  await bench.repo.write("results.txt", tap("!adds"), bench.worktree);
  await bench.app.end(bench.run, {
    type: "succeeded",
    result: { status: "done", summary: "Did it" },
  });
  while (bench.ticket.step !== "test") await bench.step();
  const { command } = bench.app.agents;
  let tries = 0;
  bench.app.agents.command = (...args) =>
    tries++ === 0 ? command(...args) : Promise.reject(new Error("the machine went down"));
  let cause = "";
  await bench.step().catch((error) => cause = error.message);
  match(cause, /went down/);
  deepEqual(statuses(bench).slice(3), ["test failed"]);
  bench.app.agents.command = command;
  await bench.step();
  deepEqual(statuses(bench).slice(3), ["test failed", "test failed"]);
  equal(bench.run.purpose, "fix");
});

Deno.test("where the project says so, and where a compiler complains, a check is not run again", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  bench.rules({ rerunFailed: false });
  await bench.develop({ "results.txt": tap("!adds") });
  deepEqual(statuses(bench).slice(3), ["test failed"]);
  bench.rules({ rerunFailed: true, baselineBlocks: true });
  const complaint =
    "src/a.ts(3,7): error TS2322: Type 'string' is not assignable to type 'number'.";
  bench.app.tx((tx) =>
    changeProjectIn(tx, bench.ticket.projectId, {
      commands: [{ name: "test", command: `echo "${complaint}"; exit 2`, timeoutMs: 60_000 }],
    })
  );
  await bench.work({ "a.txt": "a" });
  deepEqual(statuses(bench).slice(-1), ["test failed"]);
  equal(bench.checks.at(-1)!.report!.failures[0]!.file, "src/a.ts");
  equal(bench.checks.filter(({ rerunOf }) => rerunOf !== null).length, 0);
});

Deno.test("a command that a person has mended is run, though the other one failed on that commit", async () => {
  await using bench = await EvidenceBench.make({ "a.txt": "a\n" }, { test: "false" });
  const command = (command: string) =>
    bench.app.tx((tx) =>
      changeProjectIn(tx, bench.ticket.projectId, {
        commands: [{ name: "test", command, timeoutMs: 60_000 }],
      })
    );
  await bench.develop({ "a.txt": "b\n" });
  for (const text of ["c\n", "d\n", "e\n"]) await bench.work({ "a.txt": text });
  deepEqual([bench.ticket.status, bench.ticket.step], ["blocked", "test"]);
  const failed = bench.checks.length;
  retryTicket(bench.app, bench.id);
  await bench.step();
  equal(bench.checks.length, failed, "the same one is not run again");
  equal(bench.run.purpose, "fix");
  command("true");
  await bench.work({});
  equal(bench.run.purpose, "review", bench.ticket.reason);
  deepEqual(bench.checks.slice(failed).map(({ name, status }) => `${name} ${status}`), [
    "test passed",
  ]);
});

Deno.test("a ticket that is retried from the beginning gets the setup and the files that its project names since", async () => {
  await using bench = await EvidenceBench.make({
    ".gitignore": ".env\n",
    "results.txt": tap("adds"),
  });
  await bench.repo.write(".env", "KEY=1\n");
  await bench.develop({ "results.txt": tap("!adds") });
  const { projectId } = bench.ticket;
  const test = { name: "test", command: tapTest, timeoutMs: 60_000 } as const;
  const setup = (command: string) =>
    bench.app.tx((tx) =>
      changeProjectIn(tx, projectId, {
        localFiles: [".env"],
        commands: [{ name: "setup", command, timeoutMs: 60_000 }, test],
      })
    );
  const again = async () => {
    takeOverTicket(bench.app, bench.id);
    retryTicket(bench.app, bench.id, "prepare");
    while (bench.ticket.step === "prepare") await bench.step();
    return [bench.ticket.status, ...statuses(bench).filter((one) => one.startsWith("setup"))];
  };
  setup("true");
  deepEqual(await again(), ["in_progress", "setup passed"]);
  equal(await bench.repo.read(".env", bench.worktree), "KEY=1\n");
  await bench.goOn();
  deepEqual(await again(), ["in_progress", "setup passed"], "it is as it was");
  setup("false");
  await bench.goOn();
  deepEqual(await again(), ["in_progress", "setup passed", "setup failed"], "it goes on as it is");
});

Deno.test("what a person left in the folder is kept as one more commit where a setup that was changed runs in it again", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  await bench.develop({ "results.txt": tap("!adds") });
  const { app, id, repo } = bench;
  const test = { name: "test", command: tapTest, timeoutMs: 60_000 } as const;
  const setup = { name: "setup", command: "echo made >> made", timeoutMs: 60_000 } as const;
  const change = { commands: [setup, test] };
  const prepared = async () => {
    while (bench.ticket.step === "prepare") await bench.step();
  };
  takeOverTicket(app, id);
  await repo.write("results.txt", tap("by hand"), bench.worktree);
  app.tx((tx) => changeProjectIn(tx, bench.ticket.projectId, change));
  retryTicket(app, id, "prepare");
  await bench.cutOff();
  await prepared();
  equal(await repo.read("results.txt", bench.worktree), tap("by hand"));
  equal(await repo.git("status", "--porcelain"), "");
  const names = ["ls-tree", "--name-only", bench.ticket.headCommit!];
  equal(await repo.git(...names), "results.txt", "not what a setup left that was cut off");

  takeOverTicket(app, id);
  await repo.write("second.txt", "by hand", bench.worktree);
  retryTicket(app, id, "prepare");
  await prepared();
  equal(await repo.read("second.txt", bench.worktree), "by hand");
});

Deno.test("what a person left in a folder that they took over before the base was looked at is kept, and is not taken for the base", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  await bench.step();
  equal(bench.ticket.step, "baseline");
  takeOverTicket(bench.app, bench.id);
  await bench.repo.write("results.txt", tap("!by hand"), bench.worktree);
  retryTicket(bench.app, bench.id);
  await bench.goOn();
  deepEqual([bench.ticket.step, bench.checks.length], ["develop", 0], bench.ticket.reason);
  equal(await bench.repo.read("results.txt", bench.worktree), tap("!by hand"));
});

Deno.test("a command that was changed and then changed back is run again, and its ticket goes on", async () => {
  const named = (name: "build" | "test", command: string) => ({ name, command, timeoutMs: 60_000 });
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") }, {
    others: [named("build", "true")],
  });
  const { app, id } = bench;
  const retryWith = async (build: string) => {
    takeOverTicket(app, id);
    const commands = [named("build", build), named("test", tapTest)];
    app.tx((tx) => changeProjectIn(tx, bench.ticket.projectId, { commands }));
    retryTicket(app, id);
    await bench.goOn();
    return [bench.ticket.status, bench.ticket.step];
  };
  await bench.develop({ "a.txt": "a" });
  const result = { findings: [], summary: "Good", criteria: [] };
  await app.end(bench.run, { type: "succeeded", result });
  deepEqual(await retryWith("echo oh; false"), ["in_progress", "build"]);
  deepEqual(await retryWith("true"), ["in_progress", "review"]);
});

Deno.test("what fails with a command that was changed since is held against what that says of the base", async () => {
  const files = { "results.txt": tap("adds"), "other.txt": tap("!old") };
  await using bench = await EvidenceBench.make(files);
  await bench.goOn();
  deepEqual(statuses(bench).slice(-1), ["base test passed"]);
  bench.app.tx((tx) =>
    changeProjectIn(tx, bench.ticket.projectId, {
      commands: [{
        ...{ name: "test", timeoutMs: 60_000 },
        command: tapTest.replaceAll("results", "other"),
      }],
    })
  );
  await bench.work({ "a.txt": "a\n" });
  equal(bench.run.purpose, "review", bench.ticket.reason);
  deepEqual([bench.checks.at(-1)!.knownFailures, bench.checks.at(-1)!.baseline], [false, true]);
  deepEqual(bench.checks.filter(({ knownFailures }) => knownFailures).length, 1);
});

Deno.test("what failed before any change is marked, and alone keeps no ticket from its review", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds", "!old") });
  await bench.develop({ "results.txt": tap("adds", "!old", "new") });
  equal(bench.run.purpose, "review", bench.ticket.reason);
  const last = bench.checks.at(-1)!;
  deepEqual([last.status, last.knownFailures, last.rerunOf], ["failed", true, null]);
  deepEqual(last.report!.failures.map(({ test, before }) => [test, before]), [["old", true]]);
  const result = { summary: "Good", findings: [], criteria: [] };
  await bench.app.end(bench.run, { type: "succeeded", result });
  equal(bench.ticket.status, "review", "the database takes it for evidence");
  const board = await (await pagesBench(bench.app).get("/development")).text();
  match(board, /mark tone-waiting">Test fails as before</);
  doesNotMatch(board, /mark tone-failed/);
});

Deno.test("what failed before holds a ticket up where the project says so, or where fewer tests ran, or others fail", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds", "!old") });
  bench.rules({ baselineBlocks: true, rerunFailed: false });
  await bench.develop({ "a.txt": "a" });
  equal(bench.run.purpose, "fix");
  bench.rules({ baselineBlocks: false });
  await bench.work({ "results.txt": tap("!old") });
  equal(bench.run.purpose, "fix", "a run that broke off is no evidence");
  await bench.work({ "results.txt": tap("!adds", "!old") });
  equal(bench.run.purpose, "fix");
  deepEqual(bench.checks.at(-1)!.report!.failures.map(({ before }) => before), [undefined, true]);
});

Deno.test("a step that the project requires and has no command for is told before anything starts", async () => {
  await using bench = await EvidenceBench.make({ "a.txt": "a" }, { test: null });
  bench.rules({ required: ["build", "test"] });
  await bench.goOn();
  const { status, failure, reason } = bench.ticket;
  deepEqual([status, failure], ["blocked", "checks_misconfigured"]);
  match(reason, /requires build and test, and has no such commands\. Name them/);
  deepEqual(bench.checks, []);
});

Deno.test("a step that is required later is made good: by a block that says so, then by a real execution", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  await bench.develop({ "a.txt": "a" });
  bench.rules({ required: ["build"] });
  const result = { summary: "Good", findings: [], criteria: [] };
  await bench.app.end(bench.run, { type: "succeeded", result });
  deepEqual([bench.ticket.status, bench.ticket.failure], ["blocked", "checks_misconfigured"]);
  const test = { name: "test", command: tapTest, timeoutMs: 60_000 } as const;
  const build = { name: "build", command: "test -f a.txt", timeoutMs: 60_000 } as const;
  bench.app.tx((tx) => changeProjectIn(tx, bench.ticket.projectId, { commands: [build, test] }));
  retryTicket(bench.app, bench.id);
  await bench.goOn();
  equal(bench.run.purpose, "review", bench.ticket.reason);
  await bench.app.end(bench.run, { type: "succeeded", result });
  equal(bench.ticket.status, "review");
  ok(bench.checks.some(({ name, status }) => name === "build" && status === "passed"));
});

Deno.test("a merge that is retried after its project asks for more goes through its checks again first", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  const { app, id } = bench;
  await bench.develop({ "a.txt": "a" });
  const result = { summary: "Good", findings: [], criteria: [] };
  await app.end(bench.run, { type: "succeeded", result });
  app.tx((tx) =>
    moveTicket(tx, id, "blocked", { step: "merge", failure: "merge_conflict", reason: "Lines" })
  );
  bench.rules({ required: ["build"] });
  deepEqual([retryTicket(app, id).status, bench.ticket.step], ["in_progress", "build"]);
  await bench.goOn();
  equal(bench.ticket.failure, "checks_misconfigured");
});

Deno.test("the database lets no ticket into its review without what its project requires", async () => {
  using app = testApp();
  const { id, projectId } = await app.ticket();
  const [base, head] = ["a".repeat(40), "b".repeat(40)];
  app.tx((tx) => moveTicket(tx, id, "in_progress", { step: "review", baseCommit: base }));
  app.tx((tx) => updateTicket(tx, id, { headCommit: head }));
  const toReview = () => app.tx((tx) => moveTicket(tx, id, "review", { step: null }));
  const add = (changes: Parameters<typeof checkOf>[1]) =>
    app.tx((tx) => insertCheck(tx, checkOf(id, changes)));
  add({ name: "build", commit: head, status: "skipped" });
  add({ name: "test", commit: head });
  app.db.exec(
    `INSERT INTO check_rules (project_id, required, rerun_failed, baseline_blocks, findings_back) VALUES ('${projectId}', '["build"]', 1, 0, 0)`,
  );
  throws(toReview, /review needs a changed commit/);
  app.db.exec("UPDATE check_rules SET required = '[]'");
  const failed = add({ name: "test", commit: head, status: "failed" });
  app.db.exec("UPDATE checks SET outdated = 1 WHERE name = 'test' AND status = 'passed'");
  throws(toReview, /review needs/, "what a person had taken again is none");
  app.db.exec(`UPDATE checks SET known_failures = 1 WHERE id = '${failed.id}'`);
  throws(toReview, /review needs/, "the base did not fail");
  add({ name: "test", commit: base, status: "failed", baseline: true });
  equal(toReview().status, "review");
  app.tx((tx) => moveTicket(tx, id, "in_progress", { step: "develop" }));
  passChecks(app, id, head);
  equal(getTicket(app.db, id).status, "in_progress");
});

Deno.test("a command runs in its folder, for its time, with its variables; a secret is in nothing that is kept", async () => {
  Deno.env.set("GAFFER_TEST_CHECK_SECRET", "hunter2hunter2");
  try {
    const test = 'cat results.txt; echo "key $KEY mode $MODE"; ' +
      `printf '<testsuite><testcase name="a"><failure message="%s"/></testcase></testsuite>' "$KEY" > r.xml`;
    await using bench = await EvidenceBench.make({ "web/results.txt": tap("adds") }, { test });
    bench.testRules({
      folder: "web",
      timeoutMs: 90_000,
      env: { KEY: "$GAFFER_TEST_CHECK_SECRET", MODE: "fast" },
      reports: ["**/r.xml"],
    });
    await bench.develop({ "a.txt": "a" });
    equal(bench.run.purpose, "review", bench.ticket.reason);
    const { spec } = bench.ran.at(-1)!;
    deepEqual([spec.cwd, spec.timeoutMs], ["web", 90_000]);
    deepEqual(spec.env, { KEY: "hunter2hunter2", MODE: "fast" });
    const check = bench.checks.at(-1)!;
    match(check.tail, /key \[redacted: \$GAFFER_TEST_CHECK_SECRET\] mode fast/);
    equal(await checkOutput(check), check.tail, "also where two pieces of it share the secret");
    match(check.report!.failures[0]!.message, /^\[redacted: \$GAFFER_TEST_CHECK_SECRET\]/);
  } finally {
    Deno.env.delete("GAFFER_TEST_CHECK_SECRET");
  }
});

Deno.test("a folder or a variable that there is not blocks the ticket with how to mend it", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  bench.testRules({ folder: "web" });
  await bench.goOn();
  deepEqual([bench.ticket.failure, bench.ticket.step], ["checks_misconfigured", "baseline"]);
  match(bench.ticket.reason, /Cannot run "test": the commit has no folder "web"/);
  await using other = await EvidenceBench.make({ "results.txt": tap("adds") });
  other.testRules({ env: { KEY: "$GAFFER_TEST_MISSING" } });
  await other.goOn();
  match(
    other.ticket.reason,
    /has no variable GAFFER_TEST_MISSING\. Set it where Gaffer is started/,
  );
  deepEqual(other.ran, []);
});

Deno.test("report files that the command writes are read with what it prints; older ones are not", async () => {
  const junit = (name: string, failure = "") =>
    `<testsuite name="s"><testcase classname="s" name="${name}">${failure}</testcase></testsuite>`;
  const test = "cp wanted.xml out/report.xml; exit $(cat exit.txt)";
  await using bench = await EvidenceBench.make({
    "out/.gitkeep": "",
    ".gitignore": "out/*.xml\n",
    "wanted.xml": junit("adds"),
    "exit.txt": "0",
  }, { test });
  bench.testRules({ reports: ["out/*.xml"] });
  bench.rules({ rerunFailed: false });
  await bench.develop({
    "wanted.xml": junit("adds", '<failure message="3 is not 4">at a.ts:3</failure>'),
    "exit.txt": "1",
  });
  deepEqual(bench.checks[1]!.report, {
    format: "JUnit",
    passed: 1,
    failed: 0,
    skipped: 0,
    failures: [],
  });
  const failed = bench.checks.at(-1)!;
  deepEqual([failed.report!.failed, failed.report!.failures[0]!.test], [1, "s.adds"]);
  ok(bench.run.purpose === "fix");
  bench.app.tx((tx) =>
    changeProjectIn(tx, bench.ticket.projectId, {
      commands: [{ name: "test", command: "true", timeoutMs: 60_000 }],
    })
  );
  await bench.work({ "a.txt": "a" });
  equal(bench.checks.at(-1)!.report, null, "the old file says nothing of this execution");
});

const blockingReview = {
  summary: "One thing has to go",
  findings: [
    {
      severity: "blocking",
      path: "a.txt",
      line: 1,
      message: "It says a",
      suggestion: "Say b",
    },
    { severity: "minor", message: "Short" },
  ],
  criteria: [],
};

Deno.test("blocking findings go back to the developer once where the project says so, then a person has them", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  bench.rules({ findingsBack: true });
  await bench.develop({ "a.txt": "a" });
  const review = () => bench.app.end(bench.run, { type: "succeeded", result: blockingReview });
  await review();
  deepEqual([bench.ticket.status, bench.run.purpose], ["in_progress", "change"]);
  match(bench.ticket.guidance, /- a\.txt:1: It says a\n {2}Suggestion: Say b$/);
  const first = bench.ticket.headCommit;
  await bench.work({ "a.txt": "b" });
  equal(bench.run.purpose, "review", "a fresh one, after checks of its own");
  ok(bench.checks.some(({ commit }) => commit === bench.ticket.headCommit && commit !== first));
  await review();
  deepEqual([bench.ticket.status, bench.ticket.guidance], ["review", ""]);
  equal(listFindings(bench.app.db, bench.id).length, 2);
  requestTicketChanges(bench.app, bench.id, "Say c");
  await bench.work({ "a.txt": "c" });
  await review();
  equal(bench.run.purpose, "change", "after a person's word once more");
});

Deno.test("without that setting, and without blocking findings, a review goes to the person at once", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  await bench.develop({ "a.txt": "a" });
  await bench.app.end(bench.run, { type: "succeeded", result: blockingReview });
  equal(bench.ticket.status, "review");
  bench.rules({ findingsBack: true });
  requestTicketChanges(bench.app, bench.id, "Say c");
  await bench.work({ "a.txt": "c" });
  const result = { ...blockingReview, findings: blockingReview.findings.slice(1) };
  await bench.app.end(bench.run, { type: "succeeded", result });
  equal(bench.ticket.status, "review");
});

Deno.test("where the project leaves reviews to people, a ticket that passes its checks comes to them at once", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  bench.rules({ agentReviews: false });
  await bench.develop({ "a.txt": "a" });
  deepEqual([bench.ticket.status, bench.ticket.step], ["review", null]);
  deepEqual(listTicketRuns(bench.app.db, bench.id).map(({ purpose }) => purpose), ["develop"]);
  deepEqual(bench.checks.filter(({ baseline }) => !baseline).map(({ status }) => status), [
    ...["skipped", "passed"],
  ]);
});

Deno.test("what the reviewer found is gone once reviews are left to people and the work has changed", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds") });
  await bench.develop({ "a.txt": "a" });
  await bench.app.end(bench.run, { type: "succeeded", result: blockingReview });
  equal(listFindings(bench.app.db, bench.id).length, 2);
  match(describeMerge(bench.app, bench.ticket).reviewedBy ?? "", /^reviewer/);
  bench.rules({ agentReviews: false });
  requestTicketChanges(bench.app, bench.id, "Say b");
  await bench.work({ "a.txt": "b" });
  equal(bench.ticket.status, "review");
  deepEqual(listFindings(bench.app.db, bench.id), []);
  equal(describeMerge(bench.app, bench.ticket).reviewedBy, null);
});

Deno.test("where the base is not looked at before work begins, it is once something fails, and what failed there is known", async () => {
  await using bench = await EvidenceBench.make({ "results.txt": tap("adds", "!subtracts") });
  bench.rules({ baselineFirst: false });
  await bench.develop({ "a.txt": "a" });
  equal(bench.run.purpose, "review", "what failed before keeps no ticket from its review");
  const tests = bench.checks.filter(({ name }) => name === "test");
  equal(tests[0]!.baseline, false, "the ticket's own come first");
  ok(tests.some(({ baseline }) => baseline));
});
