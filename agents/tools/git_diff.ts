import { defineTool } from "./tool.ts";

/** Most lines of context around a change. */
export const MAX_CONTEXT = 100;

/** Runs on the server, where the repository is: hands have no git of their own. */
export const gitDiffTool = defineTool({
  name: "GitDiff",
  description:
    "Shows what the ticket changed: the unified diff between two of its commits, by default of all of it. " +
    "Use it where the diff in your task is cut, or for more context around a change. Renames are found; " +
    "of a binary file one line is shown. A long diff is cut and says so: then name a path.",
  readOnly: true,
  tags: ["private"],
  whenCutOff: "again",
  input: (z) => {
    const commit = () => z.string().min(1).max(64).optional();
    return z.strictObject({
      path: z.string().min(1).max(4_000).optional()
        .describe("File or folder in the project; default all"),
      from: commit().describe('"base" (default), "head" or a commit of the ticket, in hexadecimal'),
      to: commit().describe('"head" (default), "base" or a commit of the ticket, in hexadecimal'),
      context: z.number().int().min(0).max(MAX_CONTEXT).optional()
        .describe("Unchanged lines around each change; default 3"),
      names_only: z.boolean().optional()
        .describe("Only list the changed files, with what became of each; default false"),
    });
  },
});
