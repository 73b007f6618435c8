/** Every tool by name, with its schema as the model gets it and the check of what the model sends. */
import { z } from "zod";
import { readMcpToolName } from "../mcp/names.ts";
import type { ToolSpec, ToolTag } from "../protocol.ts";
import type { ResultName } from "../results.ts";
import { isWebTool, webTags } from "../web/web_tools.ts";
import { askQuestionsTool } from "./ask_questions.ts";
import { gitDiffTool } from "./git_diff.ts";
import { handsTools } from "./hands_tools.ts";
import { memoryTool } from "./memory.ts";
import { runChecksTool } from "./run_checks.ts";
import { submitResultTool } from "./submit_result.ts";
import { describeIssues, type Tool, type WhenCutOff } from "./tool.ts";

/** What the schemas of some tools depend on. */
export interface ToolSetup {
  /** For submit_result. */
  resultName?: ResultName;
  /** For run_checks: the project's commands. */
  checkNames?: readonly string[];
}

/** Throws when there is no such tool, or what its schema depends on is not given. */
export function findTool(name: string, setup: ToolSetup = {}): Tool {
  const tool = handsTools.get(name);
  if (tool) return tool;
  switch (name) {
    case "GitDiff":
      return gitDiffTool as unknown as Tool;
    case "memory":
      return memoryTool as unknown as Tool;
    case "ask_questions":
      return askQuestionsTool as unknown as Tool;
    case "run_checks":
      return runChecksTool(setup.checkNames ?? []) as unknown as Tool;
    case "submit_result":
      if (!setup.resultName) throw new Error("submit_result needs the name of a result");
      return submitResultTool(setup.resultName) as unknown as Tool;
  }
  throw new Error(`There is no tool "${name}"`);
}

/** What a built-in tool brings into a run or lets out of it, whoever carries it out. */
export const tagsOfTool = (name: string): readonly ToolTag[] =>
  isWebTool(name) ? webTags : findTool(name, { resultName: "developer" }).tags ?? [];

/** A name that no tool has is refused again, as it was. */
export function whenCutOff(name: string): WhenCutOff {
  // What a server of the person's own has done by then, nobody knows.
  if (readMcpToolName(name)) return "report";
  const tool = handsTools.get(name) ?? serverTools.find((one) => one.name === name);
  return tool?.whenCutOff ?? "again";
}

/** Whether a call of it changes nothing and tells nobody: done or not, done once or twice is the same. */
export const onlyLooks = (name: string): boolean => handsTools.get(name)?.readOnly ?? false;

/**
 * Whether a call of it, cut off, is simply done again and has left nothing behind: so that it begins need not be on
 * disk before it does.
 */
export const leavesNothing = (name: string): boolean =>
  onlyLooks(name) || name === gitDiffTool.name || name === "submit_result";

/** Whether the hands can say beforehand what a call of it would write. */
export function isPlanned(name: string): boolean {
  const tool = handsTools.get(name);
  return tool !== undefined && "plan" in tool;
}

const serverTools = [
  gitDiffTool,
  memoryTool,
  askQuestionsTool,
  runChecksTool([]),
  submitResultTool("developer"),
];

/** The tool as a request to the model declares it; the same arguments give the same bytes. */
export function toolSpec(name: string, setup: ToolSetup = {}): ToolSpec {
  const tool = findTool(name, setup);
  const known = specs.get(tool);
  if (known) return known;
  const spec = describe(tool);
  specs.set(tool, spec);
  return spec;
}

/** As long as a tool is the same: to work a schema out of its input takes zod a millisecond. */
const specs = new WeakMap<Tool, ToolSpec>();

function describe({ name, description, input, readOnly, tags }: Tool): ToolSpec {
  const { $schema: _, ...inputSchema } = z.toJSONSchema(input(z), { io: "input" });
  if (inputSchema.type !== "object" || inputSchema.additionalProperties !== false) {
    throw new Error(`The input of tool "${name}" must be a strict object`);
  }
  return { name, description, inputSchema, readOnly, ...tags && { tags } };
}

export type CheckedInput =
  | { ok: true; input: Record<string, unknown> }
  /** Text for the model: which parameters are wrong. */
  | { ok: false; message: string };

/** Of the tools that are always the same: at its first use zod makes a program of a schema, which takes a while. */
const schemas = new WeakMap<Tool, z.ZodObject>();

function schemaOf(tool: Tool): z.ZodObject {
  const schema = schemas.get(tool) ?? tool.input(z);
  schemas.set(tool, schema);
  return schema;
}

/** Checks what the model sent for a tool. */
export function checkInput(name: string, input: unknown, setup: ToolSetup = {}): CheckedInput {
  const parsed = schemaOf(findTool(name, setup)).safeParse(input);
  return parsed.success
    ? { ok: true, input: parsed.data }
    : { ok: false, message: describeIssues(name, parsed.error) };
}
