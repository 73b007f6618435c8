/** What the demo model answers to a conversation: the next step of its agent's script, as a message. Pure. */
import type { Answer } from "./events.ts";
import { cutToLimit } from "./limit.ts";
import { play, type Seen, type Step } from "./script.ts";
import { scriptFor } from "./scripts/mod.ts";
import { parseTask } from "./task.ts";
import { countBlock, countPrompt, uncachedUsage } from "./tokens.ts";
import {
  blocksOf,
  type MessagesRequest,
  textOf,
  type WireBlock,
  type WireMessage,
} from "./wire.ts";

/** The answer to an accepted request; `id` becomes part of the message's id. */
export function answerTo(request: MessagesRequest, id: string): Answer {
  const turn = 1 + request.messages.filter((message) => message.role === "assistant").length;
  const content = contentOf(nextStep(request), turn);
  const outputTokens = content.reduce((sum, block) => sum + countBlock(block), 0);
  return cutToLimit({
    message: {
      id: `msg_demo_${id}`,
      type: "message",
      role: "assistant",
      model: request.model,
      content,
      stop_reason: content.some((block) => block.type === "tool_use") ? "tool_use" : "end_turn",
      stop_sequence: null,
      stop_details: null,
      container: null,
      diagnostics: null,
      usage: uncachedUsage(countPrompt(request), outputTokens),
    },
  }, request.max_tokens!);
}

function nextStep(request: MessagesRequest): Step {
  const offered = request.tool_choice?.type === "none"
    ? []
    : (request.tools ?? []).map((tool) => tool.name);
  const script = scriptFor(textOf(request.system), {
    task: parseTask(textOf(request.messages[0]!.content)),
    can: (tool) => offered.includes(tool),
  });
  const step = play(script, resultsOf(request.messages));
  const calls = step.calls.filter((call) => offered.includes(call.name));
  const single = request.tool_choice?.disable_parallel_tool_use === true;
  return { say: step.say, calls: single ? calls.slice(0, 1) : calls };
}

function contentOf({ say, calls }: Step, turn: number): WireBlock[] {
  return [
    ...(say ? [{ type: "text", text: say, citations: null }] : []),
    ...calls.map((call, i) => ({
      type: "tool_use",
      id: `demo_${turn}_${i + 1}`,
      name: call.name,
      input: call.input,
      caller: { type: "direct" },
    })),
  ];
}

/** Every tool result of the conversation, in the order of the calls. */
function resultsOf(messages: WireMessage[]): Seen[] {
  const results = new Map(
    messages.flatMap((message) => blocksOf(message.content))
      .filter((block) => block.type === "tool_result")
      .map((block) => [block.tool_use_id, block]),
  );
  return messages
    .filter((message) => message.role === "assistant")
    .flatMap((message) => blocksOf(message.content))
    .filter((block) => block.type === "tool_use")
    .map(({ id }) => {
      const result = results.get(id)!;
      return {
        content: textOf(result.content as string | undefined),
        isError: result.is_error === true,
      };
    });
}
