/** Whether a tool call may go ahead: decided by the server, outside of the model, from data alone. */
import type { Permissions, ToolTag } from "../protocol.ts";
import type { Confinement } from "../runtime.ts";
import { type ApprovalRule, approvalRule, type RuledCall } from "./approval_rules.ts";
import { coversCommand, type ReadLine, readLine } from "./commands.ts";
import { ALL_TAGS_RULE, completesTags } from "./tags.ts";

export type Decision =
  /** `together`: a person said beforehand that all tags may come together, and with this call they do. */
  | { type: "allow"; together?: true }
  /** A person is asked. `rule`: what says so; `detail`: exactly what would happen, when it can be said at once. */
  | { type: "ask"; rule: string; detail: string }
  /** Goes back to the model, with how to go on. */
  | { type: "deny"; reason: string };

/** What of an agent's rules is about commands and approvals; paths are checked in the hands, next to the files. */
export type CallRules = Pick<Permissions, "commands" | "requireApproval">;

export interface ToolQuestion {
  tool: string;
  input: Record<string, unknown>;
  /** Tools of the run. */
  allowed: readonly string[];
  confinement: Confinement["kind"];
  rules?: CompiledRules;
  /** Of a call that takes a file: its path relative to the place, in each spelling. */
  paths?: string[];
  /** Of a call that writes a file, once it is planned. */
  write?: { paths: string[]; makesFile: boolean };
  /** Of the tool, and those of the tools that the run has used. */
  tags?: readonly ToolTag[];
  had?: ReadonlySet<ToolTag>;
  /** Whether a person said beforehand that all tags may come together. Asked when it matters. */
  tagsAllowed?: () => boolean;
}

export interface CompiledRules {
  commands: readonly string[];
  approvals: readonly ApprovalRule[];
}

export async function compileRules(rules: CallRules): Promise<CompiledRules> {
  return {
    commands: rules.commands.map(bare),
    approvals: await Promise.all(rules.requireApproval.map(approvalRule)),
  };
}

/** Somebody may write `bash(git status)` where `git status` is meant. */
const bare = (pattern: string): string => /^bash\((.*)\)$/is.exec(pattern.trim())?.[1] ?? pattern;

const noRules: CompiledRules = { commands: [], approvals: [] };

/**
 * Whether a call may go ahead. What is denied stays denied whatever a person would say; a person is asked when a rule
 * says so, when a command can't be judged by the patterns it must fit, and for each command where nothing confines it.
 */
export function decide(question: ToolQuestion): Decision {
  const { tool, input, allowed, confinement, rules = noRules } = question;
  if (!allowed.includes(tool)) {
    const reason = `No such tool available: ${tool}. You have: ${allowed.join(", ")}. ` +
      "Calling it again will not help.";
    return { type: "deny", reason };
  }
  const text = tool === "Bash" ? String(input.command ?? "") : null;
  const detail = text ?? describeInput(input);
  const line = text === null || !needsReading(rules) ? null : readLine(text);
  const limit = line && limitOf(line, rules.commands);
  if (limit?.type === "deny") return limit;
  const together = completesTags(question.had ?? new Set(), question.tags ?? []);
  const allowedTogether = together && question.tagsAllowed?.() === true;
  const rule = rules.approvals.find((one) => one.covers(ruled(question, line)))?.text ??
    (limit?.type === "ask" ? limit.rule : null) ??
    (together && !allowedTogether ? ALL_TAGS_RULE : null);
  const unconfined = text !== null && confinement === "process" ? UNCONFINED_RULE : null;
  const asks = [rule, unconfined].filter((one) => one !== null);
  if (asks.length === 0 && allowedTogether) return { type: "allow", together: true };
  if (asks.length === 0) return { type: "allow" };
  // Of a file that is written a person sees the change instead, or that it can't be shown.
  return detail.length > MAX_DETAIL_CHARS && question.write === undefined
    ? { type: "deny", reason: TOO_LONG_TO_SHOW }
    : { type: "ask", rule: asks.join("; "), detail };
}

/** What a person reads as the rule that asked. */
export const UNCONFINED_RULE = "no sandbox on this machine";

const needsReading = ({ commands, approvals }: CompiledRules): boolean =>
  commands.length > 0 || approvals.length > 0;

/** What the patterns of allowed commands say of a line; null: it fits them, or there are none. */
function limitOf(line: ReadLine, patterns: readonly string[]): Decision | null {
  if (patterns.length === 0) return null;
  if (line.type === "unknown") {
    return {
      type: "ask",
      rule: `allowed_commands can't judge this line: ${line.reason}`,
      detail: "",
    };
  }
  const stranger = line.commands.find((command) =>
    !patterns.some((pattern) => coversCommand(pattern, command))
  );
  if (!stranger) return null;
  return {
    type: "deny",
    reason:
      `Cannot run ${JSON.stringify(shorten(stranger.argv.join(" ")))}: this agent may only run: ${
        patterns.join("; ")
      }. Trying it again will not help. ` +
      "Use one of these, each as a plain command, or go on without it.",
  };
}

const MAX_SHOWN_CHARS = 200;
const shorten = (text: string): string =>
  text.length > MAX_SHOWN_CHARS ? `${text.slice(0, MAX_SHOWN_CHARS)}…` : text;

const ruled = ({ tool, paths = [], write }: ToolQuestion, line: ReadLine | null): RuledCall => ({
  tool,
  line,
  paths: write?.paths ?? paths,
  makesFile: write?.makesFile ?? null,
});

/** Most characters of a call's input that a person is shown: nobody grants what they can't see. */
export const MAX_DETAIL_CHARS = 100_000;
const TOO_LONG_TO_SHOW =
  `Cannot ask a person about this call, as it needs: its input has more than ${MAX_DETAIL_CHARS} characters, which ` +
  "nobody could be shown. Call it with less at once.";

/** An argument a line; what follows in a value's further lines is indented, so that it passes for no other argument. */
function describeInput(input: Record<string, unknown>): string {
  const lines = Object.entries(input).map(([key, value]) => {
    const name = /^[\w.-]+$/.test(key) ? key : JSON.stringify(key);
    return `${name}: ${typeof value === "string" ? indented(value) : JSON.stringify(value)}`;
  });
  return lines.join("\n");
}

const indented = (text: string): string => text.replaceAll(/\r\n|[\n\r\u2028\u2029]/g, "\n    ");
