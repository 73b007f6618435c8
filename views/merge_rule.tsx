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
  /** The person's own commits there are signed. */
  signs: boolean;
}

export function MergeRulePage({ shell, project, form, signs }: MergeRulePageProps): VNode {
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
        <p class="muted">
          Gaffer runs no program that a repository's configuration names, so it signs what it lands
          only with a key that you name here; anyone may then take it for yours. The key has to open
          without a passphrase being typed: from an agent, or with none.
        </p>
        {signs && values.sign === "" && (
          <p class="outcome tone-waiting">
            Your own commits here are signed; what Gaffer lands is not.
          </p>
        )}
        <div class="field-row">
          <Field
            form="merging"
            name="sign"
            kind="choice"
            label="Sign what lands"
            value={values.sign}
            errors={errors}
            options={[
              { value: "", label: "No" },
              { value: "ssh", label: "With an SSH key (ssh-keygen)" },
              { value: "openpgp", label: "With an OpenPGP key (gpg)" },
            ]}
          />
          <Field
            form="merging"
            name="sign_key"
            label="Key"
            hint="SSH: the absolute path of its file; OpenPGP: its fingerprint"
            value={values.sign_key}
            errors={errors}
            mono
          />
        </div>
        <Button kind="primary">Save</Button>
      </form>
    </Layout>
  );
}
