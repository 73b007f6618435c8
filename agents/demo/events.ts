/** An answer as the stream of events that section 6 of CLAUDE-API.md describes. */
import type { Message, WireBlock, WireUsage } from "./wire.ts";

export interface WireEvent {
  type: string;
  [key: string]: unknown;
}

/** What goes out: the message, and for tool calls that were cut the exact JSON text that was written. */
export interface Answer {
  message: Message;
  /** By index of the block; a tool call without an entry sends its whole input. */
  rawInput?: ReadonlyMap<number, string>;
  /** What was counted when the answer began; absent: the same as in the end, but for what was written. */
  startUsage?: WireUsage;
}

/** Characters per delta. */
export interface ChunkSizes {
  textChars: number;
  jsonChars: number;
}

export const defaultChunks: ChunkSizes = { textChars: 24, jsonChars: 48 };

/** What a client sees of `output_tokens` before the answer is complete. */
const OUTPUT_TOKENS_AT_START = 1;

/** Every event of the answer, in order. Folding them gives the same Message as the plain reply. */
export function messageEvents(answer: Answer, chunks: ChunkSizes = defaultChunks): WireEvent[] {
  const { message } = answer;
  return [
    { type: "message_start", message: startOf(message, answer.startUsage ?? message.usage) },
    { type: "ping" },
    ...message.content.flatMap((block, index) =>
      blockEvents(block, index, answer.rawInput?.get(index), chunks)
    ),
    {
      type: "message_delta",
      delta: {
        stop_reason: message.stop_reason,
        stop_sequence: message.stop_sequence,
        stop_details: message.stop_details,
        container: message.container,
      },
      usage: finalUsage(message.usage),
    },
    { type: "message_stop" },
  ];
}

/** One event in the text form of server-sent events. */
export function encodeEvent(event: WireEvent): string {
  return `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function startOf(message: Message, usage: WireUsage): Message {
  const output_tokens = Math.min(OUTPUT_TOKENS_AT_START, usage.output_tokens);
  return {
    ...message,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    stop_details: null,
    usage: {
      ...usage,
      output_tokens,
      output_tokens_details: { thinking_tokens: 0 },
    },
  };
}

/** Cumulative counters; the split of cache writes was in `message_start` and is not repeated. */
function finalUsage(usage: WireUsage) {
  return {
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cache_creation_input_tokens: usage.cache_creation_input_tokens,
    cache_read_input_tokens: usage.cache_read_input_tokens,
    output_tokens_details: usage.output_tokens_details,
    server_tool_use: usage.server_tool_use,
    ...(usage.iterations && { iterations: usage.iterations }),
  };
}

function blockEvents(
  block: WireBlock,
  index: number,
  rawInput: string | undefined,
  chunks: ChunkSizes,
): WireEvent[] {
  const delta = (delta: WireEvent): WireEvent => ({ type: "content_block_delta", index, delta });
  const start = (content_block: WireBlock): WireEvent => ({
    type: "content_block_start",
    index,
    content_block,
  });
  const stop: WireEvent = { type: "content_block_stop", index };
  switch (block.type) {
    case "text": {
      const citations = Array.isArray(block.citations) ? block.citations : [];
      return [
        start({ ...block, text: "", ...citations.length > 0 && { citations: [] } }),
        ...pieces(String(block.text), chunks.textChars)
          .map((text) => delta({ type: "text_delta", text })),
        ...citations.map((citation) => delta({ type: "citations_delta", citation })),
        stop,
      ];
    }
    case "thinking":
      return [
        start({ ...block, thinking: "", signature: "" }),
        ...pieces(String(block.thinking), chunks.textChars)
          .map((thinking) => delta({ type: "thinking_delta", thinking })),
        delta({ type: "signature_delta", signature: block.signature }),
        stop,
      ];
    case "tool_use":
    case "server_tool_use":
      return [
        start({ ...block, input: {} }),
        // The first fragment is empty, as the API's often is.
        ...["", ...pieces(rawInput ?? jsonInput(block), chunks.jsonChars)]
          .map((partial_json) => delta({ type: "input_json_delta", partial_json })),
        stop,
      ];
    case "compaction": {
      const { content, encrypted_content } = block;
      return [
        start({ ...block, content: null, encrypted_content: null }),
        delta({ type: "compaction_delta", content, encrypted_content }),
        stop,
      ];
    }
    default:
      return [start(block), stop];
  }
}

/** Empty input is sent as no JSON at all: the client reads that as `{}`. */
function jsonInput(block: WireBlock): string {
  const json = JSON.stringify(block.input);
  return json === "{}" ? "" : json;
}

/** Cuts text into pieces of `size` characters, never inside one. */
function pieces(text: string, size: number): string[] {
  const characters = Array.from(text);
  const result: string[] = [];
  for (let at = 0; at < characters.length; at += size) {
    result.push(characters.slice(at, at + size).join(""));
  }
  return result;
}
