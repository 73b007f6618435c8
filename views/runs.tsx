/** Runs: the list of all, and those of one ticket. */
import type { VNode } from "preact";
import type { Run } from "../server/records.ts";
import {
  capital,
  DemoMark,
  EmptyState,
  Money,
  Panel,
  StatusBadge,
  Time,
  TrialMark,
} from "./components.tsx";
import { DelayNote } from "./delay.tsx";
import { count, plural } from "./format.ts";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { runHref, type Subject } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { Shell } from "./shell.ts";
import { SubjectLink } from "./subject.tsx";
import { type Delay, purposeWords, shownRun } from "./words.ts";

export interface RunsPageProps {
  shell: Shell;
  live: Live;
  /** Newest first; `delay`: why one that is active does not work right now. */
  rows: { run: Run; subject: Subject; delay: Delay | null }[];
  /** Address of older runs; null: these are all. */
  moreHref: string | null;
}

export function RunsPage(props: RunsPageProps): VNode {
  return (
    <Layout shell={props.shell} title="Runs" current="runs" live={props.live}>
      <PageHead title="Runs" />
      <RunRows {...props} />
    </Layout>
  );
}

/** All that may have changed in the list, for its stream. */
export function runsPartials(props: RunsPageProps, status?: string): VNode {
  return (
    <>
      {framePartials({ shell: props.shell, current: "runs", title: "Runs", status })}
      {replace("runs", <RunRows {...props} />)}
    </>
  );
}

function RunRows({ shell, rows, moreHref }: RunsPageProps): VNode {
  return (
    <div id="runs">
      {rows.length === 0
        ? (
          <EmptyState action={{ href: "/ideas", label: "Go to the ideas" }}>
            Every execution of an agent is listed here, with what it did and what it cost.
          </EmptyState>
        )
        : (
          <ul class="rows panel" data-rows="">
            {rows.map(({ run, subject, delay }) => (
              <li class="row" id={`run-${run.id}`} key={run.id} data-row="">
                <StatusBadge shown={shownRun(run, delay)} />
                <div class="row-main">
                  <a class="row-title" href={runHref(run.id)}>
                    {capital(run.agent)}: {purposeWords[run.purpose].toLowerCase()}
                  </a>
                  <p class="row-note">
                    <SubjectLink subject={subject} shell={shell} />
                    {delay && <DelayNote delay={delay} nowMs={shell.nowMs} />}
                    {run.trial && <TrialMark />}
                    {run.demo && <DemoMark />}
                  </p>
                </div>
                <RunFigures run={run} nowMs={shell.nowMs} />
              </li>
            ))}
          </ul>
        )}
      {moreHref && (
        <p class="more">
          Showing {count(rows.length)}. <a href={moreHref}>Show older runs</a>
        </p>
      )}
    </div>
  );
}

function RunFigures({ run, nowMs }: { run: Run; nowMs: number }): VNode {
  return (
    <>
      <span class="row-fact num">{plural(run.turns, "turn")}</span>
      <span class="row-fact">
        <Money microUsd={run.costMicroUsd} demo={run.demo} />
      </span>
      <span class="row-fact">
        <Time at={run.startedAt ?? run.createdAt} nowMs={nowMs} />
      </span>
    </>
  );
}

/** The runs of one ticket, newest first. */
export function RunList({ id, runs, nowMs }: { id: string; runs: Run[]; nowMs: number }): VNode {
  return (
    <Panel id={id} title="Runs">
      {runs.length === 0 ? <p class="muted">None yet.</p> : (
        <ul class="run-list">
          {runs.map((run) => (
            <li key={run.id}>
              <StatusBadge shown={shownRun(run)} />
              <a href={runHref(run.id)}>{purposeWords[run.purpose]}</a>
              <span class="muted small">
                {run.agent}, <Money microUsd={run.costMicroUsd} demo={run.demo} />,{" "}
                <Time at={run.createdAt} nowMs={nowMs} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
