/**
 * What the demo model does with requested changes: it can't turn free words into code, so it writes them down
 * in the README, where they are seen, and runs the checks.
 */
import { editFile, readFile, type Replacement, runChecks } from "../editing.ts";
import { CannotGoOn, type Desk, type Script } from "../script.ts";
import { countOf, oneLine } from "../text.ts";

const HEADING = "## Notes from the review";
const MAX_NOTES = 5;
const NOTE_CHARS = 200;

export function* applyRequest(desk: Desk): Script<string> {
  const notes = desk.task.requestedChanges.split("\n")
    .map((line) => oneLine(line.replace(/^\s*[-*]\s+/, ""), NOTE_CHARS))
    .filter(Boolean)
    .slice(0, MAX_NOTES);
  if (notes.length === 0) throw new CannotGoOn("I was asked for changes, but not told which.");
  const text = yield* readFile(
    desk,
    "I am Gaffer's demo model: I can't turn a comment into code, but I can write it down where people look.",
    "README.md",
  );
  const bullets = notes.map((note) => `- ${note}`).filter((bullet) => !text.includes(bullet));
  if (bullets.length > 0) {
    yield* editFile(desk, "The comment goes into the README, with the words it was written in.", {
      path: "README.md",
      text,
      edits: [insertion(text, bullets.join("\n"))],
    });
  }
  const ran = yield* runChecks(desk, ["build", "test"]);
  return `The README now quotes what you asked for: ${
    notes.map((note) => `“${note}”`).join(", ")
  }. ` +
    `The demo model can do no more with a comment. ${ran.join(" and ")} passed.`;
}

/** Under its heading, or before the last heading of the README. */
function insertion(text: string, bullets: string): Replacement {
  if (countOf(text, `${HEADING}\n\n`) === 1) {
    return { old: `${HEADING}\n\n`, new: `${HEADING}\n\n${bullets}\n` };
  }
  const last = text.split("\n").findLast((line) =>
    line.startsWith("#") && countOf(text, line) === 1
  );
  if (!last) throw new CannotGoOn("I expected a heading in README.md to put the comment before.");
  return { old: last, new: `${HEADING}\n\n${bullets}\n\n${last}` };
}
