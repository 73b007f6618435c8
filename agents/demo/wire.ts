/**
 * The Messages API's wire format, shared by the demo model and the tests' fake server: what a request and
 * an answer look like, and what a refusal looks like. Pure values: no files, no network, no environment.
 */

/** A content block; which keys it has depends on its `type` (CLAUDE-API.md, sections 3, 5 and 6). */
export interface WireBlock {
  type: string;
  [key: string]: unknown;
}

export interface CacheControl {
  type: "ephemeral";
  /** "5m" when absent. */
  ttl?: "5m" | "1h";
}

export interface WireMessage {
  role: "user" | "assistant" | "system";
  content: string | WireBlock[];
}

export interface WireTool {
  /** Absent or "custom": a tool of the client; anything else runs on the server. */
  type?: string;
  name: string;
  description?: string;
  input_schema?: Record<string, unknown>;
  [key: string]: unknown;
}

/** A body that `checkRequest` has accepted. */
export interface MessagesRequest {
  model: string;
  messages: WireMessage[];
  /** 0 warms the cache only; absent when tokens are counted. */
  max_tokens?: number;
  system?: string | WireBlock[];
  tools?: WireTool[];
  tool_choice?: { type: "auto" | "any" | "tool" | "none"; disable_parallel_tool_use?: boolean };
  thinking?: { type: string; display?: "summarized" | "omitted"; budget_tokens?: number };
  output_config?: { effort?: string; format?: Record<string, unknown> };
  cache_control?: CacheControl;
  /** Asks for a summary of `messages` instead of an answer. */
  compaction?: { type: "summarize"; instructions?: string | null };
  stream?: boolean;
  [key: string]: unknown;
}

export type StopReason =
  | "end_turn"
  | "max_tokens"
  | "stop_sequence"
  | "tool_use"
  | "pause_turn"
  | "compaction"
  | "refusal"
  | "model_context_window_exceeded";

/** Tokens of one request. The three input counters are disjoint; thinking is inside `output_tokens`. */
export interface WireUsage {
  input_tokens: number;
  output_tokens: number;
  cache_creation_input_tokens: number;
  cache_read_input_tokens: number;
  cache_creation: { ephemeral_5m_input_tokens: number; ephemeral_1h_input_tokens: number };
  output_tokens_details: { thinking_tokens: number };
  server_tool_use: { web_search_requests: number; web_fetch_requests: number } | null;
  service_tier: "standard";
  speed: "standard";
  inference_geo: null;
  /** What a summary took: its tokens are in none of the counters above. */
  iterations?: ({ type: "compaction" } & CountedTokens)[];
}

export type CountedTokens = Pick<
  WireUsage,
  | "input_tokens"
  | "output_tokens"
  | "cache_creation_input_tokens"
  | "cache_read_input_tokens"
  | "cache_creation"
>;

export interface StopDetails {
  type: "refusal";
  category: string | null;
  explanation: string | null;
}

/** An answer as the API sends it. */
export interface Message {
  id: string;
  type: "message";
  role: "assistant";
  model: string;
  content: WireBlock[];
  stop_reason: StopReason | null;
  stop_sequence: string | null;
  stop_details: StopDetails | null;
  container: null;
  diagnostics: null;
  usage: WireUsage;
}

/** The `type` of a refusal. */
export type WireErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "billing_error"
  | "permission_error"
  | "not_found_error"
  | "conflict_error"
  | "request_too_large"
  | "rate_limit_error"
  | "api_error"
  | "timeout_error"
  | "overloaded_error";

export const errorStatus: Record<WireErrorType, number> = {
  invalid_request_error: 400,
  authentication_error: 401,
  billing_error: 402,
  permission_error: 403,
  not_found_error: 404,
  conflict_error: 409,
  request_too_large: 413,
  rate_limit_error: 429,
  api_error: 500,
  timeout_error: 504,
  overloaded_error: 529,
};

/** A refusal that reaches the client as an error body; `message` names the position in the request. */
export class WireError extends Error {
  override name = "WireError";
  constructor(
    readonly type: WireErrorType,
    message: string,
    readonly details?: { error_code: string; [key: string]: unknown },
  ) {
    super(message);
  }

  get status(): number {
    return errorStatus[this.type];
  }
}

/** The body of a refusal, or of an `error` event in the middle of a stream. */
export function errorBody(error: WireError, requestId: string) {
  const { type, message, details } = error;
  return {
    type: "error",
    error: { type, message, ...(details && { details }) },
    request_id: requestId,
  };
}

/** A refusal as a whole response. */
export function errorResponse(
  error: WireError,
  requestId: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json(errorBody(error, requestId), {
    status: error.status,
    headers: { ...headers, "request-id": requestId },
  });
}

/** The blocks of a content that may be given as plain text. */
export function blocksOf(content: string | WireBlock[]): WireBlock[] {
  return typeof content === "string" ? [{ type: "text", text: content }] : content;
}

/** All text of a content, joined by blank lines. */
export function textOf(content: string | WireBlock[] | undefined): string {
  if (content === undefined) return "";
  return blocksOf(content)
    .filter((block) => block.type === "text")
    .map((block) => String(block.text))
    .join("\n\n");
}

/** A block without its cache marker, and without those of the blocks inside: moving one is not a change. */
export function withoutMarkers(block: WireBlock): WireBlock {
  const { cache_control: _, ...rest } = block;
  if (!Array.isArray(rest.content)) return rest as WireBlock;
  return { ...rest, content: rest.content.map(withoutMarkers) } as WireBlock;
}
