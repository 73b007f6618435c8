/** Forking a run: after which turn, what should be different, and what follows from it. */
import type { VNode } from "preact";
import type { FieldError } from "../server/errors.ts";
import type { Run } from "../server/records.ts";
import { Panel } from "./components.tsx";
import { money, plural, shortCommit } from "./format.ts";
import { Button, buttonClass, ErrorSummary, Field } from "./forms.tsx";
import { Layout, PageHead } from "./layout.tsx";
import { forkHref, runHref, type Subject, subjectWithin } from "./links.ts";
import type { Shell } from "./shell.ts";
import { runTitle } from "./subject.tsx";

export interface RunForkPageProps {
  shell: Shell;
  run: Run;
  subject: Subject;
  /** Turns after which it may be forked, with what each did, and the commit it left. */
  points: { turn: number; label: string; commit: string | null }[];
  turn: number;
  /** What is moved when the run is a developer's. */
  branch: string | null;
  /** What the agent may use anew. */
  limits: { maxTurns: number; maxCostMicroUsd: number };
  refused: { text: string; message: string; errors: FieldError[] } | null;
}

const FORM = "fork";

export function RunForkPage(props: RunForkPageProps): VNode {
  const { shell, run, subject, points, turn, refused } = props;
  const title = `Fork the ${run.agent} on ${subjectWithin(subject)}`;
  return (
    <Layout shell={shell} title={title} current="runs" live={null}>
      <PageHead
        crumb={{ href: runHref(run.id), label: runTitle(run, subject) }}
        title={title}
      />
      <Panel id="fork-panel" title="Go on from an earlier turn, with something changed">
        <form method="post" action={forkHref(run.id)} id={FORM}>
          <ErrorSummary
            form={FORM}
            message={refused?.message ?? null}
            errors={refused?.errors ?? []}
          />
          <Field
            form={FORM}
            name="turn"
            kind="choice"
            label="Keep everything up to"
            value={String(turn)}
            options={points.map((point) => ({ value: String(point.turn), label: point.label }))}
            errors={refused?.errors}
            required
          />
          <Field
            form={FORM}
            name="message"
            kind="area"
            rows={5}
            label="What should be different?"
            hint="The agent reads it right after that turn."
            value={refused?.text}
            errors={refused?.errors}
            required
          />
          <Effects {...props} />
          <div class="actions">
            <Button kind="primary">Fork the run</Button>
            <a class={buttonClass("quiet")} href={runHref(run.id)}>Leave it as it is</a>
          </div>
        </form>
      </Panel>
    </Layout>
  );
}

function Effects({ run, subject, points, branch, limits }: RunForkPageProps): VNode {
  const commits = new Set(points.map(({ commit }) => commit)).size;
  return (
    <ul class="prose">
      <li>
        A new run begins with a copy of those turns; what they cost is not counted again. It may use
        up to {plural(limits.maxTurns, "turn")}
        {run.demo ? "" : ` and ${money(limits.maxCostMicroUsd)}`} of its own.
      </li>
      {branch === null
        ? <li>Idea #{subject.number} is refined again, with what the new run hands in.</li>
        : (
          <>
            <li>
              The branch <code>{branch}</code> goes back to what that turn left
              {commits === 1 && points[0]?.commit
                ? ` (commit ${shortCommit(points[0].commit)})`
                : ""}. What is on it now is kept under <code>refs/gaffer/forks/</code>.
            </li>
            <li>Ticket #{subject.number} goes on from there: build, tests and review follow.</li>
          </>
        )}
    </ul>
  );
}
