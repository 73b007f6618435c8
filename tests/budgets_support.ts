/** Runs of a paid model without brains: their requests, as the loop records them. */
import { resolveModel } from "../agents/models.ts";
import { noUsage, type RunEventBody, type Usage } from "../agents/protocol.ts";
import type { Run } from "../server/records.ts";
import { append } from "../server/services/run_host.ts";
import { beginRun, recordRunEvent, startRun } from "../server/services/runs.ts";
import { insertIdea } from "../server/store/ideas.ts";
import { getRun, getRunHead } from "../server/store/runs.ts";
import { runSpec } from "./loop_support.ts";
import { type TestApp, testApp } from "./support.ts";

/** An App whose runs ask a model that costs money. */
export const paidApp = (now = "2026-11-27T12:00:00.000Z"): TestApp =>
  testApp({
    now,
    config: { endpoint: { baseUrl: "http://127.0.0.1:9", apiKey: "sk-test" } },
  });

export const price = resolveModel("opus", null).price;

/** A run of an agent at work, with nothing but its beginning in its log. */
export function workingRun(app: TestApp, projectId: string, agent = "clarifier"): Run {
  return app.tx((tx) => {
    const idea = insertIdea(tx, {
      projectId,
      title: "Save twice",
      description: "",
      priority: 2,
      tags: [],
    });
    const { id } = startRun(app, tx, { idea, purpose: "clarify", agent });
    beginRun(tx, id);
    const run = getRun(tx.db, id);
    recordRunEvent(tx, run, { type: "started", spec: { ...runSpec(), runId: id } });
    return run;
  });
}

export const request = (turn: number, microUsd: number, tokens = 1_000): RunEventBody => ({
  type: "turn_started",
  turn,
  maxOutputTokens: 100,
  worstCostMicroUsd: microUsd,
  worstTokens: tokens,
});

export const used = (outputTokens: number): Usage => ({ ...noUsage, outputTokens });

export const answered = (turn: number, microUsd: number, tokens = 0): RunEventBody => ({
  type: "turn_finished",
  turn,
  content: [{ type: "text", text: "Hm." }],
  stopReason: "end_turn",
  usage: used(tokens),
  costMicroUsd: microUsd,
  price,
  requestId: null,
  durationMs: 5,
});

type Failed = Extract<RunEventBody, { type: "turn_failed" }>;
export const broken = (turn: number, reason: Failed["reason"], microUsd = 0): RunEventBody => ({
  type: "turn_failed",
  turn,
  reason,
  message: "It broke",
  usage: microUsd > 0 ? used(1) : noUsage,
  costMicroUsd: microUsd,
  retryInMs: 0,
});

/** Puts an event of a run on record, as its loop does. */
export const says = (app: TestApp, run: Pick<Run, "id">, event: RunEventBody): void =>
  app.tx((tx) => append(tx, getRunHead(tx.db, run.id), event));
