import { deepStrictEqual as deepEqual, match, ok, strictEqual as equal } from "node:assert";
import { join } from "node:path";
import { JUNIT_CHARS } from "../agents/reports/junit.ts";
import { mergeReports, parseJUnit } from "../agents/reports/mod.ts";
import { FAILURE_CHARS, REPORT_FAILURES } from "../agents/reports/report.ts";
import type { CheckReport } from "../server/records.ts";
import { leastMs } from "./timing.ts";

const ROOT = "/home/pat/project";
const folder = join(import.meta.dirname ?? "", "fixtures/reports");
const written = (name: string): string => Deno.readTextFileSync(join(folder, `junit-${name}.xml`));

function read(xml: string): CheckReport {
  const report = parseJUnit(xml, { root: ROOT });
  if (!report) throw new Error("It was not recognised");
  return report;
}

const sums = ({ passed, failed, skipped }: CheckReport) => [passed, failed, skipped];
const places = ({ failures }: CheckReport) =>
  failures.map(({ file, line, test }) => `${file ?? "?"}:${line ?? "?"} ${test ?? "-"}`);

Deno.test("parseJUnit() reads what the runners write, each with its own attributes", () => {
  const cases: [string, number[], string[], RegExp][] = [
    ["pytest", [3, 3, 2], [
      "tests/test_sum.py:7 tests.test_sum.test_fails",
      "tests/test_sum.py:12 tests.test_sum.test_error",
      "tests/test_sum.py:14 tests.test_sum.test_param[2]",
    ], /^assert \(1 \+ 1\) == 3$/],
    ["jest", [4, 2, 1], ["sum.test.js:4 fails", "sum.test.js:7 objects throws"], /Received: 2$/],
    ["vitest", [2, 3, 2], [
      "broken.test.js:1 broken.test.js",
      "sum.test.js:6 fails",
      "sum.test.js:9 objects > throws",
    ], /^Error: Cannot find module '\.\/missing\.js'/],
    ["node", [2, 2, 2], ["sum.test.js:6 fails", "sum.test.js:9 throws"], /^2 == 3$/],
    ["deno", [2, 3, 1], [
      "sum_test.ts:5 fails",
      "sum_test.ts:7 outer",
      "sum_test.ts:7 outer > in",
    ], /^AssertionError: Expected values to be strictly equal:\n\n2 !== 3\n/],
    ["mocha", [2, 4, 2], [
      "sum.test.js:7 sum.fails",
      "sum.test.js:10 sum objects.throws",
      "sum.test.js:? sum objects.takes long",
      'sum.test.js:11 sum."after all" hook for "later"',
    ], /^2 == 3\n/],
    ["surefire-calc", [3, 3, 1], [
      "demo/CalcTest.java:12 demo.CalcTest.errors",
      "demo/CalcTest.java:11 demo.CalcTest.fails",
      "demo/CalcTest.java:14 demo.CalcTest.param(int)[2]",
    ], /^java\.lang\.IllegalStateException: boom$/],
    ["surefire-other", [1, 0, 0], [], /^$/],
    ["ctest", [3, 3, 3], ["?:? fails", "?:? crashes", "?:? slow"], /Assertion `sum == 3' failed/],
  ];
  for (const [name, expected, failures, first] of cases) {
    const report = read(written(name));
    deepEqual(sums(report), expected, name);
    deepEqual(places(report), failures, name);
    match(report.failures[0]?.message ?? "", first, name);
  }
});

Deno.test("parseJUnit() counts the cases, whatever the sums say, and what broke outside of them", () => {
  const report = read(`<testsuites tests="99" failures="0"><testsuite name="a" tests="99">
    <testcase name="flaky"><flakyFailure message="once"/></testcase>
    <testcase name="both" file="a.rb" line="3"><failure message="one"/><error message="two"/></testcase>
    <testcase name="off"><skipped/><system-out>&lt;failure/></system-out></testcase>
    <error message="No database">in setUp</error>
    <testsuite name="inner"><testcase name="deep" classname="a.b"/></testsuite>
  </testsuite></testsuites>`);
  deepEqual(sums(report), [2, 2, 1]);
  deepEqual(report.failures, [
    { file: "a.rb", line: 3, test: "both", message: "one" },
    { test: "a", message: "No database\nin setUp" },
  ]);
});

Deno.test("parseJUnit() does not recognise what is no JUnit report", () => {
  const texts = [
    ...["", "no XML", "<", "<html><body><testsuite/></body></html>", "{}", "<testcase name='a'/>"],
    ...["<!DOCTYPE a><b/>", "text <testsuites/>", "\u0000"],
  ];
  for (const text of texts) equal(parseJUnit(text), null, text);
  deepEqual(sums(read('\uFEFF<?xml version="1.0"?><testsuites/>')), [0, 0, 0]);
});

Deno.test("parseJUnit() never says of a report that was cut or broken that all passed", () => {
  const whole = written("surefire-other");
  const start = whole.indexOf("<testsuite") + "<testsuite ".length;
  for (let cut = start; cut < whole.trimEnd().length; cut += 7) {
    const report = parseJUnit(whole.slice(0, cut));
    ok(!report || report.failed === 1, `cut at ${cut}`);
  }
  const cases: [string, number[], RegExp][] = [
    ['<testsuite><testcase name="a"/>', [1, 1, 0], /read to its end: Unclosed root tag$/],
    ['<testsuite><testcase name="a"/></testsuites>', [1, 1, 0], /Unexpected close tag|Unmatched/],
    ['<testsuite><testcase name="a"/><b & c/></testsuite>', [1, 1, 0], /Invalid attribute name$/],
    ['<testsuite><testcase name="a"/></testsuite><testsuite/>', [1, 0, 0], /^$/],
  ];
  for (const [xml, expected, message] of cases.slice(0, 3)) {
    const report = read(xml);
    deepEqual(sums(report), expected, xml);
    match(report.failures[0]?.message ?? "", message, xml);
  }
});

Deno.test("parseJUnit() expands no entities and reads nothing outside of the document", () => {
  const levels = Array.from(
    { length: 20 },
    (_, level) => `<!ENTITY e${level + 1} "${`&e${level};`.repeat(10)}">`,
  ).join("");
  const bomb =
    `<!DOCTYPE t [<!ENTITY e0 "ha">${levels}]><testsuite><testcase name="&e20;"/></testsuite>`;
  const outside = '<!DOCTYPE t [<!ENTITY f SYSTEM "file:///etc/hostname">]>' +
    '<testsuite><testcase name="a"><failure>&f;</failure></testcase></testsuite>';
  for (const xml of [bomb, outside]) {
    const report = read(xml);
    deepEqual(sums(report), xml === bomb ? [1, 0, 0] : [0, 1, 0]);
    ok(!JSON.stringify(report).includes(Deno.readTextFileSync("/etc/hostname").trim() || "\n"));
  }
});

Deno.test("parseJUnit() stays quick and within its limits with what is made to be slow or large", () => {
  const long = "x".repeat(2_000_000);
  const cases: [string, number[]][] = [
    ["<testsuite>".repeat(300_000), [0, 1, 0]],
    [`<testsuite><testcase name="a">${"&a;".repeat(1_000_000)}</testcase></testsuite>`, [0, 1, 0]],
    [`<testsuite>${'<testcase name="a"/>'.repeat(200_000)}</testsuite>`, [200_000, 0, 0]],
    [`<testsuite>${'<testcase name="a"><failure/></testcase>'.repeat(90_000)}</testsuite>`, [
      0,
      90_000,
      0,
    ]],
    [
      `<testsuite><testcase name="${long}"><failure message="${long}">${long}</failure></testcase></testsuite>`,
      [0, 1, 0],
    ],
    [
      `<testsuite><testcase name="a"><failure><![CDATA[${
        "]] ".repeat(600_000)
      }]]></failure></testcase></testsuite>`,
      [0, 1, 0],
    ],
    [
      `<testsuite><testcase name="a"><system-out>${
        "\u001b[31m\n".repeat(300_000)
      }</system-out></testcase></testsuite>`,
      [1, 0, 0],
    ],
    [
      `<testsuite><testcase name="a" ${
        Array.from({ length: 50_000 }, (_, n) => `a${n}="b"`).join(" ")
      }/></testsuite>`,
      [1, 0, 0],
    ],
    [`<testsuite><testcase name="a"/>${" ".repeat(JUNIT_CHARS)}</testsuite>`, [1, 1, 0]],
    [`<testsuite><!--${"-".repeat(10)} ${long}--></testsuite>`, [0, 1, 0]],
  ];
  for (const [xml, expected] of cases) {
    const report = read(xml);
    const tookMs = leastMs(2_000, () => read(xml));
    deepEqual(sums(report), expected, xml.slice(0, 60));
    ok(tookMs < 5_000, `"${xml.slice(0, 60)}" took ${tookMs} ms`);
    ok(report.failures.length <= REPORT_FAILURES);
    for (const { message, test = "" } of report.failures) {
      ok(message.length <= FAILURE_CHARS + 1 && test.length <= 301);
    }
  }
});

Deno.test("parseJUnit() takes terminal codes out, also those that are written as entities that XML forbids", () => {
  const report = read(`<testsuite><testcase name="a &lt;b> &#x1B;[31mred&#27;[0m">
    <failure>&amp; &#x1b;[1mbold &#x1b;]0;title\u0007end &nothing;</failure></testcase></testsuite>`);
  deepEqual(report.failures, [{ test: "a <b> red", message: "& bold end &nothing;" }]);
});

Deno.test("mergeReports() makes one report of a folder of JUnit files", () => {
  const both = mergeReports(["surefire-calc", "surefire-other"].map((name) => read(written(name))));
  deepEqual([both.format, ...sums(both), both.failures.length], ["JUnit", 4, 3, 1, 3]);
});
