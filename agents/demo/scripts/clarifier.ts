/** Reads the idea and the project, asks what is unclear, and says the wish in other words. */
import type { ResultOf } from "../../results.ts";
import type { TicketType } from "../../../server/states.ts";
import { type Desk, type Script, submit, use } from "../script.ts";
import type { Task } from "../task.ts";
import { bulletsOf } from "../task.ts";
import { clip, oneLine } from "../text.ts";
import { knownIdea } from "./known.ts";
import { OWN_WORDS, readmeOf, subjectOf } from "./looking.ts";

type Question = { question: string; why: string; options?: string[] };

const LONG_DESCRIPTION_CHARS = 400;
const MAX_ACCEPTANCE = 6;
const CRITERION_CHARS = 300;

export function* clarifier(desk: Desk): Script<string> {
  const { task } = desk;
  const readme = readmeOf(task);
  const seen = yield* use(
    desk,
    "I am Gaffer's demo model. Before I ask anything I look at the project itself.",
    [
      { name: "Glob", input: { pattern: "**/*" } },
      ...(readme ? [{ name: "Read", input: { file_path: readme } }] : []),
    ],
  );
  const read = readme && !seen[1]!.isError ? `I have read ${readme}. ` : "";
  const questions = openQuestions(task);
  if (questions.length > 0) {
    yield* use(
      desk,
      `${read}${
        questions.length === 1 ? "One thing is" : "Two things are"
      } not said there nor in the idea.`,
      [{ name: "ask_questions", input: { questions } }],
    );
  }
  const refused = yield* submit(
    desk,
    `${questions.length > 0 ? "" : read}Here is the wish as I understand it.`,
    knownIdea(task)?.clarified ?? inOtherWords(task),
  );
  return refused ? `My result was refused: ${refused}` : "Done.";
}

/** Nothing is asked twice: a person who has answered or written back has had the say. */
function openQuestions(task: Task): Question[] {
  if (task.round > 1 || task.answers.length > 0 || task.feedback) return [];
  const known = knownIdea(task);
  return known ? [known.question] : questionsFor(task);
}

/** One question about what kind of thing it is, and for a short description one about how to check it. */
function questionsFor(task: Task): Question[] {
  const { title, text } = subjectOf(task);
  const name = `“${oneLine(title, 120)}”`;
  const first: Record<TicketType, Question> = {
    bugfix: {
      question: `Which steps show ${name}, and what did you expect instead?`,
      why: "A fault that can be shown again can be tested, and stays mended.",
    },
    docs: {
      question: `Who is ${name} written for?`,
      why: "It decides how much has to be explained.",
      options: ["People who use the project", "People who work on it", "Both"],
    },
    refactor: {
      question: `What must stay exactly as it is while ${name} is done?`,
      why: "It decides which tests have to be there before anything moves.",
    },
    chore: {
      question: `Is there a version or a tool that ${name} must not go beyond?`,
      why: "Others may depend on what is in use now.",
    },
    feature: {
      question: `What must stay as it is when ${name} is added?`,
      why: "It decides whether existing behaviour may change.",
      options: ["Everything that works now", "It may replace what is there now"],
    },
  };
  const check: Question = {
    question: `How will you check that ${name} is done?`,
    why: "It becomes the acceptance criterion that the result is held against.",
  };
  const brief = text.length < LONG_DESCRIPTION_CHARS && bulletsOf(text).length === 0;
  return [first[typeOf(task)], ...(brief ? [check] : [])];
}

function inOtherWords(task: Task): ResultOf<"clarifier"> {
  const { title, text } = subjectOf(task);
  const wishes = bulletsOf(text).slice(0, MAX_ACCEPTANCE - 1).map((item) =>
    clip(item, CRITERION_CHARS)
  );
  return {
    summary: `${clip(title, 300)}${text ? `: ${oneLine(text, 600)}` : ""} ${OWN_WORDS}`,
    type: typeOf(task),
    acceptance: [
      ...(wishes.length > 0 ? wishes : [`${clip(title, CRITERION_CHARS)}, as described`]),
      "What worked before still works: the project's checks pass",
    ],
  };
}

/** By telling words; a feature when there are none. */
export function typeOf(task: Task): TicketType {
  const { title, text } = subjectOf(task);
  const has = (pattern: RegExp) => pattern.test(`${title}\n${text}`);
  if (has(/\b(bug|fix|crash|error|broken|wrong|fails?)\b/i)) return "bugfix";
  if (has(/\b(readme|docs?|document|documentation|typo|spelling)\b/i)) return "docs";
  if (has(/\b(refactor|clean ?up|simplify|rename|restructure)\b/i)) return "refactor";
  if (has(/\b(upgrade|bump|dependency|dependencies|license|lint)\b/i)) return "chore";
  return "feature";
}
