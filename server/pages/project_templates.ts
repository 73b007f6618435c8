/** The pages of project templates, and the form of a new project of one. */
import type {
  DocumentChoices,
  NewFromTemplateForm,
  NewFromTemplatePageProps,
  QuestionField,
  TemplateOutcome,
} from "../../views/project_from_template.tsx";
import type {
  TemplatePageProps,
  TemplatePart,
  TemplatesPageProps,
} from "../../views/project_templates.tsx";
import type { TemplateOfProjectPageProps } from "../../views/template_of_project.tsx";
import type {
  Conditions,
  ProjectTemplate,
  TemplateQuestion,
} from "../../agents/project_templates/template.ts";
import { checksOf, checkWords, commandWords } from "../../agents/project_templates/checks.ts";
import { TEMPLATES } from "../../agents/planning/document_paths.ts";
import { imageFile } from "../../agents/planning/image_files.ts";
import type { App } from "../app.ts";
import { BOOTSTRAP_DOCUMENTS_MAX, bootstrapPaths } from "../services/bootstrap_documents.ts";
import { SECOND_MS } from "../clock.ts";
import { type CheckRules, commandNames, type Project } from "../records.ts";
import {
  type FilledTemplate,
  listProjectTemplates,
  projectTemplate,
} from "../services/project_templates.ts";
import { getProject } from "../store/projects.ts";
import { slugOf } from "../services/document_templates.ts";
import { type PageRequest, shellOf } from "./shell.ts";

/** Texts that a page shows, and the most characters of each. */
const PARTS_MAX = 200;
const PART_CHARS = 40_000;

export const templatesPage = (
  request: PageRequest,
  documentsOf: string | null,
  form: TemplatesPageProps["form"] = { text: "", message: null, errors: [] },
): TemplatesPageProps => ({
  shell: shellOf(request),
  documentsOf: documentsOf === null ? null : named(getProject(request.app.db, documentsOf)),
  templates: listProjectTemplates(request.app),
  form,
});

const named = ({ id, name }: Project) => ({ id, name });

/** What a template's author wrote, word for word: that is what a person trusts. */
export function templatePage(
  request: PageRequest,
  id: string,
  documentsOf: string | null,
): TemplatePageProps {
  const { template, hash, source, trusted, trustedBy } = projectTemplate(request.app, id);
  const { name, about, tags, needs, questions, commands, agents, planning, files } = template;
  return {
    ...{ shell: shellOf(request), documentsOf },
    template: { id, name, about, tags, source, trusted, hash, trustedBy, needs },
    commands: commands.map((command) => ({
      ...{ name: command.name, command: command.run },
      when: [whenWords(command.when), commandWords(command)].filter(Boolean).join("; "),
    })),
    checks: ruleWords(template),
    questions: questions.map((question) => ({
      label: question.label,
      hint: [question.hint, whenWords(question.when)].filter(Boolean).join(" "),
      answers: answersOf(question),
    })),
    toolchains: template.toolchains,
    localFiles: template.local_files,
    setupNetwork: template.setup_network,
    agents: partsOf(agents.map((agent) => ({
      title: agent.name,
      note: agent.base ? `the built-in ${agent.base}, and what follows` : "",
      text: agentText(agent),
    }))),
    documents: partsOf(planning.map(({ path, text, when }) => ({
      ...{ title: `planning/${path}`, note: whenWords(when), text },
    }))),
    files: partsOf(files.map(({ path, text, when, executable }) => ({
      title: path,
      note: [executable ? "executable" : "", whenWords(when)].filter(Boolean).join(", "),
      text,
    }))),
  };
}

function ruleWords(template: ProjectTemplate): string[] {
  const rules = checksOf(template, template.commands);
  return rules ? checkWords(rules) : [];
}

function agentText(agent: ProjectTemplate["agents"][number]): string {
  if (agent.definition !== undefined) return agent.definition;
  const keys = Object.entries(agent.keys)
    .map(([key, value]) => `${key}: ${JSON.stringify(value)}`);
  const head = [agent.description ? `description: ${agent.description}` : "", ...keys]
    .filter(Boolean).join("\n");
  return `${head}\n\n${agent.prompt ?? ""}`.trim();
}

const whenWords = (when: Conditions | undefined): string =>
  Object.entries(when ?? {}).map(([key, values]) => `${key}: ${[values].flat().join(" or ")}`)
    .join(", ");

const answersOf = (question: TemplateQuestion): string =>
  question.type === "choice"
    ? question.choices.map(({ label }) => label).join(" / ")
    : question.type === "yes_no"
    ? "Yes / No"
    : question.default && `In words, by default ${question.default}`;

function partsOf(parts: TemplatePart[]): TemplatePart[] {
  const shown = parts.slice(0, PARTS_MAX).map((part) =>
    part.text.length <= PART_CHARS ? part : {
      ...part,
      note: [part.note, `its first ${PART_CHARS} of ${part.text.length} characters`]
        .filter(Boolean).join(", "),
      text: part.text.slice(0, PART_CHARS),
    }
  );
  const more = parts.length - shown.length;
  return more === 0
    ? shown
    : [...shown, { title: `and ${more} more`, note: "", text: "See all of them in the export." }];
}

/** Boxes that a form has, at most: a page has room for no more. */
const CHOICES_MAX = 400;

/**
 * What can be chosen of a project's documents. `chosen`: what was; null: nobody was asked yet, so all, as far as so many
 * may come along. Throws `not_found`, and `conflict` where they can't be looked at.
 */
export async function documentChoices(
  app: App,
  projectId: string,
  chosen: ReadonlySet<string> | null,
  signal: AbortSignal,
): Promise<DocumentChoices> {
  const project = getProject(app.db, projectId);
  const paths = await bootstrapPaths(app, projectId, signal);
  const count = paths.filter((path) => !path.startsWith(`${TEMPLATES}/`)).length;
  const all = count <= BOOTSTRAP_DOCUMENTS_MAX;
  return {
    project: named(project),
    rows: paths.slice(0, CHOICES_MAX)
      .map((path) => ({ path, checked: chosen ? chosen.has(path) : all })),
    ...{ count, left: Math.max(0, paths.length - CHOICES_MAX) },
    most: BOOTSTRAP_DOCUMENTS_MAX,
  };
}

/** `filled`: what comes of the form's answers; null: they are not looked at yet. */
export function newFromTemplatePage(
  request: PageRequest,
  id: string,
  { form, documents, filled }: {
    form: NewFromTemplateForm;
    documents: DocumentChoices | null;
    filled: FilledTemplate | null;
  },
): NewFromTemplatePageProps {
  const { template, hash } = projectTemplate(request.app, id);
  const { name, about, needs } = template;
  return {
    shell: shellOf(request),
    template: { id, name, about, hash, needs },
    questions: template.questions.map((question) => fieldOf(template, question)),
    form,
    documents,
    outcome: filled && outcomeOf(filled),
  };
}

function fieldOf(template: ProjectTemplate, question: TemplateQuestion): QuestionField {
  const only = Object.entries(question.when ?? {}).map(([key, values]) => {
    const asked = template.questions.find((other) => other.key === key);
    const labels = [values].flat().map((value) =>
      asked?.type === "choice" ? asked.choices.find((c) => c.value === value)?.label : value
    );
    return `Only where “${asked?.label ?? key}” is ${labels.join(" or ")}.`;
  });
  const follows = question.type === "text" && isFilledIn(question.default)
    ? ["Left empty, it follows from the name."]
    : [];
  return {
    key: question.key,
    label: question.label,
    hint: [question.hint ?? "", ...follows, ...only].filter(Boolean).join(" "),
    required: question.type !== "text",
    choices: question.type === "choice"
      ? question.choices
      : question.type === "yes_no"
      ? [{ value: "yes", label: "Yes" }, { value: "no", label: "No" }]
      : null,
  };
}

/** A default that is made of other answers. */
const isFilledIn = (text: string): boolean => text.includes("{{");

/** The form as it is first shown. */
export function firstForm({ questions }: ProjectTemplate): NewFromTemplateForm {
  const defaults = questions.map((question): [string, string] => [
    `answers.${question.key}`,
    question.type === "yes_no"
      ? question.default ? "yes" : "no"
      // One that is made of other answers follows them, as long as nobody writes another.
      : isFilledIn(question.default)
      ? ""
      : question.default,
  ]);
  return {
    values: Object.fromEntries(defaults),
    allowed: {
      ideas: true,
      setup_network: false,
      toolchains_allowed: false,
      commands_allowed: false,
    },
    message: null,
    errors: [],
  };
}

const commandRuleWords = ({ commands }: CheckRules): string[] =>
  commandNames.flatMap((name) => {
    const { timeoutMs, ...rules } = commands[name];
    const seconds = timeoutMs === null ? null : timeoutMs / SECOND_MS;
    const words = commandWords({ ...rules, timeout_seconds: seconds });
    return words ? [`${name}: ${words}`] : [];
  });

function outcomeOf(filled: FilledTemplate): TemplateOutcome {
  const command = (name: typeof commandNames[number]) => filled.commands[name] ?? "";
  const agentPaths = new Set(filled.agents.map(({ path }) => path));
  return {
    commands: { setup: command("setup"), build: command("build"), test: command("test") },
    further: filled.furtherCommands.map(({ name, run }) => ({ name, command: run })),
    toolchains: filled.toolchains,
    checks: filled.checks ? [...commandRuleWords(filled.checks), ...checkWords(filled.checks)] : [],
    setupNetwork: filled.setupNetwork,
    ideas: filled.ideas.map(({ title }) => ({ title })),
    ideasLeft: filled.ideasLeft,
    images: filled.images.map(({ path, bytes }) => ({
      ...{ path: imageFile(path), bytes: bytes.length },
    })),
    agents: partsOf(
      filled.agents.map(({ name, description, text }) => ({
        title: name,
        note: description,
        text,
      })),
    ),
    files: partsOf(
      filled.files.filter(({ path }) => !agentPaths.has(path))
        .toSorted((a, b) => a.path < b.path ? -1 : 1)
        .map(({ path, content, executable }) => ({
          ...{ title: path, note: executable ? "executable" : "", text: content },
        })),
    ),
  };
}

export function templateOfProjectPage(
  request: PageRequest,
  projectId: string,
  { form = null, look = null }: Partial<Pick<TemplateOfProjectPageProps, "look">> & {
    form?: TemplateOfProjectPageProps["form"] | null;
  } = {},
): TemplateOfProjectPageProps {
  const { id, name } = getProject(request.app.db, projectId);
  const proposed = slugOf(name).replace(/[^a-z0-9-]+/g, "-").slice(0, 40);
  const values = { id: proposed, name, about: "", keepName: false };
  return {
    shell: shellOf({ ...request, projectId: id }),
    project: { id, name },
    form: form ?? { values, message: null, errors: [] },
    look,
  };
}
