/** One child process of hands, seen from the server: requests in, answers out, and a sure end. */
import { setPriority } from "node:os";
import { SECOND_MS } from "../server/clock.ts";
import { messageOf } from "../server/errors.ts";
import { Brood } from "./brood.ts";
import { parseAnswer } from "./hands_answers.ts";
import { NICENESS } from "./hands_config.ts";
import type { Launch } from "./hands_launch.ts";
import type { HandsLimits } from "./hands_limits.ts";
import { LineTooLong, MAX_ANSWER_BYTES, readLines } from "./lines.ts";
import { inOwnGroup, signalChild } from "./process_group.ts";
import type { FromHands, ToHands } from "./protocol.ts";
import { sweepMarked } from "./sweep.ts";

const START_TIMEOUT_MS = 15 * SECOND_MS;
/** From a cancel to SIGKILL, for what does not listen. */
const CANCEL_GRACE_MS = 500;
/** For commands without a sandbox to be ended by their own parent; the sweep comes after that. */
const CLOSE_GRACE_MS = 300;
/** A process in the middle of a system call can't die at once; nobody waits longer for it. */
const KILL_WAIT_MS = 5 * SECOND_MS;
/** The server looks for what was left over at its next start, too. */
const SWEEP_TRIES = 20;
const SWEEP_AGAIN_MS = 100;
const STDERR_CHARS = 4_000;
const MAX_TOLD_CHARS = 500;
/** For what a process that has ended wrote last. */
const LAST_WORDS_MS = 200;
/** Most live output of one request; the hands cut it off earlier themselves. */
const MAX_LIVE_CHARS = 16 * 1024 * 1024;
/** Most that is read of standard error in a process's whole life: a command may have got hold of it. */
const MAX_STDERR_BYTES = 16 * 1024 * 1024;

/** What may be asked; the number is given here. */
export type HandsRequest = DistributiveOmit<Exclude<ToHands, { type: "cancel" }>, "id">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export type HandsAnswer = Exclude<FromHands, { type: "ready" | "output" }>;

/** The process ended before it answered. */
export class HandsLost extends Error {
  override name = "HandsLost";
  /**
   * `culprit`: it was ended because of this very call. `excess`: because its commands took too much of the
   * machine, which is their own doing.
   */
  constructor(readonly reason: string, readonly culprit: boolean, readonly excess = false) {
    super(`Hands were lost: ${reason}`);
  }
}

export interface RequestOptions {
  signal: AbortSignal;
  /** Most time until the answer, from when the hands are ready; beyond it the process is killed. */
  wallMs: number;
  onOutput?: (text: string) => void;
}

interface Open {
  isCommand: boolean;
  resolve(answer: HandsAnswer): void;
  reject(error: HandsLost): void;
  onOutput?: (text: string) => void;
  liveChars: number;
}

interface End {
  cause: string;
  culprit: number | null;
  excess?: boolean;
}

export class HandsProcess {
  readonly #child: Deno.ChildProcess;
  readonly #launch: Launch;
  readonly #sh: string;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  readonly #open = new Map<number, Open>();
  readonly #ready = Promise.withResolvers<void>();
  readonly #reading: Promise<void>;
  readonly #readingErrors: Promise<void>;
  #lastId = 0;
  #stderr = "";
  #end: Promise<void> | undefined;
  #endedBy: End | undefined;
  /** Called whenever a request is made while none is open. */
  onBusy: () => void = () => {};
  /** Called whenever the last open request is answered, and at the end. */
  onIdle: () => void = () => {};

  /** Throws when the program can't be started. `sh` is the shell that ends what is left over. */
  constructor(launch: Launch, sh: string) {
    this.#launch = launch;
    this.#sh = sh;
    // A terminal's Ctrl+C is meant for the server, which lets the calls at work finish.
    const { program, ...command } = inOwnGroup(launch.program, launch.args);
    this.#child = new Deno.Command(program, {
      ...command,
      env: launch.env,
      clearEnv: true,
      cwd: "/", // a shell would tell its children where the server was started
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#giveWay();
    this.#stdin = this.#child.stdin.getWriter();
    this.#ready.promise.catch(() => {}); // whoever waits for it gets it too
    this.#readingErrors = this.#readErrors();
    this.#reading = Promise.all([this.#readAnswers(), this.#readingErrors]).then(() => {});
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves when it can work, or has taken as long for that as it may, or never will. */
  get startOver(): Promise<void> {
    return within(START_TIMEOUT_MS, this.#ready.promise).catch(() => {}); // told to who asks it for something
  }

  get isOver(): boolean {
    return this.#endedBy !== undefined;
  }

  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  get limits(): HandsLimits {
    return this.#launch.limits;
  }

  /** A command is at work in it. */
  get runsCommand(): boolean {
    return this.#open.values().some(({ isCommand }) => isCommand);
  }

  /** What it wrote to standard error last. */
  get lastWords(): string {
    return this.#stderr.trim();
  }

  /**
   * Asks, and waits for the answer. When `signal` aborts, the hands are told, and killed if they do not
   * answer at once. Throws `HandsLost` when the process ends before.
   */
  async request(request: HandsRequest, options: RequestOptions): Promise<HandsAnswer> {
    const { signal, wallMs, onOutput } = options;
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<HandsAnswer>();
    if (this.#endedBy) throw new HandsLost(this.#endedBy.cause, false);
    promise.catch(() => {}); // may come before anyone waits for it
    if (this.#open.size === 0) this.onBusy();
    const isCommand = request.type === "command" ||
      request.type === "tool" && request.call.name === "Bash";
    this.#open.set(id, { isCommand, resolve, reject, onOutput, liveChars: 0 });
    const timers: ReturnType<typeof setTimeout>[] = [];
    const killIn = (ms: number, cause: string) =>
      timers.push(setTimeout(() => void this.kill(cause, id), ms));
    const onAbort = () => {
      this.#send({ type: "cancel", id });
      killIn(CANCEL_GRACE_MS, "it did not stop when told to");
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await this.#started();
      killIn(wallMs, `it did not answer within ${wallMs / SECOND_MS} s`);
      this.#send({ ...request, id } as ToHands);
      if (signal.aborted) onAbort();
      return await promise;
    } finally {
      this.#open.delete(id);
      timers.forEach(clearTimeout);
      signal.removeEventListener("abort", onAbort);
      if (this.#open.size === 0) this.onIdle();
    }
  }

  /** Ends it and all that it started; resolves when they are gone. `culprit`: the request that is to blame. */
  kill(cause: string, culprit: number | null = null): Promise<void> {
    this.#endedBy ??= { cause, culprit };
    this.#end ??= this.#finish("SIGKILL");
    return this.#end;
  }

  /** As `kill`, for having taken too much: what it was at work on is to blame, if that is clear. */
  endForExcess(cause: string): Promise<void> {
    this.#endedBy ??= { cause, culprit: this.#onlyOpen(), excess: true };
    return this.kill(cause);
  }

  /** As `kill`, but lets it end its commands itself first. */
  close(cause: string): Promise<void> {
    this.#endedBy ??= { cause, culprit: null };
    this.#end ??= this.#finish("end of input");
    return this.#end;
  }

  /** Null: it is at work on several requests, and which one is to blame is not known. */
  #onlyOpen(): number | null {
    const [id = null, ...others] = this.#open.keys();
    return others.length === 0 ? id : null;
  }

  /** It does so itself, too, but most of what it computes it does before it comes to that. */
  #giveWay(): void {
    try {
      setPriority(this.pid, NICENESS);
    } catch (error) {
      // It has ended between its start and this, which its output tells.
      this.#stderr += `\nits priority can't be set: ${messageOf(error)}`;
    }
  }

  async #started(): Promise<void> {
    const timer = setTimeout(() => void this.kill("it did not start in time"), START_TIMEOUT_MS);
    try {
      await this.#ready.promise;
    } finally {
      clearTimeout(timer);
    }
  }

  #send(message: ToHands): void {
    const line = new TextEncoder().encode(JSON.stringify(message) + "\n");
    // A write fails when the process has ended, which its output tells as well.
    this.#stdin.write(line).catch(() => {});
  }

  async #readAnswers(): Promise<void> {
    try {
      for await (const line of readLines(this.#child.stdout, MAX_ANSWER_BYTES)) {
        this.#take(parseAnswer(line));
      }
    } catch (error) {
      const what = error instanceof LineTooLong
        ? messageOf(error)
        : "it sent something that is not an answer";
      void this.kill(what);
    }
    const { cause, culprit } = await this.#causeOfEnd();
    void this.kill(cause, culprit);
  }

  #take(answer: FromHands): void {
    if (answer.type === "ready") return this.#ready.resolve();
    const open = this.#open.get(answer.id);
    if (!open) return;
    if (answer.type !== "output") return open.resolve(answer);
    open.liveChars += answer.text.length;
    if (open.liveChars <= MAX_LIVE_CHARS) open.onOutput?.(answer.text);
    else void this.kill("it sent more output than it may", answer.id);
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    let bytes = 0;
    for await (const chunk of this.#child.stderr) {
      bytes += chunk.length;
      if (bytes > MAX_STDERR_BYTES) return void this.kill("it wrote more errors than it may");
      this.#stderr = (this.#stderr + decoder.decode(chunk, { stream: true })).slice(-STDERR_CHARS);
    }
  }

  async #causeOfEnd(): Promise<End> {
    const { signal, code } = await this.#child.status;
    await within(LAST_WORDS_MS, this.#readingErrors);
    if (/out of memory/i.test(this.#stderr)) {
      return { cause: "it ran out of memory", culprit: this.#onlyOpen() };
    }
    const why = signal ? `signal ${signal}` : `exit code ${code}`;
    const cause = `it ended by itself (${why})${this.lastWords && `: ${told(this.lastWords)}`}`;
    return { cause, culprit: null };
  }

  async #finish(how: "SIGKILL" | "end of input"): Promise<void> {
    const brood = this.#launch.mayLeave ? new Brood(this.pid) : null;
    let gone = false;
    const status = this.#child.status.then(() => gone = true);
    if (how === "end of input") {
      this.#stdin.close().catch(() => {}); // it has ended already
      await within(CLOSE_GRACE_MS, status);
    }
    if (!gone) signalChild(this.#child, "SIGKILL");
    brood?.kill();
    await within(KILL_WAIT_MS, status);
    this.#stdin.abort().catch(() => {}); // closed already, or broken: either way nobody reads it
    const { cause, culprit, excess } = this.#endedBy!;
    this.#ready.reject(new HandsLost(cause, culprit !== null, excess));
    for (const [id, open] of this.#open) open.reject(new HandsLost(cause, id === culprit, excess));
    // What was in a namespace with it died with it; the rest is found by its environment.
    await this.#sweep();
    await within(KILL_WAIT_MS, this.#reading);
    const { tempDir } = this.#launch;
    if (tempDir) await Deno.remove(tempDir, { recursive: true }).catch(() => {});
    this.onIdle();
  }

  /** Where a fork bomb has left no process to be had, it takes a moment until there is one for the sweep. */
  async #sweep(): Promise<void> {
    for (let left = SWEEP_TRIES; left > 0; left--) {
      try {
        await sweepMarked(this.#sh, this.#launch.marker);
        return;
      } catch (error) {
        this.#stderr += `\nwhat was left over can't be looked for: ${messageOf(error)}`;
        await within(SWEEP_AGAIN_MS, new Promise(() => {}));
      }
    }
  }
}

async function within(ms: number, promise: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  await Promise.race([promise, late]);
  clearTimeout(timer);
}

/** The line that says what went wrong: the runtime's own begin so, with a stack below them. */
function told(lastWords: string): string {
  const lines = lastWords.split("\n");
  const line = lines.find((line) => /^error: |^thread '.*' panicked/.test(line)) ?? lines.at(-1)!;
  return line.slice(0, MAX_TOLD_CHARS);
}
