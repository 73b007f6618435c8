/** Usage, limits and alerts, as the API gives them. */
import { z } from "zod";
import { once } from "../once.ts";
import type { Alert, LimitState } from "../records.ts";
import { limitPeriods, limitScopes, limitUnits } from "../states.ts";
import { type UsageSum } from "../store/usage.ts";
import { time } from "./common.ts";

const amount = () => z.number().int();

export const limitSchema = once(() =>
  z.object({
    id: z.string(),
    scope: z.enum(limitScopes),
    scope_id: z.string().describe("A project's id or an agent's name; empty for all"),
    period: z.enum(limitPeriods),
    unit: z.enum(limitUnits),
    amount: amount().describe("Whole micro-USD, or tokens of every kind"),
    updated_by: z.string(),
    updated_at: time(),
  }).meta({ id: "Limit" })
);
export const limitsSchema = once(() =>
  z.object({
    items: z.array(limitSchema()),
    next: z.null(),
    max_runs: z.number().int().describe("Runs that work at the same time at most; configuration"),
    max_runs_per_project: z.number().int().nullable(),
  }).meta({ id: "Limits" })
);
export const limitJson = (
  l: Omit<LimitState, "start">,
): z.infer<ReturnType<typeof limitSchema>> => ({
  id: l.id,
  scope: l.scope,
  scope_id: l.scopeId,
  period: l.period,
  unit: l.unit,
  amount: l.amount,
  updated_by: l.updatedBy,
  updated_at: l.updatedAt,
});

export const limitUseSchema = once(() =>
  z.object({
    limit: limitSchema(),
    start: z.string().describe("The window: a day or a month of the configured time zone"),
    spent: amount(),
    doubt: amount().describe(
      "What requests without a known end may have used beyond what was told",
    ),
    reserved: amount().describe("The most that requests on their way can use"),
    left: amount(),
  }).meta({ id: "LimitUse" })
);
export const limitUseJson = (
  state: LimitState,
): z.infer<ReturnType<typeof limitUseSchema>> => ({
  limit: limitJson(state),
  start: state.start,
  spent: state.spent,
  doubt: state.doubt,
  reserved: state.reserved,
  left: Math.max(0, state.amount - state.spent - state.doubt - state.reserved),
});

export const alertSchema = once(() =>
  z.object({
    id: z.string(),
    limit_id: z.string(),
    start: z.string().describe("The window: a day or a month of the configured time zone"),
    threshold: z.number().int().describe("Percent"),
    used: amount(),
    doubt: amount().nullable().describe(
      "Of what was used then: what requests that broke off may have used beyond what was told; " +
        "null: not noted, as in earlier versions",
    ),
    reserved: amount().nullable().describe(
      "Beside what was used then: the most that requests on their way could use; null as before",
    ),
    amount: amount(),
    at: time(),
    seen_at: time().nullable(),
    seen_by: z.string().nullable(),
  }).meta({ id: "Alert" })
);
export const alertJson = (a: Alert): z.infer<ReturnType<typeof alertSchema>> => ({
  id: a.id,
  limit_id: a.limitId,
  start: a.start,
  threshold: a.threshold,
  used: a.used,
  doubt: a.doubt,
  reserved: a.reserved,
  amount: a.amount,
  at: a.at,
  seen_at: a.seenAt,
  seen_by: a.seenBy,
});

const sums = () => ({
  requests: z.number().int(),
  input_tokens: z.number().int(),
  output_tokens: z.number().int(),
  cache_write_5m_tokens: z.number().int(),
  cache_write_1h_tokens: z.number().int(),
  cache_read_tokens: z.number().int(),
  web_searches: z.number().int(),
  cost_micro_usd: z.number().int(),
});
export const usageSchema = once(() =>
  z.object({
    from: z.string(),
    to: z.string(),
    timezone: z.string().describe("Whose days these are"),
    group_by: z.string(),
    total: z.object(sums()),
    items: z.array(z.object({ key: z.string(), name: z.string(), ...sums() })),
    month: z.object({
      spent_micro_usd: z.number().int(),
      forecast_micro_usd: z.number().int().nullable()
        .describe("At its end, at the present pace; null on its first day"),
    }),
    limits: z.array(limitUseSchema()),
  }).meta({ id: "Usage" })
);
export const sumJson = ({ requests, usage, costMicroUsd }: UsageSum) => ({
  requests,
  input_tokens: usage.inputTokens,
  output_tokens: usage.outputTokens,
  cache_write_5m_tokens: usage.cacheWrite5mTokens,
  cache_write_1h_tokens: usage.cacheWrite1hTokens,
  cache_read_tokens: usage.cacheReadTokens,
  web_searches: usage.webSearches ?? 0,
  cost_micro_usd: costMicroUsd,
});
