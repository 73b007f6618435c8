/** How the refining agents look at a project before they say anything. */
import { type Desk, type Script, use } from "../script.ts";
import type { Task } from "../task.ts";
import { clip, isProse, isTest, keyWords, linesOf, trackedPath } from "../text.ts";

const MAX_WORDS = 6;
const MAX_FILES = 3;
const MAX_LINES_PER_FILE = 2;
const QUOTED_LINE_CHARS = 120;

/** A line of the project that mentions what the idea is about. */
export interface Mention {
  path: string;
  line: number;
  text: string;
  word: string;
}

/** What the demo model says of its own words; they are no words of the idea. */
export const OWN_WORDS =
  "(Put together by Gaffer's demo model, which repeats what was written and understands little of it.)";

/** Title and description of what the task is about. */
export function subjectOf(
  { idea, ticket, document, ask }: Task,
): { title: string; text: string } {
  const asked = document && { title: document.title, text: ask?.words ?? "" };
  const { title, text } = idea ?? ticket ?? asked ?? { title: "", text: "" };
  return { title, text: text.replace(OWN_WORDS, "").trimEnd() };
}

/** Words to look for, from the idea's title and description. */
export function searchWords(task: Task): string[] {
  const { title, text } = subjectOf(task);
  return keyWords(`${title} ${text}`, MAX_WORDS);
}

/** The README's path, if the project has one. */
export function readmeOf(task: Task): string | null {
  return task.files.find((path) => /^readme(\.\w+)?$/i.test(path)) ?? null;
}

/** Greps for the idea's words, reads the files that have them, and says where they are. */
export function* findMentions(desk: Desk, say: string): Script<Mention[]> {
  const words = searchWords(desk.task);
  if (words.length === 0) return [];
  const [found] = yield* use(desk, say, [
    { name: "Grep", input: { pattern: words.join("|"), "-i": true } },
  ]);
  const paths = found!.isError ? [] : pathsIn(found!.content, desk.task.files);
  if (paths.length === 0) return [];
  const seen = yield* use(
    desk,
    paths.length === 1
      ? `${paths[0]} mentions it; I read it.`
      : `I read what mentions it: ${paths.join(", ")}.`,
    paths.map((path) => ({ name: "Read", input: { file_path: path } })),
  );
  return paths.flatMap((path, i) =>
    seen[i]!.isError ? [] : mentionsIn(path, seen[i]!.content, words)
  );
}

/** Paths among the lines of a tool's answer: the program first, then what describes it, then its tests. */
function pathsIn(content: string, files: readonly string[]): string[] {
  const paths = content.split("\n").flatMap((line) => trackedPath(line, files) ?? []);
  const rank = (path: string) => isTest(path) ? 2 : isProse(path) ? 1 : 0;
  return [...new Set(paths)].sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
    .slice(0, MAX_FILES);
}

/** The lines that hold most of the words, in the order of the file. */
function mentionsIn(path: string, content: string, words: string[]): Mention[] {
  return linesOf(content)
    .map(({ line, text }) => {
      const found = words.filter((word) => text.toLowerCase().includes(word));
      return {
        path,
        line,
        text: clip(text, QUOTED_LINE_CHARS),
        word: found[0] ?? "",
        count: found.length,
      };
    })
    .filter(({ count }) => count > 0)
    .sort((a, b) => b.count - a.count || a.line - b.line)
    .slice(0, MAX_LINES_PER_FILE)
    .sort((a, b) => a.line - b.line);
}
