/** The form that takes a new idea in. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import { DEFAULT_PRIORITY, priorityNames } from "../server/states.ts";
import { capital } from "./components.tsx";
import { Button, ErrorSummary, Field } from "./forms.tsx";

/** What was typed into the new-idea form, and what was wrong with it. */
export interface NewIdeaForm {
  values: {
    project_id: string;
    title: string;
    description: string;
    priority: string;
    tags: string;
  };
  message: string | null;
  errors: FieldError[];
}

interface NewIdeaProps {
  projects: { id: string; name: string }[];
  /** Chosen unless the form says otherwise. */
  projectId: string | null;
  /** Ideas there are: a new one changes it, and so empties the form. */
  ideaCount: number;
  /** A refused submission; null shows an empty form. */
  form: NewIdeaForm | null;
}

/** Quick-add: a title is enough; the rest is folded. */
export function NewIdea({ projects, projectId, ideaCount, form }: NewIdeaProps): VNode {
  const values = form?.values;
  const errors = form?.errors ?? [];
  // A new idea changes the count, so the form that made it comes back empty: with other ids.
  const id = form ? "idea-refused" : `idea-after-${ideaCount}`;
  const project = values?.project_id ?? projectId ?? projects[0]?.id ?? "";
  const choices = projects.map(({ id, name }) => ({ value: id, label: name }));
  return (
    <div id="new-idea">
      <form method="post" action="/ideas" class="new-idea-form panel" id={id} aria-label="New idea">
        <ErrorSummary form={id} message={form?.message ?? null} errors={errors} />
        <div class={choices.length > 1 ? "quick-add has-project" : "quick-add"}>
          <Field
            form={id}
            name="title"
            label="What should be different?"
            value={values?.title}
            errors={errors}
            maxLength={200}
            required
            placeholder="Pressing save twice loses the second save"
          />
          {choices.length > 1 && (
            <Field
              form={id}
              name="project_id"
              kind="choice"
              label="Project"
              required
              value={project}
              errors={errors}
              options={choices}
            />
          )}
          <div class="actions">
            <Button kind="primary">Add idea</Button>
            <Button name="open" value="1" keys="Control+Enter">Add and open</Button>
          </div>
        </div>
        <details id={`${id}-more`} open={form !== null}>
          <summary>Description, priority, tags</summary>
          <Field
            form={id}
            name="description"
            kind="area"
            rows={5}
            label="Description"
            hint="Markdown. #idea-12 and #ticket-7 become links."
            value={values?.description}
            errors={errors}
          />
          <div class="field-row">
            <Field
              form={id}
              name="priority"
              kind="choice"
              label="Priority"
              required
              value={values?.priority ?? String(DEFAULT_PRIORITY)}
              errors={errors}
              options={priorityNames.map((name, value) => ({
                value: String(value),
                label: capital(name),
              }))}
            />
            <Field
              form={id}
              name="tags"
              label="Tags"
              hint="Separated by commas"
              value={values?.tags}
              errors={errors}
            />
          </div>
        </details>
        {choices.length <= 1 && <input type="hidden" name="project_id" value={project} />}
      </form>
    </div>
  );
}
