/** The sample's second idea: say in the README and in the help text where the tasks are kept. */
import { editFile, readFile, runChecks } from "../editing.ts";
import { CannotGoOn, type Desk, type Script } from "../script.ts";
import type { Task } from "../task.ts";
import { clip } from "../text.ts";
import type { KnownIdea } from "./known_idea.ts";

const TITLE = "Say where the tasks are kept";
const SUBTASKS = ["Say it in the README", "Say it in the help text"];
const SECTION = "a section of its own";
const LINE = "one line under the commands";

/** What stands in the plan; else what was said last; else a section. */
function placeFor(task: Task): { place: string; why: string } {
  const chosen = (text: string) =>
    /one line|a line|short/i.test(text) ? LINE : /section/i.test(text) ? SECTION : null;
  const planned = [task.subtask?.text, ...task.acceptance, task.ticket?.text].join("\n");
  const inPlan = [SECTION, LINE].find((place) => planned.includes(place));
  if (inPlan) return { place: inPlan, why: "as planned" };
  const fromFeedback = chosen(task.feedback);
  if (fromFeedback) return { place: fromFeedback, why: "as the feedback asks" };
  const answer = task.answers.map(({ text }) => text).join("\n");
  const fromAnswer = chosen(answer);
  return fromAnswer
    ? { place: fromAnswer, why: `because the answer was “${clip(answer, 200)}”` }
    : { place: SECTION, why: "since nobody chose another place" };
}

function plan(task: Task) {
  const { place, why } = placeFor({ ...task, subtask: null, acceptance: [], ticket: null });
  return {
    complexity: "trivial" as const,
    reason: `Two small texts. In the README it becomes ${place}, ${why}. ` +
      "Planned by Gaffer's demo model.",
    acceptance: [
      `The README says in ${place} that \`TODO_FILE\` chooses the file`,
      "`todo help` names `TODO_FILE`",
    ],
    subtasks: [
      {
        title: SUBTASKS[0]!,
        description:
          `README.md says where tasks are kept and how \`TODO_FILE\` changes it, in ${place}.`,
        complexity: "trivial" as const,
      },
      {
        title: SUBTASKS[1]!,
        description:
          "The help text of todo.sh names todo.txt and `TODO_FILE`. The tests still pass.",
        complexity: "trivial" as const,
      },
    ],
  };
}

const README_SECTION = `## Where the tasks are kept

In \`todo.txt\` in the current folder, or in the file that \`TODO_FILE\` names:

\`\`\`
TODO_FILE=~/todo.txt sh todo.sh list
\`\`\`

## Build and test
`;
const README_LINE =
  "The tasks are kept in `todo.txt` in the current folder, or in the file that `TODO_FILE` names.\n\n" +
  "## Build and test\n";

function* editReadme(desk: Desk): Script<string> {
  const { place } = placeFor(desk.task);
  const text = yield* readFile(
    desk,
    "I am Gaffer's demo model: this text was worked out beforehand, the edit is real. I read the README first.",
    "README.md",
  );
  if (!text.includes("TODO_FILE")) {
    yield* editFile(desk, `It becomes ${place}, just before “Build and test”.`, {
      path: "README.md",
      text,
      edits: [{ old: "## Build and test\n", new: place === LINE ? README_LINE : README_SECTION }],
    });
  }
  const ran = yield* runChecks(desk, ["build"]);
  return `The README says in ${place} where the tasks are kept. ${ran.join(" and ")} passed.`;
}

function* editHelp(desk: Desk): Script<string> {
  const text = yield* readFile(desk, "The help text is in the program.", "todo.sh");
  if (!text.includes("the file that TODO_FILE names")) {
    yield* editFile(desk, "Two lines at the end of the help.", {
      path: "todo.sh",
      text,
      edits: [{
        old: "  help           show this help\n",
        new: "  help           show this help\n\n" +
          "Tasks are kept in todo.txt, or in the file that TODO_FILE names.\n",
      }],
    });
  }
  const ran = yield* runChecks(desk, ["build", "test"]);
  return `The help text names TODO_FILE. ${ran.join(" and ")} passed.`;
}

// deno-lint-ignore require-yield -- there is nothing to try: no fault of this idea is known
function* fix(): Script<string> {
  throw new CannotGoOn("This idea changes only texts, so I don't know what made the check fail.");
}

export const placeIdea: KnownIdea = {
  title: TITLE,
  question: {
    question: "Where in the README should it stand?",
    why: "A section is found more easily, a line keeps the README short.",
    options: ["A section of its own", "One line under the commands"],
  },
  clarified: {
    summary:
      "The README and the help text should say that tasks are kept in todo.txt and that `TODO_FILE` " +
      "chooses another file.",
    type: "docs",
    acceptance: [
      "The README says that `TODO_FILE` chooses the file",
      "`todo help` names `TODO_FILE`",
    ],
  },
  plan,
  priority: {
    priority: "low",
    reason: "Good to know, but everything works without it. Judged by Gaffer's demo model.",
  },
  develop: (desk, subtask) => (subtask === 0 ? editReadme(desk) : editHelp(desk)),
  fix,
};
