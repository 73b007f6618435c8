/** What was said on a review stands at the line that it is about, or where it can be read, whatever became of that. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import { createHttp } from "../server/http.ts";
import { ticketsApi } from "../server/routes/tickets.tsx";
import { moveTicket, updateTicket } from "../server/store/tickets.ts";
import { requestOf } from "../server/services/change_requests.ts";
import { applyDevelopmentResult } from "../server/services/development_results.ts";
import { listFindings } from "../server/store/reviews.ts";
import { quoteDrafts } from "../server/services/remark_quotes.ts";
import { fileId, lineId } from "../views/diff_place.ts";
import { never } from "./git_support.ts";
import { noAssets } from "./http_support.ts";
import { numbered, ReviewScene } from "./review_support.ts";
import { passChecks } from "./support.ts";

/** Paths of the files in a page's diff. */
const filesIn = (html: string): string[] =>
  [...html.matchAll(/<h3 class="mono">([^<]*)<\/h3>/g)].map(([, path]) => path!);

const rowOf = (path: string, line: number, side: "old" | "new") =>
  `id="R-${lineId({ path, line, side })}"`;

/** The part of a page from one text to another. */
function between(html: string, from: string, to: string): string {
  const start = html.indexOf(from);
  ok(start >= 0, `the page has no ${from}`);
  return html.slice(start, html.indexOf(to, start));
}

/** What a comment's form would send. */
function fieldsIn(html: string): Record<string, string> {
  const form = between(html, 'id="comment-form"', "</form>");
  return Object.fromEntries(
    [...form.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)]
      .map(([, name, value]) => [name!, value!]),
  );
}

/** The base branch gets a commit, and the ticket's branch takes it in, as for a conflict. */
async function baseTakenIn(scene: ReviewScene, files: Record<string, string>): Promise<void> {
  await scene.repo.commit("Somebody else's", files);
  const base = await scene.repo.git("rev-parse", "main");
  const merge = ["merge", "-q", "--no-edit", "-X", "ours", base];
  await scene.repo.git("-C", scene.worktree, ...merge);
  const head = await scene.repo.git("rev-parse", scene.branch);
  scene.app.tx((tx) => {
    moveTicket(tx, scene.id, "in_progress", { step: "develop" });
    updateTicket(tx, scene.id, { baseCommit: base, headCommit: head });
  });
}

Deno.test("what the reviewer says of a file that the ticket leaves alone can be read, and applied, on the review", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n", "docs.md": "Call greet()\n" });
  await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  const finding = scene.finding("docs.md", 1, "Say so:\n\n```suggestion\nCall hello()\n```\n");
  const html = await scene.page();
  const notes = between(html, 'id="review-notes"', "</details>");
  match(notes, new RegExp(`id="finding-${finding.id}"`));
  match(notes, /<code class="path">docs\.md<\/code>, line 1/);
  match(notes, /Mind this[^]*Call hello\(\)[^]*Apply suggestion/);
  doesNotMatch(notes, /href="#finding-/, "it stands there itself");
  // What a filter hides is on the whole page.
  const filtered = await scene.page("?only=a.txt");
  match(filtered, new RegExp(`href="${scene.href}#finding-${finding.id}"`));
  doesNotMatch(filtered, new RegExp(`id="finding-${finding.id}"`));
});

Deno.test("a place that an agent spells in another way than git is the same place", async () => {
  await using scene = await ReviewScene.make({ "src/a.txt": "a\n" });
  await scene.turn({ "src/a.txt": "aa\n" });
  passChecks(scene.app, scene.id, scene.ticket.headCommit!);
  const about = { severity: "minor", line: 1, message: "Mind this" } as const;
  const result = {
    summary: "Good",
    findings: [{ ...about, path: "./src//a.txt" }, { ...about, path: "." }],
    criteria: [{ criterion: "It says `so`", met: true, evidence: "`./src/a.txt:1` says it" }],
  };
  const run = scene.run(1);
  scene.app.tx((tx) =>
    applyDevelopmentResult(scene.app, tx, { ...run, purpose: "review" }, result)
  );
  equal(scene.ticket.status, "review");
  const html = await scene.page();
  const row = between(html, rowOf("src/a.txt", 1, "new"), "</tr>");
  match(row, /Mind this/);
  match(row, /<span>It says <code>so<\/code><\/span>/, "one piece, which a phone breaks as words");
  deepEqual(listFindings(scene.app.db, scene.id).map(({ path }) => path), ["src/a.txt", null]);
});

Deno.test("a comment on a file that a later round left as it was is still to be read, sent and taken back", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n", "b.txt": "b\n" });
  await scene.turn({ "a.txt": "aa\n", "b.txt": "bb\n" });
  scene.toReview();
  const draft = scene.comment("b.txt", 1, "Why at all?");
  await scene.round({ "b.txt": "b\n" });
  const html = await scene.page();
  deepEqual(filesIn(html), ["a.txt"]);
  const notes = between(html, '<details class="panel" id="review-notes" open', "Skip the diff");
  match(notes, new RegExp(`id="comment-${draft.id}"[^]*b\\.txt[^]*Why at all\\?`));
  match(notes, /of an earlier version/);
  match(notes, new RegExp(`action="/tickets/${scene.id}/comments/${draft.id}/remove"`));
});

Deno.test("a finding on a line of a folded file stands at the file's head, and its jump leads there", async () => {
  const lock = numbered("dep", 40);
  await using scene = await ReviewScene.make({ "package-lock.json": lock, "a.txt": "a\n" });
  await scene.turn({ "package-lock.json": lock.replace("dep 9\n", "dep nine\n"), "a.txt": "aa\n" });
  scene.toReview();
  const finding = scene.finding("package-lock.json", 9, "Pin it");
  const folded = await scene.page();
  match(folded, /Written by a tool/);
  match(folded, new RegExp(`href="#finding-${finding.id}"`));
  const file = between(folded, `id="${fileId("package-lock.json")}"`, "Written by a tool");
  match(file, new RegExp(`id="finding-${finding.id}"[^]*line 9[^]*Pin it`));
  const open = await scene.page("?file=package-lock.json");
  match(open, new RegExp(`href="#${lineId({ path: "package-lock.json", line: 9, side: "new" })}"`));
  match(open, new RegExp(`${rowOf("package-lock.json", 9, "new")}[^]*Pin it`));
});

Deno.test("since my last look leaves out what the base branch brought in meanwhile", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n", "b.txt": "b\n", "c.txt": "c\n" });
  await scene.turn({ "a.txt": "aa\n", "c.txt": "mine\n" });
  scene.toReview();
  await scene.page();
  await baseTakenIn(scene, { "other.txt": "others\n", "c.txt": "theirs\n" });
  await scene.turn({ "b.txt": "bb\n", "c.txt": "both\n" });
  scene.toReview();
  const all = await scene.page();
  match(all, /\?range=look">Since my last look/);
  deepEqual(filesIn(all), ["a.txt", "b.txt", "c.txt"]);
  const look = await scene.page("?range=look");
  deepEqual(filesIn(look), ["b.txt", "c.txt"]);
  doesNotMatch(look, /other\.txt/);
  // How the conflict was resolved is new to whoever looks.
  match(look, />theirs<[^]*>mine<[^]*>both</);
  // What was removed there are lines of no commit.
  match(look, /aria-label="Comment on line 1"/);
  doesNotMatch(look, /Comment on removed line/);
  match(look, /Address of removed line/);
});

Deno.test("where only the base branch has brought something in, nothing is new since the last look", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n" });
  await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  await scene.page();
  await baseTakenIn(scene, { "other.txt": "others\n" });
  scene.toReview();
  await scene.page();
  const look = await scene.page("?range=look");
  deepEqual(filesIn(look), []);
  match(look, /Nothing that the ticket changes is new since your last look/);
});

Deno.test("a comment on a line that went since the last look is about that version, and stands there", async () => {
  const lines = numbered("l", 10);
  await using scene = await ReviewScene.make({ "a.txt": lines });
  const seen = await scene.turn({ "a.txt": `first\nsecond\n${lines}` });
  scene.toReview();
  await scene.page();
  await scene.round({ "a.txt": `first\nsecond\n${lines.replace("l 5\n", "")}` });
  // "l 5" was line 7 of what was seen, and is line 5 of the base, whose line 7 is another.
  const form = fieldsIn(await scene.page("?range=look&comment=a.txt:-7"));
  deepEqual(form, { path: "a.txt", line: "7", side: "new", commit: seen });
  const path = `/tickets/${scene.id}/comments`;
  const answer = await scene.pages.post(path, { ...form, body: "Why has it gone?" });
  equal(answer.status, 303);
  const look = await scene.page("?range=look");
  match(look, new RegExp(`${rowOf("a.txt", 7, "old")}[^]*Why has it gone`));
  const all = await scene.page();
  doesNotMatch(all, new RegExp(rowOf("a.txt", 7, "old")));
  match(all, new RegExp(`line 7 of an earlier version, ${seen.slice(0, 7)}[^]*Why has it gone`));
  equal(
    requestOf(scene.ticket, scene.comments(), ""),
    `- a.txt:7 (as of ${seen.slice(0, 12)}): Why has it gone?`,
  );
  // One on the base's line is of no line there.
  scene.comment("a.txt", 5, "Said of all", "old");
  match(await scene.page(), new RegExp(`${rowOf("a.txt", 5, "old")}[^]*Said of all`));
  doesNotMatch(await scene.page("?range=look"), new RegExp(rowOf("a.txt", 5, "old")));
});

Deno.test("a comment from a page that was overtaken is about the line that was seen", async () => {
  await using scene = await ReviewScene.make({ "a.txt": numbered("l", 9) });
  const seen = await scene.turn({ "a.txt": numbered("new", 9) });
  scene.toReview();
  const form = fieldsIn(await scene.page("?comment=a.txt:3"));
  deepEqual(form, { path: "a.txt", line: "3", side: "new", commit: seen });
  await scene.round({ "a.txt": `above\n${numbered("new", 9)}` });
  const http = createHttp(scene.app, {
    assets: noAssets,
    mountApi: ticketsApi,
    mountPages: () => {},
    renderError: ({ title }) => title,
  });
  const post = async (commit?: string) => {
    const body = JSON.stringify({ path: "a.txt", line: 3, body: "Shorter", commit });
    const headers = { "content-type": "application/json" };
    const path = `/api/v1/tickets/${scene.id}/comments`;
    const response = await http.request(path, { method: "POST", body, headers });
    return { status: response.status, body: await response.json() };
  };
  const page = await scene.pages.post(`/tickets/${scene.id}/comments`, { ...form, body: "Longer" });
  equal(page.status, 303);
  const [late, now] = [await post(seen), await post()];
  deepEqual([late.status, late.body.commit], [201, seen]);
  deepEqual([now.status, now.body.commit], [201, scene.ticket.headCommit]);
  deepEqual(scene.comments().map(({ commit }) => commit === seen), [true, true, false]);
  // Of no commit, or of one that the repository has not: refused, and nothing is kept.
  for (const commit of ["main", "--all", "1".repeat(40)]) {
    const { status, body } = await post(commit);
    deepEqual([status, body.errors[0].field], [422, "commit"], commit);
  }
  equal(scene.comments().length, 3);
});

Deno.test("who asks for changes sends the lines along that the developer's files do not have any more", async () => {
  await using scene = await ReviewScene.make({ "a.txt": numbered("old", 9), "b.txt": "b\n" });
  const first = await scene.turn({ "a.txt": null, "moved.txt": numbered("old", 9) });
  scene.toReview();
  await scene.round({
    "moved.txt": numbered("old", 9).replace("old 4\n", "new\n"),
    "b.txt": "bb\n",
  });
  scene.comment("moved.txt", 4, "Why not as it was?", "old");
  scene.comment("b.txt", 1, "Here it is");
  scene.comment("none.txt", 7, "There is no such file", "old");
  const stale = { path: "moved.txt", line: "6", side: "new", commit: first, body: "Longer" };
  await scene.pages.post(`/tickets/${scene.id}/comments`, stale);
  const path = `/tickets/${scene.id}/request-changes`;
  const answer = await scene.pages.post(path, { commit: scene.ticket.headCommit!, remark: "Mind" });
  equal(answer.status, 303);
  deepEqual(scene.ticket.guidance.split("\n"), [
    "Mind",
    '- moved.txt:4 (a line that was removed, it said "old 4"): Why not as it was?',
    "- b.txt:1: Here it is",
    "- none.txt:7 (a line that was removed): There is no such file",
    `- moved.txt:6 (as of ${first.slice(0, 12)}, it said "old 6"): Longer`,
  ]);
});

Deno.test("changes can be asked for where the repository is gone: the lines are left out, and the log says so", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n" });
  await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  const { id } = scene.comment("a.txt", 1, "Why?", "old");
  deepEqual([...await quoteDrafts(scene.app, scene.id, never)], [[id, "a"]]);
  await Deno.rename(scene.repo.dir, `${scene.repo.dir}-away`);
  deepEqual([...await quoteDrafts(scene.app, scene.id, never)], []);
  await Deno.rename(`${scene.repo.dir}-away`, scene.repo.dir);
});
