/**
 * What the API gives, as zod values: they give the types, and the OpenAPI description is generated from them. JSON
 * is snake_case; records are camelCase inside. A schema is made when the description is first asked for.
 */
import { z } from "zod";
import { queueNames } from "../queue/job.ts";
import { once } from "./once.ts";
import type {
  Approval,
  Check,
  Comment,
  Finding,
  Idea,
  Job,
  Outlook,
  Plan,
  Project,
  Question,
  ReviewFinding,
  Run,
  RunEvent,
  Subtask,
  Ticket,
} from "./records.ts";
import { commandNames } from "./records.ts";
import {
  approvalStatuses,
  checkStatuses,
  complexities,
  ideaStatuses,
  type JobStatus,
  jobStatuses,
  projectStatuses,
  questionStatuses,
  runStatuses,
  subtaskStatuses,
  ticketStatuses,
  ticketSteps,
  ticketTypes,
} from "./states.ts";

const time = () => z.string().datetime();
const id = () => z.string().max(64);
const microUsd = () => z.number().int().describe("Millionths of a US dollar");

export const projectSchema = once(() =>
  z.object({
    id: id(),
    slug: z.string(),
    name: z.string(),
    path: z.string(),
    base_branch: z.string(),
    status: z.enum(projectStatuses),
    commands: z.array(z.object({
      name: z.enum(commandNames),
      command: z.string(),
      timeout_ms: z.number().int(),
    })),
    commands_allowed: z.boolean(),
    sample: z.boolean(),
    created_at: time(),
    updated_at: time(),
  }).meta({ id: "Project" })
);

export const projectJson = (p: Project): z.infer<ReturnType<typeof projectSchema>> => ({
  id: p.id,
  slug: p.slug,
  name: p.name,
  path: p.path,
  base_branch: p.baseBranch,
  status: p.status,
  commands: p.commands.map((c) => ({
    name: c.name,
    command: c.command,
    timeout_ms: c.timeoutMs,
  })),
  commands_allowed: p.commandsAllowed,
  sample: p.sample,
  created_at: p.createdAt,
  updated_at: p.updatedAt,
});

const findingSchema = once(() =>
  z.object({
    kind: z.enum(["related", "similar", "conflict", "prior_art", "note"]),
    path: z.string().nullable(),
    line: z.number().int().nullable(),
    text: z.string(),
  })
);
const proposedSubtaskSchema = once(() =>
  z.object({
    title: z.string(),
    description: z.string(),
    complexity: z.enum(complexities),
  })
);
export const planSchema = once(() =>
  z.object({
    summary: z.string().nullable(),
    type: z.enum(ticketTypes).nullable(),
    acceptance: z.array(z.string()),
    findings: z.array(findingSchema()),
    subtasks: z.array(proposedSubtaskSchema()),
    complexity: z.enum(complexities).nullable(),
    complexity_reason: z.string().nullable(),
    priority_reason: z.string().nullable(),
  }).meta({ id: "Plan" })
);

const findingJson = (f: Finding) => ({
  kind: f.kind,
  path: f.path ?? null,
  line: f.line ?? null,
  text: f.text,
});
const planJson = (plan: Plan): z.infer<ReturnType<typeof planSchema>> => ({
  summary: plan.summary ?? null,
  type: plan.type ?? null,
  acceptance: plan.acceptance,
  findings: plan.findings.map(findingJson),
  subtasks: plan.subtasks,
  complexity: plan.complexity ?? null,
  complexity_reason: plan.complexityReason ?? null,
  priority_reason: plan.priorityReason ?? null,
});

export const ideaSchema = once(() =>
  z.object({
    id: id(),
    project_id: id(),
    number: z.number().int(),
    title: z.string(),
    description: z.string(),
    status: z.enum(ideaStatuses),
    priority: z.number().int(),
    tags: z.array(z.string()),
    plan: planSchema(),
    round: z.number().int(),
    feedback: z.string(),
    reason: z.string(),
    failure: z.string().nullable(),
    ticket_id: id().nullable(),
    cost_micro_usd: microUsd(),
    created_by: z.string(),
    created_at: time(),
    updated_at: time(),
  }).meta({ id: "Idea" })
);

export const ideaJson = (i: Idea): z.infer<ReturnType<typeof ideaSchema>> => ({
  id: i.id,
  project_id: i.projectId,
  number: i.number,
  title: i.title,
  description: i.description,
  status: i.status,
  priority: i.priority,
  tags: i.tags,
  plan: planJson(i.plan),
  round: i.round,
  feedback: i.feedback,
  reason: i.reason,
  failure: i.failure,
  ticket_id: i.ticketId,
  cost_micro_usd: i.costMicroUsd,
  created_by: i.createdBy,
  created_at: i.createdAt,
  updated_at: i.updatedAt,
});

export const questionSchema = once(() =>
  z.object({
    id: id(),
    idea_id: id(),
    number: z.number().int(),
    text: z.string(),
    why: z.string(),
    options: z.array(z.string()),
    status: z.enum(questionStatuses),
    answer: z.string(),
    asked_by: z.string(),
    created_at: time(),
    decided_at: time().nullable(),
  }).meta({ id: "Question" })
);

export const questionJson = (q: Question): z.infer<ReturnType<typeof questionSchema>> => ({
  id: q.id,
  idea_id: q.ideaId,
  number: q.number,
  text: q.text,
  why: q.why,
  options: q.options,
  status: q.status,
  answer: q.answer,
  asked_by: q.askedBy,
  created_at: q.createdAt,
  decided_at: q.decidedAt,
});

export const subtaskSchema = once(() =>
  z.object({
    id: id(),
    position: z.number().int(),
    title: z.string(),
    description: z.string(),
    complexity: z.enum(complexities),
    status: z.enum(subtaskStatuses),
    summary: z.string(),
  }).meta({ id: "Subtask" })
);

const subtaskJson = (s: Subtask): z.infer<ReturnType<typeof subtaskSchema>> => ({
  id: s.id,
  position: s.position,
  title: s.title,
  description: s.description,
  complexity: s.complexity,
  status: s.status,
  summary: s.summary,
});

export const ticketSchema = once(() =>
  z.object({
    id: id(),
    project_id: id(),
    number: z.number().int(),
    idea_id: id().nullable(),
    type: z.enum(ticketTypes),
    title: z.string(),
    description: z.string(),
    acceptance: z.array(z.string()),
    status: z.enum(ticketStatuses),
    step: z.enum(ticketSteps).nullable(),
    priority: z.number().int(),
    round: z.number().int(),
    reason: z.string(),
    failure: z.string().nullable(),
    branch: z.string().nullable(),
    base_commit: z.string().nullable(),
    head_commit: z.string().nullable(),
    merge_commit: z.string().nullable(),
    merge_wait: z.string(),
    paused_by: z.string().nullable().describe("No further step begins until it is resumed"),
    review_summary: z.string(),
    subtasks: z.array(subtaskSchema()),
    cost_micro_usd: microUsd(),
    created_at: time(),
    updated_at: time(),
    started_at: time().nullable(),
    done_at: time().nullable(),
  }).meta({ id: "Ticket" })
);

export const ticketJson = (
  t: Ticket,
  subtasks: Subtask[],
): z.infer<ReturnType<typeof ticketSchema>> => ({
  id: t.id,
  project_id: t.projectId,
  number: t.number,
  idea_id: t.ideaId,
  type: t.type,
  title: t.title,
  description: t.description,
  acceptance: t.acceptance,
  status: t.status,
  step: t.step,
  priority: t.priority,
  round: t.round,
  reason: t.reason,
  failure: t.failure,
  branch: t.branch,
  base_commit: t.baseCommit,
  head_commit: t.headCommit,
  merge_commit: t.mergeCommit,
  merge_wait: t.mergeWait,
  paused_by: t.pausedBy,
  review_summary: t.reviewSummary,
  subtasks: subtasks.map(subtaskJson),
  cost_micro_usd: t.costMicroUsd,
  created_at: t.createdAt,
  updated_at: t.updatedAt,
  started_at: t.startedAt,
  done_at: t.doneAt,
});

export const checkSchema = once(() =>
  z.object({
    id: id(),
    name: z.enum(commandNames),
    commit: z.string(),
    baseline: z.boolean(),
    command: z.string(),
    status: z.enum(checkStatuses),
    exit_code: z.number().int().nullable(),
    duration_ms: z.number().int(),
    report: z.object({
      format: z.string(),
      passed: z.number().int(),
      failed: z.number().int(),
      skipped: z.number().int(),
      failures: z.array(z.object({
        file: z.string().optional(),
        line: z.number().int().optional(),
        test: z.string().optional(),
        message: z.string(),
      })),
    }).nullable(),
    tail: z.string(),
    unconfined: z.boolean(),
    created_at: time(),
  }).meta({ id: "Check" })
);

export const checkJson = (c: Check): z.infer<ReturnType<typeof checkSchema>> => ({
  id: c.id,
  name: c.name,
  commit: c.commit,
  baseline: c.baseline,
  command: c.command,
  status: c.status,
  exit_code: c.exitCode,
  duration_ms: c.durationMs,
  report: c.report,
  tail: c.tail,
  unconfined: c.unconfined,
  created_at: c.createdAt,
});

export const reviewFindingSchema = once(() =>
  z.object({
    id: id(),
    run_id: id(),
    severity: z.enum(["blocking", "major", "minor", "note"]),
    path: z.string().nullable(),
    line: z.number().int().nullable(),
    message: z.string(),
    suggestion: z.string(),
  }).meta({ id: "ReviewFinding" })
);

export const reviewFindingJson = (
  f: ReviewFinding,
): z.infer<ReturnType<typeof reviewFindingSchema>> => ({
  id: f.id,
  run_id: f.runId,
  severity: f.severity,
  path: f.path,
  line: f.line,
  message: f.message,
  suggestion: f.suggestion,
});

export const commentSchema = once(() =>
  z.object({
    id: id(),
    path: z.string().nullable(),
    line: z.number().int().nullable(),
    side: z.enum(["old", "new"]),
    body: z.string(),
    sent: z.boolean(),
    author: z.string(),
    created_at: time(),
  }).meta({ id: "Comment" })
);

export const commentJson = (c: Comment): z.infer<ReturnType<typeof commentSchema>> => ({
  id: c.id,
  path: c.path,
  line: c.line,
  side: c.side,
  body: c.body,
  sent: c.sent,
  author: c.author,
  created_at: c.createdAt,
});

export const runSchema = once(() =>
  z.object({
    id: id(),
    project_id: id(),
    agent: z.string(),
    purpose: z.string(),
    idea_id: id().nullable(),
    ticket_id: id().nullable(),
    subtask_id: id().nullable(),
    round: z.number().int(),
    status: z.enum(runStatuses),
    model: z.string(),
    demo: z.boolean(),
    wait_reason: z.string(),
    paused_by: z.string().nullable()
      .describe("While it is running, it lets go at its next event; then it waits until resumed"),
    failure: z.string().nullable(),
    error: z.string(),
    result: z.unknown(),
    turns: z.number().int(),
    input_tokens: z.number().int(),
    output_tokens: z.number().int(),
    cache_write_tokens: z.number().int(),
    cache_read_tokens: z.number().int(),
    cost_micro_usd: microUsd(),
    created_at: time(),
    started_at: time().nullable(),
    finished_at: time().nullable(),
    forked_from: z.object({ run_id: id(), turn: z.number().int() }).nullable()
      .describe("The run whose log, up to the end of that turn, this one's begins with"),
  }).meta({ id: "Run" })
);

export const runJson = (r: Run): z.infer<ReturnType<typeof runSchema>> => ({
  id: r.id,
  project_id: r.projectId,
  agent: r.agent,
  purpose: r.purpose,
  idea_id: r.ideaId,
  ticket_id: r.ticketId,
  subtask_id: r.subtaskId,
  round: r.round,
  status: r.status,
  model: r.model,
  demo: r.demo,
  wait_reason: r.waitReason,
  paused_by: r.pausedBy,
  failure: r.failure,
  error: r.error,
  result: r.result,
  turns: r.turns,
  input_tokens: r.usage.inputTokens,
  output_tokens: r.usage.outputTokens,
  cache_write_tokens: r.usage.cacheWrite5mTokens + r.usage.cacheWrite1hTokens,
  cache_read_tokens: r.usage.cacheReadTokens,
  cost_micro_usd: r.costMicroUsd,
  created_at: r.createdAt,
  started_at: r.startedAt,
  finished_at: r.finishedAt,
  forked_from: r.forkedFrom && { run_id: r.forkedFrom.runId, turn: r.forkedFrom.turn },
});

export const runEventSchema = once(() =>
  z.object({
    seq: z.number().int(),
    number: z.number().int(),
    at: time(),
    type: z.string(),
    body: z.record(z.string(), z.unknown()).describe("The fact as it was recorded"),
  }).meta({ id: "RunEvent" })
);

export const runEventJson = (e: RunEvent): z.infer<ReturnType<typeof runEventSchema>> => {
  const { type, ...body } = e.body;
  return { seq: e.seq, number: e.number, at: e.at, type, body };
};

export const outlookSchema = once(() =>
  z.object({
    last_event: runEventSchema().nullable(),
    open_calls: z.array(z.object({
      id: z.string(),
      name: z.string(),
      input: z.record(z.string(), z.unknown()),
    })).describe("Of the last turn, without a result yet"),
    turns_left: z.number().int(),
    tokens_left: z.number().int().nullable(),
    cost_left_micro_usd: microUsd(),
  }).meta({ id: "Outlook" })
);

export const outlookJson = (o: Outlook): z.infer<ReturnType<typeof outlookSchema>> => ({
  last_event: o.lastEvent && runEventJson(o.lastEvent),
  open_calls: o.openCalls,
  turns_left: o.turnsLeft,
  tokens_left: o.tokensLeft,
  cost_left_micro_usd: o.costLeftMicroUsd,
});

export const approvalSchema = once(() =>
  z.object({
    id: id(),
    run_id: id(),
    tool: z.string(),
    detail: z.string().describe("The exact command or path"),
    status: z.enum(approvalStatuses),
    reason: z.string(),
    created_at: time(),
    decided_at: time().nullable(),
    decided_by: z.string().nullable(),
  }).meta({ id: "Approval" })
);

export const approvalJson = (a: Approval): z.infer<ReturnType<typeof approvalSchema>> => ({
  id: a.id,
  run_id: a.runId,
  tool: a.tool,
  detail: a.detail,
  status: a.status,
  reason: a.reason,
  created_at: a.createdAt,
  decided_at: a.decidedAt,
  decided_by: a.decidedBy,
});

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
    errors: z.array(z.object({ attempt: z.number().int(), at: time(), message: z.string() })),
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
