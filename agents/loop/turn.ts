/** One request to the model and its answer, without the vendor: what the loop asks for and what it gets. */
import type { FailureReason } from "../../server/states.ts";
import type {
  ContentBlock,
  ModelSpec,
  RateLimits,
  ToolResultBlock,
  ToolSpec,
  Usage,
} from "../protocol.ts";

export interface TextBlock {
  type: "text";
  text: string;
}

/** A message of the history. `system` is an operator's word in the midst of it. */
export type Message =
  | { role: "user"; content: (ToolResultBlock | TextBlock)[] }
  | { role: "assistant"; content: ContentBlock[] }
  | { role: "system"; content: TextBlock[] };

/** Within a run `model`, `system` and `tools` never change, and `messages` only grows. */
export interface TurnRequest {
  model: ModelSpec;
  system: string;
  tools: ToolSpec[];
  messages: Message[];
  maxOutputTokens: number;
  /** Asks for a summary of `messages` to go on from, in place of the next answer. */
  compacts?: true;
}

export interface TurnAnswer {
  content: ContentBlock[];
  stopReason: string;
  /** Why the model refused, as its provider names it; null unless `stopReason` is "refusal". */
  refusal: string | null;
  usage: Usage;
  requestId: string | null;
  /** Tools of the request that the endpoint does not have; absent: it has them all. */
  withoutTools?: string[];
}

export type DeltaKind = "text" | "thinking" | "tool";

export interface Model {
  /**
   * Sends one request and waits for the whole answer. Throws `TurnError` when there is none; nothing has
   * been done with a broken answer, so the same request may be sent again. Settles soon after `signal` aborts,
   * then with `worker_lost` and what the request is known to have cost.
   */
  turn(request: TurnRequest, options: TurnOptions): Promise<TurnAnswer>;
}

export interface TurnOptions {
  signal: AbortSignal;
  onDelta: (kind: DeltaKind, text: string) => void;
  /** The answer begins: what the request wrote into the provider's cache can be read from now on. */
  onBegin?: () => void;
  /** What the provider's headers tell of its rate limits, of answers and refusals alike. */
  onRate?: (limits: RateLimits) => void;
}

/** A request that brought no answer. The message holds no secret. */
export class TurnError extends Error {
  override name = "TurnError";
  constructor(
    readonly reason: FailureReason,
    message: string,
    readonly details: {
      /** What the server asked us to wait; null: it did not say. */
      retryAfterMs: number | null;
      /** What was told of the usage before it broke. */
      usage: Usage;
    },
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
