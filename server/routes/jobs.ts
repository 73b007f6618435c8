import { z } from "zod";
import { type Api, pageOf, pageQuery } from "../api.ts";
import { once } from "../once.ts";
import { listJobs } from "../../queue/queue.ts";
import { jobJson, jobSchema } from "../outputs.ts";
import { retryJob } from "../services/jobs.ts";
import { jobStatuses } from "../states.ts";

const listQuery = once(() => pageQuery().extend({ status: z.enum(jobStatuses).optional() }));

export function jobsApi(api: Api): void {
  api
    .get("/jobs", {
      summary: "Jobs of the queue, newest first",
      query: listQuery,
      out: pageOf(jobSchema),
    }, ({ app, query }) => {
      const jobs = listJobs(app.db, {
        status: query.status,
        limit: query.limit + 1,
        beforeId: query.cursor,
      });
      const items = jobs.slice(0, query.limit).map(jobJson);
      return { items, next: jobs.length > query.limit ? items.at(-1)!.id : null };
    })
    .post("/jobs/:id/retry", {
      summary: "Run a job at once that waits for its time, or again one that was given up",
      out: jobSchema,
    }, ({ app, params }) => jobJson(retryJob(app, params.id!)));
}
