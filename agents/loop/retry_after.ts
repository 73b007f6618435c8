/** How long a server that refused a request asks us to wait. */
import { DAY_MS, SECOND_MS } from "../../server/clock.ts";

/** Nobody means more than this. */
const MAX_RETRY_AFTER_MS = DAY_MS;

const buckets = ["requests", "tokens", "input-tokens", "output-tokens"];

/**
 * By `retry-after-ms`, else `retry-after` (seconds or a date), else the time until the limit that is used up
 * is filled again. Null: the server said nothing that can be read.
 */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const candidates = [
    numberOf(headers.get("retry-after-ms")),
    numberOf(headers.get("retry-after")) * SECOND_MS,
    Date.parse(headers.get("retry-after") ?? "") - nowMs,
    untilReset(headers, nowMs),
  ];
  const waitMs = candidates.find((ms) => !Number.isNaN(ms));
  return waitMs === undefined ? null : Math.ceil(Math.min(Math.max(waitMs, 0), MAX_RETRY_AFTER_MS));
}

/** NaN: no limit is used up. */
function untilReset(headers: Headers, nowMs: number): number {
  const waits = buckets
    .filter((bucket) => headers.get(`anthropic-ratelimit-${bucket}-remaining`) === "0")
    .map((bucket) => Date.parse(headers.get(`anthropic-ratelimit-${bucket}-reset`) ?? "") - nowMs)
    .filter((ms) => !Number.isNaN(ms));
  return waits.length > 0 ? Math.max(...waits) : NaN;
}

const numberOf = (text: string | null): number => text?.trim() ? Number(text) : NaN;
