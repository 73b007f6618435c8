/** The hands as the server uses them: one child process per folder and access, started on demand. */
import { MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import { AppError, messageOf } from "../server/errors.ts";
import type { Log } from "../server/log.ts";
import { canaryAttempts, firstHole } from "./canary.ts";
import type { HandsRole } from "./hands_config.ts";
import { type Launch, Launcher } from "./hands_launch.ts";
import {
  type HandsAnswer,
  HandsLost,
  HandsProcess,
  type HandsRequest,
  type RequestOptions,
} from "./hands_process.ts";
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
import { checkInput, findTool } from "./tools/registry.ts";

const DEFAULT_IDLE_MS = MINUTE_MS;
/** A file tool that takes longer hangs: in a pattern, say. */
const FILE_TOOL_WALL_MS = MINUTE_MS;
/** For a command's own time limit to be dealt with in the hands. */
const COMMAND_GRACE_MS = 5 * SECOND_MS;
const CANARY_WALL_MS = 30 * SECOND_MS;
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
  return new HandsPool(options, seams);
}

interface Entry {
  dir: string;
  hands: Promise<HandsProcess>;
  idle?: ReturnType<typeof setTimeout>;
}

class HandsPool implements Hands {
  readonly #options: HandsOptions;
  readonly #seams: HandsSeams;
  readonly #launcher: Launcher;
  readonly #entries = new Map<string, Entry>();
  readonly #stop = new AbortController();

  constructor(options: HandsOptions, seams: HandsSeams) {
    this.#options = options;
    this.#seams = seams;
    this.#launcher = new Launcher(options);
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
    const checked = checkInput(call.name, call.input);
    if (!checked.ok) return refuse(checked.message);
    const message: HandsRequest = {
      ...{ type: "tool", policy: request.policy, known: request.known, cwd: request.cwd },
      call: { ...call, input: checked.input },
    };
    try {
      const answer = await this.#askTool(place, message, signal);
      if (answer.type === "error") return refuse(`${call.name} failed: ${answer.message}`);
      if (answer.type !== "tool_done") throw new Error(`hands answered with ${answer.type}`);
      const cwd = isInside(place.dir, absolutePath(place.dir, answer.cwd)) ? answer.cwd : "";
      return { result: { ...answer.result, callId: call.id }, cwd };
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
      const hands = await this.#take(place, unconfined ? "commands" : "sandboxed", signal);
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

  async canary(secretFile: string, port: number | null): Promise<string | null> {
    const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "gaffer-canary-" }));
    const outsideFile = `${dir}-outside`;
    try {
      const sandbox = await this.#launcher.sandbox();
      const role = sandbox.kind === "process" ? "confined" : "sandboxed";
      const hands = await this.#take(
        { dir, access: "write", gitDir: null },
        role,
        this.#stop.signal,
      );
      const attempts = canaryAttempts(sandbox.kind, {
        secretFile,
        outsideFile,
        port,
        secretNames: secretNames(),
        sh: await this.#launcher.sh(),
      });
      const answer = await hands.request({ type: "probe", attempts }, {
        signal: this.#stop.signal,
        wallMs: CANARY_WALL_MS,
      });
      if (answer.type !== "probe_done") return "the canary got no answer from the hands";
      if (answer.results.length < attempts.length) {
        return "the canary's hands did not try everything";
      }
      return firstHole(sandbox.kind, answer.results, await exists(outsideFile));
    } catch (error) {
      return `the canary could not run: ${messageOf(error)}`;
    } finally {
      await this.release(dir);
      for (const path of [dir, outsideFile]) {
        if (await exists(path)) await Deno.remove(path, { recursive: true });
      }
    }
  }

  async release(dir: string): Promise<void> {
    const entries = [...this.#entries].filter(([, entry]) => entry.dir === dir);
    await Promise.all(
      entries.map(([key, entry]) => this.#end(key, entry, "its folder was released")),
    );
  }

  async close(): Promise<void> {
    this.#stop.abort();
    const entries = [...this.#entries];
    await Promise.all(entries.map(([key, entry]) => this.#end(key, entry, "the server stops")));
  }

  /** A call that changes nothing is made again when another one's fault ended the hands under it. */
  async #askTool(place: Place, request: HandsRequest, signal: AbortSignal): Promise<HandsAnswer> {
    if (request.type !== "tool") throw new Error("not a tool call");
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
        : this.#seams.fileToolWallMs ?? FILE_TOOL_WALL_MS,
    };
    for (let left = findTool(name).readOnly ? READ_TRIES : 1;; left--) {
      try {
        const hands = await this.#take(place, role, signal);
        return await hands.request(request, options);
      } catch (error) {
        const again = error instanceof HandsLost && !error.culprit && left > 1 && !signal.aborted &&
          !this.#stop.signal.aborted;
        if (!again) throw error;
      }
    }
  }

  /** Running hands of the place, or new ones. */
  async #take(place: Place, role: HandsRole, signal: AbortSignal): Promise<HandsProcess> {
    const key = JSON.stringify([role, place.access, place.dir]);
    const entry = this.#entries.get(key);
    const running = await entry?.hands.catch(() => null);
    if (running && !running.isOver) {
      clearTimeout(entry!.idle);
      return running;
    }
    // Never two in one folder: the old ones are gone before the new ones start.
    await running?.kill("it is replaced");
    if (this.#stop.signal.aborted) {
      throw new AppError("conflict", "Cannot use tools: the server is stopping");
    }
    signal.throwIfAborted();
    // Another call may have started some while this one waited to hear that the old ones are over.
    if (this.#entries.get(key) !== entry) return await this.#take(place, role, signal);
    const fresh: Entry = { dir: place.dir, hands: this.#start(place, role, key) };
    this.#entries.set(key, fresh);
    fresh.hands.catch(() => this.#forget(key, fresh));
    return await fresh.hands;
  }

  async #start(place: Place, role: HandsRole, key: string): Promise<HandsProcess> {
    const info = await Deno.lstat(place.dir).catch(() => null);
    if (!info?.isDirectory) {
      throw new AppError(
        "conflict",
        `Cannot work in ${place.dir}: there is no such folder. Retry, so that it is made again`,
      );
    }
    const launch = await this.#launcher.plan(place, role, this.#stop.signal);
    const changed = this.#seams.launch?.(launch, role) ?? launch;
    const hands = new HandsProcess(changed, await this.#launcher.sh());
    hands.onIdle = () => this.#whenIdle(key, hands);
    return hands;
  }

  #whenIdle(key: string, hands: HandsProcess): void {
    const entry = this.#entries.get(key);
    if (!entry) return;
    clearTimeout(entry.idle);
    if (hands.isOver) {
      this.#options.log.info("hands ended", { folder: entry.dir, words: hands.lastWords });
      return;
    }
    const idleMs = this.#options.idleMs ?? DEFAULT_IDLE_MS;
    const timer = setTimeout(() => {
      if (!hands.isBusy) void this.#end(key, entry, "it was not used");
    }, idleMs);
    Deno.unrefTimer(timer);
    entry.idle = timer;
  }

  async #end(key: string, entry: Entry, cause: string): Promise<void> {
    clearTimeout(entry.idle);
    const hands = await entry.hands.catch(() => null);
    await hands?.close(cause);
    this.#forget(key, entry);
  }

  #forget(key: string, entry: Entry): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}

const cannotRun = (why: string, cause?: unknown): AppError =>
  new AppError("conflict", `Cannot run the command: ${why}`, [], { cause });

/** Variables of the server whose names no program needs; hands see others under these names, or none. */
function secretNames(): string[] {
  const shared =
    /^(PATH|HOME|TMPDIR|TERM|CI|LANG|LC_.*|TZ|NO_COLOR|GIT_.*|DENO_.*|PWD|SHLVL|_|OLDPWD)$/;
  const toolchains =
    /^(JAVA_HOME|GOROOT|RUSTUP_HOME|PYENV_ROOT|RBENV_ROOT|NODENV_ROOT|ASDF_DATA_DIR)$/;
  return Object.keys(Deno.env.toObject()).filter((name) =>
    !shared.test(name) && !toolchains.test(name)
  );
}

const exists = (path: string): Promise<boolean> => Deno.lstat(path).then(() => true, () => false);
