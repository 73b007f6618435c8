/** One brain as the server sees it: its worker, the loops it runs, and whether it still lives. */
import { MINUTE_MS, SECOND_MS } from "../server/clock.ts";
import { messageOf } from "../server/errors.ts";
import type { Log } from "../server/log.ts";
import { Unavailable } from "../server/machine_fault.ts";
import type { Timers } from "../server/timers.ts";
import { readFromBrain } from "./brain_messages.ts";
import { Heartbeat } from "./heartbeat.ts";
import type {
  FromBrain,
  ModelEndpoint,
  NoteEvent,
  Quirk,
  RateLimits,
  RunEventBody,
  RunOutcome,
  RunSpec,
  ToBrain,
  ToolCall,
  ToolResult,
} from "./protocol.ts";
import type { DeltaKind } from "./loop/turn.ts";
import type { ThreadClock } from "./thread_clock.ts";

/** A brain is up in a tenth of a second; on a machine that swaps it may take long. */
const START_TIMEOUT_MS = MINUTE_MS / 2;
/** Between two tries to save what the disk did not take. */
export const SAVE_AGAIN_MS = SECOND_MS / 4;

/** What the server does for one loop. */
export interface BrainHost {
  /** Resolves when the event is on disk. A throw ends the loop, but for `Unavailable`: then it is asked again. */
  append(event: RunEventBody): void | Promise<void>;
  tools(turn: number, calls: ToolCall[]): Promise<{ results: ToolResult[]; suspended: boolean }>;
  delta(turn: number, kind: DeltaKind, text: string): void;
  /** The request on its way begins to be answered. */
  answering?(): void;
  rate?(limits: RateLimits): void;
  /** The loop has its log; from now on `tell` gives it what a person appends to it. */
  begun?(tell: (event: NoteEvent) => void): void;
}

export interface BrainLinkOptions {
  worker: Worker;
  /** Of the worker's thread. */
  clock: ThreadClock;
  endpoint: ModelEndpoint;
  /** See `Heartbeat`. */
  heartbeatMs: number | undefined;
  /** How long a loop that was told to stop may take to save what it has. */
  stopGraceMs: number;
  /** For what is done again and again: pings, and tries to save. */
  timers: Timers;
  log: Log;
  /** The endpoint does not take something; see `Quirk`. */
  onQuirk?: (quirk: Quirk) => void;
  /** The brain is gone and its loops have been let go; called once. */
  onLost: () => void;
  /** A loop ended. */
  onLoopEnd: () => void;
}

type Timer = ReturnType<typeof setTimeout>;

interface Loop {
  host: BrainHost;
  /** Told to stop: it may save what it has, and begins nothing new. */
  stopping: boolean;
  /** An event of it is not on disk yet, and has not failed to get there. */
  saving: boolean;
  /** Calls that came with their turn: they begin when that is on disk. */
  announced: ToolsMessage | null;
  /** Settles when no tool call of it is at work. */
  tools: Promise<void>;
  /** Settles when its newest event is on disk, or can't be saved. */
  appending: Promise<void>;
  end: (outcome: RunOutcome) => void;
  fail: (error: unknown) => void;
}

type ToolsMessage = Extract<FromBrain, { type: "tools" }>;

export class BrainLink {
  readonly #options: BrainLinkOptions;
  readonly #loops = new Map<number, Loop>();
  readonly #started: Timer;
  #state: "starting" | "ready" | "gone" = "starting";
  #lastLoop = 0;
  #lastPing = 0;
  readonly #heartbeat: Heartbeat;

  /** Takes the worker over, with what becomes of it. */
  constructor(options: BrainLinkOptions) {
    this.#options = options;
    const { worker } = options;
    this.#heartbeat = new Heartbeat({
      everyMs: options.heartbeatMs,
      ping: () => this.#post({ type: "ping", id: ++this.#lastPing }),
      onLost: () => this.#lose("it does not answer"),
      clock: options.clock,
      timers: options.timers,
      nowMs: () => performance.now(),
    });
    worker.onmessage = ({ data }) => {
      for (const message of Array.isArray(data) ? data : [data]) this.#receive(message);
    };
    worker.onmessageerror = () => this.#lose("it sent what can't be read");
    worker.onerror = (event) => {
      // Otherwise an error in the worker would end the whole server.
      event.preventDefault();
      this.#lose(event.message);
    };
    this.#started = setTimeout(() => this.#lose("it did not start in time"), START_TIMEOUT_MS);
    this.#post({ type: "init", endpoint: options.endpoint });
  }

  /** Loops that work here. */
  get active(): number {
    return this.#loops.size;
  }

  /** Rejects when the host throws: what it could not save must not be taken for saved. */
  async run(
    start: { spec: RunSpec; log: RunEventBody[]; elapsedMs: number },
    host: BrainHost,
    signal: AbortSignal,
  ): Promise<RunOutcome> {
    if (signal.aborted) return { type: "stopped" };
    const number = ++this.#lastLoop;
    const { promise, resolve, reject } = Promise.withResolvers<RunOutcome>();
    const loop: Loop = {
      host,
      stopping: false,
      saving: false,
      announced: null,
      tools: Promise.resolve(),
      appending: Promise.resolve(),
      end: resolve,
      fail: reject,
    };
    this.#loops.set(number, loop);
    this.#beat();
    const aborted = Promise.withResolvers<void>();
    let grace: Timer | undefined;
    const stop = () => {
      loop.stopping = true;
      aborted.resolve();
      this.#post({ type: "stop", loop: number });
      grace = setTimeout(() => loop.end({ type: "stopped" }), this.#options.stopGraceMs);
    };
    signal.addEventListener("abort", stop, { once: true });
    // Sent before the worker has loaded, it waits in the worker's inbox.
    this.#post({ type: "start", loop: number, ...start });
    host.begun?.((event) => this.#post({ type: "note", loop: number, event }));
    try {
      const outcome = await promise;
      // Of a lost brain, calls may be at work: their results are saved before the run begins anew.
      if (outcome.type === "retry") await Promise.race([loop.tools, aborted.promise]);
      // What is on its way to the disk must not come into the log when the run's next life has read it.
      await loop.appending;
      return signal.aborted ? { type: "stopped" } : outcome;
    } catch (error) {
      this.#post({ type: "stop", loop: number });
      if (signal.aborted) return { type: "stopped" };
      throw error;
    } finally {
      clearTimeout(grace);
      signal.removeEventListener("abort", stop);
      // From here on whatever the loop still says is ignored.
      this.#loops.delete(number);
      this.#beat();
      this.#options.onLoopEnd();
    }
  }

  /** Ends the worker; loops that work in it end as stopped. */
  close(): void {
    this.#leave({ type: "stopped" });
  }

  #receive(data: unknown): void {
    if (this.#state === "gone") return;
    const message = readFromBrain(data);
    if (!message) return this.#lose("it sent a message that the protocol does not know");
    this.#heartbeat.sign();
    switch (message.type) {
      case "ready":
        this.#state = "ready";
        clearTimeout(this.#started);
        return this.#beat();
      case "pong":
        return;
      case "fault":
        this.#options.log.error("Fault in a brain", { fault: message.message });
        if (this.#state === "starting") this.#lose("it could not start");
        return;
      case "probed":
        return;
      case "quirk":
        return this.#options.onQuirk?.(message.quirk);
      default:
        return this.#serve(message);
    }
  }

  #serve(message: Extract<FromBrain, { loop: number }>): void {
    const loop = this.#loops.get(message.loop);
    if (!loop) return;
    try {
      switch (message.type) {
        case "append":
          loop.appending = this.#append(message, loop);
          return;
        case "tools":
          if (loop.stopping) return;
          if (loop.saving) loop.announced = message;
          else loop.tools = this.#useTools(message, loop);
          return;
        case "delta":
          return loop.host.delta(message.turn, message.kind, message.text);
        case "answering":
          return loop.host.answering?.();
        case "rate":
          return loop.host.rate?.(message.limits);
        case "outcome":
          return loop.end(message.outcome);
      }
    } catch (error) {
      this.#letGo(message.loop, loop, error);
    }
  }

  /** A turn that is paid for is kept for as long as it can't be saved: a full disk is emptied some time. */
  async #append(message: Extract<FromBrain, { type: "append" }>, loop: Loop): Promise<void> {
    loop.saving = true;
    try {
      await loop.host.append(message.event);
    } catch (error) {
      if (!(error instanceof Unavailable)) return this.#letGo(message.loop, loop, error);
      const again = () => {
        if (this.#loops.get(message.loop) === loop) this.#serve(message);
      };
      this.#options.timers.after(SAVE_AGAIN_MS, again, { keepAlive: true });
      return;
    }
    loop.saving = false;
    this.#post({ type: "appended", loop: message.loop, requestId: message.requestId });
    const { announced } = loop;
    loop.announced = null;
    if (announced && this.#loops.get(message.loop) === loop) this.#serve(announced);
  }

  async #useTools(message: ToolsMessage, loop: Loop): Promise<void> {
    const { loop: number, requestId } = message;
    try {
      const { results, suspended } = await loop.host.tools(message.turn, message.calls);
      this.#post({ type: "tool_results", loop: number, requestId, results, suspended });
    } catch (error) {
      this.#letGo(number, loop, error);
    }
  }

  /** At once, so that nothing more of it is saved after what could not be. */
  #letGo(number: number, loop: Loop, error: unknown): void {
    const atWork = this.#loops.delete(number);
    if (atWork) loop.fail(error);
    else this.#options.log.warn("A step failed after its loop", { error: messageOf(error) });
  }

  #post(message: ToBrain): void {
    if (this.#state !== "gone") this.#options.worker.postMessage(message);
  }

  /** Pings while there is work: a worker can end without an event, and an idle one costs nothing. */
  #beat(): void {
    if (this.#loops.size > 0 && this.#state === "ready") this.#heartbeat.start();
    else this.#heartbeat.stop();
  }

  #lose(why: string): void {
    if (this.#state === "gone") return;
    this.#options.log.error("A brain was lost", { why, runs: this.#loops.size });
    // One that never came up would fail the next try just as fast: the job's own backoff decides when.
    const afterMs = this.#state === "ready" ? 0 : null;
    const message = `The worker that ran the loop was lost: ${why}`;
    this.#leave({ type: "retry", reason: "worker_lost", message, afterMs });
    this.#options.onLost();
  }

  #leave(outcome: RunOutcome): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    clearTimeout(this.#started);
    this.#options.worker.terminate();
    for (const loop of this.#loops.values()) loop.end(outcome);
    this.#loops.clear();
    this.#beat();
  }
}
