/** The hands as the server uses them: one child process per folder and access, started on demand. */
import { MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import { AppError } from "../server/errors.ts";
import { type MachineFault, Unavailable } from "../server/machine_fault.ts";
import type { Log } from "../server/log.ts";
import { runCanary } from "./canary.ts";
import type { HandsRole } from "./hands_config.ts";
import { type Launch, Launcher } from "./hands_launch.ts";
import { type HandsLimits, handsLimits, withChanges } from "./hands_limits.ts";
import { HandsPool } from "./hands_pool.ts";
import { HandsWatch } from "./hands_watch.ts";
import { hostsNote } from "./host_uses.ts";
import {
  type HandsAnswer,
  HandsLost,
  type HandsProcess,
  type RequestOptions,
} from "./hands_process.ts";
import { openTransportIn } from "./mcp/open_transport.ts";
import { McpServers } from "./mcp/servers.ts";
import { HeadAndTail } from "./output.ts";
import { absolutePath, isInside } from "./paths.ts";
import type {
  CommandResult,
  CommandSpec,
  FileIntent,
  HostUse,
  LimitChanges,
  McpServerConfig,
  PathPolicy,
  Place,
  ToolCall,
  ToolResult,
} from "./protocol.ts";
import type { Confinement } from "./runtime.ts";
import { KnownSecrets } from "./secret_mask.ts";
import { BASH_DEFAULT_TIMEOUT_MS } from "./tools/bash.ts";
import { handsTools } from "./tools/hands_tools.ts";
import { checkInput } from "./tools/registry.ts";

/** A file tool that takes longer hangs: in a pattern, say. Grep itself looks for no more than 20 s. */
const FILE_TOOL_WALL_MS = MINUTE_MS / 2;
/** For a command's own time limit to be dealt with in the hands. */
const COMMAND_GRACE_MS = 5 * SECOND_MS;
/** Of the live output of a command whose hands were ended, what its result shows. */
const SAVED_OUTPUT_BYTES = 64 * 1024;
/** Exit code of what SIGKILL has ended, as shells tell it. */
const KILLED = 137;
/** Times that a call which changes nothing is made, when hands die under it through no fault of its own. */
const READ_TRIES = 2;

export interface HandsOptions {
  /** Folder with main.ts in source, or the bundle's root. */
  root: URL;
  /** The program is one executable. */
  compiled: boolean;
  sandbox: "auto" | "off";
  log: Log;
  /** After which unused hands are ended. */
  idleMs?: number;
  /** Absolute real paths that hands must never see: the data folder. */
  protectedPaths: string[];
  /** What a person has set of the limits. */
  limits?: LimitChanges;
  /** See `LaunchOptions`. */
  toolchains?: readonly string[];
  ownPort?: () => number | null;
}

/** For tests. */
export interface HandsSeams {
  fileToolWallMs?: number;
  limits?: Partial<HandsLimits>;
  /** Changes how hands are started. */
  launch?: (launch: Launch, role: HandsRole) => Launch;
}

export interface ToolRequest {
  call: ToolCall;
  policy: PathPolicy;
  /** Hashes of the files that the run has read, by path in the place. */
  known: Record<string, string>;
  /** Where Bash starts, relative to the place. */
  cwd: string;
  /** A person has granted this very call: without a sandbox Bash runs for nothing less. */
  unconfinedAllowed: boolean;
  /** See `ToHands`. */
  plan?: true | "diff";
  intent?: FileIntent;
  /** Gets what a command prints as it comes. */
  onOutput?: (text: string) => void;
}

export interface CommandOptions {
  signal: AbortSignal;
  onOutput?: (text: string) => void;
  /** A person has allowed it to run without a sandbox. */
  unconfinedAllowed: boolean;
  /**
   * Lets it use the machine's network, in hands that run nothing else. False by default; without a sandbox
   * the network can't be cut, and this changes nothing.
   */
  network?: boolean;
}

export interface Hands {
  /** How this machine confines; found out once. Throws `unavailable` while it can't be tried. */
  confinement(): Promise<Confinement>;
  /** Starts the hands of a place ahead of the first tool call, which tells what is wrong with them. */
  warm(place: Place, signal: AbortSignal): void;
  /**
   * Does one tool call and gives its result, also when it failed, may not be or hands died; `cwd` is where
   * the next Bash starts. Throws `unavailable` when the machine lacks what it needs to write a file.
   */
  tool(
    place: Place,
    request: ToolRequest,
    signal: AbortSignal,
  ): Promise<{ result: ToolResult; cwd: string }>;
  /**
   * Runs a command of the project. Throws `conflict` when that may not be, hands died, or it was cancelled, and
   * `unavailable` when the machine lacks what it needs to begin.
   */
  command(
    place: Place,
    spec: CommandSpec,
    options: CommandOptions,
  ): Promise<CommandResult & { unconfined: boolean }>;
  /**
   * Starts hands and lets them try what they must not be able to do: read `secretFile`, connect to `port`,
   * and more. Null: all of it failed, as it must; otherwise what is wrong.
   */
  canary(secretFile: string, port: number | null): Promise<string | null>;
  /** Starts MCP servers for a run in this place. They are the caller's to close. Rejects when `signal` aborts. */
  serve(
    place: Place,
    configs: readonly McpServerConfig[],
    signal: AbortSignal,
  ): Promise<McpServers>;
  /** Ends the hands of a folder and all they started; resolves when they are gone. */
  release(dir: string): Promise<void>;
  /** Ends all hands; none are started any more. */
  close(): Promise<void>;
}

export function createHands(options: HandsOptions, seams: HandsSeams = {}): Hands {
  return new HandsClient(options, seams);
}

class HandsClient implements Hands {
  readonly #launcher: Launcher;
  readonly #pool: HandsPool;
  readonly #watch: HandsWatch;
  readonly #secrets = new KnownSecrets();
  readonly #fileToolWallMs: number;

  constructor(
    options: HandsOptions,
    { fileToolWallMs = FILE_TOOL_WALL_MS, launch, limits: changes }: HandsSeams,
  ) {
    const shipped = handsLimits(Deno.systemMemoryInfo().total);
    const limits = { ...withChanges(shipped, options.limits ?? {}), ...changes };
    this.#launcher = new Launcher({ ...options, limits });
    this.#watch = new HandsWatch(options.log);
    this.#pool = new HandsPool({
      ...options,
      launcher: this.#launcher,
      watch: this.#watch,
      launch,
    });
    this.#fileToolWallMs = fileToolWallMs;
  }

  async confinement(): Promise<Confinement> {
    const { kind, hint } = await this.#launcher.sandbox();
    return { kind, hint };
  }

  warm(place: Place, signal: AbortSignal): void {
    // Whoever asks for something meets the same fault, and tells it where it matters.
    this.#handsFor(place, "Read", signal).catch(() => {});
  }

  async tool(place: Place, request: ToolRequest, signal: AbortSignal) {
    const done = await this.#tool(place, request, signal);
    if (request.call.name !== "Bash") return done;
    const hosts = await this.#pool.uses(place);
    if (hosts.length === 0) return done;
    const { content } = done.result;
    return { ...done, result: { ...done.result, content: withNote(content, hosts), hosts } };
  }

  async command(place: Place, spec: CommandSpec, options: CommandOptions) {
    const done = await this.#command(place, spec, options);
    const hosts = await this.#pool.uses(place);
    if (hosts.length === 0) return done;
    const note = hostsNote(hosts);
    if (note !== null) options.onOutput?.(`\n${note}\n`);
    return { ...done, output: withNote(done.output, hosts), hosts };
  }

  async #tool(
    place: Place,
    request: ToolRequest,
    signal: AbortSignal,
  ): Promise<{ result: ToolResult; cwd: string }> {
    const { call } = request;
    const startedAt = performance.now();
    const refuse = (content: string) => ({
      result: {
        callId: call.id,
        content,
        isError: true,
        durationMs: Math.round(performance.now() - startedAt),
      },
      cwd: request.cwd,
    });
    if (!handsTools.has(call.name)) return refuse(`No such tool available: ${call.name}`);
    const checked = checkInput(call.name, call.input);
    if (!checked.ok) return refuse(checked.message);
    try {
      const checkedCall = { ...call, input: checked.input };
      const answer = await this.#askTool(place, { ...request, call: checkedCall }, signal);
      if (answer.type === "error") {
        if (answer.fault) throw lacking(answer.fault, `use ${call.name}`, answer.message);
        return refuse(`${call.name} failed: ${answer.message}`);
      }
      if (answer.type !== "tool_done") throw new Error(`hands answered with ${answer.type}`);
      const endedInside = isInside(place.dir, absolutePath(place.dir, answer.cwd));
      return { result: { ...answer.result, callId: call.id }, cwd: endedInside ? answer.cwd : "" };
    } catch (error) {
      if (signal.aborted) return refuse(`${call.name} was interrupted: the call was cancelled`);
      if (error instanceof HandsLost) {
        const hint = call.name === "Grep" && error.culprit ? ". Try a simpler pattern" : "";
        return refuse(
          `${call.name} did not finish: ${error.reason}${hint}. The tools were started again`,
        );
      }
      if (error instanceof AppError && !(error instanceof Unavailable)) {
        return refuse(error.message);
      }
      throw error;
    }
  }

  async #command(place: Place, spec: CommandSpec, options: CommandOptions) {
    const { signal, onOutput, unconfinedAllowed, network = false } = options;
    const unconfined = (await this.#launcher.sandbox()).kind === "process";
    if (unconfined && !unconfinedAllowed) {
      throw new AppError(
        "conflict",
        "Cannot run the project's command: there is no sandbox here, and nobody has allowed it without. " +
          "Allow it in the project's settings, or install bubblewrap",
        [],
        { failure: "commands_not_allowed" },
      );
    }
    const role = unconfined ? "commands" : network ? "networked" : "sandboxed";
    const wallMs = spec.timeoutMs + COMMAND_GRACE_MS;
    const startedAt = performance.now();
    const saved = new HeadAndTail(SAVED_OUTPUT_BYTES);
    const onLive = (text: string) => {
      saved.push(new TextEncoder().encode(text));
      onOutput?.(text);
    };
    try {
      const hands = await this.#pool.take(place, role, signal);
      const answer = await hands.request({ type: "command", spec }, {
        signal,
        wallMs,
        onOutput: onLive,
      });
      signal.throwIfAborted();
      if (answer.type === "command_done") return { ...answer.result, unconfined };
      if (answer.type !== "error") throw cannotRun(`hands answered with ${answer.type}`);
      if (answer.fault) throw lacking(answer.fault, "run the command", answer.message);
      throw cannotRun(answer.message);
    } catch (error) {
      if (signal.aborted) throw cannotRun("it was cancelled", error);
      if (error instanceof HandsLost && error.excess) {
        return {
          exitCode: KILLED,
          timedOut: false,
          durationMs: Math.round(performance.now() - startedAt),
          output: `${saved.text()}\n[The command was ended: ${error.reason}]\n`,
          outputBytes: saved.total,
          cwd: spec.cwd,
          unconfined,
        };
      }
      if (error instanceof HandsLost) throw lostHands(error);
      throw error;
    } finally {
      // What could reach the network does not outlive the command that was allowed to.
      if (role === "networked") await this.#pool.dismiss(place, role);
    }
  }

  canary(secretFile: string, port: number | null): Promise<string | null> {
    return runCanary({ pool: this.#pool, launcher: this.#launcher, secretFile, port });
  }

  async serve(
    place: Place,
    configs: readonly McpServerConfig[],
    signal: AbortSignal,
  ): Promise<McpServers> {
    // What a model has them do is a model's doing.
    const masked = configs.length === 0 ? [] : await this.#secrets.now(place, this.#pool.closing);
    const watch = this.#watch;
    const open = openTransportIn({ launcher: this.#launcher, watch }, { ...place, masked }, signal);
    return await McpServers.start(configs, open, signal);
  }

  release(dir: string): Promise<void> {
    this.#secrets.forget(dir);
    return this.#pool.release(dir);
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#launcher.close();
  }

  /** A call that changes nothing is made again when another one's fault ended the hands under it. */
  async #askTool(
    place: Place,
    { unconfinedAllowed, onOutput, ...request }: ToolRequest,
    signal: AbortSignal,
  ): Promise<HandsAnswer> {
    const { name, input } = request.call;
    const isBash = name === "Bash";
    const { kind } = await this.#launcher.sandbox();
    if (isBash && kind === "process" && !unconfinedAllowed) {
      throw cannotRun("there is no sandbox here, and nobody has allowed this command without");
    }
    const options: RequestOptions = {
      signal,
      wallMs: isBash
        ? Number(input.timeout ?? BASH_DEFAULT_TIMEOUT_MS) + COMMAND_GRACE_MS
        : this.#fileToolWallMs,
      onOutput,
    };
    // What is written with its intent told is written once, however often it is asked for.
    const isRepeatable = handsTools.get(name)?.readOnly || request.plan || request.intent;
    for (let left = isRepeatable ? READ_TRIES : 1;; left--) {
      try {
        const hands = await this.#handsFor(place, name, signal);
        return await hands.request({ type: "tool", ...request }, options);
      } catch (error) {
        const again = error instanceof HandsLost && !error.culprit && left > 1 && !signal.aborted &&
          !this.#pool.closing.aborted;
        if (!again) throw error;
      }
    }
  }

  /** Those that do what a model asks for with this tool, running or started for it. */
  async #handsFor(place: Place, tool: string, signal: AbortSignal): Promise<HandsProcess> {
    const { kind } = await this.#launcher.sandbox();
    if (kind === "process") {
      return await this.#pool.take(place, tool === "Bash" ? "commands" : "confined", signal);
    }
    // File tools refuse such files by their names, so they need no new hands for them.
    const look = tool === "Bash" ? "now" : "in";
    const masked = await this.#secrets[look](place, this.#pool.closing);
    return await this.#pool.take({ ...place, masked }, "sandboxed", signal);
  }
}

/** With what was not reached, since few programs show more of a proxy's refusal than its number. */
function withNote(output: string, hosts: readonly HostUse[]): string {
  const note = hostsNote(hosts);
  return note === null ? output : `${output.trimEnd()}\n${note}`;
}

/** The words are the system's own, as the hands met them. */
const lacking = (fault: MachineFault, doing: string, words: string): Unavailable =>
  new Unavailable(fault, doing, new Error(words));
const cannotRun = (why: string, cause?: unknown): AppError =>
  new AppError("conflict", `Cannot run the command: ${why}`, [], { cause });
/** No fault of the command's or of the repository's: it may be run again. */
const lostHands = (cause: HandsLost): AppError =>
  new AppError("conflict", `Cannot run the command: its process was lost: ${cause.reason}`, [], {
    cause,
    failure: "worker_lost",
  });
