/** Home: what needs me, what is happening, what did it cost. */
import type { VNode } from "preact";
import type { ChangeEvent, Run, Ticket } from "../server/records.ts";
import {
  DemoMark,
  Elapsed,
  EmptyState,
  Fact,
  Money,
  Panel,
  Progress,
  Time,
  TrialMark,
} from "./components.tsx";
import { money, plural } from "./format.ts";
import { ActionForm } from "./forms.tsx";
import { describeChange } from "./history.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { runHref, type Subject, ticketHref } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import { type Need, NeedItem } from "./needs.tsx";
import { Inline } from "./inline.tsx";
import type { Shell } from "./shell.ts";
import { severalProjects, SubjectLink } from "./subject.tsx";
import { DelayNote } from "./delay.tsx";
import { type Delay, doingNow, purposeWords } from "./words.ts";

/** A run that works, waits or is about to start. */
export interface RunningRow {
  run: Run;
  subject: Subject;
  /** Why it does not work right now; null: it does, or is about to begin. */
  delay: Delay | null;
  /** For a ticket's run: how far its subtasks are, and the step it is in. */
  ticket: Pick<Ticket, "step" | "round"> | null;
  subtasks: { done: number; total: number } | null;
}

export interface HomePageProps {
  shell: Shell;
  live: Live;
  /** Oldest first. */
  needs: Need[];
  running: RunningRow[];
  /** What starts when a slot is free; shown when nothing waits. */
  next: { ticket: Ticket; delay: Delay | null } | null;
  spend: { todayMicroUsd: number; monthMicroUsd: number };
  /** Newest first, grouped by subject. */
  recent: { subject: Subject | null; changes: ChangeEvent[] }[];
  /** Ideas there are in all: zero shows what to do first. */
  ideaCount: number;
}

export function HomePage(props: HomePageProps): VNode {
  return (
    <Layout shell={props.shell} title="Home" current="home" live={props.live}>
      <PageHead title="Home" />
      <Needs {...props} />
      <Running {...props} />
      <Spend {...props} />
      <Recent {...props} />
    </Layout>
  );
}

/** All that may have changed on Home, for its stream. */
export function homePartials(props: HomePageProps, status?: string): VNode {
  return (
    <>
      {framePartials({ shell: props.shell, current: "home", title: "Home", status })}
      {replace("needs", <Needs {...props} />)}
      {replace("running", <Running {...props} />)}
      {replace("spend", <Spend {...props} />)}
      {replace("recent", <Recent {...props} />)}
    </>
  );
}

function Needs({ needs, next, ideaCount, shell }: HomePageProps): VNode {
  const more = shell.counts.needs - needs.length;
  return (
    <Panel
      id="needs"
      title="Needs you"
      aside={needs.length > 0 && (
        <span class="count num">{Math.max(needs.length, shell.counts.needs)}</span>
      )}
    >
      {needs.length > 0
        ? (
          <>
            <ul class="rows" data-rows="">
              {needs.map((need) => (
                <NeedItem
                  key={need.id}
                  need={need}
                  nowMs={shell.nowMs}
                  showProject={severalProjects(shell)}
                />
              ))}
            </ul>
            {more > 0 && (
              <p class="calm">
                And {more} more, see <a href="/ideas">Ideas</a> and{" "}
                <a href="/development">Development</a>.
              </p>
            )}
          </>
        )
        : ideaCount === 0
        ? (
          <EmptyState action={{ href: "/ideas#new-idea", label: "Write an idea" }}>
            An idea is one sentence: “Pressing save twice loses the second save.” Agents refine it
            and ask what is unclear; you approve it before anything is built.
          </EmptyState>
        )
        : (
          <p class="calm">
            Nothing needs you. {next && (
              <>
                Next: <a href={ticketHref(next.ticket.id)}>{next.ticket.title}</a>
                {next.delay
                  ? (
                    <>
                      . <DelayNote delay={next.delay} nowMs={shell.nowMs} />.
                    </>
                  )
                  : ", starts when a slot is free."}
              </>
            )}
          </p>
        )}
    </Panel>
  );
}

function Running({ running, shell }: HomePageProps): VNode {
  return (
    <Panel id="running" title="Running now">
      {running.length === 0
        ? <p class="calm">No agent works right now.</p>
        : (
          <ul class="rows" data-rows="">
            {running.map((row) => <RunningItem key={row.run.id} row={row} shell={shell} />)}
          </ul>
        )}
    </Panel>
  );
}

function RunningItem({ row, shell }: { row: RunningRow; shell: Shell }): VNode {
  const { run, subject, delay, ticket, subtasks } = row;
  const { nowMs } = shell;
  const step = ticket ? doingNow(ticket, run.purpose) : purposeWords[run.purpose];
  return (
    <li class="row" id={`running-${run.id}`} data-row="">
      <span class={`dot tone-${isWorking(row) ? "running" : "waiting"}`} />
      <div class="row-main">
        <SubjectLink subject={subject} shell={shell} class="row-title" />
        <p class="row-note">
          <a href={runHref(run.id)}>{run.agent}</a> ·{" "}
          {delay ? <DelayNote delay={delay} nowMs={nowMs} /> : step}
          {run.trial && <TrialMark />}
          {run.demo && <DemoMark />}
        </p>
      </div>
      {subtasks && subtasks.total > 0 && <Progress {...subtasks} of="subtasks" />}
      <span class="row-fact">
        {run.startedAt
          ? <Elapsed since={run.startedAt} nowMs={nowMs} />
          : delay
          ? "not begun"
          : "starting"}
      </span>
      <span class="row-fact">
        <Money microUsd={run.costMicroUsd} demo={run.demo} />
      </span>
      <ActionForm action={`${runHref(run.id)}/cancel`} label={`Stop the ${run.agent} run`}>
        Stop
      </ActionForm>
    </li>
  );
}

const isWorking = ({ run, delay }: RunningRow): boolean =>
  run.status === "running" && delay === null;

function Spend({ spend, running }: HomePageProps): VNode {
  const working = running.filter(isWorking).length;
  const waiting = running.length - working;
  return (
    <Panel id="spend" title="Spent">
      <dl class="figures">
        <Fact name="Today" num>{money(spend.todayMicroUsd)}</Fact>
        <Fact name="This month" num>{money(spend.monthMicroUsd)}</Fact>
        <Fact name="Working now" num>{plural(working, "run")}</Fact>
        {waiting > 0 && <Fact name="Waiting" num>{plural(waiting, "run")}</Fact>}
      </dl>
    </Panel>
  );
}

function Recent({ recent, shell }: HomePageProps): VNode {
  return (
    <Panel id="recent" title="Recent activity">
      {recent.length === 0 ? <p class="calm">Nothing has happened yet.</p> : (
        <ul class="recent">
          {recent.map(({ subject, changes }) => (
            <li key={subject?.id ?? changes[0]?.seq}>
              {subject && <SubjectLink subject={subject} shell={shell} class="row-title" />}
              <ul class="changes-list">
                {changes.map((change) => (
                  <li key={change.seq}>
                    <Inline text={describeChange(change)} />{" "}
                    <Time at={change.at} nowMs={shell.nowMs} />
                  </li>
                ))}
              </ul>
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}
