/** Jobs and queues, as the API gives them. */
import { z } from "zod";
import { queueNames } from "../../queue/job.ts";
import { type QueueLimits, queueLimits } from "../../queue/limits.ts";
import type { Schedule } from "../../queue/schedules.ts";
import { type QueueState, type WaitReason, waitReasons } from "../../queue/stats.ts";
import type { App } from "../app.ts";
import { once } from "../once.ts";
import type { Job } from "../records.ts";
import { type JobStatus, jobStatuses } from "../states.ts";
import { findRun } from "../store/runs.ts";
import { time } from "./common.ts";

const waitSchema = once(() =>
  z.discriminatedUnion("why", [
    z.object({ why: z.literal("time"), at: time() }),
    z.object({ why: z.literal("storage"), fault: z.string(), since: time() })
      .describe("Nothing can be saved"),
    z.object({ why: z.literal("paused"), by: z.string(), at: time() })
      .describe("A person paused its queue"),
    z.object({ why: z.enum(["total", "slots", "project"]), busy: z.number().int() })
      .describe("As many as may are at work: of all queues, of its queue, of its project in it"),
    z.object({ why: z.literal("key"), key: z.string(), job_id: z.string() })
      .describe("Another job of its concurrency key is at work"),
    z.object({ why: z.literal("suspect"), job_id: z.string() })
      .describe("Gaffer died with both before: they run one at a time"),
    z.object({ why: z.literal("order"), next: z.boolean() })
      .describe("Only for its turn; `next`: no other of its queue comes before it"),
  ]).meta({ id: "JobWait" })
);

export const jobSchema = once(() =>
  z.object({
    id: z.string(),
    kind: z.string(),
    args: z.record(z.string(), z.unknown()),
    project_id: z.string().nullable(),
    queue: z.string(),
    status: z.enum(jobStatuses),
    waits_for: waitSchema().nullable().describe("Why it does not run yet; null: it does not wait"),
    agent: z.string().nullable().describe("Who does its work; null: Gaffer itself"),
    priority: z.number().int(),
    unique_key: z.string().nullable().describe("At most one job of a kind and key waits"),
    concurrency_key: z.string().nullable()
      .describe("Jobs of one key never execute at the same time"),
    attempt: z.number().int(),
    max_attempts: z.number().int(),
    scheduled_at: time().describe("When it is, or was, due: its next try, if it waits for one"),
    leased_by: z.string().nullable().describe("The start of Gaffer that executes it"),
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

type JobJson = z.infer<ReturnType<typeof jobSchema>>;

/** Looks at the rest of the queue once, however many jobs it is then given. */
export function jobsJson(app: App, jobs: readonly Job[]): JobJson[] {
  const reasonOf = waitReasons(app.db, queueLimits(app.config), app.clock.nowMs());
  return jobs.map((job) => toJson(job, reasonOf(job), agentOf(app, job)));
}

export const jobJson = (app: App, job: Job): JobJson => jobsJson(app, [job])[0]!;

/** The agent that does a job's work; null: Gaffer itself. */
export const agentOf = ({ db }: App, { kind, args }: Job): string | null =>
  kind === "run_agent" ? findRun(db, String(args.runId))?.agent ?? null : null;

const toJson = (j: Job, reason: WaitReason | null, agent: string | null): JobJson => ({
  id: j.id,
  kind: j.kind,
  args: j.args,
  project_id: j.projectId,
  queue: j.queue,
  status: j.status,
  waits_for: reason && waitJson(reason),
  agent,
  priority: j.priority,
  unique_key: j.uniqueKey,
  concurrency_key: j.concurrencyKey,
  attempt: j.attempt,
  max_attempts: j.maxAttempts,
  scheduled_at: j.scheduledAt,
  leased_by: j.leasedBy,
  started_at: j.startedAt,
  crashes: j.crashes,
  errors: j.errors,
  created_at: j.createdAt,
  finished_at: j.finishedAt,
});

function waitJson(reason: WaitReason): z.infer<ReturnType<typeof waitSchema>> {
  switch (reason.why) {
    case "storage":
      return { why: reason.why, fault: reason.fault.kind, since: reason.fault.since };
    case "paused":
      return { why: reason.why, ...reason.pause };
    case "key":
      return { why: reason.why, key: reason.key, job_id: reason.jobId };
    case "suspect":
      return { why: reason.why, job_id: reason.jobId };
    default:
      return reason;
  }
}

export const queueSchema = once(() =>
  z.object({
    queue: z.enum(queueNames),
    slots: z.number().int().describe("Jobs that may execute at the same time"),
    slots_per_project: z.number().int().nullable()
      .describe("Of those the jobs of one project; null: as many as there are slots"),
    paused: z.object({ by: z.string(), at: time() }).nullable(),
    counts: z.object(
      Object.fromEntries(jobStatuses.map((status) => [status, z.number().int()])) as Record<
        JobStatus,
        z.ZodNumber
      >,
    ),
  }).meta({ id: "Queue" })
);

export const queuesSchema = once(() =>
  z.object({
    items: z.array(queueSchema()),
    next: z.null(),
    max_jobs: z.number().int().nullable()
      .describe("Jobs of all queues that may execute at the same time; null: as many as the slots"),
    held: z.object({ fault: z.string(), since: time() }).nullable()
      .describe("Why no queue begins anything: nothing can be saved"),
  })
);

export const queueJson = (
  { queue, paused, counts }: QueueState,
  { queues, perProject }: QueueLimits,
): z.infer<ReturnType<typeof queueSchema>> => ({
  queue,
  slots: queues[queue],
  slots_per_project: perProject?.[queue] ?? null,
  paused,
  counts,
});

export const scheduleSchema = once(() =>
  z.object({
    name: z.string(),
    cron: z.string(),
    time_zone: z.string(),
    kind: z.string().describe("Of the jobs that it asks for"),
    args: z.record(z.string(), z.unknown()),
    priority: z.number().int(),
    project_id: z.string().nullable(),
    catch_up: z.enum(["once", "all", "skip"])
      .describe("What becomes of times that passed while Gaffer did not run"),
    next_at: time().nullable(),
    last_at: time().nullable(),
  }).meta({ id: "Schedule" })
);

export const scheduleJson = (s: Schedule): z.infer<ReturnType<typeof scheduleSchema>> => ({
  name: s.name,
  cron: s.cron,
  time_zone: s.timeZone,
  kind: s.kind,
  args: s.args,
  priority: s.priority,
  project_id: s.projectId,
  catch_up: s.catchUp,
  next_at: s.nextAt,
  last_at: s.lastAt,
});

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
