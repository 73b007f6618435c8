/** What refinement worked out: findings, and proposed subtasks that can be edited until they are approved. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Finding, Idea, ProposedSubtask } from "../server/records.ts";
import { complexities } from "../server/states.ts";
import { Hidden, Panel, Tag } from "./components.tsx";
import { Button, ErrorSummary, Field, fieldId } from "./forms.tsx";
import { PLAN_FORM, type RefusedDecision, refusedIn } from "./idea_decision.tsx";
import { ideaHref } from "./links.ts";
import type { ResolveReference } from "./markdown.ts";
import { Inline } from "./inline.tsx";
import { Prose } from "./prose.tsx";
import { complexityWords } from "./words.ts";

const findingWords: Record<Finding["kind"], string> = {
  related: "Related",
  similar: "Similar",
  conflict: "Conflict",
  prior_art: "Prior art",
  note: "Note",
};

/** What the researcher found; `#idea-findings`. */
export function Findings({ idea }: { idea: Idea }): VNode {
  const { findings } = idea.plan;
  return (
    <Panel id="idea-findings" title="Findings">
      {findings.length === 0
        ? (
          <p class="muted">
            {isOpen(idea)
              ? "The researcher has not finished yet."
              : "The researcher found nothing."}
          </p>
        )
        : (
          <ul class="findings">
            {findings.map((finding, index) => (
              <li key={index}>
                <p class="remark-head">
                  <Tag>{findingWords[finding.kind]}</Tag>
                  {finding.path && (
                    <code class="path">
                      {finding.path}
                      {finding.line ? `:${finding.line}` : ""}
                    </code>
                  )}
                </p>
                <Prose text={finding.text} />
              </li>
            ))}
          </ul>
        )}
    </Panel>
  );
}

const isOpen = ({ status }: Idea) =>
  status === "submitted" || status === "refining" || status === "questions";

interface PlanProps {
  idea: Idea;
  refused: RefusedDecision | null;
  resolve: ResolveReference;
}

/**
 * Proposed subtasks; `#idea-plan`. While the idea is ready they can be edited, reordered and left out:
 * fields `title_N`, `description_N`, `complexity_N`, `order_N` and `include_N` ("1" when ticked), N from 1
 * in the shown order. The form posts to `edit`; Approve posts the same fields to `approve`.
 */
export function PlanPanel({ idea, refused, resolve }: PlanProps): VNode {
  const { plan, status } = idea;
  const editable = status === "ready";
  const shown = refusedIn(idea, refused, "plan");
  return (
    <Panel
      id="idea-plan"
      title="Proposed subtasks"
      aside={plan.complexity && <Tag>{complexityWords[plan.complexity]}</Tag>}
    >
      {plan.complexityReason && (
        <p class="muted">
          <Inline text={plan.complexityReason} />
        </p>
      )}
      {plan.subtasks.length === 0 && (
        <p class="muted">The estimator proposes them when the questions are answered.</p>
      )}
      {plan.subtasks.length > 0 && !editable && (
        <ol class="subtasks">
          {plan.subtasks.map((subtask, index) => (
            <li key={index}>
              <p>
                <strong>
                  <Inline text={subtask.title} />
                </strong>{" "}
                <Tag>{complexityWords[subtask.complexity]}</Tag>
              </p>
              <Prose text={subtask.description} resolve={resolve} />
            </li>
          ))}
        </ol>
      )}
      {editable && (
        // The browser can't point at a field that is folded, and what is left out need not be right.
        <form method="post" action={`${ideaHref(idea.id)}/edit`} id={PLAN_FORM} noValidate>
          <ErrorSummary
            form={PLAN_FORM}
            message={shown?.message ?? null}
            errors={shown?.errors ?? []}
          />
          <ol class="subtasks">
            {plan.subtasks.map((subtask, index) => (
              <SubtaskFields
                key={index}
                number={index + 1}
                subtask={subtask}
                refused={shown}
              />
            ))}
          </ol>
          {plan.subtasks.length > 0 && <Button>Save subtasks</Button>}
        </form>
      )}
    </Panel>
  );
}

interface SubtaskFieldsProps {
  number: number;
  subtask: ProposedSubtask;
  refused: RefusedDecision | null;
}

function SubtaskFields({ number, subtask, refused }: SubtaskFieldsProps): VNode {
  const name = (field: string) => `${field}_${number}`;
  const value = (field: string, saved: string) => refused?.values[name(field)] ?? saved;
  const included = refused === null || refused.values[name("include")] === "1";
  const errors = refused?.errors;
  return (
    <li>
      <details id={`subtask-${number}`} open={errors?.some((e) => e.field.endsWith(`_${number}`))}>
        <summary>
          <span class="subtask-title">
            <Inline text={subtask.title} />
          </span>{" "}
          <Tag>{complexityWords[subtask.complexity]}</Tag>
        </summary>
        <Field
          form={PLAN_FORM}
          name={name("title")}
          label="Title"
          value={value("title", subtask.title)}
          errors={errors}
          maxLength={120}
          required
        />
        <div class="field-row">
          <Field
            form={PLAN_FORM}
            name={name("order")}
            label="Place"
            value={value("order", String(number))}
            errors={errors}
            required
          />
          <Field
            form={PLAN_FORM}
            name={name("complexity")}
            kind="choice"
            label="Complexity"
            value={value("complexity", subtask.complexity)}
            errors={errors}
            options={complexities.map((value) => ({ value, label: complexityWords[value] }))}
            required
          />
        </div>
        <Field
          form={PLAN_FORM}
          name={name("description")}
          kind="area"
          rows={4}
          label="Description"
          value={value("description", subtask.description)}
          errors={errors}
        />
      </details>
      <Include number={number} title={subtask.title} checked={included} errors={errors} />
    </li>
  );
}

interface IncludeProps {
  number: number;
  title: string;
  checked: boolean;
  errors?: FieldError[];
}

/** Unticked, the subtask is left out of the ticket. */
function Include({ number, title, checked, errors }: IncludeProps): VNode {
  const name = `include_${number}`;
  const id = fieldId(PLAN_FORM, name);
  const error = errors?.find(({ field }) => field === name)?.message;
  return (
    <>
      <label class="option">
        <input
          type="checkbox"
          name={name}
          value="1"
          checked={checked}
          id={id}
          aria-invalid={error ? "true" : undefined}
          aria-describedby={error ? `${id}-error` : undefined}
        />
        Include<Hidden>subtask {number}: {title}</Hidden>
      </label>
      {error && <p class="error" id={`${id}-error`}>{error}</p>}
    </>
  );
}
