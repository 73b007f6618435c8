/** From a commit, a line or a file back to what it was made for: a form, and one answer for each commit. */
import type { VNode } from "preact";
import type { Idea, Project, Question, Run, Subtask, Ticket, Undo } from "../server/records.ts";
import { Facts, Panel, StatusBadge } from "./components.tsx";
import { shortCommit } from "./format.ts";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { ideaHref, projectHref, runHref, ticketHref, traceHref } from "./links.ts";
import type { Shell } from "./shell.ts";
import type { TypedForm } from "./ticket_form.tsx";
import { purposeWords, ticketWords } from "./words.ts";

/** One commit with what is behind it. */
export interface TraceShown {
  commit: { commit: string; subject: string; author: string; at: string };
  line: { path: string; line: number; text: string } | null;
  ticket: Ticket | null;
  relation: "merge" | "undo" | "checkpoint" | "branch" | "message" | null;
  undo: Undo | null;
  turns: { commit: string; run: Run; turn: number; number: number; subtask: Subtask | null }[];
  idea: Idea | null;
  questions: Question[];
}

export interface TracePageProps {
  shell: Shell;
  project: Project;
  form: TypedForm;
  /** Null: nothing was asked yet, or it was refused. */
  traces: TraceShown[] | null;
}

export function TracePage({ shell, project, form, traces }: TracePageProps): VNode {
  const { values, errors, message } = form;
  const field = { form: "trace", errors, mono: true } as const;
  return (
    <Layout shell={shell} title={`Trace in ${project.name}`} current="projects" live={null}>
      <PageHead
        crumb={{ href: projectHref(project.id), label: project.name }}
        title="Where does it come from?"
      />
      <form method="get" action={traceHref(project.id)} class="panel" id="trace">
        <ErrorSummary form="trace" message={message} errors={errors} />
        <div class="field-row">
          <Field
            {...field}
            name="path"
            label="File"
            hint="As git has it: src/main.ts"
            value={values.path}
          />
          <Field {...field} name="line" label="Line" value={values.line} />
          <Field
            {...field}
            name="commit"
            label="Commit"
            hint="Or its beginning; with a file: as it was then"
            value={values.commit}
          />
        </div>
        <Button kind="primary">Trace</Button>
      </form>
      {traces?.length === 0 && <p class="muted">No commit on the base branch changed that file.</p>}
      {traces?.map((trace) => <TracePanel key={trace.commit.commit} trace={trace} />)}
    </Layout>
  );
}

const relationWords: Record<NonNullable<TraceShown["relation"]>, string> = {
  merge: "The commit is its merge",
  undo: "The commit takes its merge back",
  checkpoint: "The commit is a checkpoint on its branch",
  branch: "The commit is on its branch",
  message: "Only the commit's own message says so",
};

function TracePanel({ trace }: { trace: TraceShown }): VNode {
  const { commit, line, ticket, relation, undo, idea, turns, questions } = trace;
  return (
    <Panel id={`trace-${commit.commit}`} title={commit.subject || shortCommit(commit.commit)}>
      <Facts
        rows={[
          ["Commit", <code key="c" class="path">{commit.commit}</code>],
          ["By", `${commit.author}, ${commit.at}`],
          [
            "Line",
            line && (
              <span key="l">
                <code class="path">{line.path}:{line.line}</code> <code>{line.text.trim()}</code>
              </span>
            ),
          ],
          [
            "Ticket",
            ticket === null ? "None of this project is known for it" : (
              <span key="t">
                <a href={ticketHref(ticket.id)}>#{ticket.number} {ticket.title}</a>{" "}
                <StatusBadge shown={ticketWords[ticket.status]} />{" "}
                <span class="muted">{relation && relationWords[relation]}</span>
              </span>
            ),
          ],
          [
            "Undone by",
            undo?.commit
              ? (
                <a key="u" href={traceHref(ticket!.projectId, { commit: undo.commit })}>
                  <code>{shortCommit(undo.commit)}</code>
                </a>
              )
              : null,
          ],
          ["Idea", idea && <a key="i" href={ideaHref(idea.id)}>#{idea.number} {idea.title}</a>],
        ]}
      />
      {turns.length > 0 && (
        <>
          <h3>Turns</h3>
          <ul class="plain-list">{turns.map((turn) => <Turn key={turn.number} turn={turn} />)}</ul>
        </>
      )}
      {questions.length > 0 && (
        <>
          <h3>Questions</h3>
          <ul class="plain-list">
            {questions.map(({ id, text, answer }) => (
              <li key={id}>
                {text} <strong>{answer || "(skipped)"}</strong>
              </li>
            ))}
          </ul>
        </>
      )}
    </Panel>
  );
}

function Turn({ turn: { commit, run, turn, number, subtask } }: {
  turn: TraceShown["turns"][number];
}): VNode {
  return (
    <li>
      <a href={`${runHref(run.id)}?all=1#e${number}`}>Turn {turn} of {run.agent}</a>{" "}
      <span class="muted">
        ({subtask ? `subtask ${subtask.position}: ${subtask.title}` : purposeWords[run.purpose]},
        {" "}
        <code>{shortCommit(commit)}</code>)
      </span>
    </li>
  );
}
