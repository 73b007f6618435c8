/**
 * What server, brain and hands may say to each other: closed unions of serialisable values.
 * A run specification goes in, events and tool calls come out. Nothing here holds a secret:
 * the key reaches a brain once, in `BrainInit`, and never a log, an event or the hands.
 */
import type { MachineFault } from "../server/machine_fault.ts";
import type { FailureReason } from "../server/states.ts";
import type { ResultName } from "./results.ts";

// ---------------------------------------------------------------- the model's messages

/** A content block as the API sent it; unknown kinds are kept and sent back as they came. */
export type ContentBlock =
  | { type: "text"; text: string }
  | { type: "thinking"; thinking: string; signature: string }
  | { type: "redacted_thinking"; data: string }
  | { type: "tool_use"; id: string; name: string; input: Record<string, unknown> }
  | { type: string; [key: string]: unknown };

export interface ToolResultBlock {
  type: "tool_result";
  tool_use_id: string;
  content: string;
  is_error?: true;
}

/** Tokens of one request, or summed. The three input counters are disjoint. */
export interface Usage {
  inputTokens: number;
  outputTokens: number;
  cacheWrite5mTokens: number;
  cacheWrite1hTokens: number;
  cacheReadTokens: number;
  /** Searches of the web that the service made and charges for; absent: none. */
  webSearches?: number;
}

export const noUsage: Usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  cacheReadTokens: 0,
};

/** Micro-USD per million tokens equals USD·10⁻¹² per token; `costOf` in models.ts does the sum. */
export interface Price {
  /** USD per million tokens. */
  input: number;
  output: number;
  cacheWrite5m: number;
  cacheWrite1h: number;
  cacheRead: number;
  /** USD per 1,000 searches of the web; absent, in logs and versions of before there were any: the shipped rate. */
  webSearch?: number;
}

// ---------------------------------------------------------------- the run specification

/** A tool as the model sees it. */
export interface ToolSpec {
  name: string;
  description: string;
  /** JSON Schema of an object. */
  inputSchema: Record<string, unknown>;
  /** Changes nothing: calls of one turn may run side by side. */
  readOnly: boolean;
  /** What it brings into a run or lets out of it; absent: nothing. */
  tags?: readonly ToolTag[];
  /** The service itself does it, within a request: no call of it ever reaches the executor. Absent: it is ours to do. */
  web?: WebToolSpec;
}

/** A tool of the service's own that reaches the web. */
export interface WebToolSpec {
  kind: "search" | "fetch";
  /** Uses in one request. */
  maxUses: number;
  /** Domains, each with all below it; absent: any. */
  allowedDomains?: readonly string[];
  /** Of a fetch: about how much of a page's text comes back. */
  maxContentTokens?: number;
}

/**
 * `private`: what it gives may be nobody else's to know. `untrusted`: what it gives was written by strangers, who may
 * have hidden instructions in it. `outbound`: what it is given leaves this machine.
 */
export const toolTags = ["private", "untrusted", "outbound"] as const;
export type ToolTag = typeof toolTags[number];

export interface ModelSpec {
  /** Exact id sent to the API. */
  id: string;
  /** Most tokens one answer may have. */
  maxOutputTokens: number;
  contextTokens: number;
  /** Null: the model takes no `thinking` parameter. */
  thinking: "adaptive" | null;
  /** Takes `system` messages in the midst of the history; where not, an operator's word joins the user turn. */
  systemMessages: boolean;
  effort: "low" | "medium" | "high" | "xhigh" | "max" | null;
  /** Rates; the second band holds above `longPromptTokens` of prompt, for all of the request's tokens. */
  price: Price;
  longPrompt: { aboveTokens: number; price: Price } | null;
}

export interface RunLimits {
  maxTurns: number;
  /** Sum of all tokens, cache reads included. */
  maxTokens: number;
  maxCostMicroUsd: number;
  /** Time the loop may work in all, not counting what it waits for a person, or for a service that fails. */
  timeoutMs: number;
}

/** All that a brain needs to run one loop; also the first event of the run, so a restart uses the same bytes. */
export interface RunSpec {
  runId: string;
  agent: string;
  model: ModelSpec;
  /** Frozen for the run. */
  system: string;
  /** Frozen for the run, in this order. */
  tools: ToolSpec[];
  /** The first user turn. */
  prompt: string;
  limits: RunLimits;
}

// ---------------------------------------------------------------- events of a run

/** A tool call by the model. */
export interface ToolCall {
  id: string;
  name: string;
  input: Record<string, unknown>;
}

export interface ToolResult {
  callId: string;
  content: string;
  isError: boolean;
  /** Content hashes of files after this call, by path in the project: what Edit and Write may rely on. */
  files?: Record<string, string>;
  /** Paths that this call changed. */
  changed?: string[];
  /** Unified diff of an edit or write, for people. */
  diff?: string;
  /** Exit code of a command. */
  exitCode?: number;
  /** A check failed in nothing but what failed before any change, and the project lets that pass. */
  asBefore?: true;
  /** Folder relative to the place in which the next Bash call starts. */
  cwd?: string;
  durationMs: number;
  /** The call ended the run: submit_result was accepted. */
  final?: true;
  /** A restart cut the call off, and nobody knows how far it came: says nothing about the call itself. */
  interrupted?: true;
  /** What the call brought into the run or let out of it: its tool's tags. Absent: none, or it was refused before. */
  tags?: readonly ToolTag[];
  /** With it the run had all tags together, as a person allowed beforehand in the project's settings. */
  together?: true;
  /** Of a plan: the file was not there before. */
  makesFile?: true;
  /** What a command asked the proxy of its sandbox for. */
  hosts?: HostUse[];
}

/** A host that commands asked for, how often, and whether they got there. */
export interface HostUse {
  /** Without brackets; "": it was no readable request. */
  host: string;
  port: number;
  allowed: boolean;
  /** Why it was not reached; absent: it was. */
  why?: string;
  count: number;
}

/** What a call that writes a file will have done when it is done: enough to tell after a crash whether it was. */
export interface FileIntent {
  /** Relative to the place. */
  path: string;
  /** Of the file's content afterwards. */
  hash: string;
  /** Of what was there before, where that is needed to tell. */
  before?: string;
  /** The result's text. */
  content: string;
}

/** What a person is asked about a call. */
export type ApprovalQuestion = {
  /** The exact command, or which file. */
  detail: string;
  /** What says that a person is asked; absent in old logs, where it was the want of a sandbox. */
  rule?: string;
  /** Of a call that writes a file: the exact change, and what it would have done. Absent: too large to show. */
  diff?: string;
  intent?: FileIntent;
};

/** A planning document as a run was told it. */
export interface ReadDocument {
  id: string;
  /** From the repository's root, then. */
  path: string;
  title: string;
  /** Of its text. */
  version: string;
}

/** The facts a run's log consists of. The log is the run: `fold` in loop/fold.ts rebuilds all from it. */
export type RunEventBody =
  /**
   * `commit`: what was checked out in the place when it began; absent in logs of the first version. `permissions`:
   * absent in those of the first versions. `serverProblems`: why MCP servers gave no tools. `tags`: what it brings
   * along without having called a tool: hosts that its commands may reach are a way out. `documents`: planning
   * documents that its task tells.
   */
  | {
    type: "started";
    spec: RunSpec;
    commit?: string;
    permissions?: Permissions;
    serverProblems?: string[];
    tags?: readonly ToolTag[];
    documents?: ReadDocument[];
  }
  /**
   * A request goes out; without a `turn_finished` or `turn_failed` after it, it was cut off. `elapsedMs`: what
   * the loop had worked until then, in all its lives; absent in logs of the first version. The worst case is
   * the most that it can use and cost, but for notes that the loop has not heard of yet.
   */
  | {
    type: "turn_started";
    turn: number;
    maxOutputTokens: number;
    elapsedMs?: number;
    worstTokens?: number;
    worstCostMicroUsd?: number;
    /** It asks for a summary of the history, to go on from: no turn of the agent's. */
    compacts?: true;
    /** Tools of the web that it goes out with; absent: none. */
    webTools?: string[];
  }
  | {
    type: "turn_finished";
    turn: number;
    content: ContentBlock[];
    stopReason: string;
    usage: Usage;
    costMicroUsd: number;
    /** Rates that were applied. */
    price: Price;
    requestId: string | null;
    durationMs: number;
    /** Tools that the endpoint does not have: it was asked without them, and the run goes on so. */
    withoutTools?: string[];
  }
  /** The request brought no usable answer; what is known of its usage is paid all the same. */
  | {
    type: "turn_failed";
    turn: number;
    reason: FailureReason;
    message: string;
    usage: Usage;
    costMicroUsd: number;
    /** Null: not tried again by the loop. */
    retryInMs: number | null;
    /** Absent: nobody knows. */
    durationMs?: number;
    /** Of one whose answer broke off after it had told of the prompt: the most it has used; absent: its worst case. */
    mostTokens?: number;
    mostCostMicroUsd?: number;
  }
  /**
   * The history up to here is replaced by its summary: a signed `compaction` block of the API's, which goes back as
   * it came, or a text that the model wrote, where the endpoint has no such block. `turn`: the one that comes next.
   */
  | {
    type: "compacted";
    turn: number;
    content: ContentBlock[];
    usage: Usage;
    costMicroUsd: number;
    price: Price;
    requestId: string | null;
    durationMs: number;
  }
  | { type: "tool_started"; turn: number; call: ToolCall }
  | ({ type: "approval_requested"; callId: string; approvalId: string } & ApprovalQuestion)
  | { type: "approval_decided"; callId: string; granted: boolean; reason: string; by: string }
  /**
   * A call that a person granted, or that writes a file, begins; without a result after it, it was cut off.
   * `intent`: what it writes.
   */
  | { type: "tool_executing"; callId: string; intent?: FileIntent }
  | { type: "tool_finished"; turn: number; result: ToolResult }
  /** Work of a turn that changed files, committed on the ticket's branch. */
  | { type: "checkpoint"; turn: number; commit: string; files: string[] }
  /**
   * An operator's note, sent to the model as a `system` message. `by`: the person who wrote it, at any time;
   * absent: the loop itself, which says the same again whenever it is at the same place and time (`elapsedMs`).
   */
  | { type: "note"; text: string; by?: string; elapsedMs?: number }
  /** A user turn the runtime added (an empty answer, a reminder to submit). */
  | { type: "nudge"; text: string }
  /** What stands before it is another run's log up to the end of that turn; from here on these limits hold. */
  | { type: "forked"; from: string; turn: number; limits: RunLimits }
  | { type: "waiting"; reason: string; failure: FailureReason | null }
  | { type: "resumed"; reason: string }
  | { type: "succeeded"; result: unknown }
  | { type: "failed"; reason: FailureReason; message: string }
  | { type: "cancelled"; by: string };

export type NoteEvent = Extract<RunEventBody, { type: "note" }>;

/** How a loop ended, or why it let go. */
export type RunOutcome =
  | { type: "succeeded"; result: unknown }
  | { type: "failed"; reason: FailureReason; message: string }
  /** A tool call waits for a person; the run goes on from its log when that person has decided. */
  | { type: "suspended" }
  /** A retriable failure outlasted the loop's own tries; the job tries again later. */
  | { type: "retry"; reason: FailureReason; message: string; afterMs: number | null }
  /** Every run would fail like this (key, billing, spending limit): the agents are held until a person acts. */
  | { type: "hold"; reason: FailureReason; message: string }
  /** The next request has no room within a limit on spending. `untilMs` null: only a person can make room. */
  | {
    type: "budget";
    message: string;
    untilMs: number | null;
    need: { microUsd: number; tokens: number };
  }
  /**
   * What broken requests may have cost takes up the rest of the run's own limit: it waits for a person's word, and
   * ends with `reason` where nobody is asked.
   */
  | { type: "in_doubt"; reason: "max_cost" | "max_tokens"; message: string }
  /** Told to stop: the server cancels, shuts down, or lost this brain. */
  | { type: "stopped" };

// ---------------------------------------------------------------- server ↔ brain (postMessage)

/** How a brain reaches the model. The demo model answers inside the brain, which then has no network. */
export type ModelEndpoint =
  | { kind: "demo"; paceMs: number }
  | {
    kind: "endpoint";
    baseUrl: string;
    apiKey: string;
    idleTimeoutMs: number;
    /** What it is known not to take; absent: nothing is. */
    quirks?: Quirk[];
  };

/** A field of a request that an endpoint may lack; see loop/quirks.ts. */
export type Quirk =
  | "cache_control"
  | "thinking"
  | "output_config"
  | "compaction"
  | "system_messages"
  | "web_search"
  | "web_fetch";

export const rateBuckets = ["requests", "tokens", "input-tokens", "output-tokens"] as const;
export type RateBucket = typeof rateBuckets[number];

/** What a provider's headers told of its rate limits; a bucket that they do not name has none that is known. */
export type RateLimits = Partial<
  Record<RateBucket, {
    limit: number;
    remaining: number;
    /** Until it is full again, from when the headers came. */
    resetInMs: number;
  }>
>;

/**
 * `loop` numbers one start of a run, within one brain: when a run is stopped and started again, what its
 * earlier loop still had to say can't be taken for the later one's.
 */
export type ToBrain =
  | { type: "init"; endpoint: ModelEndpoint }
  | { type: "start"; loop: number; spec: RunSpec; log: RunEventBody[]; elapsedMs: number }
  /** Reply to `append`: it is on disk. */
  | { type: "appended"; loop: number; requestId: number }
  /** Reply to `tools`. `suspended` calls wait for a person. */
  | {
    type: "tool_results";
    loop: number;
    requestId: number;
    results: ToolResult[];
    suspended: boolean;
  }
  /** The server has appended a person's note; what it answers afterwards stands behind it in the log. */
  | { type: "note"; loop: number; event: NoteEvent }
  | { type: "stop"; loop: number }
  | { type: "ping"; id: number }
  /** The canary, in a brain that runs nothing else: try all that a brain must not be able to do. */
  | { type: "probe"; targets: BrainProbeTargets };

/** Several at a time come as a list, in their order. */
export type FromBrain =
  | { type: "ready" }
  | { type: "append"; loop: number; requestId: number; event: RunEventBody }
  /** One turn's calls, in order. The server checks, records, executes and records again. */
  | { type: "tools"; loop: number; requestId: number; turn: number; calls: ToolCall[] }
  /** What streams, bundled; never stored. */
  | { type: "delta"; loop: number; turn: number; kind: "text" | "thinking" | "tool"; text: string }
  /** The request on its way begins to be answered. */
  | { type: "answering"; loop: number }
  | { type: "rate"; loop: number; limits: RateLimits }
  /** The endpoint does not take this: the server remembers it for brains to come. */
  | { type: "quirk"; quirk: Quirk }
  | { type: "outcome"; loop: number; outcome: RunOutcome }
  | { type: "pong"; id: number }
  /** Something went wrong in the brain that belongs to no loop, or made one fail: for the server's log. */
  | { type: "fault"; message: string }
  /** What the canary could do, by name; empty: it is confined. */
  | { type: "probed"; holes: string[] };

/** What the canary reaches for. */
export interface BrainProbeTargets {
  /** Absolute path of a file that exists and is readable for the server. */
  file: string;
  /** Address of a module outside; null: not tried, since a compiled program never checks imports. */
  module: string | null;
  /** A port on which something listens on this machine. */
  port: number;
}

// ---------------------------------------------------------------- server ↔ hands (JSON lines on pipes)

/** A folder that hands work in, and what they may do there. */
export interface Place {
  /** Absolute real path. */
  dir: string;
  access: "read" | "write";
  /** The repository's common .git folder: bound read-only in a sandbox, so that builds can ask git. */
  gitDir: string | null;
  /**
   * Absolute real path of the home folder of its commands in a sandbox, for what setup fetches to be there for
   * the build: caches of modules, environments. Absent: an empty one that is gone with the hands.
   */
  homeDir?: string;
  /** Absolute paths inside of it that a sandbox shows as empty: see `secret_mask.ts`. */
  masked?: readonly string[];
  /** Absent: its commands reach no host. Without a sandbox nothing can hold them to it, and it is not given. */
  reach?: Reach;
  /** Absolute paths of folders that are shown read-only, and whose programs come first on PATH. */
  toolchains?: readonly string[];
  /** In place of the limits that hold for every place. */
  limits?: LimitChanges;
}

/** Hosts that commands may reach, by a proxy and in no other way. */
export interface Reach {
  /** Whose commands, such as a run's id: nobody else gets the same sandbox or proxy. */
  by: string;
  /** See `readHostRule`; never empty. */
  hosts: readonly string[];
}

/** Limits of hands that a person has set; what is absent is as it is shipped. */
export interface LimitChanges {
  memoryBytes?: number;
  cpuSeconds?: number;
  /** Processes and threads at one time. */
  tasks?: number;
  fileBytes?: number;
  openFiles?: number;
}

/** Paths an agent may not touch, as globs relative to the place. */
export interface PathPolicy {
  /** Empty: everything in the place. */
  allow: string[];
  block: string[];
  /** What may be written is limited to these; absent or empty: to `allow`. */
  write?: string[];
}

/** How long what an agent notes down is kept: for the work on one idea or ticket, its project, or always. */
export const memoryScopes = ["none", "session", "project", "global"] as const;
export type MemoryScope = typeof memoryScopes[number];

/**
 * Whether a person is asked about tools of the web beside others that read what is private, before a run's first
 * request: each time, or never again, since somebody has said yes beforehand.
 */
export const webWords = ["ask", "allowed"] as const;
export type WebWord = typeof webWords[number];

/** What a run may do and what is kept of it: fixed when it begins, whatever becomes of its agent's definition. */
export interface Permissions {
  paths: PathPolicy;
  /** Patterns of commands that Bash may run, such as `npm run *`; empty: any. */
  commands: string[];
  /** Hosts that its commands may reach, such as `registry.npmjs.org` or `*.example.com`; empty: none. */
  hosts: string[];
  /** The same for the project's checks that it runs, from the project's settings. */
  checkHosts?: string[];
  /** Patterns of calls that a person is asked about first, such as `write(new)`, `edit(*.lock)`, `bash(rm *)`. */
  requireApproval: string[];
  memory: MemoryScope;
  result: ResultName;
  /** Absent: "ask". */
  web?: WebWord;
}

export const mcpTransports = ["stdio", "http"] as const;
export type McpTransport = typeof mcpTransports[number];

/** A server of tools that a project's agents may use. */
export interface McpServerConfig {
  /** Part of its tools' names. */
  name: string;
  transport: McpTransport;
  /** stdio: the program, looked for on the sandbox's PATH, and what it is given. */
  command: string;
  args: string[];
  /** stdio: variables for it; a value `$NAME` is that of Gaffer's own environment. */
  env: Record<string, string>;
  /** http: its address, and headers with values like those of `env`. */
  url: string;
  headers: Record<string, string>;
  /** For one call. */
  timeoutMs: number;
  /** What its tools bring into a run or let out of it, as a person said; null or absent: `carefulTags`. */
  tags?: readonly ToolTag[] | null;
}

/** What a command is run with. */
export interface CommandSpec {
  /** Given to `sh -c`. */
  command: string;
  /** Relative to the place; "" is its root. */
  cwd: string;
  timeoutMs: number;
  env: Record<string, string>;
}

export interface CommandResult {
  /** Null: it was killed. */
  exitCode: number | null;
  timedOut: boolean;
  durationMs: number;
  /** All output up to the cap, head and tail beyond it. */
  output: string;
  /** Bytes it wrote in all. */
  outputBytes: number;
  /** Folder relative to the place where the shell ended, when still inside. */
  cwd: string;
  /** See `ToolResult`. */
  hosts?: HostUse[];
}

export type ToHands =
  | {
    type: "tool";
    id: number;
    call: ToolCall;
    policy: PathPolicy;
    /** Hashes of the files this run has read, by path. */
    known: Record<string, string>;
    /** Where Bash starts, relative to the place. */
    cwd: string;
    /**
     * Only works out what the call would write: the result tells the hash, with "diff" also the change, and no file
     * is touched.
     */
    plan?: true | "diff";
    /** What the call was to write. A file that is so already was written in an earlier life. */
    intent?: FileIntent;
  }
  | { type: "command"; id: number; spec: CommandSpec }
  | { type: "cancel"; id: number }
  | { type: "probe"; id: number; attempts: ProbeAttempt[] };

export type FromHands =
  | { type: "ready"; pid: number }
  | { type: "output"; id: number; text: string }
  | { type: "tool_done"; id: number; result: ToolResult; cwd: string }
  | { type: "command_done"; id: number; result: CommandResult }
  /** The hands themselves could not do it (a fault, not the tool's own refusal). `fault`: the machine's. */
  | { type: "error"; id: number; message: string; fault?: MachineFault }
  | { type: "probe_done"; id: number; results: ProbeResult[] };

/** One thing that confined code must not be able to do; the canary tries each at start-up. */
export interface ProbeAttempt {
  name: string;
  action: "read" | "write" | "run" | "connect" | "unix" | "env" | "import" | "worker";
  target: string;
}
export interface ProbeResult {
  name: string;
  /** It could: confinement is broken. */
  succeeded: boolean;
  detail: string;
}
