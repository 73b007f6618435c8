/** A small repository that needs only `sh`, and agents that do its one ticket in few turns. */
import { answer, toolUse } from "./fake_claude/mod.ts";
import { TestRepo } from "./git_support.ts";
import { calls, ifGood, type Scripts, submit } from "./journey_support.ts";

export const greetCommands = { build: "sh -n greet.sh", test: "sh test.sh" };

const GREET = '# Greets.\necho "hello"\n';
const TEST = 'case "$(sh greet.sh)" in hello*) echo ok ;; *) exit 1 ;; esac\n';

/** `greet.sh`, its test and two other files, committed on "main". */
export const greetRepo = (files: Record<string, string> = {}): Promise<TestRepo> =>
  TestRepo.make({
    "greet.sh": GREET,
    "test.sh": TEST,
    "notes.txt": "one\n",
    "other.txt": "first\nsecond\nthird\n",
    ...files,
  });

/** What the developer makes of `greet.sh`. */
export const GREETED = GREET.replace("hello", "hello, world");

export const question = {
  question: "Whom should it greet?",
  why: "It is printed to everyone.",
  options: ["The world", "The user"],
};

/** Turns for every agent; a test replaces those that it is about. */
export const greetScripts: Scripts = {
  clarify: [
    answer(
      "I look at the program and ask.",
      toolUse("Read", { file_path: "greet.sh" }),
      toolUse("ask_questions", { questions: [question] }),
    ),
    submit({ summary: "Greet more", type: "feature", acceptance: ["greet.sh greets the world"] }),
  ],
  research: [
    calls(["Grep", { pattern: "hello" }]),
    submit({
      summary: "All of it is in greet.sh",
      findings: [{ kind: "related", path: "greet.sh", line: 2, text: "prints the greeting" }],
    }),
  ],
  estimate: [
    calls(["Read", { file_path: "greet.sh" }]),
    submit({
      complexity: "trivial",
      reason: "One line",
      acceptance: ["greet.sh greets the world"],
      subtasks: [{ title: "Greet the world", description: "In greet.sh", complexity: "trivial" }],
    }),
  ],
  prioritize: [submit({ priority: "normal", reason: "Nothing waits for it" })],
  develop: [
    calls(["Read", { file_path: "greet.sh" }]),
    ifGood(
      calls(["Edit", { file_path: "greet.sh", old_string: "hello", new_string: "hello, world" }]),
    ),
    ifGood(calls(["run_checks", { name: "build" }])),
    ifGood(submit({ status: "done", summary: "greet.sh greets the world" })),
  ],
  review: [
    submit({
      summary: "Good",
      findings: [],
      criteria: [{ criterion: "greet.sh greets the world", met: true, evidence: "the diff" }],
    }),
  ],
};

/** A ticket that somebody made by hand for it. */
export const greetTicket = {
  title: "Greet the world",
  description: "greet.sh should greet the world.",
  type: "feature",
  acceptance: ["greet.sh greets the world"],
};
