/** What the tools of an MCP server bring into a run, or let out of it. */
import { type McpServerConfig, type McpTransport, type ToolTag, toolTags } from "../protocol.ts";

/**
 * What holds for servers of which nobody said anything else. Nobody here wrote what they answer. A program sees the
 * folder that it runs in, and has no network there; what stands behind an address may be private too (trackers, wikis,
 * databases), and what it is given has left this machine.
 */
export const carefulTags: Readonly<Record<McpTransport, readonly ToolTag[]>> = {
  stdio: ["private", "untrusted"],
  http: ["private", "untrusted", "outbound"],
};

/** A person's word, else the careful view. */
export const tagsOfServer = (
  { transport, tags }: Pick<McpServerConfig, "transport" | "tags">,
): readonly ToolTag[] => tags ?? carefulTags[transport];

/** Those of all tags that a person marked, always in the same order. */
export const markedTags = (isMarked: (tag: ToolTag) => boolean): ToolTag[] =>
  toolTags.filter(isMarked);
