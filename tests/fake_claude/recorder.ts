/** What the fake server remembers of each request, and how a test waits for one. */
import type { Message, WireErrorType, WireUsage } from "../../agents/demo/wire.ts";
import type { Ending } from "./body.ts";
import { costMicroUsd } from "./models.ts";
import type { ClaudeRequest } from "./request.ts";

const WAIT_LIMIT_MS = 60_000;

export interface RecordedRequest {
  /** From 1, in order of arrival. */
  number: number;
  method: string;
  path: string;
  headers: Headers;
  requestId: string;
  /** The parsed body as it was sent; undefined when there was none or it was no JSON. */
  body: unknown;
  /** Set once it has passed all checks as a request for an answer. */
  request: ClaudeRequest | null;
  /** 0 until it is answered. */
  status: number;
  /** The refusal, or the error that ended the stream. */
  error: { type: WireErrorType; message: string } | null;
  /** What was meant to be answered. */
  message: Message | null;
  /** The usage that the client was last told: what it has to pay for. Null: nothing. */
  billed: WireUsage | null;
  /** Null while the answer is on its way. */
  ending: Ending | null;
  /** When that was, in milliseconds since the epoch. */
  endedAtMs: number | null;
}

/** The list of requests, with waiters that look at it each time something changed. */
export class Recorder {
  readonly requests: RecordedRequest[] = [];
  readonly #prefix: string;
  #waiters = new Set<() => void>();

  /** `prefix`: how the ids of its requests begin. */
  constructor(prefix = "req_") {
    this.#prefix = prefix;
  }

  add(http: Request): RecordedRequest {
    const number = this.requests.length + 1;
    const recorded: RecordedRequest = {
      number,
      method: http.method,
      path: new URL(http.url).pathname,
      headers: http.headers,
      requestId: `${this.#prefix}${String(number).padStart(6, "0")}`,
      body: undefined,
      request: null,
      status: 0,
      error: null,
      message: null,
      billed: null,
      ending: null,
      endedAtMs: null,
    };
    this.requests.push(recorded);
    return recorded;
  }

  /** To be called after each change of a record. */
  changed(): void {
    for (const look of [...this.#waiters]) look();
  }

  /** Resolves with the first record that matches, now or later. Rejects after 30 s. */
  waitFor(matches: (recorded: RecordedRequest) => boolean): Promise<RecordedRequest> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = this.requests.find(matches);
        if (found) finish(() => resolve(found));
      };
      const finish = (settle: () => void) => {
        clearTimeout(timer);
        this.#waiters.delete(look);
        settle();
      };
      const timer = setTimeout(
        () => finish(() => reject(new Error("Cannot wait longer: no such request came"))),
        WAIT_LIMIT_MS,
      );
      this.#waiters.add(look);
      look();
    });
  }

  get paid(): RecordedRequest[] {
    return this.requests.filter((recorded) => recorded.billed !== null);
  }

  get costMicroUsd(): number {
    return this.paid.reduce(
      (sum, { request, billed }) => sum + costMicroUsd(request!.body.model, billed!),
      0,
    );
  }
}
