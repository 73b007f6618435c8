/** Numbers and times as people read them. Pure; static/time.js says the relative times the same way. */
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import type { Usage } from "../agents/protocol.ts";

const MICRO_USD_PER_USD = 1_000_000;
const MICRO_USD_PER_CENT = 10_000;

/** Micro-USD as dollars; below a cent with four decimals, so that a cheap run is not shown as free. */
export function money(microUsd: number): string {
  const small = microUsd > 0 && microUsd < MICRO_USD_PER_CENT;
  const usd = microUsd / MICRO_USD_PER_USD;
  if (small && usd < 0.00005) return "< $0.0001";
  return `$${withThousands(usd.toFixed(small ? 4 : 2))}`;
}

/** Whole numbers with separators: "5,340". */
export function count(n: number): string {
  return withThousands(String(Math.round(n)));
}

const withThousands = (digits: string) => digits.replace(/\B(?=(\d{3})+(?!\d))(?<!\.\d*)/g, ",");

/** "1 file", "3 files". */
export const plural = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`;

/** Tokens, short: "840", "12.4k", "1.3M". */
export function tokens(n: number): string {
  if (n < 1_000) return String(n);
  if (n < 999_500) return `${trimZero((n / 1_000).toFixed(n < 99_950 ? 1 : 0))}k`;
  return `${trimZero((n / 1_000_000).toFixed(1))}M`;
}

const trimZero = (text: string) => text.replace(/\.0$/, "");

/** "0.4 MB", "12 MB". */
export const megabytes = (bytes: number): string =>
  `${withThousands((bytes / 1_000_000).toFixed(bytes < 9_950_000 ? 1 : 0))} MB`;

/** All tokens that went in, cached or not. */
export const inputTokens = (usage: Usage): number =>
  usage.inputTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens + usage.cacheReadTokens;

/** A span: "< 1 s", "12 s", "4 min 12 s", "2 h 5 min". Milliseconds in. Begun units don't count. */
export function duration(ms: number): string {
  if (ms < SECOND_MS) return "< 1 s";
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) {
    return pair(Math.floor(ms / MINUTE_MS), "min", Math.floor(ms % MINUTE_MS / SECOND_MS), "s");
  }
  return pair(Math.floor(ms / HOUR_MS), "h", Math.floor(ms % HOUR_MS / MINUTE_MS), "min");
}

const pair = (big: number, bigUnit: string, small: number, smallUnit: string) =>
  `${big} ${bigUnit}${small > 0 ? ` ${small} ${smallUnit}` : ""}`;

/** How long ago, in words: "now", "40 s ago", "12 min ago", "3 h ago", "2 days ago", "14 Mar 2026". */
export function relative(atMs: number, nowMs: number): string {
  const ago = nowMs - atMs;
  if (ago < 0) return ago > -10 * SECOND_MS ? "now" : `in ${coarse(-ago)}`;
  if (ago < 10 * SECOND_MS) return "now";
  if (ago < 7 * DAY_MS) return `${coarse(ago)} ago`;
  const [year, month, day] = new Date(atMs).toISOString().slice(0, 10).split("-");
  return `${Number(day)} ${monthNames[Number(month) - 1]} ${year}`;
}

const monthNames = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

function coarse(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  const days = Math.floor(ms / DAY_MS);
  return `${days} ${days === 1 ? "day" : "days"}`;
}

/** Exact time for a tooltip: "2026-01-02 03:04:05 UTC". */
export const exactTime = (at: string): string => `${at.slice(0, 19).replace("T", " ")} UTC`;

/** The first line of a text, cut at `max` characters with an ellipsis. */
export function firstLine(text: string, max: number): string {
  const line = text.trimStart().split("\n", 1)[0]!.trimEnd();
  return line.length > max ? `${line.slice(0, max - 1)}…` : line;
}

/** A text with a full stop at its end, so that another sentence may follow. */
export const sentence = (text: string): string => {
  const trimmed = text.trimEnd();
  return trimmed === "" || /[.!?…:]$/.test(trimmed) ? trimmed : `${trimmed}.`;
};

/** The first seven digits of a commit. */
export const shortCommit = (commit: string): string => commit.slice(0, 7);

/**
 * Characters that are not seen, or turn the order of those that are, as their codes: what a person reads
 * before a decision is what it is about.
 */
export const withCodes = (text: string): string =>
  text.replace(
    /(?![\t\n])[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`,
  );
