/** Prompt caching (CLAUDE-API.md, section 8): prefixes by hash, per key, with lifetimes and a minimum. */
import { createHash } from "node:crypto";
import { promptSegments } from "../../agents/demo/tokens.ts";
import type { ModelRules } from "../../agents/demo/validate.ts";
import type { MessagesRequest, WireUsage } from "../../agents/demo/wire.ts";
import { type Clock, HOUR_MS, MINUTE_MS } from "../../server/clock.ts";

const LIFETIME_MS = { "5m": 5 * MINUTE_MS, "1h": HOUR_MS } as const;
/** How many segments back from a breakpoint an entry is found. */
const LOOKBACK_SEGMENTS = 20;

type InputUsage = Pick<
  WireUsage,
  | "input_tokens"
  | "cache_creation_input_tokens"
  | "cache_read_input_tokens"
  | "cache_creation"
>;

/** What a request reads and writes; written entries are found by others only after `commit`. */
export interface CacheUse {
  usage: InputUsage;
  /** To be called when the answer starts. */
  commit(): void;
}

interface Entry {
  lifetimeMs: number;
  expiresAtMs: number;
}

export class PromptCache {
  #entries = new Map<string, Entry>();

  constructor(private readonly clock: Clock) {}

  /** Looks a prompt up at the request's start. The three counters sum to the prompt's tokens. */
  use(key: string, request: MessagesRequest, rules: ModelRules): CacheUse {
    const startMs = this.clock.nowMs();
    const prefixes = prefixesOf(key, request);
    const total = prefixes.at(-1)?.tokens ?? 0;
    const breakpoints = prefixes.filter((p) => p.ttl && p.tokens >= rules.minCacheTokens);
    const live = (p: Prefix) => (this.#entries.get(p.hash)?.expiresAtMs ?? 0) > startMs;
    const hit = prefixes.findLast((prefix) =>
      live(prefix) &&
      breakpoints.some((b) =>
        prefix.index <= b.index && prefix.index >= b.index - LOOKBACK_SEGMENTS
      )
    );
    const read = hit?.tokens ?? 0;
    const written = breakpoints.filter((b) => b.tokens > read);
    const upTo = (list: Prefix[]) => Math.max(read, ...list.map((p) => p.tokens));
    const afterLong = upTo(written.filter((p) => p.ttl === "1h"));
    const end = upTo(written);
    return {
      usage: {
        input_tokens: total - end,
        cache_read_input_tokens: read,
        cache_creation_input_tokens: end - read,
        cache_creation: {
          ephemeral_1h_input_tokens: afterLong - read,
          ephemeral_5m_input_tokens: end - afterLong,
        },
      },
      commit: () => {
        for (const { hash, ttl } of written) {
          const lifetimeMs = LIFETIME_MS[ttl!];
          this.#entries.set(hash, { lifetimeMs, expiresAtMs: startMs + lifetimeMs });
        }
        const used = breakpoints.filter((b) => live(b));
        for (const { hash } of hit ? [hit, ...used] : used) {
          const entry = this.#entries.get(hash)!;
          entry.expiresAtMs = Math.max(entry.expiresAtMs, startMs + entry.lifetimeMs);
        }
      },
    };
  }
}

/** The prompt up to and including one segment. */
interface Prefix {
  index: number;
  hash: string;
  tokens: number;
  ttl: "5m" | "1h" | null;
}

function prefixesOf(key: string, request: MessagesRequest): Prefix[] {
  // A change of these drops what was cached of the messages, not of tools and system.
  const settings = JSON.stringify([request.thinking, request.output_config, request.tool_choice]);
  let hash = sha256(key + "\n" + request.model);
  let tokens = 0;
  let inMessages = false;
  return promptSegments(request).map((segment, index) => {
    if (segment.part === "messages" && !inMessages) {
      inMessages = true;
      hash = sha256(hash + settings);
    }
    hash = sha256(hash + segment.part + segment.text);
    tokens += segment.tokens;
    return { index, hash, tokens, ttl: segment.marker ? segment.marker.ttl ?? "5m" : null };
  });
}

const sha256 = (text: string) => createHash("sha256").update(text).digest("base64url");
