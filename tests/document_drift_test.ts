/** Approved documents that the code has left behind. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  rejects,
  strictEqual as equal,
  throws,
} from "node:assert";
import { mergeTicketHandler } from "../queue/handlers/merge_ticket.ts";
import { undoMergeHandler } from "../queue/handlers/undo_merge.ts";
import { followDocuments } from "../server/services/document_index.ts";
import { removeMergedWorktree } from "../server/services/merging.ts";
import { MergeScene } from "./merge_scene.ts";
import { documentFacts } from "../server/services/document_facts.ts";
import { describes } from "../server/services/document_files.ts";
import {
  confirmDocument,
  DRIFT_MAX,
  followDrift,
  followDriftAfter,
  staleDocuments,
  staleReasonOf,
  tryToFollowDrift,
  updateAskOf,
} from "../server/services/document_drift.ts";
import { openDocument, setDocumentSaves, setDocumentStatus } from "../server/services/documents.ts";
import { submitIdea } from "../server/services/ideas.ts";
import { insertTicket } from "../server/store/tickets.ts";
import { listDescribing } from "../server/store/document_drift.ts";
import { commitTime } from "../agents/git/base_changes.ts";
import { never } from "./git_support.ts";
import { planningBench } from "./planning_support.ts";
import { leastMs } from "./timing.ts";

const SAVING = "planning/specs/saving.md";
const text = (status: string, more = "") =>
  `---\nstatus: ${status}\nfiles:\n  - src/save/**\n  - docs\n---\n# Saving\n\nSee [the loop](../../src/loop.ts).\n${more}`;

async function bench(status = "approved") {
  const b = await planningBench({ [SAVING]: text(status), "src/loop.ts": "1\n" });
  await b.follow();
  return Object.assign(b, { id: b.idOf("specs/saving.md") });
}
type Bench = Awaited<ReturnType<typeof bench>>;

const look = async (b: Bench) => {
  await followDrift(b.app, b.project, never);
  const { document } = await openDocument(b.app, b.id, never);
  return (staleReasonOf(b.app, document)?.commits ?? []).map(({ subject, files }) =>
    `${subject}: ${files.join(" ")}`
  );
};
/** What a person sees who looks now. */
const shown = async (b: Bench) => {
  const { json } = await b.call("GET", `/documents/${b.id}/drift`);
  return { seen: await seenOf(b), newest: json.commits[0]?.commit ?? "" };
};
const seenOf = async (b: Bench) => (await openDocument(b.app, b.id, never)).document.version;

Deno.test("a document describes what its front matter and its links name, and nothing of its own folder", () => {
  const files = (front: string, body = "") =>
    documentFacts("specs/a.md", `---\n${front}\n---\n${body}`).files;
  deepEqual(files("files: src/*.ts"), ["src/*.ts"]);
  deepEqual(files("describes: [./src/, /lib/a.ts, ../x, planning/b.md, 7]"), ["src/", "lib/a.ts"]);
  deepEqual(files("files: src/{a,b}.ts"), ["src/a.ts", "src/b.ts"]);
  deepEqual(files("files: src/a.ts, lib/"), ["src/a.ts", "lib/"]);
  deepEqual(
    files(
      "status: draft",
      "[a](../../src/a%20b.ts#L3) [b](/lib/) [c](other.md) [d](https://x/y.ts) `[e](/no.ts)` [f](../../../x)",
    ),
    ["src/a b.ts", "lib"],
  );
  equal(files(`files: [${"x, ".repeat(50)}x]`).length, 1);
});

Deno.test("describes() knows folders, names and any depth, in no time", () => {
  const cases: [string, string, boolean][] = [
    ["src/a.ts", "src/a.ts", true],
    ["src/a.ts", "src/a.tsx", false],
    ["src", "src/deep/a.ts", true],
    ["src/", "srcs/a.ts", false],
    ["src/*.ts", "src/a.ts", true],
    ["src/*.ts", "src/deep/a.ts", false],
    ["src/**", "src/deep/a.ts", true],
    ["**/*_test.ts", "a_test.ts", true],
    ["**/*_test.ts", "a/b/c_test.ts", true],
    ["src/**/a.ts", "src/a.ts", true],
    ["src/?.ts", "src/ab.ts", false],
    ["**", "planning/specs/a.md", false],
    ["a/**/b/**/c", "a/x/b/y/z/c", true],
    ["a/**/b/**/c", "a/x/b/y/z/d", false],
  ];
  for (const [pattern, path, expected] of cases) {
    equal(describes([pattern])(path), expected, `${pattern} ${path}`);
  }
  const hostile = describes(["*a".repeat(100), "**/a/".repeat(50) + "b"]);
  ok(leastMs(50, () => hostile("a".repeat(3_000) + "/a".repeat(1_000))) < 100);
});

Deno.test("a document is stale once its files change after its approval, and names the commits, newest first", async () => {
  await using b = await bench();
  deepEqual(await look(b), []);
  throws(() => updateAskOf(b.app, b.id), {
    code: "conflict",
    message: /nothing that it describes/,
  });
  await b.repo.commit("Readme", { "README.md": "other\n" });
  deepEqual(await look(b), []);
  await b.repo.commit("Segments", { "src/save/a.ts": "1", "src/save/b.ts": "1", "lib/c.ts": "1" });
  await b.repo.commit("Faster loop", { "src/loop.ts": "2\n" });
  deepEqual(await look(b), ["Faster loop: src/loop.ts", "Segments: src/save/a.ts src/save/b.ts"]);
  await b.repo.commit("More docs", { "docs/deep/x.md": "x" });
  deepEqual(await look(b), [
    "More docs: docs/deep/x.md",
    "Faster loop: src/loop.ts",
    "Segments: src/save/a.ts src/save/b.ts",
  ]);
  const { document } = await openDocument(b.app, b.id, never);
  match(
    staleReasonOf(b.app, document)!.reason,
    /^Since specs\/saving\.md was approved, 3 commits .*: docs\/deep\/x\.md, src\/loop\.ts, src\/save\/a\.ts/,
  );
  const ask = updateAskOf(b.app, b.id);
  deepEqual([ask.ask, ask.commits.length], ["update", 3]);
  match(await (await b.pages.get(`/projects/${b.project.id}`)).text(), /1 stale document/);
  const page = await (await b.pages.get(`/documents/${b.id}`)).text();
  match(page, /Stale: what it describes[^]*More docs[^]*Segments/);
  match(
    await (await b.pages.get("/planning")).text(),
    /1 approved document describes files/,
  );
  match(await (await b.pages.get("/planning")).text(), /tone-waiting">Stale/);
  const api = await b.call("GET", `/documents/${b.id}/drift`);
  deepEqual([api.json.stale, api.json.files, api.json.commits.length], [
    true,
    ["docs", "src/loop.ts", "src/save/**"],
    3,
  ]);
  const stale = await b.call("GET", `/projects/${b.project.id}/stale-documents`);
  deepEqual(stale.json.items.map((one: { document: { path: string } }) => one.document.path), [
    "specs/saving.md",
  ]);
});

Deno.test("a merge counts as one, and a commit that changed the document along with its files does not", async () => {
  await using b = await bench();
  await look(b);
  await b.repo.git("checkout", "-q", "-b", "side");
  await b.repo.commit("one", { "src/save/a.ts": "1" });
  await b.repo.commit("two", { "src/save/a.ts": "2" });
  await b.repo.git("checkout", "-q", "main");
  await b.repo.git("merge", "-q", "--no-ff", "-m", "Merge side", "side");
  await b.repo.commit("Both", { "src/save/b.ts": "1", [SAVING]: text("approved", "More.\n") });
  deepEqual(await look(b), ["Merge side: src/save/a.ts"]);
});

Deno.test("a document is confirmed by a person, of the text that they saw", async () => {
  await using b = await bench();
  await look(b);
  await b.repo.commit("Segments", { "src/save/a.ts": "1" });
  equal((await look(b)).length, 1);
  const now = await shown(b);
  await rejects(confirmDocument(b.app, b.id, { ...now, seen: "old" }, never), { code: "conflict" });
  match(
    await (await b.pages.get(`/documents/${b.id}`)).text(),
    new RegExp(`value="${now.newest}"`),
  );
  const answer = await b.pages.post(`/documents/${b.id}/confirm`, now);
  equal(answer.headers.get("location"), `/documents/${b.id}`);
  deepEqual(await look(b), []);
  doesNotMatch(await (await b.pages.get(`/documents/${b.id}`)).text(), /Stale/);
  await b.repo.commit("Again", { "src/save/a.ts": "2" });
  equal((await b.call("GET", `/documents/${b.id}/drift`)).json.commits.length, 1);
  const confirmed = await b.call("POST", `/documents/${b.id}/confirm`, await shown(b));
  deepEqual([confirmed.status, confirmed.json.stale], [200, false]);
});

Deno.test("a commit that nobody has seen is not confirmed, whether it was looked for or not", async () => {
  await using b = await bench();
  await look(b);
  await b.repo.commit("Segments", { "src/save/a.ts": "1" });
  const before = await shown(b);
  await b.repo.commit("Unseen", { "src/save/a.ts": "2" });
  const refusal = {
    code: "conflict",
    message:
      'Cannot say that specs/saving.md is true: what it describes was changed again, by "Unseen". Look at that first',
  };
  await rejects(confirmDocument(b.app, b.id, before, never), refusal);
  await rejects(confirmDocument(b.app, b.id, { ...before, newest: "" }, never), refusal);
  equal((await look(b)).length, 2);
  const both = await shown(b);
  await confirmDocument(b.app, b.id, both, never);
  await confirmDocument(b.app, b.id, both, never);
  deepEqual(await look(b), [], "the same request again changes nothing");
});

Deno.test("the writer is asked for an update of a stale document, with the commits that made it so", async () => {
  await using b = await bench();
  await look(b);
  const path = `/documents/${b.id}/propose-update`;
  equal((await b.call("POST", path)).status, 409, "it is not stale");
  await b.repo.commit("Segments", { "src/save/a.ts": "1" });
  await look(b);
  const page = await (await b.pages.get(`/documents/${b.id}`)).text();
  match(page, new RegExp(`action="${path}"`));
  const answer = await b.pages.post(path);
  match(answer.headers.get("location")!, /^\/asks\//);
  const [asked] = (await b.call("GET", `/documents/${b.id}/asks`)).json.items;
  const { json: ask } = await b.call("GET", `/asks/${asked.id}`);
  deepEqual([ask.ask, ask.agent, ask.commits.length], ["update", "writer", 1]);
  match(ask.words, /a commit on the base branch changed files that it describes: src\/save\/a\.ts/);
  equal((await b.call("POST", path)).status, 201);
});

Deno.test("only what is approved is stale, and an approval anew begins anew", async () => {
  await using b = await bench("draft");
  await b.repo.commit("Before", { "src/save/a.ts": "1" });
  deepEqual(await look(b), []);
  await rejects(confirmDocument(b.app, b.id, await shown(b), never), /it is "draft"/);
  await setDocumentStatus(b.app, b.id, { status: "approved", seen: await seenOf(b) }, never);
  // Nobody looked between the approval and this.
  await b.repo.commit("After", { "src/save/a.ts": "2" });
  deepEqual(await look(b), ["After: src/save/a.ts"]);
  await setDocumentStatus(b.app, b.id, { status: "done", seen: await seenOf(b) }, never);
  equal((await look(b)).length, 1, "what follows an approval keeps it");
  await setDocumentStatus(b.app, b.id, { status: "review", seen: await seenOf(b) }, never);
  deepEqual(await look(b), []);
  await setDocumentStatus(b.app, b.id, { status: "approved", seen: await seenOf(b) }, never);
  deepEqual(await look(b), []);
});

Deno.test("a file that is empty, cut off or unreadable for a moment loses no approval, and none is told of it meanwhile", async () => {
  await using b = await bench();
  await look(b);
  await b.repo.commit("Segments", { "src/save/a.ts": "1" });
  const staleNow = () => staleDocuments(b.app, b.project.id).length;
  deepEqual([await look(b), staleNow()], [["Segments: src/save/a.ts"], 1]);
  const whole = text("approved");
  const moments = ["", whole.slice(0, 20), "---\nstatus: [\n---\n# Saving\n", "\0", "# Saving\n"];
  for (const moment of moments) {
    await b.repo.write(SAVING, moment);
    await b.follow();
    equal(staleNow(), 0, moment);
    await followDrift(b.app, b.project, never);
    await b.repo.write(SAVING, whole);
    await b.follow();
    deepEqual([await look(b), staleNow()], [["Segments: src/save/a.ts"], 1], moment);
  }
  await b.repo.commit("Without", { [SAVING]: "# Saving\n" });
  await setDocumentStatus(b.app, b.id, { status: "approved", seen: await seenOf(b) }, never);
  await b.repo.commit("With", { [SAVING]: whole });
  deepEqual(await look(b), [], "a person approved it anew");
  await b.repo.commit("Again", { "src/save/a.ts": "2" });
  equal((await look(b)).length, 1);
  await b.repo.commit("Back", { [SAVING]: text("draft") });
  await b.follow();
  await b.repo.commit("Forth", { [SAVING]: whole });
  deepEqual(await look(b), [], "another status ends it");
});

Deno.test("all of a project's documents are looked at together, and git is not asked while nothing has moved", async () => {
  const documents = Object.fromEntries(
    Array.from({ length: 30 }, (_, i) => [`planning/d${i}.md`, text("approved")]),
  );
  await using b = await planningBench(documents);
  await b.follow();
  await followDrift(b.app, b.project, never);
  await b.repo.commit("Docs", { "docs/a.md": "1\n" });
  await followDrift(b.app, b.project, never);
  equal(staleDocuments(b.app, b.project.id).length, 30);
  // Whoever asked git now would be told that this is no repository.
  await Deno.rename(`${b.repo.dir}/.git/objects`, b.repo.beside("objects"));
  await followDrift(b.app, b.project, never);
});

Deno.test("where saves are no commits, a document is approved as of what the branch has then", async () => {
  await using b = await bench("draft");
  setDocumentSaves(b.app, b.project.id, "files");
  await b.repo.commit("Before", { "src/save/a.ts": "1" });
  await setDocumentStatus(b.app, b.id, { status: "approved", seen: await seenOf(b) }, never);
  deepEqual(await look(b), []);
  await b.repo.write("src/save/a.ts", "2");
  await b.repo.git("commit", "-q", "-m", "After", "src/save/a.ts");
  deepEqual(await look(b), ["After: src/save/a.ts"]);
});

Deno.test("the list of commits ends, and a history that was rewritten is looked at anew", async () => {
  await using b = await bench();
  await look(b);
  for (let i = 0; i < DRIFT_MAX + 2; i++) {
    await b.repo.commit(`Change ${i}`, { "src/save/a.ts": `${i}` });
  }
  const commits = await look(b);
  deepEqual([commits.length, commits[0]], [DRIFT_MAX, `Change ${DRIFT_MAX + 1}: src/save/a.ts`]);
  match(await (await b.pages.get(`/documents/${b.id}`)).text(), /Older ones are not shown/);
  await confirmDocument(b.app, b.id, await shown(b), never);
  // The commit that was seen last is nowhere any more.
  await b.repo.git("commit", "-q", "--amend", "-m", "Amended");
  await b.repo.git("reflog", "expire", "--expire=now", "--all");
  await b.repo.git("gc", "-q", "--prune=now");
  ok((await look(b)).length > 0, "better once too often than never");
});

Deno.test("a commit of no time is one of long ago", async () => {
  equal(commitTime("1700000000"), "2023-11-14T22:13:20.000Z");
  for (const seconds of ["", "x", "99999999999999999999"]) {
    equal(commitTime(seconds), "1970-01-01T00:00:00.000Z");
  }
  await using b = await bench();
  await look(b);
  await b.repo.commit("Segments", { "src/save/a.ts": "1" });
  // As some old importers have written it.
  const raw = await b.repo.git("cat-file", "commit", "HEAD");
  await b.repo.write("odd", raw.replace(/^(author .*) [+-]\d{4}$/m, "$1 +051800") + "\n");
  const odd = await b.repo.git("hash-object", "-t", "commit", "-w", "--literally", "odd");
  await b.repo.git("reset", "-q", "--soft", odd);
  equal((await look(b)).length, 1);
});

Deno.test("what git can't tell is said, and stops neither a page nor a merge", async () => {
  await using b = await bench();
  await look(b);
  const idea = submitIdea(b.app, { projectId: b.project.id, title: "x" });
  const ticket = b.app.tx((tx) =>
    insertTicket(tx, {
      ...{ projectId: b.project.id, ideaId: idea.id, type: "feature", title: "x" },
      ...{ description: "", acceptance: [], priority: 2 },
    })
  );
  await b.repo.commit("Segments", { "src/save/a.ts": "1" });
  await followDriftAfter(b.app, ticket.id, never);
  const { document } = await openDocument(b.app, b.id, never);
  equal(staleReasonOf(b.app, document)?.commits.length, 1);
  await b.repo.write(".git/refs/heads/main", `${"1".repeat(40)}\n`);
  match(String(await tryToFollowDrift(b.app, b.project, never)), /Cannot tell which documents/);
  await followDriftAfter(b.app, ticket.id, never);
  equal(listDescribing(b.app.db, b.project.id, 10).length, 1);
});

Deno.test("a merge that lands marks what it changed, and its undo, too", async () => {
  await using m = await MergeScene.make();
  const { app, project, id } = { app: m.app, project: m.scene.project, id: m.scene.id };
  await m.repo.commit("Plan", {
    "planning/a.md": "---\nstatus: approved\nfiles: [a.txt]\n---\n# A\n",
    "planning/b.md": "---\nstatus: approved\nfiles: [b.txt]\n---\n# B\n",
  });
  await followDocuments(app, project, never);
  await followDrift(app, project, never);
  const work = { app, job: { attempt: 1, maxAttempts: 8 }, signal: never } as never;
  m.approve();
  deepEqual(await mergeTicketHandler.run({ ticketId: id }, work), { type: "done" });
  const told = () =>
    staleDocuments(app, project.id).map(({ document, commits }) => [
      document.path,
      ...commits.map(({ commit }) => commit),
    ]);
  const merged = m.ticket.mergeCommit!;
  deepEqual(told(), [["a.md", merged]]);
  await removeMergedWorktree(app, id, never);
  m.ask();
  deepEqual(await undoMergeHandler.run({ ticketId: id }, work), { type: "done" });
  deepEqual(told(), [["a.md", await m.repo.git("rev-parse", "main"), merged]]);
});
