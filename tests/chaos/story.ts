/**
 * The work of a chaos run: ideas that each add one file to a repository, and agents that do so whatever was cut
 * off before. Every step adds a line of its own, so that what is done twice or not at all shows in the file.
 */
import {
  answer,
  type ClaudeRequest,
  type MessageReply,
  text,
  thinking,
  toolUse,
} from "../fake_claude/mod.ts";
import { TestRepo } from "../git_support.ts";
import { attribute, calls, expect, purposeOf, submit } from "../journey_support.ts";
import { fateOf } from "./random.ts";

export const commands = { build: "sh -n test.sh", test: "sh test.sh" };

/** A file whose lines are not all different, or that does not begin with its title, fails. */
const TEST = `set -e
for file in parts/*.txt; do
  [ -e "$file" ] || continue
  [ "$(head -n 1 "$file")" = "$(basename "$file" .txt)" ]
  [ -z "$(sort "$file" | uniq -d)" ]
done
echo ok
`;

export const chaosRepo = (): Promise<TestRepo> =>
  TestRepo.make({ "README.md": "Parts, one file each.\n", "test.sh": TEST });

/** What is decided about an idea beforehand, by its title. */
export interface Fate {
  type: "feature" | "bugfix" | "chore";
  questions: number;
  subtasks: number;
  /** How often the person sends the idea, and later the ticket, back. */
  ideaRounds: number;
  ticketRounds: number;
  priority: "high" | "normal" | "low";
  /** The person thinks better of it at once. */
  rejected: boolean;
}

export function fateOfIdea(seed: number, title: string): Fate {
  const random = fateOf(seed, "idea", title);
  return {
    type: random.weighted({ feature: 4, bugfix: 5, chore: 1 }),
    questions: random.pick([0, 1, 2, 3]),
    subtasks: random.pick([1, 1, 2]),
    ideaRounds: random.pick([0, 0, 0, 1]),
    ticketRounds: random.pick([0, 0, 1]),
    priority: random.pick(["high", "normal", "low"]),
    rejected: random.next() < 0.2,
  };
}

export const titleOf = (number: number): string => `part-${String(number).padStart(3, "0")}`;
const fileOf = (title: string): string => `parts/${title}.txt`;

/** The lines of an idea's file once its ticket is merged. */
export function expectedLines(title: string, subtasks: number, changes: number): string[] {
  const steps = (purpose: string, count: number) =>
    Array.from({ length: count }, (_, index) => `${purpose} ${index + 1}`);
  return [
    title,
    ...steps("develop", subtasks).flatMap((step) => [`${step} first`, `${step} second`]),
    ...steps("change", changes).flatMap((step) => [`${step} first`, `${step} second`]),
  ];
}

/** What the person writes to send a ticket back; the agent finds its number in it. */
export const changeWish = (number: number): string => `Please make change ${number}`;

/** How the agents answer when nothing goes wrong. `hasCommands`: whether they use any. */
export function chaosAgents(
  seed: number,
  hasCommands: () => boolean = () => true,
): (request: ClaudeRequest) => MessageReply {
  return (request) => {
    const title = attribute(request, "ticket", "title") ?? attribute(request, "idea", "title");
    expect(title, "the task should name its idea or ticket");
    const fate = fateOfIdea(seed, title);
    const withBash = fate.type === "bugfix" && hasCommands();
    switch (purposeOf(request)) {
      case "clarify":
        return clarify(request, title, fate);
      case "research":
        return researched(request, title);
      case "estimate":
        return estimate(request, title, fate);
      case "prioritize":
        return submit({ priority: fate.priority, reason: "As the seed has it" });
      case "develop":
        return develop(
          request,
          title,
          `develop ${attribute(request, "subtask", "position")}`,
          withBash,
        );
      case "change":
        return develop(request, title, wishedChange(request), withBash);
      case "review":
        return review(request, title);
      default:
        throw new Error(`Nothing should need a run with the purpose "${purposeOf(request)}"`);
    }
  };
}

const wishedChange = (request: ClaudeRequest): string =>
  `change ${/Please make change (\d+)/.exec(request.prompt)?.[1]}`;

const isInterrupted = (request: ClaudeRequest): boolean =>
  request.results.some(({ isError, content }) => isError && /interrupted/.test(content));

function clarify(request: ClaudeRequest, title: string, fate: Fate): MessageReply {
  const round = Number(attribute(request, "task", "round"));
  const questions = Array.from({ length: round === 1 ? fate.questions : 0 }, (_, index) => ({
    question: `What of ${title}, point ${index + 1}?`,
    why: "Somebody has to say.",
    options: ["This", "That"],
  }));
  const ask = toolUse("ask_questions", { questions });
  const isAsking = questions.length > 0 && (request.turn === 1 || isInterrupted(request));
  if (isAsking) {
    return answer(thinking("I look, and ask."), toolUse("Read", { file_path: "README.md" }), ask);
  }
  return submit({
    summary: `Add ${title}`,
    type: fate.type,
    acceptance: [`${fileOf(title)} is there`],
  });
}

function researched(request: ClaudeRequest, title: string): MessageReply {
  if (request.turn === 1) {
    return calls(["Grep", { pattern: "Parts" }], ["Read", { file_path: "test.sh" }]);
  }
  return submit({
    summary: `Nothing of ${title} is there yet`,
    findings: [{ kind: "related", path: "README.md", line: 1, text: "Says what parts are" }],
  });
}

function estimate(request: ClaudeRequest, title: string, fate: Fate): MessageReply {
  if (request.turn === 1) return calls(["Read", { file_path: "README.md" }]);
  return submit({
    complexity: "small",
    reason: "One file",
    acceptance: [`${fileOf(title)} is there`],
    subtasks: Array.from({ length: fate.subtasks }, (_, index) => ({
      title: `Step ${index + 1} of ${title}`,
      description: "Add its two lines",
      complexity: "trivial",
    })),
  });
}

/** Both files that a review reads are there: what was checked is what it sees. */
function review(request: ClaudeRequest, title: string): MessageReply {
  if (request.turn === 1) return calls(["Read", { file_path: fileOf(title) }]);
  return submit({
    summary: "Good",
    findings: [],
    criteria: [{
      criterion: `${fileOf(title)} is there`,
      met: true,
      evidence: `${fileOf(title)}:1`,
    }],
  });
}

/**
 * Looks at the file, adds the step's two lines unless they are there, checks, hands in. The second line goes in by
 * a second call of the same turn, in bug fixes by a command: either may be cut off between the two.
 */
function develop(
  request: ClaudeRequest,
  title: string,
  step: string,
  withBash: boolean,
): MessageReply {
  const file_path = fileOf(title);
  const last = request.results.at(-1);
  const seen = request.results.find(({ name }) => name === "Read");
  if (!last || isInterrupted(request)) return look(title);
  if (seen) {
    const lines = seen.isError ? [] : linesOf(seen.content);
    const wanted = [`${step} first`, `${step} second`];
    for (const line of wanted) {
      expect(lines.filter((one) => one === line).length <= 1, `"${line}" is there twice`);
    }
    const missing = wanted.filter((line) => !lines.includes(line));
    if (missing.length === 0) return check;
    if (lines.length === 0) {
      return answer(
        text("There is no such file: I begin it."),
        toolUse("Write", { file_path, content: `${title}\n${missing[0]}\n` }),
        ...missing.slice(1).map((line) => append(file_path, missing[0]!, line, withBash)),
      );
    }
    let before = lines.at(-1)!;
    return answer(...missing.map((line) => {
      const call = append(file_path, before, line, withBash);
      before = line;
      return call;
    }));
  }
  if (last.name === "run_checks") {
    expect(!last.isError, `the check should pass: ${last.content}`);
    return submit({ status: "done", summary: `${step} of ${title} is done` });
  }
  // Refused, or done: either way the file tells.
  return look(title);
}

const look = (title: string): MessageReply => calls(["Read", { file_path: fileOf(title) }]);
const check: MessageReply = calls(["run_checks", { name: "test" }]);

function append(file_path: string, last: string, line: string, withBash: boolean) {
  if (withBash && line.endsWith("second")) {
    // The call before it may have been cut off.
    return toolUse("Bash", {
      command: `grep -qx '${last}' ${file_path} && echo '${line}' >> ${file_path} && sleep 0.2`,
    });
  }
  const old_string = `${last}\n`;
  return toolUse("Edit", { file_path, old_string, new_string: `${old_string}${line}\n` });
}

/** Of what Read shows: number, white space, line. */
const linesOf = (content: string): string[] =>
  content.split("\n").flatMap((line) => /^\s*\d+[\t→|:]\s?(.*)$/.exec(line)?.[1] ?? []);
