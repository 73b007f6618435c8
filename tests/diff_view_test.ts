/** Parts of the diff's view that no page is needed for: gaps between hunks, colours, what the address says. */
import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { migrate, openDb } from "../server/db.ts";
import { migrations } from "../server/migrations/mod.ts";
import { layoutToKeep, readReviewQuery } from "../server/pages/review_query.ts";
import { listComments } from "../server/store/reviews.ts";
import { loadColours, readHtml } from "../views/code_colours.ts";
import { expandHunks, gapsOf, parseRange } from "../views/diff_gaps.ts";
import { escape } from "../views/diff_lines.tsx";
import * as a from "./pages_fixture.ts";

/** Two hunks of a file in which line 11 is new: lines 10 to 14 and 40 to 43 of the new version. */
const hunks = [
  { header: "@@ one", lines: a.lines(10, 10, [" 10", "+new", " 11", " 12", " 13"]) },
  { header: "@@ two", lines: a.lines(39, 40, [" 39", " 40", " 41", "-42", " 43", " 44", " 45"]) },
];
const file = Array.from({ length: 60 }, (_, i) => `n${i + 1}`);
const places = (all: typeof hunks) =>
  all.map(({ lines }) => [lines[0]!, lines.at(-1)!].map((line) => [line.oldLine, line.newLine]));

Deno.test("gapsOf() names what lies before, between and after the hunks", () => {
  deepEqual(gapsOf(hunks, 60), [
    { from: 1, to: 9, size: 9 },
    { from: 15, to: 39, size: 25 },
    { from: 46, to: 60, size: 15 },
  ]);
  deepEqual(gapsOf(hunks, null)[2], { from: 46, to: 65, size: null });
  equal(gapsOf(hunks, 45)[2], null);
  deepEqual(gapsOf([{ header: "@@", lines: a.lines(0, 1, ["+a"]) }], 1), [null], "a new file");
  const ended = [{ header: "@@", lines: a.lines(1, 1, [" a", "+b", " c"]) }];
  equal(gapsOf(ended, null)[1], null, "less than three lines follow: it is the file's end");
});

Deno.test("expandHunks() numbers both sides, joins what meets, and never goes out of its gap", () => {
  const some = expandHunks(hunks, [{ from: 15, to: 20 }], file);
  deepEqual(places(some), [[[10, 10], [19, 20]], [[39, 40], [45, 45]]]);
  equal(some[0]!.header, "@@ -10,10 +10,11 @@");
  equal(some[1], hunks[1], "a hunk that stays is the very same, and keeps its colours");
  const lone = expandHunks(hunks, [{ from: 22, to: 24 }], file);
  deepEqual(places(lone)[1], [[21, 22], [23, 24]]);
  const all = expandHunks(hunks, [{ from: 1, to: 30 }, { from: 20, to: 999 }], file);
  deepEqual(places(all), [[[1, 1], [60, 60]]]);
  deepEqual(
    all[0]!.lines.map(({ newLine }) => newLine).filter((n) => n !== null),
    [
      ...Array(60).keys(),
    ].map((n) => n + 1),
  );
  deepEqual(expandHunks([], [{ from: 1, to: 9 }], file), []);
});

Deno.test("parseRange() reads ranges of lines and nothing else", () => {
  deepEqual(parseRange("3-9"), { from: 3, to: 9 });
  for (const text of ["", "0-1", "9-3", "a-b", "1-", "-1", "1-123456789"]) {
    equal(parseRange(text), null);
  }
});

Deno.test("readHtml() gives each line its colours, in spans that go over lines and stand in one another", () => {
  deepEqual(
    readHtml(
      'a &lt;<span class="hljs-string">&quot;x\ny<span class="hljs-subst">z</span>&quot;</span>\n' +
        '<span class="hljs-unknown">u</span>',
    ),
    [
      [{ from: 3, to: 5, class: "c-string" }],
      [{ from: 0, to: 3, class: "c-string" }],
      [],
    ],
  );
});

Deno.test("loadColours() colours both sides of a hunk as code of their own, within its time", async () => {
  const hunk = { header: "@@", lines: a.lines(1, 1, [" let a;", "-/* b", "+let b;", " let c;"]) };
  equal((await loadColours(0))("a.ts", hunk), null, "no time is left");
  const colours = (await loadColours(1_000))("a.ts", hunk)!;
  deepEqual(colours.map(([first]) => first?.class), [
    ...["c-keyword", "c-comment", "c-keyword", "c-keyword"],
  ]);
  equal((await loadColours(0))("a.ts", hunk), colours, "kept");
  const long = { header: "@@", lines: a.lines(1, 1, [`+let a = "${"x".repeat(600)}";`]) };
  equal((await loadColours())("a.ts", long), null);
  for (const path of ["a.constructor", "toString", "a"]) {
    equal((await loadColours())(path, { header: "", lines: hunk.lines }), null);
  }
});

Deno.test("escape() leaves nothing that HTML would take for its own", () => {
  equal(escape(`<a href="x">&amp;'`), "&lt;a href=&quot;x&quot;&gt;&amp;amp;'");
});

Deno.test("the address of a review is read with its bounds, the layout from it or from the cookie", () => {
  const read = (text: string, cookie?: string) =>
    readReviewQuery(new URLSearchParams(text), cookie);
  const many = Array.from({ length: 80 }, (_, n) => `expand=a:${n + 1}-${n + 2}`).join("&");
  equal(read(many).expand.get("a")!.length, 50);
  deepEqual([...read("expand=a:b:1-2&expand=:1-2&expand=c").expand.keys()], ["a:b"]);
  deepEqual(read("", "split.space.junk").layout, {
    split: true,
    ignoreSpace: true,
    nowrap: false,
  });
  equal(read("layout=unified", "split").layout.split, false);
  equal(layoutToKeep(new URLSearchParams("range=look"), read("").layout), null);
  const off = new URLSearchParams("layout=unified");
  equal(layoutToKeep(off, read("layout=unified", "split").layout), "plain");
  deepEqual([read("from=0").from, read("from=7").from, read("range=x").range], [null, 7, "all"]);
});

Deno.test("comments from before reviews had marks are kept, about a commit that nobody knows", () => {
  const db = openDb(":memory:");
  try {
    const now = "2026-01-02T03:04:05.000Z";
    const at = migrations.findIndex(({ name }) => name.endsWith("review_marks"));
    ok(at > 0);
    migrate(db, now, migrations.slice(0, at));
    db.exec("PRAGMA foreign_keys = OFF");
    db.exec(`INSERT INTO comments (id, ticket_id, path, line, body, author, created_at)
      VALUES ('comment_1', 'ticket_1', 'a', 1, 'Why?', 'owner', '${now}')`);
    migrate(db, now);
    const [comment] = listComments(db, "ticket_1");
    deepEqual([comment?.body, comment?.commit, comment?.appliedCommit], ["Why?", null, null]);
  } finally {
    db.close();
  }
});
