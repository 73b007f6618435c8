/** Projects: the list, and the ways to a new one. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Project } from "../server/records.ts";
import { Panel, Tag } from "./components.tsx";
import { plural } from "./format.ts";
import { ActionForm, Button, ErrorSummary, Field } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { projectHref, templatesHref, withQuery } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { Shell } from "./shell.ts";

export interface ProjectsPageProps {
  shell: Shell;
  live: Live;
  rows: { project: Project; openIdeas: number; openTickets: number }[];
  /** False when the sample project is there already. */
  sampleOffered: boolean;
}

export function ProjectsPage(props: ProjectsPageProps): VNode {
  const { shell, sampleOffered } = props;
  return (
    <Layout shell={shell} title="Projects" current="projects" live={props.live}>
      <PageHead title="Projects" />
      <ProjectList {...props} />
      <Panel id="add-project" title="Add a project">
        <PathForm form="add" path="" message={null} errors={[]} />
        <FromTemplate />
        {sampleOffered && <SampleForm demo={shell.demo} />}
      </Panel>
    </Layout>
  );
}

/** All that may have changed of the list, for its stream. */
export function projectsPartials(props: ProjectsPageProps, status?: string): VNode {
  return (
    <>
      {framePartials({ shell: props.shell, current: "projects", title: "Projects", status })}
      {replace("project-list", <ProjectList {...props} />)}
    </>
  );
}

function ProjectList({ rows }: ProjectsPageProps): VNode {
  return (
    <ul class="rows panel" id="project-list" data-rows="">
      {rows.map(({ project, openIdeas, openTickets }) => (
        <li class="row" id={`project-${project.id}`} key={project.id} data-row="">
          <div class="row-main">
            <a class="row-title" href={projectHref(project.id)}>{project.name}</a>
            <p class="row-note">
              <code class="path">{project.path}</code>
              <Tag>{project.baseBranch}</Tag>
              {project.sample && <Tag>sample</Tag>}
            </p>
          </div>
          <a class="row-fact" href={withQuery("/ideas", { project: project.id })}>
            {plural(openIdeas, "open idea")}
          </a>
          <a class="row-fact" href={withQuery("/development", { project: project.id })}>
            {plural(openTickets, "open ticket")}
          </a>
        </li>
      ))}
    </ul>
  );
}

interface PathFormProps {
  /** Prefix of its element ids. */
  form: string;
  path: string;
  message: string | null;
  errors: FieldError[];
}

/** First step: where the repository is. Nothing is written by looking at it. */
export function PathForm({ form, path, message, errors }: PathFormProps): VNode {
  return (
    <form action="/projects/new" class="path-form">
      <ErrorSummary form={form} message={message} errors={errors} />
      <Field
        form={form}
        name="path"
        label="Folder of a git repository"
        hint="On this machine, with at least one commit. Looking changes nothing in it."
        value={path}
        errors={errors}
        required
        mono
        placeholder="/home/you/code/project"
      />
      <Button kind="primary">Look at it</Button>
    </form>
  );
}

/** The way to a project that is not there yet. */
export function FromTemplate(): VNode {
  return (
    <p class="muted" id="from-template">
      Nothing there yet? <a href={templatesHref}>Begin a new project from a template</a>.
    </p>
  );
}

/** The other way in: nothing to set up. */
export function SampleForm({ demo }: { demo: boolean }): VNode {
  return (
    <div class="sample">
      <ActionForm action="/projects" fields={{ sample: "1" }}>Take the sample project</ActionForm>
      <p class="muted">
        A small repository of its own with one idea in the inbox. {demo
          ? "The demo model takes it through the whole way for $0."
          : "Your model works on it and costs what any idea costs."}
      </p>
    </div>
  );
}
