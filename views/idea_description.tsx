/** What was asked for, and its title and description as a form. */
import type { VNode } from "preact";
import type { Idea } from "../server/records.ts";
import { Panel } from "./components.tsx";
import { Button, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { isUndecided, type RefusedDecision, refusedIn } from "./idea_decision.tsx";
import { ideaHref } from "./links.ts";
import type { ResolveReference } from "./markdown.ts";
import { Prose } from "./prose.tsx";

interface DescriptionProps {
  idea: Idea;
  refused: RefusedDecision | null;
  resolve: ResolveReference;
}

/** The person's own words, and what the agents made of them; `#idea-description`. */
export function Description({ idea, refused, resolve }: DescriptionProps): VNode {
  const { summary, acceptance } = idea.plan;
  return (
    <Panel id="idea-description" title="Description">
      {idea.description === ""
        ? <p class="muted">Only the title was given.</p>
        : <Prose text={idea.description} resolve={resolve} />}
      {isUndecided(idea) && <WordsForm idea={idea} refused={refusedIn(idea, refused, "words")} />}
      {summary && (
        <>
          <h3>As the agents understand it</h3>
          <Prose text={summary} resolve={resolve} />
        </>
      )}
      {acceptance.length > 0 && (
        <>
          <h3>Done when</h3>
          <ul>{acceptance.map((criterion) => <li key={criterion}>{criterion}</li>)}</ul>
        </>
      )}
    </Panel>
  );
}

/** Posts `title` and `description` to `edit`. */
function WordsForm({ idea, refused }: { idea: Idea; refused: RefusedDecision | null }): VNode {
  const form = "words";
  return (
    <Disclosure
      id="edit-words"
      summary="Edit title and description"
      keys="e"
      open={refused !== null}
    >
      <form method="post" action={`${ideaHref(idea.id)}/edit`} id={form}>
        <ErrorSummary
          form={form}
          message={refused?.message ?? null}
          errors={refused?.errors ?? []}
        />
        <Field
          form={form}
          name="title"
          label="Title"
          value={refused?.values.title ?? idea.title}
          errors={refused?.errors}
          maxLength={200}
          required
        />
        <Field
          form={form}
          name="description"
          kind="area"
          rows={8}
          label="Description"
          hint="Markdown. #idea-12 and #ticket-7 become links."
          value={refused?.values.description ?? idea.description}
          errors={refused?.errors}
        />
        <Button kind="primary">Save</Button>
      </form>
    </Disclosure>
  );
}
