/**
 * The tools of section 9 of CLAUDE-API.md that the service carries out itself: how they are declared, and how their
 * uses and results stand in the history.
 */
import { isObject, refuse, refuseExtraKeys, requireOneOf, requireString } from "./refuse.ts";
import type { WireBlock } from "../wire.ts";

const CALLERS = [
  "direct",
  "code_execution_20250825",
  "code_execution_20260120",
  "code_execution_20260521",
];
const KEYS = [
  ...["type", "name", "max_uses", "allowed_domains", "blocked_domains", "allowed_callers"],
  ...["cache_control", "defer_loading", "strict"],
];
/** By the tool's dated type; others of the service's tools are none that anything here asks for. */
const TOOLS: Readonly<Record<string, { name: string; keys: readonly string[] }>> = {
  web_search_20260209: { name: "web_search", keys: [...KEYS, "user_location"] },
  web_fetch_20260209: {
    name: "web_fetch",
    keys: [...KEYS, "citations", "max_content_tokens", "url_sources"],
  },
};
const DOMAIN = /^[a-z0-9-]+(\.[a-z0-9-]+)+(\/\S*)?$/i;

/** Throws `WireError` for a kind that is not known, and for what is wrong in one that is. */
export function checkServerTool(tool: Record<string, unknown>, position: string): void {
  const known = TOOLS[String(tool.type)];
  if (!known) {
    const tags = ["custom", ...Object.keys(TOOLS)].map((tag) => `'${tag}'`).join(", ");
    refuse(
      position,
      `Input tag '${tool.type}' found using 'type' does not match any of the expected tags: ${tags}`,
    );
  }
  refuseExtraKeys(tool, known.keys, position);
  requireOneOf(tool.name, [known.name], `${position}.name`);
  for (const key of ["max_uses", "max_content_tokens"]) {
    const value = tool[key];
    if (value === undefined || value === null) continue;
    if (!Number.isInteger(value) || (value as number) <= 0) {
      refuse(`${position}.${key}`, "Input should be greater than 0");
    }
  }
  const lists = ["allowed_domains", "blocked_domains"].filter((key) => tool[key] != null);
  if (lists.length > 1) {
    refuse(position, "only one of `allowed_domains` and `blocked_domains` may be given");
  }
  for (const key of lists) checkDomains(tool[key], `${position}.${key}`);
  if (tool.allowed_callers !== undefined) {
    const callers = tool.allowed_callers;
    if (!Array.isArray(callers) || callers.length === 0) {
      refuse(`${position}.allowed_callers`, "Input should be a non-empty list");
    }
    callers.forEach((one, i) => requireOneOf(one, CALLERS, `${position}.allowed_callers.${i}`));
  }
}

function checkDomains(domains: unknown, position: string): void {
  if (!Array.isArray(domains) || domains.length === 0) {
    refuse(position, "List should have at least 1 item");
  }
  domains.forEach((domain, i) => {
    if (typeof domain !== "string" || !DOMAIN.test(domain)) {
      refuse(`${position}.${i}`, "Invalid domain: give it without a scheme or wildcard");
    }
  });
}

/** What answers a use of each tool. */
const RESULTS: Readonly<Record<string, string>> = {
  web_search_tool_result: "web_search",
  web_fetch_tool_result: "web_fetch",
};

/** Kinds of blocks that only the service makes. */
export const serverKinds = ["server_tool_use", ...Object.keys(RESULTS)];

/** Throws `WireError` for a block of these kinds that the service can't have made. */
export function checkServerBlock(block: Record<string, unknown>, position: string): void {
  if (block.type === "server_tool_use") {
    refuseExtraKeys(block, ["type", "id", "name", "input", "caller", "cache_control"], position);
    requireString(block.id, `${position}.id`);
    requireOneOf(block.name, Object.values(RESULTS), `${position}.name`);
    if (!isObject(block.input)) refuse(`${position}.input`, "Input should be a valid dictionary");
    return;
  }
  refuseExtraKeys(block, ["type", "tool_use_id", "content", "caller", "cache_control"], position);
  requireString(block.tool_use_id, `${position}.tool_use_id`);
  const { content } = block;
  if (block.type === "web_search_tool_result" && Array.isArray(content)) {
    return content.forEach((result, i) => checkFound(result, `${position}.content.${i}`));
  }
  if (!isObject(content)) refuse(`${position}.content`, "Input should be a valid dictionary");
  const kind = RESULTS[String(block.type)];
  if (content.type === `${kind}_tool_result_error`) {
    return requireString(content.error_code, `${position}.content.error_code`);
  }
  requireOneOf(content.type, ["web_fetch_result"], `${position}.content.type`);
  requireString(content.url, `${position}.content.url`);
  if (!isObject(content.content)) refuse(`${position}.content.content`, "Field required");
}

function checkFound(result: unknown, position: string): void {
  if (!isObject(result)) refuse(position, "Input should be a valid dictionary");
  requireOneOf(result.type, ["web_search_result"], `${position}.type`);
  for (const key of ["url", "title", "encrypted_content"]) {
    requireString(result[key], `${position}.${key}`);
  }
}

/**
 * Every use in a turn has its result behind it in the same turn, and no result stands alone. `open`: the turn was
 * paused, and goes on with the result of its last use.
 */
export function checkServerPairs(
  blocks: readonly WireBlock[],
  position: string,
  { open }: { open: boolean },
): void {
  const waiting = new Map<string, string>();
  for (const block of blocks) {
    if (block.type === "server_tool_use") waiting.set(String(block.id), String(block.name));
    const wanted = RESULTS[block.type];
    if (wanted === undefined) continue;
    const id = String(block.tool_use_id);
    if (waiting.get(id) !== wanted) {
      refuse(
        position,
        `unexpected \`tool_use_id\` found in \`${block.type}\` blocks: ${id}. It must have a corresponding ` +
          "`server_tool_use` block before it",
      );
    }
    waiting.delete(id);
  }
  if (waiting.size > 0 && !open) {
    const ids = [...waiting.keys()].join(", ");
    refuse(position, `\`server_tool_use\` ids were found without a corresponding result: ${ids}`);
  }
}
