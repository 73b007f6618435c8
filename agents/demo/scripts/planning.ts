/** The agents that need a mind of their own: they look at what it is about, and hand in an honest nothing. */
import type { ResultOf } from "../../results.ts";
import { type Desk, type Script, submit } from "../script.ts";
import { clip, oneLine } from "../text.ts";
import { findMentions, type Mention, subjectOf } from "./looking.ts";

/** What each hands in, made from the places that mention the subject. */
const results = {
  analyst: (desk: Desk, mentions: Mention[]): ResultOf<"analyst"> => ({
    summary: said(desk, "read and judge it"),
    findings: mentions.map(({ path, line, text, word }) => ({
      kind: "note",
      path,
      line,
      text: `\`${oneLine(text, 200)}\` mentions “${word}”`,
    })),
  }),
  document: (desk: Desk): ResultOf<"document"> => ({
    summary: said(desk, "write about it"),
    changes: [],
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
  const refused = yield* submit(desk, "More I can't do.", resultFor(desk, mentions));
  return refused ? `My result was refused: ${refused}` : "Done.";
}

const said = ({ task }: Desk, verb: string): string =>
  `I am Gaffer's built-in demo model and can't ${verb}: “${
    clip(subjectOf(task).title, 200)
  }”. With ANTHROPIC_API_KEY set, a real model does.`;
