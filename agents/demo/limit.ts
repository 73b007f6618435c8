/** What `max_tokens` does to an answer that would be longer. */
import type { Answer } from "./events.ts";
import { countBlock, countText } from "./tokens.ts";
import type { WireBlock } from "./wire.ts";

const CHARS_PER_TOKEN = 4;

/**
 * Cuts the answer at `maxTokens` of output, in the middle of a text or of a tool call's JSON, as a model
 * that runs out of room does. `stop_reason` becomes "max_tokens"; the input of a cut call keeps the keys
 * that were complete. An answer that fits comes back as it is.
 */
export function cutToLimit(answer: Answer, maxTokens: number): Answer {
  const { message } = answer;
  if (message.usage.output_tokens <= maxTokens) return answer;
  const content: WireBlock[] = [];
  const rawInput = new Map<number, string>();
  let left = maxTokens;
  for (const [index, block] of message.content.entries()) {
    // What the service's own tools brought was not written by the model.
    const tokens = block.type.endsWith("_tool_result") ? 0 : countBlock(block);
    if (tokens <= left) {
      const raw = answer.rawInput?.get(index);
      if (raw !== undefined) rawInput.set(index, raw);
      content.push(block);
      left -= tokens;
      continue;
    }
    const overhead = tokens - countText(variableText(block));
    const chars = Math.max(0, left - overhead) * CHARS_PER_TOKEN;
    if (chars > 0 && block.type === "text") {
      content.push({ ...block, text: String(block.text).slice(0, chars) });
    } else if (chars > 0 && block.type === "tool_use") {
      const cut = cutInput(block.input as Record<string, unknown>, chars);
      rawInput.set(content.length, cut.json);
      content.push({ ...block, input: cut.input });
    }
    break;
  }
  return {
    ...answer,
    message: {
      ...message,
      content,
      stop_reason: "max_tokens",
      usage: { ...message.usage, output_tokens: maxTokens },
    },
    rawInput,
  };
}

/** The first `chars` characters of an input's JSON, and the keys whose values are complete in them. */
export function cutInput(
  input: Record<string, unknown>,
  chars: number,
): { json: string; input: Record<string, unknown> } {
  const json = JSON.stringify(input).slice(0, chars);
  const complete: Record<string, unknown> = {};
  let length = 1;
  for (const [key, value] of Object.entries(input)) {
    length += JSON.stringify(key).length + 1 + JSON.stringify(value).length;
    if (length > json.length) break;
    complete[key] = value;
    length += 1;
  }
  return { json, input: complete };
}

/** The part of a block that can be cut. */
function variableText(block: WireBlock): string {
  return block.type === "tool_use" ? JSON.stringify(block.input) : String(block.text ?? "");
}
