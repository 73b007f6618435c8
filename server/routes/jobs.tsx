import type { Hono } from "hono";
import { z } from "zod";
import { jobKinds, type QueueName, queueNames } from "../../queue/job.ts";
import { queueLimits } from "../../queue/limits.ts";
import { count, plural } from "../../views/format.ts";
import { JobsPage } from "../../views/jobs.tsx";
import { type Api, type Env, pageOf, pageQuery } from "../api.ts";
import type { App } from "../app.ts";
import { AppError } from "../errors.ts";
import { jobsPage, readJobsQuery } from "../pages/jobs.ts";
import { once } from "../once.ts";
import { getJob, listJobs } from "../../queue/queue.ts";
import { listSchedules } from "../../queue/schedules.ts";
import { jobStats, queueStates } from "../../queue/stats.ts";
import {
  jobJson,
  jobSchema,
  jobsJson,
  queueJson,
  queueSchema,
  queuesSchema,
  scheduleJson,
  scheduleSchema,
  statsSchema,
} from "../outputs/jobs.ts";
import {
  cancelJob,
  MAX_TAKEN_UP,
  pauseJobs,
  resumeJobs,
  retryDiscarded,
  retryJob,
} from "../services/jobs.ts";
import { jobStatuses } from "../states.ts";
import { done, listBehind, pageBehind, pageRequest, type PageTools, show } from "./page.ts";

const listQuery = once(() =>
  pageQuery().extend({
    status: z.enum(jobStatuses).optional(),
    queue: z.enum(queueNames).optional(),
    kind: z.enum(jobKinds).optional(),
    project_id: z.string().max(64).optional(),
  })
);

export function jobsApi(api: Api): void {
  api
    .get("/jobs", {
      summary: "Jobs of the queue, newest first",
      query: listQuery,
      out: pageOf(jobSchema),
    }, ({ app, query }) => {
      const { status, queue, kind, project_id: projectId, limit, cursor: beforeId } = query;
      const filter = { status, queue, kind, projectId, beforeId };
      const jobs = listJobs(app.db, { ...filter, limit: limit + 1 });
      const items = jobsJson(app, jobs.slice(0, limit));
      return { items, next: jobs.length > limit ? items.at(-1)!.id : null };
    })
    .get("/jobs/:id", {
      summary: "One job: why it waits or who does it, and what became of its attempts",
      out: jobSchema,
    }, ({ app, params }) => jobJson(app, getJob(app.db, params.id!)))
    .post("/jobs/:id/retry", {
      summary:
        "Run a job at once that waits for its time, or take up again the work of one that was given up; " +
        "answers with the job that does it",
      out: jobSchema,
    }, ({ app, params }) => jobJson(app, retryJob(app, params.id!)))
    .post("/jobs/:id/cancel", {
      summary: "End a job that waits or works, and what it was for with it",
      out: jobSchema,
    }, ({ app, params }) => jobJson(app, cancelJob(app, params.id!)))
    .post("/jobs/retry-discarded", {
      summary: `Take up again the work of all jobs that were given up, of ${MAX_TAKEN_UP} at most`,
      out: () =>
        z.object({
          jobs: z.number().int().describe("Those whose work was taken up"),
          left: z.number().int().describe("Those that were not: their work has moved on"),
        }),
    }, ({ app }) => {
      const { again, left } = retryDiscarded(app);
      return { jobs: again, left };
    })
    .get("/queues", {
      summary: "The queues: their limits, what waits, works, was given up, and who paused them",
      out: queuesSchema,
    }, ({ app }) => {
      const limits = queueLimits(app.config);
      const { fault } = app.db;
      return {
        items: queueStates(app.db).map((state) => queueJson(state, limits)),
        next: null,
        max_jobs: limits.total ?? null,
        held: fault && { fault: fault.kind, since: fault.since },
      };
    })
    .get("/queues/stats", {
      summary: "What ended in each of the last 24 hours, and how long it had waited",
      out: () => z.object({ items: z.array(statsSchema()), next: z.null() }),
    }, ({ app }) => ({
      items: jobStats(app.db, app.clock.nowMs()).map((hour) => ({
        hour: hour.hour,
        completed: hour.completed,
        discarded: hour.discarded,
        cancelled: hour.cancelled,
        median_wait_ms: hour.medianWaitMs,
        p95_wait_ms: hour.p95WaitMs,
      })),
      next: null,
    }))
    .post("/queues/:name/pause", {
      summary: "Begin nothing new of a queue, also after a restart; what works goes on",
      out: queueSchema,
    }, ({ app, params }) => {
      const queue = queueOf(params.name!);
      pauseJobs(app, queue);
      return oneQueueJson(app, queue);
    })
    .post("/queues/:name/resume", {
      summary: "Go on with a queue",
      out: queueSchema,
    }, ({ app, params }) => {
      const queue = queueOf(params.name!);
      resumeJobs(app, queue);
      return oneQueueJson(app, queue);
    })
    .get("/schedules", {
      summary: "What is done again and again: when, when next, and when it was last asked for",
      out: () => z.object({ items: z.array(scheduleSchema()), next: z.null() }),
    }, ({ app }) => ({ items: listSchedules(app.db).map(scheduleJson), next: null }));
}

function oneQueueJson(app: App, queue: QueueName) {
  const state = queueStates(app.db).find((state) => state.queue === queue)!;
  return queueJson(state, queueLimits(app.config));
}

function queueOf(name: string): QueueName {
  const queue = queueNames.find((known) => known === name);
  if (queue) return queue;
  throw new AppError(
    "not_found",
    `Cannot find the queue "${name}": there are ${queueNames.join(", ")}`,
  );
}

export function jobPages(pages: Hono<Env>, tools: PageTools): void {
  pages.get("/jobs", (c) => {
    const query = readJobsQuery(c.req.query());
    return show(c, <JobsPage {...jobsPage(pageRequest(c, tools), query)} />);
  });
  pages.post("/jobs/retry-discarded", (c) => {
    const { again, left } = retryDiscarded(c.var.app);
    const said = `The work of ${plural(again, "job")} was taken up again`;
    const stays = left === 1 ? "1 stays as it is" : `${count(left)} stay as they are`;
    return done(c, "/jobs", left > 0 ? `${said}; ${stays}` : said);
  });
  pages.post("/jobs/:id/retry", (c) => {
    const job = retryJob(c.var.app, c.req.param("id"));
    return done(c, listBehind(c, ["/jobs"]) ?? "/jobs", `Job ${job.id} runs when a slot is free`);
  });
  pages.post("/jobs/:id/cancel", (c) => {
    const job = cancelJob(c.var.app, c.req.param("id"));
    return done(c, listBehind(c, ["/jobs"]) ?? "/jobs", `Job ${job.id} cancelled`);
  });
  pages.post("/queues/:name/pause", (c) => {
    const queue = queueOf(c.req.param("name"));
    pauseJobs(c.var.app, queue);
    return done(c, "/jobs", `Queue ${queue} paused; what runs goes on`);
  });
  pages.post("/queues/:name/resume", (c) => {
    const queue = queueOf(c.req.param("name"));
    resumeJobs(c.var.app, queue);
    // The banner with this button is on every page.
    return done(c, pageBehind(c) ?? "/jobs", `Queue ${queue} goes on`);
  });
}
