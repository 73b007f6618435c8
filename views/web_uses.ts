/** What the model's service did on the web within an answer, and what the answer cites of it. */
import type { ContentBlock } from "../agents/protocol.ts";

/** A page as it was found, fetched or cited. */
export interface WebPage {
  title: string;
  /** Http or https; null: its address is none that a page should lead to. */
  href: string | null;
  /** As it was given. */
  url: string;
}

/** A search or a fetched page. */
export interface WebUse {
  id: string;
  kind: "search" | "fetch";
  /** The query, or the address; empty where a part of a log begins behind it. */
  asked: string;
  /** "open": a paused answer has begun it, and the next turn tells what came of it. */
  state: "open" | "done" | "failed";
  /** Of what failed, as the service names it. */
  error: string;
  pages: WebPage[];
}

/** Pages of one search that are shown; a search brings ten. */
const PAGES_MAX = 20;
const CITED_MAX = 100;

/** Uses in an answer, in their order. `begun` has those of earlier answers by id, and learns of these. */
export function webUsesIn(
  content: readonly ContentBlock[],
  begun: Map<string, WebUse>,
): WebUse[] {
  const uses: WebUse[] = [];
  for (const block of content) {
    if (block.type === "server_tool_use") {
      const use = newUse(block as { id?: unknown; name?: unknown; input?: unknown });
      begun.set(use.id, use);
      uses.push(use);
    } else if (/^web_(search|fetch)_tool_result$/.test(block.type)) {
      const { tool_use_id: id, content } = block as { tool_use_id?: unknown; content?: unknown };
      const kind = block.type === "web_fetch_tool_result" ? "fetch" : "search";
      const here = uses.find((use) => use.id === id);
      const use = here ?? { ...begun.get(String(id)) ?? newUse({ id }), kind };
      if (!here) uses.push(use);
      Object.assign(use, outcomeOf(content));
    }
  }
  return uses;
}

function newUse({ id, name, input }: { id?: unknown; name?: unknown; input?: unknown }): WebUse {
  const { query, url } = (input ?? {}) as { query?: unknown; url?: unknown };
  return {
    id: String(id),
    kind: name === "web_fetch" ? "fetch" : "search",
    asked: text(query) || text(url),
    state: "open",
    error: "",
    pages: [],
  };
}

function outcomeOf(content: unknown): Pick<WebUse, "state" | "error" | "pages"> {
  const { error_code: error } = (content ?? {}) as { error_code?: unknown };
  if (error !== undefined) return { state: "failed", error: text(error), pages: [] };
  const found = Array.isArray(content) ? content : [content];
  const pages = found.filter((one) => typeof one === "object" && one !== null).map(pageOf);
  return { state: "done", error: "", pages: pages.slice(0, PAGES_MAX) };
}

function pageOf(one: { title?: unknown; url?: unknown; content?: { title?: unknown } }): WebPage {
  const url = text(one.url);
  return { url, href: webHref(url), title: text(one.title) || text(one.content?.title) || url };
}

/** The address as a link may have it; null for all that is not http or https. */
export function webHref(url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { protocol, href } = new URL(url);
  return protocol === "https:" || protocol === "http:" ? href : null;
}

/** What an answer says, with the number of what it cites behind each part, and the cited pages in that order. */
export function citedText(content: readonly ContentBlock[]): { text: string; sources: WebPage[] } {
  const blocks = content.filter(({ type }) => type === "text") as {
    text?: unknown;
    citations?: unknown;
  }[];
  const sources: WebPage[] = [];
  const parts = blocks.map((block) => {
    const marks = citationsOf(block.citations).flatMap((page) => {
      const known = sources.findIndex(({ url }) => url === page.url);
      if (known < 0 && sources.length >= CITED_MAX) return [];
      if (known < 0) sources.push(page);
      return [known < 0 ? sources.length : known + 1];
    });
    return text(block.text) + [...new Set(marks)].map((n) => mark(n, sources[n - 1]!)).join("");
  });
  // An answer that cites comes in pieces, some in the midst of a sentence; others are paragraphs.
  const said = sources.length > 0
    ? parts.join("")
    : parts.filter((part) => part.trim() !== "").join("\n\n");
  return { text: said, sources };
}

/** Markdown: a link where there is one to give. */
const mark = (number: number, { href }: WebPage): string =>
  href === null ? ` \\[${number}\\]` : ` [\\[${number}\\]](<${href}>)`;

function citationsOf(citations: unknown): WebPage[] {
  if (!Array.isArray(citations)) return [];
  return citations.filter((one) => typeof one === "object" && one !== null && "url" in one)
    .map(pageOf);
}

const text = (value: unknown): string => typeof value === "string" ? value : "";
