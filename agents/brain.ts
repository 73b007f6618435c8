/**
 * Entry of a brain: a Deno worker with no files, no commands and no host but the model's, in which many runs'
 * loops work side by side. It knows the key and the conversations; whatever is to be done, the server does.
 */
/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { messageOf } from "../server/errors.ts";
import { type Claude, createClaude } from "./loop/claude.ts";
import { BUNDLE_MS, bundleDeltas } from "./delta_bundle.ts";
import { runLoop } from "./loop/loop.ts";
import { createOutbox, NOTICE_MS } from "./outbox.ts";
import { probeBrain } from "./brain_probe.ts";
import type {
  FromBrain,
  NoteEvent,
  RunOutcome,
  ToBrain,
  ToolCall,
  ToolResult,
} from "./protocol.ts";

/** What a loop asks the server, without the numbers that bring the answer back. */
type Question = Extract<FromBrain, { requestId: number }>;
type Asked<T> = T extends Question ? Omit<T, "loop" | "requestId"> : never;
type Answer = { results: ToolResult[]; suspended: boolean };

let claude: Claude | null = null;
const loops = new Map<number, Loop>();

const post = createOutbox(
  (said) => self.postMessage(said),
  (callback) => void setTimeout(callback, NOTICE_MS),
);
const fault = (what: string, error: unknown): void =>
  post({ type: "fault", message: `${what}: ${error instanceof Error ? error.stack : error}` });

self.onmessage = ({ data }: MessageEvent<unknown>) => {
  // Not its text: a message to a brain may hold the key.
  if (!isToBrain(data)) return fault("Cannot read a message", "unknown type or no loop");
  switch (data.type) {
    case "init":
      claude = createClaude(data.endpoint, (quirk) => post({ type: "quirk", quirk }));
      return post({ type: "ready" });
    case "start":
      return void start(data);
    case "appended":
      return loops.get(data.loop)?.answer(data.requestId, { results: [], suspended: false });
    case "tool_results":
      return loops.get(data.loop)?.answer(data.requestId, data);
    case "note":
      return loops.get(data.loop)?.note(data.event);
    case "stop":
      return loops.get(data.loop)?.stop();
    case "ping":
      return post({ type: "pong", id: data.id });
    case "probe":
      return void probeBrain(data.targets).then(
        (holes) => post({ type: "probed", holes }),
        (error) => fault("Cannot probe", error),
      );
  }
};

// Uncaught, they would end this worker and every loop in it; one loop's fault is not the others'.
self.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  fault("Unhandled rejection", event.reason);
});
self.addEventListener("error", (event) => {
  event.preventDefault();
  fault("Uncaught error", event.error);
});

async function start(message: Extract<ToBrain, { type: "start" }>): Promise<void> {
  const loop = new Loop(message.loop);
  loops.set(message.loop, loop);
  let outcome: RunOutcome;
  try {
    outcome = await loop.run(message);
  } catch (error) {
    fault(`Loop of run "${message.spec.runId}"`, error);
    outcome = {
      type: "failed",
      reason: "internal",
      message: `Cannot go on: ${messageOf(error)}`,
    };
  }
  loops.delete(message.loop);
  post({ type: "outcome", loop: message.loop, outcome });
}

/** One run's loop, and what it waits for from the server. */
class Loop {
  readonly #number: number;
  readonly #stop = new AbortController();
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #requests = 0;
  /** The calls that were asked for together with their turn. */
  #announced: { turn: number; answer: Promise<Answer> } | null = null;
  /** For how long what the loop said was not on disk yet: no time of the run's, should the disk be full. */
  #savingMs = 0;
  /** Persons' notes that came since the server's last answer, and those that came before it. */
  #notes: NoteEvent[] = [];
  #heard: NoteEvent[] = [];

  constructor(number: number) {
    this.#number = number;
  }

  async run({ spec, log, elapsedMs }: Extract<ToBrain, { type: "start" }>): Promise<RunOutcome> {
    if (!claude) throw new Error("no model: `init` did not come first");
    const { signal } = this.#stop;
    const bundle = bundleDeltas(
      (turn, kind, text) => post({ type: "delta", loop: this.#number, turn, kind, text }),
      (callback) => {
        const timer = setTimeout(callback, BUNDLE_MS);
        return () => clearTimeout(timer);
      },
    );
    try {
      return await runLoop({
        spec,
        log,
        elapsedMs,
        model: this.#heardFrom(claude),
        signal,
        append: async (event, calls) => {
          bundle.flush();
          const beganMs = performance.now();
          const saved = this.#ask({ type: "append", event });
          if (event.type === "turn_finished" && calls) this.#announce(event.turn, calls);
          await saved;
          this.#savingMs += performance.now() - beganMs;
        },
        tools: (turn, calls) =>
          this.#takeAnnounced(turn) ?? this.#ask({ type: "tools", turn, calls }),
        heard: () => this.#heard.splice(0),
        delta: bundle.add,
        nowMs: () => performance.now() - this.#savingMs,
        delay,
        random: Math.random,
      });
    } finally {
      bundle.flush();
    }
  }

  /** Asked for with the turn, the calls begin as soon as that is on disk, and not a way there and back later. */
  #announce(turn: number, calls: ToolCall[]): void {
    if (this.#stop.signal.aborted) return;
    const answer = this.#ask({ type: "tools", turn, calls });
    answer.catch(() => {}); // told to who takes it, if anybody does
    this.#announced = { turn, answer };
  }

  #takeAnnounced(turn: number): Promise<Answer> | null {
    const announced = this.#announced;
    this.#announced = null;
    return announced?.turn === turn ? announced.answer : null;
  }

  /** The server is told of what its other runs' requests depend on. */
  #heardFrom(model: Claude): Claude {
    const loop = this.#number;
    return {
      turn: (request, options) =>
        model.turn(request, {
          ...options,
          onBegin: () => post({ type: "answering", loop }),
          onRate: (limits) => post({ type: "rate", loop, limits }),
        }),
    };
  }

  /** The server speaks in the order of the log, so what was heard is fixed here, not when the loop wakes up. */
  answer(requestId: number, answer: Answer): void {
    this.#heard.push(...this.#notes.splice(0));
    this.#waiting.get(requestId)?.(answer);
  }

  note(event: NoteEvent): void {
    this.#notes.push(event);
  }

  stop(): void {
    this.#stop.abort();
  }

  /** Asks the server. The question goes out even when the loop was just told to stop: what is paid gets saved. */
  async #ask(question: Asked<FromBrain>): Promise<Answer> {
    const requestId = ++this.#requests;
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    const { signal } = this.#stop;
    const stopped = () => reject(signal.reason);
    this.#waiting.set(requestId, resolve);
    signal.addEventListener("abort", stopped, { once: true });
    try {
      post({ ...question, loop: this.#number, requestId });
      signal.throwIfAborted();
      return await promise;
    } finally {
      signal.removeEventListener("abort", stopped);
      this.#waiting.delete(requestId);
    }
  }
}

/** Rejects when `signal` aborts. */
function delay(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  const stopped = () => {
    clearTimeout(timer);
    reject(signal.reason);
  };
  if (signal.aborted) stopped();
  signal.addEventListener("abort", stopped, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", stopped));
}

const loopMessages: ReadonlySet<string> = new Set([
  "start",
  "appended",
  "tool_results",
  "note",
  "stop",
]);
const otherMessages: ReadonlySet<string> = new Set(["init", "ping", "probe"]);

/** By its outline only: the server, which sends it, is the side that is trusted. */
function isToBrain(value: unknown): value is ToBrain {
  if (typeof value !== "object" || value === null) return false;
  const { type, loop } = value as { type?: unknown; loop?: unknown };
  if (typeof type !== "string") return false;
  return loopMessages.has(type) ? Number.isInteger(loop) : otherMessages.has(type);
}
