/** Reads the diff and the changed files with fresh eyes and holds them against the acceptance criteria. */
import type { ResultOf } from "../../results.ts";
import { type Desk, type Script, submit, use } from "../script.ts";
import { clip, isProse, isTest, keyWords, linesOf, oneLine } from "../text.ts";
import { type AddedLine, addedLines } from "./diff.ts";

type Review = ResultOf<"reviewer">;
type Finding = Review["findings"][number];
type Criterion = Review["criteria"][number];

const MAX_FILES = 3;
const MAX_FINDINGS = 5;
const LONG_LINE_CHARS = 120;
const WORDS_PER_CRITERION = 6;

export function* reviewer(desk: Desk): Script<string> {
  const { task } = desk;
  const added = addedLines(task.diff);
  const paths = [...new Set(added.map(({ path }) => path))];
  const read = paths.slice(0, MAX_FILES);
  const seen = yield* use(
    desk,
    read.length > 0
      ? `I am Gaffer's demo model. Beside the diff I read ${read.join(", ")} as a whole.`
      : "I am Gaffer's demo model. The diff adds nothing, so I look at the files.",
    read.length > 0
      ? read.map((path) => ({ name: "Read", input: { file_path: path } }))
      : [{ name: "Glob", input: { pattern: "*" } }],
  );
  // Only what stands in the file as I read it can be pointed at.
  const current = added.filter(({ path, line, text }) => {
    const index = read.indexOf(path);
    return index < 0 ||
      linesOf(seen[index]!.content).some((l) => l.line === line && l.text === text);
  });
  const files = [...new Set([...task.files, ...paths])];
  const criteria = task.acceptance.map((criterion) => judge(criterion, added, files));
  const refused = yield* submit(desk, "This is my judgement.", {
    summary: summaryOf(paths, criteria),
    findings: findingsIn(current, paths),
    criteria,
  });
  return refused ? `My result was refused: ${refused}` : "Done.";
}

function summaryOf(paths: string[], criteria: Criterion[]): string {
  const met = criteria.filter((criterion) => criterion.met).length;
  return `The change touches ${
    paths.join(", ") || "no file"
  }. I found ${met} of ${criteria.length} ` +
    "acceptance criteria in it. This is the demo model's review: it compares words and shapes, so read the " +
    "diff yourself before you merge.";
}

/** Smells first; where there is none, where to begin reading. */
function findingsIn(added: AddedLine[], paths: string[]): Finding[] {
  const smells = distinct(added.flatMap((line) => smellOf(line) ?? []));
  const telling = added.filter(({ text }) => text.trim());
  const heart = telling.find(({ path }) => !isTest(path) && !isProse(path)) ?? telling[0];
  const untested = paths.some((path) => !isProse(path)) && !paths.some(isTest);
  return [
    ...smells,
    ...(untested && heart
      ? [{
        severity: "minor" as const,
        ...placeOf(heart),
        message: "No test changed with this code.",
      }]
      : []),
    ...(heart
      ? [{
        severity: "note" as const,
        ...placeOf(heart),
        message: `Begin reading here, at \`${oneLine(heart.text, 200)}\`.`,
      }]
      : []),
  ].slice(0, MAX_FINDINGS);
}

/** What is said of one line need not be said of the next. */
function distinct(findings: Finding[]): Finding[] {
  return findings.filter(({ path, message }, i) =>
    findings.findIndex((other) => other.path === path && other.message === message) === i
  );
}

function smellOf(added: AddedLine): Finding | null {
  const { text } = added;
  if (/\b(TODO|FIXME|XXX)\b(?!_)/.test(text)) {
    return {
      severity: "minor",
      ...placeOf(added),
      message: "This leaves something to do. Do it now or write it down as an idea.",
    };
  }
  if (/\|\| true\b/.test(text)) {
    return {
      severity: "note",
      ...placeOf(added),
      message:
        "`|| true` hides every failure of this command, not only the expected one. Here the command " +
        "runs on a file that is known to be there, so I would let it stand.",
    };
  }
  if (text.length > LONG_LINE_CHARS && !isProse(added.path)) {
    return {
      severity: "minor",
      ...placeOf(added),
      message: `This line has ${text.length} characters; shorter ones are easier to review.`,
    };
  }
  return null;
}

/**
 * Met when the diff adds lines with the criterion's telling words, in each file too that the criterion names; the
 * evidence is the best of them.
 */
function judge(criterion: string, added: AddedLine[], files: readonly string[]): Criterion {
  const words = keyWords(criterion, WORDS_PER_CRITERION);
  const scored = added.map((line) => ({
    line,
    score: words.filter((word) => line.text.toLowerCase().includes(word)).length,
  }));
  const untouched = filesNamed(criterion, files).find(({ paths }) =>
    !scored.some(({ line, score }) => score > 0 && paths.includes(line.path))
  );
  if (untouched) {
    return {
      criterion: clip(criterion, 500),
      met: false,
      evidence:
        `It names ${untouched.name}, and the demo model found no added line there that has to do with it.`,
    };
  }
  const best = scored.reduce(
    (a, b) => (b.score > (a?.score ?? 0) ? b : a),
    null as typeof scored[number] | null,
  );
  if (!best) {
    return {
      criterion: clip(criterion, 500),
      met: false,
      evidence: "The demo model found no added line that has to do with it. Look yourself.",
    };
  }
  const { path, line, text } = best.line;
  return {
    criterion: clip(criterion, 500),
    met: true,
    evidence: `${path}:${line} adds \`${
      oneLine(text, 200)
    }\`; build and test results are beside the diff.`,
  };
}

/** What a criterion names of the project's files, by path, by name, or as everybody calls it ("the README"). */
function filesNamed(
  criterion: string,
  files: readonly string[],
): { name: string; paths: string[] }[] {
  const names = (criterion.match(/[\w./-]+/g) ?? []).map((name) => name.replace(/[./-]+$/, ""));
  return [...new Set(names)]
    .map((name) => ({ name, paths: files.filter((path) => isCalled(path, name)) }))
    .filter(({ paths }) => paths.length > 0);
}

function isCalled(path: string, name: string): boolean {
  const file = path.split("/").at(-1)!;
  if (name === path || name === file) return true;
  const [stem] = file.split(".");
  return name === stem && name.length > 2 && name === name.toUpperCase();
}

const placeOf = ({ path, line }: AddedLine) => ({ path, line });
