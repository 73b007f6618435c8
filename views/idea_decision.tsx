/** A person's decision about an idea: approve, send back, reject, or refine again. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Idea } from "../server/records.ts";
import { ActionForm, Button, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { ideaHref } from "./links.ts";

/** Id of the form with the proposed subtasks; Approve sends its fields along. */
export const PLAN_FORM = "plan";

/** An edit, approval or feedback that was refused: shown again where it was typed. */
export interface RefusedDecision {
  action: "edit" | "approve" | "request-changes" | "reject";
  /** By field name, as posted. */
  values: Record<string, string>;
  message: string;
  errors: FieldError[];
}

/** Until then its words may be edited (`editIdea`), and it may be rejected (`ideaMoves`). */
export const isUndecided = ({ status }: Idea): boolean =>
  status !== "converted" && status !== "rejected";

/** The forms of an idea's page that a decision can be refused in. */
type DecisionForm = "words" | "plan" | "changes" | "rejection";

/** The form that was refused; null when the idea's state no longer offers it. */
export function formOf(
  idea: Idea,
  { action, values }: Pick<RefusedDecision, "action" | "values">,
): DecisionForm | null {
  const ready = idea.status === "ready";
  switch (action) {
    case "approve":
      return ready ? "plan" : null;
    case "request-changes":
      return ready ? "changes" : null;
    case "reject":
      return isUndecided(idea) ? "rejection" : null;
    case "edit":
      if (values.title !== undefined) return isUndecided(idea) ? "words" : null;
      return ready ? "plan" : null;
  }
}

/** The refusal, where it was this form's. */
export const refusedIn = (
  idea: Idea,
  refused: RefusedDecision | null,
  form: DecisionForm,
): RefusedDecision | null => refused && formOf(idea, refused) === form ? refused : null;

/** The decision, always in reach; `#idea-actions`. Absent buttons are moves that the state forbids. */
export function IdeaActions(
  { idea, refused, isHeld = false }: {
    idea: Idea;
    refused: RefusedDecision | null;
    /** Nobody has said yet that it is to be refined. */
    isHeld?: boolean;
  },
): VNode {
  const { status, plan, id } = idea;
  const action = (verb: string) => `${ideaHref(id)}/${verb}`;
  const back = refusedIn(idea, refused, "changes");
  const rejected = refusedIn(idea, refused, "rejection");
  const decided = status === "converted";
  return (
    <div class={decided ? "action-bar is-empty" : "action-bar"} id="idea-actions">
      {status === "ready" && (
        <div class="action-main">
          <Button kind="primary" form={PLAN_FORM} formAction={action("approve")} keys="a" decides>
            Approve
          </Button>
          <span class="effect">
            Makes a ticket of {plan.subtasks.length > 1 ? "the ticked subtasks" : "one subtask"};
            {" "}
            it starts when a slot is free.
          </span>
        </div>
      )}
      {status === "ready" && (
        <Disclosure id="request-changes" summary="Request changes" keys="r" open={back !== null}>
          <form method="post" action={action("request-changes")} id="changes">
            <ErrorSummary
              form="changes"
              message={back?.message ?? null}
              errors={back?.errors ?? []}
            />
            <Field
              form="changes"
              name="feedback"
              kind="area"
              label="What should be different?"
              hint="The agents refine the idea again with this."
              value={back?.values.feedback}
              errors={back?.errors}
              required
            />
            <Button kind="primary">Send back</Button>
          </form>
        </Disclosure>
      )}
      {isHeld && <ActionForm action={action("refine")} kind="primary">Refine</ActionForm>}
      {(status === "stuck" || status === "rejected") && (
        <ActionForm action={action("refine")} kind="primary">
          {status === "stuck" ? "Refine again" : "Take up again"}
        </ActionForm>
      )}
      {isUndecided(idea) && (
        <Disclosure id="reject" summary="Reject" keys="Shift+x" open={rejected !== null}>
          <form method="post" action={action("reject")} id="rejection">
            <ErrorSummary
              form="rejection"
              message={rejected?.message ?? null}
              errors={rejected?.errors ?? []}
            />
            <Field
              form="rejection"
              name="reason"
              kind="area"
              label="Why not?"
              hint="Stops its agents. The idea is kept and can be taken up again."
              value={rejected?.values.reason}
              errors={rejected?.errors}
              required
            />
            <Button kind="danger">Reject</Button>
          </form>
        </Disclosure>
      )}
    </div>
  );
}
