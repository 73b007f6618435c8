/** The body of a request as it goes out: what is cached of it, and what the endpoint does not take left out. */
import { askForSummary } from "./history.ts";
import type { ToolSpec } from "../protocol.ts";
import type { Quirk } from "./quirks.ts";
import type { Message, TextBlock, TurnRequest } from "./turn.ts";
import { wellFormed, wellFormedMessages } from "./well_formed.ts";

/** The header value without which the API knows neither the wish for a summary nor the block that it brings. */
const COMPACTION_BETA = "compact-2026-09-04";

/** Of the service's own tools. */
const WEB_TOOLS_VERSION = "20260209";

const ephemeral = { type: "ephemeral" };

/**
 * Cached up to the end of `system`, which all runs of an agent in a project share; up to the end of the history;
 * and up to where it ended in the request before: an entry is looked for only 20 blocks back, and a turn with many
 * calls adds more. All for 5 minutes, counted anew with each reading: an hour costs 60 % more to write, and a run
 * rarely pauses for longer.
 */
export function paramsOf(request: TurnRequest, lacking: ReadonlySet<Quirk>): {
  /** Body of the request. */
  params: Record<string, unknown>;
  headers: Record<string, string>;
  /** What of it an endpoint may lack. */
  sent: ReadonlySet<Quirk>;
  /** Tools that are left out, since the endpoint does not have them. */
  withoutTools: string[];
} {
  const { model, system, tools, maxOutputTokens } = request;
  const sent = new Set<Quirk>();
  const uses = (quirk: Quirk): boolean => {
    if (lacking.has(quirk)) return false;
    sent.add(quirk);
    return true;
  };
  const compacts = request.compacts === true && uses("compaction");
  let messages = request.compacts && !compacts
    ? askForSummary({ spec: request, messages: request.messages, promptTokens: 0 })
    : request.messages;
  // The block of an earlier summary is known to the API only with the same header.
  const isSummarized = messages[0]?.content[0]?.type === "compaction";
  if (messages.some(({ role }) => role === "system") && !uses("system_messages")) {
    messages = withoutSystemMessages(messages);
  }
  const cached = uses("cache_control");
  if (cached) messages = markEarlierEnd(messages);
  messages = wellFormedMessages(messages);
  const taken = tools.filter(({ web }) => !web || uses(`web_${web.kind}`));
  const params = {
    model: model.id,
    max_tokens: maxOutputTokens,
    system: [{
      type: "text",
      text: wellFormed(system),
      ...(cached && { cache_control: ephemeral }),
    }],
    tools: wellFormed(taken.map(wireTool)),
    // The log keeps blocks as they came, of kinds the SDK may not know yet.
    messages,
    ...(cached && { cache_control: ephemeral }),
    ...(model.thinking && uses("thinking") &&
      { thinking: { type: model.thinking, display: "summarized" } }),
    ...(model.effort && uses("output_config") && { output_config: { effort: model.effort } }),
    ...(compacts && { compaction: { type: "summarize" } }),
  };
  const headers: Record<string, string> = compacts || isSummarized
    ? { "anthropic-beta": COMPACTION_BETA }
    : {};
  const withoutTools = tools.filter((tool) => !taken.includes(tool)).map(({ name }) => name);
  return { params, headers, sent, withoutTools };
}

/** `direct`: the model itself uses it, so that each use stands in the answer; not from within code that it has run. */
function wireTool({ name, description, inputSchema, web }: ToolSpec): Record<string, unknown> {
  if (!web) return { name, description, input_schema: inputSchema };
  const { kind, maxUses, allowedDomains, maxContentTokens } = web;
  return {
    type: `web_${kind}_${WEB_TOOLS_VERSION}`,
    name: `web_${kind}`,
    max_uses: maxUses,
    allowed_callers: ["direct"],
    ...allowedDomains && { allowed_domains: allowedDomains },
    ...maxContentTokens && { max_content_tokens: maxContentTokens },
  };
}

/** Marks the block at which the request before this one ended: the last of our own before the newest answer. */
function markEarlierEnd(messages: Message[]): Message[] {
  const answer = messages.findLastIndex(({ role }) => role === "assistant");
  const before = messages[answer - 1];
  // A pause makes two answers one, whose beginning was the end of a request.
  if (!before || before.role === "assistant") return messages;
  const content = before.content.with(-1, {
    ...before.content.at(-1)!,
    cache_control: ephemeral,
  } as unknown as TextBlock);
  return messages.with(answer - 1, { ...before, content } as Message);
}

/** An operator's word joins the user turn before it, where the endpoint knows no such message. */
function withoutSystemMessages(messages: Message[]): Message[] {
  const joined: Message[] = [];
  for (const message of messages) {
    const last = joined.at(-1);
    if (message.role === "system" && last?.role === "user") {
      joined[joined.length - 1] = { ...last, content: [...last.content, ...message.content] };
    } else joined.push(message);
  }
  return joined;
}
