/** How `count` can print its numbers: what is asked, how a choice is recognised, and the code that follows from it. */
import type { Task } from "../task.ts";
import { clip } from "../text.ts";

/** What the person can choose: how the numbers are printed. */
export interface Format {
  /** In the words of the acceptance criteria; also how a developer recognises the choice. */
  described: string;
  /** How people put it in an answer or in feedback. */
  wanted: RegExp;
  /** Body of the shell function that prints `$1` open and `$2` done tasks. */
  print: string;
  expected(open: number, done: number): string;
}

const oneSentence: Format = {
  described: "one sentence, such as `2 open, 1 done`",
  wanted: /sentence|one line\b/i,
  print: `printf '%s open, %s done\\n' "$1" "$2"`,
  expected: (open, done) => `${open} open, ${done} done`,
};
const twoLines: Format = {
  described: "two lines, such as `open 2` and `done 1`",
  wanted: /two lines|separate lines|per line|own line/i,
  print: `printf 'open %s\\ndone %s\\n' "$1" "$2"`,
  expected: (open, done) => `open ${open}\ndone ${done}`,
};
const onlyOpen: Format = {
  described: "only the number of open tasks, such as `2`",
  wanted: /only the|just the|open tasks only/i,
  print: `printf '%s\\n' "$1"`,
  expected: (open) => `${open}`,
};
const formats = [onlyOpen, twoLines, oneSentence];

/** What stands in the plan; else what was said last; else one sentence. */
export function formatFor(task: Task): { format: Format; why: string } {
  const planned = [task.subtask?.text, ...task.acceptance, task.ticket?.text].join("\n");
  const inPlan = formats.find((format) => planned.includes(format.described));
  const answer = task.answers.map(({ text }) => text).join("\n");
  const said = (text: string) => formats.find((format) => format.wanted.test(text));
  if (inPlan) return { format: inPlan, why: "as planned" };
  const fromFeedback = said(task.feedback);
  if (fromFeedback) return { format: fromFeedback, why: "as the feedback asks" };
  const fromAnswer = said(answer);
  if (fromAnswer) {
    return { format: fromAnswer, why: `because the answer was “${clip(answer, 200)}”` };
  }
  return {
    format: oneSentence,
    why: answer
      ? `since I found none of my formats in the answer “${clip(answer, 200)}”`
      : "since nobody chose another format",
  };
}

/** Functions of todo.sh as first written: both greps can end the script. */
export const countCode = (format: Format) =>
  `print_count() {
  ${format.print}
}

count_tasks() {
  [ -s "$file" ] || { print_count 0 0; return; }
  open=$(grep -c '^\\[ \\]' "$file")
  finished=$(grep -c '^\\[x\\]' "$file")
  print_count "$open" "$finished"
}

`;
/** tests/count.sh */
export const testCode = ({ expected }: Format) =>
  `# What \`count\` prints for each kind of list.
check "count of an empty list" "${expected(0, 0)}" "$(todo count)"
todo add Buy milk
todo add Call Ada
check "count when nothing is done" "${expected(2, 0)}" "$(todo count)"
todo done 1
check "count of a mixed list" "${expected(1, 1)}" "$(todo count)"
todo done 2
check "count when everything is done" "${expected(0, 2)}" "$(todo count)"
`;
