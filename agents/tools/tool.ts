/** What a tool is. The hands load this file too, so it knows zod by its types only (zod costs 25 ms). */
import type { z } from "zod";
import type { Shell } from "../shell.ts";
import type { PlaceFiles } from "./files.ts";

/** The zod namespace, passed in by whoever checks inputs. */
export type Zod = typeof z;

/** What a tool that runs in the hands may use. It sees files only through `files`. */
export interface ToolContext {
  files: PlaceFiles;
  /** Content hashes of the files that this run has read, by path in the place. */
  known: Readonly<Record<string, string>>;
  /** Folder in which Bash starts, relative to the place. */
  cwd: string;
  shell: Shell;
  signal: AbortSignal;
}

/** What a tool answers; the fields are those of `ToolResult`. */
export interface ToolOutput {
  content: string;
  isError?: boolean;
  files?: Record<string, string>;
  changed?: string[];
  diff?: string;
  exitCode?: number;
  /** Where the next Bash call starts. */
  cwd?: string;
}

/** A capability as the model sees it. */
export interface Tool<S extends z.ZodObject = z.ZodObject> {
  name: string;
  /** Written for the model: what it does, its limits, when to use something else. */
  description: string;
  /** Changes nothing: calls of one turn may run side by side, and one that died is simply done again. */
  readOnly: boolean;
  /** Schema of the input; a strict object. */
  input: (z: Zod) => S;
}

/** A tool that works in the folder of a place. Throws `ToolError` to refuse. */
export interface HandsTool<S extends z.ZodObject = z.ZodObject> extends Tool<S> {
  run(input: z.infer<S>, context: ToolContext): Promise<ToolOutput>;
}

/** Declares a tool; the types of its input follow from its schema. */
export function defineTool<S extends z.ZodObject>(tool: HandsTool<S>): HandsTool<S>;
export function defineTool<S extends z.ZodObject>(tool: Tool<S>): Tool<S>;
export function defineTool<S extends z.ZodObject>(tool: Tool<S>): Tool<S> {
  return tool;
}

/** A refusal that the model reads: what was wrong, and what to do instead. */
export class ToolError extends Error {
  override name = "ToolError";
}

/** Most problems of one input that are listed. */
const MAX_ISSUES = 8;

/** Tells a model which parameters were wrong: one line each, named as the tool names them. */
export function describeIssues(toolName: string, error: z.ZodError): string {
  const lines = error.issues.flatMap((issue) => {
    const at = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => `- ${at ? `${at}.` : ""}${key}: there is no such parameter`);
    }
    return [`- ${at || "input"}: ${issue.message}`];
  });
  const more = lines.length > MAX_ISSUES ? `\n- and ${lines.length - MAX_ISSUES} more` : "";
  return `Invalid input for ${toolName}:\n${lines.slice(0, MAX_ISSUES).join("\n")}${more}\n` +
    "Call it again with corrected parameters.";
}
