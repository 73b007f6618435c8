/** JUnit files of a worktree that agents write into, and what a command prints that knows secrets. */
import { deepStrictEqual as deepEqual, strictEqual as equal } from "node:assert";
import { dirname } from "node:path";
import { maskedOutput } from "../agents/permissions/masked_output.ts";
import { flakyTests, markKnown, onlyKnown } from "../agents/reports/known_failures.ts";
import {
  findReportFiles,
  readReportFiles,
  REPORT_FILE_BYTES,
  withReportFiles,
} from "../agents/reports/report_files.ts";
import type { CheckReport } from "../server/records.ts";
import { tempDir } from "./gaffer.ts";

const suite = (...names: string[]) =>
  `<testsuite>${names.map((name) => `<testcase name="${name}"/>`).join("")}</testsuite>`;

async function folder(files: Record<string, string>) {
  const temp = await tempDir();
  const root = await Deno.realPath(temp.path);
  for (const [path, text] of Object.entries(files)) {
    await Deno.mkdir(dirname(`${root}/${path}`), { recursive: true });
    await Deno.writeTextFile(`${root}/${path}`, text);
  }
  return { root, [Symbol.asyncDispose]: () => temp[Symbol.asyncDispose]() };
}

const names = async (root: string, ...globs: string[]) =>
  [...(await findReportFiles(root, globs)).keys()].sort();

Deno.test("findReportFiles() finds plain names and globs, and looks into neither .git nor node_modules", async () => {
  await using f = await folder({
    "junit.xml": suite("a"),
    "out/a.xml": suite("b"),
    "out/deep/b.xml": suite("c"),
    "node_modules/x/c.xml": suite("d"),
    ".git/d.xml": suite("e"),
  });
  deepEqual(await names(f.root, "junit.xml"), ["junit.xml"]);
  deepEqual(await names(f.root, "out/*.xml", "missing/*.xml"), ["out/a.xml"]);
  deepEqual(await names(f.root, "**/*.xml"), ["junit.xml", "out/a.xml", "out/deep/b.xml"]);
  deepEqual(await names(f.root), []);
});

Deno.test("report files are read without following a link out of the worktree, and a pipe is not waited for", async () => {
  await using outside = await folder({
    "secret.xml": suite("secret"),
    "dir/other.xml": suite("x"),
  });
  await using f = await folder({ "out/own.xml": suite("own") });
  await Deno.symlink(`${outside.root}/secret.xml`, `${f.root}/out/linked.xml`);
  await Deno.symlink(`${outside.root}/dir`, `${f.root}/linked`);
  await new Deno.Command("mkfifo", { args: [`${f.root}/out/pipe.xml`] }).output();
  deepEqual(await names(f.root, "out/*.xml", "linked/*.xml", "linked/other.xml"), ["out/own.xml"]);
  const read = await readReportFiles(f.root, ["out/*.xml", "linked/*.xml"], new Map());
  equal(read!.passed, 1);
});

Deno.test("a report file counts where it is new or written again, and one that is too large says that it was cut", async () => {
  await using f = await folder({ "a.xml": suite("a"), "b.xml": suite("b", "c") });
  const before = await findReportFiles(f.root, ["*.xml"]);
  equal(await readReportFiles(f.root, ["*.xml"], before), null);
  await Deno.remove(`${f.root}/b.xml`);
  await Deno.writeTextFile(`${f.root}/b.xml`, suite("b", "c", "d"));
  equal((await readReportFiles(f.root, ["*.xml"], before))!.passed, 3);
  await Deno.writeTextFile(`${f.root}/b.xml`, suite("b") + " ".repeat(8));
  await Deno.writeTextFile(
    `${f.root}/a.xml`,
    `<testsuite>${'<testcase name="a"/>'.repeat(REPORT_FILE_BYTES / 20)}</testsuite>`,
  );
  equal((await readReportFiles(f.root, ["a.xml"], before))!.failed, 1);
});

const report = (failures: CheckReport["failures"], passed = 3): CheckReport => ({
  format: "x",
  passed,
  failed: failures.length,
  skipped: 0,
  failures,
});

Deno.test("withReportFiles() takes the files' counts, a compiler's errors besides, and never that all is well", () => {
  const failed = { exitCode: 1 };
  const test = { test: "adds", message: "no" };
  const error = { file: "a.ts", line: 1, message: "no such name" };
  equal(withReportFiles(null, null, failed), null);
  equal(withReportFiles(report([test]), report([test]), failed)!.failed, 1, "not twice");
  deepEqual(withReportFiles(report([error]), report([test]), failed)!.failures, [test, error]);
  deepEqual(withReportFiles(report([test]), report([]), failed)!.failures, [test]);
  equal(withReportFiles(null, report([]), failed)!.failures[0]!.message.includes("code 1"), true);
  equal(withReportFiles(null, report([]), { exitCode: 0 })!.failed, 0);
});

Deno.test("markKnown() marks each failure of the base once, what says the same before what does not", () => {
  const named = (message: string) => ({ file: "a.test.ts", test: "works", message });
  const marked = markKnown(report([named("no"), named("yes")]), report([named("yes")]));
  deepEqual(marked!.failures.map(({ message, before }) => [message, before]), [
    ["no", undefined],
    ["yes", true],
  ]);
  const other = markKnown(report([named("no"), named("nor this")]), report([named("yes")]));
  deepEqual(other!.failures.map(({ before }) => before), [true, undefined]);
  equal(markKnown(null, report([])), null);
});

Deno.test("onlyKnown() is sure of it: by test and file, by file and message, of all that failed", () => {
  const old = { test: "old", file: "a.ts", message: "x" };
  const lint = { file: "b.ts", line: 3, message: "unused" };
  const base = report([old, lint]);
  equal(onlyKnown(report([{ ...old, message: "y" }]), report([old])), true);
  equal(onlyKnown(report([old, { ...lint, line: 9 }]), base), true);
  equal(onlyKnown(report([{ ...old, file: "c.ts" }], 5), base), false);
  equal(onlyKnown(report([{ ...lint, message: "other" }], 5), base), false);
  equal(onlyKnown(report([{ message: "failed with code 1" }]), report([])), false);
  equal(onlyKnown({ ...report([old], 5), failed: 2 }, base), false, "one is not listed");
  equal(onlyKnown(report([old], 0), base), false, "fewer ran");
  equal(onlyKnown(report([old, { ...old, message: "y" }], 5), base), false, "two of one name");
  equal(onlyKnown(report([lint, { ...lint, line: 30 }], 5), base), false, "once more in that file");
  equal(onlyKnown(null, base), false);
  equal(onlyKnown(report([old]), null), false);
});

Deno.test("flakyTests() are those that failed first and not again, where both tries can be told apart", () => {
  const [one, other] = [{ test: "one", file: "a.ts", message: "x" }, { test: "two", message: "y" }];
  const first = report([one, other]);
  const flaky = [{ file: "a.ts", test: "one" }];
  deepEqual(flakyTests(first, { passed: false, report: report([other]) }), flaky);
  deepEqual(flakyTests(first, { passed: true, report: null }), [...flaky, {
    file: "",
    test: "two",
  }]);
  deepEqual(flakyTests(first, { passed: false, report: null }), []);
});

Deno.test("maskedOutput() takes secrets out wherever a text is cut, and leaves short words alone", () => {
  const masked = maskedOutput({ KEY: "abcdefghij", MODE: "fast" });
  const text = "fast abcdefghij, abcdefghiabcdefghij end";
  const clean = "fast [redacted: $KEY], abcdefghi[redacted: $KEY] end";
  equal(masked.clean(text), clean);
  for (let at = 0; at <= text.length; at++) {
    let passed = "";
    const live = masked.live((piece) => void (passed += piece));
    live.push(text.slice(0, at));
    live.push(text.slice(at));
    live.end();
    equal(passed, clean, `cut at ${at}`);
  }
  let plain = "";
  const live = maskedOutput({}).live((piece) => void (plain += piece));
  live.push("at once");
  equal(plain, "at once");
});
