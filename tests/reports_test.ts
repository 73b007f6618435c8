import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { parseJUnit, parseReport, REPORT_CHARS } from "../agents/reports/mod.ts";
import { FAILURE_CHARS, REPORT_FAILURES } from "../agents/reports/report.ts";
import type { CheckReport } from "../server/records.ts";
import { leastMs } from "./timing.ts";

/** What a real tool printed, its folder renamed to this one. */
const ROOT = "/home/pat/project";
const printed = (name: string): string =>
  Deno.readTextFileSync(join(import.meta.dirname ?? "", "fixtures/reports", `${name}.txt`));

function read(name: string): CheckReport {
  const report = parseReport(printed(name), { root: ROOT });
  if (!report) throw new Error(`${name} was not recognised`);
  return report;
}

const counts = (
  { format, passed, failed, skipped }: CheckReport,
) => [format, passed, failed, skipped];
const places = ({ failures }: CheckReport) =>
  failures.map(({ file, line, test }) => `${file ?? "?"}:${line ?? "?"} ${test ?? "-"}`);

Deno.test("a message that is cut within a character can still be sent to a model", () => {
  const long = `${"x".repeat(1_999)}\u{1f389}`;
  const xml = `<testsuite><testcase name="a"><failure>${long}</failure></testcase></testsuite>`;
  const outputs = [parseJUnit(xml), parseReport(`not ok 1 - ${"y".repeat(299)}\u{1f389}z\n1..1\n`)];
  for (const found of outputs) {
    const [{ test = "", message } = { message: "" }] = found!.failures;
    ok(test.length + message.length > 300 && `${test}${message}`.isWellFormed());
  }
});

Deno.test("parseReport() reads node --test as TAP: counts by node, places of the assertions", () => {
  const report = read("node-tap");
  deepEqual(counts(report), ["node --test", 3, 6, 2]);
  deepEqual(places(report), [
    "test/broken.test.js:1 test/broken.test.js",
    "test/sum.test.js:7 adds two numbers",
    "test/sum.test.js:12 are equal",
    "test/sum.test.js:14 throw",
    "test/sum.test.js:18 inner fails",
  ]);
  match(report.failures[0]?.message ?? "", /^Error \[ERR_MODULE_NOT_FOUND\]: Cannot find module/);
  equal(report.failures[1]?.message, "Expected values to be strictly equal:\n\n-1 !== 5");
});

Deno.test("parseReport() reads node --test for people, of old and new versions, with and without colours", () => {
  for (const name of ["node-spec", "node24", "node-spec-color"]) {
    const report = read(name);
    deepEqual(counts(report), ["node --test", name === "node-spec-color" ? 3 : 5, 6, 2], name);
    deepEqual(places(report), [
      "test/broken.test.js:1 test/broken.test.js",
      "test/sum.test.js:7 adds two numbers",
      "test/sum.test.js:12 are equal",
      "test/sum.test.js:14 throw",
      "test/sum.test.js:18 inner fails",
    ], name);
    match(report.failures[0]?.message ?? "", /^Error \[ERR_MODULE_NOT_FOUND\]/, name);
    match(report.failures[1]?.message ?? "", /strictly equal:\n\n-1 !== 5$/, name);
  }
});

Deno.test("parseReport() reads why a test file has a syntax error", () => {
  const report = parseReport(
    `file://${ROOT}/src/a.js:3
const = 1;
      ^

SyntaxError: Unexpected token '='
    at compileSourceTextModule (node:internal/modules/esm/utils:346:16)

Node.js v24.1.0
✖ test/a.test.js (58.4ms)
ℹ tests 1
ℹ suites 0
ℹ pass 0
ℹ fail 1
ℹ cancelled 0
ℹ skipped 0
ℹ todo 0
ℹ duration_ms 102.1

✖ failing tests:

test at test/a.test.js:1:1
✖ test/a.test.js (58.4ms)
  'test failed'
`,
    { root: ROOT },
  );
  deepEqual(report?.failures, [{
    file: "src/a.js",
    line: 3,
    test: "test/a.test.js",
    message: "SyntaxError: Unexpected token '='",
  }]);
});

Deno.test("parseReport() reads the TAP of a shell script, with what was expected", () => {
  const report = read("sh-tap");
  deepEqual(counts(report), ["TAP", 6, 1, 0]);
  deepEqual(report.failures, [{
    file: "tests/done.sh",
    test: "done marks one task",
    message: "the output is not as expected\n" +
      "expected: 1. [ ] Buy milk\n2. [x] Call Ada\nactual: 1. [ ] Buy milk\n2. [X] Call Ada",
  }]);
});

Deno.test("parseReport() reads the TAP of Perl and of tape", () => {
  deepEqual(counts(read("perl")), ["TAP", 1, 2, 2]);
  deepEqual(places(read("perl")), ["t.pl:3 adds", "t.pl:4 same"]);
  match(read("perl").failures[0]?.message ?? "", /got: '-1'\n\s+expected: '3'$/);
  deepEqual(counts(read("tape")), ["TAP", 1, 2, 0]);
  deepEqual(places(read("tape")), [
    "tp.js:2 adds two numbers",
    "tp.js:4 should be deeply equivalent",
  ]);
});

Deno.test("parseReport() reads TAP's corners: subtests, directives, bail out, what never ran", () => {
  const tap = (text: string) => {
    const report = parseReport(text);
    return report && [...counts(report).slice(1), ...report.failures.map(({ message }) => message)];
  };
  deepEqual(tap("1..0 # SKIP no network\n"), [0, 0, 0]);
  deepEqual(
    tap("TAP version 14\n    ok 1 - a\n    not ok 2 - b\n    1..2\nnot ok 1 - both\n1..1\n"),
    [
      ...[1, 1, 0, "not ok"],
    ],
  );
  deepEqual(tap("    ok 1 - a\n    1..1\nnot ok 1 - its hook\n1..1\n"), [1, 1, 0, "not ok"]);
  deepEqual(tap("ok 1 - a # skip\nnot ok 2 - b # TODO later\nok 3 - c \\# d\n1..3\n"), [1, 0, 2]);
  deepEqual(tap("1..3\nok 1\nok 2\n"), [2, 1, 0, "3 tests were planned, but only 2 ran"]);
  deepEqual(tap("1..3\nok 1\nBail out! No disk\n"), [1, 1, 0, "Bail out! No disk"]);
  deepEqual(tap("TAP version 13\nok 1 - a\nok then, said the test\n1..1\n"), [1, 0, 0]);
  deepEqual(tap("not ok 1 - a\n  ---\n  message: cut off\nnot ok 2 - b\n1..2\n"), [
    ...[0, 2, 0, "message: cut off", "not ok"],
  ]);
  deepEqual(tap("not ok 1 - a\n  ---\n  : [ not yaml\n  ...\n1..1\n"), [0, 1, 0, ": [ not yaml"]);
});

Deno.test("parseReport() reads deno test, and not what tests print", () => {
  const report = read("deno");
  deepEqual(counts(report), ["deno test", 3, 2, 1]);
  deepEqual(places(report), ["sum_test.ts:5 adds two numbers", "sum_test.ts:10 outer ... fails"]);
  match(report.failures[0]?.message ?? "", /^AssertionError: .*\n\n-1 !== 5\n/);
});

Deno.test("parseReport() reads pytest in its styles", () => {
  for (const name of ["pytest", "pytest-v"]) {
    const report = read(name);
    deepEqual(counts(report), ["pytest", 2, 4, 2], name);
    deepEqual(places(report), [
      "tests/test_calc.py:10 test_add",
      "calc.py:6 TestDiv::test_by_zero",
      "tests/test_calc.py:27 TestDiv::test_param[2]",
      "tests/test_calc.py:32 test_uses_broken",
    ], name);
    equal(report.failures[0]?.message, "assert -1 == 5\n +  where -1 = add(2, 3)", name);
  }
  const collecting = read("pytest-collect");
  deepEqual(counts(collecting), ["pytest", 0, 1, 0]);
  deepEqual(places(collecting), ["tests/test_broken.py:1 -"]);
  match(collecting.failures[0]?.message ?? "", /^ModuleNotFoundError: No module named/);
});

Deno.test("parseReport() reads Python's unittest", () => {
  const report = read("unittest");
  deepEqual(counts(report), ["unittest", 1, 2, 1]);
  deepEqual(report.failures, [
    { file: "test_u.py", line: 9, test: "test_err (test_u.T.test_err)", message: "KeyError: 'x'" },
    {
      file: "test_u.py",
      line: 7,
      test: "test_bad (test_u.T.test_bad)",
      message: "AssertionError: 1 != 2",
    },
  ]);
  deepEqual(parseReport(`..\n${"-".repeat(70)}\nRan 2 tests in 0.000s\n\nOK\n`)?.passed, 2);
});

Deno.test("parseReport() reads go test, plain, verbose and as JSON", () => {
  const failures = [
    "calc_test.go:8 example.org/calc.TestAdd",
    "calc_test.go:13 example.org/calc.TestTable/two_words",
    "boom/boom_test.go:7 example.org/calc/boom.TestBoom",
  ];
  deepEqual(counts(read("go")), ["go test (passes are packages)", 1, 3, 0]);
  for (const name of ["go-v", "go-json"]) deepEqual(counts(read(name)), ["go test", 3, 3, 1], name);
  for (const name of ["go", "go-v", "go-json"]) {
    const report = read(name);
    deepEqual(places(report), failures, name);
    deepEqual(report.failures.map(({ message }) => message), [
      "Add(2, 3) = -1, want 5\nsecond line",
      "broken",
      "panic: assignment to entry in nil map [recovered]",
    ], name);
  }
});

Deno.test("parseReport() counts a Go package that does not build", () => {
  const report = read("go-testbuild");
  deepEqual(counts(report), ["go test (passes are packages)", 1, 1, 0]);
  deepEqual(report.failures, [{
    file: "bad/bad.go",
    line: 4,
    test: "example.org/calc/bad",
    message: "bad/bad.go:4: undefined: undefined",
  }]);
});

Deno.test("parseReport() adds up the parts of cargo test", () => {
  const report = read("cargo");
  deepEqual(counts(report), ["cargo test", 2, 3, 1]);
  deepEqual(places(report), [
    "?:? tests::fails_by_result",
    "src/lib.rs:21 tests::adds",
    "tests/it.rs:3 outside",
  ]);
  match(
    report.failures[1]?.message ?? "",
    /^assertion `left == right` failed: numbers add up\n {2}left: -1/,
  );
  deepEqual(counts(read("cargo-color")), ["cargo test", 1, 2, 1]);
  const old = "running 1 test\ntest tests::a ... FAILED\n\nfailures:\n\n" +
    "---- tests::a stdout ----\nthread 'tests::a' panicked at 'no way', src/lib.rs:4:9\n" +
    "note: run with `RUST_BACKTRACE=1`\n\n\nfailures:\n    tests::a\n\n" +
    "test result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n";
  deepEqual(parseReport(old)?.failures, [
    { file: "src/lib.rs", line: 4, test: "tests::a", message: "no way" },
  ]);
});

Deno.test("parseReport() reads Jest, with suites that do not even load", () => {
  for (const name of ["jest", "jest-color"]) {
    const report = read(name);
    deepEqual(counts(report), ["jest", 2, 4, 2], name);
    deepEqual(places(report), [
      "jt/sum.test.js:4 adds two numbers",
      "jt/sum.test.js:9 objects › are equal",
      "jt/sum.test.js:11 objects › throw",
      "jt/broken.test.js:1 -",
    ], name);
    match(report.failures[0]?.message ?? "", /Expected: 5\nReceived: -1$/, name);
    match(report.failures[3]?.message ?? "", /^Cannot find module '\.\/missing'/, name);
  }
});

Deno.test("parseReport() reads Vitest, with suites that do not even load", () => {
  for (const name of ["vitest", "vitest-color"]) {
    const report = read(name);
    deepEqual(counts(report), ["vitest", 2, 4, 2], name);
    deepEqual(places(report), [
      "broken.test.js:? -",
      "sum.test.js:5 adds two numbers",
      "sum.test.js:10 objects > are equal",
      "sum.test.js:12 objects > throw",
    ], name);
    match(report.failures[1]?.message ?? "", /^AssertionError: expected -1 to be 5/, name);
  }
});

Deno.test("parseReport() reads compilers' errors, and takes warnings for none", () => {
  const cases: [string, string[]][] = [
    ["gcc", ["src/inc.h:1 -", "src/main.c:6 -"]],
    ["gcc-color", ["src/inc.h:1 -", "src/main.c:6 -"]],
    ["gcc-fatal", ["src/n.c:1 -"]],
    ["make", ["src/inc.h:1 -", "src/main.c:6 -"]],
    ["clang", ["src/inc.h:1 -", "src/main.c:6 -"]],
    ["ld", ["l.c:? -"]],
    ["tsc", ["ts/a.ts:1 -", "ts/a.ts:2 -", "ts/a.ts:4 -"]],
    ["tsc-pretty", ["ts/a.ts:1 -", "ts/a.ts:2 -", "ts/a.ts:4 -"]],
    ["cargo-build", ["src/lib.rs:3 -", "src/lib.rs:5 -"]],
    ["go-build", ["bad/bad.go:4 -"]],
    ["deno-check", ["type_test.ts:1 -"]],
  ];
  for (const [name, expected] of cases) {
    const report = read(name);
    deepEqual(counts(report), ["compiler", 0, expected.length, 0], name);
    deepEqual(places(report), expected, name);
  }
  equal(
    read("tsc").failures[0]?.message,
    "TS2322: Type 'string' is not assignable to type 'number'.",
  );
  equal(read("tsc-pretty").failures[0]?.message, read("tsc").failures[0]?.message);
  equal(read("cargo-build").failures[0]?.message, "E0308: mismatched types");
});

Deno.test("parseReport() adds up several runners in one output", () => {
  const report = parseReport(printed("pytest") + printed("jest"), { root: ROOT });
  deepEqual(report && counts(report), ["pytest + jest", 4, 8, 4]);
  equal(report?.failures.length, 8);
});

Deno.test("parseReport() prefers what a test runner says to what looks like a compiler's error", () => {
  const report = parseReport(`src/a.c:1:1: error: from a test's own output\n${printed("perl")}`);
  deepEqual(report && counts(report), ["TAP", 1, 2, 2]);
});

Deno.test("parseReport() does not recognise what is no runner's output", () => {
  const texts = [
    "",
    "Built dist/todo 1.2.0\n",
    "ok\n",
    "all ok 2 see\nok 12 files checked\n",
    "Error: something\n    at a.js:1:1\n",
    "warning: a.c:1:1: careful\nsrc/a.c:1:1: warning: unused\n",
    "FAIL\n",
    "3 passed my desk in 5 minutes\n",
  ];
  for (const text of texts) equal(parseReport(text), null, text);
});

Deno.test("parseReport() keeps within its limits and counts on", () => {
  const many = Array.from({ length: 200 }, (_, index) => `not ok ${index + 1} - t${index}`).join(
    "\n",
  );
  const report = parseReport(`${many}\n1..200\n`);
  deepEqual([report?.failed, report?.failures.length], [200, REPORT_FAILURES]);
  const long = parseReport(
    `not ok 1 - ${"n".repeat(9_999)}\n  ---\n  message: |\n${
      "    mmmmm\n".repeat(390)
    }  ...\n1..1\n`,
  );
  ok((long?.failures[0]?.test ?? "").length < 400);
  equal(long?.failures[0]?.message.length, FAILURE_CHARS + 1);
  const huge = `${"x".repeat(3_000_000)}\nok 1 - a\n1..1\n`;
  equal(parseReport(huge)?.passed, 1);
});

Deno.test("parseReport() is quick with text that is made to be slow", () => {
  const lines = [
    "",
    "---",
    "a.go:1: b",
    "not ok 1 - a",
    "# not",
    "=".repeat(70),
    "___ a ___",
    "FAILED a.py::b - c",
    "---- a stdout ----",
    "=== RUN   Test/a/b/c/d",
    "--- FAIL: TestA (0.00s)",
    " FAIL  a > b",
    "  ● a",
    "ERROR: a",
    "test at a.js:1:1\n✖ a (1ms)\n  'test failed'",
    "a => b.ts:1:1",
    "\u001b]8;;",
    `ok | 1 passed ${"(".repeat(1_500)} (1ms)`,
    `ok | 1 passed ${"1".repeat(1_500)} (1ms)`,
    `Tests: ${"1".repeat(1_900)}`,
    `{"Time":${'"Action":"output""Package":"'.repeat(60)}`,
    `test result: ok. ${"1".repeat(1_900)}`,
    `    at ${" /a".repeat(600)}`,
    `${"ld: a:".repeat(300)}`,
    `error: ${"a:1".repeat(600)}`,
    `${" ".repeat(1_900)}x`,
    `FAIL\t${"a/".repeat(900)}`,
    `--- PASS: ${"a/".repeat(900)} (0.00s)`,
    "1..2\nok 1",
    "running 1 test\ntest result: ok. 1 passed;",
    "running 2 tests\ntest result: ok. 3 passed;",
    "TAP version 13\n1..1\nok 1\n# tests 1",
    "Test Suites: 1 passed, 1 total\nTests: 1 passed, 1 total",
    "ℹ tests 1\nℹ pass 1\nℹ fail 0\nℹ cancelled 0",
    "\n  1 passing (1ms)\n  1 failing\n\n  1) a\n",
    "t/a.t .. ok\n#   Failed test 'a'\n#   at t/a.t line 1.",
    "Test Summary Report\nt/a.t (Wstat: 1 Tests: 1 Failed: 1)\n  Parse errors: 1",
    "t/a.t (Wstat: 1 Tests: 1 Failed: 1)\n  Parse errors: 1",
    "Test project /a\n1/1 Test #1: a ..... Passed 0.1 sec\n0% tests passed, 1 tests failed out of 1",
    `1/1 Test #1: ${"a ... ".repeat(300)}`,
    `\t 1 - ${"a (".repeat(600)}`,
    "[INFO] Tests run: 1, Failures: 0, Errors: 0, Skipped: 0",
    "[ERROR] Tests run: 1, Failures: 1, Errors: 0, Skipped: 0, Time elapsed: 1 s",
    "a -- Time elapsed: ".repeat(100),
    "/a.js\n  1:1  error  x  y\n✖ 1 problem (1 error, 0 warnings)",
    `  1:1  error  ${"a  ".repeat(600)}`,
    `a:1:1: ${"b [Error".repeat(200)}`,
    "=== test session starts ===\n=== 1 passed in 1s ===",
    "....\n1 passed in 1s",
    `1 passed, ${"1 passed, ".repeat(190)}`,
    " RUN  v1\n Test Files  1 passed (1)\n      Tests  1 passed (1)\n   Start at  1",
    "running 1 test from ./a\nok | 1 passed (1ms)",
    `${"-".repeat(70)}\nRan 1 test in 1s\n\nOK`,
    "failures:\n    a",
  ];
  const ends =
    "\nFAILURES\n1 failed in 1s\nℹ tests 1\nTests: 1 total\n Test Files  1\nRan 1 test in 1s\nFAIL\tx\n1..9\n" +
    "Test Summary Report\nFiles=1, Tests=1,  1 wallclock secs\nResult: FAIL\n\n  1 passing (1ms)\n\n1 problem\n";
  for (const line of lines) {
    const text = `ERRORS\nFAIL x\n${
      `${line}\n`.repeat(Math.ceil(REPORT_CHARS / (line.length + 1)))
    }`;
    const tookMs = leastMs(2_000, () => parseReport(text + ends));
    ok(tookMs < 5_000, `"${line.slice(0, 60)}" took ${tookMs} ms`);
  }
});

Deno.test("parseReport() reads a megabyte of any runner's output quickly", () => {
  for (
    const name of ["fake-pytest", "fake-vitest", "fake-go-v", "fake-surefire", "gcc", "node-tap"]
  ) {
    const one = printed(name);
    const text = one.repeat(Math.ceil(REPORT_CHARS / one.length)).slice(0, REPORT_CHARS);
    const tookMs = leastMs(500, () => parseReport(text, { exitCode: 1 }));
    ok(tookMs < 1_000, `${name} took ${tookMs} ms`); // 70 on an idle machine
  }
  const line = "x".repeat(REPORT_CHARS / 2);
  const report = parseReport(`TAP version 13\nok 1 - ${line}\nnot ok 2 - ${line}\n1..2\n`);
  deepEqual([report?.passed, report?.failed], [0, 1]); // the beginning is not read
});
