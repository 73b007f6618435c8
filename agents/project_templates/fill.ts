/** A template with the answers filled in: all that the new project will have, before anything of it is made. */
import type { Catalog } from "../catalog.ts";
import { shellQuote } from "../git/git_error.ts";
import { documentPath } from "../planning/document_paths.ts";
import { AppError, type FieldError } from "../../server/errors.ts";
import { type CheckRules, type CommandName, commandNames } from "../../server/records.ts";
import { checksOf } from "./checks.ts";
import { whyNoProjectPath } from "./paths.ts";
import { escapeFor, fillIn, noEscape, whyNoAnswer } from "./placeholders.ts";
import type { Conditions, ProjectTemplate } from "./template.ts";
import { agentOf, agentPath, type PlannedAgent } from "./template_agents.ts";

/** A planning document that a new project begins with; the path is seen from `planning/`. */
export interface PlanningText {
  path: string;
  text: string;
}

export interface PlannedFile {
  path: string;
  content: string;
  executable: boolean;
}

/** All that a new project begins with. Nothing of it has been written. */
export interface ProjectPlan {
  name: string;
  description: string;
  /** Of the project's settings. */
  commands: Partial<Record<CommandName, string>>;
  /** Those beside setup, build and test: in `CLAUDE.md`, for people and agents. */
  furtherCommands: { name: string; run: string }[];
  /** How those run, and what counts as evidence; null: as by default. */
  checks: CheckRules | null;
  setupNetwork: boolean;
  /** Folders with tools, to be allowed by a person. */
  toolchains: string[];
  localFiles: string[];
  agents: PlannedAgent[];
  planning: PlanningText[];
  /** Those of agents and planning among them; by path. */
  files: PlannedFile[];
}

export interface FillOptions {
  catalog: Catalog;
  /** Today, as "2026-01-02". */
  date: string;
  /** In place of the template's own of the same path, or of a roadmap. */
  documents?: readonly PlanningText[];
  /** In place of the template's commands, by name; empty: none of that name. */
  commands?: Partial<Record<CommandName, string>>;
  /** Beside the template's: what documents name. Those of the template's names are left out. */
  agents?: readonly Omit<PlannedAgent, "path">[];
}

/** Answers by key, as a form has them; a box that is checked is "yes". */
export type Answers = Readonly<Record<string, string>>;

/**
 * Throws `invalid` with each answer that is missing or wrong (its field is `answers.<key>`), and for a template whose
 * files don't go together with these answers.
 */
export function fillTemplate(
  template: ProjectTemplate,
  given: Answers,
  { catalog, date, documents = [], agents: further = [], commands: chosen = {} }: FillOptions,
): ProjectPlan {
  const answers = checkAnswers(template, given);
  const values = { ...answers, date, year: date.slice(0, 4) };
  const holds = ({ when }: { when?: Conditions }) => whenHolds(when, answers);
  const words = (text: string) => fillIn(text, values, noEscape);
  const asked = template.commands.filter(holds);
  const twice = asked.find(({ name }, index) =>
    asked.findIndex((command) => command.name === name) !== index
  );
  if (twice) {
    throw new AppError(
      "invalid",
      `Cannot fill in the template "${template.id}": with these answers it has two commands "${twice.name}"`,
    );
  }
  const commands = withChosen(
    asked
      .map(({ name, run }) => ({ name, run: fillIn(run, values, shellQuote) })),
    chosen,
  );
  const agents = template.agents.filter(holds).map((agent) => agentOf(agent, words, catalog));
  const names = new Set(agents.map(({ name }) => name));
  for (const agent of further) {
    if (names.has(agent.name)) continue;
    names.add(agent.name);
    agents.push({ ...agent, path: agentPath(agent.name) });
  }
  const lists = {
    commands: commands.map(({ name, run }) => `- ${name}: \`${run}\``).join("\n"),
    paths: template.paths.filter(holds)
      .map(({ path, what }) => `- \`${words(path)}\`: ${words(what)}`).join("\n"),
    agents: agents.map(({ name, description }) => `- \`${name}\`: ${description}`).join("\n"),
  };
  const textOf = (file: { path: string; text: string; fill: boolean }, path: string) =>
    file.fill ? fillIn(file.text, { ...values, ...lists }, escapingLists(path, lists)) : file.text;
  const planning = withDocuments(
    template.planning.filter(holds).map((document) => {
      const path = documentPathOf(words(document.path));
      return { path, text: textOf(document, path) };
    }),
    documents,
  );
  const files = [
    ...template.files.filter(holds).map((file) => {
      const path = words(file.path);
      return { path, content: textOf(file, path), executable: file.executable };
    }),
    ...planning.map(({ path, text }) => plain(`planning/${path}`, text)),
    ...agents.map(({ path, text }) => plain(path, text)),
  ];
  checkFiles(template, files, new Set(agents.map(({ path }) => path)));
  return {
    name: answers.name!,
    description: answers.description!,
    commands: Object.fromEntries(
      commands.filter(({ name }) => isCommandName(name)).map(({ name, run }) => [name, run]),
    ),
    furtherCommands: commands.filter(({ name }) => !isCommandName(name)),
    checks: checksOf(template, asked),
    setupNetwork: template.setup_network && commands.some(({ name }) => name === "setup"),
    toolchains: template.toolchains.map(words),
    localFiles: template.local_files,
    agents,
    planning,
    files,
  };
}

/** A person's own commands go before the template's. */
function withChosen(
  commands: { name: string; run: string }[],
  chosen: Partial<Record<CommandName, string>>,
): { name: string; run: string }[] {
  const own = commandNames.filter((name) => chosen[name] !== undefined);
  const kept = commands.filter(({ name }) => !own.some((other) => other === name));
  const all = [...own.map((name) => ({ name, run: chosen[name]!.trim() })), ...kept];
  const order = (name: string) =>
    isCommandName(name) ? commandNames.indexOf(name) : commandNames.length;
  return all.filter(({ run }) => run !== "")
    .toSorted((a, b) => order(a.name) - order(b.name));
}

const plain = (path: string, content: string): PlannedFile => ({
  path,
  content,
  executable: false,
});

const isCommandName = (name: string): name is CommandName =>
  (commandNames as readonly string[]).includes(name);

/** What the lists hold is filled in already, and markdown. */
const escapingLists = (path: string, lists: Record<string, string>) => {
  const escape = escapeFor(path);
  const ready = new Set(Object.values(lists));
  return (value: string) => ready.has(value) ? value : escape(value);
};

/** The answers with what was left out; only those of questions that are asked. Throws `invalid`. */
export function checkAnswers(template: ProjectTemplate, given: Answers): Record<string, string> {
  const errors: FieldError[] = [];
  const answers: Record<string, string> = {
    name: (given.name ?? "").trim(),
    description: (given.description ?? "").replace(/\s+/g, " ").trim(),
  };
  const say = (key: string, message: string) =>
    void errors.push({ field: `answers.${key}`, message });
  if (answers.name === "") say("name", "Give the project a name");
  else if (!/^[^\p{Cc}]{1,100}$/u.test(answers.name!) || !/[a-z0-9]/i.test(answers.name!)) {
    say("name", "Write one line of at most 100 characters, with a letter from a to z or a digit");
  }
  if (answers.description !== "") {
    const why = whyNoAnswer(answers.description!, "line");
    if (why) say("description", why);
  }
  for (const question of template.questions) {
    if (!whenHolds(question.when, answers)) continue;
    const { key } = question;
    const answer = given[key]?.trim();
    if (question.type === "yes_no") {
      const yes = answer === undefined ? question.default : answer === "yes" || answer === "true";
      answers[key] = yes ? "yes" : "no";
    } else if (question.type === "choice") {
      answers[key] = answer || question.default;
      if (!question.choices.some(({ value }) => value === answers[key])) {
        const known = question.choices.map(({ value }) => value).join(", ");
        say(key, `Choose one of ${known}`);
      }
    } else {
      answers[key] = answer || fillIn(question.default, answers, noEscape);
      if (answers[key] === "" && !question.required) continue;
      const why = whyNoAnswer(answers[key]!, question.form);
      if (why) say(key, why);
    }
  }
  const known = new Set(["name", "description", ...template.questions.map(({ key }) => key)]);
  const strange = Object.keys(given).find((key) => !known.has(key));
  if (strange !== undefined) say(strange, `The template "${template.id}" asks no such question`);
  if (errors.length > 0) {
    const { field, message } = errors[0]!;
    throw new AppError(
      "invalid",
      `Cannot fill in the template "${template.id}": "${field}": ${message}`,
      errors,
    );
  }
  return answers;
}

const whenHolds = (when: Conditions | undefined, answers: Answers): boolean =>
  Object.entries(when ?? {}).every(([key, values]) => [values].flat().includes(answers[key] ?? ""));

/** Front matter of a document says that it is a roadmap. */
const isRoadmap = ({ text }: PlanningText): boolean =>
  /^---\r?\n(?:(?!---).*\r?\n)*?type:\s*["']?roadmap\b/i.test(text);

/** A person's own roadmap takes the place of the template's, whatever their names. */
function withDocuments(
  ofTemplate: PlanningText[],
  given: readonly PlanningText[],
): PlanningText[] {
  const own = given.map(({ path, text }) => ({ path: documentPathOf(path), text }));
  const paths = new Set(own.map(({ path }) => path.toLowerCase()));
  const hasRoadmap = own.some(isRoadmap);
  const kept = ofTemplate.filter((document) =>
    !paths.has(document.path.toLowerCase()) && !(hasRoadmap && isRoadmap(document))
  );
  return [...kept, ...own];
}

/** A document, or a template for documents. */
function documentPathOf(path: string): string {
  const [, template] = /^templates\/([^/]+\.md)$/i.exec(path) ?? [];
  return template === undefined ? documentPath(path) : `templates/${documentPath(template)}`;
}

/** `ofAgents`: the paths of the plan's own agents, which a person is shown; no other may look like one. */
function checkFiles(
  template: ProjectTemplate,
  files: readonly PlannedFile[],
  ofAgents: ReadonlySet<string>,
): void {
  const refuse = (path: string, why: string) => {
    throw new AppError(
      "invalid",
      `Cannot make a project of the template "${template.id}": the file "${
        path.slice(0, 200)
      }" ${why}`,
    );
  };
  const seen = new Set<string>();
  for (const { path } of files) {
    const why = ofAgents.has(path) ? null : whyNoProjectPath(path);
    if (why !== null) refuse(path, `may not be: ${why}`);
    const same = path.toLowerCase();
    if (seen.has(same)) refuse(path, "would be there twice");
    seen.add(same);
  }
  for (const path of seen) {
    for (let at = path.indexOf("/"); at > 0; at = path.indexOf("/", at + 1)) {
      if (seen.has(path.slice(0, at))) refuse(path, `lies below "${path.slice(0, at)}", a file`);
    }
  }
}
