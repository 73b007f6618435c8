/** The form that makes a template of a project. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { withCodes } from "./format.ts";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { projectHref, projectTemplateHref } from "./links.ts";
import type { Shell } from "./shell.ts";

export interface TemplateOfProjectPageProps {
  shell: Shell;
  project: { id: string; name: string };
  form: {
    values: { id: string; name: string; about: string; keepName: boolean };
    message: string | null;
    errors: FieldError[];
  };
  /** What it would be, where that was asked for: the texts in which the project's name became a place. */
  look: { named: { what: string; lines: string[] }[]; redacted: string[] } | null;
}

const OF_PROJECT = "template";

export function TemplateOfProjectPage(
  { shell, project, form, look }: TemplateOfProjectPageProps,
): VNode {
  const { values, message, errors } = form;
  return (
    <Layout shell={shell} title="Make a template" current="projects" live={null}>
      <PageHead
        crumb={{ href: projectHref(project.id), label: project.name }}
        title={`A template of ${project.name}`}
      />
      <form
        method="post"
        action={projectTemplateHref(project.id)}
        id={OF_PROJECT}
        class="panel"
      >
        <ErrorSummary form={OF_PROJECT} message={message} errors={errors} />
        <p class="muted">
          It takes the project's commands and checks, the agents that are its own and that you
          trust, its <code>CLAUDE.md</code>, <code>.gitignore</code>{" "}
          and templates for documents, as they are committed. Sources, ignored files and hosts stay
          out, and what looks like a key is taken out. The project's name in <code>CLAUDE.md</code>
          {" "}
          and in what its agents are told becomes that of the new project.
        </p>
        <Field
          form={OF_PROJECT}
          name="name"
          label="Name"
          value={values.name}
          errors={errors}
          maxLength={80}
          required
        />
        <Field
          form={OF_PROJECT}
          name="id"
          label="Id"
          hint="Lower-case letters, digits and hyphens; its file is named so."
          value={values.id}
          errors={errors}
          maxLength={40}
          required
          mono
        />
        <Field
          form={OF_PROJECT}
          name="about"
          label="What it is for"
          value={values.about}
          errors={errors}
          maxLength={300}
        />
        <label class="option">
          <input type="checkbox" name="keep_name" value="1" checked={values.keepName} />
          Leave “{project.name}” where it stands
        </label>
        {look && <Look {...look} projectName={project.name} />}
        <div class="actions">
          <Button kind="primary">Make the template</Button>
          <Button name="do" value="look">Show where the name stands</Button>
        </div>
      </form>
    </Layout>
  );
}

function Look(
  { named, redacted, projectName }: NonNullable<TemplateOfProjectPageProps["look"]> & {
    projectName: string;
  },
): VNode {
  return (
    <section id="template-look" aria-labelledby="template-look-title">
      <h2 id="template-look-title">Where the name stands</h2>
      {named.length === 0 && <p>Nothing in it has “{projectName}” as a place to fill in.</p>}
      {named.map(({ what, lines }) => (
        <div key={what}>
          <h3>{what}</h3>
          <pre class="output" tabIndex={0}>{lines.map(withCodes).join("\n")}</pre>
        </div>
      ))}
      {redacted.length > 0 && (
        <p>What looks like a secret was taken out of {redacted.join(", ")}.</p>
      )}
    </section>
  );
}
