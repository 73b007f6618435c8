/** Says in short what a check's output means that no parser understood. */
import type { ResultOf } from "../../results.ts";
import { type Desk, type Script, submit, use } from "../script.ts";
import { oneLine, trackedPath } from "../text.ts";

type Failure = ResultOf<"failures">["failures"][number];

const TELLING =
  /\b(errors?|fail(ed|ure|s)?|fatal|panic|exception|cannot|can't|not found|denied)\b/i;
const PLACE = /([\w./-]+\.\w+):(\d+)/;
const MAX_FAILURES = 5;
const MESSAGE_CHARS = 500;

export function* failures(desk: Desk): Script<string> {
  const { task } = desk;
  const lines = (task.output || task.checkFailures[0]?.text || task.checks).split("\n")
    .filter((line) => line.trim());
  const telling = lines.filter((line) => TELLING.test(line)).slice(-MAX_FAILURES);
  const found = (telling.length > 0 ? telling : lines.slice(-1))
    .map((line) => failureFrom(line, task.files));
  const place = found.find((failure) => failure.file);
  if (place) {
    yield* use(desk, `I am Gaffer's demo model. The output names ${place.file}; I look at it.`, [
      { name: "Read", input: { file_path: place.file! } },
    ]);
  }
  const refused = yield* submit(desk, "These lines of the output say most.", {
    failures: found.length > 0 ? found : [{ message: "The command failed without any output." }],
  });
  return refused ? `My result was refused: ${refused}` : "Done.";
}

function failureFrom(line: string, files: readonly string[]): Failure {
  const message = oneLine(line, MESSAGE_CHARS);
  const [, path, number] = line.match(PLACE) ?? [];
  const file = path && trackedPath(path, files);
  return file ? { file, line: Number(number), message } : { message };
}
