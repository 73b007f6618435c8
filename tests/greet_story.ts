/** A small repository that needs only `sh`, and agents that do its one ticket in few turns. */
import { answer, type ClaudeRequest, type MessageReply, toolUse } from "./fake_claude/mod.ts";
import { TestRepo } from "./git_support.ts";
import { calls, expect, type Scripts, submit } from "./journey_support.ts";

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

/** How the clarifier begins. */
export const asking: MessageReply = answer(
  "I look at the program and ask.",
  toolUse("Read", { file_path: "greet.sh" }),
  toolUse("ask_questions", { questions: [question] }),
);

const edit = { file_path: "greet.sh", old_string: "hello", new_string: "hello, world" };

/**
 * Does the work step by step. A call that a restart interrupted may have been done or not: like a model, it
 * then looks at the file before it goes on.
 */
export function greetDeveloper({ results }: ClaudeRequest): MessageReply {
  const [last] = results;
  switch (last?.isError ? undefined : last?.name) {
    case "Read":
      return last!.content.includes("world")
        ? calls(["run_checks", { name: "build" }])
        : calls(["Edit", edit]);
    case "Edit":
      return calls(["run_checks", { name: "build" }]);
    case "run_checks":
      return submit({ status: "done", summary: "greet.sh greets the world" });
    default:
      expect(!last || /interrupted by a restart/.test(last.content), `not ${last?.content}`);
      return calls(["Read", { file_path: "greet.sh" }]);
  }
}

/** An answer for every turn of every agent; a test replaces those that it is about. */
export const greetScripts: Scripts = {
  clarify: [
    asking,
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
  prioritize: submit({ priority: "normal", reason: "Nothing waits for it" }),
  develop: greetDeveloper,
  review: submit({
    summary: "Good",
    findings: [],
    criteria: [{ criterion: "greet.sh greets the world", met: true, evidence: "greet.sh:2" }],
  }),
};

/** A ticket that somebody made by hand for it. */
export const greetTicket = {
  title: "Greet the world",
  description: "greet.sh should greet the world.",
  type: "feature",
  acceptance: ["greet.sh greets the world"],
};
