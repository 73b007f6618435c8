/** A ticket's pull request: pushed and opened once, followed to its end, and nothing without a person's word. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { jobKeys } from "../queue/job.ts";
import { findWaiting } from "../queue/queue.ts";
import { whyNotAgain } from "../server/services/dead_letters.ts";
import { giveUpJob } from "../server/services/jobs.ts";
import { archiveProject } from "../server/services/projects.ts";
import { removeMergedWorktree } from "../server/services/merging.ts";
import { failurePauseMs } from "../server/services/pull_following.ts";
import { lookAgainMs } from "../server/services/pull_looks.ts";
import {
  askForPullRequest,
  lookAtPullRequest,
  stopAttempt,
  takeUp,
} from "../server/services/pull_requests.ts";
import { approveTicket, cancelTicket, requestTicketChanges } from "../server/services/tickets.ts";
import { forgeKinds } from "../server/states.ts";
import { deleteForge } from "../server/store/forges.ts";
import { listPullRequests } from "../server/store/pull_requests.ts";
import { findActiveRun } from "../server/store/runs.ts";
import { listComments } from "../server/store/reviews.ts";
import { moveTicket, updateTicket } from "../server/store/tickets.ts";
import { findWorktree } from "../server/store/worktrees.ts";
import { jobOf } from "./jobs_support.ts";
import { never, personGit } from "./git_support.ts";
import { PullScene } from "./pull_scene.ts";

for (const kind of forgeKinds) {
  Deno.test(`${kind}: a ticket is pushed, its pull request opened, followed and merged`, async () => {
    await using it = await PullScene.make(kind);
    it.ask("feat: Greet everybody\n\nSo that nobody is left out");
    deepEqual([it.pull.status, it.pull.number, it.pull.pushed], ["opening", null, null]);
    equal((await it.follow()).type, "snooze");
    equal(await it.tip(), it.ticket.headCommit);
    const [pull] = it.fake.state.pulls;
    deepEqual([pull!.title, pull!.target, pull!.branch], [
      "feat: Greet everybody",
      "main",
      "gaffer/1-greet",
    ]);
    match(
      pull!.body,
      /^So that nobody is left out\n\nDeveloped-by: feature-dev[^]*\nGaffer-Ticket: 1$/,
    );
    ok(!/Approved-by/.test(pull!.body), "nobody has approved it yet");
    deepEqual([it.pull.status, it.pull.number, it.pull.pushed], ["open", 7, it.ticket.headCommit]);

    it.fake.state.checks = [{ name: "ci", state: "failed", commit: pull!.headCommit }];
    it.fake.state.remarks = [
      { id: 1, kind: "line", author: "ana", path: "a.txt", line: 3, body: "Why three?" },
    ];
    await it.follow();
    deepEqual([it.checks[0]!.name, it.checks[0]!.status], ["ci", "failed"]);
    deepEqual(it.remarks.map(({ path, line, body }) => [path, line, body]), [
      ["a.txt", 3, "Why three?"],
    ]);
    Object.assign(pull!, { state: "merged", mergeCommit: "d".repeat(40) });
    deepEqual(await it.follow(), { type: "done" });
    deepEqual([it.ticket.status, it.ticket.mergeCommit], ["done", "d".repeat(40)]);
    deepEqual([it.pull.status, it.pull.mergeCommit], ["merged", "d".repeat(40)]);
    await removeMergedWorktree(it.app, it.ticket.id, never);
    equal(findWorktree(it.app.db, it.ticket.id)!.status, "removed");
    equal(await it.it.repo.git("rev-parse", "refs/gaffer/tickets/1"), it.ticket.headCommit);
    deepEqual(it.told, [
      "pull_request_asked",
      "pull_request_pushed",
      "pull_request_opened",
      "pull_request_checked",
      "pull_request_remarks",
      "pull_request_merged",
    ]);
  });

  Deno.test(`${kind}: cut off after any of its requests, it opens no second one`, async () => {
    await using it = await PullScene.make(kind);
    it.ask();
    // However far it came: an answer that got lost is as good as a process that died before it was recorded.
    for (let before = 0; it.pull.number === null; before++) {
      it.fake.next.splice(0, Infinity, ...Array<"plain">(before).fill("plain"), "cut");
      const { type } = await it.follow();
      equal(type, "snooze");
      ok(before < 9, "it gets there in the end");
    }
    it.fake.next.length = 0;
    await it.follow();
    equal(it.fake.state.pulls.length, 1);
    deepEqual([it.pull.status, it.pull.number, it.pull.error], ["open", 7, ""]);
  });
}

Deno.test("a process that dies after the push goes on from there", async () => {
  await using it = await PullScene.make();
  await it.opened();
  // What was sent arrived, and nothing of that was recorded.
  it.app.db.exec("UPDATE pull_requests SET status = 'opening', number = NULL, pushed = NULL");
  await it.follow();
  equal(it.fake.state.pulls.length, 1);
  deepEqual([it.pull.number, it.pull.pushed], [7, it.ticket.headCommit]);
});

Deno.test("one that was merged before anybody knew its number is found, and not opened again", async () => {
  await using it = await PullScene.make();
  await it.opened();
  it.app.db.exec("UPDATE pull_requests SET status = 'opening', number = NULL");
  Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  await it.follow();
  deepEqual([it.fake.state.pulls.length, it.ticket.status], [1, "done"]);
});

Deno.test("a pull request is asked for in review only, of a project that names a forge", async () => {
  await using it = await PullScene.make();
  it.app.tx((tx) => deleteForge(tx, it.it.scene.project.id));
  throws(() => it.ask(), {
    code: "conflict",
    message: /^Cannot open a pull request of ticket #1: its project names no forge\. Set one/,
  });
  it.set();
  it.it.approve();
  throws(() => it.ask(), { code: "conflict", message: /it is in the merge queue/ });
  it.app.tx((tx) => updateTicket(tx, it.ticket.id, { mergeWait: "Your edit is in the way" }));
  it.ask();
  deepEqual([it.ticket.step, it.ticket.mergeWait], [null, ""]);
  equal(findWaiting(it.app.db, "merge_ticket", jobKeys.mergeTicket(it.ticket.id)), null);
  cancelTicket(it.app, it.ticket.id);
  throws(() => it.ask(), { code: "conflict", message: /it is "cancelled"/ });
  throws(() => askForPullRequest(it.app, "ticket_none"), { code: "not_found" });
  deepEqual(await it.follow(), { type: "cancel", reason: "Ticket #1 is cancelled" });
  throws(() => lookAtPullRequest(it.app, it.ticket.id), { message: /it is "cancelled"/ });
  equal(it.fake.requests.length, 0);
});

Deno.test("where the forge takes the merge, an approval opens a pull request and merges nothing here", async () => {
  await using it = await PullScene.make();
  it.set({ takesMerge: true });
  const base = await it.it.repo.git("rev-parse", "main");
  const ticket = approveTicket(it.app, it.ticket.id, "feat: Approved");
  deepEqual([ticket.status, ticket.step], ["review", null]);
  await it.follow();
  equal(it.fake.state.pulls[0]!.title, "feat: Approved");
  match(it.fake.state.pulls[0]!.body, /^Approved-by: owner$/m);
  equal(await it.it.repo.git("rev-parse", "main"), base);
  equal(it.app.jobs().some(({ kind }) => kind === "merge_ticket"), false);
});

Deno.test("changes that a person wants go to the developer; their result is pushed when a person says so", async () => {
  await using it = await PullScene.make();
  await it.opened();
  it.fake.state.remarks = [
    { id: 1, kind: "line", author: "ana", path: "a.txt", line: 3, body: "Why three?" },
    { id: 2, kind: "review", author: "ana", body: "", verdict: "changes_requested" },
    { id: 3, kind: "note", author: "bot", body: "Coverage 80 %" },
  ];
  await it.follow();
  await it.follow();
  equal(it.remarks.length, 3, "each once");
  deepEqual(listComments(it.app.db, it.ticket.id), [], "nothing is taken up by itself");
  const [line, verdict] = it.remarks;
  throws(() => takeUp(it.app, it.ticket.id, { remarks: [verdict!.id] }), { code: "invalid" });
  throws(() => takeUp(it.app, it.ticket.id, { remarks: ["remark_none"] }), { code: "not_found" });
  equal(takeUp(it.app, it.ticket.id, { remarks: [line!.id, line!.id] }).length, 1);
  equal(takeUp(it.app, it.ticket.id, { remarks: [line!.id] }).length, 0);
  const [draft] = listComments(it.app.db, it.ticket.id);
  deepEqual(
    [draft!.path, draft!.line, draft!.body, draft!.sent],
    ["a.txt", 3, "ana on GitHub:\nWhy three?", false],
  );
  const { guidance } = requestTicketChanges(it.app, it.ticket.id, "");
  equal(guidance, "- a.txt:3: ana on GitHub:\n  Why three?");
  throws(() => takeUp(it.app, it.ticket.id, { remarks: [line!.id] }), { code: "conflict" });

  const run = findActiveRun(it.app.db, it.ticket.id)!;
  it.app.db.prepare("UPDATE runs SET status = 'succeeded' WHERE id = :id").run({ id: run.id });
  const before = it.pull.pushed;
  await it.it.scene.turn({ "a.txt": "1\n2\n3 and a reason\n" });
  it.it.scene.toReview();
  await it.follow();
  equal(await it.tip(), before, "looking pushes nothing");
  it.ask();
  await it.follow();
  equal(await it.tip(), it.ticket.headCommit);
  deepEqual([it.fake.state.pulls.length, it.pull.number, it.pull.pushed], [
    1,
    7,
    it.ticket.headCommit,
  ]);
});

Deno.test("a check that failed there is taken up once, and goes to the developer", async () => {
  await using it = await PullScene.make();
  await it.opened();
  const commit = it.ticket.headCommit!;
  it.fake.state.checks = [
    { name: "ci", state: "failed", commit },
    { name: "lint", state: "passed", commit },
  ];
  await it.follow();
  const [ci, lint] = it.checks;
  throws(() => takeUp(it.app, it.ticket.id, { checks: [lint!.key] }), { code: "not_found" });
  equal(takeUp(it.app, it.ticket.id, { checks: [ci!.key] }).length, 1);
  await it.follow();
  equal(takeUp(it.app, it.ticket.id, { checks: [ci!.key] }).length, 0);
  const { guidance } = requestTicketChanges(it.app, it.ticket.id, "");
  match(guidance, /^- The check "ci" fails on GitHub at [0-9a-f]{7}\n {2}ci failed\n {2}https:/);
});

Deno.test("a remark on a line of an older push is taken up without its line", async () => {
  await using it = await PullScene.make();
  await it.opened();
  it.fake.state.remarks = [
    { id: 1, kind: "line", author: "ana", path: "a.txt", line: 3, body: "Why three?" },
  ];
  await it.follow();
  await it.it.scene.round({ "a.txt": "0\n1\n2\nthree\n" });
  const [draft] = takeUp(it.app, it.ticket.id, { remarks: [it.remarks[0]!.id] });
  deepEqual([draft!.path, draft!.line], ["a.txt", null]);
  match(draft!.body, /^ana on GitHub, on what was line 3:\nWhy three\?$/);
});

Deno.test("nothing is pushed over what somebody else pushed; a person mends it and lets it go on", async () => {
  await using it = await PullScene.make();
  await it.opened();
  const clone = it.it.repo.beside("clone");
  await personGit(it.it.repo.root, "clone", "-q", "-b", "gaffer/1-greet", it.remote, clone);
  const who = ["-c", "user.name=F", "-c", "user.email=f@example.org"];
  await personGit(clone, ...who, "commit", "-q", "--allow-empty", "-m", "Theirs");
  await personGit(clone, "push", "-q");
  const theirs = await it.tip();
  await it.it.scene.round({ "a.txt": "other\n" });
  it.ask();
  equal((await it.follow()).type, "cancel");
  equal(await it.tip(), theirs);
  equal(it.pull.stopped, true);
  match(it.pull.error, /is at [0-9a-f]{40}, which Gaffer did not put there. Bring it into/);
  deepEqual(await it.follow(), { type: "cancel", reason: "It waits for a person" });
  await personGit(it.remote, "update-ref", "-d", "refs/heads/gaffer/1-greet");
  lookAtPullRequest(it.app, it.ticket.id);
  equal((await it.follow()).type, "snooze");
  equal(await it.tip(), it.ticket.headCommit);
  deepEqual([it.pull.error, it.pull.stopped], ["", false]);
});

Deno.test("work that was rewritten replaces what Gaffer itself had put there", async () => {
  await using it = await PullScene.make();
  await it.opened();
  const { baseCommit } = it.ticket;
  const other = await it.it.repo.commitOn(baseCommit!, { "a.txt": "rewritten\n" });
  it.app.tx((tx) => updateTicket(tx, it.ticket.id, { headCommit: other }));
  it.ask();
  await it.follow();
  equal(await it.tip(), other);
});

Deno.test("where the remote takes no rewritten work at all, a person is asked instead of the remote, again and again", async () => {
  await using it = await PullScene.make();
  await it.opened();
  await personGit(it.remote, "config", "receive.denyNonFastForwards", "true");
  const other = await it.it.repo.commitOn(it.ticket.baseCommit!, { "a.txt": "rewritten\n" });
  it.app.tx((tx) => updateTicket(tx, it.ticket.id, { headCommit: other }));
  it.ask();
  equal((await it.follow()).type, "cancel");
  equal(it.pull.stopped, true);
  match(it.pull.error, /denying non-fast-forward.*The forge does not take it/);
});

Deno.test("what was merged there is undone here once it was pulled", async () => {
  await using it = await PullScene.make();
  await it.opened();
  Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  await it.follow();
  it.it.ask();
  await it.it.undoIt();
  deepEqual([it.it.undo.status, it.ticket.status], ["refused", "done"]);
  match(it.it.undo.reason, /^Commit d{40} was merged on GitHub: pull it into "main" first$/);
});

Deno.test("closed there without a merge, the ticket stays and a person may open another", async () => {
  await using it = await PullScene.make();
  await it.opened();
  it.fake.state.pulls[0]!.state = "closed";
  equal((await it.follow()).type, "snooze", "it may be reopened there");
  deepEqual([it.ticket.status, it.pull.status], ["review", "closed"]);
  equal(findWaiting(it.app.db, "merge_ticket", jobKeys.mergeTicket(it.ticket.id)), null);
  await it.opened();
  deepEqual([it.pull.status, it.pull.number, it.fake.state.pulls.length], ["open", 8, 2]);
  equal(listPullRequests(it.app.db, it.ticket.id).length, 2);
});

Deno.test("merged there while newer work waits here, the ticket is not done by itself", async () => {
  await using it = await PullScene.make();
  await it.opened();
  await it.it.scene.round({ "a.txt": "newer\n" });
  Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  await it.follow();
  deepEqual([it.ticket.status, it.pull.status], ["review", "merged"]);
});

Deno.test("merged there before the newer work was pushed, that is not sent, and the ticket not done", async () => {
  await using it = await PullScene.make();
  await it.opened();
  const first = it.ticket.headCommit;
  Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  await it.it.scene.round({ "a.txt": "newer\n" });
  it.ask();
  deepEqual(await it.follow(), { type: "done" });
  deepEqual([await it.tip(), it.pull.pushed], [first, first]);
  deepEqual([it.ticket.status, it.pull.status], ["review", "merged"]);
  await it.opened();
  deepEqual([it.pull.number, it.pull.pushed], [8, it.ticket.headCommit]);
});

for (const kind of forgeKinds) {
  Deno.test(`${kind}: merged while newer work was being pushed, the ticket is not done`, async () => {
    await using it = await PullScene.make(kind);
    await it.opened();
    const [first] = it.pull.sent;
    await it.it.scene.round({ "a.txt": "newer\n" });
    it.ask();
    const branches = it.fake.state.branches;
    it.fake.state.branches = async (name) => {
      const tip = await branches(name);
      if (tip !== first) {
        // Gitea says where the branch is now, the others what was merged.
        const headCommit = kind === "gitea" ? tip : first;
        const mergeCommit = "d".repeat(40);
        Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit, headCommit });
        return kind === "gitea" ? tip : first!;
      }
      return tip;
    };
    deepEqual(await it.follow(), { type: "done" });
    equal(await it.tip(), it.ticket.headCommit);
    deepEqual([it.ticket.status, it.pull.status], ["review", "merged"]);
  });

  Deno.test(`${kind}: newer work that was pushed, then merged, makes the ticket done`, async () => {
    await using it = await PullScene.make(kind);
    await it.opened();
    await it.it.scene.round({ "a.txt": "newer\n" });
    it.ask();
    equal((await it.follow()).type, "snooze");
    Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
    deepEqual(await it.follow(), { type: "done" });
    equal(it.ticket.status, "done");
  });
}

Deno.test("a forge that still tells of the branch before the push is not taken for somebody else's", async () => {
  await using it = await PullScene.make();
  await it.opened();
  const [first] = it.pull.sent;
  await it.it.scene.round({ "a.txt": "newer\n" });
  it.ask();
  it.fake.state.branches = () => first!;
  await it.follow();
  equal(it.pull.head, it.ticket.headCommit);
});

Deno.test("merged there while the ticket is not in review, it is done once it is back there", async () => {
  await using it = await PullScene.make();
  await it.opened();
  it.app.tx((tx) => moveTicket(tx, it.ticket.id, "in_progress", { step: "build" }));
  Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  it.app.advance(20 * 60_000);
  equal((await it.follow() as { ms: number }).ms, 120_000, "ever more seldom");
  deepEqual([it.ticket.status, it.pull.status], ["in_progress", "open"]);
  match(it.pull.error, /^Merged on GitHub as d{40}: the ticket is "in_progress"/);
  it.it.scene.toReview();
  deepEqual(await it.follow(), { type: "done" });
  deepEqual([it.ticket.status, it.pull.status, it.pull.error], ["done", "merged", ""]);
});

Deno.test("a project that was archived is asked for nothing any more", async () => {
  await using it = await PullScene.make();
  it.ask();
  archiveProject(it.app, it.it.scene.project.id);
  deepEqual(await it.follow(), { type: "cancel", reason: "Its project is archived" });
  equal(it.fake.requests.length, 0);
});

Deno.test("a refusal that lasts stops it with how to mend it; one that passes is put off, ever longer", async () => {
  await using it = await PullScene.make();
  await it.opened();
  it.fake.next.push(new Response("no", { status: 503 }), new Response("no", { status: 503 }));
  deepEqual(await it.follow().then(({ type, ...rest }) => [type, "ms" in rest && rest.ms]), [
    "snooze",
    60_000,
  ]);
  equal((await it.follow() as { ms: number }).ms, 120_000);
  deepEqual([it.pull.failures, it.pull.stopped], [2, false]);
  match(it.pull.error, /^Cannot look at the pull request at GitHub: it has a fault \(503\)/);
  equal(it.told.filter((type) => type === "pull_request_waits").length, 1, "told once");
  it.fake.next.push(new Response("{}", { status: 429, headers: { "retry-after": "3600" } }));
  equal((await it.follow() as { ms: number }).ms, 3_600_000);
  await it.follow();
  deepEqual([it.pull.failures, it.pull.error], [0, ""]);

  it.fake.next.push(Response.json({ message: "Bad credentials" }, { status: 401 }));
  equal((await it.follow()).type, "cancel");
  match(it.pull.error, /it refuses the token in \$FORGE_TOKEN \("Bad credentials"\)\. Put a valid/);
  deepEqual([it.pull.stopped, it.ticket.status], [true, "review"]);
  lookAtPullRequest(it.app, it.ticket.id);
  it.token = undefined;
  equal((await it.follow()).type, "cancel");
  match(it.pull.error, /no variable FORGE_TOKEN/);
});

Deno.test("where the token may not read checks or remarks, that is said, and the merge is noticed all the same", async () => {
  await using it = await PullScene.make();
  await it.opened();
  const commit = it.ticket.headCommit!;
  it.fake.state.checks = [{ name: "ci", state: "passed", commit }];
  await it.follow();
  const refused = () => Response.json({ message: "Resource not accessible" }, { status: 403 });
  it.fake.next.push("plain", refused(), refused());
  equal((await it.follow()).type, "snooze");
  match(
    it.pull.error,
    /^Cannot read the checks at GitHub: [^]*\. Cannot read what was said at Git/,
  );
  match(it.pull.error, /The pull request is followed without$/);
  deepEqual([it.pull.stopped, it.pull.failures, it.checks[0]!.name], [false, 0, "ci"]);
  Object.assign(it.fake.state.pulls[0]!, { state: "merged", mergeCommit: "d".repeat(40) });
  it.fake.next.push("plain", refused());
  deepEqual(await it.follow(), { type: "done" });
  equal(it.ticket.status, "done");
});

Deno.test("a limit that is used up with a good answer is kept to, as well", async () => {
  await using it = await PullScene.make();
  await it.opened();
  const reset = String(it.app.clock.nowMs() / 1_000 + 2_400);
  const used = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": reset };
  // The last of the six requests of a look.
  it.fake.next.push(...Array<"plain">(5).fill("plain"), Response.json([], { headers: used }));
  equal((await it.follow() as { ms: number }).ms, 2_400_000);
});

Deno.test("a stop of the server ends a look, and is not taken for the forge's fault", async () => {
  await using it = await PullScene.make();
  await it.opened();
  it.fake.next.push("hang");
  const stop = new AbortController();
  const following = it.follow(stop.signal);
  stop.abort(new Error("the server stops"));
  await rejects(following, /the server stops/);
  deepEqual([it.pull.error, it.pull.failures], ["", 0]);
});

Deno.test("the token is in no row, no event and no message", async () => {
  await using it = await PullScene.make();
  it.fake.next.push(Response.json({ message: `what is ${it.token}?` }, { status: 422 }));
  await it.opened();
  match(it.pull.error, /what is \[token\]\?/);
  const rows = it.app.db.prepare("SELECT * FROM pull_requests").all();
  const told = JSON.stringify([it.app.events, rows, it.app.jobs()]);
  ok(!told.includes(it.token!) && told.includes("[token]"));
});

Deno.test("a project that names another repository leaves the old pull request alone", async () => {
  await using it = await PullScene.make();
  await it.opened();
  it.set({ repository: "ana/other" });
  equal((await it.follow()).type, "cancel");
  match(it.pull.error, /the project does not name "ana\/greet" any more/);
  it.fake.state.repository = "ana/other";
  it.ask();
  await it.follow();
  const [now, before] = listPullRequests(it.app.db, it.ticket.id);
  deepEqual([now!.repository, now!.status, before!.status], ["ana/other", "open", "closed"]);
});

Deno.test("an attempt that fails stops what it began with, and nothing that was asked for since", async () => {
  await using it = await PullScene.make();
  await it.opened();
  const began = it.pull;
  await it.it.scene.round({ "a.txt": "newer\n" });
  it.ask();
  equal(it.app.tx((tx) => stopAttempt(tx, began, "An old refusal")), false);
  deepEqual([it.pull.stopped, it.pull.error], [false, ""]);
  equal(it.app.tx((tx) => stopAttempt(tx, it.pull, "A refusal")), true);
  deepEqual([it.pull.stopped, it.pull.error], [true, "A refusal"]);
});

Deno.test("its job, given up or called off, leaves it to a person", async () => {
  await using it = await PullScene.make();
  it.ask();
  const job = jobOf(it.app, "follow_pull_request");
  it.app.tx((tx) => giveUpJob(it.app, tx, job, "Timed out"));
  deepEqual([it.pull.stopped, it.pull.error], [true, "Nothing looks at it any more: Timed out"]);
  match(whyNotAgain(it.app.db, { ...job, uniqueKey: null })!, /waits for you/);
  lookAtPullRequest(it.app, it.ticket.id);
  it.app.tx((tx) => giveUpJob(it.app, tx, { ...job, id: "0" }, "Timed out"));
  equal(it.pull.stopped, false, "an older job takes nothing with it that was asked for since");
  await it.follow();
  equal(it.pull.status, "open");
});

Deno.test("looks come ever more seldom while nothing changes, and pauses after failures grow", () => {
  const minute = 60_000;
  deepEqual([0, 20 * minute, 60 * minute, 999 * minute].map(lookAgainMs), [
    minute,
    2 * minute,
    6 * minute,
    15 * minute,
  ]);
  deepEqual([1, 2, 3, 99].map(failurePauseMs), [minute, 2 * minute, 4 * minute, 60 * minute]);
});
