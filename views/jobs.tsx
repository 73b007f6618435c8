/** Jobs: what the queue works on, what waits and why, what was given up, and how it went in the last day. */
import type { VNode } from "preact";
import type { Job } from "../server/records.ts";
import { jobStatuses } from "../server/states.ts";
import { BarChart } from "./bar_chart.tsx";
import {
  capital,
  Elapsed,
  EmptyState,
  Notice,
  Panel,
  Priority,
  StatusBadge,
  Tag,
  Time,
} from "./components.tsx";
import { count, duration, plural } from "./format.ts";
import { ActionForm } from "./forms.tsx";
import { framePartials, Layout, PageHead } from "./layout.tsx";
import { runHref, type Subject, subjectHref, subjectName, withQuery } from "./links.ts";
import { type Live, replace } from "./live.tsx";
import type { Shell } from "./shell.ts";
import { jobKindWords, jobWords } from "./words.ts";

/** Values of `?status=`. */
export const jobFilters = ["all", ...jobStatuses] as const;
export type JobFilterName = typeof jobFilters[number];

export interface QueueRow {
  name: string;
  /** Jobs that may execute at the same time. */
  slots: number;
  /** Of those of one project; null: as many as there are. */
  slotsPerProject: number | null;
  executing: number;
  /** Due, but for a free slot. */
  waiting: number;
  /** For their time. */
  scheduled: number;
  /** For their next attempt. */
  retryable: number;
  paused: { by: string; at: string } | null;
}

export interface JobRow {
  job: Job;
  /** What it is about. */
  subject: Subject | null;
  /** Whose agent does it; null: Gaffer itself does. */
  run: { id: string; agent: string } | null;
  projectName: string | null;
  /** Why it does not run yet; null: it does, or has ended, or waits for its time. */
  waitsFor: string | null;
  /** Why one that was given up can't be run again; null: it can. */
  stays: string | null;
}

/** When something is done again and again. */
export interface ScheduleRow {
  name: string;
  kind: string;
  cron: string;
  timeZone: string;
  nextAt: string | null;
  lastAt: string | null;
}

/** What ended within one hour, and how long it had waited; null: nothing was started. */
export interface JobHour {
  /** UTC text of its beginning. */
  hour: string;
  completed: number;
  discarded: number;
  medianWaitMs: number | null;
  p95WaitMs: number | null;
}

export interface JobsPageProps {
  shell: Shell;
  live: Live;
  filter: JobFilterName;
  counts: Record<JobFilterName, number>;
  queues: QueueRow[];
  /** Jobs of all queues that may execute at the same time; null: as many as the queues allow. */
  maxJobs: number | null;
  /** Newest first. */
  rows: JobRow[];
  schedules: ScheduleRow[];
  /** Oldest first. */
  hours: JobHour[];
  moreHref: string | null;
}

export function JobsPage(props: JobsPageProps): VNode {
  return (
    <Layout shell={props.shell} title="Jobs" current="jobs" live={props.live}>
      <PageHead title="Jobs" />
      <div id="jobs-columns" class="columns">
        <div class="column-main">
          <JobList {...props} />
        </div>
        <div class="column-facts">
          <Queues {...props} />
          <LastDay {...props} />
          <Schedules {...props} />
        </div>
      </div>
    </Layout>
  );
}

/** All that may have changed, for its stream. */
export function jobsPartials(props: JobsPageProps, status?: string): VNode {
  return (
    <>
      {framePartials({ shell: props.shell, current: "jobs", title: "Jobs", status })}
      {replace("job-list", <JobList {...props} />)}
      {replace("queues", <Queues {...props} />)}
      {replace("last-day", <LastDay {...props} />)}
      {replace("schedules", <Schedules {...props} />)}
    </>
  );
}

function JobList({ filter, counts, rows, shell, moreHref }: JobsPageProps): VNode {
  return (
    <div id="job-list">
      <nav class="tabs" aria-label="Jobs">
        {jobFilters.map((name) => (
          <a
            key={name}
            href={withQuery("/jobs", { status: name })}
            aria-current={name === filter ? "true" : undefined}
          >
            {name === "all" ? "All" : jobWords[name].word}{" "}
            <span class="num muted">{count(counts[name])}</span>
          </a>
        ))}
      </nav>
      {filter === "discarded" && rows.length > 0 && (
        <ActionForm action="/jobs/retry-discarded">
          Run all {count(counts.discarded)} again
        </ActionForm>
      )}
      {rows.length === 0 ? <Nothing filter={filter} /> : (
        <ul class="rows panel" data-rows="">
          {rows.map((row) => <JobItem key={row.job.id} {...row} nowMs={shell.nowMs} />)}
        </ul>
      )}
      {moreHref && (
        <p class="more">
          Showing {count(rows.length)}. <a href={moreHref}>Show older jobs</a>
        </p>
      )}
    </div>
  );
}

function Nothing({ filter }: { filter: JobFilterName }): VNode {
  return filter === "all"
    ? (
      <EmptyState>
        Everything that Gaffer does by itself is a job: a run of an agent, a step of a ticket, a
        merge. Nothing waits.
      </EmptyState>
    )
    : <p class="calm">No jobs here.</p>;
}

/** One job; `#job-<id>`. */
function JobItem(
  { job, subject, run, projectName, waitsFor, stays, nowMs }: JobRow & { nowMs: number },
): VNode {
  const last = job.errors.at(-1);
  return (
    <li class="row job-row" id={`job-${job.id}`} data-row="">
      <StatusBadge shown={jobWords[job.status]} />
      <div class="row-main">
        <p class="row-title">{jobKindWords[job.kind] ?? job.kind}</p>
        <p class="row-note">
          {run && (
            <span>
              by <a href={runHref(run.id)}>{run.agent}</a>
            </span>
          )}
          {subject && <a href={subjectHref(subject)}>{subjectName(subject)} {subject.title}</a>}
          {projectName && <Tag>{projectName}</Tag>}
          <Tag>{job.queue}</Tag>
          {waitsFor && <span>{waitsFor}</span>}
          {stays && <span>Can't run again: {stays}</span>}
        </p>
        {last && (
          <details class="attempts" id={`attempts-${job.id}`}>
            <summary class="small">
              {job.attempt > 0 && `${plural(job.attempt, "attempt")} of ${job.maxAttempts}: `}
              {last.message}
            </summary>
            <ol class="small">
              {job.errors.map((note, index) => (
                <li key={index}>
                  {note.attempt > job.attempt ? "Put off" : `Attempt ${note.attempt}`},{" "}
                  <Time at={note.at} nowMs={nowMs} />: {note.message}
                </li>
              ))}
            </ol>
          </details>
        )}
      </div>
      <span class="row-fact job-facts">
        <Priority level={job.priority} />
        {timeOf(job, nowMs)}
      </span>
      <JobActions job={job} stays={stays !== null} />
    </li>
  );
}

/** Since when it runs, when it comes next, or when it ended. */
function timeOf(job: Job, nowMs: number): VNode {
  if (job.status === "executing" && job.startedAt) {
    return <Elapsed since={job.startedAt} nowMs={nowMs} />;
  }
  if (job.finishedAt) return <Time at={job.finishedAt} nowMs={nowMs} />;
  return <Time at={job.scheduledAt} nowMs={nowMs} />;
}

function JobActions({ job, stays }: { job: Job; stays: boolean }): VNode {
  const action = (verb: string) => `/jobs/${job.id}/${verb}`;
  switch (job.status) {
    case "completed":
    case "cancelled":
      return <span class="row-menu-none" />;
    case "discarded":
      return stays ? <span class="row-menu-none" /> : (
        <span class="row-actions">
          <ActionForm action={action("retry")} kind="quiet">Run again</ActionForm>
        </span>
      );
    default:
      return (
        <span class="row-actions">
          {(job.status === "retryable" || job.status === "scheduled") && (
            <ActionForm action={action("retry")} kind="quiet">Now</ActionForm>
          )}
          <ActionForm action={action("cancel")} kind="quiet">Cancel</ActionForm>
        </span>
      );
  }
}

function Queues({ queues, maxJobs, shell }: JobsPageProps): VNode {
  return (
    <Panel id="queues" title="Queues">
      {shell.storage && (
        <Notice tone="failed" title="Nothing begins">
          <p class="small">Nothing can be saved now; the queues go on by themselves once it can.</p>
        </Notice>
      )}
      <ul class="queue-list">
        {queues.map(({ name, slots, slotsPerProject, executing, paused, ...jobs }) => (
          <li key={name}>
            <p>
              <strong>{capital(name)}</strong>
            </p>
            <p class="muted small num">
              {executing} of {slots} at work, {count(jobs.waiting)} waiting
              {jobs.scheduled > 0 && `, ${count(jobs.scheduled)} scheduled`}
              {jobs.retryable > 0 && `, ${count(jobs.retryable)} tried again later`}
            </p>
            {slotsPerProject !== null && (
              <p class="muted small num">At most {slotsPerProject} of one project</p>
            )}
            {paused && (
              <p class="small">
                Paused by {paused.by} <Time at={paused.at} nowMs={shell.nowMs} />
              </p>
            )}
            <ActionForm action={`/queues/${name}/${paused ? "resume" : "pause"}`} kind="quiet">
              {paused ? "Resume" : "Pause"}
            </ActionForm>
          </li>
        ))}
      </ul>
      {maxJobs !== null && (
        <p class="muted small num">At most {plural(maxJobs, "job")} of all queues at a time</p>
      )}
    </Panel>
  );
}

function Schedules({ schedules, shell: { nowMs } }: JobsPageProps): VNode {
  return (
    <Panel id="schedules" title="Recurring">
      {schedules.length === 0 && <p class="calm">Nothing is done by schedule.</p>}
      <ul class="queue-list">
        {schedules.map(({ name, kind, cron, timeZone, nextAt, lastAt }) => (
          <li key={name}>
            <p>
              <strong>{jobKindWords[kind] ?? kind}</strong>
            </p>
            <p class="muted small">
              <code>{cron}</code> {timeZone}
            </p>
            <p class="muted small">
              {nextAt
                ? (
                  <>
                    Next <Time at={nextAt} nowMs={nowMs} />
                  </>
                )
                : "It does not come again"}
              {lastAt && (
                <>
                  , last <Time at={lastAt} nowMs={nowMs} />
                </>
              )}
            </p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function LastDay({ hours }: JobsPageProps): VNode {
  const label = (at: string) => `${at.slice(11, 13)}:00`;
  return (
    <Panel id="last-day" title="Last 24 hours" aside={<span class="muted small">UTC</span>}>
      <BarChart
        id="jobs-ended"
        title="Jobs ended"
        parts={[{ name: "Completed", tone: "done" }, { name: "Given up", tone: "failed" }]}
        bars={hours.map((hour) => ({
          label: label(hour.hour),
          parts: [hour.completed, hour.discarded],
        }))}
        format={count}
      />
      <BarChart
        id="jobs-wait"
        title="Wait before the start, median"
        parts={[{ name: "Median", tone: "waiting" }]}
        bars={hours.map((hour) => ({ label: label(hour.hour), parts: [hour.medianWaitMs] }))}
        format={duration}
      />
    </Panel>
  );
}
