/** The tools that the fake carries out itself, as far as an answer's script says: their rules, and what they cost. */
import { countBlock } from "../../agents/demo/tokens.ts";
import {
  blocksOf,
  type MessagesRequest,
  type WireBlock,
  type WireUsage,
} from "../../agents/demo/wire.ts";
import type { ReplyBlock } from "./replies.ts";

/** A page that a search finds. */
export interface FoundPage {
  url: string;
  title: string;
}

/** By its name, an error that a search or a fetch ends with. */
export interface WebError {
  error_code: string;
}

const direct = { type: "direct" };

/** A search that begins; without its result the answer must be paused. */
export const searching = (query: string): ReplyBlock => ({
  block: { type: "server_tool_use", id: "", name: "web_search", input: { query }, caller: direct },
});

/** What the search before it has found: of this answer, or of the paused one that it goes on from. */
export const found = (outcome: readonly FoundPage[] | WebError): ReplyBlock => ({
  block: {
    type: "web_search_tool_result",
    tool_use_id: "",
    caller: direct,
    content: "error_code" in outcome
      ? { type: "web_search_tool_result_error", ...outcome }
      : outcome.map(({ url, title }) => ({
        type: "web_search_result",
        url,
        title,
        page_age: null,
        encrypted_content: btoa(`the text of ${encodeURI(url)}`.repeat(20)),
      })),
  },
});

/** A search with what it finds. */
export const webSearch = (
  query: string,
  outcome: readonly FoundPage[] | WebError,
): [ReplyBlock, ReplyBlock] => [searching(query), found(outcome)];

/** A page that is fetched: its text, or why not. */
export const webFetch = (url: string, outcome: string | WebError): [ReplyBlock, ReplyBlock] => [
  { block: { type: "server_tool_use", id: "", name: "web_fetch", input: { url }, caller: direct } },
  {
    block: {
      type: "web_fetch_tool_result",
      tool_use_id: "",
      caller: direct,
      content: typeof outcome === "string"
        ? {
          type: "web_fetch_result",
          url,
          retrieved_at: "2026-11-27T00:00:00Z",
          content: {
            type: "document",
            source: { type: "text", media_type: "text/plain", data: outcome },
            title: null,
            citations: null,
          },
        }
        : { type: "web_fetch_tool_result_error", ...outcome },
    },
  },
];

/** Text that a found page bears out. */
export const cited = (text: string, page: FoundPage, quote: string): ReplyBlock => ({
  block: {
    type: "text",
    text,
    citations: [{
      type: "web_search_result_location",
      url: page.url,
      title: page.title,
      encrypted_index: btoa(page.url),
      cited_text: quote,
    }],
  },
});

const isResult = ({ type }: WireBlock): boolean => /^web_(search|fetch)_tool_result$/.test(type);

/**
 * The script's blocks with the ids of their uses, and with the outcome that the request's tools allow: more uses than
 * `max_uses`, and other domains than the allowed ones, end in an error. Throws for a tool that the request has not.
 */
export function carryOut(
  blocks: readonly WireBlock[],
  request: MessagesRequest,
  nextId: () => string,
): WireBlock[] {
  const uses = new Map<string, number>();
  let open = openUse(request);
  return blocks.map((block) => {
    if (block.type === "server_tool_use") {
      const tool = toolOf(request, block);
      uses.set(tool.name, (uses.get(tool.name) ?? 0) + 1);
      open = { ...block, id: block.id || nextId() };
      return open;
    }
    if (!isResult(block)) return block;
    if (!open) throw new Error(`the script has a ${block.type} without a use before it`);
    const { name, max_uses, allowed_domains } = toolOf(request, open);
    const over = typeof max_uses === "number" && (uses.get(name) ?? 1) > max_uses;
    const domains = allowed_domains as string[] | undefined;
    const settled = over ? failed(block, "max_uses_exceeded") : withinDomains(block, domains);
    return { ...settled, tool_use_id: open.id };
  });
}

/** The use that a paused answer has left without a result. */
function openUse({ messages }: MessagesRequest): WireBlock | null {
  const last = messages.at(-1)!;
  const block = last.role === "assistant" ? blocksOf(last.content).at(-1) : undefined;
  return block?.type === "server_tool_use" ? block : null;
}

function toolOf({ tools = [] }: MessagesRequest, { name }: WireBlock) {
  const tool = tools.find((one) => one.name === name && one.type?.startsWith("web_"));
  if (!tool) throw new Error(`the script uses ${name}, which the request does not have`);
  return tool;
}

const failed = (block: WireBlock, error_code: string): WireBlock => ({
  ...block,
  content: { type: `${block.type}_error`, error_code },
});

function withinDomains(block: WireBlock, domains: readonly string[] | undefined): WireBlock {
  if (!domains) return block;
  const allowed = (url: unknown) => {
    const { hostname } = new URL(String(url));
    return domains.some((domain) => hostname === domain || hostname.endsWith(`.${domain}`));
  };
  const { content } = block as WireBlock & { content: { url?: string } | { url: string }[] };
  if (Array.isArray(content)) {
    return {
      ...block,
      content: content.filter(({ url }) => allowed(url)),
    };
  }
  return content.url === undefined || allowed(content.url)
    ? block
    : failed(block, "url_not_allowed");
}

/**
 * Usage with what the tools took: each result is one more pass of the model, which reads from the cache what was there
 * before, and the result anew. What ended in an error is not charged.
 */
export function withServerTools(usage: WireUsage, content: readonly WireBlock[]): WireUsage {
  const results = content.filter(isResult);
  if (results.length === 0) return usage;
  let inContext = usage.input_tokens + usage.cache_creation_input_tokens +
    usage.cache_read_input_tokens;
  let [read, added] = [usage.cache_read_input_tokens, 0];
  for (const block of content) {
    if (isResult(block)) {
      read += inContext;
      added += countBlock(block);
    }
    inContext += countBlock(block);
  }
  const cached = usage.cache_creation_input_tokens + usage.cache_read_input_tokens > 0;
  const { cache_creation } = usage;
  const count = (type: string) =>
    results.filter((block) => block.type === type && !hasFailed(block)).length;
  return {
    ...usage,
    input_tokens: usage.input_tokens + (cached ? 0 : added),
    cache_read_input_tokens: read,
    cache_creation_input_tokens: usage.cache_creation_input_tokens + (cached ? added : 0),
    cache_creation: {
      ...cache_creation,
      ephemeral_5m_input_tokens: cache_creation.ephemeral_5m_input_tokens + (cached ? added : 0),
    },
    server_tool_use: {
      web_search_requests: count("web_search_tool_result"),
      web_fetch_requests: count("web_fetch_tool_result"),
    },
  };
}

const hasFailed = ({ content }: WireBlock): boolean =>
  String((content as { type?: unknown }).type).endsWith("_error");

/** Tokens that the model itself wrote, of all that an answer holds. */
export const written = (content: readonly WireBlock[]): WireBlock[] =>
  content.filter((block) => !isResult(block));
