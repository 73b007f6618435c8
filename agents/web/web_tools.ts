/**
 * The tools with which an agent reaches the web. The model's service carries them out within a request, so no call of
 * theirs passes the executor: what they may do is fixed before the request goes out.
 */
import { isHostAddress } from "../permissions/hosts.ts";
import type { ContentBlock, ToolSpec, ToolTag } from "../protocol.ts";

export const webToolNames = ["WebSearch", "WebFetch"] as const;
export type WebToolName = typeof webToolNames[number];

/** Searches in one request. A turn that needs more goes on with the next one, where its limits are looked at again. */
export const MAX_SEARCHES = 3;
/** Pages that are fetched in one request. */
export const MAX_FETCHES = 3;
/** About the most of a page's text that comes back; PDF files are not cut by it. */
export const MAX_PAGE_TOKENS = 10_000;

/** What is asked leaves this machine, and whoever wrote the pages may have hidden instructions in them. */
export const webTags: readonly ToolTag[] = ["untrusted", "outbound"];

/** By this id a person is asked whether a run's requests may go out with its web tools: no call of a model's has it. */
export const WEB_CALL_ID = "web_tools";

export const isWebTool = (name: string): name is WebToolName =>
  (webToolNames as readonly string[]).includes(name);

const descriptions: Readonly<Record<WebToolName, string>> = {
  WebSearch: "Searches the web, as web_search.",
  WebFetch: "Fetches a page of the web that was named before, as web_fetch.",
};

/**
 * The tool for an agent that may reach these hosts; an empty list is any. Null: none of them is a domain, so that
 * there is nothing that it could reach.
 */
export function webToolSpec(name: WebToolName, hosts: readonly string[]): ToolSpec | null {
  const allowedDomains = domainsOf(hosts);
  if (allowedDomains?.length === 0) return null;
  const domains = allowedDomains && { allowedDomains };
  return {
    name,
    description: descriptions[name],
    // The service has its own.
    inputSchema: {},
    readOnly: true,
    tags: webTags,
    web: name === "WebSearch"
      ? { kind: "search", maxUses: MAX_SEARCHES, ...domains }
      : { kind: "fetch", maxUses: MAX_FETCHES, maxContentTokens: MAX_PAGE_TOKENS, ...domains },
  };
}

/**
 * Allowed hosts as the service takes them: names, without a star. There a domain always stands for all that lies below
 * it too, and nothing narrower can be said. Null: any host is allowed.
 */
export function domainsOf(hosts: readonly string[]): string[] | null {
  const names = hosts.map((host) => host.trim().toLowerCase().replace(/\.$/, ""));
  if (names.length === 0 || names.includes("*")) return null;
  const domains = names.map((name) => name.replace(/^\*\./, "")).filter(isDomain);
  return [...new Set(domains)].sort();
}

const isDomain = (name: string): boolean =>
  !isHostAddress(name) && /^(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+$/.test(name);

/** Whether the service used a tool of its own in this answer. */
export const usesWeb = (content: readonly ContentBlock[]): boolean =>
  content.some(({ type }) => type === "server_tool_use");
