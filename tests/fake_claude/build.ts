/** From a scripted reply to the message that goes out, with its ids, signatures and usage. */
import type { Answer } from "../../agents/demo/events.ts";
import { cutToLimit } from "../../agents/demo/limit.ts";
import { countBlock } from "../../agents/demo/tokens.ts";
import type { MessagesRequest, WireBlock, WireUsage } from "../../agents/demo/wire.ts";
import type { CacheUse } from "./cache.ts";
import type { MessageReply } from "./replies.ts";
import { carryOut, withServerTools, written } from "./server_tools.ts";
import type { Signatures } from "./signatures.ts";

export interface BuildContext {
  request: MessagesRequest;
  input: CacheUse["usage"];
  messageId: string;
  /** A new id for a tool call. */
  nextCallId: () => string;
  signatures: Signatures;
}

/** Builds the answer and cuts it at `max_tokens`, as a model does. */
export function buildAnswer(reply: MessageReply, context: BuildContext): Answer {
  const { request } = context;
  const readable = request.thinking?.display === "summarized";
  const blocks = carryOut(
    reply.content.map(({ block }) =>
      block.type === "tool_use" ? { ...block, id: block.id || context.nextCallId() } : block
    ),
    request,
    context.nextCallId,
  );
  const shown = blocks.map((block) =>
    block.type === "thinking" && !readable ? { ...block, thinking: "" } : block
  );
  const rawInput = new Map(
    reply.content.flatMap(({ rawInput }, i) => rawInput === undefined ? [] : [[i, rawInput]]),
  );
  const calls = shown.some((block) => block.type === "tool_use");
  const usage = usageOf(written(blocks), context.input);
  return cutToLimit({
    startUsage: request.compaction ? summaryUsage(usage) : usage,
    message: {
      id: context.messageId,
      type: "message",
      role: "assistant",
      model: request.model,
      content: context.signatures.sign(request, shown),
      stop_reason: reply.stopReason ?? (calls ? "tool_use" : "end_turn"),
      stop_sequence: null,
      stop_details: reply.stopDetails ?? null,
      container: null,
      diagnostics: null,
      usage: request.compaction ? summaryUsage(usage) : withServerTools(usage, blocks),
    },
    rawInput,
  }, request.max_tokens!);
}

/** What a summary took is told apart: the counters of the answer itself stay empty. */
function summaryUsage(usage: WireUsage): WireUsage {
  const nothing = { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 };
  const { input_tokens, output_tokens, cache_creation_input_tokens, cache_read_input_tokens } =
    usage;
  return {
    ...usage,
    input_tokens: 0,
    output_tokens: 0,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: 0,
    cache_creation: nothing,
    iterations: [{
      type: "compaction",
      input_tokens,
      output_tokens,
      cache_creation_input_tokens,
      cache_read_input_tokens,
      cache_creation: usage.cache_creation,
    }],
  };
}

/** Thinking is paid for whether or not it is shown. */
function usageOf(written: WireBlock[], input: CacheUse["usage"]): WireUsage {
  const tokens = (blocks: WireBlock[]) => blocks.reduce((sum, block) => sum + countBlock(block), 0);
  const thought = written.filter((block) => block.type.endsWith("thinking"));
  return {
    ...input,
    output_tokens: tokens(written),
    output_tokens_details: { thinking_tokens: tokens(thought) },
    server_tool_use: null,
    service_tier: "standard",
    speed: "standard",
    inference_geo: null,
  };
}
