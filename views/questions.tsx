/** Questions of the agents, and their answers. */
import type { VNode } from "preact";
import type { Idea, Question } from "../server/records.ts";
import { Panel, StatusBadge, Time } from "./components.tsx";
import { Inline } from "./inline.tsx";
import { Prose } from "./prose.tsx";
import { type Answerable, QuestionForm, type RefusedAnswer } from "./question_form.tsx";
import { questionWords } from "./words.ts";

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
