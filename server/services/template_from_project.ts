/**
 * A template made of a project: its commands, its agents, what it tells agents, and its templates for documents. Only
 * what is committed on its base branch or saved here is taken, and of that nothing that looks like a secret.
 */
import { readTracked } from "../../agents/inspect/inspect.ts";
import { createRedactor, secretsIn } from "../../agents/permissions/redact.ts";
import { checksInput } from "../../agents/project_templates/checks.ts";
import { type NamedText, namedText, withName } from "../../agents/project_templates/named.ts";
import { hasPlaceholders } from "../../agents/project_templates/placeholders.ts";
import { type TemplateInput, writeTemplate } from "../../agents/project_templates/template.ts";
import { agentPath, withWords } from "../../agents/project_templates/template_agents.ts";
import type { App } from "../app.ts";
import { SECOND_MS } from "../clock.ts";
import { AppError } from "../errors.ts";
import type { CommandName, CommandRules, Project } from "../records.ts";
import { listSavedAgents } from "../store/agents.ts";
import { getCheckRules } from "../store/check_rules.ts";
import { getProject } from "../store/projects.ts";
import { documentPlace } from "./document_place.ts";
import { baseTip } from "./places.ts";

/** What a person says of the template that they make. */
export interface TemplateOfProject {
  projectId: string;
  id: string;
  name: string;
  about: string;
  /** Leaves the project's name where it stands. */
  keepName?: boolean;
}

export interface MadeTemplate {
  /** The template's file. */
  text: string;
  /** Where something that looks like a secret was taken out. */
  redacted: string[];
  /** Where the project's name became a place to fill in. */
  named: NamedText[];
}

/** Settings of tools that a new project of this kind wants too; each is taken where it is committed. */
const TAKEN = [".gitignore", ".gitattributes", ".editorconfig"];
const INSTRUCTIONS = "CLAUDE.md";

/**
 * Throws `not_found`, `invalid` for what the person said of it, `conflict` when the base branch is gone. Nothing is
 * saved by it.
 */
export async function templateOfProject(
  app: App,
  { projectId, id, name, about, keepName = false }: TemplateOfProject,
  signal: AbortSignal,
): Promise<MadeTemplate> {
  const project = getProject(app.db, projectId);
  const rules = getCheckRules(app.db, projectId);
  const redactor = createRedactor(secretsIn(Deno.env.toObject()));
  const redacted: string[] = [];
  const clean = (what: string, text: string): string => {
    const safe = redactor(text);
    if (safe !== text) redacted.push(what);
    return safe;
  };
  const named: NamedText[] = [];
  const withPlaces: Places = (what, text) => {
    const placed = keepName ? { text, fill: false } : withName(text, project.name);
    const shown = placed.fill ? namedText(what, placed.text) : null;
    if (shown) named.push(shown);
    return placed;
  };
  const template: TemplateInput = {
    ...{ gaffer_template: 1, id, name, about: about || `Made of ${project.name}.` },
    commands: project.commands.map(({ name, command }) => ({
      ...{ name, run: withoutPlaces(clean(`the command ${name}`, command)) },
      ...rulesOf(name, rules.commands[name], {
        redactor,
        leftOut: (variable) => void redacted.push(variable),
      }),
    })),
    ...checksInput(rules),
    setup_network: project.setupNetwork,
    local_files: project.localFiles,
    agents: listSavedAgents(app.db)
      .filter((agent) => agent.projectId === projectId && agent.trusted && agent.active)
      .map(({ name, text }) => {
        const what = `the agent ${name}`;
        return {
          name,
          ...agentWithPlaces(name, clean(what, text), (text) => withPlaces(what, text)),
        };
      }),
    planning: await planningOf(app, project, clean, signal),
    files: await filesOf(project, clean, withPlaces, signal),
  };
  return { text: writeTemplate(template), redacted, named };
}

/** What a command's rules say beyond the default, without variables that are Gaffer's own or look like a secret. */
function rulesOf(
  command: CommandName,
  { timeoutMs, folder, env, reports }: CommandRules,
  { redactor, leftOut }: {
    redactor: (text: string) => string;
    leftOut: (variable: string) => void;
  },
) {
  const plain = Object.entries(env).filter(([name, value]) => {
    const text = `${name}=${value}`;
    const isPlain = !value.startsWith("$") && redactor(text) === text;
    if (!isPlain) leftOut(`the variables of ${command} (${name})`);
    return isPlain;
  });
  return {
    ...timeoutMs !== null && { timeout_seconds: timeoutMs / SECOND_MS },
    ...folder && { folder },
    ...plain.length > 0 && { env: Object.fromEntries(plain) },
    ...reports.length > 0 && { reports },
  };
}

type Clean = (what: string, text: string) => string;
type Places = (what: string, text: string) => { text: string; fill: boolean };

/** A definition that has places of that form already, whatever they are for, stays as it is. */
function agentWithPlaces(
  name: string,
  definition: string,
  withPlaces: (text: string) => { text: string; fill: boolean },
): { definition: string; fill?: true } {
  if (hasPlaceholders(definition)) return { definition };
  const text = withWords(definition, agentPath(name), (text) => withPlaces(text).text);
  return hasPlaceholders(text) ? { definition: text, fill: true } : { definition };
}

/** Commands are always filled in: what only looks like a place of ours must not be taken for one. */
function withoutPlaces(command: string): string {
  if (!/\{\{[a-z][a-z0-9_]*(\|[a-z]+)?\}\}/.test(command)) return command;
  throw new AppError(
    "invalid",
    `Cannot make a template of it: the command "${command}" has {{…}}, which templates fill in. ` +
      "Put it into a script, and call that",
  );
}

async function planningOf(
  app: App,
  project: Project,
  clean: Clean,
  signal: AbortSignal,
): Promise<TemplateInput["planning"]> {
  const place = await documentPlace(app, project, signal);
  return [...await place.templates()].map(([name, text]) => ({
    path: `templates/${name}`,
    text: clean(`planning/templates/${name}`, text),
    fill: false,
  }));
}

async function filesOf(
  project: Project,
  clean: Clean,
  withPlaces: Places,
  signal: AbortSignal,
): Promise<TemplateInput["files"]> {
  const commit = await baseTip(project, signal);
  const read = async (path: string) =>
    (await readTracked(project.path, commit, path, signal))?.text ?? null;
  const files: TemplateInput["files"] = [];
  for (const path of TAKEN) {
    const text = await read(path);
    if (text !== null) files.push({ path, text: clean(path, text), fill: false });
    else if (path === ".gitignore") files.push({ path, text: ".env\n" });
  }
  const said = await read(INSTRUCTIONS) ?? await read("AGENTS.md");
  return [{
    path: INSTRUCTIONS,
    ...said === null
      ? { text: "# {{name}}\n\n{{description}}\n\n## Commands\n\n{{commands}}\n" }
      : withPlaces(INSTRUCTIONS, clean(INSTRUCTIONS, said)),
  }, ...files];
}
