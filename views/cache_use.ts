/** How much of a turn's input the provider read from its cache, and why not more: from the log alone. */
import type { Usage } from "../agents/protocol.ts";
import { HOUR_MS, MINUTE_MS } from "../server/clock.ts";
import { inputTokens } from "./format.ts";

/** Why a turn did not read what the request before it had left in the cache. */
export type CacheBreak =
  /** Nothing of this run was there to be read. */
  | "first"
  /** The endpoint counts no cache at all: the prompt is too short for it, or it has none. */
  | "uncached"
  /** The prompt was below what is cached. */
  | "short"
  /** The entry was gone: more time lay between the two requests than it is kept. */
  | "gap"
  /** The history is another run's, whose entries may be gone. */
  | "forked"
  /** The history was replaced by its summary. */
  | "compacted"
  /** None of these: the beginning of the request was another one, or the provider dropped the entry early. */
  | "changed";

export interface CacheUse {
  /** Tokens read from the cache, of all input tokens: 0 to 1. */
  share: number;
  /** Null: all was read that could be. */
  broke: CacheBreak | null;
}

/** One request that was answered. */
export interface Answered {
  usage: Usage;
  /** When it was sent, UTC text. */
  at: string;
}

/** Shorter prompts are cached by no model (CLAUDE-API.md, section 8). */
export const MIN_CACHED_TOKENS = 512;

/** `before`: the answered request before this one, and what happened in between; null: this is the run's first. */
export function cacheUseOf(
  { usage, at }: Answered,
  before: (Answered & { forked: boolean; compacted: boolean }) | null,
): CacheUse {
  const prompt = inputTokens(usage);
  const share = prompt === 0 ? 0 : usage.cacheReadTokens / prompt;
  return { share, broke: why() };

  function why(): CacheBreak | null {
    if (before === null) return "first";
    const left = cachedBy(before.usage);
    // A compaction leaves nothing of the messages; what is before them, system and tools, may still be read.
    if (before.compacted) return "compacted";
    if (left > 0 && usage.cacheReadTokens >= left) return null;
    if (left === 0) return inputTokens(before.usage) < MIN_CACHED_TOKENS ? "short" : "uncached";
    if (Date.parse(at) - Date.parse(before.at) > keptMs(before.usage)) return "gap";
    return before.forked ? "forked" : "changed";
  }
}

/** What a request left in the cache for the next one. */
const cachedBy = (usage: Usage): number =>
  usage.cacheReadTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;

/** Counted from the request's start; each read begins the time anew. */
const keptMs = (usage: Usage): number =>
  usage.cacheWrite1hTokens > 0 && usage.cacheWrite5mTokens === 0 ? HOUR_MS : 5 * MINUTE_MS;

export const cacheBreakWords: Readonly<Record<CacheBreak, string>> = {
  first: "the run's first request: only what other runs of this agent left could be read",
  uncached: "this endpoint reports no cache",
  short: `the prompt was below the ${MIN_CACHED_TOKENS} tokens from which one is cached`,
  gap: "more time passed since the last request than an entry is kept",
  forked: "the history was another run's, and its entries were gone",
  compacted: "the history was replaced by its summary",
  changed: "the beginning of the request had changed, or the provider dropped the entry early",
};
