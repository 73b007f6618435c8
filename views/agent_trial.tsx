/** Trying an agent out on an idea or ticket, and what came of it before. */
import type { VNode } from "preact";
import type { AgentPageProps } from "./agent.tsx";
import { DemoMark, Money, Panel, StatusBadge, Time } from "./components.tsx";
import { Button, ErrorSummary, Field } from "./forms.tsx";
import { agentHref, runHref } from "./links.ts";
import { subjectLabel } from "./subject.tsx";
import { shownRun } from "./words.ts";

export function AgentTrial(props: AgentPageProps): VNode {
  const { agent, trial: { subjects, refused }, shell } = props;
  return (
    <Panel id="agent-trial" title="Try it">
      <p class="muted">
        It works on what you choose, in files that it can only read. Its result is shown, and
        nothing follows from it.{" "}
        {shell.demo ? "With the demo model it is free." : "It costs what a run costs."}
      </p>
      {subjects.length === 0
        ? <p class="muted">There is no idea and no ticket to try it on yet.</p>
        : (
          <form method="post" action={`${agentHref(agent.id)}/trial`}>
            <ErrorSummary
              form="trial"
              message={refused?.message ?? null}
              errors={[]}
            />
            <Field
              form="trial"
              name="subject"
              label="Idea or ticket"
              kind="choice"
              required
              value={refused?.value}
              options={subjects}
            />
            <Button>Start a trial run</Button>
          </form>
        )}
      <TrialRuns {...props} />
    </Panel>
  );
}

/** What was tried before; `#agent-trials`. */
export function TrialRuns({ trial, shell }: AgentPageProps): VNode {
  return (
    <ul class="run-list" id="agent-trials">
      {trial.runs.map(({ run, subject }) => (
        <li key={run.id}>
          <StatusBadge shown={shownRun(run)} />
          <a href={runHref(run.id)}>
            {subject ? subjectLabel(subject, shell) : "Trial run"}
          </a>
          <span class="muted small">
            {run.definition && <>version {run.definition.version},{" "}</>}
            <Money microUsd={run.costMicroUsd} demo={run.demo} />,{" "}
            <Time at={run.createdAt} nowMs={shell.nowMs} />
          </span>
          {run.demo && <DemoMark />}
        </li>
      ))}
    </ul>
  );
}
