/** How messages are added to a run's history, by the rules of the Messages API; none is ever changed later. */
import type { ContentBlock, ToolResult, ToolResultBlock, ToolSpec } from "../protocol.ts";
import type { Message, TextBlock } from "./turn.ts";
import { goOnNote, summaryRequest } from "./notes.ts";

/** The part of the loop's state that the history is. */
export interface History {
  spec: { model: { systemMessages: boolean } };
  messages: Message[];
  /** Upper bound of the tokens of all that is sent. */
  promptTokens: number;
}

/** What the service wraps around a message, and around tools; measured overheads are a tenth of it. */
const TOKENS_AROUND_MESSAGE = 50;
const TOKENS_AROUND_TOOLS = 1_000;
/** What the service says to the model of a tool of its own. */
const TOKENS_OF_WEB_TOOL = 3_000;

export const firstMessage = (prompt: string): Message => ({
  role: "user",
  content: [{ type: "text", text: prompt }],
});

/** No tokenizer makes more tokens than there are bytes; closer guesses are wrong for hashes and minified code. */
export function promptBound(system: string, tools: ToolSpec[], messages: Message[]): number {
  const web = tools.filter((tool) => tool.web).length * TOKENS_OF_WEB_TOOL;
  return TOKENS_AROUND_TOOLS + web + bytesOf(system) + bytesOf(JSON.stringify(tools)) +
    messages.reduce((sum, message) => sum + messageBound(message), 0);
}

/** What the model sees of a result. */
export function resultBlock({ callId, content, isError }: ToolResult): ToolResultBlock {
  const block: ToolResultBlock = { type: "tool_result", tool_use_id: callId, content };
  return isError ? { ...block, is_error: true } : block;
}

/** Adds a user turn; the last message must not be one. */
export function pushUser(history: History, content: (ToolResultBlock | TextBlock)[]): void {
  push(history, { role: "user", content });
}

/**
 * Adds an answer as it came, or lengthens the one that was paused. False: there was nothing in it to add.
 * The API sometimes sends empty text blocks and refuses them when they come back.
 */
export function pushAnswer(
  history: History,
  content: readonly ContentBlock[],
  outputTokens: number,
): boolean {
  const kept = content.filter((block) => !(block.type === "text" && block.text === ""));
  if (kept.length === 0) return false;
  const last = history.messages.at(-1)!;
  const message: Message = { role: "assistant", content: kept };
  if (last.role === "assistant") {
    const longer: Message = { role: "assistant", content: [...last.content, ...kept] };
    history.messages = [...history.messages.slice(0, -1), longer];
  } else {
    history.messages = [...history.messages, message];
  }
  history.promptTokens += Math.max(outputTokens, messageBound(message));
  return true;
}

/**
 * Adds an operator's word after a user turn: as a message of its own, since text beside tool results
 * teaches the model to stop early. Several in a row are one message.
 */
export function pushOperatorText(history: History, text: string): void {
  const last = history.messages.at(-1)!;
  const block: TextBlock = { type: "text", text };
  if (last.role === "user" && history.spec.model.systemMessages) {
    return push(history, { role: "system", content: [block] });
  }
  const longer = { ...last, content: [...last.content, block] } as Message;
  history.messages = [...history.messages.slice(0, -1), longer];
  history.promptTokens += operatorTextBound(text);
}

/** The most tokens that an operator's word adds to a request. */
export const operatorTextBound = (text: string): number =>
  messageBound({ role: "system", content: [{ type: "text", text }] });

/** The most that asking for a summary adds to the history. */
export const SUMMARY_REQUEST_TOKENS = 1_000;

/** The history with the wish for a summary at its end, which must be a user turn. Changes nothing. */
export function askForSummary(history: History): Message[] {
  const copy = { ...history };
  pushOperatorText(copy, summaryRequest);
  return copy.messages;
}

/** The same history with the results of the last turn cut so that all of them together have so many characters. */
export function withShorterResults(messages: Message[], maxChars: number): Message[] {
  const at = messages.findLastIndex(({ role }) => role === "user");
  const last = messages[at]!;
  if (last.role !== "user") return messages;
  const results = last.content.filter((block) => block.type === "tool_result");
  const each = Math.floor(maxChars / Math.max(1, results.length));
  const content = last.content.map((block) =>
    block.type !== "tool_result" || block.content.length <= each ? block : {
      ...block,
      content: `${block.content.slice(0, each)}\n[The rest, ${
        block.content.length - each
      } characters, is left out: it does not fit. What of it is needed must be read again, in smaller parts.]`,
    }
  );
  return messages.with(at, { ...last, content });
}

/** What a compaction brought, of what the model answered; null: no summary. */
export function summaryOf(content: readonly ContentBlock[]): ContentBlock[] | null {
  const signed = content.find((block) => block.type === "compaction");
  if (signed) return "content" in signed && signed.content ? [signed] : null;
  const text = content.flatMap((block) => block.type === "text" ? String(block.text).trim() : [])
    .join("\n\n").trim();
  return text === "" ? null : [{ type: "text", text }];
}

/** The history anew, from a summary: the API's own block stands first in it, as it came. The task is said again. */
export function summarized(prompt: string, summary: readonly ContentBlock[]): Message[] {
  const text = (text: string): TextBlock => ({ type: "text", text });
  const [block] = summary;
  if (block!.type === "compaction") {
    return [
      { role: "assistant", content: [block!] },
      { role: "user", content: [text(prompt), text(goOnNote)] },
    ];
  }
  const told = `<summary>\n${(block as TextBlock).text}\n</summary>`;
  return [{ role: "user", content: [text(prompt), text(told), text(goOnNote)] }];
}

/** A new array each time: a request that is on its way keeps the one it was given. */
function push(history: History, message: Message): void {
  history.messages = [...history.messages, message];
  history.promptTokens += messageBound(message);
}

const encoder = new TextEncoder();
const bytesOf = (text: string): number => encoder.encode(text).length;
const messageBound = (message: Message): number =>
  TOKENS_AROUND_MESSAGE + bytesOf(JSON.stringify(message));
