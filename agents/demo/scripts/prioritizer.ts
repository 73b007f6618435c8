/** Proposes a priority with its reason. */
import type { ResultOf } from "../../results.ts";
import { type Desk, type Script, submit } from "../script.ts";
import type { Task } from "../task.ts";
import { knownIdea } from "./known.ts";
import { findMentions, subjectOf } from "./looking.ts";

type Priority = ResultOf<"prioritizer">["priority"];

const signs: { pattern: RegExp; priority: Priority; because: string }[] = [
  {
    pattern: /\b(security|vulnerab\w*|data loss|loses? data|corrupt\w*|urgent)\b/i,
    priority: "urgent",
    because: "people or their data are at risk",
  },
  {
    pattern: /\b(crash\w*|broken|bug|error|fails?|wrong)\b/i,
    priority: "high",
    because: "something does not work as it should",
  },
  {
    pattern: /\b(typo|readme|docs?|documentation|rename|clean ?up|nice to have|someday)\b/i,
    priority: "low",
    because: "everything works without it",
  },
];

export function* prioritizer(desk: Desk): Script<string> {
  const mentions = yield* findMentions(
    desk,
    "I am Gaffer's demo model. I look how much of the project the idea touches.",
  );
  const files = new Set(mentions.map(({ path }) => path)).size;
  const refused = yield* submit(
    desk,
    "That is enough for a proposal.",
    knownIdea(desk.task)?.priority ?? priorityFor(desk.task, files),
  );
  return refused ? `My result was refused: ${refused}` : "Done.";
}

function priorityFor(task: Task, files: number): ResultOf<"prioritizer"> {
  const { title, text } = subjectOf(task);
  const sign = signs.find(({ pattern }) => pattern.test(`${title}\n${text}`));
  const word = sign && `${title}\n${text}`.match(sign.pattern)?.[0];
  const touches = `${files} file${files === 1 ? "" : "s"} of the project mention it.`;
  return {
    priority: sign?.priority ?? "normal",
    reason: sign
      ? `It says “${word}”: ${sign.because}. ${touches} Judged by Gaffer's demo model from its words.`
      : `Nothing in its words says that it is urgent or that it can wait. ${touches} Judged by Gaffer's ` +
        "demo model.",
  };
}
