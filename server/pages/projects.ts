import type { NewProjectPageProps, ProjectForm, ProjectsPageProps } from "../../views/projects.tsx";
import type { Inspection } from "../../agents/inspect/inspect.ts";
import { countIdeas } from "../store/ideas.ts";
import { listProjects } from "../store/projects.ts";
import { countTickets } from "../store/tickets.ts";
import { type PageRequest, shellOf } from "./shell.ts";

export function projectsPage(request: PageRequest): ProjectsPageProps {
  const { db } = request.app;
  const projects = listProjects(db);
  return {
    shell: shellOf(request),
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
  const { commands } = inspection;
  return {
    values: {
      path: inspection.path,
      name: inspection.name,
      base_branch: inspection.baseBranch,
      setup: commands.setup?.command ?? "",
      build: commands.build?.command ?? "",
      test: commands.test?.command ?? "",
    },
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
    },
    message,
    errors,
  };
}

export const newProjectPage = (
  request: PageRequest,
  form: ProjectForm,
  looked: boolean,
): NewProjectPageProps => ({ shell: shellOf(request), form, looked });
