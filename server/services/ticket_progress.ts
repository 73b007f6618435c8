/** How far a ticket is, how long such tickets take here, and in the end what it came to. */
import type { App } from "../app.ts";
import type { CommandName, MemoryChange, Run, RunPurpose, Subtask, Ticket } from "../records.ts";
import type { TicketStep, TicketType } from "../states.ts";
import { listChecks } from "../store/checks.ts";
import { listRunMemoryChanges } from "../store/memory.ts";
import { findStart } from "../store/run_log.ts";
import { findActiveRun, listTicketRuns, workedMs } from "../store/runs.ts";
import { listSubtasks } from "../store/subtasks.ts";
import { listFinishedTickets } from "../store/ticket_history.ts";
import { totalTokensOf } from "../../agents/loop/cost.ts";

/** What is expected of a ticket by those before it. Times in milliseconds. */
export interface Expected {
  /** From its start to when it is ready for a person's review: the median. */
  ms: number;
  /** The median. */
  costMicroUsd: number;
  /** So many tickets are behind it. */
  of: number;
  /** They are of its type; null: there was none of that yet, so they are of any. */
  type: TicketType | null;
}

export interface TicketProgress {
  step: TicketStep | null;
  /** The subtask that is worked on; null: none is. */
  subtask: Pick<Subtask, "id" | "position" | "title"> | null;
  subtasks: { done: number; total: number };
  /** Its active run with what it has used of its limits; null: there is none. */
  run: RunProgress | null;
  /** Since it started, until it was done; null: it has not. In milliseconds. */
  elapsedMs: number | null;
  /** Null: there is no history yet. */
  expected: Expected | null;
}

export interface RunProgress {
  id: string;
  agent: string;
  purpose: RunPurpose;
  turns: number;
  maxTurns: number;
  tokens: number;
  /** Null: not known before it has begun. */
  maxTokens: number | null;
  costMicroUsd: number;
  maxCostMicroUsd: number;
}

/** How far it is, right now. */
export function progressOf(app: App, ticket: Ticket): TicketProgress {
  const subtasks = listSubtasks(app.db, ticket.id);
  const run = findActiveRun(app.db, ticket.id);
  const at = subtasks.find(({ status }) => status === "in_progress");
  return {
    step: ticket.step,
    subtask: at ? { id: at.id, position: at.position, title: at.title } : null,
    subtasks: {
      done: subtasks.filter(({ status }) => status === "done" || status === "skipped").length,
      total: subtasks.length,
    },
    run: run && runProgress(app, run),
    elapsedMs: elapsedOf(app, ticket),
    expected: expectedOf(app, ticket),
  };
}

function runProgress({ db }: App, run: Run): RunProgress {
  const { id, agent, purpose, turns, maxTurns, costMicroUsd, maxCostMicroUsd } = run;
  const maxTokens = findStart(db, id)?.spec.limits.maxTokens ?? null;
  const tokens = totalTokensOf(run.usage);
  return { id, agent, purpose, turns, maxTurns, tokens, maxTokens, costMicroUsd, maxCostMicroUsd };
}

function elapsedOf({ clock }: App, { startedAt, doneAt }: Ticket): number | null {
  if (startedAt === null) return null;
  return Math.max(
    0,
    (doneAt === null ? clock.nowMs() : Date.parse(doneAt)) - Date.parse(startedAt),
  );
}

/** Tickets that an expectation looks back on. */
const LOOK_BACK = 20;

/** By the newest tickets of its project and type, or of any type where there is none of that; null: by nothing. */
export function expectedOf(app: App, ticket: Ticket): Expected | null {
  const demo = listTicketRuns(app.db, ticket.id).at(-1)?.demo ??
    app.agents.status().model.kind === "demo";
  for (const type of [ticket.type, null]) {
    const { projectId } = ticket;
    const done = listFinishedTickets(app.db, { projectId, type, demo }, LOOK_BACK);
    if (done.length === 0) continue;
    return {
      ms: median(done.map(({ ms }) => ms)),
      costMicroUsd: median(done.map(({ costMicroUsd }) => costMicroUsd)),
      of: done.length,
      type,
    };
  }
  return null;
}

/** The lower one of the two in the middle. */
function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

// ------------------------------------------------------------------ in the end

/** One kind of work that was done for a ticket. */
export interface StepSum {
  /** What agents were for, or the command that ran; `baseline`: a command on the untouched base. */
  step: RunPurpose | CommandName | "baseline";
  times: number;
  /** Time at work, not that of waiting. */
  ms: number;
  tokens: number;
  costMicroUsd: number;
}

export interface TicketSummary {
  /** The reviewer's words; empty: there was no review yet. */
  text: string;
  subtasks: Subtask[];
  /** In the order in which each first happened; none that never did. */
  steps: StepSum[];
  /** Of all steps. */
  workedMs: number;
  /** Since its start; null: it has not started. */
  elapsedMs: number | null;
  costMicroUsd: number;
  /** Notes that its agents wrote into their memories, oldest first. */
  learned: MemoryChange[];
}

/** Changes of memories that a summary names. */
export const LEARNED_MAX = 50;

/** What was done, what each step took and cost, and what the agents keep of it. */
export function summaryOf(app: App, ticket: Ticket): TicketSummary {
  const { db } = app;
  const runs = listTicketRuns(db, ticket.id);
  const parts = [
    ...runs.map((run) => ({
      at: run.createdAt,
      step: run.purpose,
      ms: workedMs(db, run.id),
      tokens: totalTokensOf(run.usage),
      costMicroUsd: run.costMicroUsd,
    })),
    ...listChecks(db, ticket.id).filter(({ status }) => status !== "skipped").map((check) => ({
      at: check.createdAt,
      step: check.baseline && check.name !== "setup" ? "baseline" as const : check.name,
      ms: check.durationMs,
      tokens: 0,
      costMicroUsd: 0,
    })),
  ].toSorted((a, b) => a.at < b.at ? -1 : a.at > b.at ? 1 : 0);
  const steps = new Map<StepSum["step"], StepSum>();
  for (const { step, ms, tokens, costMicroUsd } of parts) {
    const sum = steps.get(step) ?? { step, times: 0, ms: 0, tokens: 0, costMicroUsd: 0 };
    sum.times++;
    sum.ms += ms;
    sum.tokens += tokens;
    sum.costMicroUsd += costMicroUsd;
    steps.set(step, sum);
  }
  return {
    text: ticket.reviewSummary,
    subtasks: listSubtasks(db, ticket.id),
    steps: [...steps.values()],
    workedMs: parts.reduce((sum, { ms }) => sum + ms, 0),
    elapsedMs: elapsedOf(app, ticket),
    costMicroUsd: ticket.costMicroUsd,
    learned: runs.flatMap((run) => listRunMemoryChanges(db, run.id)).slice(0, LEARNED_MAX),
  };
}
