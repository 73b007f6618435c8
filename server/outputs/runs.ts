/** Runs, their events and approvals, as the API gives them. */
import { z } from "zod";
import { toolTags } from "../../agents/protocol.ts";
import type { App } from "../app.ts";
import { once } from "../once.ts";
import type { Approval, Outlook, Run, RunEvent } from "../records.ts";
import { approvalStatuses, runStatuses } from "../states.ts";
import { listRunTags } from "../store/run_tags.ts";
import { id, microUsd, time } from "./common.ts";

export const runSchema = once(() =>
  z.object({
    id: id(),
    project_id: id(),
    agent: z.string(),
    purpose: z.string(),
    idea_id: id().nullable(),
    ticket_id: id().nullable(),
    subtask_id: id().nullable(),
    ask_id: id().nullable().describe("What it was asked to do with a document"),
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
    web_searches: z.number().int(),
    cost_micro_usd: microUsd(),
    created_at: time(),
    started_at: time().nullable(),
    finished_at: time().nullable(),
    forked_from: z.object({ run_id: id(), turn: z.number().int() }).nullable()
      .describe("The run whose log, up to the end of that turn, this one's begins with"),
    agent_id: id().nullable().describe("Whose definition it works with, in that version"),
    agent_version: z.number().int().nullable(),
    trial: z.boolean().describe("Nothing follows from it but what it costs"),
    tags: z.array(z.enum(toolTags)).describe(
      "What its calls have brought into it or let out of it",
    ),
  }).meta({ id: "Run" })
);

export const runJson = (
  { db }: Pick<App, "db">,
  r: Run,
): z.infer<ReturnType<typeof runSchema>> => ({
  id: r.id,
  project_id: r.projectId,
  agent: r.agent,
  purpose: r.purpose,
  idea_id: r.ideaId,
  ticket_id: r.ticketId,
  subtask_id: r.subtaskId,
  ask_id: r.askId,
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
  web_searches: r.usage.webSearches ?? 0,
  cost_micro_usd: r.costMicroUsd,
  created_at: r.createdAt,
  started_at: r.startedAt,
  finished_at: r.finishedAt,
  forked_from: r.forkedFrom && { run_id: r.forkedFrom.runId, turn: r.forkedFrom.turn },
  agent_id: r.definition?.agentId ?? null,
  agent_version: r.definition?.version ?? null,
  trial: r.trial,
  tags: listRunTags(db, r.id),
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
    detail: z.string().describe("The exact command, or which file"),
    rule: z.string().describe("What says that a person is asked"),
    diff: z.string().nullable().describe("Of a file, the exact change; null: too large to show"),
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
  rule: a.rule,
  diff: a.diff,
  status: a.status,
  reason: a.reason,
  created_at: a.createdAt,
  decided_at: a.decidedAt,
  decided_by: a.decidedBy,
});
