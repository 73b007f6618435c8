/** The form of a new project from a template: its questions, then all that it will have, then one button that makes it. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { capital, Notice, Panel } from "./components.tsx";
import { plural, withCodes } from "./format.ts";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { newFromTemplateHref, templateHref, templatesHref } from "./links.ts";
import { Parts, type TemplatePart } from "./project_templates.tsx";
import type { Shell } from "./shell.ts";

/** A question of the template, as a field. */
export interface QuestionField {
  key: string;
  label: string;
  hint: string;
  required: boolean;
  /** Null: it is answered in words. */
  choices: { value: string; label: string }[] | null;
}

/** What was filled in, and what comes of it. */
export interface NewFromTemplateForm {
  /** By the name of the field. */
  values: Record<string, string>;
  allowed: {
    ideas: boolean;
    setup_network: boolean;
    toolchains_allowed: boolean;
    commands_allowed: boolean;
  };
  message: string | null;
  errors: FieldError[];
}

/** All that the project will have; null: nobody has asked yet, or an answer was wrong. */
export interface TemplateOutcome {
  /** The template's own, filled in: a field that still holds one is no choice of the person's. */
  commands: Record<"setup" | "build" | "test", string>;
  further: { name: string; command: string }[];
  /** How commands run and what counts as evidence, where it is not as by default. */
  checks: string[];
  toolchains: string[];
  setupNetwork: boolean;
  ideas: { title: string }[];
  /** How many more the roadmap has. */
  ideasLeft: number;
  /** Beside the files. */
  images: { path: string; bytes: number }[];
  agents: TemplatePart[];
  files: TemplatePart[];
}

/** Documents of a project, to choose which come along. */
export interface DocumentChoices {
  project: { id: string; name: string };
  /** Of all: those that fit on a page. */
  rows: { path: string; checked: boolean }[];
  /** Documents, without templates for them. */
  count: number;
  /** So many documents may come along. */
  most: number;
  /** Those that do not fit. */
  left: number;
}

export interface NewFromTemplatePageProps {
  shell: Shell;
  template: { id: string; name: string; about: string; hash: string; needs: string[] };
  questions: QuestionField[];
  form: NewFromTemplateForm;
  /** Of the project whose documents come along; null: none was chosen yet, or they can't be looked at. */
  documents: DocumentChoices | null;
  outcome: TemplateOutcome | null;
}

const FORM = "from-template";
/** Where the answers lead: the browser shows it first. */
const OUTCOME = "template-outcome";
const commands = ["setup", "build", "test"] as const;
const IMAGES_SHOWN = 50;

export function NewFromTemplatePage(props: NewFromTemplatePageProps): VNode {
  const { shell, template, questions, form, documents, outcome } = props;
  const { values, message, errors } = form;
  const field = (name: string) => ({ form: FORM, name, value: values[name] ?? "", errors });
  return (
    <Layout shell={shell} title={`New project: ${template.name}`} current="projects" live={null}>
      <PageHead
        crumb={{ href: templatesHref, label: "Project templates" }}
        title={`New project: ${template.name}`}
        aside={<a href={templateHref(template.id)}>What is in it</a>}
      />
      <form method="post" action={newFromTemplateHref(template.id)} id={FORM}>
        <div class="panel">
          <ErrorSummary form={FORM} message={message} errors={errors} />
          <p class="muted">{template.about}</p>
          <input type="hidden" name="seen" value={template.hash} />
          <Field
            {...field("path")}
            label="Folder"
            hint="A new one, or one that is empty. It is made with everything in it at once, or not at all."
            placeholder="/home/you/code/project"
            required
            mono
          />
          <div class="field-row">
            <Field {...field("answers.name")} label="Name" maxLength={100} required />
            <Field
              {...field("answers.description")}
              label="What it is, in a sentence"
              maxLength={200}
            />
          </div>
          {questions.map(({ key, label, hint, required, choices }) => (
            <Field
              key={key}
              {...field(`answers.${key}`)}
              label={label}
              hint={hint || undefined}
              kind={choices ? "choice" : "text"}
              options={choices ?? undefined}
              required={required}
              maxLength={choices ? undefined : 300}
            />
          ))}
          <Field
            {...field("documents_of")}
            kind="choice"
            label="Planning documents to begin with"
            hint="The template's own come along, but for a roadmap where the project has one. Agents that they name below a heading “Agents” are made, too; images that they show come along, and ideas and tickets of their project stand there in words."
            options={[
              { value: "", label: "The template's" },
              ...shell.projects.map(({ id, name }) => ({
                value: id,
                label: `Those of ${name}`,
              })),
            ]}
          />
          {documents && <Documents {...documents} />}
          {/* Its own address: the one of the form would stay in that of the project's page. */}
          <Button
            kind={outcome ? "plain" : "primary"}
            name="do"
            value="look"
            formAction={`${newFromTemplateHref(template.id)}#${OUTCOME}`}
          >
            {outcome ? "Look again" : "Look at what it makes"}
          </Button>
        </div>
        {outcome ? <Outcome {...props} outcome={outcome} /> : <Kept form={form} />}
      </form>
    </Layout>
  );
}

function Documents({ project, rows, count, most, left }: DocumentChoices): VNode {
  return (
    <fieldset class="options" id="document-choices">
      <legend>Documents of {project.name} that come along</legend>
      {/* Whose boxes these are: of another project, all come along until its own were shown. */}
      <input type="hidden" name="documents_listed" value={project.id} />
      {rows.length === 0 && <p class="muted">It has none.</p>}
      {count > most && (
        <p class="hint">
          They are {count}, and at most {most} come along.
          {left > 0 && ` The first ${rows.length} of all are listed.`}
        </p>
      )}
      {rows.map(({ path, checked }) => (
        <label class="option" key={path}>
          <input type="checkbox" name="documents" value={path} checked={checked} />
          <code class="path">{path}</code>
        </label>
      ))}
    </fieldset>
  );
}

/** What was chosen and written below stays where that part is not shown. */
function Kept({ form: { allowed, values } }: { form: NewFromTemplateForm }): VNode {
  return (
    <>
      {commands.map((name) =>
        values[name] === undefined
          ? null
          : <input type="hidden" key={name} name={name} value={values[name]} />
      )}
      {Object.entries(allowed).map(([name, checked]) =>
        checked ? <input type="hidden" key={name} name={name} value="1" /> : null
      )}
    </>
  );
}

function Outcome(
  { shell, form, outcome, template }: NewFromTemplatePageProps & { outcome: TemplateOutcome },
): VNode {
  const { values, errors, allowed } = form;
  const { ideas, ideasLeft, images, agents, files, further, toolchains, setupNetwork } = outcome;
  const unsandboxed = shell.confinement.kind === "process";
  return (
    <>
      <Panel id={OUTCOME} title="What it will have">
        <fieldset>
          <legend>Commands</legend>
          {commands.map((name) => (
            <div key={name}>
              <Field
                form={FORM}
                name={name}
                label={capital(name)}
                value={values[name] ?? outcome.commands[name]}
                errors={errors}
                maxLength={2_000}
                mono
              />
              <input type="hidden" name={`proposed.${name}`} value={outcome.commands[name]} />
            </div>
          ))}
          {further.length > 0 && (
            <dl class="facts">
              {further.map(({ name, command }) => (
                <div key={name}>
                  <dt>{name}</dt>
                  <dd>
                    <code class="path">{withCodes(command)}</code>
                  </dd>
                </div>
              ))}
            </dl>
          )}
          {outcome.checks.length > 0 && (
            <ul class="bullets muted" id="outcome-checks">
              {outcome.checks.map((words) => <li key={words}>{withCodes(words)}</li>)}
            </ul>
          )}
        </fieldset>
        {ideas.length > 0 && (
          <Option
            name="ideas"
            checked={allowed.ideas}
            hint={shell.demo
              ? "Agents refine each at once, with the demo model: for $0."
              : "Agents refine each at once, and that costs what any idea costs."}
          >
            {ideasLeft === 0
              ? `Submit the roadmap's ${plural(ideas.length, "row")} as ideas`
              : `Submit ${ideas.length} of the roadmap's ${ideas.length + ideasLeft} rows as ideas`}
          </Option>
        )}
        {ideasLeft > 0 && (
          <p class="muted" id="ideas-left">
            A project begins with {ideas.length} at most. The other {ideasLeft}{" "}
            stay in its roadmap: Make ideas on that document's page makes them later.
          </p>
        )}
        {ideas.length > 0 && (
          <ul class="bullets">{ideas.map(({ title }) => <li key={title}>{title}</li>)}</ul>
        )}
        {setupNetwork && (
          <Option
            name="setup_network"
            checked={allowed.setup_network}
            hint="What runs during setup can then reach the internet and this machine's own services, but no key and no other folder. Without it tickets block where something has to be downloaded."
          >
            Setup may use the network
          </Option>
        )}
        {toolchains.length > 0 && (
          <Option
            name="toolchains_allowed"
            checked={allowed.toolchains_allowed}
            error={errors.find(({ field }) => field === "toolchains_allowed")?.message}
            hint={`Read-only: ${toolchains.map(withCodes).join(", ")}`}
          >
            Sandboxes may see the folders with tools
          </Option>
        )}
        {unsandboxed && (
          <Option
            name="commands_allowed"
            checked={allowed.commands_allowed}
            hint="There is no sandbox on this machine. They run as you, on code that agents wrote. Without it tickets block until you allow this or install bubblewrap."
          >
            Run this project's setup, build and test commands without a sandbox
          </Option>
        )}
        {template.needs.length > 0 && (
          <Notice tone="idle" title="What has to be installed">
            <ul class="bullets">
              {template.needs.map((need) => <li key={need}>{withCodes(need)}</li>)}
            </ul>
          </Notice>
        )}
        <Button kind="primary" name="do" value="make" keys="Control+Enter">
          Make the project
        </Button>
      </Panel>
      <Parts
        id="outcome-agents"
        title="Agents, trusted as they stand here"
        noun="agent"
        parts={agents}
      />
      <Parts id="outcome-files" title="Files of the first commit" noun="file" parts={files} />
      {images.length > 0 && (
        <Panel id="outcome-images" title="Images that the documents show">
          <ul class="bullets">
            {images.slice(0, IMAGES_SHOWN).map(({ path, bytes }) => (
              <li key={path}>
                <code class="path">{path}</code>{" "}
                <span class="muted">{Math.ceil(bytes / 1024)} KB</span>
              </li>
            ))}
          </ul>
          {images.length > IMAGES_SHOWN && (
            <p class="muted">and {images.length - IMAGES_SHOWN} more</p>
          )}
        </Panel>
      )}
    </>
  );
}

function Option(
  { name, checked, hint, error, children }: {
    name: keyof NewFromTemplateForm["allowed"];
    checked: boolean;
    hint: string;
    error?: string;
    children: VNode | string | (VNode | string)[];
  },
): VNode {
  return (
    <div class="allowance">
      <label class="option">
        <input
          type="checkbox"
          name={name}
          value="1"
          checked={checked}
          id={`${FORM}-${name}`}
          aria-describedby={`${FORM}-${name}-hint`}
        />
        {children}
      </label>
      {error && <p class="error">{error}</p>}
      <p class="hint" id={`${FORM}-${name}-hint`}>{hint}</p>
    </div>
  );
}
