/** One project: the form for a new one with what was proposed for it, and its settings. */
import { type ComponentChildren, Fragment, type VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Project } from "../server/records.ts";
import { handsLimitBounds, type HandsLimitName, handsLimitNames } from "../server/states.ts";
import { capital, Notice, Time } from "./components.tsx";
import { plural } from "./format.ts";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import {
  checkRulesHref,
  forgeHref,
  mcpServersHref,
  mergingHref,
  planningHref,
  projectConfigHref,
  projectHref,
  projectTemplateHref,
  traceHref,
} from "./links.ts";
import type { Live } from "./live.tsx";
import { locking } from "./locked.ts";
import { FromTemplate, PathForm } from "./projects.tsx";
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
    /** One a line. */
    hosts: string;
    toolchains: string;
    local_files: string;
    /** Empty: the configuration's. */
    limits: Record<HandsLimitName, string>;
  };
  /** What the person allows: the names of the checked boxes. */
  allowed: { setup_network: boolean; commands_allowed: boolean; tags_allowed: boolean };
  /** Settings that the repository's file holds, with their lines: shown as they are. */
  locked: Record<string, number>;
  /** The setup command is an installer, which needs the network. */
  setupFetches: boolean;
  message: string | null;
  errors: FieldError[];
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
              <ProjectFields form={form} shell={shell} />
              {shell.confinement.kind === "process" && (
                <CommandsAllowed
                  form={form}
                  shell={shell}
                />
              )}
              <Button kind="primary">Add the project</Button>
            </form>
          )
          : (
            <>
              <PathForm form="project" path={values.path} message={message} errors={errors} />
              <FromTemplate />
            </>
          )}
      </div>
    </Layout>
  );
}

const commandHints = {
  setup: "Once per worktree, before anything else. Empty: nothing to set up.",
  build: "After each change. Empty: there is nothing to build.",
  test:
    "After the build. TAP and the output of the usual runners are read; others count as a whole.",
};

function ProjectFields({ form, shell }: { form: ProjectForm; shell: Shell }): VNode {
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
          <Fragment key={name}>
            <Field
              form="project"
              name={name}
              label={capital(name)}
              {...locking(form.locked, name, commandHints[name])}
              value={values[name]}
              errors={errors}
              maxLength={2_000}
              mono
            />
            {name === "setup" && <SetupNetwork form={form} shell={shell} />}
          </Fragment>
        ))}
      </fieldset>
      <SandboxFields form={form} shell={shell} />
    </>
  );
}

const localFilesHint =
  "One a line, from the repository's folder on, as .env or config/*.pem. Copied before setup, when git ignores them; what holds secrets is empty for an agent's commands, and whole for setup, build and test.";

const limitLabels: Record<HandsLimitName, string> = {
  memory_mb: "Memory (MB)",
  cpu_seconds: "CPU time of a process (seconds)",
  processes: "Processes",
  file_mb: "Size of a file (MB)",
  open_files: "Open files of a process",
};

const sandboxFields = [
  "hosts",
  "toolchains",
  "local_files",
  ...handsLimitNames.map((name) => `limits.${name}`),
];

/** Hosts, tools and limits of its sandboxes; folded, since most projects need none of it. */
function SandboxFields({ form, shell }: { form: ProjectForm; shell: Shell }): VNode {
  const { values, errors } = form;
  const isWrong = errors.some(({ field }) => sandboxFields.includes(field));
  return (
    <details class="further" id="project-sandbox" open={isWrong}>
      <summary>Hosts, tools, files and limits of the sandbox</summary>
      {shell.confinement.kind === "process" && (
        <p class="hint tone-waiting">
          There is no sandbox on this machine: nothing can hold commands to a list of hosts, so none
          is opened by it.
        </p>
      )}
      <Field
        form="project"
        name="hosts"
        label="Hosts that setup, build and test may reach"
        hint="One a line, as registry.npmjs.org or *.example.com: at ports 80 and 443, by HTTP and HTTPS. What they run, agents wrote. A registry in your own network needs its port: registry.lan:4873."
        kind="area"
        value={values.hosts}
        errors={errors}
        mono
      />
      <Field
        form="project"
        name="toolchains"
        label="Folders with tools"
        hint="One absolute path a line. Shown read-only; its bin folder, or else the folder itself, comes first on PATH."
        kind="area"
        value={values.toolchains}
        errors={errors}
        mono
      />
      <Field
        form="project"
        name="local_files"
        label="Ignored files to copy into worktrees"
        {...locking(form.locked, "localFiles", localFilesHint)}
        kind="area"
        value={values.local_files}
        errors={errors}
        mono
      />
      <fieldset>
        <legend>Limits, where they are not to be the configuration's</legend>
        <div class="field-row">
          {handsLimitNames.map((name) => (
            <Field
              key={name}
              form="project"
              name={`limits.${name}`}
              label={limitLabels[name]}
              hint={`${handsLimitBounds[name][0]} to ${handsLimitBounds[name][1]}`}
              value={values.limits[name]}
              errors={errors}
              maxLength={10}
            />
          ))}
        </div>
      </fieldset>
    </details>
  );
}

function SetupNetwork({ form, shell }: { form: ProjectForm; shell: Shell }): VNode {
  const sandboxed = shell.confinement.kind === "bubblewrap";
  const { setup_network: allowed } = form.allowed;
  return (
    <div class="allowance" id="setup-network">
      <Option name="setup_network" checked={allowed} hint="setup_network-hint">
        Setup may use the network
      </Option>
      <p class="hint" id="project-setup_network-hint">
        {form.setupFetches &&
          "This command needs the network; what runs during setup can then reach it. "}
        {form.setupFetches ? "That is" : "What runs during setup can then reach"}{" "}
        the internet and this machine's own services, but no key and no other folder. It runs once
        in each worktree, on your base branch's own files; other commands reach no more than the
        hosts that are named below.
      </p>
      {!sandboxed && (
        <p class="hint">
          There is no sandbox on this machine, and without one the network can't be cut: commands
          have it whatever is chosen here.
        </p>
      )}
      {sandboxed && form.setupFetches && !allowed && (
        <p class="hint tone-waiting">Without it tickets will block at their setup.</p>
      )}
    </div>
  );
}

interface OptionProps {
  name: keyof ProjectForm["allowed"];
  checked: boolean;
  /** Last part of the id of what describes it. */
  hint: string;
  children: ComponentChildren;
}

function Option({ name, checked, hint, children }: OptionProps): VNode {
  return (
    <label class="option">
      <input
        type="checkbox"
        name={name}
        value="1"
        checked={checked}
        id={`project-${name}`}
        aria-describedby={`project-${hint}`}
      />
      {children}
    </label>
  );
}

export interface ProjectPageProps {
  shell: Shell;
  /** Null beside a refused form. */
  live: Live | null;
  project: Project;
  /** The saved settings, or what was refused. */
  form: ProjectForm;
  /** Documents that the code has left behind, as of the last look. */
  stale: number;
}

/** One project's settings; posts to its own address. */
export function ProjectPage({ shell, live, project, form, stale }: ProjectPageProps): VNode {
  return (
    <Layout shell={shell} title={project.name} current="projects" live={live}>
      <PageHead
        crumb={{ href: "/projects", label: "Projects" }}
        title={project.name}
        aside={
          <>
            <a href={planningHref(project.id)}>Planning</a>
            {stale > 0 && <span class="muted">, {plural(stale, "stale document")}</span>}{" "}
            <a href={checkRulesHref(project.id)}>Checks</a>{" "}
            <a href={projectConfigHref(project.id)}>Configuration</a>{" "}
            <a href={traceHref(project.id)}>Trace</a> <a href={mergingHref(project.id)}>Merging</a>
            {" "}
            <a href={forgeHref(project.id)}>Pull requests</a>{" "}
            <a href={mcpServersHref(project.id)}>MCP servers</a>{" "}
            <a href={projectTemplateHref(project.id)}>Make a template</a>
          </>
        }
      />
      <form method="post" action={projectHref(project.id)} class="panel" id="project">
        <ErrorSummary
          form="project"
          message={form.message}
          errors={form.errors.filter(({ field }) => field !== "path")}
        />
        <p class="muted">
          <code class="path">{project.path}</code>
        </p>
        <ProjectFields form={form} shell={shell} />
        <CommandsAllowed form={form} shell={shell} />
        <TagsAllowed form={form} project={project} nowMs={shell.nowMs} />
        <Button kind="primary">Save</Button>
      </form>
    </Layout>
  );
}

function TagsAllowed(
  { form, project, nowMs }: { form: ProjectForm; project: Project; nowMs: number },
): VNode {
  return (
    <fieldset>
      <legend>Private data, untrusted input and a way out</legend>
      <Option name="tags_allowed" checked={form.allowed.tags_allowed} hint="tags_allowed-hint">
        One run may have all three without asking
      </Option>
      <p class="hint" id="project-tags_allowed-hint">
        A run with all three can be talked into sending what is private to whoever wrote what it
        reads. Without this it waits for your word before the call that brings the last of them.
        {project.tagsAllowed && (
          <>
            {" "}Allowed by {project.tagsAllowed.by}{" "}
            <Time at={project.tagsAllowed.at} nowMs={nowMs} />.
          </>
        )}
      </p>
    </fieldset>
  );
}

/** What stands around a project's settings; the form is the person's. */
export const projectPartials = ({ shell, project }: ProjectPageProps, status?: string): VNode =>
  framePartials({ shell, current: "projects", title: project.name, status });

function CommandsAllowed({ form, shell }: { form: ProjectForm; shell: Shell }): VNode {
  const { commands_allowed: allowed } = form.allowed;
  const unsandboxed = shell.confinement.kind === "process";
  return (
    <fieldset>
      <legend>Without a sandbox</legend>
      <Option name="commands_allowed" checked={allowed} hint="commands_allowed-hint">
        Run this project's setup, build and test commands where there is no sandbox
      </Option>
      <p class="hint" id="project-commands_allowed-hint">
        They run as you, on code that agents wrote, and can do what you can do. With bubblewrap
        installed this is not needed.
      </p>
      {unsandboxed && !allowed && (
        <Notice tone="waiting" title="There is no sandbox on this machine">
          <p>Tickets of this project block until you allow this or install bubblewrap.</p>
        </Notice>
      )}
    </fieldset>
  );
}
