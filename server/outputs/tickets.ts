/** Tickets and what hangs on them, as the API gives them. */
import { z } from "zod";
import { once } from "../once.ts";
import type { Check, Comment, ReviewFinding, Subtask, Ticket } from "../records.ts";
import { commandNames } from "../records.ts";
import {
  checkStatuses,
  complexities,
  subtaskStatuses,
  ticketStatuses,
  ticketSteps,
  ticketTypes,
} from "../states.ts";
import { id, microUsd, time } from "./common.ts";

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
    placed_by: z.string().nullable()
      .describe("Who put it where it stands among those of its priority; null: it stands by age"),
    review_summary: z.string(),
    subtasks: z.array(subtaskSchema()),
    cost_micro_usd: microUsd(),
    created_at: time(),
    updated_at: time(),
    moved_at: time().describe("Since when it is in its state"),
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
  placed_by: t.placedBy,
  review_summary: t.reviewSummary,
  subtasks: subtasks.map(subtaskJson),
  cost_micro_usd: t.costMicroUsd,
  created_at: t.createdAt,
  updated_at: t.updatedAt,
  moved_at: t.movedAt,
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
        before: z.literal(true).optional().describe("It failed so before any agent edited"),
      })),
    }).nullable(),
    tail: z.string(),
    unconfined: z.boolean(),
    rerun_of: z.string().nullable().describe("The failed check that it repeats on the same commit"),
    flaky: z.array(z.object({ file: z.string(), test: z.string() }))
      .describe("Tests that failed there and not here"),
    known_failures: z.boolean().describe(
      "Nothing fails but what failed before any change, and the ticket goes on with that",
    ),
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
  rerun_of: c.rerunOf,
  flaky: c.flaky,
  known_failures: c.knownFailures,
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
    applied_commit: z.string().nullable().describe("What its suggestion became"),
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
  applied_commit: f.appliedCommit,
});

export const commentSchema = once(() =>
  z.object({
    id: id(),
    path: z.string().nullable(),
    line: z.number().int().nullable(),
    side: z.enum(["old", "new"]),
    commit: z.string().nullable().describe("What its line is a line of; null: nobody knows"),
    body: z.string(),
    sent: z.boolean(),
    author: z.string(),
    created_at: time(),
    applied_commit: z.string().nullable().describe("What its suggestion became"),
  }).meta({ id: "Comment" })
);

export const commentJson = (c: Comment): z.infer<ReturnType<typeof commentSchema>> => ({
  id: c.id,
  path: c.path,
  line: c.line,
  side: c.side,
  commit: c.commit,
  body: c.body,
  sent: c.sent,
  author: c.author,
  created_at: c.createdAt,
  applied_commit: c.appliedCommit,
});
