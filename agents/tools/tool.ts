/** What a tool is. The hands load this file too, so it knows zod by its types only (zod costs 25 ms). */
import type { z } from "zod";
import type { Shell } from "../shell.ts";
import type { ResolvedPath } from "../policy.ts";
import type { ToolTag } from "../protocol.ts";
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
  /** Gets what a command prints as it comes. */
  onOutput?: (text: string) => void;
  signal: AbortSignal;
}

/** What a tool answers; the fields are those of `ToolResult`. */
export interface ToolOutput {
  content: string;
  isError?: boolean;
  files?: Record<string, string>;
  changed?: string[];
  diff?: string;
  makesFile?: true;
  exitCode?: number;
  /** Where the next Bash call starts. */
  cwd?: string;
}

/**
 * What becomes of a call that a crash cut off. `again`: it is simply done again. `settle`: it writes one file,
 * whose content tells whether it was done. `report`: nobody can know, and the model is told so.
 */
export type WhenCutOff = "again" | "settle" | "report";

/** A capability as the model sees it. */
export interface Tool<S extends z.ZodObject = z.ZodObject> {
  name: string;
  /** Written for the model: what it does, its limits, when to use something else. */
  description: string;
  /** Changes nothing: calls of one turn may run side by side. */
  readOnly: boolean;
  /** See `ToolSpec`. */
  tags?: readonly ToolTag[];
  whenCutOff: WhenCutOff;
  /** Schema of the input; a strict object. */
  input: (z: Zod) => S;
}

/** A tool that works in the folder of a place. Throws `ToolError` to refuse. */
export interface RunningTool<S extends z.ZodObject = z.ZodObject> extends Tool<S> {
  run(input: z.infer<S>, context: ToolContext): Promise<ToolOutput>;
}

/**
 * A tool that writes one file. What it will write is worked out first, and is the same as long as the file is:
 * so the intent can be on record before anything happens. Throws `ToolError` to refuse.
 */
export interface WritingTool<S extends z.ZodObject = z.ZodObject> extends Tool<S> {
  plan(input: z.infer<S>, context: ToolContext): Promise<Plan>;
}

/** A file's new content, and what is said of it once it is there. */
export interface Plan {
  path: ResolvedPath;
  bytes: Uint8Array<ArrayBuffer>;
  content: string;
  /** For people; left out where it would be too large. */
  diff: () => Promise<string | undefined>;
  /** The file is so already. */
  unchanged?: boolean;
  /** There is no such file yet. */
  makesFile?: boolean;
}

export type HandsTool<S extends z.ZodObject = z.ZodObject> = RunningTool<S> | WritingTool<S>;

/** Declares a tool; the types of its input follow from its schema. */
export function defineTool<S extends z.ZodObject>(tool: WritingTool<S>): WritingTool<S>;
export function defineTool<S extends z.ZodObject>(tool: RunningTool<S>): RunningTool<S>;
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
