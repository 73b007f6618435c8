/** The files in which a command's output outlives the server that ran it. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { MAX_OUTPUT_FILE_BYTES, OutputFiles, removeStaleOutputs } from "../agents/output_files.ts";
import { tempDir } from "./gaffer.ts";

const names = (dir: string) => [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

Deno.test("what was printed is on disk at once, under a name that no call id can choose", async () => {
  await using base = await tempDir();
  const dir = join(base.path, "run_1");
  const files = new OutputFiles(dir);
  const file = files.begin("../../evil");
  ok(!names(base.path).includes("run_1"), "a command that prints nothing leaves nothing");
  file.write("one\n");
  file.write("zwei: ü\n");
  equal(new OutputFiles(dir).read("../../evil"), "one\nzwei: ü\n");
  match(names(dir)[0]!, /^[0-9a-f]{32}$/);
  file.close();
  equal(files.read("another"), "");
});

Deno.test("a flood keeps its head and its tail, and the file stays small", async () => {
  await using base = await tempDir();
  const files = new OutputFiles(base.path);
  const file = files.begin("a");
  file.write("first\n");
  for (let line = 0; line < 20_000; line++) {
    file.write(`line ${line}\n`);
    if (line % 1_000 === 0) {
      ok(Deno.statSync(join(base.path, names(base.path)[0]!)).size <= MAX_OUTPUT_FILE_BYTES);
    }
  }
  file.write("x".repeat(1_000_000) + "\nlast\n");
  file.close();
  const kept = files.read("a");
  ok(kept.length <= MAX_OUTPUT_FILE_BYTES, `${kept.length}`);
  match(kept, /^first\nline 0\n[^]*\n\[\d+ bytes left out\]\n[^]*x\nlast\n$/);
  deepEqual(names(base.path).length, 1);
});

Deno.test("the last file takes the folder with it; removing twice is nothing", async () => {
  await using base = await tempDir();
  const dir = join(base.path, "run_1");
  const files = new OutputFiles(dir);
  for (const id of ["a", "b"]) {
    const file = files.begin(id);
    file.write(id);
    file.close();
  }
  files.remove("a");
  deepEqual([files.read("a"), files.read("b")], ["", "b"]);
  files.remove("b");
  files.remove("b");
  deepEqual(names(base.path), []);
});

Deno.test("what a kill between a result and its clean-up has left is removed", async () => {
  await using base = await tempDir();
  const dir = join(base.path, "run_1");
  const files = new OutputFiles(dir);
  files.keepOnly([]);
  for (const id of ["a", "b"]) files.begin(id).write(id);
  files.keepOnly(["b"]);
  deepEqual([files.read("a"), files.read("b")], ["", "b"]);
  files.keepOnly([]);
  deepEqual(names(base.path), []);
});

Deno.test("a call that begins anew does not inherit what an earlier one printed", async () => {
  await using base = await tempDir();
  const files = new OutputFiles(base.path);
  const first = files.begin("a");
  first.write("old and long\n");
  first.close();
  const second = files.begin("a");
  second.write("new\n");
  second.close();
  second.write("after the end\n");
  equal(files.read("a"), "new\n");
});

Deno.test("a disk that takes no more keeps no command from going on, and gets its output when it does again", async () => {
  await using base = await tempDir();
  Deno.writeTextFileSync(join(base.path, "file"), "");
  const files = new OutputFiles(join(base.path, "file", "run_1"));
  const file = files.begin("a");
  file.write("one\n");
  file.write("two\n");
  // Now it takes more again.
  Deno.removeSync(join(base.path, "file"));
  file.write("three\n");
  file.write("four\n");
  file.close();
  equal(files.read("a"), "one\ntwo\nthree\nfour\n");
});

Deno.test("folders of runs that need them no more are removed, and no folder at all is fine", async () => {
  await using base = await tempDir();
  for (const id of ["run_1", "run_2"]) {
    const file = new OutputFiles(join(base.path, id)).begin("a");
    file.write("x");
    file.close();
  }
  await removeStaleOutputs(base.path, (runId) => runId === "run_2");
  deepEqual(names(base.path), ["run_2"]);
  await removeStaleOutputs(join(base.path, "nowhere"), () => false);
});
