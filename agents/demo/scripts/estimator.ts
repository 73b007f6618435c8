/** Proposes subtasks, acceptance criteria and a complexity. */
import type { ResultOf } from "../../results.ts";
import type { Complexity } from "../../../server/states.ts";
import { type Desk, type Script, submit } from "../script.ts";
import { bulletsOf, type Task } from "../task.ts";
import { clip, oneLine } from "../text.ts";
import { knownIdea } from "./known.ts";
import { findMentions, type Mention, subjectOf } from "./looking.ts";

const MAX_STEPS = 5;
const MAX_ACCEPTANCE = 12;

export function* estimator(desk: Desk): Script<string> {
  const { task } = desk;
  const mentions = yield* findMentions(
    desk,
    "I am Gaffer's demo model. I look at the code that the idea is about, to see how much there is to do.",
  );
  const known = knownIdea(task);
  const refused = yield* submit(
    desk,
    "This is how I would cut the work.",
    known ? withFeedback(known.plan(task), task) : genericPlan(task, mentions),
  );
  return refused ? `My result was refused: ${refused}` : "Done.";
}

/** The demo model can't work free words into code, so it passes them on instead of dropping them. */
function withFeedback(plan: ResultOf<"estimator">, task: Task): ResultOf<"estimator"> {
  if (!task.feedback) return plan;
  const quote = `The feedback was: “${oneLine(task.feedback, 500)}”.`;
  return { ...plan, reason: clip(`${plan.reason} ${quote}`, 1_000) };
}

/** A step per item of the description, or one for all of it, and the tests. */
function genericPlan(task: Task, mentions: Mention[]): ResultOf<"estimator"> {
  const { title, text } = subjectOf(task);
  const items = [...new Set(bulletsOf(text))].slice(0, MAX_STEPS);
  const steps = items.length > 1 ? items : [`Build: ${title}`];
  const files = [...new Set(mentions.map(({ path }) => path))];
  const where = files.length > 0 ? `Start in ${files.join(", ")}.` : "Find the place for it first.";
  const decided = task.answers.map(({ question, text }) => `${question} → ${text}`);
  const acceptance = [
    ...(task.acceptance.length > 0 ? task.acceptance : [`${clip(title, 300)}, as described`]),
    ...decided.map((answer) => clip(`As answered: ${answer}`, 500)),
    ...(task.feedback ? [`As asked for in the feedback: ${oneLine(task.feedback, 400)}`] : []),
  ].slice(0, MAX_ACCEPTANCE);
  const complexity = complexityOf(steps.length, text);
  return {
    complexity,
    reason: `${steps.length === 1 ? "One step" : `${steps.length} steps`} and its tests; ` +
      `${files.length} file${
        files.length === 1 ? "" : "s"
      } of the project mention it. Estimated by ` +
      "Gaffer's demo model from the length of the description.",
    acceptance,
    subtasks: [
      ...steps.map((step) => ({
        title: clip(step, 120),
        description: `${clip(step, 1_000)}\n\n${where}` +
          (decided.length > 0
            ? `\n\nDecided:\n${decided.map((d) => `- ${clip(d, 500)}`).join("\n")}`
            : ""),
        complexity,
      })),
      {
        title: clip(`Test: ${title}`, 120),
        description: `A test for each acceptance criterion:\n${
          acceptance.map((criterion) => `- ${clip(criterion, 280)}`).join("\n")
        }`,
        complexity: complexity === "trivial" ? "trivial" as const : "small" as const,
      },
    ],
  };
}

function complexityOf(steps: number, text: string): Complexity {
  if (steps >= 4 || text.length > 2_000) return "large";
  if (steps >= 2 || text.length > 400) return "medium";
  return "small";
}
