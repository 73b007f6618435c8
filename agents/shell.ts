/** Runs commands in the folder of a place, each in a shell and a process group of its own. */
import { absolutePath, isInside, relativePath } from "./paths.ts";
import type { CommandLimits } from "./hands_limits.ts";
import { HeadAndTail } from "./output.ts";
import { inOwnGroup, signalAll, signalGroup } from "./process_group.ts";
import type { CommandResult } from "./protocol.ts";
import { MARKER_VARIABLE, sweepMarked, sweepNamespace } from "./sweep.ts";

/** Most bytes of one command's output that are passed on while it runs. */
const MAX_STREAMED_BYTES = 8 * 1024 * 1024;
/** For what is still in the pipes when all writers are dead. */
const DRAIN_MS = 500;
const MAX_CWD_BYTES = 8_192;

/** When memory runs out, the kernel ends a command before it ends the server. */
const EXPENDABLE = "echo 500 >/proc/self/oom_score_adj";
/**
 * What holds a shell, and all that it starts, to the limits. No memory of a crash is kept. File sizes are in kilobytes
 * to bash by its own name, else in half ones. Processes are counted per user and namespace: outside of one of its own
 * it would count the person's own, too. Twice as many as are allowed, whose excess has a name when it is found from
 * outside; the letter is bash's or dash's.
 */
export function ulimits(
  { cpuSeconds, fileBytes, openFiles, tasks }: CommandLimits,
  { isBash, ownNamespace }: { isBash: boolean; ownNamespace: boolean },
): string {
  const most = [
    ...["ulimit -c 0", `ulimit -t ${cpuSeconds}`],
    ...[`ulimit -f ${Math.floor(fileBytes / (isBash ? 1024 : 512))}`, `ulimit -n ${openFiles}`],
    ...ownNamespace ? [`ulimit -u ${2 * tasks} || ulimit -p ${2 * tasks}`] : [],
  ];
  return most.join("; ");
}

// The two outputs become one; the error pipe then carries only the folder in which the shell ended.
// `shift` hides the command's own text from it.
const wrapper = (limits: string) =>
  `{ ${EXPENDABLE}; ${limits}; } 2>/dev/null
exec 9>&2 2>&1
trap 'pwd -P >&9' EXIT
eval "shift
$1"`;

export interface ShellOptions {
  /** Absolute real path of the place. */
  dir: string;
  /** Absolute path of a POSIX shell. */
  sh: string;
  /** Absolute path of bash, where there is one. */
  bash: string | null;
  /** All that commands see of the environment. */
  env: Record<string, string>;
  limits: CommandLimits;
  /** Begins the marker of everything that is started. */
  marker: string;
  /** In a process namespace of our own: what is left when no command runs is to be killed. */
  ownNamespace: boolean;
}

export interface ShellRequest {
  command: string;
  interpreter: "sh" | "bash";
  /** Relative to the place. */
  cwd: string;
  timeoutMs: number;
  env?: Record<string, string>;
  /** Kills the command and all it started; `run` then throws the reason. */
  signal: AbortSignal;
  /** Of the output that is kept: head and tail beyond it. */
  maxOutputBytes: number;
  /** Gets the output as it comes, up to a limit. */
  onOutput?: (text: string) => void;
}

export interface ShellResult extends CommandResult {
  /** What there is to say about the folder it started or ended in. */
  note: string | null;
}

export class Shell {
  readonly #options: ShellOptions;
  #running = 0;
  #started = 0;
  #sweeping: Promise<unknown> = Promise.resolve();

  constructor(options: ShellOptions) {
    this.#options = options;
  }

  /** Ends with all that the command started gone, also what it left in the background. */
  async run(request: ShellRequest): Promise<ShellResult> {
    await this.#sweeping;
    request.signal.throwIfAborted();
    const { env, dir, marker: prefix } = this.#options;
    const marker = `${prefix}.${++this.#started}.`;
    this.#running++;
    try {
      const { child, cwd } = this.#spawn(request, {
        ...env,
        ...request.env,
        [MARKER_VARIABLE]: marker,
      });
      const { folder, ...result } = await this.#follow(child, request, () => this.#sweep(marker));
      const end = this.#endOf(cwd, folder);
      if (cwd === request.cwd) return { ...result, ...end };
      const note = `The folder ${dir}/${request.cwd} is gone; the shell started in ${dir}.`;
      return { ...result, cwd: end.cwd, note };
    } finally {
      this.#running--;
    }
  }

  /** Kills whatever still runs. */
  close(): Promise<boolean> {
    return sweepMarked(this.#options.sh, this.#options.marker + ".");
  }

  /** Starts in the place itself when the folder asked for is gone. */
  #spawn(
    request: ShellRequest,
    env: Record<string, string>,
  ): { child: Deno.ChildProcess; cwd: string } {
    const { sh, dir, limits, ownNamespace } = this.#options;
    const bash = request.interpreter === "bash" ? this.#options.bash : null;
    const own = ulimits(limits, { isBash: bash !== null, ownNamespace });
    const { program, ...command } = inOwnGroup(
      bash ?? sh,
      ["-c", wrapper(own), "sh", request.command],
    );
    const start = (cwd: string) => ({
      cwd,
      child: new Deno.Command(program, {
        ...command,
        cwd: absolutePath(dir, cwd),
        env,
        clearEnv: true,
        stdin: "null",
        stdout: "piped",
        stderr: "piped",
      }).spawn(),
    });
    try {
      return start(request.cwd);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound) || request.cwd === "") throw error;
      return start("");
    }
  }

  async #follow(
    child: Deno.ChildProcess,
    request: ShellRequest,
    sweep: () => Promise<void>,
  ): Promise<Omit<CommandResult, "cwd"> & { folder: string }> {
    const startedAt = performance.now();
    const output = new HeadAndTail(request.maxOutputBytes);
    const folder = new HeadAndTail(MAX_CWD_BYTES);
    const reading = [
      read(child.stdout, passOn(output, request.onOutput)),
      read(child.stderr, (chunk) => folder.push(chunk)),
    ];
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      signalAll(child, "SIGKILL");
    }, request.timeoutMs);
    const onAbort = () => signalAll(child, "SIGKILL");
    request.signal.addEventListener("abort", onAbort, { once: true });
    if (request.signal.aborted) onAbort();
    const status = await child.status;
    clearTimeout(timer);
    request.signal.removeEventListener("abort", onAbort);
    signalGroup(child.pid, "SIGKILL");
    await sweep();
    await drain(reading);
    request.signal.throwIfAborted();
    return {
      exitCode: timedOut ? null : status.code,
      timedOut,
      durationMs: Math.round(performance.now() - startedAt),
      output: output.text(),
      outputBytes: output.total,
      folder: folder.text().trimEnd(),
    };
  }

  #endOf(startedIn: string, ended: string): Pick<ShellResult, "cwd" | "note"> {
    if (!ended.startsWith("/")) return { cwd: startedIn, note: null };
    const { dir } = this.#options;
    if (isInside(dir, ended)) return { cwd: relativePath(dir, ended), note: null };
    const note = "The shell ended outside of the project; the next one starts where this one did.";
    return { cwd: startedIn, note };
  }

  #sweep(marker: string): Promise<void> {
    const { sh, ownNamespace } = this.#options;
    const sweep = async () => {
      // A process may have dropped its environment; when no command runs, nothing else should.
      const all = ownNamespace && this.#running === 1 && await sweepNamespace(sh, Deno.pid);
      if (!all) await sweepMarked(sh, marker);
    };
    const done = this.#sweeping.then(sweep);
    this.#sweeping = done.catch(() => {}); // the failure is `done`'s to report
    return done;
  }
}

interface Reading {
  done: Promise<void>;
  cancel(): void;
}

function read(stream: ReadableStream<Uint8Array>, take: (chunk: Uint8Array) => void): Reading {
  const reader = stream.getReader();
  const pump = async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read()) take(next.value);
  };
  return { done: pump(), cancel: () => void reader.cancel().catch(() => {}) };
}

function passOn(output: HeadAndTail, onOutput?: (text: string) => void) {
  const decoder = new TextDecoder();
  return (chunk: Uint8Array) => {
    const room = MAX_STREAMED_BYTES - output.total;
    output.push(chunk);
    if (!onOutput || room <= 0) return;
    const text = decoder.decode(chunk.subarray(0, room), { stream: true });
    onOutput(chunk.length < room ? text : `${text}\n[the rest of the output is not shown live]\n`);
  };
}

/** A process that can't be killed may hold a pipe open: that must not hold us. */
async function drain(readings: Reading[]): Promise<void> {
  const timer = setTimeout(() => readings.forEach((reading) => reading.cancel()), DRAIN_MS);
  await Promise.all(readings.map((reading) => reading.done));
  clearTimeout(timer);
}
