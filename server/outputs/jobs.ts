/** Jobs and queues, as the API gives them. */
import { z } from "zod";
import { queueNames } from "../../queue/job.ts";
import { once } from "../once.ts";
import type { Job } from "../records.ts";
import { type JobStatus, jobStatuses } from "../states.ts";
import { time } from "./common.ts";

export const jobSchema = once(() =>
  z.object({
    id: z.string(),
    kind: z.string(),
    args: z.record(z.string(), z.unknown()),
    queue: z.string(),
    status: z.enum(jobStatuses),
    priority: z.number().int(),
    attempt: z.number().int(),
    max_attempts: z.number().int(),
    scheduled_at: time(),
    started_at: time().nullable().describe("When its newest attempt began"),
    crashes: z.number().int().describe("How often Gaffer died while it worked"),
    errors: z.array(z.object({
      attempt: z.number().int(),
      at: time(),
      message: z.string(),
      failure: z.string().nullable().describe("Null: it was put off"),
    })),
    created_at: time(),
    finished_at: time().nullable(),
  }).meta({ id: "Job" })
);

export const jobJson = (j: Job): z.infer<ReturnType<typeof jobSchema>> => ({
  id: j.id,
  kind: j.kind,
  args: j.args,
  queue: j.queue,
  status: j.status,
  priority: j.priority,
  attempt: j.attempt,
  max_attempts: j.maxAttempts,
  scheduled_at: j.scheduledAt,
  started_at: j.startedAt,
  crashes: j.crashes,
  errors: j.errors,
  created_at: j.createdAt,
  finished_at: j.finishedAt,
});

export const queueSchema = once(() =>
  z.object({
    queue: z.enum(queueNames),
    paused: z.object({ by: z.string(), at: time() }).nullable(),
    counts: z.object(
      Object.fromEntries(jobStatuses.map((status) => [status, z.number().int()])) as Record<
        JobStatus,
        z.ZodNumber
      >,
    ),
  }).meta({ id: "Queue" })
);

export const statsSchema = once(() =>
  z.object({
    hour: time().describe("Its beginning"),
    completed: z.number().int(),
    discarded: z.number().int(),
    cancelled: z.number().int(),
    median_wait_ms: z.number().int().nullable(),
    p95_wait_ms: z.number().int().nullable(),
  }).meta({ id: "QueueHour" })
);
