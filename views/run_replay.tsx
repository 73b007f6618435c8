/** Whether a run's loop, given the log instead of a model, would do the same again. */
import type { VNode } from "preact";
import type { Run } from "../server/records.ts";
import { Cut } from "./activity_call.tsx";
import { Notice, Panel } from "./components.tsx";
import { count, plural } from "./format.ts";
import { Layout, PageHead } from "./layout.tsx";
import { runHref, type Subject, subjectWithin } from "./links.ts";
import type { Shell } from "./shell.ts";
import { runTitle } from "./subject.tsx";

export interface RunReplayPageProps {
  shell: Shell;
  run: Run;
  subject: Subject;
  /** Events of the log. */
  events: number;
  /** Null: every event came out as it is in the log. Else the first that did not, as JSON. */
  difference: { number: number; recorded: string; replayed: string | null } | null;
}

export function RunReplayPage(props: RunReplayPageProps): VNode {
  const { shell, run, subject, events, difference } = props;
  const title = `Replay of the ${run.agent} on ${subjectWithin(subject)}`;
  return (
    <Layout shell={shell} title={title} current="runs" live={null}>
      <PageHead
        crumb={{ href: runHref(run.id), label: runTitle(run, subject) }}
        title={title}
      />
      {difference === null
        ? (
          <Notice tone="done" title="The same again">
            <p>
              The loop was run once more over the log, without a request to the model, and{" "}
              {events === 1 ? "its one event" : `all of its ${count(events)} events`}{" "}
              came out as they are.
            </p>
          </Notice>
        )
        : <Difference run={run} difference={difference} />}
      <p>
        <a href={runHref(run.id)}>See what the run did</a>
      </p>
    </Layout>
  );
}

function Difference(
  { run, difference: { number, recorded, replayed } }: {
    run: Run;
    difference: NonNullable<RunReplayPageProps["difference"]>;
  },
): VNode {
  return (
    <>
      <Notice tone="failed" title="Not the same">
        <p>
          {plural(number - 1, "event")} came out as {number === 2 ? "it is" : "they are"}{" "}
          in the log; event <a href={`${runHref(run.id)}?all=1#e${number}`}>{number}</a>{" "}
          did not. Report it with the run's transcript: a loop must be decided by its log alone.
        </p>
      </Notice>
      <Panel id="recorded" title="In the log">
        <Cut text={recorded} />
      </Panel>
      <Panel id="replayed" title="In the replay">
        {replayed === null ? <p>The loop came to a stop.</p> : <Cut text={replayed} />}
      </Panel>
    </>
  );
}
