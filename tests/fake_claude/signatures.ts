/**
 * Append-only history (CLAUDE-API.md, section 3): a thinking block is bound to the model, the system prompt, the
 * set of tools and everything before it; and what an answer contained comes back exactly as it was sent.
 */
import { createHmac } from "node:crypto";
import {
  blocksOf,
  type MessagesRequest,
  type WireBlock,
  WireError,
  withoutMarkers,
} from "../../agents/demo/wire.ts";
import { canonical, comparable, isEmptyText, type Turn, turnsOf } from "./canonical.ts";

const SECRET = "fake-claude";

type Context = Pick<MessagesRequest, "model" | "system" | "tools" | "messages">;

/** Signs what the fake answers and checks what comes back. */
export class Signatures {
  /** Answered contents by the id, signature or data of each of their blocks. */
  #served = new Map<string, WireBlock[]>();
  /** Contents that were answered with `pause_turn`. */
  #paused = new Set<string>();

  /** Fills in `signature` of thinking and `data` of redacted thinking for an answer to this request. */
  sign(request: Context, content: WireBlock[]): WireBlock[] {
    const turns = turnsOf(request.messages);
    // After `pause_turn` the request ends with the turn that goes on.
    const open = turns.at(-1)?.role === "assistant" ? turns.pop()! : null;
    const before = (open?.blocks ?? []).map(({ block }) => block);
    const prefix = prefixOf(request, turns);
    const signed: WireBlock[] = [];
    for (const block of content) {
      const bind = mac(
        prefix + canonical([...before, ...signed.filter((b) => !isEmptyText(b)).map(comparable)]),
      );
      if (block.type === "thinking") {
        signed.push({ ...block, signature: signature(bind, String(block.thinking)) });
      } else if (block.type === "compaction") {
        // It may begin any conversation of the account: only what it says is signed.
        signed.push({ ...block, signature: signature("compaction", summaryOf(block)) });
      } else if (block.type === "redacted_thinking") {
        signed.push({ ...block, data: signature(bind, "redacted") });
      } else {
        signed.push(block);
      }
    }
    return signed;
  }

  /** Remembers an answer that the client has in full. */
  remember(answered: WireBlock[], { paused }: { paused: boolean }): void {
    const content = answered.filter((block) => !isEmptyText(block)).map(comparable);
    for (const block of content) {
      const id = idOf(block);
      if (id) this.#served.set(id, content);
    }
    if (paused) this.#paused.add(canonical(content));
  }

  /** Whether a content ends with one that was answered with `pause_turn`. */
  isPaused(content: WireBlock[]): boolean {
    return content.some((_, from) =>
      this.#paused.has(canonical(content.slice(from).map(comparable)))
    );
  }

  /** Throws 400 for a thinking block of another conversation and for an answer that was edited. */
  verify(request: Context): void {
    const turns = turnsOf(request.messages);
    turns.forEach((turn, i) => {
      if (turn.role !== "assistant") return;
      for (const { block, position } of turn.blocks) {
        const isSummary = block.type === "compaction" && block.content !== null;
        if (isSummary && block.signature !== signature("compaction", summaryOf(block))) {
          throw invalid(`${position}: the \`content\` differs from what \`signature\` recorded`);
        }
      }
      this.#verifyThinking(request, turns.slice(0, i), turn);
      this.#verifyEcho(turn);
    });
  }

  #verifyThinking(request: Context, before: Turn[], turn: Turn): void {
    let prefix: string | null = null;
    const blocks = turn.blocks.map(({ block }) => block);
    turn.blocks.forEach(({ block, position }, m) => {
      const thinking = block.type === "thinking";
      if (!thinking && block.type !== "redacted_thinking") return;
      const given = String(thinking ? block.signature : block.data);
      const text = thinking ? String(block.thinking) : "redacted";
      const bind = given.split(".")[0]!;
      const field = thinking ? "`signature` in `thinking`" : "`data` in `redacted_thinking`";
      if (given !== signature(bind, text)) throw invalid(`${position}: Invalid ${field} block.`);
      prefix ??= prefixOf(request, before);
      if (bind !== mac(prefix + canonical(blocks.slice(0, m)))) {
        throw invalid(
          `${position}: Invalid ${field} block. The block is bound to a different conversation. ` +
            "The model, system prompt, tools and earlier messages must be the same as when it was created.",
        );
      }
    });
  }

  #verifyEcho(turn: Turn): void {
    turn.blocks.forEach(({ block, position }, m) => {
      const id = idOf(block);
      const served = id ? this.#served.get(id) : undefined;
      if (!served) return;
      const first = m - served.findIndex((one) => idOf(one) === id);
      const echoed = turn.blocks.slice(Math.max(0, first), first + served.length);
      if (first < 0 || canonical(echoed.map((one) => one.block)) !== canonical(served)) {
        throw invalid(
          `${position}: the assistant message differs from the one that was received; ` +
            "send its blocks back unchanged and in order",
        );
      }
    });
  }
}

/** What identifies a block that this server made; text has nothing. */
function idOf(block: WireBlock): string | null {
  if (block.type === "tool_use" || block.type === "server_tool_use") return String(block.id);
  if (block.type.endsWith("_tool_result")) return `result of ${block.tool_use_id}`;
  if (block.type === "thinking") return String(block.signature);
  if (block.type === "redacted_thinking") return String(block.data);
  return null;
}

const summaryOf = (block: WireBlock): string =>
  canonical([block.content, block.encrypted_content, block.tool_changes]);

function prefixOf(request: Context, turns: Turn[]): string {
  const tools = [...(request.tools ?? [])]
    .map((tool) => withoutMarkers(tool as unknown as WireBlock))
    .sort((a, b) => (String(a.name) < String(b.name) ? -1 : 1));
  return canonical([
    request.model,
    blocksOf(request.system ?? []).map(withoutMarkers),
    tools,
    turns.map((turn) => ({ role: turn.role, blocks: turn.blocks.map(({ block }) => block) })),
  ]);
}

const mac = (text: string) => createHmac("sha256", SECRET).update(text).digest("base64url");
const signature = (bind: string, text: string) => `${bind}.${mac(bind + text)}`;
const invalid = (message: string) => new WireError("invalid_request_error", message);
