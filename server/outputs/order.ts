/** In which order tickets start, how far each is and what it came to, as the API gives it. */
import { z } from "zod";
import { once } from "../once.ts";
import { commandNames, type StartRule, type Ticket, type TicketStart } from "../records.ts";
import type { BulkResult } from "../services/ticket_bulk.ts";
import type { TicketProgress, TicketSummary } from "../services/ticket_progress.ts";
import {
  startModes,
  subtaskStatuses,
  ticketStarts,
  ticketStatuses,
  ticketSteps,
  ticketTypes,
} from "../states.ts";
import { id, microUsd, time } from "./common.ts";

const ms = () => z.number().int().describe("Milliseconds");
const count = () => z.number().int();

export const ticketRefSchema = once(() =>
  z.object({
    id: id(),
    number: count(),
    title: z.string(),
    status: z.enum(ticketStatuses),
    priority: count(),
  }).meta({ id: "TicketRef" })
);
type TicketRef = z.infer<ReturnType<typeof ticketRefSchema>>;

export const ticketRefJson = ({ id, number, title, status, priority }: Ticket): TicketRef => ({
  id,
  number,
  title,
  status,
  priority,
});

export const waitSchema = once(() =>
  z.object({
    why: z.string(),
    until: time().nullable().describe("When it may go on; null: nobody knows"),
    more: z.string().describe("What can be done about it"),
  }).meta({ id: "TicketWait" })
);
type Wait = z.infer<ReturnType<typeof waitSchema>>;

export const waitJson = (wait: Wait | null): Wait | null =>
  wait && { why: wait.why, until: wait.until, more: wait.more };

export const queueItemSchema = once(() =>
  z.object({
    ticket: ticketRefSchema(),
    wait: waitSchema().nullable().describe("Why it is not worked on right now; null: it is"),
  }).meta({ id: "QueueItem" })
);

export const ticketOrderSchema = once(() =>
  z.object({
    needs: z.array(ticketRefSchema()).describe("Must be done before it starts"),
    needed_by: z.array(ticketRefSchema()),
    starts: z.enum(ticketStarts).nullable().describe("Null: by the rule of its project"),
    not_before: time().nullable(),
    split_from: ticketRefSchema().nullable(),
    split_into: z.array(ticketRefSchema()),
    wait: waitSchema().nullable().describe("Why it is not worked on right now; null: it is"),
  }).meta({ id: "TicketOrder" })
);

export const ticketOrderJson = (order: {
  needs: Ticket[];
  neededBy: Ticket[];
  start: TicketStart;
  splitFrom: Ticket | null;
  splitInto: Ticket[];
  wait: Wait | null;
}): z.infer<ReturnType<typeof ticketOrderSchema>> => ({
  needs: order.needs.map(ticketRefJson),
  needed_by: order.neededBy.map(ticketRefJson),
  starts: order.start.starts,
  not_before: order.start.notBefore,
  split_from: order.splitFrom && ticketRefJson(order.splitFrom),
  split_into: order.splitInto.map(ticketRefJson),
  wait: waitJson(order.wait),
});

export const startRuleSchema = once(() =>
  z.object({
    starts: z.enum(startModes),
    at_once: count().describe("Tickets in progress at the same time; 0: any number"),
    hours: z.object({
      opens: z.string(),
      open_minutes: count(),
      time_zone: z.string(),
    }).nullable(),
  }).meta({ id: "StartRule" })
);

export const startRuleJson = (rule: StartRule): z.infer<ReturnType<typeof startRuleSchema>> => ({
  starts: rule.starts,
  at_once: rule.atOnce,
  hours: rule.hours && {
    opens: rule.hours.opens,
    open_minutes: rule.hours.openMinutes,
    time_zone: rule.hours.timeZone,
  },
});

export const bulkSchema = once(() =>
  z.object({
    items: z.array(z.object({
      id: id(),
      ticket: ticketRefSchema().nullable().describe("As it is now; null: there is none"),
      refused: z.object({ code: z.string(), detail: z.string() }).nullable()
        .describe("Null: it was done"),
    })),
    done: count(),
    refused: count(),
  }).meta({ id: "BulkResult" })
);

export const bulkJson = (results: BulkResult[]): z.infer<ReturnType<typeof bulkSchema>> => ({
  items: results.map(({ id, ticket, refused }) => ({
    id,
    ticket: ticket && ticketRefJson(ticket),
    refused: refused && { code: refused.code, detail: refused.message },
  })),
  done: results.filter(({ refused }) => refused === null).length,
  refused: results.filter(({ refused }) => refused !== null).length,
});

const runPurposes = ["clarify", "research", "estimate", "prioritize"] as const;
const workPurposes = [
  ...["develop", "fix", "change", "review", "explain", "plan", "deploy"] as const,
];

export const progressSchema = once(() =>
  z.object({
    step: z.enum(ticketSteps).nullable(),
    subtask: z.object({ id: id(), position: count(), title: z.string() }).nullable(),
    subtasks: z.object({ done: count(), total: count() }),
    run: z.object({
      id: id(),
      agent: z.string(),
      purpose: z.enum([...runPurposes, ...workPurposes]),
      turns: count(),
      max_turns: count(),
      tokens: count(),
      max_tokens: count().nullable(),
      cost_micro_usd: microUsd(),
      max_cost_micro_usd: microUsd(),
    }).nullable(),
    elapsed_ms: ms().nullable(),
    expected: z.object({
      ms: ms().describe("From its start to a person's review: the median"),
      cost_micro_usd: microUsd(),
      of: count().describe("Tickets that it is the median of"),
      type: z.enum(ticketTypes).nullable().describe("Of this type; null: of any"),
    }).nullable().describe("Null: there is no history yet"),
  }).meta({ id: "TicketProgress" })
);

export const progressJson = (p: TicketProgress): z.infer<ReturnType<typeof progressSchema>> => ({
  step: p.step,
  subtask: p.subtask,
  subtasks: p.subtasks,
  run: p.run && {
    id: p.run.id,
    agent: p.run.agent,
    purpose: p.run.purpose,
    turns: p.run.turns,
    max_turns: p.run.maxTurns,
    tokens: p.run.tokens,
    max_tokens: p.run.maxTokens,
    cost_micro_usd: p.run.costMicroUsd,
    max_cost_micro_usd: p.run.maxCostMicroUsd,
  },
  elapsed_ms: p.elapsedMs,
  expected: p.expected && {
    ms: p.expected.ms,
    cost_micro_usd: p.expected.costMicroUsd,
    of: p.expected.of,
    type: p.expected.type,
  },
});

export const summarySchema = once(() =>
  z.object({
    text: z.string().describe("The reviewer's words"),
    subtasks: z.array(z.object({
      title: z.string(),
      status: z.enum(subtaskStatuses),
      summary: z.string(),
    })),
    steps: z.array(z.object({
      step: z.enum([...runPurposes, ...workPurposes, ...commandNames, "baseline"]),
      times: count(),
      ms: ms(),
      tokens: count(),
      cost_micro_usd: microUsd(),
    })),
    worked_ms: ms(),
    elapsed_ms: ms().nullable(),
    cost_micro_usd: microUsd(),
    learned: z.array(z.object({
      memory: z.string(),
      path: z.string(),
      diff: z.string(),
      by: z.string(),
      at: time(),
    })),
  }).meta({ id: "TicketSummary" })
);

export const summaryJson = (s: TicketSummary): z.infer<ReturnType<typeof summarySchema>> => ({
  text: s.text,
  subtasks: s.subtasks.map(({ title, status, summary }) => ({ title, status, summary })),
  steps: s.steps.map(({ step, times, ms, tokens, costMicroUsd }) => ({
    step,
    times,
    ms,
    tokens,
    cost_micro_usd: costMicroUsd,
  })),
  worked_ms: s.workedMs,
  elapsed_ms: s.elapsedMs,
  cost_micro_usd: s.costMicroUsd,
  learned: s.learned.map(({ memory, path, diff, by, at }) => ({ memory, path, diff, by, at })),
});
