/** Projects: the list, the form for a new one with what was proposed for it, and one project's settings. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Project } from "../server/records.ts";
import { Notice, Panel, Tag } from "./components.tsx";
import { plural } from "./format.ts";
import { ActionForm, Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { projectHref, withQuery } from "./links.ts";
import type { Shell } from "./shell.ts";

/** What a project form holds, by field name, and what was wrong with it. */
export interface ProjectForm {
  values: {
    path: string;
    name: string;
    base_branch: string;
    setup: string;
    build: string;
    test: string;
  };
  message: string | null;
  errors: FieldError[];
}

export interface ProjectsPageProps {
  shell: Shell;
  rows: { project: Project; openIdeas: number; openTickets: number }[];
  /** False when the sample project is there already. */
  sampleOffered: boolean;
}

export function ProjectsPage({ shell, rows, sampleOffered }: ProjectsPageProps): VNode {
  return (
    <Layout shell={shell} title="Projects" current="projects" live={null}>
      <PageHead title="Projects" />
      <ul class="rows panel" data-rows="">
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
      <Panel id="add-project" title="Add a project">
        <PathForm form="add" path="" message={null} errors={[]} />
        {sampleOffered && <SampleForm />}
      </Panel>
    </Layout>
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

/** The other way in: nothing to set up. */
export function SampleForm(): VNode {
  return (
    <div class="sample">
      <ActionForm action="/projects" fields={{ sample: "1" }}>Take the sample project</ActionForm>
      <p class="muted">
        A small repository of its own with one idea in the inbox. The demo model takes it through
        the whole way for $0.
      </p>
    </div>
  );
}

export interface NewProjectPageProps {
  shell: Shell;
  /** Path as typed, what was proposed by looking at its files, or what was refused. */
  form: ProjectForm;
  /** False: the path itself was refused, and only it is asked for. */
  looked: boolean;
}

export function NewProjectPage({ shell, form, looked }: NewProjectPageProps): VNode {
  const { message, errors, values } = form;
  return (
    <Layout shell={shell} title="New project" current="projects" live={null}>
      <PageHead crumb={{ href: "/projects", label: "Projects" }} title="New project" />
      <div class="panel">
        {looked
          ? (
            <form method="post" action="/projects" id="project">
              <ErrorSummary form="project" message={message} errors={errors} />
              <p class="muted">Proposed by looking at the files. Change what does not fit.</p>
              <Field
                form="project"
                name="path"
                label="Folder"
                value={values.path}
                errors={errors}
                required
                mono
              />
              <ProjectFields form={form} />
              <Button kind="primary">Add the project</Button>
            </form>
          )
          : <PathForm form="project" path={values.path} message={message} errors={errors} />}
      </div>
    </Layout>
  );
}

const commandHints = {
  setup: "Once per worktree, before anything else. Empty: nothing to set up.",
  build: "After each change. Empty: there is nothing to build.",
  test: "After the build. Its output is parsed: JUnit XML, TAP and the usual runners.",
};

function ProjectFields({ form }: { form: ProjectForm }): VNode {
  const { values, errors } = form;
  return (
    <>
      <div class="field-row">
        <Field
          form="project"
          name="name"
          label="Name"
          value={values.name}
          errors={errors}
          maxLength={100}
          required
        />
        <Field
          form="project"
          name="base_branch"
          label="Base branch"
          hint="Tickets start from it and are merged into it."
          value={values.base_branch}
          errors={errors}
          required
          mono
        />
      </div>
      <fieldset>
        <legend>Commands</legend>
        {(["setup", "build", "test"] as const).map((name) => (
          <Field
            key={name}
            form="project"
            name={name}
            label={`${name.charAt(0).toUpperCase()}${name.slice(1)}`}
            hint={commandHints[name]}
            value={values[name]}
            errors={errors}
            maxLength={2_000}
            mono
          />
        ))}
      </fieldset>
    </>
  );
}

export interface ProjectPageProps {
  shell: Shell;
  project: Project;
  /** What was refused; null shows the saved settings. */
  refused: ProjectForm | null;
}

/** One project's settings; posts to its own address. */
export function ProjectPage({ shell, project, refused }: ProjectPageProps): VNode {
  const form = refused ?? savedForm(project);
  return (
    <Layout shell={shell} title={project.name} current="projects" live={null}>
      <PageHead crumb={{ href: "/projects", label: "Projects" }} title={project.name} />
      <form method="post" action={projectHref(project.id)} class="panel" id="project">
        <ErrorSummary form="project" message={form.message} errors={form.errors} />
        <p class="muted">
          <code class="path">{project.path}</code>
        </p>
        <ProjectFields form={form} />
        <CommandsAllowed project={project} shell={shell} />
        <Button kind="primary">Save</Button>
      </form>
    </Layout>
  );
}

function CommandsAllowed({ project, shell }: { project: Project; shell: Shell }): VNode {
  const unsandboxed = shell.confinement.kind === "process";
  return (
    <fieldset>
      <legend>Without a sandbox</legend>
      <label class="option">
        <input
          type="checkbox"
          name="commands_allowed"
          value="1"
          checked={project.commandsAllowed}
          id="project-commands_allowed"
        />
        Run this project's setup, build and test commands where there is no sandbox
      </label>
      <p class="hint">
        They run as you, on code that agents wrote, and can do what you can do. With bubblewrap
        installed this is not needed.
      </p>
      {unsandboxed && !project.commandsAllowed && (
        <Notice tone="waiting" title="There is no sandbox on this machine">
          <p>Tickets of this project block until you allow this or install bubblewrap.</p>
        </Notice>
      )}
    </fieldset>
  );
}

function savedForm(project: Project): ProjectForm {
  const command = (name: string) => project.commands.find((c) => c.name === name)?.command ?? "";
  return {
    values: {
      path: project.path,
      name: project.name,
      base_branch: project.baseBranch,
      setup: command("setup"),
      build: command("build"),
      test: command("test"),
    },
    message: null,
    errors: [],
  };
}
