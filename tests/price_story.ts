/** A repository with a real bug and a real test suite (`node --test`), and agents that mend it step by step. */
import { answer, type ClaudeRequest, text, thinking, toolUse } from "./fake_claude/mod.ts";
import { TestRepo } from "./git_support.ts";
import { attribute, calls, expect, ifGood, type Scripts, submit } from "./journey_support.ts";

export const priceCommands = { build: "node --check src/price.js", test: "node --test" };

const PRICE = `/** The amount as people write it: 1234 is "12.34". */
export function format(cents) {
  const whole = Math.trunc(cents / 100);
  const rest = cents % 100;
  return \`\${whole}.\${rest}\`;
}

/** What all lines cost together, in cents. */
export function total(lines) {
  return lines.reduce((sum, { cents, count }) => sum + cents * count, 0);
}
`;
const TEST = `import test from "node:test";
import assert from "node:assert";
import { format, total } from "../src/price.js";

test("format writes two decimals", () => {
  assert.equal(format(1234), "12.34");
});

test("total multiplies and adds", () => {
  assert.equal(total([{ cents: 250, count: 2 }, { cents: 99, count: 1 }]), 599);
});
`;

export const priceRepo = (): Promise<TestRepo> =>
  TestRepo.make({
    "package.json": '{ "name": "prices", "type": "module", "private": true }\n',
    "src/price.js": PRICE,
    "test/price.test.js": TEST,
  });

export const priceIdea = {
  title: "Prices lose a zero",
  description: "format(1005) gives 10.5 instead of 10.05.",
};

/** Half of the cure: amounts below zero still come out wrong. */
const PADDED = [
  "  const rest = cents % 100;\n",
  '  const rest = String(cents % 100).padStart(2, "0");\n',
] as const;
const ABSOLUTE = [
  `  const whole = Math.trunc(cents / 100);
  const rest = String(cents % 100).padStart(2, "0");
  return \`\${whole}.\${rest}\`;
`,
  `  const amount = Math.abs(cents);
  const rest = String(amount % 100).padStart(2, "0");
  return \`\${cents < 0 ? "-" : ""}\${Math.trunc(amount / 100)}.\${rest}\`;
`,
] as const;
const NEW_TESTS = `
test("format keeps the zero of small cents", () => {
  assert.equal(format(1005), "10.05");
});

test("format writes amounts below zero", () => {
  assert.equal(format(-5), "-0.05");
});
`;
const DOCUMENTED = [
  '/** The amount as people write it: 1234 is "12.34". */\n',
  '/** The amount as people write it: 1234 is "12.34", -5 is "-0.05". */\n',
] as const;

const replaced = (text: string, [from, to]: readonly [string, string]) => text.replace(from, to);
/** The two files as they are merged in the end. */
export const mended = {
  "src/price.js": [PADDED, ABSOLUTE, DOCUMENTED].reduce(replaced, PRICE),
  "test/price.test.js": TEST + NEW_TESTS,
};

export const comment = { path: "src/price.js", line: 1, body: "Say here what happens below zero" };

const edit = ([old_string, new_string]: readonly [string, string]): [
  string,
  Record<string, unknown>,
] => ["Edit", { file_path: "src/price.js", old_string, new_string }];

const done = (summary: string) => submit({ status: "done", summary });

/** Something of the request that a turn relies on. */
const says = (request: ClaudeRequest, text: string) =>
  expect(request.prompt.includes(text), `the prompt should have ${text}`);

export const priceScripts: Scripts = {
  clarify: [
    answer(
      thinking("The sign matters: is an amount below zero possible?"),
      text("I read the code and its tests side by side."),
      toolUse("Read", { file_path: "src/price.js" }),
      toolUse("Glob", { pattern: "test/*.js" }),
    ),
    ifGood(calls(["ask_questions", {
      questions: [{
        question: "Can amounts be below zero?",
        why: "A refund of 5 cents would print as 0.-5.",
        options: ["Yes", "No"],
      }],
    }])),
    ifGood(submit({
      summary: "format() must keep the zero of small cents",
      type: "bugfix",
      acceptance: ["format(1005) gives 10.05"],
    })),
  ],
  research: [
    calls(
      ["Grep", { pattern: "format\\(" }],
      ["Read", { file_path: "src/price.js" }],
      ["Read", { file_path: "test/price.test.js" }],
    ),
    ifGood(submit({
      summary: "format() joins two numbers without padding",
      findings: [{ kind: "related", path: "src/price.js", line: 4, text: "the rest, unpadded" }],
    })),
  ],
  estimate: [
    (request) => {
      says(request, '<answer question="Can amounts be below zero?">Yes, refunds');
      return calls(["Read", { file_path: "src/price.js" }]);
    },
    ifGood(submit({
      complexity: "small",
      reason: "One function and its tests",
      acceptance: ["format(1005) gives 10.05", "format(-5) gives -0.05"],
      subtasks: [
        { title: "Mend format()", description: "In src/price.js", complexity: "small" },
        { title: "Test small and negative cents", description: "In test", complexity: "trivial" },
      ],
    })),
  ],
  prioritize: [submit({ priority: "high", reason: "Customers see wrong prices" })],

  "develop 1": [
    (request) => {
      expect(attribute(request, "subtask", "of") === "2", "there should be two subtasks");
      says(request, 'type="bugfix"');
      return answer(
        thinking("I read everything about prices at once."),
        toolUse("Read", { file_path: "src/price.js" }),
        toolUse("Read", { file_path: "test/price.test.js" }),
        toolUse("Grep", { pattern: "price", path: "src" }),
      );
    },
    ifGood(calls(["Bash", {
      command: "node -e \"import('./src/price.js').then((m) => console.log(m.format(1005)))\"",
    }])),
    ({ results: [shown] }) => {
      expect(shown?.content.includes("10.5"), `Bash should show the bug, not ${shown?.content}`);
      return calls(edit(PADDED));
    },
    ifGood(done("too early")),
    ({ results: [refused] }) => {
      expect(refused?.isError && /run_checks/.test(refused.content), "done needs evidence");
      return calls(["run_checks", { name: "build" }]);
    },
    ifGood(done("format() pads the cents")),
  ],
  "develop 2": [
    (request) => {
      says(request, "- Mend format(): format() pads the cents");
      return calls(
        ["Read", { file_path: "test/price.test.js" }],
        ["Read", { file_path: "src/price.js" }],
      );
    },
    ifGood(calls(["Edit", {
      file_path: "test/price.test.js",
      old_string: "599);\n});\n",
      new_string: `599);\n});\n${NEW_TESTS}`,
    }])),
    ifGood(calls(["run_checks", { name: "build" }])),
    ifGood(done("Tests for 1005 and -5")),
  ],
  fix: [
    (request) => {
      expect(
        attribute(request, "check_failures", "name") === "test",
        "the test should have failed",
      );
      says(request, "format writes amounts below zero");
      says(request, "-0.05");
      return calls(
        ["Read", { file_path: "src/price.js" }],
        ["Grep", { pattern: "-5", path: "test", output_mode: "content" }],
      );
    },
    ifGood(calls(edit(ABSOLUTE))),
    ifGood(calls(["run_checks", { name: "build" }], ["run_checks", { name: "test" }])),
    ifGood(done("The sign is written once, in front")),
  ],
  review: [
    (request) => {
      says(request, "+++ b/src/price.js");
      says(request, "- test: passed (exit code 0), 0 failed, 4 passed, 0 skipped");
      return calls(["Read", { file_path: "src/price.js" }], ["Grep", { pattern: "format" }]);
    },
    ifGood(submit({
      summary: "Right, and tested",
      findings: [{
        severity: "minor",
        path: "src/price.js",
        line: 1,
        message: "The comment does not tell about amounts below zero",
        suggestion: "Add an example",
      }],
      criteria: [
        { criterion: "format(1005) gives 10.05", met: true, evidence: "its new test passes" },
        { criterion: "format(-5) gives -0.05", met: true, evidence: "its new test passes" },
      ],
    })),
  ],
  change: [
    (request) => {
      says(request, `src/price.js:1: ${comment.body}`);
      return calls(["Read", { file_path: "src/price.js" }]);
    },
    ifGood(calls(edit(DOCUMENTED))),
    ifGood(calls(["run_checks", { name: "build" }], ["run_checks", { name: "test" }])),
    ifGood(done("The comment has an example below zero")),
  ],
};
