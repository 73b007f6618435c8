/**
 * Server-sent events. A client that does not keep up is cut off instead of filling the memory: it gets what
 * waits for it, reconnects, and says with `Last-Event-ID` where to go on.
 */
import type { RequestContext } from "./api.ts";
import { SECOND_MS } from "./clock.ts";
import { AppError } from "./errors.ts";
import { type Cancel, systemTimers, type Timers } from "./timers.ts";

export interface SseMessage {
  /** Number that the client sends back as `Last-Event-ID`; a message without one leaves it as it was. */
  id?: number;
  /** Name; a client listens to messages without one by default. */
  event?: string;
  /** Text of any number of lines. */
  data: string;
}

export interface SseClient {
  /** False: the client is gone or was just cut off. Nothing more will reach it. */
  send(message: SseMessage): boolean;
  /** Ends the stream after what was sent. */
  close(): void;
}

export interface EventStreams {
  /**
   * Answers with a stream. `start` is called at once, sends what the client missed and subscribes it, in one
   * go, so that nothing falls between; it returns what ends the subscription. What it throws is thrown.
   */
  open(c: RequestContext, start: (client: SseClient) => Cancel): Response;
  /** Ends all streams and refuses new ones: a server that shuts down would wait for them for ever. */
  closeAll(): void;
  readonly count: number;
}

/** Keeps proxies from closing a silent stream, and finds out who is gone. */
export const HEARTBEAT_MS = 15 * SECOND_MS;
/** What may wait for one client. */
export const MAX_WAITING_BYTES = 1_000_000;
/** How long a client that was cut off may take to read what waits for it. */
export const DRAIN_MS = 30 * SECOND_MS;
/** Streams at the same time: a page has one. */
export const MAX_STREAMS = 1_000;
/** How soon a client comes back after a cut, in milliseconds. */
const RETRY_MS = 1_000;

const encoder = new TextEncoder();

export function createEventStreams(timers: Timers = systemTimers): EventStreams {
  const streams = new Set<Stream>();
  let closed = false;
  return {
    open(c, start) {
      if (closed) {
        throw new AppError("conflict", "Cannot open the stream: Gaffer is stopping", [], {
          status: 503,
        });
      }
      if (streams.size >= MAX_STREAMS) {
        throw new AppError(
          "rate_limited",
          `Cannot open the stream: ${MAX_STREAMS} are open already. Close some pages`,
        );
      }
      const headers = {
        "content-type": "text/event-stream; charset=utf-8",
        // Compression would hold messages back until a block is full.
        "cache-control": "no-store, no-transform",
        "x-accel-buffering": "no",
      };
      if (c.req.method === "HEAD") return c.body(null, 200, headers);
      const stream = new Stream(timers, () => streams.delete(stream));
      streams.add(stream);
      stream.begin(start);
      return c.body(stream.readable, 200, headers);
    },
    closeAll() {
      closed = true;
      for (const stream of streams) stream.close();
    },
    get count() {
      return streams.size;
    },
  };
}

class Stream implements SseClient {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  #controller!: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>;
  #open = true;
  #unsubscribe: Cancel = () => {};
  #cancelTimer: Cancel = () => {};

  constructor(readonly timers: Timers, readonly onEnd: () => void) {
    this.readable = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => void (this.#controller = controller),
        cancel: () => {
          this.#end();
          this.#cancelTimer(); // nobody reads any more: nothing is left to drain
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES }),
    );
  }

  begin(start: (client: SseClient) => Cancel): void {
    this.#write(`retry: ${RETRY_MS}\n\n`);
    try {
      const unsubscribe = start(this);
      // The client may have been cut off while it was told what it had missed.
      if (this.#open) this.#unsubscribe = unsubscribe;
      else unsubscribe();
    } catch (error) {
      this.close();
      this.#cancelTimer();
      throw error;
    }
    if (this.#open) this.#beat();
  }

  send(message: SseMessage): boolean {
    return this.#open && this.#write(frameOf(message));
  }

  close(): void {
    if (!this.#open) return;
    this.#end();
    const waits = this.#controller.desiredSize! < MAX_WAITING_BYTES;
    this.#controller.close();
    if (!waits) return;
    this.#cancelTimer = this.timers.after(
      DRAIN_MS,
      () => this.#controller.error(new Error("The client of the event stream does not read")),
    );
  }

  #write(text: string): boolean {
    if (this.#controller.desiredSize! <= 0) {
      this.close();
      return false;
    }
    this.#controller.enqueue(encoder.encode(text));
    return true;
  }

  #beat(): void {
    this.#cancelTimer = this.timers.after(HEARTBEAT_MS, () => {
      if (this.#write(": still here\n\n")) this.#beat();
    });
  }

  #end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#cancelTimer();
    this.#unsubscribe();
    this.onEnd();
  }
}

function frameOf({ id, event, data }: SseMessage): string {
  if (event !== undefined && !/^[\w.-]+$/.test(event)) {
    throw new TypeError(`Cannot send an event named ${JSON.stringify(event)}`);
  }
  const lines = data.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`).join("");
  return `${id === undefined ? "" : `id: ${id}\n`}${event ? `event: ${event}\n` : ""}${lines}\n`;
}

/**
 * Number of the last event that the client has: of `Last-Event-ID` after a cut, else of `?after=` which the
 * page was rendered with. Null: it wants what comes from now on. Throws `invalid` for anything but a number.
 */
export function lastEventId(c: RequestContext): number | null {
  const text = c.req.header("last-event-id") || c.req.query("after");
  if (text === undefined || text === "") return null;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new AppError("invalid", "Cannot resume the stream: the last event's id is not a number", [
    { field: "Last-Event-ID", message: "Send the id of the last message that you got" },
  ]);
}
