/** A request as a scripted reply sees it. */
import { blocksOf, type MessagesRequest, textOf } from "../../agents/demo/wire.ts";

/** Result of a tool call that the request brings. */
export interface SeenResult {
  id: string;
  /** Name of the tool that was called. */
  name: string;
  content: string;
  isError: boolean;
}

export interface ClaudeRequest {
  /** From 1, in order of arrival, over all requests to the server. */
  number: number;
  /** The whole conversation, also where the request continued a thread. */
  body: MessagesRequest;
  key: string;
  system: string;
  /** From "You are the NAME agent of Gaffer." in the system prompt. */
  agent: string | null;
  /** Text of the first user turn. */
  prompt: string;
  /** Which answer of the conversation is asked for, from 1. */
  turn: number;
  /** Results in the last user message; empty on the first turn. */
  results: SeenResult[];
  /** Text in the last user message beside results. */
  said: string;
  /** It asks for a summary of the conversation, not for an answer. */
  compacts: boolean;
  /** The summary that the conversation begins with; null: it was never summed up by the server. */
  summary: string | null;
  /** Texts of the `system` messages so far. */
  notes: string[];
}

const AGENT = /^You are the ([a-z-]+) agent of Gaffer\./;

export function describeRequest(
  body: MessagesRequest,
  { number, key }: { number: number; key: string },
): ClaudeRequest {
  const system = textOf(body.system);
  const lastUser = body.messages.findLast((message) => message.role === "user")!;
  const first = blocksOf(body.messages[0]!.content)[0];
  const names = new Map(
    body.messages.flatMap((message) =>
      blocksOf(message.content)
        .filter((block) => block.type === "tool_use")
        .map((block) => [String(block.id), String(block.name)] as const)
    ),
  );
  return {
    number,
    body,
    key,
    system,
    agent: system.match(AGENT)?.[1] ?? null,
    prompt: textOf(body.messages.find((message) => message.role === "user")!.content),
    turn: 1 + body.messages.filter((message) => message.role === "assistant").length,
    results: blocksOf(lastUser.content)
      .filter((block) => block.type === "tool_result")
      .map((block) => ({
        id: String(block.tool_use_id),
        name: names.get(String(block.tool_use_id)) ?? "",
        content: textOf(block.content as string | undefined),
        isError: block.is_error === true,
      })),
    said: textOf(lastUser.content),
    compacts: body.compaction !== undefined && body.compaction !== null,
    summary: first?.type === "compaction" ? String(first.content) : null,
    notes: body.messages.filter((m) => m.role === "system").map((m) => textOf(m.content)),
  };
}
