/**
 * What a definition's `require_approval` says: a tool and what of it needs a person first. `write(new)` makes a file;
 * `write(src/**)` and `edit(*.lock)` are both any change of such a file, by whichever tool; `bash(rm *)` a line in
 * which such a command is, or may be; `bash(*)`, `bash` and every other tool's name all calls of that tool.
 */
import { globMatcher, type Matcher } from "../policy.ts";
import { type ReadLine, touchesCommand } from "./commands.ts";

/** A call as the rules look at it. */
export interface RuledCall {
  tool: string;
  /** Of Bash. */
  line: ReadLine | null;
  /** Of a tool that takes a file: each spelling of its path relative to the place, links worked out in one. */
  paths: string[];
  /** It would make its file. Null: it writes none, or nobody knows. */
  makesFile: boolean | null;
}

/** A rule and what it covers. */
export interface ApprovalRule {
  /** As written. */
  text: string;
  covers(call: RuledCall): boolean;
}

const RULE = /^([A-Za-z][A-Za-z0-9_*.-]{0,99})(?:\((.{1,300})\))?$/s;
const writers = new Set(["write", "edit"]);

/** Whether it can be read as a rule at all. */
export const isApprovalRule = (text: string): boolean => RULE.test(text.trim());

/** A rule that can't be read covers every call: what somebody meant to hold back must not go. */
export async function approvalRule(text: string): Promise<ApprovalRule> {
  const [, name, inner] = RULE.exec(text.trim()) ?? [];
  if (name === undefined) return { text, covers: () => true };
  const tool = name.toLowerCase();
  const covers = await coverage(tool, inner?.trim() ?? "*");
  return { text, covers };
}

async function coverage(name: string, inner: string): Promise<(call: RuledCall) => boolean> {
  const isTool = toolMatcher(name);
  if (inner === "*" || inner === "") return ({ tool }) => isTool(tool.toLowerCase());
  if (name === "bash") {
    return ({ tool, line }) =>
      tool === "Bash" && (line === null || line.type === "unknown" ||
        line.commands.some((command) => touchesCommand(inner, command)));
  }
  if (name === "write" && inner === "new") {
    return ({ tool, makesFile }) => writers.has(tool.toLowerCase()) && makesFile !== false;
  }
  const matches = await anywhere(inner);
  const concerns = writers.has(name) ? (tool: string) => writers.has(tool) : isTool;
  return ({ tool, paths }) =>
    concerns(tool.toLowerCase()) && (paths.length === 0 || paths.some(matches));
}

/** As in a policy: without a slash it holds in every folder. */
const anywhere = (glob: string): Promise<Matcher> =>
  globMatcher([glob.includes("/") ? glob : `**/${glob}`]);

function toolMatcher(name: string): (tool: string) => boolean {
  const parts = name.split("*");
  if (parts.length === 1) return (tool) => tool === name;
  const [first = "", last = ""] = [parts[0], parts.at(-1)];
  return (tool) => tool.startsWith(first) && tool.endsWith(last);
}
