/** The form of a new document: from a template, or empty. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { Button, buttonClass, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { newDocumentHref, planningHref } from "./links.ts";
import type { PlanningProject } from "./planning.tsx";
import { documentSavesWords } from "./planning_words.ts";
import type { Shell } from "./shell.ts";

/** What the form holds, and what was wrong with it. */
export interface NewDocumentForm {
  title: string;
  /** Id of a template; "": none. */
  template: string;
  /** "": made from the template and the title. */
  path: string;
  /** What it is to say, for an agent to draft it; "": nobody drafts it. */
  words: string;
  message: string | null;
  errors: FieldError[];
}

export interface NewDocumentPageProps {
  shell: Shell;
  project: PlanningProject;
  templates: { id: string; name: string; about: string; folder: string; own: boolean }[];
  form: NewDocumentForm;
}

const FORM = "new-document";

export function NewDocumentPage({ shell, project, templates, form }: NewDocumentPageProps): VNode {
  return (
    <Layout shell={shell} title="New document" current="planning" live={null}>
      <PageHead
        crumb={{ href: planningHref(project.id), label: "Planning" }}
        title="New document"
      />
      <form
        method="post"
        action={newDocumentHref(project.id)}
        id={FORM}
        class="panel document-form"
      >
        <ErrorSummary form={FORM} message={form.message} errors={form.errors} />
        <Field
          form={FORM}
          name="title"
          label="Title"
          value={form.title}
          errors={form.errors}
          maxLength={200}
          autoFocus
        />
        <Field
          form={FORM}
          name="template"
          kind="choice"
          label="Template"
          hint="What it begins with. Files of planning/templates/ are offered here, too."
          value={form.template}
          errors={form.errors}
          options={[
            { value: "", label: "None" },
            ...templates.map(({ id, name, own }) => ({
              value: id,
              label: own ? `${name} (of this project)` : name,
            })),
          ]}
        />
        <Field
          form={FORM}
          name="path"
          label="Path"
          hint={`In ${project.name}/planning/, such as specs/saving.md. Left empty, it follows from template and title.`}
          value={form.path}
          errors={form.errors}
          maxLength={200}
          mono
        />
        <Field
          form={FORM}
          name="words"
          kind="area"
          rows={4}
          label="A few lines on what it is to say"
          hint="With them an agent drafts the document: a run begins, and what it suggests is yours to accept or reject."
          value={form.words}
          errors={form.errors}
          maxLength={10_000}
        />
        <div class="actions">
          <Button kind="primary" keys="Control+Enter">Make the document</Button>
          <a class={buttonClass("quiet")} href={planningHref(project.id)} data-key="Escape">
            Cancel
          </a>
        </div>
        <p class="hint">{documentSavesWords(project.saves, project.baseBranch)}.</p>
      </form>
      <section class="panel" aria-labelledby="templates-title" id="templates">
        <div class="panel-head">
          <h2 id="templates-title">Templates</h2>
        </div>
        <dl class="facts">
          {templates.map(({ id, name, about, folder }) => (
            <div key={id}>
              <dt>{name}</dt>
              <dd>
                {about} <code class="path">{folder}/</code>
              </dd>
            </div>
          ))}
        </dl>
      </section>
    </Layout>
  );
}
