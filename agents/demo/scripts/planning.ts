/** The agents that need a mind of their own: they look at what it is about, and hand in little, honestly. */
import type { PlanningResult, ResultOf } from "../../results.ts";
import { type Desk, type Script, submit, use } from "../script.ts";
import type { Task } from "../task.ts";
import { clip, oneLine } from "../text.ts";
import { findMentions, type Mention, subjectOf } from "./looking.ts";

/** What each hands in, made from the places that mention the subject. */
const results = {
  analyst: (desk: Desk, mentions: Mention[]): ResultOf<"analyst"> => ({
    summary: said(desk, "read and judge it"),
    findings: mentions.map(({ path, line, text, word }) => ({
      kind: "note",
      severity: "note",
      path,
      line,
      text: `\`${oneLine(text, 200)}\` mentions “${word}”`,
    })),
    ...change(desk.task),
  }),
  document: (desk: Desk, mentions: Mention[]): ResultOf<"document"> => ({
    ...results.analyst(desk, mentions),
    summary: said(desk, "write about it"),
    questions: [],
  }),
  deployer: (desk: Desk): ResultOf<"deployer"> => ({
    status: "blocked",
    summary: said(desk, "deploy it"),
    steps: [],
    rollback: "Nothing was done.",
  }),
};

/** By the agent's name. */
export const planners: Readonly<Record<string, (desk: Desk) => Script<string>>> = {
  analyst: (desk) => plan(desk, results.analyst),
  architect: (desk) => plan(desk, results.document),
  writer: (desk) => plan(desk, results.document),
  deployer: (desk) => plan(desk, results.deployer),
};

function* plan(
  desk: Desk,
  resultFor: (desk: Desk, mentions: Mention[]) => Record<string, unknown>,
): Script<string> {
  const mentions = yield* findMentions(
    desk,
    "I am Gaffer's demo model. I look at what this is about.",
  );
  if (desk.task.ask?.kind === "interview") {
    const { title } = subjectOf(desk.task);
    yield* use(desk, "One thing only you can say.", [{
      name: "ask_questions",
      input: {
        questions: [{
          question: `Who reads “${oneLine(title, 120)}”, and what do they do after it?`,
          why: "It decides what the document must say, and what it may leave out.",
        }],
      },
    }]);
  }
  const refused = yield* submit(desk, "More I can't do.", resultFor(desk, mentions));
  return refused ? `My result was refused: ${refused}` : "Done.";
}

/** What was said, put at the end of the document: a person sees how a suggested change is decided on. */
function change({ ask, document, answers }: Task): Pick<PlanningResult, "text"> {
  if (!ask || !document || ask.kind === "review" || ask.kind === "interview") return {};
  const lines = [
    ...(ask.words ? [ask.words] : []),
    ...answers.map(({ question, text }) => `- ${oneLine(question, 200)} ${text}`),
  ];
  const words = lines.length > 0 ? lines.join("\n") : "Nothing was said.";
  return { text: `${document.text.trimEnd()}\n\n## What was said (demo model)\n\n${words}\n` };
}

const said = ({ task }: Desk, verb: string): string =>
  `I am Gaffer's built-in demo model and can't ${verb}: “${
    clip(subjectOf(task).title, 200)
  }”. With ANTHROPIC_API_KEY set, a real model does.`;
