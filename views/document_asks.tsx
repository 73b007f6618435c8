/** On a document's page: what agents were asked about it, and the form that asks one. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { PlanningAsk, Run } from "../server/records.ts";
import { planningAsks } from "../server/states.ts";
import { Notice, Panel, StatusBadge, Time } from "./components.tsx";
import { money, plural } from "./format.ts";
import { Button, Disclosure, ErrorSummary, Field } from "./forms.tsx";
import { askHref, documentAsksHref, documentHref } from "./links.ts";
import { askChoices, askWords } from "./planning_words.ts";
import { shownRun } from "./words.ts";

/** An ask in a list. */
export interface AskRow {
  ask: PlanningAsk;
  run: Run;
  /** Pieces that nobody has decided on. */
  pieces: number;
  /** Questions that nobody has answered. */
  questions: number;
}

/** What the form holds, and what was wrong with it. */
export interface AskForm {
  ask: string;
  words: string;
  section: string;
  agent: string;
  message: string | null;
  errors: FieldError[];
}

export interface DocumentAsksProps {
  documentId: string;
  /** Newest first. */
  rows: AskRow[];
  /** There are more. */
  more: boolean;
  /** Headings that can be chosen. */
  sections: string[];
  agents: { name: string; maxCostMicroUsd: number }[];
  /** Null: the project is archived, nobody is asked. */
  form: AskForm | null;
  nowMs: number;
}

const FORM = "document-ask";

/** `#document-asks`. */
export function DocumentAsks(props: DocumentAsksProps): VNode {
  const { documentId, rows, more, form, nowMs } = props;
  return (
    <Panel id="document-asks" title="Agents">
      {form && <AskFormPart {...props} form={form} />}
      {rows.length > 0 && <AskRows rows={rows} nowMs={nowMs} />}
      {more && <a href={documentAsksHref(documentId)}>All that was asked</a>}
    </Panel>
  );
}

/** Above the text, where no script leads to it: the form below was refused. */
export function AskRefused({ form }: Pick<DocumentAsksProps, "form">): VNode | null {
  if (!form || form.message === null) return null;
  return (
    <noscript>
      <Notice tone="failed" title="No agent was asked" id="document-ask-refused">
        <p>
          <a href={`#${FORM}`}>See what is wrong in the form</a>
        </p>
      </Notice>
    </noscript>
  );
}

/** Above the text: what of it waits to be answered or decided on. */
export function AsksNotice({ rows }: { rows: AskRow[] }): VNode | null {
  const waiting = rows.filter(({ pieces, questions }) => pieces + questions > 0);
  if (waiting.length === 0) return null;
  return (
    <Notice tone="waiting" title="An agent waits for you" id="document-asks-notice">
      {waiting.map(({ ask, pieces, questions }) => (
        <p key={ask.id}>
          The {ask.agent} {pieces > 0
            ? `suggests a change: ${plural(pieces, "piece")} to decide on`
            : `has ${plural(questions, "question")}`}. <a href={askHref(ask.id)}>Look at it</a>
        </p>
      ))}
    </Notice>
  );
}

export function AskRows({ rows, nowMs }: { rows: AskRow[]; nowMs: number }): VNode {
  return (
    <ul class="run-list">
      {rows.map(({ ask, run, pieces, questions }) => (
        <li key={ask.id} id={`ask-${ask.id}`} data-row="">
          <StatusBadge
            shown={pieces + questions > 0
              ? { word: "Waits for you", tone: "waiting" }
              : shownRun(run)}
          />
          <a href={askHref(ask.id)}>{askWords[ask.ask]}</a>
          <span class="muted small">
            {[
              ask.agent,
              pieces > 0 && `${plural(pieces, "piece")} to decide on`,
              questions > 0 && plural(questions, "question"),
            ].filter(Boolean).join(", ")}, <Time at={ask.askedAt} nowMs={nowMs} />
          </span>
        </li>
      ))}
    </ul>
  );
}

function AskFormPart(
  { documentId, sections, agents, form }: DocumentAsksProps & { form: AskForm },
): VNode {
  const { errors } = form;
  return (
    <Disclosure
      id="document-ask-fold"
      summary="Ask an agent"
      keys="q"
      open={form.message !== null}
    >
      <form method="post" action={`${documentHref(documentId)}/asks`} id={FORM}>
        <ErrorSummary form={FORM} message={form.message} errors={errors} />
        <Field
          form={FORM}
          name="ask"
          kind="choice"
          label="What"
          value={form.ask}
          errors={errors}
          options={planningAsks.map((value) => ({ value, label: askChoices[value] }))}
          required
        />
        <Field
          form={FORM}
          name="words"
          kind="area"
          rows={4}
          label="In your words"
          hint="What it is to say, or to look at. A draft needs a few lines."
          value={form.words}
          errors={errors}
          maxLength={10_000}
        />
        {sections.length > 0 && (
          <Field
            form={FORM}
            name="section"
            kind="choice"
            label="Section"
            value={form.section}
            errors={errors}
            options={[
              { value: "", label: "All of it" },
              ...sections.map((value) => ({ value, label: value })),
            ]}
          />
        )}
        <Field
          form={FORM}
          name="agent"
          kind="choice"
          label="Agent"
          hint="Unless you choose: the analyst reviews and asks, the writer writes, the architect does both for architecture."
          value={form.agent}
          errors={errors}
          options={[
            { value: "", label: "Whoever it is for" },
            ...agents.map(({ name, maxCostMicroUsd }) => ({
              value: name,
              label: `${name}, at most ${money(maxCostMicroUsd)} a run`,
            })),
          ]}
        />
        <p class="hint">
          A run begins, and costs what it uses. The document stays as it is: you accept or reject
          what is suggested, piece by piece.
        </p>
        <Button kind="primary" keys="Control+Enter">Ask</Button>
      </form>
    </Disclosure>
  );
}
