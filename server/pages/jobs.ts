import {
  type JobFilterName,
  jobFilters,
  type JobRow,
  type JobsPageProps,
} from "../../views/jobs.tsx";
import { withQuery } from "../../views/links.ts";
import { queueLimits } from "../../queue/limits.ts";
import { listJobs } from "../../queue/queue.ts";
import { listSchedules } from "../../queue/schedules.ts";
import { jobStats, queueStates, waitReasons } from "../../queue/stats.ts";
import type { App } from "../app.ts";
import { whyNotAgain } from "../services/dead_letters.ts";
import type { Job } from "../records.ts";
import { type JobStatus, jobStatuses } from "../states.ts";
import { lastSeq } from "../store/events.ts";
import { findRun } from "../store/runs.ts";
import { type Subjects, subjectsOf } from "./subjects.ts";
import { type PageRequest, shellOf } from "./shell.ts";
import { sentenceOf } from "./delays.ts";

const ROWS_PER_PAGE = 50;
const HOURS = 24;

export interface JobsQuery {
  status: JobFilterName;
  /** Only jobs older than this id. */
  cursor: string | undefined;
}

/** What is not known counts as not given: an old link still shows the list. */
export function readJobsQuery(query: Record<string, string>): JobsQuery {
  return {
    status: jobFilters.find((name) => name === query.status) ?? "all",
    cursor: /^\d{1,15}$/.exec(query.cursor ?? "")?.[0],
  };
}

export function jobsPage(request: PageRequest, { status, cursor }: JobsQuery): JobsPageProps {
  const { app } = request;
  const after = lastSeq(app.db);
  const states = queueStates(app.db);
  const limits = queueLimits(app.config);
  const found = listJobs(app.db, {
    ...(status === "all" ? {} : { status }),
    beforeId: cursor,
    limit: ROWS_PER_PAGE + 1,
  });
  const jobs = found.slice(0, ROWS_PER_PAGE);
  const reasonOf = waitReasons(app.db, limits, app.clock.nowMs());
  const subjects = subjectsOf(app);
  const inState = (name: JobStatus) => states.reduce((sum, { counts }) => sum + counts[name], 0);
  const counts = Object.fromEntries(jobStatuses.map((name) => [name, inState(name)]));
  return {
    shell: shellOf(request),
    live: { path: withQuery("/live/jobs", { status, cursor }), after },
    filter: status,
    counts: { ...counts, all: Object.values(counts).reduce((a, b) => a + b, 0) } as Record<
      JobFilterName,
      number
    >,
    queues: states.map(({ queue, paused, counts }) => ({
      name: queue,
      slots: limits.queues[queue],
      slotsPerProject: limits.perProject?.[queue] ?? null,
      executing: counts.executing,
      waiting: counts.available,
      scheduled: counts.scheduled,
      retryable: counts.retryable,
      paused,
    })),
    maxJobs: limits.total ?? null,
    rows: jobs.map((job) => ({
      job,
      ...doneFor(app, subjects, job),
      projectName: job.projectId && subjects.projectName(job.projectId),
      waitsFor: sentenceOf(app, reasonOf(job)),
      stays: job.status === "discarded" ? whyNotAgain(app.db, job) : null,
    })),
    schedules: listSchedules(app.db),
    hours: jobStats(app.db, app.clock.nowMs(), HOURS),
    moreHref: found.length > jobs.length
      ? withQuery("/jobs", { status, cursor: jobs.at(-1)!.id })
      : null,
  };
}

/** What a job is about, and the agent at it. */
function doneFor(app: App, subjects: Subjects, { args }: Job): Pick<JobRow, "subject" | "run"> {
  const { ideaId = null, ticketId = null, runId } = args as Record<string, string>;
  const run = runId === undefined ? null : findRun(app.db, runId);
  return {
    subject: subjects.of(run ?? { ideaId, ticketId }),
    run: run && { id: run.id, agent: run.agent },
  };
}
