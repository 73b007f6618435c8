/**
 * When a person must know that private data, untrusted input and a way out are together: such a run can be talked into
 * sending what is private to whoever wrote to it.
 */
import { type ToolTag, toolTags } from "../protocol.ts";

/** What a person reads as the rule that asked. */
export const ALL_TAGS_RULE = "private data + untrusted input + outbound";

/** Whether a call of a tool with these tags would bring the last of them into a run that has had the others. */
export function completesTags(had: ReadonlySet<ToolTag>, tags: readonly ToolTag[]): boolean {
  const brings = tags.some((tag) => !had.has(tag));
  return brings && toolTags.every((tag) => had.has(tag) || tags.includes(tag));
}
