/**
 * The one place that starts git. Every call has a clean environment, no network but a push's, no hooks, no prompt,
 * an end in time and a cap on what it may print; arguments that come from outside are validated by the
 * callers (`repository.ts`), so that none can be taken for an option.
 */
import { AppError } from "../../server/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../server/clock.ts";
import { hadNoProgram, inOwnGroup, signalAll, signalGroup } from "../process_group.ts";
import { type ConfigFacts, configFacts, driversOff, joinSettings } from "./drivers.ts";
import { GitError, gitFaultIn } from "./git_error.ts";
import { gitEnvironment, guards, withoutPrograms } from "./guards.ts";

/** How long one git command may take unless the caller knows better. */
export const GIT_TIMEOUT_MS = 2 * MINUTE_MS;
/** Most bytes of standard output that are kept. */
export const GIT_OUTPUT_BYTES = 16 * 1024 * 1024;
const STDERR_BYTES = 64 * 1024;
/** From SIGTERM, at which git removes its lock files, to SIGKILL. */
const KILL_GRACE_MS = 2 * SECOND_MS;

/**
 * Where git works: a folder, or a worktree with its own folder under `.git/worktrees`. The second form
 * never reads the worktree's `.git` file, which code that ran in there may have replaced by one that
 * names other configuration.
 */
export type GitPlace = string | { path: string; gitDir: string };

export interface GitOptions {
  signal: AbortSignal;
  timeoutMs?: number;
  /** Cap on standard output; the command is ended when it prints more. */
  maxOutputBytes?: number;
  /** Standard input, text as UTF-8; none by default. */
  input?: string | Uint8Array;
  /** Added to the clean environment. */
  env?: Record<string, string>;
  /** Settings ("name=value") that come after the guards: only Gaffer's own words, never a configuration's. */
  settings?: readonly string[];
  /** Completes "Cannot …" where git fails for want of something that the machine lacks. */
  doing?: string;
  /** Gets standard output piece by piece, as bytes; the result's `stdout` is empty then. */
  onOutput?: (chunk: Uint8Array) => void;
}

export interface GitResult {
  /** Exit code; 0 when the output was cut, since git was then ended by us. */
  code: number;
  /** Decoded as UTF-8; bytes that are not become U+FFFD. */
  stdout: string;
  stderr: string;
  /** Standard output was longer than `maxOutputBytes` and is cut there. */
  truncated: boolean;
}

/**
 * Runs git and waits for its end. A non-zero exit is a value, not an error: unless the machine is to blame,
 * which says nothing about the repository. Throws the signal's reason when aborted, `GitError` then and on
 * time-out, and `AppError("invalid")` when git is not installed. However it ends, git and all that it started
 * in its process group are gone.
 */
export async function git(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions,
): Promise<GitResult> {
  const command = args[0] ?? "";
  const env = await driversOff({ ...configQuestion(place, options.signal), command });
  return await run(place, args, { ...options, env: joinSettings(options.env ?? {}, env) });
}

/**
 * What git's configuration says there; starts no process where that is known already. Null: git can't read it. Throws
 * as `git`.
 */
export const configOf = (place: GitPlace, signal: AbortSignal): Promise<ConfigFacts | null> =>
  configFacts(configQuestion(place, signal));

function configQuestion(place: GitPlace, signal: AbortSignal) {
  const { path, gitDir } = typeof place === "string" ? { path: place, gitDir: null } : place;
  return {
    path,
    gitDir,
    async config(args: string[]): Promise<string | null> {
      const { code, stdout, truncated } = await run(place, ["config", ...args], { signal });
      if (truncated) throw GitError.tooLong("read the configuration of git");
      return code === 0 ? stdout : null;
    },
  };
}

/**
 * Runs git and gives its standard output as it is: a file that is no text; null when that is longer than
 * `maxOutputBytes`. Throws as `gitOk` when git fails.
 */
export async function gitBytes(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions & { doing: string },
): Promise<Uint8Array<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  const onOutput = (chunk: Uint8Array) => void chunks.push(chunk);
  const result = await git(place, args, { ...options, onOutput });
  if (result.code !== 0) throw GitError.of(options.doing, place, result);
  return result.truncated ? null : joined(chunks);
}

async function run(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions,
): Promise<GitResult> {
  const { signal, timeoutMs = GIT_TIMEOUT_MS, maxOutputBytes = GIT_OUTPUT_BYTES } = options;
  signal.throwIfAborted();
  const child = spawn(place, args, options);
  const ending = new Ending(child);
  const stop = () => ending.begin();
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, timeoutMs);
  signal.addEventListener("abort", stop);
  try {
    const [stdout, stderr, status] = await Promise.all([
      collect(child.stdout, maxOutputBytes, ending, {
        onOverflow: stop,
        onChunk: options.onOutput,
      }),
      collect(child.stderr, STDERR_BYTES, ending),
      child.status,
      options.input === undefined ? undefined : feed(child.stdin, options.input),
    ]);
    signal.throwIfAborted();
    if (timedOut) throw GitError.timeout(args[0] ?? "", timeoutMs);
    if (hadNoProgram(status.code, stderr.text)) throw notInstalled();
    const truncated = stdout.truncated;
    const result = {
      code: truncated ? 0 : status.code,
      stdout: stdout.text,
      stderr: stderr.text,
      truncated,
    };
    if (result.code !== 0 && gitFaultIn(result.stderr) !== null) {
      throw GitError.of(options.doing ?? `run "git ${args[0]}"`, place, result);
    }
    return result;
  } catch (error) {
    stop();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    ending.finish();
  }
}

/**
 * Runs git and gives its standard output. `doing` completes "Cannot …" in the message of the `GitError`
 * that is thrown when git fails or prints more than the cap.
 */
export async function gitOk(
  place: GitPlace,
  args: readonly string[],
  options: GitOptions & { doing: string },
): Promise<string> {
  const result = await git(place, args, options);
  if (result.code !== 0) throw GitError.of(options.doing, place, result);
  if (result.truncated) throw GitError.tooLong(options.doing);
  return result.stdout;
}

function spawn(place: GitPlace, args: readonly string[], options: GitOptions): Deno.ChildProcess {
  const where = typeof place === "string"
    ? ["-C", place]
    : ["-C", place.path, `--git-dir=${place.gitDir}`, `--work-tree=${place.path}`];
  const settings = (options.settings ?? []).flatMap((setting) => ["-c", setting]);
  const { program, ...command } = inOwnGroup("git", [
    ...["--no-pager", ...guards, ...settings, ...where, ...withoutPrograms(args)],
  ]);
  try {
    return new Deno.Command(program, {
      ...command,
      // Git is told its folder by -C: a missing one is then git's own message, not "git not found".
      cwd: "/",
      clearEnv: true,
      env: gitEnvironment(options.env ?? {}),
      stdin: options.input === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  } catch (error) {
    throw error instanceof Deno.errors.NotFound ? notInstalled(error) : error;
  }
}

const notInstalled = (cause?: unknown) =>
  new AppError(
    "invalid",
    "Cannot run git: it is not installed or not on the PATH. Install git, then start Gaffer again",
    [],
    { cause },
  );

/** Ends a process group: asked first, so that git cleans up, forced after a grace. */
class Ending {
  readonly #child: Deno.ChildProcess;
  #forceTimer: ReturnType<typeof setTimeout> | undefined;
  /** Resolves when waiting for more output is pointless. */
  readonly over = Promise.withResolvers<void>();

  constructor(child: Deno.ChildProcess) {
    this.#child = child;
  }

  begin(): void {
    if (this.#forceTimer !== undefined) return;
    signalAll(this.#child, "SIGTERM");
    this.#forceTimer = setTimeout(() => {
      signalAll(this.#child, "SIGKILL");
      this.over.resolve();
    }, KILL_GRACE_MS);
  }

  finish(): void {
    // The leader is gone; whatever it left in its group must not outlive the call.
    if (this.#forceTimer !== undefined) signalGroup(this.#child.pid, "SIGKILL");
    clearTimeout(this.#forceTimer);
    this.over.resolve();
  }
}

async function collect(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
  ending: Ending,
  { onOverflow, onChunk }: { onOverflow?: () => void; onChunk?: (chunk: Uint8Array) => void } = {},
): Promise<{ text: string; truncated: boolean }> {
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let truncated = false;
  const over = ending.over.promise.then(() => ({ done: true, value: undefined }) as const);
  while (true) {
    const { done, value } = await Promise.race([reader.read(), over]);
    if (done) break;
    if (truncated) continue; // read on, so that git is not stopped by a full pipe
    if (size + value.length > maxBytes) {
      truncated = true;
      onOverflow?.();
    }
    const kept = value.subarray(0, maxBytes - size);
    if (onChunk) onChunk(kept);
    else chunks.push(kept);
    size += Math.min(value.length, maxBytes - size);
  }
  await reader.cancel();
  return { text: new TextDecoder().decode(joined(chunks)), truncated };
}

function joined(chunks: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

async function feed(
  stdin: WritableStream<Uint8Array>,
  input: string | Uint8Array,
): Promise<void> {
  const writer = stdin.getWriter();
  try {
    await writer.write(typeof input === "string" ? new TextEncoder().encode(input) : input);
    await writer.close();
  } catch (error) {
    // Git ended before it read everything: its exit code and message tell why. A stream that broke while
    // it was idle says so with a TypeError at its next use.
    if (!(error instanceof Deno.errors.BrokenPipe) && !(error instanceof TypeError)) throw error;
  }
}
