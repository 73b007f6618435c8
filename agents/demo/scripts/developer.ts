/** Every developer agent: implements the sample's ideas, and says honestly where it can't go on. */
import { runChecks } from "../editing.ts";
import { CannotGoOn, type Desk, type Script, submit, use } from "../script.ts";
import { clip } from "../text.ts";
import { applyRequest } from "./change_request.ts";
import { knownIdea, subtaskIndex } from "./known.ts";
import type { KnownIdea } from "./known_idea.ts";
import { findMentions } from "./looking.ts";

const SUMMARY_CHARS = 4_000;
/** Times that a refused "done" is followed by the checks and another try. */
const MAX_REFUSALS = 1;

export function* developer(desk: Desk): Script<string> {
  const known = knownIdea(desk.task);
  if (!known) return yield* decline(desk);
  if (!desk.can("Edit")) {
    const reason = "it can change nothing here. What it would do stands in the plan of this idea.";
    return yield* block(desk, "Here I can only read.", reason);
  }
  try {
    return yield* finish(desk, yield* work(desk, known));
  } catch (error) {
    if (!(error instanceof CannotGoOn)) throw error;
    return yield* block(desk, "Here I have to stop.", error.message);
  }
}

function* work(desk: Desk, known: KnownIdea): Script<string> {
  const { task } = desk;
  if (task.purpose === "change") return yield* applyRequest(desk);
  if (task.purpose === "fix") return yield* known.fix(desk);
  if (!task.subtask) {
    const first = yield* known.develop(desk, 0);
    return `${first} ${yield* known.develop(desk, 1)}`;
  }
  const index = subtaskIndex(known, task);
  if (index === null) {
    throw new CannotGoOn(
      `“${task.subtask.title}” is not one of the subtasks that I planned for this idea, and I am Gaffer's ` +
        "demo model: I can do only those.",
    );
  }
  return yield* known.develop(desk, index);
}

/** Says that it is done; where that is refused for want of evidence, runs every check first. */
function* finish(desk: Desk, summary: string): Script<string> {
  const result = { status: "done", summary: clip(summary, SUMMARY_CHARS) };
  for (let refusals = 0;; refusals++) {
    const refused = yield* submit(
      desk,
      refusals === 0 ? "That is all for this part." : "Now the checks have passed.",
      result,
    );
    if (refused === null) return "Done.";
    if (refusals === MAX_REFUSALS) {
      return yield* block(desk, "I can't show that it is done.", refused);
    }
    yield* runChecks(desk, ["build", "test"]);
  }
}

function* block(desk: Desk, say: string, reason: string): Script<string> {
  const summary = clip(`Gaffer's demo model stopped: ${reason}`, SUMMARY_CHARS);
  const refused = yield* submit(desk, say, { status: "blocked", summary });
  return refused ? `My result was refused: ${refused}` : "Blocked.";
}

/** For every ticket that is not of the sample: a look, and an honest no. */
function* decline(desk: Desk): Script<string> {
  const mentions = yield* findMentions(
    desk,
    "I am Gaffer's demo model. I look at what this is about.",
  );
  if (mentions.length === 0) {
    yield* use(desk, "Nothing mentions it, so I look at the files.", [
      { name: "Glob", input: { pattern: "*" } },
    ]);
  }
  const paths = [...new Set(mentions.map(({ path }) => path))];
  const title = desk.task.ticket?.title ?? desk.task.idea?.title ?? "this ticket";
  // What a person can do about it, a key, is said wherever the ticket's failure is.
  const summary =
    `I am Gaffer's built-in demo model and can implement only the sample project's ideas; “${
      clip(title, 200)
    }” is not one of them. I have changed nothing.` +
    (paths.length > 0
      ? ` A model that can do it would probably begin in ${paths.join(", ")}.`
      : "");
  const refused = yield* submit(desk, "This one I can't do.", { status: "blocked", summary });
  return refused ? `My result was refused: ${refused}` : "Blocked.";
}
