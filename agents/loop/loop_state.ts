/** What a loop knows at any moment: all that its next step is decided by. */
import { failureReasons } from "../../server/states.ts";
import type { FailureReason } from "../../server/states.ts";
import {
  noUsage,
  type RunOutcome,
  type RunSpec,
  type ToolCall,
  type ToolResult,
  type Usage,
} from "../protocol.ts";
import type { Message } from "./turn.ts";
import { firstMessage, promptBound } from "./history.ts";

/** Failures that every run would meet: the agents are held until a person acts. */
const holdReasons: ReadonlySet<FailureReason> = new Set([
  "authentication",
  "billing",
  "permission",
  "spend_limit",
]);

/** What the loop does about a failure: tries again, holds all agents, or ends the run. */
export function kindOfFailure(reason: FailureReason): "retry" | "hold" | "failed" {
  if (holdReasons.has(reason)) return "hold";
  return failureReasons[reason].retriable ? "retry" : "failed";
}

/**
 * Whether the time that such a failure took is none that the run has worked, nor is the wait before the next try: the
 * service, or the way there, has failed, and a run waits days for those, however little time it may work.
 */
export const isExcused = (reason: FailureReason): boolean => kindOfFailure(reason) === "retry";

/** A turn whose calls do not all have their result yet. */
export interface OpenTurn {
  turn: number;
  calls: ToolCall[];
  results: Map<string, ToolResult>;
}

/** A request on its way, with the most it may use: if it is cut off, that is what may have been paid. */
export interface SentRequest {
  maxOutputTokens: number;
  worstCostMicroUsd: number;
  worstTokens: number;
  /** Upper bound of its prompt; null: what it reads is not told at once (tools of the web, a summary). */
  promptTokens: number | null;
}

/** All that the next step is decided by. */
export interface LoopState {
  /** Of a fork, with its own limits once its own part of the log begins. */
  spec: RunSpec;
  /** The history as it is sent; it only grows. */
  messages: Message[];
  /** Upper bound of the tokens of `system`, `tools` and `messages`. */
  promptTokens: number;
  /** Tokens that the API itself counted up to the last answer; 0 before the first. */
  countedTokens: number;
  /** Answered turns. */
  turns: number;
  /** Turns when the history was last replaced by its summary; -1: never. */
  compactedAfter: number;
  /** An answer was cut off at the end of the window, earlier than was thought: the history is to be summed up now. */
  windowHit: boolean;
  /** Time worked, as far as the log tells: exact when a request goes out. */
  elapsedMs: number;
  open: OpenTurn | null;
  sent: SentRequest | null;
  /** What was told of all requests, answered or not. */
  usage: Usage;
  costMicroUsd: number;
  /** The most that requests without a known end may have used beyond what was told. */
  doubt: { costMicroUsd: number; tokens: number; requests: number };
  /** Of that, what a person let the run have all the same: see doubt.ts. */
  allowed: { costMicroUsd: number; tokens: number };
  /** A person did not: it is not asked for again. */
  doubtDenied: boolean;
  /** Failed tries of the turn being asked for, since the loop last let go of it. */
  tries: number;
  /** Wait before the next try. */
  retryInMs: number;
  /** The limit that the answer of this turn did not fit in; null: none was too small yet. */
  outputLimitHit: number | null;
  /** The model stopped without handing in: a reminder is due. */
  nudge: "empty" | "unsubmitted" | null;
  /** Reminders since the model last used a tool. */
  nudges: number;
  /** Notes that may not be placed yet: they stand directly after a user turn. */
  pendingNotes: string[];
  limitNoted: boolean;
  stuckNoted: boolean;
  /** Tools that the endpoint turned out not to have, of which the agent is to be told; empty: none, or it was. */
  toolsLost: string[];
  /** The last calls with their results, oldest first. */
  signatures: string[];
  /** The result that was handed in and accepted. */
  result: { value: unknown } | null;
  /** Set when the log says how the run ended. */
  ended: RunOutcome | null;
}

/** A run before anything happened in it. */
export function newState(spec: RunSpec): LoopState {
  const messages = [firstMessage(spec.prompt)];
  return {
    spec,
    messages,
    promptTokens: promptBound(spec.system, spec.tools, messages),
    countedTokens: 0,
    turns: 0,
    compactedAfter: -1,
    windowHit: false,
    elapsedMs: 0,
    open: null,
    sent: null,
    usage: noUsage,
    costMicroUsd: 0,
    doubt: { costMicroUsd: 0, tokens: 0, requests: 0 },
    allowed: { costMicroUsd: 0, tokens: 0 },
    doubtDenied: false,
    tries: 0,
    retryInMs: 0,
    outputLimitHit: null,
    nudge: null,
    nudges: 0,
    pendingNotes: [],
    limitNoted: false,
    stuckNoted: false,
    toolsLost: [],
    signatures: [],
    result: null,
    ended: null,
  };
}
