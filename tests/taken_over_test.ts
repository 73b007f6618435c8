/** A person takes a ticket over by hand that is not blocked: in development, paused, in review, waiting to be merged. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { mergeTicket } from "../server/services/merging.ts";
import { continueTicket, pickUpBranch, takeOverTicket } from "../server/services/taking_over.ts";
import { approveTicket, pauseTicket, retryTicket } from "../server/services/tickets.ts";
import { getRun, listTicketRuns } from "../server/store/runs.ts";
import { listSubtasks } from "../server/store/subtasks.ts";
import { updateTicket } from "../server/store/tickets.ts";
import { EvidenceBench, tap } from "./evidence_support.ts";
import { never, personGit } from "./git_support.ts";
import { pagesBench } from "./pages_support.ts";

const make = () => EvidenceBench.make({ "results.txt": tap("adds") });

/** Developed by an agent, and in review. */
async function reviewed(): Promise<EvidenceBench> {
  const bench = await make();
  await bench.develop({ "results.txt": tap("adds", "greets") });
  const result = { summary: "Good", findings: [], criteria: [] };
  await bench.app.end(bench.run, { type: "succeeded", result });
  equal(bench.ticket.status, "review", bench.ticket.reason);
  return bench;
}

/** Commits in the ticket's own folder, as somebody. */
async function byHand(bench: EvidenceBench, text: string, who = "Ana Other"): Promise<string> {
  await bench.repo.write("hand.txt", text, bench.worktree);
  await personGit(bench.worktree, "add", "--all");
  const as = ["-c", `user.name=${who}`, "-c", "user.email=ana@example.org"];
  await personGit(bench.worktree, ...as, "commit", "-qm", "By hand");
  return await personGit(bench.worktree, "rev-parse", "HEAD");
}

const goOnWith = async ({ app, id }: EvidenceBench) =>
  continueTicket(app, id, await pickUpBranch(app, id, never));

Deno.test("taken over while an agent develops, its run is cancelled, and what a person commits is built, tested, reviewed and named in the merge", async () => {
  await using bench = await make();
  await bench.goOn();
  const { app, id, run } = bench;
  await bench.repo.write("half.txt", "half done\n", bench.worktree);
  takeOverTicket(app, id);
  deepEqual([bench.ticket.status, bench.ticket.failure, bench.ticket.step], [
    "blocked",
    "taken_over",
    "develop",
  ]);
  match(
    bench.ticket.reason,
    /^owner took it over at the step "develop"; its feature-dev was stopped/,
  );
  equal(getRun(app.db, run.id).status, "cancelled");
  deepEqual(app.agents.stopped, [run.id]);
  ok(app.agents.released.includes(bench.worktree));
  equal(
    app.jobs().filter(({ kind, status }) => kind === "advance_ticket" && status === "available")
      .length,
    0,
  );
  const html = await (await pagesBench(app).get(`/tickets/${id}`)).text();
  match(html, /Taken over by hand/);
  match(html, /<details[^>]*id="take-over" open[^]*cd [^]*git add --all/);

  const commit = await byHand(bench, "mine\n");
  equal((await goOnWith(bench)).headCommit, commit);
  deepEqual(listSubtasks(app.db, id).map(({ status, summary }) => [status, summary]), [
    ["done", "By hand, by owner"],
  ]);
  await bench.goOn();
  equal(bench.run.purpose, "review");
  const result = { summary: "Good", findings: [], criteria: [] };
  await app.end(bench.run, { type: "succeeded", result });
  approveTicket(app, id);
  await mergeTicket(app, id, { attempt: 1, maxAttempts: 1 }, never);
  equal(bench.ticket.status, "done", bench.ticket.reason);
  const message = await bench.repo.git("log", "-1", "--format=%B", bench.ticket.mergeCommit!);
  match(message, /^Co-authored-by: Ana Other <ana@example\.org>$/m);
  equal(await bench.repo.git("show", "main:half.txt"), "half done");
});

Deno.test("a merge names whoever committed on its branch once, and neither Gaffer nor the authors of the base", async () => {
  await using bench = await reviewed();
  takeOverTicket(bench.app, bench.id);
  await byHand(bench, "one\n", "Ana\tOther");
  await byHand(bench, "two\n", "Ana\tOther");
  await bench.repo.commit("Pat's own", { "pat.txt": "pat\n" });
  await personGit(
    bench.worktree,
    "-c",
    "user.name=M",
    "-c",
    "user.email=m@x",
    "merge",
    "-q",
    "main",
  );
  await goOnWith(bench);
  await bench.goOn();
  const result = { summary: "Good", findings: [], criteria: [] };
  await bench.app.end(bench.run, { type: "succeeded", result });
  approveTicket(bench.app, bench.id);
  await mergeTicket(bench.app, bench.id, { attempt: 1, maxAttempts: 1 }, never);
  const message = await bench.repo.git("log", "-1", "--format=%B", bench.ticket.mergeCommit!);
  deepEqual(message.match(/^Co-authored-by: .*$/gm), [
    "Co-authored-by: Ana Other <ana@example.org>",
  ]);
});

Deno.test("a paused ticket that is taken over goes on without a further word when it is continued", async () => {
  await using bench = await make();
  await bench.goOn();
  const { app, id } = bench;
  pauseTicket(app, id);
  takeOverTicket(app, id);
  equal(bench.ticket.pausedBy, null);
  await byHand(bench, "mine\n");
  await goOnWith(bench);
  await bench.goOn();
  equal(bench.run.purpose, "review");
});

Deno.test("taken over from its review, it goes back there by itself unchanged, and with new evidence when changed", async () => {
  await using bench = await reviewed();
  const { app, id } = bench;
  const checks = bench.checks.length;
  takeOverTicket(app, id);
  match(bench.ticket.reason, /^owner took it over from its review$/);
  retryTicket(app, id);
  await bench.goOn();
  equal(bench.run.purpose, "review");
  equal(bench.checks.length, checks, "what is known of the commit is not found out again");
  const result = { summary: "Good", findings: [], criteria: [] };
  await app.end(bench.run, { type: "succeeded", result });
  takeOverTicket(app, id);
  const commit = await byHand(bench, "mine\n");
  await goOnWith(bench);
  await bench.goOn();
  equal(bench.run.purpose, "review");
  deepEqual(bench.checks.slice(checks).map((check) => [check.name, check.commit]), [
    ["build", commit],
    ["test", commit],
  ]);
});

Deno.test("a merge that waits for a person can be taken over, and one in the queue can't", async () => {
  await using bench = await reviewed();
  const { app, id } = bench;
  approveTicket(app, id);
  throws(() => takeOverTicket(app, id), { code: "conflict", message: /it is in the merge queue$/ });
  app.tx((tx) => updateTicket(tx, id, { mergeWait: "Your edits are in the way" }));
  const { status, mergeWait, step } = takeOverTicket(app, id);
  deepEqual([status, mergeWait, step], ["blocked", "", "build"]);
  const outcome = await mergeTicket(app, id, { attempt: 1, maxAttempts: 1 }, never);
  equal(outcome.type, "cancel");
});

Deno.test("a check that is at work when a ticket is taken over changes nothing any more", async () => {
  await using bench = await make();
  const { app, id } = bench;
  await bench.goOn();
  const { command } = app.agents;
  app.agents.command = async (...spec) => {
    if (bench.ticket.status === "in_progress") takeOverTicket(app, id);
    return await command(...spec);
  };
  await bench.work({ "results.txt": tap("!adds") });
  deepEqual([bench.ticket.status, bench.ticket.failure], ["blocked", "taken_over"]);
  deepEqual(listTicketRuns(app.db, id).map(({ purpose }) => purpose), ["develop"]);
});

Deno.test("a ticket without a branch, or that nobody works on, can't be taken over", async () => {
  await using bench = await make();
  const { app, id } = bench;
  const refused = (message: RegExp) =>
    throws(() => takeOverTicket(app, id), { code: "conflict", message });
  refused(/it is "queued"$/);
  app.tx((tx) =>
    tx.db.prepare("UPDATE tickets SET status = 'in_progress', step = 'prepare'").run()
  );
  refused(/its branch is not made yet/);
  await bench.goOn();
  takeOverTicket(app, id);
  refused(/it is "blocked"\. Commit on its branch and continue$/);
  const pages = pagesBench(app);
  equal((await pages.post(`/tickets/${id}/take-over`, {})).status, 409);
});

Deno.test("the page offers to take over what can be taken over, and says what that stops", async () => {
  await using bench = await make();
  const { app, id } = bench;
  const pages = pagesBench(app);
  const page = async () => await (await pages.get(`/tickets/${id}`)).text();
  const action = new RegExp(`action="/tickets/${id}/take-over"`);
  ok(!action.test(await page()), "it is queued");
  await bench.goOn();
  match(await page(), action);
  match(await page(), /Stops its agent and what it started, at once/);
  const answer = await pages.post(`/tickets/${id}/take-over`, {});
  deepEqual([answer.status, answer.headers.get("location")], [303, `/tickets/${id}`]);
  ok(!action.test(await page()), "it is taken over");
});
