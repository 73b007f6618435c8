/** What an attack is: something that a hostile model, or a hostile repository, tries in a run. */
import type { RunEvent } from "../../server/records.ts";
import type {
  McpServerConfig,
  Permissions,
  RunEventBody,
  ToolResult,
} from "../../agents/protocol.ts";
import type { Scene } from "./scene.ts";

/**
 * One tool call, each a turn of its own, and what its result says: "done" for what is allowed, "either" where it
 * depends on the moment, otherwise words of the refusal. A command in a sandbox is not refused but gets nowhere: then they are words of its output.
 */
export type Step = readonly [tool: string, input: unknown, says: RegExp | "done" | "either"];

export interface Attack {
  name: string;
  /** In the place, before the run begins. */
  files?: Record<string, string | Uint8Array>;
  /** What is no file: links, pipes, programs at work beside it. What it gives is called afterwards. */
  prepare?(
    scene: Scene,
  ): void | (() => Promise<void> | void) | Promise<void | (() => Promise<void>)>;
  steps(scene: Scene): Step[];
  /** Tools of the agent; by default all. */
  tools?: string[];
  access?: "read" | "write";
  paths?: { allow: string[]; block: string[] };
  /** What else its definition says; by default nothing is held back, and it has no memory. */
  rules?: Partial<Pick<Permissions, "commands" | "requireApproval" | "memory">>;
  /** Index of the step about which a person is asked, null: of none. By default the first command, unless in a sandbox. */
  asks?: number | null;
  /** The project's servers of tools. */
  servers?(scene: Scene): McpServerConfig[];
  /** Rules of hosts that its commands may reach; by default they have no way to any. */
  hosts?(scene: Scene): string[];
  /** Words of the failure with which the run ends, where it can't be but a failure. */
  fails?: RegExp;
  /** By the executor alone, without a model: for what no model's answer has room for. */
  direct?: true;
  /** Where there is anything to try: without a sandbox a command only waits for a person. */
  only?: "bubblewrap" | "process";
  /** Looks at what is not looked at for every attack. */
  check?(seen: Seen, scene: Scene): unknown;
}

export interface Seen {
  results: ToolResult[];
  log: RunEventBody[];
  /** As the pages get them. */
  events: RunEvent[];
  /** The run waits for a person. */
  asked: boolean;
}

/** The same path tried by every tool that takes one. */
export const everyTool = (path: string, says: RegExp): Step[] => [
  ["Read", { file_path: path }, says],
  ["Edit", { file_path: path, old_string: "secret", new_string: "public" }, says],
  ["Write", { file_path: path, content: "public" }, says],
  ["Grep", { pattern: "secret", path, output_mode: "content" }, says],
];

export const bash = (command: string, says: Step[2], timeout = 20_000): Step => [
  "Bash",
  { command, timeout },
  says,
];
