/** What a planning agent was asked about a document: its run, its questions, its findings, the change that it suggests. */
import type { ComponentChildren, VNode } from "preact";
import type { PlanningResult } from "../agents/results.ts";
import type {
  DocumentSuggestion,
  PlanningAsk,
  PlanningQuestion,
  Run,
  SuggestionHunk,
} from "../server/records.ts";
import { failureReasons } from "../server/states.ts";
import { DemoMark, Fact, Money, Notice, Panel, StatusBadge, Time } from "./components.tsx";
import { DelayNote } from "./delay.tsx";
import { shortCommit } from "./format.ts";
import { ActionForm, buttonClass } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { agentHref, askHref, documentHref, planningHref, runHref } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import { type AdoptForm, GoneNotice } from "./lost_asks.tsx";
import { askWords } from "./planning_words.ts";
import { Prose } from "./prose.tsx";
import { QuestionForm, type RefusedAnswer } from "./question_form.tsx";
import { DecidedQuestions } from "./questions.tsx";
import type { Shell } from "./shell.ts";
import { SuggestionPanel } from "./suggestion.tsx";
import { type Delay, failureWords, severityWords, shownRun } from "./words.ts";

/** A piece of a suggested change, as it is shown. */
export interface ShownHunk extends SuggestionHunk {
  /** With some of the text around it, unified. */
  diff: string;
  /** The document says something else there by now, or so much else that nobody has looked; null: it fits. */
  unfit: "changed" | "too_large" | null;
}

export interface AskPageProps {
  shell: Shell;
  live: Live;
  ask: PlanningAsk;
  /** Null: its file is gone. */
  document: { id: string; title: string } | null;
  /** Where its document is gone: which one it may be by now. */
  adopt: AdoptForm | null;
  run: Run;
  delay: Delay | null;
  /** What its run handed in; null: nothing, or nothing yet. */
  result: PlanningResult | null;
  questions: PlanningQuestion[];
  refused: RefusedAnswer | null;
  suggestion: { suggestion: DocumentSuggestion; hunks: ShownHunk[] } | null;
  /** The ask that works the answers in; null: none yet. */
  answeredBy: string | null;
}

export function AskPage(props: AskPageProps): VNode {
  return (
    <Layout shell={props.shell} title={titleOf(props)} current="planning" live={props.live}>
      <AskStrip {...props} />
      <AskMain {...props} />
    </Layout>
  );
}

/** All that may have changed of it. */
export function askPartials(props: AskPageProps, status?: string): VNode {
  const { shell } = props;
  return (
    <>
      {framePartials({ shell, current: "planning", title: titleOf(props), status })}
      {replace("ask-strip", <AskStrip {...props} />)}
      {replace("ask-main", <AskMain {...props} />)}
    </>
  );
}

const nameOf = ({ document, ask }: AskPageProps): string => document?.title ?? ask.path;
const titleOf = (props: AskPageProps): string => `${askWords[props.ask.ask]}: ${nameOf(props)}`;

function AskStrip(props: AskPageProps): VNode {
  const { ask, document, run, delay, shell } = props;
  return (
    <div id="ask-strip">
      <PageHead
        crumb={{
          href: document ? documentHref(document.id) : planningHref(ask.projectId),
          label: nameOf(props),
        }}
        title={titleOf(props)}
        aside={
          <>
            <StatusBadge shown={shownRun(run, delay)} />
            {run.demo && <DemoMark />}
          </>
        }
      />
      <dl class="strip">
        <Fact name="Agent">
          <a href={agentHref(run.definition?.agentId ?? run.agent)}>{run.agent}</a>
        </Fact>
        <Fact name="Run">
          <a href={runHref(run.id)}>What it does</a>
        </Fact>
        <Fact name="Cost" num>
          <Money microUsd={run.costMicroUsd} demo={run.demo} />
        </Fact>
        <Fact name="Asked">
          by {ask.askedBy} <Time at={ask.askedAt} nowMs={shell.nowMs} />
        </Fact>
      </dl>
    </div>
  );
}

function AskMain(props: AskPageProps): VNode {
  const { shell, ask, result, suggestion, document } = props;
  return (
    <div id="ask-main" class="column-main">
      {props.adopt && <GoneNotice ask={ask} form={props.adopt} open={isOpen(props)} />}
      <Asked {...props} />
      <State {...props} />
      <Questions {...props} />
      {result && (
        <Panel id="ask-result" title="What it says">
          <Prose text={result.summary} />
          <Findings findings={result.findings ?? []} />
          {(result.questions ?? []).length > 0 && (
            <>
              <h3>Left open</h3>
              <ul>
                {result.questions!.map((question) => (
                  <li key={question}>
                    <Prose text={question} />
                  </li>
                ))}
              </ul>
            </>
          )}
        </Panel>
      )}
      {suggestion && (
        <SuggestionPanel
          {...suggestion}
          path={ask.path}
          documentId={document?.id ?? null}
          nowMs={shell.nowMs}
        />
      )}
      {result && !suggestion && (
        <p class="muted" id="no-suggestion">It suggests no change of the document.</p>
      )}
    </div>
  );
}

const isOpen = ({ questions, suggestion }: AskPageProps): boolean =>
  questions.some(({ status }) => status === "pending") || suggestion?.suggestion.status === "open";

function Asked({ ask }: AskPageProps): VNode | null {
  const { words, section, commits, answersOf } = ask;
  const rows: [string, ComponentChildren][] = [];
  if (section) rows.push(["Section", section]);
  if (words) rows.push(["In these words", <Prose text={words} key="words" />]);
  if (commits.length > 0) {
    rows.push(["Because of", <code key="commits">{commits.map(shortCommit).join(" ")}</code>]);
  }
  if (answersOf) rows.push(["Answers of", <a href={askHref(answersOf)} key="of">the questions</a>]);
  if (rows.length === 0) return null;
  return (
    <Panel id="ask-asked" title="What was asked">
      <dl class="facts">
        {rows.map(([name, value]) => <Fact name={name} key={name}>{value}</Fact>)}
      </dl>
    </Panel>
  );
}

function State({ ask, run, delay, shell }: AskPageProps): VNode | null {
  if (run.status === "failed" || run.status === "cancelled") {
    const why = run.failure ? failureWords[run.failure] : "It was cancelled";
    return (
      <Notice tone="failed" title={`Nothing came of it: ${why.toLowerCase()}`} id="ask-failed">
        {run.error && <p>{run.error}</p>}
        {run.failure && <p>{failureReasons[run.failure].mend}</p>}
        <ActionForm action={`${askHref(ask.id)}/again`} kind="primary" keys="r">
          Ask again
        </ActionForm>
      </Notice>
    );
  }
  if (run.status === "succeeded") return null;
  return (
    <Panel
      id="ask-working"
      title="It is at work"
      aside={
        <ActionForm action={`${askHref(ask.id)}/cancel`} kind="danger">
          Cancel
        </ActionForm>
      }
    >
      <p>
        What it suggests appears here. The document stays as it is until you accept something.
      </p>
      <noscript>
        <p>
          <a href={askHref(ask.id)}>Refresh</a> to see what came of it.
        </p>
      </noscript>
      {delay && <DelayNote delay={delay} nowMs={shell.nowMs} />}
      <a class={buttonClass("plain")} href={runHref(run.id)}>
        Watch it at work
      </a>
    </Panel>
  );
}

function Questions(props: AskPageProps): VNode | null {
  const { ask, document, questions, refused, shell, answeredBy, run } = props;
  if (questions.length === 0) return null;
  const open = questions.filter(({ status }) => status === "pending");
  return (
    <Panel
      id="ask-questions"
      title="Questions"
      aside={open.length > 0 && <span class="count num">{open.length}</span>}
    >
      {open.map((question) => (
        <article class="question" id={`question-${question.id}`} key={question.id}>
          <h3>{question.text}</h3>
          {question.why && <p class="muted">Why it matters: {question.why}</p>}
          <QuestionForm
            question={question}
            place="page"
            path="/planning-questions"
            refused={refused?.questionId === question.id ? refused : null}
          />
        </article>
      ))}
      {open.length > 0
        ? (
          <p class="muted">
            {document
              ? "With the last answer an agent is asked to work them into the document, as a change that you decide on."
              : "The answers are kept, and worked in once it is said which document it is now."}
          </p>
        )
        : answeredBy
        ? (
          <p>
            <a href={askHref(answeredBy)}>The answers are worked in</a>
          </p>
        )
        : (
          <p class="muted">
            {!document
              ? "They are worked in once it is said which document it is now."
              : run.status === "succeeded"
              ? "They are worked in as soon as a run about the document ends; whoever is asked next gets them, too."
              : "They are worked in when the agent is done."}
          </p>
        )}
      <DecidedQuestions
        id={`decided-${ask.id}`}
        questions={questions.filter(({ status }) => status !== "pending")}
        nowMs={shell.nowMs}
      />
    </Panel>
  );
}

function Findings({ findings }: { findings: Required<PlanningResult>["findings"] }): VNode | null {
  if (findings.length === 0) return null;
  return (
    <ul class="findings" aria-label="Findings">
      {findings.map(({ severity, kind, section, path, line, text }) => (
        <li key={`${section} ${path} ${line} ${text}`}>
          <p class="remark-head">
            <StatusBadge shown={severityWords[severity]} />
            {kind !== "note" && <span class="muted">{kind}</span>}
            {section && <strong>{section}</strong>}
            {path && <code class="path">{line ? `${path}:${line}` : path}</code>}
          </p>
          <Prose text={text} />
        </li>
      ))}
    </ul>
  );
}
