/** What the checks share: how they refuse, and what they know of a model. */
import { WireError } from "../wire.ts";

export const efforts = ["low", "medium", "high", "xhigh", "max"] as const;
export type ThinkingType = "adaptive" | "between_tools" | "disabled" | "enabled";

/** What one model accepts. */
export interface ModelRules {
  id: string;
  displayName: string;
  maxInputTokens: number;
  maxOutputTokens: number;
  thinking: readonly ThinkingType[];
  /** The effort when none is given; null: it takes no effort. */
  defaultEffort: typeof efforts[number] | null;
  /** `tool_choice` may be "any" or "tool". */
  forcedTools: boolean;
  /** `role: "system"` inside `messages`. */
  systemMessages: boolean;
  /** Shorter prefixes are not cached. */
  minCacheTokens: number;
}

/** Throws the 400 of a strict server; its text starts with the position in the request. */
export function refuse(position: string, text: string): never {
  throw new WireError("invalid_request_error", `${position}: ${text}`);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Refuses keys that the API does not know at this place; "" is the body itself. */
export function refuseExtraKeys(
  value: Record<string, unknown>,
  known: readonly string[],
  position: string,
): void {
  const extra = Object.keys(value).find((key) => !known.includes(key));
  if (extra !== undefined) {
    refuse(position ? `${position}.${extra}` : extra, "Extra inputs are not permitted");
  }
}

/** Refuses a value that is there but not among the allowed ones. */
export function requireOneOf(value: unknown, allowed: readonly unknown[], position: string): void {
  if (value === undefined || allowed.includes(value)) return;
  const list = allowed.filter((item) => item !== null).map((item) => `"${item}"`).join(", ");
  refuse(position, `Input should be ${list}`);
}

export function requireString(value: unknown, position: string, { mayBeEmpty = false } = {}): void {
  if (value === undefined) refuse(position, "Field required");
  if (typeof value !== "string") refuse(position, "Input should be a valid string");
  if (value === "" && !mayBeEmpty) refuse(position, "String should have at least 1 character");
}
