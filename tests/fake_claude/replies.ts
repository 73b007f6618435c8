/** What a test tells the fake server to answer: blocks, whole answers, refusals, and faults on the way. */
import { cutInput } from "../../agents/demo/limit.ts";
import type { StopDetails, StopReason, WireBlock, WireErrorType } from "../../agents/demo/wire.ts";

/** A block of an answer; ids and signatures are filled in by the server. */
export interface ReplyBlock {
  block: WireBlock;
  /** JSON text that is streamed as the tool's input instead of the right one. */
  rawInput?: string;
}

/** How far a stream gets before its fault: so many events, or the first event of this type. */
export type After = number | "headers" | "message_start" | "content_block_delta" | "message_delta";

/** What goes wrong while an answer streams. */
export type Fault =
  /** The body ends, properly, without `message_stop`. */
  | { type: "eof"; after: After }
  /** The connection breaks. */
  | { type: "reset"; after: After }
  /** An `error` event, then the end. */
  | { type: "error"; after: After; error: WireErrorType; message: string }
  /** Nothing more comes until `until` resolves; without it, until the client gives up. */
  | { type: "hold"; after: After; until?: Promise<unknown> };

export interface MessageReply {
  type: "message";
  content: ReplyBlock[];
  /** Default: "tool_use" when a tool is called, "end_turn" otherwise. */
  stopReason?: StopReason;
  stopDetails?: StopDetails;
  fault?: Fault;
  /** Wait before each event, by the server's `delay`. */
  paceMs?: number;
  /** Of this reply alone: rate limits, for instance. */
  headers?: Record<string, string>;
}

export interface ErrorReply {
  type: "error";
  error: WireErrorType;
  message: string;
  headers: Record<string, string>;
  details?: { error_code: string };
}

export type Reply = MessageReply | ErrorReply;

// ---------------------------------------------------------------- blocks

export const text = (text: string): ReplyBlock => ({
  block: { type: "text", text, citations: null },
});

/** Readable only for a request with `thinking.display: "summarized"`; empty otherwise, at the same price. */
export const thinking = (thinking: string): ReplyBlock => ({
  block: { type: "thinking", thinking, signature: "" },
});

export const redactedThinking = (): ReplyBlock => ({
  block: { type: "redacted_thinking", data: "" },
});

/** A tool call. Without an `id` the server gives it a new one. */
export const toolUse = (
  name: string,
  input: Record<string, unknown> = {},
  id = "",
): ReplyBlock => ({
  block: { type: "tool_use", id, name, input, caller: { type: "direct" } },
});

/** A call whose JSON breaks off after `chars` characters. To be sent with stop reason "max_tokens". */
export function truncatedToolUse(
  name: string,
  input: Record<string, unknown>,
  chars: number,
): ReplyBlock {
  const cut = cutInput(input, chars);
  return { ...toolUse(name, cut.input), rawInput: cut.json };
}

/** A call whose streamed JSON is `json`, however wrong. */
export const brokenToolUse = (name: string, json: string): ReplyBlock => ({
  ...toolUse(name),
  rawInput: json,
});

// ---------------------------------------------------------------- answers

/** An answer of these blocks; a string stands for a text block. */
export function answer(...content: (ReplyBlock | string)[]): MessageReply {
  return {
    type: "message",
    content: content.map((block) => (typeof block === "string" ? text(block) : block)),
  };
}

/** An answer that ends for the given reason. */
export const stopped = (stopReason: StopReason, ...content: (ReplyBlock | string)[]): Reply => ({
  ...answer(...content),
  stopReason,
});

/** The summary that a compaction request asks for; null: it came to nothing. */
export const compaction = (summary: string | null): MessageReply => ({
  type: "message",
  content: [{
    block: { type: "compaction", content: summary, encrypted_content: null, signature: "" },
  }],
  stopReason: "compaction",
});

export const refusal = (category: string, explanation: string | null = null): Reply => ({
  ...answer(),
  stopReason: "refusal",
  stopDetails: { type: "refusal", category, explanation },
});

/** Breaks an answer off; see `Fault`. */
export const broken = (reply: MessageReply, fault: Fault): MessageReply => ({ ...reply, fault });

/** An answer with headers of its own. */
export const withHeaders = (
  reply: MessageReply,
  headers: Record<string, string>,
): MessageReply => ({
  ...reply,
  headers,
});

/** Headers that tell how much of a limit per minute is left. */
export const rateHeaders = (
  bucket: "requests" | "tokens" | "input-tokens" | "output-tokens",
  { limit, remaining, resetAtMs }: { limit: number; remaining: number; resetAtMs: number },
): Record<string, string> => ({
  [`anthropic-ratelimit-${bucket}-limit`]: String(limit),
  [`anthropic-ratelimit-${bucket}-remaining`]: String(remaining),
  [`anthropic-ratelimit-${bucket}-reset`]: new Date(resetAtMs).toISOString(),
});

/** Waits before each event of an answer. */
export const slow = (reply: MessageReply, paceMs: number): MessageReply => ({ ...reply, paceMs });

// ---------------------------------------------------------------- refusals

/** A refusal instead of an answer. */
export function failure(
  error: WireErrorType,
  message: string,
  { headers = {}, details }: Partial<Pick<ErrorReply, "headers" | "details">> = {},
): ErrorReply {
  return { type: "error", error, message, headers, ...(details && { details }) };
}

/** 429; without seconds it has no `retry-after`. */
export const rateLimited = (retryAfterSeconds?: number): ErrorReply =>
  failure("rate_limit_error", "This request would exceed your organization's rate limit", {
    headers: retryAfterSeconds === undefined ? {} : { "retry-after": String(retryAfterSeconds) },
  });

/** 429 that no waiting mends. */
export const spendLimitReached = (): ErrorReply =>
  failure("rate_limit_error", "Your organization has reached its monthly spending limit", {
    details: { error_code: "enforced_spend_limit_reached" },
  });

export const overloaded = (): ErrorReply => failure("overloaded_error", "Overloaded");
export const unauthorized = (): ErrorReply => failure("authentication_error", "invalid API key");
export const serverError = (): ErrorReply => failure("api_error", "Internal server error");
