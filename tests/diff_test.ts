import { deepStrictEqual as deepEqual, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { diffOf } from "../agents/git/changes.ts";
import {
  DIFF_FILE_LINES,
  DIFF_FILES,
  DIFF_LINE_CHARS,
  DIFF_LINES,
  parseDiff,
} from "../agents/git/diff.ts";
import type { DiffFile } from "../server/records.ts";
import { never, TestRepo } from "./git_support.ts";

/** What git says about the change that `edit` makes, parsed. */
async function diffAfter(
  files: Record<string, string>,
  edit: (repo: TestRepo) => Promise<unknown>,
): Promise<DiffFile[]> {
  await using repo = await TestRepo.make(files);
  const from = await repo.git("rev-parse", "HEAD");
  await edit(repo);
  const to = await repo.commit("Edit");
  const { text } = await diffOf({ repo: repo.dir, from, to, signal: never });
  const parsed = parseDiff(text);
  equal(parsed.truncated, false);
  deepEqual(
    await countsByGit(repo, from, to),
    parsed.files.map(({ additions, deletions, binary }) =>
      binary ? ["-", "-"] : [String(additions), String(deletions)]
    ),
  );
  return parsed.files;
}

async function countsByGit(repo: TestRepo, from: string, to: string): Promise<string[][]> {
  const text = await repo.git("diff-tree", "-r", "-M", "--numstat", from, to);
  return text.split("\n").map((line) => line.split("\t").slice(0, 2));
}

const facts = ({ path, oldPath, kind, binary }: DiffFile) => ({ path, oldPath, kind, binary });
const lines = (file: DiffFile | undefined) =>
  file?.hunks.flatMap((hunk) =>
    hunk.lines.map((line) => [line.kind, line.oldLine, line.newLine, line.text])
  );

Deno.test("parseDiff() numbers the lines of a changed file on both sides", async () => {
  const before = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`);
  const [file, ...rest] = await diffAfter({ "a.txt": before.join("\n") + "\n" }, async (repo) => {
    const after = before.with(1, "second").toSpliced(19, 1).toSpliced(25, 0, "inserted");
    await repo.write("a.txt", after.join("\n") + "\n");
  });
  equal(rest.length, 0);
  deepEqual(file && facts(file), { path: "a.txt", oldPath: null, kind: "modified", binary: false });
  deepEqual(file?.hunks.map((hunk) => hunk.header.slice(0, 19)), [
    "@@ -1,5 +1,5 @@",
    "@@ -17,13 +17,13 @@ ".trim(),
  ]);
  deepEqual(lines(file)?.slice(0, 4), [
    ["context", 1, 1, "line 1"],
    ["removed", 2, null, "line 2"],
    ["added", null, 2, "second"],
    ["context", 3, 3, "line 3"],
  ]);
  const known = lines(file) ?? [];
  ok(known.every(([kind, old, , text]) => kind === "added" || before[Number(old) - 1] === text));
});

Deno.test("parseDiff() tells added, deleted, renamed and mode-only files apart", async () => {
  const text = "1\n2\n3\n4\n5\n";
  const before = {
    "gone.txt": "nothing\nlike\nthe\nothers\n",
    "old name.txt": `${text}6\n`,
    "tool.sh": "#!/bin/sh\n",
    "both.sh": text,
    "e": "",
  };
  const files = await diffAfter(before, async (repo) => {
    await repo.git("rm", "-q", "gone.txt", "e");
    await repo.git("mv", "old name.txt", "new name.txt");
    await repo.write("new name.txt", `${text}7\n`);
    await Deno.mkdir(join(repo.dir, "moved b"));
    await repo.git("mv", "tool.sh", "moved b/tool.sh");
    await Deno.chmod(join(repo.dir, "both.sh"), 0o755);
    await repo.write("added.txt", "one\ntwo\n");
    await repo.write("empty.txt", "");
  });
  deepEqual(files.map(facts), [
    { path: "added.txt", oldPath: null, kind: "added", binary: false },
    { path: "both.sh", oldPath: null, kind: "mode", binary: false },
    { path: "empty.txt", oldPath: "e", kind: "renamed", binary: false },
    { path: "gone.txt", oldPath: null, kind: "deleted", binary: false },
    { path: "moved b/tool.sh", oldPath: "tool.sh", kind: "renamed", binary: false },
    { path: "new name.txt", oldPath: "old name.txt", kind: "renamed", binary: false },
  ]);
  deepEqual(lines(files[0]), [["added", null, 1, "one"], ["added", null, 2, "two"]]);
  deepEqual(lines(files[3])?.at(-1), ["removed", 4, null, "others"]);
});

Deno.test("parseDiff() calls a file modified when both its mode and its text changed", async () => {
  const [file] = await diffAfter({ "a.sh": "one\n" }, async (repo) => {
    await Deno.chmod(join(repo.dir, "a.sh"), 0o755);
    await repo.write("a.sh", "two\n");
  });
  deepEqual([file?.kind, file?.additions, file?.deletions], ["modified", 1, 1]);
});

Deno.test("parseDiff() marks binary files, changed, renamed and new", async () => {
  const noise = (seed: number) => new Uint8Array(2_000).map((_, index) => index * seed);
  await using repo = await TestRepo.make({});
  await repo.write("old.bin", noise(7));
  await repo.write("moved.bin", noise(3));
  const from = await repo.commit("Binary");
  await repo.git("mv", "moved.bin", "here.bin");
  await repo.write("here.bin", noise(3).with(0, 9));
  await repo.write("old.bin", noise(11));
  await repo.write("new.bin", noise(13));
  const to = await repo.commit("More");
  const { text } = await diffOf({ repo: repo.dir, from, to, signal: never });
  deepEqual(
    parseDiff(text).files.map((file) => [file.path, file.oldPath, file.kind, file.binary]),
    [
      ["here.bin", "moved.bin", "renamed", true],
      ["new.bin", null, "added", true],
      ["old.bin", null, "modified", true],
    ],
  );
  const patch = await repo.git("diff", "--binary", from, to);
  deepEqual(parseDiff(patch).files.map((file) => file.binary), [true, true, true]);
});

Deno.test("parseDiff() marks the line that has no line end, on either side", async () => {
  const [a, b, c] = await diffAfter({ a: "x\ny", b: "x\ny\n", c: "x\ny" }, async (repo) => {
    await repo.write("a", "x\ny\n");
    await repo.write("b", "x\ny");
    await repo.write("c", "z\ny");
  });
  const ends = (file?: DiffFile) =>
    file?.hunks[0]?.lines.map((line) => `${line.kind} ${line.noNewline ?? false}`);
  deepEqual(ends(a), ["context false", "removed true", "added false"]);
  deepEqual(ends(b), ["context false", "removed false", "added true"]);
  deepEqual(ends(c), ["removed false", "added false", "context true"]);
});

Deno.test("parseDiff() reads any name: spaces, quotes, tabs, letters of all kinds, ' b/' inside", async () => {
  const names = [
    "a b/x b/y.txt",
    "ünï cödé/日本 🙂.txt",
    'quo"te.txt',
    "back\\slash.txt",
    "tab\there.txt",
    "line\nend.txt",
    "bell\u0007.txt",
    "-leading.txt",
    " leading space",
    "trailing space ",
    "b/b",
    "a/a",
  ];
  const files = await diffAfter({ "README.md": "x\n" }, async (repo) => {
    for (const name of names) await repo.write(name, "new\n");
  });
  deepEqual(files.map((file) => file.path).sort(), names.toSorted());
  const renamed = await diffAfter(
    { "x b/y.txt": "1\n2\n3\n", 'q".txt': "4\n5\n6\n" },
    async (repo) => {
      await repo.write("z b/w b/v.txt", "1\n2\n3\n");
      await repo.git("rm", "-q", "x b/y.txt");
      await repo.git("mv", 'q".txt', "ü\t.txt");
    },
  );
  deepEqual(renamed.map((file) => [file.oldPath, file.path]), [
    ["x b/y.txt", "z b/w b/v.txt"],
    ['q".txt', "ü\t.txt"],
  ]);
});

Deno.test("parseDiff() reads names that git quoted letter by letter", async () => {
  await using repo = await TestRepo.make();
  const from = await repo.git("rev-parse", "HEAD");
  const to = await repo.commit("Edit", { "ü.txt": "x\n" });
  const quoted = await repo.git("-c", "core.quotePath=true", "diff", from, to);
  ok(quoted.includes('"b/\\303\\274.txt"'));
  equal(parseDiff(quoted).files[0]?.path, "ü.txt");
});

Deno.test("parseDiff() takes lines that look like headers for what they are", async () => {
  const [file, other] = await diffAfter(
    { "q.sql": "-- old comment\nkeep\n", z: "z\n" },
    async (repo) => {
      await repo.write("q.sql", "++ b/fake\ndiff --git a/x b/x\n@@ -1 +1 @@\nkeep\n");
      await repo.write("z", "zz\n");
    },
  );
  deepEqual(lines(file), [
    ["removed", 1, null, "-- old comment"],
    ["added", null, 1, "++ b/fake"],
    ["added", null, 2, "diff --git a/x b/x"],
    ["added", null, 3, "@@ -1 +1 @@"],
    ["context", 2, 4, "keep"],
  ]);
  equal(other?.path, "z");
});

Deno.test("parseDiff() keeps carriage returns and lines that are empty", async () => {
  const [file] = await diffAfter(
    { a: "one\r\n\r\n\nend\n" },
    (repo) => repo.write("a", "two\r\n\r\n\nend\n"),
  );
  deepEqual(lines(file), [
    ["removed", 1, null, "one\r"],
    ["added", null, 1, "two\r"],
    ["context", 2, 2, "\r"],
    ["context", 3, 3, ""],
    ["context", 4, 4, "end"],
  ]);
});

Deno.test("parseDiff() reads what other settings of git and plain diff print", async () => {
  await using repo = await TestRepo.make({ "a b.txt": "1\n\n3\n" });
  await repo.write("a b.txt", "1\n\nthree\n");
  for (const option of ["--no-prefix", "--src-prefix=old/", "--no-renames", "--full-index"]) {
    const [file] = parseDiff(await repo.git("diff", option)).files;
    deepEqual([file?.path, file?.additions, file?.deletions], ["a b.txt", 1, 1], option);
  }
  const sparse = await repo.git("-c", "diff.suppressBlankEmpty=true", "diff");
  ok(sparse.includes("\n\n"));
  equal(parseDiff(sparse).files[0]?.hunks[0]?.lines[1]?.text, "");
  const plain = "--- a/x y.ts\t2026-01-01\n+++ b/x y.ts\t2026-01-02\n@@ -1 +1 @@\n-a\n+b\n" +
    "--- /dev/null\n+++ b/n.ts\n@@ -0,0 +1 @@\n+n\n--- old.ts\n+++ /dev/null\n@@ -1 +0,0 @@\n-o\n";
  deepEqual(parseDiff(plain).files.map((file) => [file.path, file.kind, lines(file)?.length]), [
    ["x y.ts", "modified", 2],
    ["n.ts", "added", 1],
    ["old.ts", "deleted", 1],
  ]);
});

Deno.test("parseDiff() shows a file that became a link as removed and added", async () => {
  await using repo = await TestRepo.make({ a: "text\n" });
  const from = await repo.git("rev-parse", "HEAD");
  await Deno.remove(join(repo.dir, "a"));
  await Deno.symlink("target", join(repo.dir, "a"));
  const to = await repo.commit("Link");
  const { text } = await diffOf({ repo: repo.dir, from, to, signal: never });
  deepEqual(parseDiff(text).files.map((file) => [file.path, file.kind]), [["a", "deleted"], [
    "a",
    "added",
  ]]);
});

Deno.test("parseDiff() gives no files for other text, and what is there of a diff cut off", () => {
  for (const text of ["", "\n", "hello\nworld\n", "@@ -1 +1 @@\n-a\n+b\n", "+++ b/x\n"]) {
    deepEqual(parseDiff(text), { files: [], truncated: false });
  }
  const text = "diff --git a/x b/x\nindex 1..2 100644\n--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@\n 1\n-2\n";
  const [file] = parseDiff(text).files;
  deepEqual([file?.path, file?.deletions, file?.hunks[0]?.lines.length], ["x", 1, 2]);
  const damaged = parseDiff(`${text}diff --git a/y b/y\nnew file mode 100644\n`);
  deepEqual(damaged.files.map((file) => file.path), ["x", "y"]);
  equal(damaged.truncated, true);
});

Deno.test("parseDiff() keeps within its limits, counts on, and says so", () => {
  const file = (name: string, lines: number) =>
    `diff --git a/${name} b/${name}\n--- a/${name}\n+++ b/${name}\n@@ -0,0 +1,${lines} @@\n` +
    "+line\n".repeat(lines);
  const kept = (text: string) => {
    const { files, truncated } = parseDiff(text);
    const count = files.reduce((sum, file) => sum + (lines(file)?.length ?? 0), 0);
    return { files: files.length, lines: count, additions: files.at(-1)?.additions, truncated };
  };
  deepEqual(kept(file("a", DIFF_FILE_LINES)), {
    files: 1,
    lines: DIFF_FILE_LINES,
    additions: DIFF_FILE_LINES,
    truncated: false,
  });
  deepEqual(kept(file("a", DIFF_FILE_LINES + 1) + file("b", 2)), {
    files: 2,
    lines: DIFF_FILE_LINES + 2,
    additions: 2,
    truncated: true,
  });
  const many = Array.from({ length: 11 }, (_, index) => file(`f${index}`, DIFF_FILE_LINES)).join(
    "",
  );
  deepEqual(kept(many), {
    files: 11,
    lines: DIFF_LINES,
    additions: DIFF_FILE_LINES,
    truncated: true,
  });
  const files = Array.from({ length: DIFF_FILES + 1 }, (_, index) => file(`f${index}`, 1)).join("");
  deepEqual(kept(files), { files: DIFF_FILES, lines: DIFF_FILES, additions: 1, truncated: true });
  const long = parseDiff(
    `diff --git a/m b/m\n@@ -0,0 +1 @@\n+${"x".repeat(DIFF_LINE_CHARS + 1)}\n`,
  );
  equal(long.files[0]?.hunks[0]?.lines[0]?.text.length, DIFF_LINE_CHARS + 1);
  equal(long.truncated, true);
});
