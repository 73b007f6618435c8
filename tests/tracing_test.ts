/** From commits, lines and files back to the ticket, the idea, the answers, the run and the turn. */
import {
  deepStrictEqual as deepEqual,
  match,
  ok,
  rejects,
  strictEqual as equal,
} from "node:assert";
import { landedCommits } from "../agents/git/base_changes.ts";
import { originsOf } from "../agents/git/contents.ts";
import { traceJson } from "../server/outputs/traces.ts";
import { traceOf, type TraceQuestion } from "../server/services/tracing.ts";
import { retryTicket } from "../server/services/tickets.ts";
import { appendRunEvent } from "../server/store/run_log.ts";
import { updateTicket } from "../server/store/tickets.ts";
import { commitSuggestions, recordSuggestions } from "../server/services/suggestions.ts";
import { never } from "./git_support.ts";
import { MergeScene } from "./merge_scene.ts";
import { suggestion } from "./review_support.ts";

const trace = (it: MergeScene, question: TraceQuestion) =>
  traceOf(it.app, it.scene.project.id, question, never);
const one = async (it: MergeScene, question: TraceQuestion) => {
  const [found, more] = await trace(it, question);
  equal(more, undefined);
  return found!;
};

Deno.test("a line of a squashed merge leads to the very turn that wrote it", async () => {
  await using it = await MergeScene.make();
  const [second] = [it.ticket.headCommit!];
  const merge = await it.merged();
  await it.repo.commit("A person's", { "a.txt": "0\n1\n2\nthree\n" });
  const changed = await one(it, { path: "a.txt", line: 4 });
  deepEqual(
    [changed.commit.commit, changed.line, changed.relation, changed.ticket!.id],
    [merge, { path: "a.txt", line: 3, text: "three" }, "merge", it.ticket.id],
  );
  deepEqual(changed.turns.map(({ commit, turn }) => [commit, turn]), [[second, 1]]);
  deepEqual([changed.turns[0]!.run.agent, changed.turns[0]!.subtask!.title], [
    "feature-dev",
    "Say it",
  ]);
  const own = await one(it, { path: "a.txt", line: 1 });
  deepEqual([own.commit.subject, own.ticket, own.turns], ["A person's", null, []]);
  const began = await one(it, { path: "a.txt", line: 2 });
  deepEqual([began.commit.subject, began.ticket], ["Begin", null]);
});

Deno.test("a line is found again though the base had moved when its ticket was merged", async () => {
  await using it = await MergeScene.make();
  await it.repo.commit("Meanwhile", { "a.txt": "x\nx\nx\n1\n2\n3\n" });
  await it.merged();
  const { turns, relation } = await one(it, { path: "a.txt", line: 6 });
  deepEqual([relation, turns.map(({ commit }) => commit)], ["merge", [it.ticket.headCommit]]);
});

Deno.test("a commit leads to its ticket with all its turns, by any beginning of its id", async () => {
  await using it = await MergeScene.make();
  const merge = await it.merged();
  for (const commit of [merge, merge.slice(0, 7), merge.toUpperCase()]) {
    const found = await one(it, { commit });
    equal(found.ticket!.id, it.ticket.id);
    equal(found.turns.length, 2);
    equal(found.turns[0]!.commit, it.ticket.headCommit);
  }
  const json = traceJson(await one(it, { commit: merge }));
  deepEqual([json.commit, json.ticket!.number, json.relation, json.turns[0]!.event], [
    merge,
    1,
    "merge",
    (await one(it, { commit: merge })).turns[0]!.number,
  ]);
});

Deno.test("checkpoints are kept and lead to their turn, squashed or behind a merge commit", async () => {
  for (const style of ["squash", "merge"] as const) {
    await using it = await MergeScene.make();
    await it.rule({ style });
    const merge = await it.merged();
    const head = it.ticket.headCommit!;
    const { relation, turns, ticket } = await one(it, { commit: head });
    deepEqual([relation, turns.map(({ commit }) => commit), ticket!.id], [
      "checkpoint",
      [head],
      it.ticket.id,
    ]);
    const line = await one(it, { path: "new.txt", line: 1 });
    equal(line.relation, style === "squash" ? "merge" : "checkpoint");
    equal(line.turns[0]!.commit, await it.repo.git("rev-parse", `${head}^`));
    equal((await one(it, { commit: merge })).turns.length, 2);
  }
});

Deno.test("an undo leads to the ticket too, and its merge says that it was undone", async () => {
  await using it = await MergeScene.make();
  const merge = await it.merged();
  it.ask("Too loud");
  await it.undoIt();
  const revert = it.undo.commit!;
  const undone = await one(it, { path: "a.txt", line: 3 });
  deepEqual([undone.commit.commit, undone.relation, undone.turns], [revert, "undo", []]);
  const merged = await one(it, { commit: merge });
  deepEqual([merged.relation, merged.undo!.commit], ["merge", revert]);
});

Deno.test("each merge of a ticket that was undone and done again leads to the turns of its own attempt", async () => {
  await using it = await MergeScene.make();
  const first = await it.merged();
  it.app.advance(1);
  it.ask();
  await it.undoIt();
  it.app.advance(1);
  retryTicket(it.app, it.ticket.id);
  const run = it.scene.run(1);
  const again = await it.repo.commit("Greet again\n\nGaffer-Ticket: 1", { "a.txt": "again\n" });
  it.app.tx((tx) => {
    appendRunEvent(tx, run, { type: "checkpoint", turn: 7, commit: again, files: ["a.txt"] });
    updateTicket(tx, it.ticket.id, { mergeCommit: again });
  });
  deepEqual((await one(it, { commit: first })).turns.map(({ turn }) => turn), [1, 1]);
  deepEqual((await one(it, { commit: again })).turns.map(({ turn }) => turn), [7]);
  deepEqual((await one(it, { commit: first, path: "new.txt", line: 1 })).turns, []);
});

Deno.test("the newest commits of a file are traced, also of one that is gone", async () => {
  await using it = await MergeScene.make();
  const merge = await it.merged();
  it.ask();
  await it.undoIt();
  const traces = await trace(it, { path: "new.txt" });
  deepEqual(traces.map(({ commit, relation }) => [commit.commit, relation]), [
    [it.undo.commit, "undo"],
    [merge, "merge"],
  ]);
  const then = await one(it, { path: "new.txt", line: 1, commit: merge });
  equal(then.relation, "merge");
  deepEqual(await trace(it, { path: "never.txt" }), []);
});

Deno.test("a renamed file is traced through the names that it had before, and a line to the turn that wrote it", async () => {
  await using it = await MergeScene.make();
  const merge = await it.merged();
  await it.repo.git("mv", "a.txt", 'q"uote.txt');
  const quoted = await it.repo.commit("Move", {});
  await it.repo.git("mv", 'q"uote.txt', "src.txt");
  const again = await it.repo.commit("Move again", { "b.txt": "beside\n" });
  const traces = await trace(it, { path: "src.txt" });
  deepEqual(traces.map(({ commit }) => commit.commit).slice(0, 3), [again, quoted, merge]);
  equal(traces.at(-1)!.commit.subject, "Begin");
  const line = await one(it, { path: "src.txt", line: 3 });
  deepEqual([line.ticket!.id, line.line!.path], [it.ticket.id, "a.txt"]);
  deepEqual(line.turns.map(({ commit }) => commit), [it.ticket.headCommit]);
  // A file that took a name over later has its own history.
  const other = await it.repo.commit("Another", { "a.txt": "Nothing like it\n" });
  equal((await trace(it, { path: "a.txt" }))[0]!.commit.commit, other);
});

Deno.test("commits and files that a person's configuration names, and that are not there, keep nothing from being traced", async () => {
  await using it = await MergeScene.make();
  const merge = await it.merged();
  await it.repo.git("config", "blame.ignoreRevsFile", ".git-blame-ignore-revs");
  await it.repo.git("config", "diff.orderFile", ".git-order");
  equal((await one(it, { path: "a.txt", line: 3 })).commit.commit, merge);
  deepEqual((await landedCommits({ repo: it.repo.dir, tip: merge, signal: never }))[0]!.files, [
    "a.txt",
    "new.txt",
  ]);
  const { baseCommit: base, headCommit: head } = it.ticket;
  const lines = { path: "a.txt", first: 3, last: 3, signal: never };
  deepEqual(await originsOf({ repo: it.repo.dir, base: base!, head: head!, ...lines }), [head]);
  await it.repo.git("config", "--unset", "diff.orderFile");
  // One that is there lists the very commit that is looked for.
  await it.repo.commit("Ignore it", { ".git-blame-ignore-revs": `${merge}\n` });
  equal((await one(it, { path: "a.txt", line: 3 })).commit.commit, merge);
});

Deno.test("a commit that only names a ticket is told apart from what is on record", async () => {
  await using it = await MergeScene.make();
  await it.repo.commit("By hand\n\nGaffer-Ticket: 1", { "c.txt": "c\n" });
  const { relation, ticket, turns } = await one(it, { path: "c.txt", line: 1 });
  deepEqual([relation, ticket!.id, turns], ["message", it.ticket.id, []]);
  await it.repo.commit("By hand\n\nGaffer-Ticket: 99", { "c.txt": "d\n" });
  equal((await one(it, { path: "c.txt", line: 1 })).ticket, null);
});

Deno.test("what no run committed on a ticket's branch still leads to the ticket", async () => {
  await using it = await MergeScene.make();
  const { app, scene, ticket } = it;
  const { id } = scene.comment("a.txt", 3, suggestion("four\n"));
  const chosen = { comments: [id], findings: [] };
  const applied = recordSuggestions(app, await commitSuggestions(app, ticket.id, chosen, never));
  equal((await one(it, { commit: applied.headCommit! })).relation, "branch");
  scene.toReview();
  const left = await scene.round({ "b.txt": "left by a step\n" });
  const { relation, turns, ...behind } = await one(it, { commit: left });
  deepEqual([relation, behind.ticket!.id, turns], ["branch", ticket.id, []]);
  // Not does what the branch began from.
  equal((await one(it, { commit: it.ticket.baseCommit! })).ticket, null);
});

Deno.test("questions that make no sense, and things that are not there, are refused by name", async () => {
  await using it = await MergeScene.make();
  const refused = (question: TraceQuestion, code: string, message: RegExp) =>
    rejects(trace(it, question), { code, message });
  await refused({}, "invalid", /Name a commit, or the path/);
  await refused({ commit: "deadbeef" }, "invalid", /has no commit "deadbeef"/);
  await refused({ commit: "--all" }, "invalid", /Write the id/);
  await refused({ path: "../outside", line: 1 }, "invalid", /as git has it/);
  await refused({ path: "/etc/passwd" }, "invalid", /as git has it/);
  await refused({ path: "a.txt", line: 99 }, "conflict", /has only 3 lines/);
  await refused({ path: "none.txt", line: 1 }, "conflict", /no such path/);
  await rejects(traceOf(it.app, "none", { path: "a.txt" }, never), { code: "not_found" });
});

Deno.test("odd names are taken as they are", async () => {
  await using it = await MergeScene.make();
  for (const path of ["-n", "*.txt", ":(top)b", "sp ace/ü.txt", 'q"\\u\to\nte']) {
    const commit = await it.repo.commit("Odd", { [path]: "odd\n" });
    const { line, ...found } = await one(it, { path, line: 1 });
    deepEqual([found.commit.commit, line!.path], [commit, path]);
    equal((await one(it, { path })).commit.commit, commit);
  }
});

Deno.test("the page asks and answers by address alone, and keeps what was typed when refused", async () => {
  await using it = await MergeScene.make();
  const merge = await it.merged();
  const { pages, project } = it.scene;
  const href = `/projects/${project.id}/trace`;
  const get = async (query: string) => {
    const answer = await pages.get(href + query);
    return { status: answer.status, html: await answer.text() };
  };
  match((await get("")).html, /<form method="get" action="\/projects\/\w+\/trace"/);
  const line = await get("?path=a.txt&line=3&commit=");
  match(line.html, /Turn 1 of feature-dev<\/a>/);
  match(line.html, /subtask 1: Say it/);
  match(line.html, RegExp(`href="/tickets/${it.ticket.id}">#1 Greet`));
  match(line.html, /#e\d+"/);
  const none = await get("?path=a.txt&line=none");
  equal(none.status, 422);
  match(none.html, /value="none"/);
  equal((await get("?line=3")).status, 422);
  equal((await get("?path=a.txt&line=99")).status, 409);
  equal((await get(`?commit=${merge.slice(0, 3)}`)).status, 422);
  match((await get("?path=none.txt")).html, /No commit on the base branch changed that file/);
  ok(
    (await (await pages.get(`/tickets/${it.ticket.id}`)).text()).includes(
      `${href}?commit=${merge}`,
    ),
  );
});
