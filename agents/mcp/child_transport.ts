/** MCP over the pipes of a process: one JSON-RPC message a line, bounded before anything parses it. */
import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { messageOf } from "../../server/errors.ts";
import { LineTooLong, MAX_ANSWER_BYTES, readLines } from "../lines.ts";
import { signalAll } from "../process_group.ts";

/** Lines that are no message before the server is given up: some print a greeting. */
const MAX_STRAY_LINES = 100;
/** Most that it may say from one question to the next: what is beyond all answers is a flood, and costs the server. */
const MAX_SAID_CHARS = 16 * 1024 * 1024;
/** Most that is read of standard error in its whole life. */
const MAX_STDERR_BYTES = 16 * 1024 * 1024;
/** Of what it writes to standard error, the end, for the message that says why it ended. */
const STDERR_CHARS = 2_000;

class Flood extends Error {}

export class ChildTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #child: Deno.ChildProcess;
  readonly #stdin: WritableStreamDefaultWriter<Uint8Array>;
  #stderr = "";
  #strayLines = 0;
  /** Since it was asked something last. */
  #saidChars = 0;
  #closed = false;
  #cause: string | null = null;
  #ended = false;
  /** By this and `pid` the SDK knows a program: one that is silent at first speaks an older protocol. */
  readonly stderr = null;

  /** Takes the process over: it ends with the transport. All three of its pipes are ours. */
  constructor(child: Deno.ChildProcess) {
    this.#child = child;
    this.#stdin = child.stdin.getWriter();
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** It ended by itself, or closed its output. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Why it was ended; null: it was not, or ended by itself. */
  get endedFor(): string | null {
    return this.#cause;
  }

  /** Why it was ended, or what it wrote to standard error last. */
  get lastWords(): string {
    return this.#cause ?? this.#stderr.trim();
  }

  start(): Promise<void> {
    // A pipe that breaks tells no more than that the program ends, which its output tells as well.
    this.#readErrors().catch(() => {});
    void this.#readMessages();
    return Promise.resolve();
  }

  async send(message: JSONRPCMessage): Promise<void> {
    this.#saidChars = 0;
    await this.#stdin.write(new TextEncoder().encode(`${JSON.stringify(message)}\n`));
  }

  /** Closes it for a reason of ours. */
  end(cause: string): Promise<void> {
    this.#cause = cause;
    return this.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    signalAll(this.#child, "SIGKILL");
    await this.#child.status;
    await this.#stdin.abort().catch(() => {}); // nobody reads it any more
    this.onclose?.();
  }

  async #readMessages(): Promise<void> {
    try {
      for await (const line of readLines(this.#child.stdout, MAX_ANSWER_BYTES)) this.#take(line);
      this.#ended = !this.#closed;
    } catch (error) {
      const cause = error instanceof LineTooLong || error instanceof Flood
        ? error
        : new Error(`its output broke: ${messageOf(error)}`);
      this.#cause ??= cause.message;
      this.onerror?.(cause);
    }
    await this.close();
  }

  #take(line: string): void {
    if (this.#closed) return;
    this.#saidChars += line.length;
    if (this.#saidChars > MAX_SAID_CHARS) throw new Flood("it says more than it is asked for");
    let message: JSONRPCMessage;
    try {
      message = JSON.parse(line);
    } catch {
      if (++this.#strayLines > MAX_STRAY_LINES) throw new Error("it prints what is no message");
      return;
    }
    this.onmessage?.(message);
  }

  async #readErrors(): Promise<void> {
    const decoder = new TextDecoder();
    let bytes = 0;
    for await (const chunk of this.#child.stderr) {
      bytes += chunk.length;
      if (bytes > MAX_STDERR_BYTES) return void this.end("it wrote more errors than it may");
      this.#stderr = (this.#stderr + decoder.decode(chunk, { stream: true })).slice(-STDERR_CHARS);
    }
  }
}
