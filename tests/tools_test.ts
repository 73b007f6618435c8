/** What each tool does and refuses, without the process around it; and what the model is told of them. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal, throws } from "node:assert";
import { checkInput, toolSpec } from "../agents/tools/registry.ts";
import { READ_MAX_BYTES } from "../agents/tools/read.ts";
import type { FileIntent } from "../agents/protocol.ts";
import type { ToolOutput } from "../agents/tools/tool.ts";
import { TestPlace, toolBox } from "./place_support.ts";
import { racingWrite } from "./racing_write.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

// ---------------------------------------------------------------- Read

Deno.test("Read numbers the lines and remembers the content", async () => {
  await using place = new TestPlace({ "src/a.txt": "one\r\ntwo\nthree" });
  const { use } = await toolBox(place);
  const { content, files } = await use("Read", { file_path: "src/a.txt" });
  equal(content, "1\tone\n2\ttwo\n3\tthree");
  deepEqual(Object.keys(files!), ["src/a.txt"]);
  match(files!["src/a.txt"]!, /^[0-9a-f]{64}$/);
  equal((await use("Read", { file_path: `${place.dir}/src/a.txt` })).content, content);
});

Deno.test("Read gives a part, and says how to go on", async () => {
  const lines = Array.from({ length: 3_000 }, (_, i) => `line ${i + 1}`).join("\n");
  await using place = new TestPlace({ "long.txt": lines + "\n" });
  const { use } = await toolBox(place);
  const all = (await use("Read", { file_path: "long.txt" })).content.split("\n");
  equal(all.length, 2_001);
  equal(all[2_000], "[Lines 1 to 2000 of 3000. Read on with offset 2001.]");
  const part = await use("Read", { file_path: "long.txt", offset: 2_999, limit: 2 });
  equal(part.content, "2999\tline 2999\n3000\tline 3000");
});

Deno.test("Read stops at its limit of bytes and cuts endless lines", async () => {
  await using place = new TestPlace({
    "wide.txt": `${"x".repeat(1_000)}\n`.repeat(100),
    "one.js": "y".repeat(300_000),
  });
  const { use } = await toolBox(place);
  const wide = (await use("Read", { file_path: "wide.txt" })).content;
  ok(wide.length <= READ_MAX_BYTES + 100, `${wide.length}`);
  match(wide, /\[Lines 1 to 49 of 100\. Read on with offset 50\.\]$/);
  match((await use("Read", { file_path: "one.js" })).content, /y \[298000 more characters in this/);
});

Deno.test("Read warns of an empty file and of an offset past the end", async () => {
  await using place = new TestPlace({ "empty.txt": "", "a.txt": "one\n" });
  const { use } = await toolBox(place);
  const empty = await use("Read", { file_path: "empty.txt" });
  match(empty.content, /^Warning: .*empty\.txt exists, but it is empty/);
  ok(!empty.isError && empty.files!["empty.txt"], "an empty file can then be overwritten");
  const past = await use("Read", { file_path: "a.txt", offset: 5 });
  equal(past.content, `Warning: ${place.dir}/a.txt has only 1 line; offset 5 is past its end.`);
});

Deno.test("Read refuses what is missing, a folder, or not text", async () => {
  await using place = new TestPlace({ "src/a.txt": "", "logo.png": bytes("\x89PNG\0\0") });
  const { refusal } = await toolBox(place);
  match(await refusal("Read", { file_path: "nope.txt" }), /there is no such file/);
  match(await refusal("Read", { file_path: "src" }), /it is a folder\. Use Glob/);
  match(await refusal("Read", { file_path: "logo.png" }), /binary file \(7 bytes\)/);
});

Deno.test("Read shows bytes that are not UTF-8 as such", async () => {
  await using place = new TestPlace({ "latin.txt": new Uint8Array([0x63, 0xe9, 10]) });
  const { use, refusal } = await toolBox(place);
  match(
    (await use("Read", { file_path: "latin.txt" })).content,
    /^1\tc\uFFFD\n\[Some bytes are not/,
  );
  match(
    await refusal("Edit", { file_path: "latin.txt", old_string: "c", new_string: "d" }),
    /not a text file in UTF-8/,
  );
});

// ---------------------------------------------------------------- Edit

async function editBox(files: Record<string, string>) {
  const place = new TestPlace(files);
  const box = await toolBox(place);
  for (const file_path of Object.keys(files)) await box.use("Read", { file_path });
  return { place, ...box };
}

Deno.test("Edit replaces exactly one place, literally, and answers in one line", async () => {
  await using box = await disposable(editBox({ "a.ts": "let a = 1;\nlet b = 2;\n" }));
  const { content, changed, files, diff } = await box.use("Edit", {
    file_path: "a.ts",
    old_string: "b = 2",
    new_string: "$& $1 `b`",
  });
  equal(content, `Edited ${box.place.dir}/a.ts: replaced 1 occurrence (line 2).`);
  equal(box.place.text("a.ts"), "let a = 1;\nlet $& $1 `b`;\n");
  deepEqual(changed, ["a.ts"]);
  ok(files!["a.ts"]);
  match(
    diff!,
    /^--- a\/a\.ts\n\+\+\+ b\/a\.ts\n@@ -1,2 \+1,2 @@\n let a = 1;\n-let b = 2;\n\+let \$&/,
  );
});

Deno.test("Edit may follow an edit without reading again", async () => {
  await using box = await disposable(editBox({ "a.ts": "one two" }));
  await box.use("Edit", { file_path: "a.ts", old_string: "one", new_string: "1" });
  await box.use("Edit", { file_path: "./a.ts", old_string: "two", new_string: "2" });
  equal(box.place.text("a.ts"), "1 2");
});

Deno.test("Edit refuses text that occurs more than once, unless told to replace all", async () => {
  await using box = await disposable(editBox({ "a.ts": "x\ny\nx\n" }));
  const edit = { file_path: "a.ts", old_string: "x", new_string: "z" };
  match(await box.refusal("Edit", edit), /occurs 2 times \(lines 1, 3\)/);
  equal(box.place.text("a.ts"), "x\ny\nx\n");
  const { content } = await box.use("Edit", { ...edit, replace_all: true });
  match(content, /replaced 2 occurrences/);
  equal(box.place.text("a.ts"), "z\ny\nz\n");
});

Deno.test("Edit refuses what is not there, and points at what differs in white space", async () => {
  await using box = await disposable(editBox({ "a.ts": "if (a) {\n\treturn  b;\n}\n" }));
  const edit = (old_string: string) =>
    box.refusal("Edit", { file_path: "a.ts", old_string, new_string: "c" });
  match(await edit("nothing like it"), /old_string is not in the file\. Read the file again/);
  match(await edit("  return b;"), /Line 2 differs only in white space .*"\\treturn {2}b;"/);
});

Deno.test("Edit refuses a change of nothing, a file not read, and one changed since", async () => {
  await using place = new TestPlace({ "a.ts": "one" });
  const { use, refusal } = await toolBox(place);
  const edit = { file_path: "a.ts", old_string: "one", new_string: "two" };
  match(await refusal("Edit", { ...edit, new_string: "one" }), /nothing would change/);
  match(await refusal("Edit", { ...edit, file_path: "b.ts" }), /no such file\. Use Write/);
  match(await refusal("Edit", edit), /has not been read yet\. Read it first/);
  await use("Read", { file_path: "a.ts" });
  place.put("a.ts", "one more");
  match(await refusal("Edit", edit), /changed after it was read\. Read it again/);
  equal(place.text("a.ts"), "one more");
});

Deno.test("Edit keeps line ends, byte order mark and mode", async () => {
  await using box = await disposable(
    editBox({ "run.sh": "\uFEFFone\r\ntwo\r\n", "mix": "a\r\nb\nc\n" }),
  );
  Deno.chmodSync(`${box.place.dir}/run.sh`, 0o755);
  await box.use("Edit", { file_path: "run.sh", old_string: "one\ntwo", new_string: "1\n2\n3" });
  equal(box.place.text("run.sh"), "\uFEFF1\r\n2\r\n3\r\n");
  equal(Deno.statSync(`${box.place.dir}/run.sh`).mode! & 0o777, 0o755);
  await box.use("Edit", { file_path: "mix", old_string: "b\nc", new_string: "B\nC" });
  await box.use("Edit", { file_path: "mix", old_string: "a\nB", new_string: "A\nB" });
  equal(box.place.text("mix"), "A\r\nB\nC\n");
});

Deno.test("Edit goes through a link inside the project and leaves the link", async () => {
  await using place = new TestPlace({ "real.txt": "one" });
  Deno.symlinkSync("real.txt", `${place.dir}/link.txt`);
  const { use } = await toolBox(place);
  await use("Read", { file_path: "link.txt" });
  const { changed } = await use("Edit", {
    file_path: "link.txt",
    old_string: "one",
    new_string: "two",
  });
  deepEqual(changed, ["real.txt"]);
  ok(Deno.lstatSync(`${place.dir}/link.txt`).isSymlink);
  equal(place.text("real.txt"), "two");
});

// ---------------------------------------------------------------- Write

Deno.test("Write makes a file with its folders", async () => {
  await using place = new TestPlace();
  const { use } = await toolBox(place);
  const made = await use("Write", { file_path: "src/deep/a.ts", content: "one\ntwo\n" });
  equal(made.content, `Made ${place.dir}/src/deep/a.ts (2 lines).`);
  deepEqual(made.changed, ["src/deep/a.ts"]);
  match(made.diff!, /^--- \/dev\/null\n\+\+\+ b\/src\/deep\/a\.ts\n/);
  equal(place.text("src/deep/a.ts"), "one\ntwo\n");
  deepEqual([...Deno.readDirSync(`${place.dir}/src/deep`)].map((e) => e.name), ["a.ts"]);
});

Deno.test("Write replaces only what was read and is unchanged", async () => {
  await using place = new TestPlace({ "a.ts": "one" });
  const { use, refusal } = await toolBox(place);
  const write = { file_path: "a.ts", content: "two" };
  match(await refusal("Write", write), /has not been read yet/);
  await use("Read", { file_path: "a.ts" });
  match((await use("Write", write)).content, /^Replaced /);
  const same = await use("Write", write);
  match(same.content, /exactly this content already/);
  equal(same.changed, undefined);
  place.put("a.ts", "three");
  match(await refusal("Write", { ...write, content: "four" }), /changed after it was read/);
});

Deno.test("Write refuses a folder, and a path through a file", async () => {
  await using place = new TestPlace({ "src/a.ts": "" });
  const { refusal } = await toolBox(place);
  match(await refusal("Write", { file_path: "src", content: "" }), /it is a folder/);
  match(await refusal("Write", { file_path: "src/a.ts/b", content: "" }), /a file, not a folder/);
});

Deno.test("Write clears away what an interrupted write left, and cleans up after a failed one", async () => {
  await using place = new TestPlace({ "src/.gaffer-unfinished": "half", "other/x": "" });
  const [dir, moved] = [place.dir, `${place.dir}/other`];
  const { use } = await toolBox(place);
  await use("Write", { file_path: "src/a.ts", content: "whole" });
  deepEqual([...Deno.readDirSync(`${place.dir}/src`)].map((e) => e.name), ["a.ts"]);
  const { why } = await racingWrite({ dir, moved, path: "other/y", at: 1, to: place.outside });
  match(why, /was replaced while/);
  deepEqual([...Deno.readDirSync(place.outside)].map((e) => e.name), ["secret.txt"]);
});

// ---------------------------------------------------------------- writing in two steps

const change = { file_path: "a.ts", old_string: "one", new_string: "two" };
/** What a plan says that will be written. */
const intentOf = ({ changed, files, content }: ToolOutput): FileIntent => ({
  path: changed![0]!,
  hash: files![changed![0]!]!,
  content,
});

Deno.test("a plan tells what a call will write, and touches no file", async () => {
  await using box = await disposable(editBox({ "a.ts": "one\n" }));
  const plan = await box.use("Edit", change, { plan: true });
  equal(box.place.text("a.ts"), "one\n");
  // In toolBox a plan counts as read, so the file must be read again.
  await box.use("Read", { file_path: "a.ts" });
  const { diff, ...done } = await box.use("Edit", change, { intent: intentOf(plan) });
  deepEqual(done, plan);
  match(diff!, /-one\n\+two/);
  equal(box.place.text("a.ts"), "two\n");
  const made = await box.use("Write", { file_path: "new/b.ts", content: "b" }, { plan: true });
  deepEqual([made.changed, box.place.exists("new")], [["new/b.ts"], false]);
});

Deno.test("a plan tells a person the change, whether it makes the file, and where links lead", async () => {
  await using box = await disposable(editBox({ "a.ts": "one\n", "src/b.ts": "one\n" }));
  const { diff, makesFile } = await box.use("Edit", change, { plan: "diff" });
  match(diff!, /^--- a\/a\.ts\n\+\+\+ b\/a\.ts\n[^]*-one\n\+two\n$/);
  equal(makesFile, undefined);
  Deno.symlinkSync("src", `${box.place.dir}/link`);
  const made = await box.use("Write", { file_path: "link/new.ts", content: "n\n" }, {
    plan: "diff",
  });
  deepEqual([made.changed, made.makesFile], [["src/new.ts"], true]);
  match(made.diff!, /^--- \/dev\/null\n\+\+\+ b\/src\/new\.ts\n[^]*\+n\n$/);
  deepEqual([box.place.text("a.ts"), box.place.exists("src/new.ts")], ["one\n", false]);
});

Deno.test("what was written before a crash is not written again, and its answer is the same", async () => {
  for (const [name, input] of [["Edit", change], ["Write", { file_path: "a.ts", content: "2" }]]) {
    await using box = await disposable(editBox({ "a.ts": "one\n" }));
    const intent = intentOf(await box.use(name as string, input as typeof change, { plan: true }));
    await box.use("Read", { file_path: "a.ts" });
    const { diff: _, ...first } = await box.use(name as string, input as typeof change, { intent });
    const { ino } = Deno.statSync(`${box.place.dir}/a.ts`);
    deepEqual(await box.use(name as string, input as typeof change, { intent }), first);
    equal(Deno.statSync(`${box.place.dir}/a.ts`).ino, ino, "each write makes a new file");
  }
});

Deno.test("a file that something else has changed since the plan is left alone", async () => {
  await using box = await disposable(editBox({ "a.ts": "one\n" }));
  const intent = intentOf(await box.use("Edit", change, { plan: true }));
  box.place.put("a.ts", "one, by another\n");
  match(await box.refusal("Edit", change, { intent }), /changed after it was read/);
  equal(box.place.text("a.ts"), "one, by another\n");
  Deno.removeSync(`${box.place.dir}/a.ts`);
  match(await box.refusal("Edit", change, { intent }), /there is no such file/);
});

Deno.test("writing what is there already is no change", async () => {
  await using box = await disposable(editBox({ "a.ts": "one" }));
  const same = await box.use("Write", { file_path: "a.ts", content: "one" }, { plan: true });
  equal(same.changed, undefined);
});

// ---------------------------------------------------------------- Glob

const tree = {
  ".gitignore": "/dist\n*.log\n!keep.log\n",
  "a.ts": "",
  "b.log": "",
  "keep.log": "",
  "dist/out.ts": "",
  "src/b.ts": "",
  "src/.gitignore": "gen/\n!b.log\n",
  "src/b.log": "",
  "src/gen/c.ts": "",
  "src/.hidden/d.ts": "",
  ".git/e.ts": "",
  "node_modules/f/f.ts": "",
  ".env": "",
};

Deno.test("Glob lists what git would, the latest first", async () => {
  await using place = new TestPlace(tree);
  const { use } = await toolBox(place);
  const names = ["src/.hidden/d.ts", "a.ts", "src/b.ts"];
  names.forEach((name, i) => Deno.utimeSync(`${place.dir}/${name}`, 0, 1_000 - i));
  const { content } = await use("Glob", { pattern: "**/*.ts" });
  deepEqual(content.split("\n"), names.map((name) => `${place.dir}/${name}`));
  const list = async (pattern: string, path?: string) =>
    (await use("Glob", { pattern, path })).content.split("\n")
      .map((line) => line.replace(`${place.dir}/`, "")).sort();
  deepEqual(await list("*"), [".gitignore", "a.ts", "keep.log"]);
  deepEqual(await list("**/*.log"), ["keep.log", "src/b.log"]);
  deepEqual(await list("*.ts", "src"), ["src/b.ts"]);
  deepEqual(await list("src/*.{ts,log}"), ["src/b.log", "src/b.ts"]);
  deepEqual(await list(`${place.dir}/src/*.ts`), ["src/b.ts"]);
});

Deno.test("Glob looks into an ignored folder that is asked for by name", async () => {
  await using place = new TestPlace(tree);
  const { use } = await toolBox(place);
  match((await use("Glob", { pattern: "dist/*.ts" })).content, /dist\/out\.ts$/);
  match((await use("Glob", { pattern: "**/*.ts", path: "node_modules/f" })).content, /f\.ts$/);
});

Deno.test("Glob says when nothing matches and when there is more", async () => {
  const many = Object.fromEntries(Array.from({ length: 205 }, (_, i) => [`f/${i}.txt`, ""]));
  await using place = new TestPlace(many);
  const { use, refusal } = await toolBox(place);
  equal((await use("Glob", { pattern: "*.rs" })).content, `No files match *.rs in ${place.dir}.`);
  const lines = (await use("Glob", { pattern: "**" })).content.split("\n");
  equal(lines.length, 201);
  match(lines[200]!, /205 files match; these are the 200 changed last/);
  match(await refusal("Glob", { pattern: "../*" }), /can't leave it/);
  match(await refusal("Glob", { pattern: "/etc/*" }), /relative to the folder/);
  match(await refusal("Glob", { pattern: "*", path: "nope" }), /not a folder that can be read/);
});

Deno.test("Glob and Grep do not follow links", async () => {
  await using place = new TestPlace({ "a/b.txt": "needle" });
  Deno.symlinkSync("..", `${place.dir}/a/up`);
  Deno.symlinkSync(place.outside, `${place.dir}/out`);
  Deno.symlinkSync(`${place.outside}/secret.txt`, `${place.dir}/link.txt`);
  const { use } = await toolBox(place);
  equal((await use("Glob", { pattern: "**" })).content, `${place.dir}/a/b.txt`);
  equal((await use("Grep", { pattern: "needle|secret" })).content, `${place.dir}/a/b.txt`);
});

// ---------------------------------------------------------------- Grep

const code = {
  "a.ts": "import x\nconst foo = 1;\nfoo(bar)\nend\n",
  "b.py": "FOO\r\nprint(1)\r\n",
  "c.md": "nothing\n",
  "bin": "foo\0",
  ".gitignore": "skip\n",
  "skip/d.ts": "foo",
};

async function grep(place: TestPlace, input: Record<string, unknown>): Promise<string> {
  const { use } = await toolBox(place);
  return (await use("Grep", input)).content.replaceAll(`${place.dir}/`, "");
}

Deno.test("Grep lists files, counts, or shows lines", async () => {
  await using place = new TestPlace(code);
  equal(await grep(place, { pattern: "foo" }), "a.ts");
  equal(await grep(place, { pattern: "foo", "-i": true }), "a.ts\nb.py");
  equal(await grep(place, { pattern: "(?i)foo$" }), "b.py");
  equal(await grep(place, { pattern: "foo", output_mode: "count" }), "a.ts:2");
  equal(
    await grep(place, { pattern: "foo\\(", output_mode: "content" }),
    "a.ts:3:foo(bar)",
  );
  equal(
    await grep(place, { pattern: "foo\\(", output_mode: "content", "-n": false }),
    "a.ts:foo(bar)",
  );
  equal(await grep(place, { pattern: "no such" }), 'No matches for "no such".');
});

Deno.test("Grep shows context as ripgrep does", async () => {
  await using place = new TestPlace({ "a": "1\n2\nx\n4\n5\n6\n7\nx\n", "b": "x\n" });
  equal(
    await grep(place, { pattern: "x", output_mode: "content", "-B": 1, "-A": 1 }),
    "a-2-2\na:3:x\na-4-4\n--\na-7-7\na:8:x\n--\nb:1:x",
  );
  equal(
    await grep(place, { pattern: "x", output_mode: "content", "-C": 2, path: "a" }),
    "a-1-1\na-2-2\na:3:x\na-4-4\na-5-5\na-6-6\na-7-7\na:8:x",
  );
});

Deno.test("Grep is limited to a path, a glob and a type", async () => {
  await using place = new TestPlace({ ...code, "src/e.ts": "foo", "src/e.js": "foo" });
  equal(await grep(place, { pattern: "foo", path: "src" }), "src/e.js\nsrc/e.ts");
  equal(await grep(place, { pattern: "foo", path: "src/e.js" }), "src/e.js");
  equal(await grep(place, { pattern: "foo", type: "ts" }), "a.ts\nsrc/e.ts");
  equal(await grep(place, { pattern: "foo", glob: "*.js" }), "src/e.js");
  equal(await grep(place, { pattern: "foo", glob: "src/*.{js,ts}" }), "src/e.js\nsrc/e.ts");
  equal(await grep(place, { pattern: "foo", glob: "!*.ts" }), "src/e.js");
  const { refusal } = await toolBox(place);
  match(await refusal("Grep", { pattern: "x", type: "klingon" }), /there are c, .*Use glob/);
  match(await refusal("Grep", { pattern: "x", path: "nope" }), /no such file or folder/);
});

Deno.test("Grep spans lines when told to", async () => {
  await using place = new TestPlace({ "a": "one\r\ntwo\nthree\n" });
  equal(
    await grep(place, { pattern: "one.two", output_mode: "content" }),
    'No matches for "one.two".',
  );
  equal(
    await grep(place, { pattern: "one$.tw", multiline: true, output_mode: "content" }),
    "a:1:one\na:2:two",
  );
});

Deno.test("Grep gives a part and says how to go on", async () => {
  await using place = new TestPlace({ "a": "x\n".repeat(5) });
  const input = { pattern: "x", output_mode: "content", head_limit: 2 };
  equal(
    await grep(place, { ...input, offset: 2 }),
    "a:3:x\na:4:x\n[There is more. Go on with offset 4, or narrow the search.]",
  );
  equal(await grep(place, { ...input, offset: 4 }), "a:5:x");
  match(await grep(place, { ...input, offset: 9 }), /^No more results: there are 5 lines/);
  place.put("wide", `${"x".repeat(600)}\n`.repeat(1_000));
  const wide = await grep(place, { pattern: "x", path: "wide", output_mode: "content" });
  ok(wide.length < 31_000, `${wide.length}`);
  match(wide, /100 more characters in this line[^]*There is more/);
});

Deno.test("Grep takes sloppy patterns and refuses broken ones", async () => {
  await using place = new TestPlace({ "a.go": "func f() interface{} { return x\\-y }\n" });
  equal(await grep(place, { pattern: "interface{}" }), "a.go");
  equal(await grep(place, { pattern: "\\-y" }), "a.go");
  const { refusal } = await toolBox(place);
  match(await refusal("Grep", { pattern: "f(" }), /not a valid regular expression .*Escape/);
});

// ---------------------------------------------------------------- Bash

Deno.test("Bash joins the outputs, and reports a failure first", async () => {
  await using place = new TestPlace();
  const { use } = await toolBox(place);
  const good = await use("Bash", { command: "echo out; echo err >&2; echo out2" });
  deepEqual([good.content, good.isError, good.exitCode], ["out\nerr\nout2", false, 0]);
  const bad = await use("Bash", { command: "echo why; exit 3" });
  deepEqual([bad.content, bad.isError, bad.exitCode], ["Exit code 3\nwhy", true, 3]);
  equal((await use("Bash", { command: "true" })).content, "(no output)");
  equal((await use("Bash", { command: 'cat; echo $# "[$1]"' })).content, "0 []");
});

Deno.test("Bash carries the folder over, but only inside the project", async () => {
  await using place = new TestPlace({ "src/a": "" });
  const box = await toolBox(place);
  await box.use("Bash", { command: "cd src; X=1" });
  const second = await box.use("Bash", { command: 'pwd; echo "[$X]"' });
  equal(second.content, `${place.dir}/src\n[]`);
  const out = await box.use("Bash", { command: "cd /; pwd" });
  match(out.content, /^\/\n\[The shell ended outside of the project/);
  equal(box.cwd, "src");
  await box.use("Bash", { command: "rmdir /nonexistent; cd ..; rm -r src" });
  equal(box.cwd, "");
});

Deno.test("Bash starts at the top when its folder is gone", async () => {
  await using place = new TestPlace({ "src/a": "" });
  const box = await toolBox(place);
  await box.use("Bash", { command: "cd src" });
  Deno.removeSync(`${place.dir}/src`, { recursive: true });
  const { content } = await box.use("Bash", { command: "pwd" });
  equal(
    content,
    `${place.dir}\n[The folder ${place.dir}/src is gone; the shell started in ${place.dir}.]`,
  );
  equal(box.cwd, "");
});

Deno.test("Bash shows head and tail of a flood", async () => {
  await using place = new TestPlace();
  const { use } = await toolBox(place);
  const { content } = await use("Bash", {
    command: "echo first; yes | head -c 3000000; echo last",
  });
  ok(content.length < 31_000, `${content.length}`);
  match(content, /^first\ny\n/);
  match(content, /\d+ (bytes|characters) left out[^]*\nlast$/);
});

Deno.test("Bash ends what takes too long", async () => {
  await using place = new TestPlace();
  const { use } = await toolBox(place);
  const { content, isError, exitCode } = await use("Bash", {
    command: "trap '' TERM; echo begun; sleep 100",
    timeout: 200,
  });
  match(content, /^Ended after 200 ms, its time limit[^]*\nbegun$/);
  deepEqual([isError, exitCode], [true, undefined]);
});

// ---------------------------------------------------------------- what the model is told

Deno.test("toolSpec() gives strict object schemas, the same bytes each time", () => {
  const setup = { resultName: "developer", checkNames: ["build", "test"] } as const;
  const names = ["Read", "Glob", "Grep", "GitDiff", "Edit", "Write", "Bash"];
  for (const name of [...names, "run_checks", "ask_questions", "submit_result"]) {
    const spec = toolSpec(name, setup);
    equal(spec.name, name);
    match(spec.name, /^[a-zA-Z0-9_-]{1,64}$/);
    equal(spec.inputSchema.type, "object");
    equal(spec.inputSchema.additionalProperties, false);
    equal("$schema" in spec.inputSchema, false);
    ok(spec.description.length > 80, `${name} is described`);
    equal(JSON.stringify(spec), JSON.stringify(toolSpec(name, setup)));
  }
  deepEqual(names.filter((name) => toolSpec(name).readOnly), ["Read", "Glob", "Grep", "GitDiff"]);
});

Deno.test("toolSpec() depends on the project's checks and the agent's result", () => {
  const checks = toolSpec("run_checks", { checkNames: ["build", "test"] });
  deepEqual((checks.inputSchema.properties as { name: { enum: string[] } }).name.enum, [
    "build",
    "test",
  ]);
  match(toolSpec("run_checks").description, /no checks set up/);
  const result = toolSpec("submit_result", { resultName: "prioritizer" });
  deepEqual(Object.keys(result.inputSchema.properties as object), ["priority", "reason"]);
  throws(() => toolSpec("submit_result"), /needs the name of a result/);
  throws(() => toolSpec("Fly"), /There is no tool "Fly"/);
});

Deno.test("checkInput() names each wrong parameter", () => {
  const good = checkInput("Read", { file_path: "a", offset: 3 });
  deepEqual(good, { ok: true, input: { file_path: "a", offset: 3 } });
  const wrong = (name: string, input: unknown) => {
    const checked = checkInput(name, input);
    return checked.ok ? "" : checked.message;
  };
  match(wrong("Read", {}), /^Invalid input for Read:\n- file_path: .*expected string/);
  match(wrong("Read", { file_path: "a", offset: "3" }), /- offset: .*expected number/);
  match(wrong("Read", { path: "a" }), /- path: there is no such parameter/);
  match(wrong("Bash", { command: "ls", timeout: 700_000 }), /- timeout: .*600000/);
  match(wrong("Grep", { pattern: "x", output_mode: "all" }), /- output_mode: .*"content"/);
  match(wrong("ask_questions", { questions: [{ question: "?" }] }), /- questions\.0\.why: /);
});

/** A box that removes its place at the end. */
async function disposable<T extends { place: TestPlace }>(box: Promise<T>) {
  const made = await box;
  return Object.assign(made, { [Symbol.asyncDispose]: () => made.place[Symbol.asyncDispose]() });
}
