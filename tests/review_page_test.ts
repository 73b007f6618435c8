/** The review's page over a real repository: what is new to whom, ticks, context, colours, what a line is for. */
import {
  deepStrictEqual as deepEqual,
  doesNotMatch,
  match,
  ok,
  strictEqual as equal,
} from "node:assert";
import { join } from "node:path";
import { generatedBy } from "../agents/git/attributes.ts";
import { originsOf } from "../agents/git/contents.ts";
import { actingAs } from "../server/app.ts";
import { contentOf, lookAt, tickFile } from "../server/services/review_range.ts";
import { findLook, listTicks, setLook } from "../server/store/review_marks.ts";
import { updateTicket } from "../server/store/tickets.ts";
import { fileId, lineId } from "../views/diff_place.ts";
import { never } from "./git_support.ts";
import { numbered, ReviewScene, suggestion } from "./review_support.ts";

/** Paths of the files in a page's diff. */
const filesIn = (html: string): string[] =>
  [...html.matchAll(/<input type="hidden" name="path" value="([^"]*)"/g)].map(([, path]) => path!);

const contentIn = (html: string, path: string): string =>
  new RegExp(`name="path" value="${path}"/?><input type="hidden" name="content" value="([^"]*)"`)
    .exec(html)![1]!;

const viewedIn = (html: string): string =>
  /id="review-viewed">(\d+) viewed/.exec(html)?.[1] ?? "none";

const tick = (scene: ReviewScene, html: string, path: string, viewed = "1") =>
  scene.pages.post(`/tickets/${scene.id}/viewed`, {
    path,
    content: contentIn(html, path),
    viewed,
  });

Deno.test("a file is viewed by one person in one content, until it changes again", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n", "b.txt": "b\n" });
  await scene.turn({ "a.txt": "aa\n", "b.txt": "bb\n" });
  scene.toReview();
  const html = await scene.page();
  deepEqual(filesIn(html), ["a.txt", "b.txt"]);
  equal(viewedIn(html), "0");
  for (const path of ["a.txt", "b.txt"]) {
    const answer = await tick(scene, html, path);
    deepEqual([answer.status, answer.headers.get("location")], [
      303,
      `${scene.href}#${fileId(path)}`,
    ]);
  }
  const ticked = await scene.page();
  equal(viewedIn(ticked), "2");
  match(ticked, /aria-pressed="true" aria-label="Viewed: a\.txt"/);
  equal(listTicks(scene.app.db, "ana", scene.id).size, 0, "another person has viewed nothing");

  await scene.round({ "b.txt": "bbb\n" });
  const changed = await scene.page();
  equal(viewedIn(changed), "1");
  match(changed, /aria-pressed="false" aria-label="Viewed: b\.txt"/);
  await tick(scene, changed, "a.txt", "0");
  equal(viewedIn(await scene.page()), "0");
  // The same content as before is the same that was viewed.
  await scene.round({ "b.txt": "bb\n" });
  equal(viewedIn(await scene.page()), "1");
});

Deno.test("a tick is refused for another ticket, and for what is no file's content", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n" });
  await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  const post = (id: string, fields: Record<string, string>) =>
    scene.pages.post(`/tickets/${id}/viewed`, {
      path: "a.txt",
      content: "x:",
      viewed: "1",
      ...fields,
    });
  equal((await post("tkt_none", {})).status, 404);
  equal((await post(scene.id, { content: "<b>" })).status, 422);
  equal((await post(scene.id, { path: "" })).status, 422);
  equal(listTicks(scene.app.db, "owner", scene.id).size, 0);
  tickFile(scene.app, scene.id, { path: "a.txt", content: "x:", viewed: true });
  tickFile(scene.app, scene.id, { path: "a.txt", content: "x:", viewed: true });
  equal(listTicks(scene.app.db, "owner", scene.id).size, 1, "twice is once");
});

Deno.test("a renamed file, one whose mode changed and a deleted one can be ticked too", () => {
  const file = { path: "a", oldPath: null, binary: false, additions: 0, deletions: 0, hunks: [] };
  const mode = { ...file, kind: "mode", oldMode: "100644", newMode: "100755" } as const;
  const all = [
    contentOf({ ...file, kind: "renamed" }),
    contentOf(mode),
    contentOf({ ...file, kind: "deleted", oldBlob: "1".repeat(40) }),
    contentOf({ ...file, kind: "modified", newBlob: "2".repeat(40) }),
  ];
  equal(new Set(all).size, 4);
  for (const content of all) match(content, /^[\w:]{1,100}$/);
});

Deno.test("since my last look shows what came after it, to each person their own", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n", "b.txt": "b\n" });
  await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  const first = await scene.page("?range=look");
  deepEqual(filesIn(first), ["a.txt"], "nobody has looked yet: all is new");
  doesNotMatch(first, /Since my last look/);
  await scene.round({ "b.txt": "bb\n" });
  match(await scene.page(), /\?range=look">Since my last look/);
  for (const _ of ["once", "again"]) {
    deepEqual(filesIn(await scene.page("?range=look")), ["b.txt"]);
  }
  deepEqual(filesIn(await scene.page()), ["a.txt", "b.txt"]);
  const ana = actingAs(scene.app, "ana");
  equal(lookAt(ana, scene.ticket), null);
  equal(findLook(scene.app.db, "ana", scene.id)?.commit, scene.ticket.headCommit);
});

Deno.test("a look at a commit that the repository has lost, or that can't be saved, still shows all", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n" });
  await scene.turn({ "a.txt": "aa\n" });
  scene.toReview();
  scene.app.tx((tx) => setLook(tx, scene.id, "1".repeat(40)));
  deepEqual(filesIn(await scene.page("?range=look")), ["a.txt"]);
  scene.app.db.fault = { kind: "disk_full", since: "2026-01-02T03:04:05.000Z" };
  await scene.turn({}).catch(() => {}); // nothing changed: the look is the same
  deepEqual(filesIn(await scene.page()), ["a.txt"]);
  scene.app.db.fault = null;
});

Deno.test("last turn shows what the newest turn of the branch did", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n", "b.txt": "b\n" });
  const run = scene.run(1);
  await scene.turn({ "a.txt": "aa\n" }, run);
  await scene.turn({ "b.txt": "bb\n" }, run);
  scene.toReview();
  match(await scene.page(), /\?range=turn">Last turn/);
  const html = await scene.page("?range=turn");
  deepEqual(filesIn(html), ["b.txt"]);
  match(html, /\?range=turn&amp;comment=b\.txt%3A1#/, "a comment's form keeps the range");
  deepEqual(filesIn(await scene.page("?range=nonsense")), ["a.txt", "b.txt"]);
});

Deno.test("how the diff is shown is chosen by a link and remembered by the browser", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n  b\n", "c.txt": "c\n" });
  await scene.turn({ "a.txt": "a\n\tb\n", "c.txt": "cc\n" });
  scene.toReview();
  const plain = await scene.pages.get(scene.href);
  equal(plain.headers.get("set-cookie"), null);
  match(await plain.text(), /class="diff"/);
  const split = await scene.pages.get(`${scene.href}?layout=split&space=hide&wrap=off`);
  const html = await split.text();
  match(html, /class="diff is-split is-nowrap"/);
  match(html, /<tr class="pair">/);
  match(html, /role="group" aria-label="Lines of c\.txt"/);
  deepEqual(filesIn(html), ["c.txt"], "white space alone is no change");
  match(html, /White space is hidden/);
  const cookie = split.headers.get("set-cookie")!;
  match(cookie, /HttpOnly/);
  const kept = { cookie: cookie.split(";")[0]! };
  match(await scene.page("", kept), /class="diff is-split is-nowrap"/);
  match(await scene.page("?layout=unified", kept), /class="diff is-nowrap"/);
});

Deno.test("lines between the hunks are shown by a link, step by step, with both sides' numbers", async () => {
  const before = numbered("line", 200);
  await using scene = await ReviewScene.make({ "a.txt": before });
  await scene.turn({
    "a.txt": before.replace("line 5\n", "line 5\nmore\n").replace("line 150\n", "LINE\n"),
  });
  scene.toReview();
  const html = await scene.page();
  const row = (line: number) => new RegExp(`id="${lineId({ path: "a.txt", line, side: "new" })}"`);
  doesNotMatch(html, row(20));
  const links = [...html.matchAll(/href="([^"]*expand=[^"]*)#[^"]*">([^<]*)</g)]
    .map(([, href, words]) => [href!.replaceAll("&amp;", "&"), words!]);
  deepEqual(links.map(([, words]) => words), [
    "Show 2 lines",
    "Show 20 more below",
    "Show 20 more above",
    "Show 20 more below",
  ]);
  const query = links[1]![0]!.slice(scene.href.length);
  const more = await scene.page(query);
  for (const line of [10, 20, 29]) match(more, row(line));
  doesNotMatch(more, row(30));
  match(more, /<span>19<\/span><a [^>]*>20<\/a>.*?class="code">line 19</, "one line came in above");
  match(more, /@@ -3,26 \+3,27 @@/);
  equal(more.match(new RegExp(row(9), "g"))?.length, 1, "no line stands there twice");
  // What was shown stays, and the whole gap at last; the end of the file is known then.
  const all = await scene.page("?expand=a.txt%3A1-300");
  for (const line of [1, 100, 201]) match(all, row(line));
  doesNotMatch(all, /expand=/);
  equal(all.match(/<tr class="hunk">/g)?.length, 1);
  for (const bad of ["a.txt%3A9-2", "a.txt%3Ax-y", "none%3A1-2", "%3A1-2"]) {
    doesNotMatch(await scene.page(`?expand=${bad}`), row(20));
  }
});

Deno.test("a link or form in a file is answered with that file alone, and the list of files", async () => {
  await using scene = await ReviewScene.make({ "a.ts": "a\n", "b.ts": "b\n" });
  await scene.turn({ "a.ts": "aa\n", "b.ts": "bb\n" });
  scene.toReview();
  const id = fileId("b.ts");
  const answer = await scene.pages.get(`${scene.href}?file=b.ts`, { "hx-target": `div#${id}` });
  match(answer.headers.get("vary")!, /HX-Target/);
  const html = await answer.text();
  ok(html.startsWith(`<div class="file-box" id="${id}"`));
  match(html, /<hx-partial hx-target="#review-files"/);
  doesNotMatch(html, /<html|id="file-a-2e-ts"/);
  match(await scene.page("", { "hx-target": "div#file-none" }), /<html/);
});

Deno.test("code has colours, words are marked within them, and what a file says is only text", async () => {
  const evil = `const x = "</td><script>alert(1)</script>"; // <b>&amp;</b>\n`;
  await using scene = await ReviewScene.make({ "a.ts": "const x = 1; // one\n", "b.zzz": "x\n" });
  await scene.turn({ "a.ts": "const x = 2; // one\n", "b.zzz": "const\n", "evil.ts": evil });
  scene.toReview();
  // One load takes only so much time for new colours, and colours one file at least.
  for (const _file of ["a.ts", "b.zzz"]) await scene.page();
  const html = await scene.page();
  match(
    html,
    /<span class="c-keyword">const<\/span> x = <span class="word"><span class="c-number">2<\/span><\/span>; <span class="c-comment">\/\/ one<\/span>/,
  );
  doesNotMatch(html, /<script>alert|<b>&/);
  match(html, /<span class="c-string">&quot;&lt;\/td&gt;&lt;script&gt;/);
  match(html, /class="code">const<\/td>/, "an unknown kind of file has none");
});

Deno.test("binary, renamed, deleted, mode-only, generated and long files are shown for what they are", async () => {
  await using scene = await ReviewScene.make({
    ".gitattributes": "*.gen.ts linguist-generated\nkept.lock -linguist-generated\n",
    "a.gen.ts": "a\n",
    "deno.lock": "a\n",
    "kept.lock": "a\n",
    "tool.sh": "#!/bin/sh\n",
    "old name.txt": numbered("line", 9),
    "gone.txt": numbered("gone", 300),
    "long.txt": "",
  });
  await Deno.writeFile(join(scene.worktree, "ship.png"), new Uint8Array([137, 0, 1, 2]));
  await Deno.rename(join(scene.worktree, "old name.txt"), join(scene.worktree, "new.txt"));
  await Deno.chmod(join(scene.worktree, "tool.sh"), 0o755);
  await scene.turn({
    "a.gen.ts": "b\n",
    "deno.lock": "b\n",
    "kept.lock": "b\n",
    "gone.txt": null,
    "long.txt": numbered("long", 2_000),
  });
  scene.toReview();
  const html = await scene.page();
  const said = (path: string) =>
    new RegExp(`id="${fileId(path)}"[^]*?</details>`).exec(html)![0].replaceAll(/<[^>]*>/g, " ");
  match(said("a.gen.ts"), /Generated, by \.gitattributes: +show 2 lines/);
  match(said("deno.lock"), /Written by a tool: +show 2 lines/);
  match(said("kept.lock"), /\+ +b/, "the repository's word goes before the name");
  match(said("tool.sh"), /The file became executable/);
  match(said("new.txt"), /old name\.txt → new\.txt[^]*Renamed, with the same content/);
  match(said("gone.txt"), /\(deleted\)[^]*The file is deleted: +show 300 lines/);
  match(said("long.txt"), /A long diff: +show 2,000 lines/);
  match(said("ship.png"), /A binary file/);
  match(await scene.page("?file=gone.txt"), /class="code">gone 300</);
});

Deno.test("generatedBy() reads the last rule that fits, with its ways to say no", async () => {
  const says = await generatedBy(
    "# all\n/dist/** linguist-generated=true -diff\n*.pb.go text linguist-generated\n" +
      "own.pb.go linguist-generated=false\n!\n[attr]x y\nx\n",
  );
  deepEqual(
    ["dist/a.js", "a/b.pb.go", "a/own.pb.go", "src/a.ts", "../a.pb.go"].map(says),
    [true, true, false, null, null],
  );
});

Deno.test("a file says which subtasks it serves, and a hunk on request which of them", async () => {
  const before = numbered("line", 40);
  await using scene = await ReviewScene.make({ "a.txt": before, "b.txt": "b\n" });
  const first = before.replace("line 3\n", "three\n");
  await scene.turn({ "a.txt": first, "b.txt": "bb\n" }, scene.run(1));
  await scene.turn({ "a.txt": first.replace("line 30\n", "thirty\n") }, scene.run(2));
  scene.toReview();
  const html = await scene.page();
  const words = html.replaceAll(/<[^>]*>/g, "");
  match(words, /For subtask 2: Test it \(turn 1 of feature-dev\); subtask 1: Say it \(turn 1/);
  equal(html.match(/class="why"/g)?.length, 2, "b.txt has one answer, so it need not be asked");
  match(html, /href="\/runs\/run_\w+\?all=1#e1"/);
  const of = async (line: number) => {
    const page = await scene.page(`?why=a.txt%3A${line}`);
    return [...page.matchAll(/<th [^>]*scope="rowgroup">(.*?)<\/th>/g)]
      .flatMap(([, head]) => /<p class="origin[^>]*>(.*)<\/p>/.exec(head!)?.[1] ?? [])
      .map((text) => text.replaceAll(/<[^>]*>/g, ""));
  };
  deepEqual(await of(3), ["For subtask 1: Say it (turn 1 of feature-dev)"]);
  deepEqual(await of(30), ["For subtask 2: Test it (turn 1 of feature-dev)"]);
  deepEqual(await of(1), [], "a line that was there before has no answer");
  const { baseCommit: base, headCommit: head } = scene.ticket;
  const range = { repo: scene.repo.dir, base: base!, head: head!, path: "a.txt", signal: never };
  equal((await originsOf({ ...range, first: 1, last: 40 })).length, 2);
  deepEqual(await originsOf({ ...range, first: 5, last: 9 }), []);
});

Deno.test("a comment's form begins with the lines on request, as a suggestion to change", async () => {
  await using scene = await ReviewScene.make({ "a.txt": "a\n" });
  await scene.turn({ "a.txt": "one\ntwo\n<three>\n" });
  scene.toReview();
  const form = async (query: string) =>
    /<textarea[^>]*>([^<]*)</.exec((await scene.page(query)).split('id="comment-form"')[1]!)![1];
  equal(await form("?comment=a.txt%3A2"), "");
  equal(await form("?comment=a.txt%3A2&suggest=1"), "```suggestion\ntwo\n```\n");
  equal(
    await form("?comment=a.txt%3A3&suggest=1&from=1"),
    "```suggestion:-2+0\none\ntwo\n&lt;three>\n```\n",
  );
  equal(await form("?comment=a.txt%3A-1&suggest=1"), "");
  scene.comment("a.txt", 2, suggestion("2\n"));
  match(await scene.page(), /Apply suggestion to line 2/);
});

Deno.test("a verdict leads to the lines that show it, also to those that the diff does not have", async () => {
  const before = numbered("line", 90);
  await using scene = await ReviewScene.make({ "a.txt": before });
  await scene.turn({ "a.txt": before.replace("line 5\n", "five\n") });
  const evidence = "`a.txt:5` says it, and a.txt:60; b.txt:1 is no file of the diff";
  scene.toReview({ reviewVerdicts: [{ criterion: "It says five", met: true, evidence }] });
  const finding = scene.finding("a.txt", 70, "Mind it");
  const html = await scene.page();
  const jumps = [...html.matchAll(/class="jump small" href="([^"]*)"/g)].map(([, href]) => href!);
  const id = (line: number) => lineId({ path: "a.txt", line, side: "new" });
  deepEqual(jumps, [`#${id(5)}`, `${scene.href}?expand=a.txt%3A57-63#${id(60)}`]);
  match(html, new RegExp(`id="R-${id(5)}"[^]*It says five`));
  match(html, new RegExp(`href="#finding-${finding.id}"`), "it stands at the file's head");
  const more = await scene.page("?expand=a.txt%3A57-63");
  match(more, new RegExp(`id="R-${id(60)}"[^]*It says five`));
});

Deno.test("what can't be shown of one file, a very large one or a submodule, leaves the review as it is", async () => {
  const large = numbered("a line of a long file", 100_000);
  await using scene = await ReviewScene.make({ "large.txt": large, "a.txt": "a\n" });
  await scene.turn({ "large.txt": large.replace("file 500\n", "file five hundred\n") });
  const module = `160000,${scene.ticket.headCommit},sub`;
  await scene.repo.git("-C", scene.worktree, "update-index", "--add", "--cacheinfo", module);
  await scene.repo.git("-C", scene.worktree, "commit", "-q", "-m", "A module");
  const headCommit = await scene.repo.git("rev-parse", scene.branch);
  scene.app.tx((tx) => updateTicket(tx, scene.id, { headCommit }));
  scene.toReview();
  match(await scene.page(), /Show 20 more below/);
  for (const query of ["?expand=large.txt:504-523", "?expand=sub:2-9", "?why=sub:1"]) {
    const answer = await scene.pages.get(scene.href + query);
    equal(answer.status, 200, query);
    const html = await answer.text();
    match(html, /five hundred/);
    if (query.includes("large")) doesNotMatch(html, /Show 20 more below/);
    if (query.includes("why")) match(html, /Nobody knows which step wrote these lines/);
  }
});

Deno.test("files are searched by a part of their path, and the search stays while the layout changes", async () => {
  const files = Object.fromEntries(
    Array.from({ length: 12 }, (_, n) => [`src/part${n}.ts`, "a\n"]),
  );
  await using scene = await ReviewScene.make({ "README.md": "one\n" });
  await scene.turn(files);
  scene.toReview();
  match(await scene.page(), /<form action="[^"]*\/review" class="filter-form" role="search"/);
  const html = await scene.page("?only=PART1");
  deepEqual(filesIn(html), ["src/part1.ts", "src/part10.ts", "src/part11.ts"]);
  match(html, />3 of 12 files</);
  match(html, /href="[^"]*\?only=PART1&amp;layout=split"/);
  match(html, /\?only=PART1&amp;comment=/);
  match(await scene.page("?only=none"), /No changed file has &quot;none&quot; in its path/);
});
