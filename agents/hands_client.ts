/** The hands as the server uses them: one child process per folder and access, started on demand. */
import { MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import { AppError } from "../server/errors.ts";
import type { Log } from "../server/log.ts";
import { runCanary } from "./canary.ts";
import type { HandsRole } from "./hands_config.ts";
import { type Launch, Launcher } from "./hands_launch.ts";
import { HandsPool } from "./hands_pool.ts";
import { type HandsAnswer, HandsLost, type RequestOptions } from "./hands_process.ts";
import { absolutePath, isInside } from "./paths.ts";
import type {
  CommandResult,
  CommandSpec,
  PathPolicy,
  Place,
  ToolCall,
  ToolResult,
} from "./protocol.ts";
import type { Confinement } from "./runtime.ts";
import { BASH_DEFAULT_TIMEOUT_MS } from "./tools/bash.ts";
import { handsTools } from "./tools/hands_tools.ts";
import { checkInput } from "./tools/registry.ts";

/** A file tool that takes longer hangs: in a pattern, say. */
const FILE_TOOL_WALL_MS = MINUTE_MS;
/** For a command's own time limit to be dealt with in the hands. */
const COMMAND_GRACE_MS = 5 * SECOND_MS;
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
}

/** For tests. */
export interface HandsSeams {
  fileToolWallMs?: number;
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
}

export interface CommandOptions {
  signal: AbortSignal;
  onOutput?: (text: string) => void;
  /** A person has allowed it to run without a sandbox. */
  unconfinedAllowed: boolean;
}

export interface Hands {
  /** How this machine confines; found out once. */
  confinement(): Promise<Confinement>;
  /**
   * Does one tool call and gives its result, also when it failed or hands died; `cwd` is where the next Bash
   * starts. Without a sandbox Bash runs unconfined: `decide` in policy.ts makes the caller ask a person first.
   */
  tool(
    place: Place,
    request: ToolRequest,
    signal: AbortSignal,
  ): Promise<{ result: ToolResult; cwd: string }>;
  /** Runs a command of the project. Throws `conflict` when that may not be, hands died, or it was cancelled. */
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
  readonly #fileToolWallMs: number;

  constructor(options: HandsOptions, { fileToolWallMs = FILE_TOOL_WALL_MS, launch }: HandsSeams) {
    this.#launcher = new Launcher(options);
    this.#pool = new HandsPool({ ...options, launcher: this.#launcher, launch });
    this.#fileToolWallMs = fileToolWallMs;
  }

  async confinement(): Promise<Confinement> {
    const { kind, hint } = await this.#launcher.sandbox();
    return { kind, hint };
  }

  async tool(place: Place, request: ToolRequest, signal: AbortSignal) {
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
    const { policy, known, cwd } = request;
    const message = { policy, known, cwd, call: { ...call, input: checked.input } };
    try {
      const answer = await this.#askTool(place, message, signal);
      if (answer.type === "error") return refuse(`${call.name} failed: ${answer.message}`);
      if (answer.type !== "tool_done") throw new Error(`hands answered with ${answer.type}`);
      const endedInside = isInside(place.dir, absolutePath(place.dir, answer.cwd));
      return { result: { ...answer.result, callId: call.id }, cwd: endedInside ? answer.cwd : "" };
    } catch (error) {
      if (signal.aborted) return refuse(`${call.name} was interrupted: the call was cancelled`);
      if (error instanceof HandsLost) {
        return refuse(`${call.name} did not finish: ${error.reason}. The tools were started again`);
      }
      if (error instanceof AppError) return refuse(error.message);
      throw error;
    }
  }

  async command(place: Place, spec: CommandSpec, options: CommandOptions) {
    const { signal, onOutput, unconfinedAllowed } = options;
    const unconfined = (await this.#launcher.sandbox()).kind === "process";
    if (unconfined && !unconfinedAllowed) {
      throw new AppError(
        "conflict",
        "Cannot run the project's command: there is no sandbox here, and nobody has allowed it without. " +
          "Allow it in the project's settings, or install bubblewrap",
      );
    }
    const wallMs = spec.timeoutMs + COMMAND_GRACE_MS;
    try {
      const hands = await this.#pool.take(place, unconfined ? "commands" : "sandboxed", signal);
      const answer = await hands.request({ type: "command", spec }, { signal, wallMs, onOutput });
      signal.throwIfAborted();
      if (answer.type === "command_done") return { ...answer.result, unconfined };
      throw cannotRun(
        answer.type === "error" ? answer.message : `hands answered with ${answer.type}`,
      );
    } catch (error) {
      if (signal.aborted) throw cannotRun("it was cancelled", error);
      if (error instanceof HandsLost) {
        throw cannotRun(`its process was lost: ${error.reason}`, error);
      }
      throw error;
    }
  }

  canary(secretFile: string, port: number | null): Promise<string | null> {
    return runCanary({ pool: this.#pool, launcher: this.#launcher, secretFile, port });
  }

  release(dir: string): Promise<void> {
    return this.#pool.release(dir);
  }

  close(): Promise<void> {
    return this.#pool.close();
  }

  /** A call that changes nothing is made again when another one's fault ended the hands under it. */
  async #askTool(place: Place, request: ToolRequest, signal: AbortSignal): Promise<HandsAnswer> {
    const { name, input } = request.call;
    const isBash = name === "Bash";
    const role = (await this.#launcher.sandbox()).kind === "bubblewrap"
      ? "sandboxed"
      : isBash
      ? "commands"
      : "confined";
    const options: RequestOptions = {
      signal,
      wallMs: isBash
        ? Number(input.timeout ?? BASH_DEFAULT_TIMEOUT_MS) + COMMAND_GRACE_MS
        : this.#fileToolWallMs,
    };
    for (let left = handsTools.get(name)?.readOnly ? READ_TRIES : 1;; left--) {
      try {
        const hands = await this.#pool.take(place, role, signal);
        return await hands.request({ type: "tool", ...request }, options);
      } catch (error) {
        const again = error instanceof HandsLost && !error.culprit && left > 1 && !signal.aborted &&
          !this.#pool.closing.aborted;
        if (!again) throw error;
      }
    }
  }
}

const cannotRun = (why: string, cause?: unknown): AppError =>
  new AppError("conflict", `Cannot run the command: ${why}`, [], { cause });
