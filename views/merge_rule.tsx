/** How tickets of a project are merged: one form. */
import type { VNode } from "preact";
import type { Project } from "../server/records.ts";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { mergingHref, projectHref } from "./links.ts";
import type { Shell } from "./shell.ts";
import type { TypedForm } from "./ticket_form.tsx";
import { mergeStyleWords } from "./words.ts";

export interface MergeRulePageProps {
  shell: Shell;
  project: Project;
  /** What is saved, or what was refused. */
  form: TypedForm;
}

export function MergeRulePage({ shell, project, form }: MergeRulePageProps): VNode {
  const { values, errors, message } = form;
  return (
    <Layout shell={shell} title={`Merging in ${project.name}`} current="projects" live={null}>
      <PageHead
        crumb={{ href: projectHref(project.id), label: project.name }}
        title="Merging"
      />
      <form method="post" action={mergingHref(project.id)} class="panel" id="merging">
        <ErrorSummary form="merging" message={message} errors={errors} />
        <Field
          form="merging"
          name="style"
          kind="choice"
          label="A ticket becomes"
          hint="Can be chosen for each merge on its review."
          value={values.style}
          errors={errors}
          options={Object.entries(mergeStyleWords).map(([value, label]) => ({ value, label }))}
          required
        />
        <Field
          form="merging"
          name="on_conflict"
          kind="choice"
          label="When the base branch changed the same lines"
          hint="The developer gets one try for each state of the base branch; what it makes is built, tested and reviewed again."
          value={values.on_conflict}
          errors={errors}
          options={[
            { value: "block", label: "The ticket blocks, with the conflict shown" },
            { value: "resolve", label: "The developer agent resolves it" },
          ]}
          required
        />
        <Button kind="primary">Save</Button>
      </form>
    </Layout>
  );
}
