/**
 * Counting tokens, deterministically: four characters are one token. The true tokenizer is not public; what
 * matters here is that the count of a prompt is the sum over its segments, so that cache counters add up.
 */
import {
  blocksOf,
  type CacheControl,
  type MessagesRequest,
  type WireBlock,
  type WireUsage,
  withoutMarkers,
} from "./wire.ts";

const CHARS_PER_TOKEN = 4;
/** What role, type and delimiters of a block cost. */
const BLOCK_OVERHEAD_TOKENS = 3;
const IMAGE_TOKENS = 1_500;

/** The prompt in the order in which it is cached: `tools` → `system` → `messages`, a block at a time. */
export interface Segment {
  part: "tools" | "system" | "messages";
  /** Its content without cache markers: equal text means an equal segment. */
  text: string;
  tokens: number;
  /** A cache breakpoint ends here. */
  marker: CacheControl | null;
}

export function countText(text: string): number {
  return Math.ceil(text.length / CHARS_PER_TOKEN);
}

/** Splits a request's prompt into segments. A top-level `cache_control` marks the last one. */
export function promptSegments(request: MessagesRequest): Segment[] {
  const segments = [
    ...(request.tools ?? []).map((tool) => segment("tools", "", { ...tool, type: "tool" })),
    ...blocksOf(request.system ?? []).map((block) => segment("system", "", block)),
    ...request.messages.flatMap((message) =>
      blocksOf(message.content).map((block) => segment("messages", message.role, block))
    ),
  ];
  const last = segments.at(-1);
  if (last && request.cache_control) last.marker ??= request.cache_control;
  return segments;
}

/** Tokens of the whole prompt. */
export function countPrompt(request: MessagesRequest): number {
  return promptSegments(request).reduce((sum, segment) => sum + segment.tokens, 0);
}

/** Tokens of one block that the model wrote. */
export function countBlock(block: WireBlock): number {
  return BLOCK_OVERHEAD_TOKENS + countText(plainText(block));
}

/** Usage of an answer to a prompt of which nothing was cached. */
export function uncachedUsage(inputTokens: number, outputTokens: number): WireUsage {
  return {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens_details: { thinking_tokens: 0 },
    server_tool_use: null,
    service_tier: "standard",
    speed: "standard",
    inference_geo: null,
  };
}

function segment(part: Segment["part"], role: string, block: WireBlock): Segment {
  return {
    part,
    text: role + JSON.stringify(withoutMarkers(block)),
    tokens: block.type === "image" ? IMAGE_TOKENS : countBlock(block),
    marker: (block.cache_control as CacheControl | undefined) ?? null,
  };
}

function plainText(block: WireBlock): string {
  switch (block.type) {
    case "text":
      return String(block.text);
    case "thinking":
      return String(block.thinking);
    case "tool_use":
    case "server_tool_use":
      return String(block.name) + JSON.stringify(block.input);
    default:
      return JSON.stringify(withoutMarkers(block));
  }
}
