/** The form of one question, on its idea's page and in the list of what waits for a person. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Question } from "../server/records.ts";
import { ActionForm, Button, ErrorSummary, Field } from "./forms.tsx";
import { Inline } from "./inline.tsx";

/** An answer that was refused: shown again in its form. */
export interface RefusedAnswer {
  questionId: string;
  answer: string;
  message: string;
  errors: FieldError[];
}

/** What the form of an answer needs to know. */
export type Answerable = Pick<Question, "id" | "text" | "options">;

interface QuestionFormProps {
  question: Answerable;
  /** Where the answer is posted to, before the question's id. */
  path?: string;
  /** In a row the options alone are offered; on the page there is room to write. */
  place: "row" | "page";
  refused?: RefusedAnswer | null;
}

/**
 * Options as radio rows, or an answer in words, or Skip. Posts `option` and `answer`; where both are
 * given the written answer counts.
 */
export function QuestionForm(
  { question, place, path = "/questions", refused = null }: QuestionFormProps,
): VNode {
  const form = `${place}-${question.id}`;
  const { options } = question;
  return (
    <div class="question-form">
      <form method="post" action={`${path}/${question.id}/answer`} id={form}>
        {refused && <ErrorSummary form={form} message={refused.message} errors={refused.errors} />}
        {options.length > 0 && (
          <fieldset class="options">
            <legend class="visually-hidden">{question.text}</legend>
            {options.map((option, index) => (
              <label class="option" key={option}>
                <input
                  type="radio"
                  name="option"
                  value={option}
                  required={place === "row"}
                  id={`${form}-option-${index}`}
                  data-key={place === "page" ? String(index + 1) : undefined}
                />
                <Inline text={option} />
              </label>
            ))}
          </fieldset>
        )}
        {place === "page" && (
          <Field
            form={form}
            name="answer"
            kind="area"
            rows={2}
            label={options.length > 0 ? "Another answer" : "Your answer"}
            required={options.length === 0}
            value={refused?.answer}
            errors={refused?.errors}
          />
        )}
      </form>
      <div class="actions">
        <Button kind="primary" form={form}>Answer</Button>
        <ActionForm
          action={`${path}/${question.id}/skip`}
          kind="quiet"
          keys={place === "page" ? "s" : undefined}
          label={`Skip: ${question.text}`}
        >
          Skip
        </ActionForm>
      </div>
    </div>
  );
}
