/** What the headers of a response tell of the account's rate limits. */
import { type RateBucket, rateBuckets, type RateLimits } from "../protocol.ts";

/** A limit that fills within a longer time than this is none of the rates'. */
const MAX_RESET_MS = 3_600_000;

/** Null: they tell nothing that can be read. */
export function rateLimitsOf(headers: Headers, nowMs: number): RateLimits | null {
  const limits: RateLimits = {};
  for (const bucket of rateBuckets) {
    const value = (name: string) => headers.get(`anthropic-ratelimit-${bucket}-${name}`)?.trim();
    const limit = Number(value("limit") || NaN);
    const remaining = Number(value("remaining") || NaN);
    const resetInMs = Date.parse(value("reset") ?? "") - nowMs;
    if (!(limit > 0) || !(remaining >= 0) || Number.isNaN(resetInMs)) continue;
    limits[bucket as RateBucket] = {
      limit: Math.floor(limit),
      remaining: Math.floor(Math.min(remaining, limit)),
      resetInMs: Math.ceil(Math.min(Math.max(resetInMs, 0), MAX_RESET_MS)),
    };
  }
  return Object.keys(limits).length > 0 ? limits : null;
}
