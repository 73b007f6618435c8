/** A loop on its own: a scripted model, a log in memory, and a clock that only moves when the loop waits. */
import { runLoop } from "../agents/loop/loop.ts";
import {
  type ContentBlock,
  noUsage,
  type Permissions,
  type RunEventBody,
  type RunOutcome,
  type RunSpec,
  type ToolCall,
  type ToolResult,
  type Usage,
} from "../agents/protocol.ts";
import { McpServers } from "../agents/mcp/servers.ts";
import { resolveModel } from "../agents/models.ts";
import type { ResultName } from "../agents/results.ts";
import {
  type Message,
  type Model,
  type TurnAnswer,
  TurnError,
  type TurnRequest,
} from "../agents/loop/turn.ts";
import type { RunContext } from "../agents/runtime.ts";
import type { FailureReason } from "../server/states.ts";

export function runSpec(changes: Partial<RunSpec> = {}): RunSpec {
  return {
    runId: "run_1",
    agent: "feature-dev",
    model: resolveModel("sonnet", null),
    system: "You are the feature-dev agent of Gaffer.\nWork with care.",
    tools: [
      tool("Read", true),
      tool("Edit", false),
      tool("submit_result", false),
    ],
    prompt: '<task purpose="develop">Add a greeting</task>',
    limits: {
      maxTurns: 40,
      maxTokens: 50_000_000,
      maxCostMicroUsd: 100_000_000,
      timeoutMs: 600_000,
    },
    ...changes,
  };
}

/** Everything, and nobody is asked. */
export const permissionsFor = (result: ResultName): Permissions => ({
  paths: { allow: [], block: [] },
  commands: [],
  hosts: [],
  requireApproval: [],
  memory: "none",
  result,
});

/** What a host prepares for a run of its own; its place is none that there is. */
export function runContext(changes: Partial<RunContext> = {}): Omit<RunContext, "log"> {
  return {
    spec: runSpec(),
    workedMs: 0,
    place: { dir: "/nowhere", access: "read", gitDir: null },
    permissions: permissionsFor("developer"),
    servers: McpServers.none,
    commands: [],
    unconfinedAllowed: false,
    outputDir: "/nowhere/outputs",
    ...changes,
  };
}

const tool = (name: string, readOnly: boolean) => ({
  name,
  description: `The tool ${name}`,
  inputSchema: { type: "object", properties: {} },
  readOnly,
});

export const usage = (inputTokens: number, outputTokens: number): Usage => ({
  ...noUsage,
  inputTokens,
  outputTokens,
});

// ---------------------------------------------------------------- what the model answers

export const text = (text: string): ContentBlock => ({ type: "text", text });
export const call = (
  id: string,
  name: string,
  input: Record<string, unknown> = {},
): ContentBlock => ({ type: "tool_use", id, name, input });

/** Ends with "tool_use" when it calls a tool, with "end_turn" otherwise. */
export function answer(...content: ContentBlock[]): TurnAnswer {
  const calls = content.some(({ type }) => type === "tool_use");
  return {
    content,
    stopReason: calls ? "tool_use" : "end_turn",
    refusal: null,
    usage: usage(1_000, 100),
    requestId: "req_1",
  };
}

export const stopped = (stopReason: string, ...content: ContentBlock[]): TurnAnswer => ({
  ...answer(...content),
  stopReason,
});

export const submit = (result: Record<string, unknown> = { status: "done" }): TurnAnswer =>
  answer(call("submit", "submit_result", result));

export const broken = (
  reason: FailureReason,
  details: { retryAfterMs?: number; usage?: Usage } = {},
): TurnError =>
  new TurnError(reason, `Cannot get an answer from the model: ${reason}`, {
    retryAfterMs: details.retryAfterMs ?? null,
    usage: details.usage ?? noUsage,
  });

// ---------------------------------------------------------------- the run

export type Scripted = TurnAnswer | TurnError | ((request: TurnRequest) => TurnAnswer | TurnError);

export interface Played {
  outcome: RunOutcome;
  log: RunEventBody[];
  /** What was sent, as text. */
  requests: string[];
  /** What was sent, as it was at that moment. */
  sent: TurnRequest[];
  /** Waits before a request. */
  waitsMs: number[];
  /** Groups of call ids that the loop asked for. */
  asked: string[][];
}

export interface Play {
  spec?: RunSpec;
  log?: RunEventBody[];
  script: Scripted[];
  /** In place of the script. */
  model?: Model;
  /** The result of a call; default: its name and id. Null: it waits for a person. */
  tools?: (call: ToolCall) => Partial<ToolResult> | null;
  /** How long each request takes. */
  requestMs?: number;
  elapsedMs?: number;
  random?: number;
  signal?: AbortSignal;
  onAppend?: (event: RunEventBody) => void;
}

/** Plays a run to its end. Throws when the script has nothing left to answer. */
export async function play(options: Play): Promise<Played> {
  const spec = options.spec ?? runSpec();
  const log = structuredClone(options.log ?? []);
  const played: Omit<Played, "outcome"> = { log, requests: [], sent: [], waitsMs: [], asked: [] };
  const script = [...options.script];
  let nowMs = 0;
  const append = (event: RunEventBody) => {
    options.onAppend?.(event);
    log.push(structuredClone(event));
  };
  const outcome = await runLoop({
    spec,
    log: structuredClone(log),
    model: options.model ?? {
      async turn(request, { onDelta }) {
        played.requests.push(JSON.stringify(request));
        played.sent.push(structuredClone(request));
        nowMs += options.requestMs ?? 0;
        const next = script.shift();
        if (!next) throw new Error("the script has no more answers");
        const reply = typeof next === "function" ? next(request) : next;
        onDelta("text", "…");
        if (reply instanceof TurnError) throw reply;
        await Promise.resolve();
        return structuredClone(reply);
      },
    },
    append: (event) => Promise.resolve(append(event)),
    tools: (turn, calls) => {
      played.asked.push(calls.map(({ id }) => id));
      const done = doCalls(turn, calls, log, append, options.tools);
      for (const { durationMs } of done.results) nowMs += durationMs;
      return Promise.resolve(done);
    },
    delta: () => {},
    nowMs: () => nowMs,
    delay: (ms) => {
      played.waitsMs.push(ms);
      nowMs += ms;
      return Promise.resolve();
    },
    random: () => options.random ?? 0.5,
    signal: options.signal ?? new AbortController().signal,
    elapsedMs: options.elapsedMs ?? 0,
  });
  return { ...played, outcome };
}

/** As the server does it: all begin, and whichever ends last is recorded first. */
function doCalls(
  turn: number,
  calls: ToolCall[],
  log: readonly RunEventBody[],
  append: (event: RunEventBody) => void,
  tools: Play["tools"],
): { results: ToolResult[]; suspended: boolean } {
  const begun = new Set(log.flatMap((event) => event.type === "tool_started" ? event.call.id : []));
  for (const call of calls) {
    if (!begun.has(call.id)) append({ type: "tool_started", turn, call });
  }
  const results: ToolResult[] = [];
  for (const call of calls.toReversed()) {
    const given = tools ? tools(call) : {};
    if (given === null) continue;
    const result: ToolResult = {
      callId: call.id,
      content: `${call.name} ${call.id} done`,
      isError: false,
      durationMs: 1,
      ...(call.name === "submit_result" && { final: true as const }),
      ...given,
    };
    append({ type: "tool_finished", turn, result });
    results.push(result);
  }
  return { results, suspended: results.length < calls.length };
}

/** An answer as the log has it. */
export function finished(
  turn: number,
  { content, stopReason }: TurnAnswer,
): RunEventBody {
  return {
    type: "turn_finished",
    turn,
    content,
    stopReason,
    usage: usage(1_000, 100),
    costMicroUsd: 1,
    price: runSpec().model.price,
    requestId: null,
    durationMs: 1,
  };
}

export const failuresOf = (log: RunEventBody[]) =>
  log.filter((event) => event.type === "turn_failed");
export const notesOf = (log: RunEventBody[]): string[] =>
  log.flatMap((event) => event.type === "note" ? event.text : []);

/** First letters of the roles of a request's messages, in order. */
export const roles = (messages: Message[]): string => messages.map(({ role }) => role[0]).join("");

/** Kinds of the events, for a glance at a log. */
export const typesOf = (log: RunEventBody[]): string[] => log.map(({ type }) => type);

/** Repeatable numbers from 0 to below 1. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
