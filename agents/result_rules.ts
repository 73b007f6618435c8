/**
 * What a result must be beyond its schema: few rules, each certain, since every refusal costs a turn. Each says what
 * is wrong in the field's own name and how to mend it.
 */
import type { TaskFacts } from "./prompts/task_facts.ts";
import type { ResultName, ResultOf } from "./results.ts";
import { matchVerdicts, plainWords } from "../server/criteria.ts";
import { complexities } from "../server/states.ts";

/** What the run has shown by its deeds. */
export interface Deeds {
  /** Paths that its own Write and Edit calls changed. */
  changed: ReadonlySet<string>;
  /** How many of its Bash calls ended well. */
  commandsDone: number;
}

export interface Work {
  task: TaskFacts;
  deeds: Deeds;
}

type Rules = { [N in ResultName]: (result: ResultOf<N>, work: Work) => string[] };

/** Text for the model, or null when there is nothing to mend. `result` has passed its schema. */
export function faultsIn(name: ResultName, result: unknown, work: Work): string | null {
  const rule = rules[name] as (result: unknown, work: Work) => string[];
  const faults = rule(result, work).slice(0, MAX_FAULTS);
  if (faults.length === 0) return null;
  return `The result was not accepted:\n${faults.map((fault) => `- ${fault}`).join("\n")}\n` +
    "Mend this and call submit_result again.";
}

const MAX_FAULTS = 8;

const rules: Rules = {
  clarifier: ({ acceptance }) =>
    acceptance.flatMap((criterion, index) =>
      criterion.endsWith("?")
        ? [
          `acceptance.${index}: it is a question, and a criterion is something that one can see. ` +
          "Write what holds for the answer that you expect",
        ]
        : []
    ),

  researcher: ({ findings }) => [
    ...places("findings", findings),
    ...findings.flatMap(({ kind, path }, index) =>
      path === undefined && needPath.has(kind)
        ? [
          `findings.${index}: a finding of kind "${kind}" is about a place: give its path. What has ` +
          'none is a "note"',
        ]
        : []
    ),
  ],

  estimator: ({ complexity, subtasks }, { task }) => {
    const faults: string[] = [];
    const size = (name: typeof complexity) => complexities.indexOf(name);
    const largest = subtasks.reduce((max, { complexity }) => Math.max(max, size(complexity)), 0);
    if (size(complexity) < largest) {
      faults.push(
        `complexity: the whole is "${complexity}" and one of its subtasks "${
          complexities[largest]
        }". ` +
          "The whole is at least as complex as its most complex subtask",
      );
    }
    const seen = new Set<string>();
    subtasks.forEach(({ title }, index) => {
      const plain = plainWords(title);
      if (seen.has(plain)) {
        faults.push(
          `subtasks.${index}.title: an earlier subtask has the same. Join or rename them`,
        );
      }
      seen.add(plain);
      if (subtasks.length > 1 && plain !== "" && plain === plainWords(task.title)) {
        faults.push(
          `subtasks.${index}.title: it is the whole idea again. Name the part of it that this subtask ` +
            "does, or make the whole one subtask",
        );
      }
    });
    return faults;
  },

  prioritizer: ({ reason }) =>
    reason.split(/\s+/).length < 3
      ? ["reason: it gives no reason. Say in a sentence what decided"]
      : [],

  // What counts as done is checked against the run's own checks.
  developer: () => [],

  reviewer: ({ findings, criteria }, { task }) => [
    ...places("findings", findings),
    ...criteria.flatMap(({ met, evidence }, index) =>
      met && !NAMES_A_PLACE.test(evidence) && !NAMES_A_CHECK.test(evidence)
        ? [
          `criteria.${index}.evidence: it names neither a place nor a check. Give the path and line of ` +
          "the code or test that shows it, or set met to false",
        ]
        : []
    ),
    ...matchVerdicts(task.criteria.slice(0, MAX_CRITERIA), criteria).of
      .filter(({ verdict }) => verdict === null)
      .map(({ criterion }) =>
        `criteria: none is about "${criterion}". Decide each line of <acceptance> once, in its own words`
      ),
  ],

  failures: ({ failures }) =>
    places("failures", failures.map(({ file, line }) => ({ path: file, line })), "file"),

  deployer: ({ status, steps }, { deeds }) => {
    if (status !== "done") return [];
    const open = steps.findIndex(({ state }) => state !== "done");
    if (open >= 0) {
      return [
        `status: "done" although steps.${open} is "${
          steps[open]!.state
        }". Submit "prepared" or "blocked"`,
      ];
    }
    return deeds.commandsDone === 0
      ? [
        'status: "done" although no command of yours ran. Submit "prepared" when a person takes the steps',
      ]
      : [];
  },

  analyst: ({ findings }) => places("findings", findings),

  document: ({ findings = [] }) => places("findings", findings),
};

/** Kinds of a researcher's findings that say something of a place in the code. */
const needPath: ReadonlySet<string> = new Set(["related", "similar", "conflict"]);

/** Most verdicts that a review can hold. */
const MAX_CRITERIA = 20;
/** `src/a.ts`, `a.ts`, `Makefile:3`. */
const NAMES_A_PLACE = /[\w@-]\/[\w.@-]|[\w-]\.[A-Za-z]\w*\b|\w:\d+/;
const NAMES_A_CHECK = /\b(builds?|tests?|checks?|lint)\b/i;

const isRelative = (path: string): boolean =>
  !/^([/\\]|[A-Za-z]:[/\\])/.test(path) && !path.split("/").includes("..");

/** Paths that a page can link and an agent can open. */
function places(
  list: string,
  entries: readonly { path?: string; line?: number }[],
  field = "path",
): string[] {
  return entries.flatMap(({ path, line }, index) => {
    const at = `${list}.${index}`;
    if (path === undefined) {
      return line === undefined
        ? []
        : [`${at}.line: a line without its ${field}. Give the ${field}, or leave the line out`];
    }
    if (!isRelative(path)) {
      return [`${at}.${field}: give it relative to the project's root, such as "src/main.ts"`];
    }
    const end = /:(\d+)$/.exec(path);
    return end ? [`${at}.${field}: give ${end[1]} as line, and the ${field} without it`] : [];
  });
}
