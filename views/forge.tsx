/** Where a project opens pull requests: one form, a trial, and the way out. */
import type { VNode } from "preact";
import type { Project } from "../server/records.ts";
import { Notice } from "./components.tsx";
import { ActionForm, Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { forgeHref, projectHref } from "./links.ts";
import type { Shell } from "./shell.ts";
import type { TypedForm } from "./ticket_form.tsx";

/** What came of asking the forge. */
export interface ForgeTrial {
  ok: boolean;
  title: string;
  words: string;
}

export interface ForgePageProps {
  shell: Shell;
  project: Project;
  /** What is saved, or what was refused. */
  form: TypedForm;
  trial: ForgeTrial | null;
  /** The project names one. */
  named: boolean;
  /** Gaffer's environment has no such variable. */
  lacks: boolean;
}

export function ForgePage(
  { shell, project, form, trial, named, lacks }: ForgePageProps,
): VNode {
  const { values, errors, message } = form;
  const href = forgeHref(project.id);
  const shared = { form: "forge", errors };
  return (
    <Layout
      shell={shell}
      title={`Pull requests of ${project.name}`}
      current="projects"
      live={null}
    >
      <PageHead
        crumb={{ href: projectHref(project.id), label: project.name }}
        title="Pull requests"
      />
      {trial && (
        <Notice tone={trial.ok ? "done" : "failed"} title={trial.title} id="forge-trial">
          <p>{trial.words}</p>
        </Notice>
      )}
      {lacks && (
        <Notice tone="waiting" title={`Gaffer's environment has no variable ${values.token}`}>
          <p>Set it to a token where Gaffer is started, and start it again.</p>
        </Notice>
      )}
      <form method="post" action={href} class="panel" id="forge">
        <ErrorSummary form="forge" message={message} errors={errors} />
        <p class="hint">
          Optional. A reviewed ticket can then be pushed to a forge and become a pull request there;
          the forge's checks and what people say about it come back to the ticket. Nothing is sent
          there without a person's click.
        </p>
        <Field
          {...shared}
          name="kind"
          kind="choice"
          label="Forge"
          value={values.kind}
          options={[
            { value: "github", label: "GitHub" },
            { value: "gitlab", label: "GitLab" },
            { value: "gitea", label: "Gitea or Forgejo" },
          ]}
          required
        />
        <Field
          {...shared}
          name="repository"
          label="Repository"
          hint="As owner/name; of GitLab the project's whole path, or its number"
          value={values.repository}
          maxLength={300}
          required
          mono
        />
        <Field
          {...shared}
          name="remote_url"
          label="Address that is pushed to"
          hint="By HTTPS with the token below, or by SSH with a key that Gaffer's ssh agent holds; your ssh has to know the host"
          placeholder="https://github.com/owner/name.git"
          value={values.remote_url}
          maxLength={500}
          required
          mono
        />
        <Field
          {...shared}
          name="token"
          label="Token"
          hint="As $NAME: the variable of Gaffer's own environment that has it, so that no secret is kept here. It has to be allowed to write code and pull requests, and to read checks."
          placeholder="$GITHUB_TOKEN"
          value={values.token}
          maxLength={101}
          required
          mono
        />
        <Field
          {...shared}
          name="api_url"
          label="Address of the API"
          hint="Empty for github.com and gitlab.com. Of your own: https://host/api/v3 (GitHub), https://host/api/v4 (GitLab), https://host/api/v1 (Gitea)"
          value={values.api_url}
          maxLength={500}
          mono
        />
        <Field
          {...shared}
          name="takes_merge"
          kind="choice"
          label="Approving a ticket"
          value={values.takes_merge}
          options={[
            {
              value: "here",
              label: "Merges it here; a pull request is opened where you ask for it",
            },
            { value: "forge", label: "Opens a pull request, and leaves the merge to the forge" },
          ]}
          required
        />
        <Button kind="primary">Save</Button>
      </form>
      {named && (
        <div class="actions">
          <ActionForm action={`${href}/try`}>Try it</ActionForm>
          <ActionForm action={`${href}/remove`} kind="danger">Remove</ActionForm>
        </div>
      )}
    </Layout>
  );
}
