/** The tools that work in the folder of a place. The hands load this file: nothing here may load zod. */
import { bashTool } from "./bash.ts";
import { editTool } from "./edit.ts";
import { globTool } from "./glob.ts";
import { grepTool } from "./grep.ts";
import { readTool } from "./read.ts";
import type { HandsTool } from "./tool.ts";
import { writeTool } from "./write.ts";

/** By the name that the model uses. */
export const handsTools: ReadonlyMap<string, HandsTool> = new Map(
  ([readTool, globTool, grepTool, editTool, writeTool, bashTool] as unknown as HandsTool[])
    .map((tool) => [tool.name, tool]),
);
