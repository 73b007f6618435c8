/** Questions of the agents, and their answers. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Idea, Question } from "../server/records.ts";
import { Panel, StatusBadge, Time } from "./components.tsx";
import { ActionForm, Button, ErrorSummary, Field } from "./forms.tsx";
import { Inline, Prose } from "./prose.tsx";
import { questionWords } from "./words.ts";

/** An answer that was refused: shown again in its form. */
export interface RefusedAnswer {
  questionId: string;
  answer: string;
  message: string;
  errors: FieldError[];
}

interface QuestionsProps {
  idea: Idea;
  questions: Question[];
  refused: RefusedAnswer | null;
  nowMs: number;
}

/** Open questions with their forms, answered ones folded; `#idea-questions`. */
export function Questions({ idea, questions, refused, nowMs }: QuestionsProps): VNode {
  const open = questions.filter((q) => q.status === "pending");
  const decided = questions.filter((q) => q.status !== "pending");
  return (
    <Panel
      id="idea-questions"
      title="Questions"
      aside={open.length > 0 && <span class="count num">{open.length}</span>}
    >
      {questions.length === 0 && (
        <p class="muted">
          {idea.status === "refining" || idea.status === "submitted"
            ? "None yet. They appear here when an agent asks."
            : "The agents had none."}
        </p>
      )}
      {open.map((question) => (
        <article class="question" id={`question-${question.id}`} key={question.id}>
          <h3>
            <Inline text={question.text} />
          </h3>
          {question.why !== "" && (
            <p class="muted">
              Why it matters: <Inline text={question.why} />
            </p>
          )}
          <QuestionForm
            question={question}
            place="page"
            refused={refused?.questionId === question.id ? refused : null}
          />
          <p class="muted small">
            Asked by the {question.askedBy} <Time at={question.createdAt} nowMs={nowMs} />
          </p>
        </article>
      ))}
      <DecidedQuestions id="decided-questions" questions={decided} nowMs={nowMs} />
    </Panel>
  );
}

/** Folded, with what was answered; nothing where there are none. */
export function DecidedQuestions(
  { id, questions, nowMs }: {
    id: string;
    questions: (Answerable & Pick<Question, "status" | "answer" | "decidedAt">)[];
    nowMs: number;
  },
): VNode | null {
  if (questions.length === 0) return null;
  return (
    <details id={id}>
      <summary>{questions.length} decided</summary>
      {questions.map((question) => (
        <article class="question" id={`question-${question.id}`} key={question.id}>
          <h3>
            <Inline text={question.text} />
          </h3>
          <p class="remark-head">
            <StatusBadge shown={questionWords[question.status]} />
            {question.decidedAt && <Time at={question.decidedAt} nowMs={nowMs} />}
          </p>
          {question.status === "answered" && <Prose text={question.answer} />}
          {question.status === "skipped" && <p class="muted">Left to the agents' judgement.</p>}
        </article>
      ))}
    </details>
  );
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
