/**
 * Half of a character (a lone surrogate), which a cut in the midst of an emoji leaves: JSON can carry it, and the service
 * refuses the whole request for it, again and again, since the history keeps it. U+FFFD stands for it in what is sent.
 */
import type { ContentBlock } from "../protocol.ts";
import type { Message } from "./turn.ts";

/** What the model wrote and nobody signed: it can be mended, and the rest goes back as it came. */
const unsigned: ReadonlySet<ContentBlock["type"]> = new Set(["text", "tool_use"]);

/** The same messages, but for what is mended. */
export const wellFormedMessages = (messages: readonly Message[]): Message[] =>
  messages.map((message) =>
    message.role === "assistant"
      ? {
        ...message,
        content: message.content.map((block) =>
          unsigned.has(block.type) ? wellFormed(block) : block
        ),
      }
      : wellFormed(message)
  );

/** A value of JSON with all its texts, and the names in it, mended; the value itself where there is nothing to mend. */
export function wellFormed<T>(value: T): T {
  if (typeof value === "string") return value.toWellFormed() as T;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) {
    const mended = value.map(wellFormed);
    return mended.some((one, at) => one !== value[at]) ? mended as T : value;
  }
  const entries = Object.entries(value);
  const mended = entries.map(([name, one]) => [name.toWellFormed(), wellFormed(one)] as const);
  const isSame = mended.every(([name, one], at) => {
    const [before, was] = entries[at]!;
    return name === before && one === was;
  });
  return isSame ? value : Object.fromEntries(mended) as T;
}
