/**
 * What an endpoint that speaks the Messages API does not take of what we send. It is learned from the refusal that
 * names the field; the request then goes out again without it, and so do all that follow.
 */

import type { Quirk } from "../protocol.ts";

export type { Quirk } from "../protocol.ts";

/** A field that a request can do without, at a price: no cache, no thinking, the model's own effort, a plain summary, no web. */
export const quirks: readonly Quirk[] = [
  "cache_control",
  "thinking",
  "output_config",
  "compaction",
  "system_messages",
  "web_search",
  "web_fetch",
];

/**
 * Whether it is a matter of the endpoint and not of the model or the account: what one model lacks (thinking, an effort,
 * a tool of the service's own) another may have, and an administrator may switch some of it on any day. So that is
 * learned for each model, and not kept over a restart.
 */
export const isOfEndpoint = (quirk: Quirk): boolean =>
  quirk === "cache_control" || quirk === "compaction";

export const isQuirk = (value: unknown): value is Quirk => quirks.includes(value as Quirk);

/** How a refusal says that it does not know a thing, as against: that its value is wrong. */
const UNKNOWN =
  /\b(extra inputs?|unknown|unrecogni[sz]ed|unexpected|unsupported|not (be )?(supported|permitted|allowed|known|available|enabled)|not match any|invalid (field|parameter|argument|value|input|role)|should be "?user|does ?n[o']t support)/i;
/** Names of the field in a refusal; a beta that is not known is the field's header. */
const names: Readonly<Record<Quirk, RegExp>> = {
  cache_control: /\bcache_control\b/,
  thinking: /\bthinking\b/,
  output_config: /\b(output_config|effort)\b/,
  compaction: /\b(compaction|compact-\d{4}-\d{2}-\d{2}|anthropic-beta)\b/i,
  // By the kind of tool, which the real service's own refusals name with its date.
  web_search: /\bweb_search(_\d{8})?\b/,
  web_fetch: /\bweb_fetch(_\d{8})?\b/,
  system_messages: /\bmessages[.\[]\d+\]?\.role\b|\brole\b.*\bsystem\b/,
};
/** Refusals that name a field and mean the history. */
const ABOUT_HISTORY = /\bsignature\b|\bredacted_thinking\b/;

/**
 * The field that a 400 with this text refuses, of those that the request had. Null: it is about something else, and
 * must not be taken for a quirk.
 */
export function refusedField(message: string, sent: ReadonlySet<Quirk>): Quirk | null {
  if (ABOUT_HISTORY.test(message) || !UNKNOWN.test(message)) return null;
  return quirks.find((quirk) => sent.has(quirk) && names[quirk].test(message)) ?? null;
}
