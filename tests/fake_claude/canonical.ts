/** Comparing values as JSON whatever the order of their keys. */
import {
  blocksOf,
  type WireBlock,
  type WireMessage,
  withoutMarkers,
} from "../../agents/demo/wire.ts";

/** JSON with sorted keys; null and absent are the same, and half of a character and U+FFFD: no body can bring it back. */
export function canonical(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.toWellFormed());
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const parts = Object.entries(value)
    .filter(([, item]) => item !== undefined && item !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`);
  return `{${parts.join(",")}}`;
}

/** A block without what may differ: cache markers, and the `caller` that a call has when nothing is said. */
export function comparable(block: WireBlock): WireBlock {
  const { caller, ...rest } = withoutMarkers(block);
  const isDirect = block.type === "tool_use" && (caller as { type?: string })?.type === "direct";
  return (isDirect || caller === undefined ? rest : { ...rest, caller }) as WireBlock;
}

/** A turn: neighbours of one role are one turn, as after `pause_turn`. */
export interface Turn {
  role: WireMessage["role"];
  /** Without cache markers, with the place of each in the request. */
  blocks: { block: WireBlock; position: string }[];
}

/** The API itself refuses an empty text that it sent: leaving it out is not a change. */
export const isEmptyText = (block: WireBlock): boolean =>
  block.type === "text" && block.text === "";

/** The history as turns of blocks, whichever way its contents are written. */
export function turnsOf(messages: WireMessage[]): Turn[] {
  const turns: Turn[] = [];
  messages.forEach((message, n) => {
    const blocks = blocksOf(message.content).map((block, m) => ({
      block: comparable(block),
      position: `messages.${n}.content.${m}`,
    }));
    const last = turns.at(-1);
    if (last?.role === message.role) last.blocks.push(...blocks);
    else turns.push({ role: message.role, blocks });
  });
  return turns;
}
