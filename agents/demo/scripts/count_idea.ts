/**
 * The sample's first idea: a `count` command. The first version has a real fault that only the tests catch:
 * under `set -e`, `grep -c` ends the script when it counts nothing, since it then exits with 1.
 */
import {
  editFile,
  readFile,
  readFiles,
  type Replacement,
  runChecks,
  writeFile,
} from "../editing.ts";
import { CannotGoOn, type Desk, type Script, use } from "../script.ts";
import type { Task } from "../task.ts";
import { countOf } from "../text.ts";
import { countCode, type Format, formatFor, testCode } from "./count_formats.ts";
import type { KnownIdea } from "./known_idea.ts";

const TITLE = "Count what is left to do";
const SUBTASKS = ["Add the count command", "Test the count command and show it in the README"];

function plan(task: Task) {
  const { format, why } = formatFor({ ...task, subtask: null, acceptance: [], ticket: null });
  return {
    complexity: "small" as const,
    reason: `One more command in todo.sh, a test file and a line in the README. It prints ` +
      `${format.described}, ${why}. Planned by Gaffer's demo model.`,
    acceptance: [
      `\`todo count\` prints ${format.described}`,
      "`todo count` also works on an empty list, when nothing is done and when everything is done",
      "The help text and the README show `count`",
    ],
    subtasks: [
      {
        title: SUBTASKS[0]!,
        description: `In todo.sh, a \`count\` command that prints ${format.described}, and its ` +
          "line in the help text. Done when `sh build.sh` passes and `sh todo.sh count` answers.",
        complexity: "small" as const,
      },
      {
        title: SUBTASKS[1]!,
        description:
          `tests/count.sh checks that \`count\` prints ${format.described}, also for an ` +
          "empty list, when nothing is done and when everything is done. A line in the README.",
        complexity: "trivial" as const,
      },
    ],
  };
}

const commandEdits = (format: Format): Replacement[] => [
  { old: "usage() {", new: countCode(format) + "usage() {" },
  {
    old: "  help           show this help",
    new: "  count          show how many tasks are open and done\n" +
      "  help           show this help",
  },
  { old: "  help) usage ;;", new: "  count) count_tasks ;;\n  help) usage ;;" },
];

function* addCommand(desk: Desk): Script<string> {
  const { format } = formatFor(desk.task);
  const text = yield* readFile(
    desk,
    "I am Gaffer's demo model: what I write here was worked out beforehand, but the edits and the checks " +
      "are real. First I read the program.",
    "todo.sh",
  );
  if (text.includes("count_tasks()")) {
    const ran = yield* runChecks(desk, ["build"]);
    return `todo.sh already has the \`count\` command, so I changed nothing. ${passed(ran)}`;
  }
  yield* editFile(
    desk,
    `I add \`count\`, which prints ${format.described}: a function, its line in the help, its case.`,
    { path: "todo.sh", text, edits: commandEdits(format) },
  );
  const ran = yield* runChecks(desk, ["build"]);
  return `Added \`count\` to todo.sh; it prints ${format.described}. ${passed(ran)} ` +
    "I have not run the tests: its own test comes with the next subtask.";
}

function* addTest(desk: Desk): Script<string> {
  const { format } = formatFor(desk.task);
  const [tests] = yield* use(desk, "First I look which tests there are.", [
    { name: "Glob", input: { pattern: "tests/*.sh" } },
  ]);
  const [pattern, readme] = yield* readFiles(
    desk,
    "I read one of them as a pattern for mine, and the README.",
    ["tests/list.sh", "README.md"],
  );
  if (!pattern.includes("check ")) {
    throw new CannotGoOn("I expected `check` lines in tests/list.sh as a pattern for my test.");
  }
  const done: string[] = [];
  if (!/(^|\/)tests\/count\.sh$/m.test(tests!.content)) {
    yield* writeFile(desk, "The test covers the lists that a count gets wrong most easily.", {
      path: "tests/count.sh",
      content: testCode(format),
    });
    done.push("tests/count.sh checks `count` on four kinds of lists.");
  }
  if (!readme.includes("sh todo.sh count")) {
    yield* editFile(desk, "One line in the README shows the command.", {
      path: "README.md",
      text: readme,
      edits: [{ old: "sh todo.sh done 1\n", new: "sh todo.sh done 1\nsh todo.sh count\n" }],
    });
    done.push("The README shows it.");
  }
  const ran = yield* runChecks(desk, ["build"]);
  return `${done.join(" ") || "Test and README were there already."} ${passed(ran)} ` +
    "The pipeline runs the tests next.";
}

/** A count that ends the script when it is 0. */
const FRAGILE = /^\s*(\w+)=\$\(grep -c .+ "\$file"\)$/;

function* fix(desk: Desk): Script<string> {
  const failed = desk.task.checkFailures.map(({ name }) => name);
  if (!failed.includes("test")) {
    throw new CannotGoOn(
      `I can mend a failed test of this idea; what failed is ${failed.join(", ")}.`,
    );
  }
  const [, text] = yield* readFiles(
    desk,
    "The tests fail. I read the failing test and the program beside what they printed.",
    ["tests/count.sh", "todo.sh"],
  );
  const lines = text.split("\n").filter((line) => FRAGILE.test(line) && countOf(text, line) === 1);
  if (lines.length === 0) {
    throw new CannotGoOn(
      "I know one fault of `count`, a grep that counts nothing and so ends the script, but todo.sh " +
        "does not have it. What failed must be something else.",
    );
  }
  yield* editFile(
    desk,
    "`count` prints nothing and exits with 1 whenever one of its numbers is 0: `grep -c` exits with 1 when " +
      "it counts nothing, and `set -e` then ends the script. The exit code has to be ignored there.",
    { path: "todo.sh", text, edits: lines.map((line, i) => repaired(line, i === 0)) },
  );
  const ran = yield* runChecks(desk, ["build", "test"]);
  return "Under `set -e`, `grep -c` ended the script when it counted nothing. todo.sh now ignores that exit " +
    `code. ${passed(ran)}`;
}

function repaired(line: string, first: boolean): Replacement {
  const why = "  # grep -c exits with 1 when it counts nothing; set -e would end the script.\n";
  return { old: line, new: (first ? why : "") + line.replace(/\)$/, " || true)") };
}

const passed = (ran: string[]) =>
  ran.length > 0 ? `${ran.join(" and ")} passed.` : "The project has no command to check it with.";

export const countIdea: KnownIdea = {
  title: TITLE,
  question: {
    question: "How should `todo count` print the numbers?",
    why:
      "People read a sentence easily, scripts read plain numbers; once somebody relies on the format " +
      "it is hard to change.",
    options: [
      "One sentence: 2 open, 1 done",
      "Two lines: open 2 and done 1",
      "Only the number of open tasks",
    ],
  },
  clarified: {
    summary:
      "A `count` command for todo.sh that tells how many tasks are open and how many are done, so " +
      "that nobody has to read the whole list.",
    type: "feature",
    acceptance: [
      "`todo count` tells how many tasks are left, in the format that was asked for",
      "`todo count` also works on an empty list, when nothing is done and when everything is done",
      "The help text and the README show `count`",
    ],
  },
  plan,
  priority: {
    priority: "normal",
    reason: "Useful every day and small, but nothing waits for it. Judged by Gaffer's demo model.",
  },
  develop: (desk, subtask) => (subtask === 0 ? addCommand(desk) : addTest(desk)),
  fix,
};
