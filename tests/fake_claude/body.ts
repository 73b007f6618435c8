/** The body of a streamed answer, with the faults a test asked for. */
import { encodeEvent, type WireEvent } from "../../agents/demo/events.ts";
import { errorBody, WireError } from "../../agents/demo/wire.ts";
import type { After, Fault } from "./replies.ts";

/**
 * What was sent before a reset gets this long to leave the machine: Deno drops what it has not written yet, and
 * a client that saw no headers would send the request again by itself.
 */
const FLUSH_MS = 50;

/** How a response ended for the client. */
export type Ending = "complete" | "cut" | "disconnected";

export interface BodyOptions {
  events: WireEvent[];
  fault?: Fault;
  requestId: string;
  /** Waits before each event; rejects when the signal fires. */
  pace: (signal: AbortSignal) => Promise<void>;
  /** The server closes. */
  signal: AbortSignal;
  /** An event has been handed to the connection. */
  onSent: (event: WireEvent) => void;
  /** Called once. */
  onEnd: (ending: Ending) => void;
}

/** Streams the events one by one as the client reads them. */
export function eventBody(options: BodyOptions): ReadableStream<Uint8Array> {
  const { events, fault } = options;
  const gone = new AbortController();
  const signal = AbortSignal.any([gone.signal, options.signal]);
  const cutAt = fault ? indexAfter(events, fault.after) : -1;
  let faultDue = fault !== undefined;
  let at = 0;
  let ended = false;
  const end = (ending: Ending) => {
    if (!ended) options.onEnd(ending);
    ended = true;
  };

  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (faultDue && at === cutAt) {
          faultDue = false;
          if (await applyFault(fault!, controller, options, signal) === "over") return end("cut");
        }
        await options.pace(signal);
        signal.throwIfAborted();
        const event = events[at++]!;
        controller.enqueue(encode(event));
        options.onSent(event);
        if (at < events.length) return;
        controller.close();
        end("complete");
      } catch (error) {
        if (!signal.aborted) throw error;
        end("disconnected");
        controller.error(error);
      }
    },
    cancel() {
      gone.abort(new DOMException("The client is gone", "AbortError"));
      end("disconnected");
    },
  }, { highWaterMark: 0 });
}

/** Says whether the stream is over or goes on after the fault. */
async function applyFault(
  fault: Fault,
  controller: ReadableStreamDefaultController<Uint8Array>,
  { requestId }: BodyOptions,
  signal: AbortSignal,
): Promise<"over" | "goes on"> {
  switch (fault.type) {
    case "eof":
      controller.close();
      return "over";
    case "reset":
      await new Promise((resolve) => setTimeout(resolve, FLUSH_MS));
      controller.error(quietError("The fake server breaks the connection, as it was told"));
      return "over";
    case "error": {
      const body = errorBody(new WireError(fault.error, fault.message), requestId);
      controller.enqueue(encode(body));
      controller.close();
      return "over";
    }
    case "hold":
      await Promise.race([fault.until ?? new Promise(() => {}), aborted(signal)]);
      return "goes on";
  }
}

function indexAfter(events: WireEvent[], after: After): number {
  if (typeof after === "number") return Math.min(after, events.length - 1);
  if (after === "headers") return 0;
  const index = events.findIndex((event) => event.type === after);
  if (index < 0) throw new Error(`Cannot break the answer off: it has no event "${after}"`);
  return index + 1;
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) return reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** Deno prints the stack of what ends a body: one line is enough for what was meant. */
function quietError(message: string): Error {
  const error = new Error(message);
  error.stack = message;
  return error;
}

const encoder = new TextEncoder();
const encode = (event: WireEvent) => encoder.encode(encodeEvent(event));
