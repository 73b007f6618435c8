/** Rules 1 to 9 of section 3 of CLAUDE-API.md: the order of messages, tool calls and results, the blocks. */
import { blocksOf, type WireBlock, type WireMessage } from "../wire.ts";
import { checkServerBlock, checkServerPairs, serverKinds } from "./server_tools.ts";
import { isObject, type ModelRules, refuse, refuseExtraKeys, requireString } from "./refuse.ts";

type Role = WireMessage["role"];

/** Keys that each kind of block may have. Kinds without an entry come from the server and go back as they are. */
const KEYS: Record<string, readonly string[]> = {
  text: ["type", "text", "citations", "cache_control"],
  image: ["type", "source", "cache_control"],
  document: ["type", "source", "title", "context", "citations", "cache_control"],
  tool_result: ["type", "tool_use_id", "content", "is_error", "cache_control"],
  tool_use: ["type", "id", "name", "input", "caller", "cache_control"],
  thinking: ["type", "thinking", "signature", "cache_control"],
  redacted_thinking: ["type", "data", "cache_control"],
  compaction: [
    "type",
    "content",
    "encrypted_content",
    "signature",
    "tool_changes",
    "cache_control",
  ],
};
const KINDS: Record<Role, readonly string[]> = {
  user: ["text", "image", "document", "tool_result"],
  assistant: [
    "text",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "compaction",
    ...serverKinds,
  ],
  system: ["text"],
};
const RESULT_KINDS = ["text", "image", "document"];

/** Checks the frozen `system` of a request. */
export function checkSystem(system: unknown): void {
  if (system === undefined || typeof system === "string") return;
  if (!Array.isArray(system)) refuse("system", "Input should be a valid string or list");
  system.forEach((block, i) => checkBlock(block, "system", `system.${i}`));
}

export interface HistoryOptions {
  /** Knows the contents that were answered with `pause_turn`. */
  isPaused: (content: WireBlock[]) => boolean;
  /** A `compaction` block may stand first in the conversation, in place of the messages that it sums up. */
  compaction: boolean;
}

/** Checks the whole history. */
export function checkMessages(
  messages: unknown,
  rules: ModelRules,
  { isPaused, compaction }: HistoryOptions,
): void {
  if (messages === undefined) refuse("messages", "Field required");
  if (!Array.isArray(messages)) refuse("messages", "Input should be a valid list");
  if (messages.length === 0) refuse("messages", "at least one message is required");
  messages.forEach((message, n) => checkMessage(message, `messages.${n}`));
  const history = messages as WireMessage[];
  checkCompactionBlocks(history, compaction);
  history.forEach((message, n) =>
    checkOrder(message.role, history[n - 1], {
      n,
      rules,
      isPaused,
      isSummarized: blocksOf(message.content)[0]?.type === "compaction",
    })
  );
  const last = history.at(-1)!;
  if (last.role === "assistant" && !isPaused(blocksOf(last.content))) {
    refuse(
      `messages.${history.length - 1}`,
      "This model does not support assistant message prefill. " +
        "The conversation must end with a user message.",
    );
  }
  checkPairs(history);
  checkServerUses(history, isPaused);
}

/** Neighbouring answers are one turn, that was paused in between. */
function checkServerUses(history: WireMessage[], isPaused: HistoryOptions["isPaused"]): void {
  history.forEach((message, n) => {
    if (message.role !== "assistant" || history[n - 1]?.role === "assistant") return;
    const end = history.findIndex(({ role }, i) => i > n && role !== "assistant");
    const turn = history.slice(n, end < 0 ? undefined : end).flatMap(({ content }) =>
      blocksOf(content)
    );
    checkServerPairs(turn, `messages.${n}`, { open: end < 0 && isPaused(turn) });
  });
}

function checkMessage(message: unknown, position: string): void {
  if (!isObject(message)) refuse(position, "Input should be a valid dictionary");
  refuseExtraKeys(message, ["role", "content"], position);
  const { role, content } = message;
  if (role !== "user" && role !== "assistant" && role !== "system") {
    refuse(`${position}.role`, 'Input should be "user", "assistant" or "system"');
  }
  if (typeof content === "string") {
    if (content.trim() === "") refuse(`${position}.content`, "text must not be empty");
    return;
  }
  if (!Array.isArray(content)) {
    refuse(
      `${position}.content`,
      content === undefined ? "Field required" : "Input should be a valid list",
    );
  }
  if (content.length === 0) refuse(`${position}.content`, "content must not be empty");
  content.forEach((block, m) => checkBlock(block, role, `${position}.content.${m}`));
}

function checkOrder(
  role: Role,
  before: WireMessage | undefined,
  { n, rules, isPaused, isSummarized }: {
    n: number;
    rules: ModelRules;
    isPaused: (content: WireBlock[]) => boolean;
    isSummarized: boolean;
  },
): void {
  const position = `messages.${n}.role`;
  if (!before) {
    if (role !== "user" && !isSummarized) {
      refuse(position, 'the first message must use the "user" role');
    }
    return;
  }
  if (role === "system") {
    if (!rules.systemMessages) refuse(position, 'role "system" is not supported for this model');
    if (before.role !== "user") {
      refuse(position, 'a "system" message must come directly after a "user" message');
    }
    return;
  }
  if (before.role === "system" && role === "user") {
    refuse(position, 'a "system" message must be last or be followed by an "assistant" message');
  }
  const goesOn = before.role === "assistant" && isPaused(blocksOf(before.content));
  if (role === before.role && !goesOn) {
    refuse(
      position,
      `roles must alternate between "user" and "assistant", but found multiple "${role}" roles in a row`,
    );
  }
}

/** At most one, and it is the first block of the conversation. */
function checkCompactionBlocks(history: WireMessage[], allowed: boolean): void {
  history.forEach((message, n) =>
    blocksOf(message.content).forEach((block, m) => {
      if (block.type !== "compaction") return;
      const position = `messages.${n}.content.${m}`;
      if (!allowed) refuse(position, "`compaction` blocks need the beta `compact-2026-09-04`");
      if (n > 0 || m > 0) {
        refuse(position, "a `compaction` block must be the first block of the conversation");
      }
    })
  );
}

/** Every `tool_use` has one result in the next message, results first, and no result stands alone. */
function checkPairs(history: WireMessage[]): void {
  const seen = new Set<string>();
  history.forEach((message, n) => {
    const blocks = blocksOf(message.content);
    const calls = blocks.filter((block) => block.type === "tool_use");
    calls.forEach((call) => {
      const id = String(call.id);
      if (seen.has(id)) refuse(`messages.${n}.content`, `\`tool_use\` ids must be unique: ${id}`);
      seen.add(id);
    });
    if (message.role === "user") checkResults(blocks, callIds(history[n - 1]), n);
    const next = history[n + 1];
    const answered = next?.role === "user" ? resultIds(next) : [];
    const open = callIds(message).filter((id) => !answered.includes(id));
    if (open.length > 0) {
      refuse(
        `messages.${n}`,
        `\`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
          open.join(", "),
      );
    }
  });
}

function checkResults(blocks: WireBlock[], calls: string[], n: number): void {
  const seen = new Set<string>();
  blocks.forEach((block, m) => {
    if (block.type !== "tool_result") return;
    const position = `messages.${n}.content.${m}`;
    const id = String(block.tool_use_id);
    if (!calls.includes(id)) {
      refuse(
        position,
        `unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${id}. Each \`tool_result\` ` +
          "block must have a corresponding `tool_use` block in the previous message",
      );
    }
    if (seen.has(id)) {
      refuse(
        position,
        `each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${id}`,
      );
    }
    seen.add(id);
    if (m > 0 && blocks[m - 1]!.type !== "tool_result") {
      refuse(position, "`tool_result` blocks must come first in the message");
    }
  });
}

const callIds = (message: WireMessage | undefined): string[] =>
  message?.role === "assistant"
    ? blocksOf(message.content).filter((b) => b.type === "tool_use").map((b) => String(b.id))
    : [];

const resultIds = (message: WireMessage): string[] =>
  blocksOf(message.content)
    .filter((block) => block.type === "tool_result")
    .map((block) => String(block.tool_use_id));

function checkBlock(block: unknown, role: Role, position: string): void {
  if (!isObject(block)) refuse(position, "Input should be a valid dictionary");
  const type = block.type;
  if (typeof type !== "string") refuse(`${position}.type`, "Field required");
  if (!KINDS[role].includes(type)) {
    refuse(position, `blocks of type "${type}" are not permitted in "${role}" content`);
  }
  if (KEYS[type]) refuseExtraKeys(block, KEYS[type], position);
  switch (type) {
    case "text":
      return checkText(block, role, position);
    case "thinking":
      requireString(block.thinking, `${position}.thinking`, { mayBeEmpty: true });
      return requireString(block.signature, `${position}.signature`);
    case "redacted_thinking":
      return requireString(block.data, `${position}.data`);
    case "tool_use":
      requireString(block.id, `${position}.id`);
      requireString(block.name, `${position}.name`);
      if (!isObject(block.input)) refuse(`${position}.input`, "Input should be a valid dictionary");
      return;
    case "tool_result":
      return checkResult(block, position);
    case "server_tool_use":
    case "web_search_tool_result":
    case "web_fetch_tool_result":
      return checkServerBlock(block, position);
    case "image":
    case "document":
      if (!isObject(block.source)) refuse(`${position}.source`, "Field required");
  }
}

function checkText(block: Record<string, unknown>, role: Role, position: string): void {
  requireString(block.text, `${position}.text`);
  if ((block.text as string).trim() === "") {
    refuse(`${position}.text`, "text content blocks must contain non-whitespace text");
  }
  if (role === "user" && Array.isArray(block.citations) && block.citations.length > 0) {
    refuse(`${position}.citations`, "citations are not permitted in user content");
  }
}

function checkResult(block: Record<string, unknown>, position: string): void {
  requireString(block.tool_use_id, `${position}.tool_use_id`);
  if (block.is_error !== undefined && typeof block.is_error !== "boolean") {
    refuse(`${position}.is_error`, "Input should be a valid boolean");
  }
  const { content } = block;
  if (content === undefined || typeof content === "string") return;
  if (!Array.isArray(content)) refuse(`${position}.content`, "Input should be a valid list");
  content.forEach((part, i) => {
    if (!isObject(part) || !RESULT_KINDS.includes(String(part.type))) {
      refuse(`${position}.content.${i}`, "only text, image and document blocks are permitted");
    }
    checkBlock(part, "user", `${position}.content.${i}`);
  });
}
