import { defineTool } from "./tool.ts";

/** Longest text of one call; the limits of a note are smaller and are named where they are passed. */
const MAX_TEXT = 64 * 1024;

/** Runs on the server: an agent's memory lies outside of the folder that its hands see. */
export const memoryTool = defineTool({
  name: "memory",
  description:
    "Keeps notes for later runs of yours: markdown files under /memories, which you get at your start. " +
    "`view` shows a file or lists a folder; `create` makes a file of `file_text`; `str_replace` puts " +
    "`new_str` in the place of `old_str`, which must occur exactly once; `insert` puts `insert_text` after " +
    "line `insert_line` (0: before the first); `delete` removes a file or folder; `rename` moves " +
    "`old_path` to `new_path`. Note what a later run would have to find out again and can't see at once: " +
    "how something is run here, a trap, a decision and its reason. Correct or delete what has turned out " +
    "wrong. Not for results, progress, secrets, or what the project's own files say. A person reads it too.",
  readOnly: false,
  tags: ["private"],
  whenCutOff: "settle",
  input: (z) => {
    const path = () => z.string().max(500).optional();
    const text = () => z.string().max(MAX_TEXT).optional();
    return z.strictObject({
      command: z.enum(["view", "create", "str_replace", "insert", "delete", "rename"]),
      path: path().describe("For all but rename; such as /memories/checks.md"),
      view_range: z.array(z.number().int().min(-1)).length(2).optional()
        .describe("For view: first and last line; -1: to the end"),
      file_text: text().describe("For create"),
      old_str: text().describe("For str_replace"),
      new_str: text().describe("For str_replace; left out: old_str is deleted"),
      insert_line: z.number().int().min(0).optional().describe("For insert"),
      insert_text: text().describe("For insert"),
      old_path: path().describe("For rename"),
      new_path: path().describe("For rename"),
    });
  },
});
