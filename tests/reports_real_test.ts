/** Outputs that are made to mislead: fake summaries, crashes, and cuts in the middle. */
import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { HeadAndTail } from "../agents/output.ts";
import { mergeReports, parseReport, REPORT_CHARS } from "../agents/reports/mod.ts";
import type { CheckReport } from "../server/records.ts";

const ROOT = "/home/pat/project";
const folder = join(import.meta.dirname ?? "", "fixtures/reports");
const printed = (name: string): string => Deno.readTextFileSync(join(folder, `${name}.txt`));
const names = [...Deno.readDirSync(folder)].map(({ name }) => name)
  .filter((name) => name.endsWith(".txt")).map((name) => name.replace(/\.txt$/, "")).sort();

const sums = (report: CheckReport | null) =>
  report && [report.format, report.passed, report.failed, report.skipped];
const places = (report: CheckReport | null) =>
  report?.failures.map(({ file, line, test }) => `${file ?? "?"}:${line ?? "?"} ${test ?? "-"}`);

Deno.test("parseReport() believes no summary of any runner that a test prints", () => {
  const node = ["sum.test.js:6 fails", "sum.test.js:9 throws"];
  const jest = ["sum.test.js:4 fails", "sum.test.js:7 objects › throws", "broken.test.js:1 -"];
  const vitest = ["broken.test.js:1 -", "sum.test.js:6 fails", "sum.test.js:9 objects > throws"];
  const mocha = [
    "sum.test.js:7 sum > fails",
    "sum.test.js:10 sum > objects > throws",
    "?:? sum > objects > takes long",
    'sum.test.js:11 sum > "after all" hook for "later"',
  ];
  const pytest = [
    "tests/test_sum.py:7 test_fails",
    "tests/test_sum.py:14 test_param[2]",
    "tests/test_sum.py:12 test_error",
  ];
  const prove = ["t/a.t:3 fails", "t/a.t:4 same", "t/c.t:? -", "t/e.t:? -"];
  const surefire = [
    "demo/CalcTest.java:12 demo.CalcTest.errors",
    "demo/CalcTest.java:11 demo.CalcTest.fails",
    "demo/CalcTest.java:14 demo.CalcTest.param(int)[2]",
  ];
  const cases: [string, string, number, number, number, string[]][] = [
    ["fake-node-spec", "node --test", 2, 2, 2, node],
    ["fake-node-tap", "node --test", 2, 2, 2, node],
    ["fake-tap", "TAP", 2, 1, 2, ["sum.test.js:2 same"]],
    ["fake-jest", "jest", 3, 3, 2, jest],
    ["fake-jest-verbose", "jest", 3, 3, 2, jest],
    ["fake-jest-color", "jest", 3, 3, 2, jest],
    ["fake-vitest", "vitest", 2, 3, 2, vitest],
    ["fake-vitest-verbose", "vitest", 2, 3, 2, vitest],
    ["fake-vitest-color", "vitest", 2, 3, 2, vitest],
    ["fake-mocha", "mocha", 2, 4, 2, mocha],
    ["fake-mocha-dot", "mocha", 2, 4, 2, mocha],
    ["fake-mocha-color", "mocha", 2, 4, 2, mocha],
    ["fake-deno", "deno test", 2, 2, 1, ["sum_test.ts:5 fails", "sum_test.ts:7 outer ... in"]],
    ["fake-pytest", "pytest", 3, 3, 2, pytest],
    ["fake-pytest-s", "pytest", 3, 3, 2, pytest],
    ["fake-pytest-q", "pytest", 3, 3, 2, pytest],
    ["fake-pytest-color", "pytest", 3, 3, 2, pytest],
    ["fake-unittest", "unittest", 2, 1, 1, ["test_u.py:7 test_fails (test_u.T.test_fails)"]],
    ["fake-go-v", "go test", 2, 1, 1, ["calc_test.go:19 example.org/calc/calc.TestFails"]],
    ["fake-go-json", "go test", 2, 1, 1, ["calc_test.go:19 example.org/calc/calc.TestFails"]],
    ["fake-cargo", "cargo test", 3, 1, 1, ["src/lib.rs:17 tests::fails"]],
    ["fake-cargo-nocapture", "cargo test", 3, 1, 1, ["src/lib.rs:17 tests::fails"]],
    ["fake-prove", "prove", 6, 4, 1, prove],
    ["fake-prove-v", "prove", 6, 4, 1, prove],
    ["fake-ctest-v", "ctest", 3, 4, 2, ["t.c:8 fails", "?:? crashes", "?:? slow", "?:? missing"]],
    ["fake-surefire", "surefire", 4, 3, 1, surefire],
    ["fake-surefire-q", "surefire", 4, 3, 1, surefire],
    ["fake-surefire-color", "surefire", 4, 3, 1, surefire],
  ];
  for (const [name, format, passed, failed, skipped, failures] of cases) {
    const report = parseReport(printed(name), { root: ROOT, exitCode: 1 });
    deepEqual(sums(report), [format, passed, failed, skipped], name);
    deepEqual(places(report), failures, name);
  }
  const listed = names.filter((name) => name.startsWith("fake-") && name !== "fake-go");
  deepEqual(listed, cases.map(([name]) => name).sort());
});

Deno.test("parseReport() lets a printed verdict of go test, which quotes nothing, only add a failure", () => {
  const report = parseReport(printed("fake-go"), { exitCode: 1 });
  deepEqual(sums(report), ["go test (passes are packages)", 0, 2, 0]);
  equal(places(report)?.[1], "calc_test.go:19 example.org/calc/calc.TestFails");
});

Deno.test("parseReport() reads prove, ctest and Surefire that pass, and in parallel", () => {
  const cases: [string, number, (string | number)[], string[]][] = [
    ["prove-ok", 0, ["prove", 3, 0, 1], []],
    ["ctest-ok", 0, ["ctest", 1, 0, 0], []],
    ["ctest", 8, ["ctest", 3, 4, 2], ["?:? fails", "?:? crashes", "?:? slow", "?:? missing"]],
    ["ctest-j", 8, ["ctest", 3, 4, 2], ["t.c:8 fails", "?:? crashes", "?:? slow", "?:? missing"]],
    ["surefire-ok", 0, ["surefire", 1, 0, 0], []],
    ["deno-dot", 1, ["deno test", 2, 2, 1], ["sum_test.ts:5 fails", "sum_test.ts:7 outer ... in"]],
  ];
  for (const [name, exitCode, expected, failures] of cases) {
    const report = parseReport(printed(name), { root: ROOT, exitCode });
    deepEqual(sums(report), expected, name);
    deepEqual(places(report), failures, name);
  }
  const [fails] = parseReport(printed("ctest-j"), { root: ROOT, exitCode: 8 })?.failures ?? [];
  match(fails?.message ?? "", /^Subprocess aborted\n.*Assertion `sum == 3' failed/);
  const died = parseReport(printed("fake-prove"), { exitCode: 1 })?.failures[2]?.message ?? "";
  match(died, /You planned 5 tests but ran 1\.\ncrashed here at t\/c\.t line 3\.$/);
});

Deno.test("parseReport() reads the errors of ESLint, Maven, javac, go vet and new compilers", () => {
  const eslint = [
    "src/a.js:1 -",
    "src/a.js:2 -",
    "src/a.js:2 -",
    "src/a.js:3 -",
    "src/broken.js:1 -",
  ];
  const calc = ["src/main/java/demo/Calc.java:2 -"];
  const cases: [string, string, string[], RegExp][] = [
    [
      "eslint",
      "eslint",
      eslint,
      /^'unused' is assigned a value but never used \(no-unused-vars\)$/,
    ],
    ["eslint-color", "eslint", eslint, /^'unused' is .* \(no-unused-vars\)$/],
    ["eslint-unix", "eslint", eslint, /^'unused' is .*\. \(no-unused-vars\)$/],
    ["maven-compile", "compiler", calc, /^incompatible types: java\.lang\.String cannot be/],
    ["maven-color-compile", "compiler", calc, /^incompatible types: /],
    ["javac", "compiler", calc, /^incompatible types: String cannot be converted to int$/],
    ["go-vet", "compiler", ["x/x.go:7 -"], /^cannot use "a" /],
    ["deno-broken", "compiler", ["broken_test.ts:1 -"], /^TS2307: Cannot find module/],
    ["cargo-testbuild", "compiler", ["src/lib.rs:2 -"], /^E0308: mismatched types$/],
    ["tsc7", "compiler", ["a.ts:1 -", "a.ts:2 -", "a.ts:3 -"], /^TS2322: Type 'string' is not/],
    [
      "tsc7-color",
      "compiler",
      ["a.ts:1 -", "a.ts:2 -", "a.ts:3 -"],
      /^TS2322: Type 'string' is not/,
    ],
  ];
  for (const [name, format, expected, first] of cases) {
    const report = parseReport(printed(name), { root: ROOT, exitCode: 1 });
    deepEqual(sums(report), [format, 0, expected.length, 0], name);
    deepEqual(places(report), expected, name);
    match(report?.failures[0]?.message ?? "", first, name);
  }
});

Deno.test("parseReport() says of a run that died in the middle what it knows, and nothing good", () => {
  const cases: [string, (string | number)[] | null, RegExp][] = [
    ["crash-node", ["node --test", 0, 1, 0], /test failed/],
    ["crash-node-tap", ["node --test", 0, 1, 0], /test failed/],
    ["crash-vitest", ["vitest", 1, 1, 0], /process\.exit unexpectedly called/],
    ["crash-deno", ["deno test", 1, 2, 0], /Error: late/],
    ["crash-go", ["go test (passes are packages)", 0, 1, 0], /exit status 3|0\.002s/],
    ["crash-go-v", ["go test", 1, 1, 0], /failed/],
    ["crash-surefire", ["surefire", 0, 1, 0], /The forked VM terminated without/],
    ["crash-jest", null, /^$/],
    ["crash-pytest", null, /^$/],
    ["crash-cargo", null, /^$/],
    ["crash-mocha", null, /^$/],
    ["mocha-syntax", null, /^$/],
  ];
  for (const [name, expected, message] of cases) {
    const report = parseReport(printed(name), { root: ROOT, exitCode: 1 });
    deepEqual(sums(report), expected, name);
    match(report?.failures[0]?.message ?? "", message, name);
  }
});

Deno.test("parseReport() never says of a failed command that all passed, wherever its output was cut", () => {
  for (const name of names) {
    const text = printed(name);
    for (let part = 0; part < 12; part++) {
      const cut = Math.floor(text.length * part / 12);
      for (const piece of [text.slice(cut), text.slice(0, cut)]) {
        for (const exitCode of [1, null]) {
          const report = parseReport(piece, { root: ROOT, exitCode });
          ok(!report || report.failed > 0, `${name}, cut at ${cut}, code ${exitCode}`);
          ok(!report || report.passed < 99, `${name}, cut at ${cut}: ${report?.format}`);
        }
      }
    }
  }
});

Deno.test("parseReport() lets the exit code win over what was printed", () => {
  const passing =
    "running 1 test from ./a_test.ts\na ... ok (1ms)\n\nok | 1 passed | 0 failed (2ms)\n\n";
  deepEqual(sums(parseReport(passing, { exitCode: 0 })), ["deno test", 1, 0, 0]);
  const limit = `${passing}Coverage of 40 % is below 80 %\n`;
  deepEqual(parseReport(limit, { exitCode: 2 })?.failures, [{
    message: "The command failed with code 2, though no test is reported as failed\n" +
      "Coverage of 40 % is below 80 %",
  }]);
  match(
    parseReport(passing, { exitCode: null })?.failures[0]?.message ?? "",
    /^The command was ended before it was done/,
  );
  const types = `${passing}a.ts(1,7): error TS2322: Wrong type\n`;
  deepEqual(sums(parseReport(types, { exitCode: 2 })), ["deno test + compiler", 1, 1, 0]);
  // In a command that succeeded nothing failed to compile: something printed that.
  deepEqual(sums(parseReport(types, { exitCode: 0 })), ["deno test", 1, 0, 0]);
  equal(parseReport("a.c:1:1: error: printed\n", { exitCode: 0 }), null);
});

Deno.test("parseReport() takes what stands inside a run for a test's output, and what follows for a run", () => {
  const inner = "TAP version 13\n1..2\nok 1 - a\nnot ok 2 - b\n";
  const cargo = (output: string) =>
    `running 1 test\n${output}test a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\n`;
  deepEqual(sums(parseReport(cargo(inner))), ["cargo test", 1, 0, 0]);
  deepEqual(sums(parseReport(cargo(cargo(cargo(""))))), ["cargo test", 1, 0, 0]);
  deepEqual(sums(parseReport(cargo("") + cargo(""))), ["cargo test", 2, 0, 0]);
  deepEqual(sums(parseReport(inner + cargo(""))), ["TAP + cargo test", 2, 1, 0]);
  const results = ["cargo", "jest", "vitest", "pytest"].map((name) => printed(`fake-${name}`)).join(
    "\n",
  );
  const all = parseReport(results, { exitCode: 1 });
  deepEqual(sums(all), ["pytest + cargo test + jest + vitest", 11, 10, 7]);
});

Deno.test("parseReport() adds what says little of itself where no other runner's test can have printed it", () => {
  const go = "ok  \texample.org/a\t0.1s\n";
  const cargo =
    "running 1 test\ntest a ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured\n";
  const jest =
    "PASS ./a.test.js\n\nTest Suites: 1 passed, 1 total\nTests:       1 passed, 1 total\n";
  const both = (...parts: string[]) => sums(parseReport(parts.join("")))?.slice(0, 2);
  deepEqual(both(go, cargo), ["cargo test + go test (passes are packages)", 2]);
  deepEqual(both(jest, "\n", go), ["jest + go test (passes are packages)", 2]);
  deepEqual(both(go, jest), ["jest", 1]); // with --verbose, output stands above all of Jest's own
});

Deno.test("parseReport() keeps what failed when TAP results are printed twice", () => {
  const tap = (text: string) => sums(parseReport(`TAP version 13\n${text}`))?.slice(1);
  deepEqual(tap("1..3\nnot ok 1 - a\n1..2\nok 1 - fake\nok 2 - fake\nok 2 - b\nok 3 - c\n"), [
    2,
    1,
    0,
  ]);
  deepEqual(tap("ok 1 - fake\nok 2 - fake\n1..2\nok 1 - a\nnot ok 2 - b\nok 3 - c\n1..3\n"), [
    2,
    1,
    0,
  ]);
  deepEqual(tap("ok 1\n1..1\nTAP version 13\nok 1\nok 2\n1..2\n"), [3, 0, 0]);
  deepEqual(sums(parseReport("1..1\nok 1\n1..2\nok 1\nok 2\n")), ["TAP", 3, 0, 0]);
});

Deno.test("parseReport() lets no terminal code hide the lines between two outputs", () => {
  const text = "TAP version 13\nok 1 - \u001b]0;a\nnot ok 2 - b\nok 3 - \u0007c\n1..3\n";
  deepEqual(sums(parseReport(text)), ["TAP", 2, 1, 0]);
});

Deno.test("parseReport() reads outputs whose middle was too long to be kept", () => {
  const kept = (text: string) => {
    const output = new HeadAndTail(256 * 1024);
    output.push(new TextEncoder().encode(text));
    return sums(parseReport(output.text(), { root: ROOT, exitCode: 1 }));
  };
  const many = (line: (n: number) => string) =>
    Array.from({ length: 20_000 }, (_, n) => line(n + 1)).join("\n");
  const ok =
    "\nℹ tests 20000\nℹ suites 0\nℹ pass 19999\nℹ fail 1\nℹ cancelled 0\nℹ skipped 0\nℹ todo 0\n";
  const sum = "[ERROR] Tests run: 20000, Failures: 1, Errors: 0, Skipped: 0";
  const cases: [string, (string | number)[]][] = [
    [many((n) => `✔ a test of a name that is long, number ${n} (1ms)`) + ok, [
      "node --test",
      19_999,
      1,
      0,
    ]],
    [
      many((n) => `PASS ./a/file/of/a/name/that/is/long/${n}.test.js`) +
      "\n\nTest Suites: 1 failed, 19999 passed, 20000 total\nTests:       1 failed, 19999 passed, 20000 total\n",
      ["jest", 19_999, 1, 0],
    ],
    [
      `[INFO]  T E S T S\n${
        many((n) =>
          `[INFO] Tests run: 1, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s -- in demo.A${n}`
        )
      }\n[INFO] Results:\n${sum}\n`,
      ["surefire", 19_999, 1, 0],
    ],
    [
      `running 20000 tests\n${many((n) => `test tests::a_name_that_is_long_${n} ... ok`)}\n` +
      "test result: FAILED. 19999 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out\n",
      ["cargo test", 19_999, 1, 0],
    ],
    [
      `TAP version 13\n1..20000\nnot ok 1 - a\n${
        many((n) => `# a comment that is long, ${n}`)
      }\nok 2 - b\n`,
      ["TAP", 1, 1, 0],
    ],
  ];
  for (const [text, expected] of cases) deepEqual(kept(text), expected, text.slice(0, 40));
  // A test that prints the mark of a gap gains nothing by it.
  const fake =
    "\n\n[99999 bytes left out]\n\nTest Suites: 9 passed, 9 total\nTests:       99 passed, 99 total\n";
  deepEqual(kept(fake + printed("jest")), ["jest", 2, 4, 2]);
  equal(kept(fake), null);
});

Deno.test("parseReport() reads each runner's output with a long log in its middle as without", () => {
  const log = "12:34:56 info some line of a log, as programs write them\n".repeat(12_000);
  for (const name of names) {
    const whole = printed(name);
    const at = whole.indexOf("src/a.c:1:1: error: fake");
    if (at < 0 || name.includes("json") || name === "fake-node-tap" || name === "fake-ctest-v") {
      continue;
    }
    const output = new HeadAndTail(256 * 1024);
    output.push(new TextEncoder().encode(whole.slice(0, at) + log + whole.slice(at)));
    const report = parseReport(output.text(), { root: ROOT, exitCode: 1 });
    deepEqual(sums(report), sums(parseReport(whole, { root: ROOT, exitCode: 1 })), name);
  }
});

Deno.test("parseReport() takes no line of an output for the sign that its beginning is missing", () => {
  const fake =
    "PASS ./a.test.js\nTest Suites: 9 passed, 9 total\nTests:       99 passed, 99 total\n";
  equal(parseReport(`\u0000cut\n${fake}`), null);
  equal(parseReport(`${"x\n".repeat(REPORT_CHARS / 2)}${fake}`)?.passed, 99); // here it is
});

Deno.test("parseReport() reads which file failed when Jest names its project first", () => {
  const report = parseReport(
    "FAIL unit src/a.test.js (5.2 s)\n  ● adds\n\n    boom\n\n      at Object.<anonymous> (src/a.test.js:3:9)\n\n" +
      "Test Suites: 1 failed, 1 total\nTests:       1 failed, 1 total\n",
  );
  deepEqual(places(report), ["src/a.test.js:3 adds"]);
});

Deno.test("mergeReports() adds up reports and names each format once", () => {
  const one = { format: "JUnit", passed: 1, failed: 1, skipped: 0, failures: [{ message: "a" }] };
  const other = { ...one, skipped: 2, failures: [{ message: "b" }] };
  deepEqual(mergeReports([one, other]), {
    ...{ format: "JUnit", passed: 2, failed: 2, skipped: 2 },
    failures: [{ message: "a" }, { message: "b" }],
  });
});
