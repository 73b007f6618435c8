/** Ideas, as the API gives them. */
import { z } from "zod";
import { once } from "../once.ts";
import type { Finding, Idea, Plan } from "../records.ts";
import { complexities, ideaStatuses, ticketTypes } from "../states.ts";
import { id, microUsd, time } from "./common.ts";

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
