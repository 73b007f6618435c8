import type { NewProjectPageProps, ProjectForm, ProjectPageProps } from "../../views/project.tsx";
import type { ProjectsPageProps } from "../../views/projects.tsx";
import { needsNetwork } from "../../agents/inspect/installers.ts";
import type { Inspection } from "../../agents/inspect/inspect.ts";
import { lastSeq } from "../store/events.ts";
import { countIdeas } from "../store/ideas.ts";
import type { CommandName, Project } from "../records.ts";
import { listStale } from "../store/document_drift.ts";
import { lockedSettings } from "../store/project_config.ts";
import { getProject, listProjects } from "../store/projects.ts";
import { type HandsLimitName, handsLimitNames } from "../states.ts";
import { countTickets } from "../store/tickets.ts";
import { type PageRequest, shellOf } from "./shell.ts";

export function projectsPage(request: PageRequest): ProjectsPageProps {
  const { db } = request.app;
  const after = lastSeq(db);
  const projects = listProjects(db);
  return {
    shell: shellOf(request),
    live: { path: "/live/projects", after },
    rows: projects.map((project) => {
      const ideas = countIdeas(db, project.id);
      const tickets = countTickets(db, project.id);
      return {
        project,
        openIdeas: ideas.submitted + ideas.refining + ideas.questions + ideas.ready + ideas.stuck,
        openTickets: tickets.queued + tickets.in_progress + tickets.review + tickets.blocked,
      };
    }),
    sampleOffered: !projects.some((project) => project.sample),
  };
}

/** What looking at the repository proposes, to be changed by the person. */
export function proposalForm(inspection: Inspection): ProjectForm {
  const command = (name: CommandName) => inspection.commands[name]?.command ?? "";
  return {
    values: {
      path: inspection.path,
      name: inspection.name,
      base_branch: inspection.baseBranch,
      setup: command("setup"),
      build: command("build"),
      test: command("test"),
      ...noSandboxSettings,
    },
    allowed: { setup_network: false, commands_allowed: false, tags_allowed: false },
    locked: {},
    setupFetches: needsNetwork(command("setup")),
    message: null,
    errors: [],
  };
}

function savedForm(project: Project, locked: ProjectForm["locked"]): ProjectForm {
  const command = (name: CommandName) =>
    project.commands.find((c) => c.name === name)?.command ?? "";
  return {
    values: {
      path: project.path,
      name: project.name,
      base_branch: project.baseBranch,
      setup: command("setup"),
      build: command("build"),
      test: command("test"),
      hosts: project.hosts.join("\n"),
      toolchains: project.toolchains.join("\n"),
      local_files: project.localFiles.join("\n"),
      limits: mapLimits((name) => String(project.handsLimits[name] ?? "")),
    },
    allowed: {
      setup_network: project.setupNetwork,
      commands_allowed: project.commandsAllowed,
      tags_allowed: project.tagsAllowed !== null,
    },
    locked,
    setupFetches: needsNetwork(command("setup")),
    message: null,
    errors: [],
  };
}

/** The form as it was posted, with what was wrong with it. */
export function refusedForm(
  values: Record<string, string>,
  { message, errors }: Pick<ProjectForm, "message" | "errors">,
): ProjectForm {
  const value = (name: string) => values[name] ?? "";
  return {
    values: {
      path: value("path"),
      name: value("name"),
      base_branch: value("base_branch"),
      setup: value("setup"),
      build: value("build"),
      test: value("test"),
      hosts: value("hosts"),
      toolchains: value("toolchains"),
      local_files: value("local_files"),
      limits: mapLimits((name) => value(`limits.${name}`)),
    },
    allowed: allowedIn(values),
    locked: {},
    setupFetches: needsNetwork(value("setup")),
    message,
    // An entry of a list is wrong at its field.
    errors: errors.map((error) => ({
      ...error,
      field: error.field.replace(/^(hosts|toolchains|local_files)\.\d+$/, "$1")
        .replace(/^commands\./, ""),
    })),
  };
}

const mapLimits = (value: (name: HandsLimitName) => string) =>
  Object.fromEntries(handsLimitNames.map((name) => [name, value(name)])) as Record<
    HandsLimitName,
    string
  >;

const noSandboxSettings = {
  hosts: "",
  toolchains: "",
  local_files: "",
  limits: mapLimits(() => ""),
};

/** What a form says of the sandbox, for the check of its values; a form without these fields says nothing. */
export function sandboxIn(values: Record<string, string>) {
  const lines = (text: string) => text.split(/\r?\n/).map((line) => line.trim()).filter(Boolean);
  const typed = handsLimitNames.flatMap((name): [string, unknown][] => {
    const text = values[`limits.${name}`]?.trim() ?? "";
    // What is no number stays text, for the check to say what was expected.
    return text === "" ? [] : [[name, /^\d+$/.test(text) ? Number(text) : text]];
  });
  return {
    ...values.hosts !== undefined && { hosts: lines(values.hosts) },
    ...values.toolchains !== undefined && { toolchains: lines(values.toolchains) },
    ...values.local_files !== undefined && { local_files: lines(values.local_files) },
    ...handsLimitNames.some((name) => values[`limits.${name}`] !== undefined) &&
      { limits: Object.fromEntries(typed) },
  };
}

/** A box that is not checked is not sent. */
export const allowedIn = (values: Record<string, string>): ProjectForm["allowed"] => ({
  setup_network: values.setup_network !== undefined,
  commands_allowed: values.commands_allowed !== undefined,
  tags_allowed: values.tags_allowed !== undefined,
});

/** `refused`: null shows the saved settings. */
export function projectPage(
  request: PageRequest,
  id: string,
  refused: ProjectForm | null = null,
): ProjectPageProps {
  const { db } = request.app;
  const live = refused ? null : { path: `/live/project/${id}`, after: lastSeq(db) };
  const project = getProject(db, id);
  const locked = lockedSettings(db, id);
  return {
    shell: shellOf(request),
    live,
    project,
    form: refused ? { ...refused, locked } : savedForm(project, locked),
    stale: listStale(db, id).size,
  };
}

export const newProjectPage = (
  request: PageRequest,
  form: ProjectForm,
  looked: boolean,
): NewProjectPageProps => ({ shell: shellOf(request), form, looked });
