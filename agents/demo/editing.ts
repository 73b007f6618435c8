/** What the developer's scripts share: reading a file, editing it with certainty, running the checks. */
import { CannotGoOn, type Desk, type Script, use } from "./script.ts";
import { clip, countOf, fileText } from "./text.ts";

const QUOTED_OUTPUT_CHARS = 1_000;
/** Each further round means that something came between the last one and its result. */
const MAX_EDIT_ROUNDS = 4;

/** A replacement in one file; `old` must be there exactly once. */
export interface Replacement {
  old: string;
  new: string;
}

/** Reads files in one turn. Throws `CannotGoOn` when one can't be read. */
export function* readFiles<const P extends readonly string[]>(
  desk: Desk,
  say: string,
  paths: P,
): Script<{ [K in keyof P]: string }> {
  const calls = paths.map((path) => ({ name: "Read", input: { file_path: path } }));
  const seen = yield* use(desk, say, calls);
  const failed = seen.findIndex(({ isError }) => isError);
  if (failed >= 0) {
    const answer = clip(seen[failed]!.content, QUOTED_OUTPUT_CHARS);
    throw new CannotGoOn(`I expected to read ${paths[failed]}, but was told: ${answer}`);
  }
  return seen.map(({ content }) => fileText(content)) as { [K in keyof P]: string };
}

/** Reads one file. Throws `CannotGoOn` when it can't be read. */
export function* readFile(desk: Desk, say: string, path: string): Script<string> {
  const [text] = yield* readFiles(desk, say, [path]);
  return text;
}

/**
 * Edits a file that has been read as `text`. Where an edit fails, a restart in between for instance, it reads the
 * file again and makes what is missing. Throws `CannotGoOn` when the file is not as expected.
 */
export function* editFile(
  desk: Desk,
  say: string,
  { path, text, edits }: { path: string; text: string; edits: Replacement[] },
): Script {
  let current = text;
  for (let round = 0; round < MAX_EDIT_ROUNDS; round++) {
    // What an insertion is put beside is still there afterwards, so the new text is looked for first.
    const missing = edits.filter((edit) => !current.includes(edit.new));
    for (const { old } of missing) requireOnce(current, old, path);
    const seen = yield* use(
      desk,
      round === 0 ? say : "What is not there yet, I make again.",
      missing.map((edit) => ({
        name: "Edit",
        input: { file_path: path, old_string: edit.old, new_string: edit.new },
      })),
    );
    if (!seen.some((one) => one.isError)) return;
    current = yield* readFile(desk, `Not every edit went through; I look at ${path} again.`, path);
  }
  throw new CannotGoOn(`I could not edit ${path}, though it looks as expected.`);
}

/** Writes a new file, or sees that it is there already. Throws `CannotGoOn` when that is refused. */
export function* writeFile(
  desk: Desk,
  say: string,
  { path, content }: { path: string; content: string },
): Script {
  const write = { name: "Write", input: { file_path: path, content } };
  const [first] = yield* use(desk, say, [write]);
  if (!first!.isError) return;
  const [seen] = yield* use(desk, `Is ${path} there, or not?`, [
    { name: "Read", input: { file_path: path } },
  ]);
  if (!seen!.isError && fileText(seen!.content) === content.trimEnd()) return;
  const [second] = yield* use(desk, "Then I write it now.", [write]);
  if (second!.isError) {
    throw new CannotGoOn(
      `I could not write ${path}: ${clip(second!.content, QUOTED_OUTPUT_CHARS)}`,
    );
  }
}

function requireOnce(text: string, part: string, path: string): void {
  const count = countOf(text, part);
  if (count === 1) return;
  throw new CannotGoOn(
    `I expected this exactly once in ${path}, but it is there ${count} times:\n${part}`,
  );
}

/** Runs the named checks that the project has, one after the other. Throws `CannotGoOn` at the first failure. */
export function* runChecks(desk: Desk, names: string[]): Script<string[]> {
  const known = names.filter((name) => name in desk.task.commands);
  for (const name of known) {
    const [seen] = yield* use(desk, `Now I run \`${desk.task.commands[name]}\`.`, [
      { name: "run_checks", input: { name } },
    ]);
    if (seen!.isError) {
      throw new CannotGoOn(
        `The check "${name}" failed, and I don't know how to mend it:\n` +
          clip(seen!.content, QUOTED_OUTPUT_CHARS),
      );
    }
  }
  return known.map((name) => `\`${desk.task.commands[name]}\``);
}
